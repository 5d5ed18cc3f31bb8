import { groupMeetingId } from '../../state/meeting-id';
import type { Phase, Seat } from '../../state/seat';
import { useSay } from '../../text/say-context';
import { Button } from '../../ui/Button';
import { Message } from '../../ui/Message';

/** Nobody has created this meeting: offer to start it (MEET-6). */
export function MissingScreen({ seat, phase, onHome }: { readonly seat: Seat; readonly phase: Phase & { kind: 'missing' }; readonly onHome: () => void }) {
  const say = useSay();
  return (
    <Message heading={say('join.missingHeading', { id: groupMeetingId(seat.meetingId) })} text={phase.problem?.detail ?? say('join.missingText')}>
      <Button onClick={() => void seat.start()} isBusy={phase.isStarting} autoFocus>
        {say('join.start')}
      </Button>
      <Button tone="quiet" onClick={onHome}>
        {say('out.home')}
      </Button>
    </Message>
  );
}
