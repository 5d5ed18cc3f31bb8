import { useEffect, useState } from 'react';
import { groupMeetingId, meetingPath } from '../../state/meeting-id';
import type { MeetingModel } from '../../state/meeting';
import { useLanguage, useSay } from '../../text/say-context';
import { Icon } from '../../ui/Icon';
import { Mark } from '../../ui/Mark';
import { useCopy } from '../../ui/use-copy';
import { useLive } from '../../ui/use-live';
import styles from './TopLine.module.css';

/** Which meeting this is, a way to copy its link, and how long it has been. */
export function TopLine({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  const { title, locked } = useLive(meeting.state).meeting;
  const [isCopied, copy] = useCopy();
  return (
    <header className={styles['top']}>
      <h1 className="hidden-text">{title || groupMeetingId(meeting.id)}</h1>
      <Mark onStage />
      <button type="button" className={styles['chip']} aria-label={`${groupMeetingId(meeting.id)}, ${say('meeting.copyLink')}`} title={say('meeting.copyLink')} onClick={() => copy(location.origin + meetingPath(meeting.id))}>
        <span className="code" dir="ltr">
          {groupMeetingId(meeting.id)}
        </span>
        <Icon name={isCopied ? 'check' : 'copy'} size={15} />
      </button>
      <span role="status" className="hidden-text">
        {isCopied ? say('meeting.copied') : ''}
      </span>
      {locked && <Icon name="lock" size={16} />}
      {title && (
        <span className={styles['title']} dir="auto">
          {title}
        </span>
      )}
      <Elapsed from={meeting.joinedAt} />
    </header>
  );
}

function Elapsed({ from }: { readonly from: number }) {
  const [minutes, setMinutes] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setMinutes(Math.floor((Date.now() - from) / 60_000)), 1000);
    return () => clearInterval(timer);
  }, [from]);
  const language = useLanguage();
  const hours = Math.floor(minutes / 60);
  const shown = new Intl.NumberFormat(language, { style: 'unit', unit: 'minute', unitDisplay: 'short' });
  return (
    <span className={styles['time']} role="timer" aria-live="off">
      {hours > 0 ? `${hours}:${String(minutes % 60).padStart(2, '0')}` : shown.format(minutes)}
    </span>
  );
}
