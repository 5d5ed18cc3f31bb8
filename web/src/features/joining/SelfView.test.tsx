// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { derive, watch } from '../../live';
import { LocalDevice } from '../../state/local-device';
import type { Page } from '../../state/page';
import { pageMemory, Preferences } from '../../state/preferences';
import { en } from '../../text/en';
import { SelfView } from './SelfView';

let root: Root;
let camera: LocalDevice;

beforeEach(async () => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  document.body.innerHTML = '<div id="self"></div>';
  const track = (): MediaStreamTrack => Object.assign(new EventTarget(), { readyState: 'live', stop: () => undefined }) as unknown as MediaStreamTrack;
  const preferences = new Preferences(pageMemory());
  preferences.set({ blur: true, microphoneOn: false });
  camera = new LocalDevice({ open: async () => track(), staysOpen: false }, '');
  const microphone = new LocalDevice({ open: async () => track(), staysOpen: true }, '');
  watch(derive([preferences.values], ({ blur }) => blur), (blur) => camera.setEffect(blur ? () => Promise.reject(new Error('no WebGL')) : null));
  root = createRoot(document.getElementById('self') as HTMLElement);
  await act(async () => root.render(<SelfView page={{ devices: { camera, microphone }, preferences } as unknown as Page} />));
});

afterEach(async () => {
  await act(async () => root.unmount());
  vi.unstubAllGlobals();
});

it('says that blur failed instead of showing the room, and shows it with one press', async () => {
  expect(camera.track.value).toBeNull();
  expect(document.querySelector('[role=status]')?.textContent).toContain(en['device.blurFailed']);
  const button = [...document.querySelectorAll('button')].find((found) => found.textContent === en['device.withoutBlur']);
  button?.focus();
  await act(async () => button?.click());
  expect(camera.track.value).not.toBeNull();
  expect(document.querySelector('[role=status]')).toBeNull();
  expect(document.activeElement?.getAttribute('aria-label')).toBe(en['device.turnOffCamera']);
});
