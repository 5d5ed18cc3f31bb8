import { useEffect, useState } from 'react';
import type { MeetingModel } from '../../state/meeting';
import { useSay } from '../../text/say-context';
import { TwoRounds } from '../../ui/Mark';
import { useCountdown } from '../../ui/use-countdown';
import { useLive } from '../../ui/use-live';
import styles from './ConnectionVeil.module.css';

/** Losses shorter than this heal unseen: saying so would only startle. */
const PATIENCE_MS = 1_200;

/** The network is gone: the last frames stay, a line below counts down, and it heals by itself. */
export function ConnectionVeil({ meeting }: { readonly meeting: MeetingModel }) {
  const link = useLive(meeting.stream.link);
  const lostAt = link.kind === 'waiting' || link.kind === 'connecting' ? link.lostAt : null;
  const [longFor, setLongFor] = useState<number | null>(null);
  useEffect(() => {
    if (lostAt === null) return undefined;
    const timer = setTimeout(() => setLongFor(lostAt), Math.max(0, lostAt + PATIENCE_MS - Date.now()));
    return () => clearTimeout(timer);
  }, [lostAt]);
  if (lostAt === null || longFor !== lostAt) return null;
  return <Veil meeting={meeting} retryAt={link.kind === 'waiting' ? link.retryAt : null} />;
}

function Veil({ meeting, retryAt }: { readonly meeting: MeetingModel; readonly retryAt: number | null }) {
  const say = useSay();
  const seconds = useCountdown(retryAt ?? 0);
  return (
    <div className={styles['veil']}>
      <div className={styles['card']}>
        <TwoRounds motion="meets" size={20} />
        <p role="alert" className="hidden-text">
          {say('meeting.reconnecting')}
        </p>
        <p aria-hidden="true">{retryAt !== null && seconds > 0 ? say('meeting.reconnectingIn', { count: seconds }) : say('meeting.reconnecting')}</p>
        <button type="button" onClick={() => meeting.stream.retryNow()}>
          {say('meeting.tryNow')}
        </button>
      </div>
    </div>
  );
}
