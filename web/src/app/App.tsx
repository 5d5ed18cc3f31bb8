import { lazy, Suspense, useEffect } from 'react';
import { HomeScreen } from '../features/home/HomeScreen';
import { Loading } from '../ui/Loading';
import type { Page } from '../state/page';
import { SpeakIn } from '../text/say-context';
import type { Text } from '../text/text';
import { useLive } from '../ui/use-live';

const MeetingRoute = lazy(async () => ({ default: (await import('./MeetingRoute')).MeetingRoute }));
const LostScreen = lazy(async () => ({ default: (await import('../features/closing/LostScreen')).LostScreen }));

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
  if (screen.kind === 'home') return <HomeScreen page={page} />;
  return (
    <Suspense fallback={<Loading />}>
      {screen.kind === 'meeting' ? <MeetingRoute key={screen.seat.meetingId} page={page} seat={screen.seat} /> : <LostScreen onHome={() => page.goHome()} />}
    </Suspense>
  );
}
