import type { Notice, Notices } from '../state/notices';
import { useSay } from '../text/say-context';
import { IconButton } from '../ui/Button';
import { useLive } from '../ui/use-live';
import styles from './NoticeStack.module.css';

/** The one stack of short messages, beside the bar and never over it. The live region stays while messages come and go. */
export function NoticeStack({ notices }: { readonly notices: Notices }) {
  const list = useLive(notices.list);
  return (
    <div className={styles['stack']} role="region" aria-live="polite" aria-relevant="additions">
      {list.map((notice) => (
        <One key={notice.id} notice={notice} onDismiss={() => notices.dismiss(notice.id)} />
      ))}
    </div>
  );
}

function One({ notice, onDismiss }: { readonly notice: Notice; readonly onDismiss: () => void }) {
  const say = useSay();
  const { action } = notice;
  return (
    <div className={styles['notice']} data-tone={notice.tone} role={notice.tone === 'knock' ? 'alert' : undefined}>
      <span>{say(notice.text, notice.values)}</span>
      {action && (
        <button
          type="button"
          className={styles['action']}
          onClick={() => {
            action.run();
            onDismiss();
          }}
        >
          {say(action.text)}
        </button>
      )}
      <IconButton icon="close" iconSize={15} aria-label={say('notice.dismiss')} onClick={onDismiss} />
    </div>
  );
}
