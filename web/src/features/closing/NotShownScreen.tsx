import { useSay } from '../../text/say-context';
import { Button } from '../../ui/Button';
import { Message } from '../../ui/Message';

/** Instead of a screen that could not be shown, often because its program is gone from the server since the page was opened. */
export function NotShownScreen({ onHome }: { readonly onHome: (() => void) | null }) {
  const say = useSay();
  return (
    <Message heading={say('out.notShownHeading')} text={say('out.notShownText')}>
      <Button onClick={() => location.reload()} autoFocus>
        {say('page.reload')}
      </Button>
      {onHome && (
        <Button tone="quiet" onClick={onHome}>
          {say('out.home')}
        </Button>
      )}
    </Message>
  );
}
