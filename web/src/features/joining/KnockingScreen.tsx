import type { Seat } from '../../state/seat';
import { useSay } from '../../text/say-context';
import { Button } from '../../ui/Button';
import { Message } from '../../ui/Message';

/** Waiting at the door; the answer comes by itself. */
export function KnockingScreen({ seat }: { readonly seat: Seat }) {
  const say = useSay();
  return (
    <div role="status">
      <Message heading={say('join.knockingHeading')} text={say('join.knockingText')} motion="waits">
        <Button tone="quiet" onClick={() => void seat.stopKnocking()}>
          {say('join.stopKnocking')}
        </Button>
      </Message>
    </div>
  );
}
