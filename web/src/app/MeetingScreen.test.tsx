// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { BarProps } from '../features/meeting/Bar';
import { Live } from '../live';
import type { MeetingModel } from '../state/meeting';
import { Notices } from '../state/notices';
import type { Page } from '../state/page';
import { pageMemory, Preferences } from '../state/preferences';
import type { Seat } from '../state/seat';
import { en } from '../text/en';
import { MeetingScreen } from './MeetingScreen';

// Of the screen only what opens from the bar is looked at here.
vi.mock('../features/meeting/Bar', () => ({
  Bar: ({ more }: BarProps) => (
    <>
      <button onClick={more.onFullScreen}>full screen</button>
      <button onClick={more.onSettings}>settings</button>
      <button onClick={more.onShortcuts}>shortcuts</button>
    </>
  ),
}));
vi.mock('../features/meeting/TopLine', () => ({ TopLine: () => null }));
vi.mock('../features/meeting/StageView', () => ({ StageView: () => null }));
vi.mock('../features/meeting/RisingReactions', () => ({ RisingReactions: () => null }));
vi.mock('../features/meeting/Hints', () => ({ Hints: () => null }));
vi.mock('../features/meeting/ConnectionVeil', () => ({ ConnectionVeil: () => null }));
vi.mock('../features/settings/SettingsDialog', () => {
  throw new TypeError('404');
});
vi.mock('../features/settings/ShortcutsDialog', () => ({
  ShortcutsDialog: () => {
    throw new Error('a fault of the program');
  },
}));

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

let root: Root;

async function press(name: string): Promise<void> {
  const button = [...document.querySelectorAll('button')].find(({ textContent }) => textContent === name);
  if (!button) throw new Error(`there is no "${name}" in: ${document.body.textContent}`);
  await act(async () => button.click());
}

beforeEach(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  vi.spyOn(console, 'error').mockImplementation(() => {});
  const meeting = { panel: new Live(null), notices: new Notices() } as unknown as MeetingModel;
  const page = { preferences: new Preferences(pageMemory()) } as unknown as Page;
  const place = document.createElement('div');
  document.body.append(place);
  root = createRoot(place);
  await act(async () => root.render(<MeetingScreen page={page} seat={{} as Seat} meeting={meeting} />));
});

afterEach(async () => {
  await act(async () => root.unmount());
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

it('is shown in full with all that opens over it, and not beyond its end', async () => {
  let isShown = false;
  const show = vi.fn(async () => void (isShown = true));
  Object.assign(Element.prototype, { requestFullscreen: show });
  Object.defineProperties(document, {
    fullscreenEnabled: { value: true, configurable: true },
    fullscreenElement: { get: () => (isShown ? show.mock.contexts.at(-1) : null), configurable: true },
    exitFullscreen: { value: async () => void (isShown = false), configurable: true },
  });
  await press('full screen');
  // Menus and dialogs are children of the body.
  expect(document.fullscreenElement?.contains(document.body)).toBe(true);
  await press('full screen');
  expect(document.fullscreenElement).toBeNull();
  await press('full screen');
  await act(async () => root.render(null));
  expect(document.fullscreenElement).toBeNull();
});

it.each([
  ['settings', 'unreachable'],
  ['shortcuts', 'internal'],
])('stays where a dialog (%s) cannot be shown, which is said and logged', async (dialog, code) => {
  await press(dialog);
  await vi.waitFor(() => expect(document.querySelector('[aria-live]')?.textContent).toContain(en['notice.notShown']));
  expect(console.warn).toHaveBeenLastCalledWith('Error showing part of the page', { code });
  expect(console.error).toHaveBeenCalled();
  const reload = vi.spyOn(location, 'reload').mockImplementation(() => {});
  await press(en['page.reload']);
  expect(reload).toHaveBeenCalled();
  await press('full screen');
});
