import { useEffect } from 'react';
import { OutScreen } from '../features/closing/OutScreen';
import { UnreachableScreen } from '../features/closing/UnreachableScreen';
import { BeforeJoining } from '../features/joining/BeforeJoining';
import { KnockingScreen } from '../features/joining/KnockingScreen';
import { MissingScreen } from '../features/joining/MissingScreen';
import { groupMeetingId } from '../state/meeting-id';
import type { Page } from '../state/page';
import type { Seat } from '../state/seat';
import { useSay } from '../text/say-context';
import { Loading } from '../ui/Loading';
import { useLive } from '../ui/use-live';
import { MeetingScreen } from './MeetingScreen';

/** One meeting's address: whatever stands between the link and being in, and then the meeting itself. */
export function MeetingRoute({ page, seat }: { readonly page: Page; readonly seat: Seat }) {
  const say = useSay();
  const phase = useLive(seat.phase);
  const goHome = (): void => page.goHome();

  useEffect(() => {
    const id = groupMeetingId(seat.meetingId);
    document.title = say(phase.kind === 'in' ? 'page.titleMeeting' : 'page.titleJoin', { id });
    return () => {
      document.title = say('page.titleHome');
    };
  }, [seat, phase.kind, say]);

  useEffect(() => {
    const wake = (): void => {
      if (document.visibilityState === 'visible') seat.retryNow();
    };
    window.addEventListener('online', wake);
    document.addEventListener('visibilitychange', wake);
    return () => {
      window.removeEventListener('online', wake);
      document.removeEventListener('visibilitychange', wake);
    };
  }, [seat]);

  switch (phase.kind) {
    case 'looking':
      return <Loading label={say('join.looking')} />;
    case 'returning':
      return <Loading label={say('join.returning')} />;
    case 'missing':
      return <MissingScreen seat={seat} phase={phase} onHome={goHome} />;
    case 'before':
      return <BeforeJoining page={page} seat={seat} phase={phase} />;
    case 'knocking':
      return <KnockingScreen seat={seat} />;
    case 'in':
      return <MeetingScreen page={page} seat={seat} meeting={phase.meeting} />;
    case 'out':
      return <OutScreen phase={phase} seat={seat} onHome={goHome} />;
    case 'unreachable':
      return <UnreachableScreen seat={seat} retryAt={phase.retryAt} onHome={goHome} />;
  }
}
