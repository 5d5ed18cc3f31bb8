import { Suspense, useCallback, useEffect, useMemo, useState } from 'react';
import { ChatPanel } from '../features/chat/ChatPanel';
import { Bar } from '../features/meeting/Bar';
import { ConnectionVeil } from '../features/meeting/ConnectionVeil';
import { FloatingWindow, openFloatingWindow } from '../features/meeting/FloatingWindow';
import { Hints } from '../features/meeting/Hints';
import type { MoreActions } from '../features/meeting/MoreMenu';
import { RisingReactions } from '../features/meeting/RisingReactions';
import { StageView } from '../features/meeting/StageView';
import { TopLine } from '../features/meeting/TopLine';
import { PeoplePanel } from '../features/people/PeoplePanel';
import type { MeetingModel } from '../state/meeting';
import type { Page } from '../state/page';
import type { Seat } from '../state/seat';
import { useSay } from '../text/say-context';
import { useLive } from '../ui/use-live';
import { Boundary } from './Boundary';
import { leaveFullScreen, toggleFullScreen } from './full-screen';
import styles from './MeetingScreen.module.css';
import { NoticeStack } from './NoticeStack';
import { part } from './part';
import { useShortcuts } from './use-shortcuts';
import { useWakeLock } from './use-wake-lock';

const SettingsDialog = part(async () => (await import('../features/settings/SettingsDialog')).SettingsDialog);
const StatisticsDialog = part(async () => (await import('../features/statistics/StatisticsDialog')).StatisticsDialog);
const ShortcutsDialog = part(async () => (await import('../features/settings/ShortcutsDialog')).ShortcutsDialog);

/** The meeting itself: people look at each other, everything else appears when wanted and leaves again. */
export function MeetingScreen({ page, seat, meeting }: { readonly page: Page; readonly seat: Seat; readonly meeting: MeetingModel }) {
  const say = useSay();
  const panel = useLive(meeting.panel);
  const [floating, setFloating] = useState<Window | null>(null);
  const closeFloating = useCallback(() => setFloating(null), []);
  useWakeLock();
  const [dialog, setDialog] = useState<'settings' | 'shortcuts' | 'statistics' | null>(null);

  useEffect(() => {
    document.documentElement.dataset['stage'] = '';
    return () => {
      delete document.documentElement.dataset['stage'];
      leaveFullScreen();
    };
  }, []);
  const more = useMemo<MoreActions>(
    () => ({
      onSettings: () => setDialog('settings'),
      onShortcuts: () => setDialog('shortcuts'),
      onStatistics: () => setDialog('statistics'),
      onFullScreen: toggleFullScreen,
      onFloating: window.documentPictureInPicture ? () => void openFloatingWindow().then(setFloating) : null,
    }),
    [],
  );
  useShortcuts(page, meeting, more.onShortcuts, more.onFullScreen);

  const handleNotShown = (): void => {
    setDialog(null);
    meeting.notices.show('notice.notShown', { tone: 'warning', forS: 0, topic: 'notShown', action: { text: 'page.reload', run: () => location.reload() } });
  };

  return (
    <div className={styles['screen']} data-panel={panel ?? undefined}>
      <a href="#call-controls" className={styles['skip']}>
        {say('meeting.skipToControls')}
      </a>
      <TopLine meeting={meeting} />
      <main className={styles['main']}>
        <StageView meeting={meeting} />
        <RisingReactions meeting={meeting} />
        <Hints page={page} seat={seat} meeting={meeting} />
        <ConnectionVeil meeting={meeting} />
      </main>
      {panel === 'chat' && <ChatPanel meeting={meeting} />}
      {panel === 'people' && <PeoplePanel page={page} meeting={meeting} />}
      <Bar page={page} meeting={meeting} onLeave={() => seat.leave()} more={more} />
      {floating && <FloatingWindow meeting={meeting} place={floating} onClose={closeFloating} onLeave={() => seat.leave()} />}
      <NoticeStack notices={meeting.notices} />
      <Boundary key={dialog} onFailure={handleNotShown}>
        <Suspense>
          {dialog === 'settings' && <SettingsDialog page={page} meeting={meeting} onClose={() => setDialog(null)} />}
          {dialog === 'statistics' && <StatisticsDialog meeting={meeting} onClose={() => setDialog(null)} />}
          {dialog === 'shortcuts' && <ShortcutsDialog preferences={page.preferences} onClose={() => setDialog(null)} />}
        </Suspense>
      </Boundary>
    </div>
  );
}
