import type { OutReason, Phase, Seat } from '../../state/seat';
import type { TextKey } from '../../text/keys';
import { useSay } from '../../text/say-context';
import { Button } from '../../ui/Button';
import { Message } from '../../ui/Message';

/** Why the person is out, what that means, and the first thing to do next. */
const WORDS: Readonly<Record<OutReason, { readonly heading: TextKey; readonly text: TextKey | null; readonly action: TextKey | null }>> = {
  left: { heading: 'out.leftHeading', text: 'out.leftText', action: 'out.rejoin' },
  moved: { heading: 'out.movedHeading', text: 'out.movedText', action: 'out.movedBack' },
  removed: { heading: 'out.removedHeading', text: 'out.removedText', action: 'out.tryAgain' },
  ended: { heading: 'out.endedHeading', text: 'out.endedText', action: 'out.rejoin' },
  denied: { heading: 'out.deniedHeading', text: 'out.deniedText', action: 'out.tryAgain' },
  full: { heading: 'out.fullHeading', text: 'out.fullText', action: 'out.tryAgain' },
  locked: { heading: 'out.lockedHeading', text: 'out.lockedText', action: 'out.tryAgain' },
  invalid: { heading: 'out.invalidHeading', text: 'out.invalidText', action: null },
  refused: { heading: 'out.refusedHeading', text: null, action: 'out.tryAgain' },
};

/** Out of the meeting: never a dead end. */
export function OutScreen({ phase, seat, onHome }: { readonly phase: Phase & { kind: 'out' }; readonly seat: Seat; readonly onHome: () => void }) {
  const say = useSay();
  const { heading, text, action } = WORDS[phase.why];
  const again = (): void => void (phase.why === 'moved' ? seat.takeBack() : seat.look());
  return (
    <Message heading={say(heading)} text={text ? say(text) : [phase.problem?.detail, phase.problem?.cure].filter(Boolean).join(' ')} motion={phase.why === 'left' ? 'still' : 'waits'}>
      {action && (
        <Button onClick={again} autoFocus>
          {say(action)}
        </Button>
      )}
      <Button tone="quiet" onClick={onHome}>
        {say('out.home')}
      </Button>
    </Message>
  );
}
