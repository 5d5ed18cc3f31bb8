import { groupMeetingId, meetingPath } from '../../state/meeting-id';
import { useSay } from '../../text/say-context';
import { Button } from '../../ui/Button';
import { TwoRounds } from '../../ui/Mark';
import { useCopy } from '../../ui/use-copy';
import styles from './Alone.module.css';

/** One o waits for the other: how to bring people in. */
export function Alone({ meetingId }: { readonly meetingId: string }) {
  const say = useSay();
  const [isCopied, copy] = useCopy();
  return (
    <aside className={styles['card']}>
      <TwoRounds motion="waits" size={22} />
      <div>
        <p>
          <b>{say('meeting.alone')}</b>
        </p>
        <p className={styles['soft']}>{say('meeting.aloneHint')}</p>
        <p className="code">{groupMeetingId(meetingId)}</p>
      </div>
      <Button size="s" icon={isCopied ? 'check' : 'link'} onClick={() => copy(location.origin + meetingPath(meetingId))}>
        {say(isCopied ? 'meeting.copied' : 'people.invite')}
      </Button>
    </aside>
  );
}
