import '@fontsource-variable/inter';
import '@fontsource-variable/jetbrains-mono';
import './ui/tokens.css';
import './ui/base.css';
import { createRoot } from 'react-dom/client';
import { App } from './app/App';
import { browserAddress } from './app/browser-address';
import { reached } from './app/part';
import { registerServiceWorker } from './app/service-worker';
import { Page } from './state/page';
import { pageMemory, Preferences, type Memory } from './state/preferences';
import { RecentMeetings } from './state/recent';
import { Tab } from './state/tab';
import { Text } from './text/text';

/** The storage of this name, or one that lasts as long as the page where the browser forbids it. */
function memoryOf(storage: 'localStorage' | 'sessionStorage'): Memory {
  try {
    return window[storage];
  } catch {
    return pageMemory();
  }
}

const engineProgram = () => reached(import('./media/livekit-engine'));

const lasting = memoryOf('localStorage');
const preferences = new Preferences(lasting);
const text = new Text();
const tab = await Tab.open(memoryOf('sessionStorage'), 'locks' in navigator ? navigator.locks : undefined);
window.addEventListener('pagehide', () => tab.go());
window.addEventListener('pageshow', (event) => {
  if (event.persisted) tab.stay();
});
const page = new Page({
  address: browserAddress(),
  preferences,
  recent: new RecentMeetings(lasting),
  tab,
  loadEngine: async () => new (await engineProgram()).LiveKitEngine(),
  // Where it fails now, `loadEngine` says so when it matters.
  prepareEngine: () => void engineProgram().catch(() => undefined),
  loadBlur: async () => (await import('./media/blur')).blurBackground,
  now: () => Date.now(),
});
const place = document.getElementById('page');
if (place) createRoot(place).render(<App page={page} text={text} />);
page.start();
registerServiceWorker();
