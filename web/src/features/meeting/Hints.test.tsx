// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Live } from '../../live';
import { CaptureError, type CaptureFault } from '../../media/capture';
import { aParticipant } from '../../protocol/samples';
import { LocalDevice } from '../../state/local-device';
import type { MeetingModel } from '../../state/meeting';
import type { Page } from '../../state/page';
import { pageMemory, Preferences } from '../../state/preferences';
import type { Seat } from '../../state/seat';
import { en } from '../../text/en';
import { Hints } from './Hints';

let root: Root;
let preferences: Preferences;
let pressCamera: (on: boolean) => void;
let camera: LocalDevice;
let microphone: LocalDevice;
let isWithoutProgram: Live<boolean>;

beforeEach(async () => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  document.body.innerHTML = '<div id="hints"></div><div id="call-controls" tabindex="-1"></div>';
  const device = (fault: CaptureFault): LocalDevice => new LocalDevice({ open: () => Promise.reject(new CaptureError(fault)), staysOpen: false }, '');
  camera = device('denied');
  microphone = device('missing');
  preferences = new Preferences(pageMemory());
  isWithoutProgram = new Live(false);
  pressCamera = vi.fn();
  const page = { devices: { camera, microphone }, preferences } as unknown as Page;
  const meeting = {
    media: { engine: new Live(null), isWithoutProgram }, me: new Live(aParticipant()), qualities: new Live(new Map()),
    self: { microphone: { value: new Live(false) }, pressCamera: (on: boolean) => pressCamera(on) },
  } as unknown as MeetingModel;
  root = createRoot(document.getElementById('hints') as HTMLElement);
  await act(async () => root.render(<Hints page={page} seat={{ elsewhere: async () => [] } as unknown as Seat} meeting={meeting} />));
});

afterEach(async () => {
  await act(async () => root.unmount());
  vi.unstubAllGlobals();
});

const hints = (): (string | null)[] => [...document.querySelectorAll('[role=status] > span')].map((hint) => hint.textContent);
const tryOn = (device: LocalDevice): Promise<void> => act(async () => device.setOn(true));

async function press(name: string): Promise<void> {
  const button = [...document.querySelectorAll('button')].find((found) => found.textContent === name || found.getAttribute('aria-label') === name);
  if (!button) throw new Error(`there is no button "${name}"`);
  button.focus();
  await act(async () => button.click());
}

describe('what is wrong with a device', () => {
  it('is told again when it happens anew after it was dismissed', async () => {
    await tryOn(camera);
    expect(hints()).toEqual([en['device.deniedCamera']]);
    await press(en['notice.dismiss']);
    expect(hints()).toEqual([]);
    await tryOn(camera);
    expect(hints()).toEqual([en['device.deniedCamera']]);
  });

  it('is told of the microphone too where the camera has a fault', async () => {
    await tryOn(camera);
    await tryOn(microphone);
    expect(hints()).toEqual([en['device.deniedCamera'], en['device.missingMicrophone']]);
  });

  it('has a way to show the camera without blur where that failed, with the focus on the controls', async () => {
    await act(async () => {
      preferences.set({ blur: true });
      camera.fault.set('effect-failed');
    });
    expect(hints()).toEqual([en['device.blurFailed']]);
    pressCamera = (on) => {
      expect(preferences.values.value.blur).toBe(false);
      if (on) camera.fault.set(null);
    };
    await press(en['device.withoutBlur']);
    expect(hints()).toEqual([]);
    expect(document.activeElement?.id).toBe('call-controls');
  });
});

it('tells who sees and hears nobody for want of the program that a reload may bring it, for as long as that is so', async () => {
  const alert = (): string | undefined | null => document.querySelector('[role=alert] > span')?.textContent;
  expect(alert()).toBeUndefined();
  await act(async () => isWithoutProgram.set(true));
  expect(alert()).toBe(en['meeting.noMedia']);
  const reload = vi.spyOn(location, 'reload').mockImplementation(() => {});
  await press(en['page.reload']);
  expect(reload).toHaveBeenCalled();
  await act(async () => isWithoutProgram.set(false));
  expect(alert()).toBeUndefined();
});
