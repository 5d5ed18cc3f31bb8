import type { Seat } from '../../state/seat';
import { useSay } from '../../text/say-context';
import { Button } from '../../ui/Button';
import { Message } from '../../ui/Message';
import { useCountdown } from '../../ui/use-countdown';

/** No server for now: counts down to the next try, which comes by itself. */
export function UnreachableScreen({ seat, retryAt, onHome }: { readonly seat: Seat; readonly retryAt: number; readonly onHome: () => void }) {
  const say = useSay();
  const count = useCountdown(retryAt);
  return (
    <Message
      heading={say('out.unreachableHeading')}
      motion="meets"
      text={
        <>
          {say('out.unreachableText')} <span aria-live="off">{say('out.unreachableIn', { count })}</span>
        </>
      }
    >
      <Button onClick={() => seat.retryNow()}>{say('meeting.tryNow')}</Button>
      <Button tone="quiet" onClick={onHome}>
        {say('out.home')}
      </Button>
    </Message>
  );
}
