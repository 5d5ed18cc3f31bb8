import { Button, Dialog, DialogTrigger, Popover } from 'react-aria-components';
import type { MeetingModel } from '../../state/meeting';
import { EMOJI } from '../../state/reactions';
import { useSay } from '../../text/say-context';
import { Icon } from '../../ui/Icon';
import styles from './ReactButton.module.css';

/** A row of faces to send; they rise and are gone. */
export function ReactButton({ meeting, className }: { readonly meeting: MeetingModel; readonly className: string | undefined }) {
  const say = useSay();
  return (
    <DialogTrigger>
      <Button className={className ?? ''} aria-label={say('meeting.react')}>
        <Icon name="smile" size={21} />
      </Button>
      <Popover placement="top" offset={10} className={styles['popover'] ?? ''}>
        <Dialog className={styles['row'] ?? ''} aria-label={say('meeting.reactions')}>
          {({ close }) =>
            EMOJI.map((emoji) => (
              <button
                key={emoji}
                type="button"
                onClick={() => {
                  meeting.reactions.send(emoji);
                  close();
                }}
              >
                {emoji}
              </button>
            ))
          }
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
