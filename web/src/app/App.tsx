import { Suspense, useEffect } from 'react';
import { NotShownScreen } from '../features/closing/NotShownScreen';
import { HomeScreen } from '../features/home/HomeScreen';
import { Loading } from '../ui/Loading';
import type { Page } from '../state/page';
import { SpeakIn } from '../text/say-context';
import type { Text } from '../text/text';
import { useLive } from '../ui/use-live';
import { Boundary } from './Boundary';
import { part } from './part';

const MeetingRoute = part(async () => (await import('./MeetingRoute')).MeetingRoute);
const LostScreen = part(async () => (await import('../features/closing/LostScreen')).LostScreen);

/** The page: home, a meeting, or an address that is neither. */
export function App({ page, text }: { readonly page: Page; readonly text: Text }) {
  const { language, theme } = useLive(page.preferences.values);
  useEffect(() => {
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  }, [theme]);
  return (
    <SpeakIn text={text} chosen={language}>
      <Screens page={page} />
    </SpeakIn>
  );
}

function Screens({ page }: { readonly page: Page }) {
  const screen = useLive(page.screen);
  const goHome = (): void => page.goHome();
  const key = screen.kind === 'meeting' ? screen.seat.meetingId : screen.kind;
  return (
    <Boundary key={key} instead={<NotShownScreen onHome={screen.kind === 'home' ? null : goHome} />}>
      <Suspense fallback={<Loading />}>
        {screen.kind === 'home' && <HomeScreen page={page} />}
        {screen.kind === 'meeting' && <MeetingRoute page={page} seat={screen.seat} />}
        {screen.kind === 'lost' && <LostScreen onHome={goHome} />}
      </Suspense>
    </Boundary>
  );
}
