// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Live } from '../live';
import type { Page, Screen } from '../state/page';
import { pageMemory, Preferences } from '../state/preferences';
import { RecentMeetings } from '../state/recent';
import { en } from '../text/en';
import { Text } from '../text/text';
import { App } from './App';

vi.mock('./MeetingRoute', () => {
  throw new TypeError('404');
});

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const meeting = { kind: 'meeting', seat: { meetingId: 'ABC123' } } as Screen;
let screen: Live<Screen>;
let root: Root;

const button = (name: string): HTMLButtonElement | undefined => [...document.querySelectorAll('button')].find(({ textContent }) => textContent === name);

beforeEach(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  vi.spyOn(console, 'error').mockImplementation(() => {});
  screen = new Live<Screen>({ kind: 'home' });
  const page = {
    screen, creating: new Live({ kind: 'idle' }), preferences: new Preferences(pageMemory()), recent: new RecentMeetings(pageMemory()),
    goHome: () => screen.set({ kind: 'home' }),
  } as unknown as Page;
  const place = document.createElement('div');
  document.body.append(place);
  root = createRoot(place);
  await act(async () => root.render(<App page={page} text={new Text()} />));
});

afterEach(async () => {
  await act(async () => root.unmount());
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

it('says that a meeting cannot be shown where its part of the page does not load, and how to go on', async () => {
  await act(async () => screen.set(meeting));
  await vi.waitFor(() => expect(document.querySelector('h1')?.textContent).toBe(en['out.notShownHeading']));
  expect(console.warn).toHaveBeenLastCalledWith('Error showing part of the page', { code: 'unreachable' });
  const reload = vi.spyOn(location, 'reload').mockImplementation(() => {});
  expect(document.activeElement).toBe(button(en['page.reload']));
  await act(async () => button(en['page.reload'])?.click());
  expect(reload).toHaveBeenCalled();
  await act(async () => button(en['out.home'])?.click());
  expect(document.querySelector('h1')?.textContent).toBe(en['home.heading']);
});
