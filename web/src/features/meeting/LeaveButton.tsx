import { useState } from 'react';
import type { MeetingModel } from '../../state/meeting';
import { useSay } from '../../text/say-context';
import { ActionMenu } from '../../ui/ActionMenu';
import { Confirm } from '../../ui/Confirm';
import { Icon } from '../../ui/Icon';
import { useLive } from '../../ui/use-live';

/** Leave at once; a host may also end the meeting for everyone, after a question. */
export function LeaveButton({ meeting, className, onLeave }: { readonly meeting: MeetingModel; readonly className: string | undefined; readonly onLeave: () => void }) {
  const say = useSay();
  const isHost = useLive(meeting.isHost);
  const [isAsking, setAsking] = useState(false);
  if (!isHost) {
    return (
      <button type="button" className={className} aria-label={say('meeting.leave')} onClick={onLeave}>
        <Icon name="leave" />
        <span>{say('meeting.leave')}</span>
      </button>
    );
  }
  return (
    <>
      <ActionMenu
        label={say('meeting.leave')}
        className={className}
        placement="top end"
        actions={[
          { id: 'leave', label: say('meeting.leaveOnly'), icon: 'leave', run: onLeave },
          { id: 'end', label: say('meeting.end'), icon: 'close', tone: 'stop', run: () => setAsking(true) },
        ]}
      >
        <Icon name="leave" />
        <span>{say('meeting.leave')}</span>
      </ActionMenu>
      <Confirm
        isOpen={isAsking}
        heading={say('meeting.endConfirm')}
        text={say('meeting.endText')}
        confirm={say('meeting.end')}
        cancel={say('meeting.cancel')}
        onAnswer={(isYes) => {
          setAsking(false);
          if (isYes) void meeting.hosting.end();
        }}
      />
    </>
  );
}
