import type { MeetingModel } from '../../state/meeting';
import { useLive } from '../../ui/use-live';
import styles from './RisingReactions.module.css';

/** Reactions rise at the side, with the name of who sent them, and are gone. */
export function RisingReactions({ meeting }: { readonly meeting: MeetingModel }) {
  const shown = useLive(meeting.reactions.shown);
  const { participants } = useLive(meeting.state);
  return (
    <div className={styles['rising']} role="log" aria-live="polite" aria-relevant="additions">
      {shown.map((reaction) => (
        <p key={reaction.id} style={{ insetInlineStart: `${(reaction.id * 37) % 120}px` }}>
          <span className={styles['emoji']}>{reaction.emoji}</span>
          <span className={styles['name']} dir="auto">
            {participants.get(reaction.participantId)?.label ?? ''}
          </span>
        </p>
      ))}
    </div>
  );
}
