// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Live } from '../live';
import { CaptureError } from '../media/capture';
import type { Participant } from '../protocol/objects';
import { aParticipant } from '../protocol/samples';
import { LocalDevice } from './local-device';
import { Notices } from './notices';
import { Self } from './self';

class FakeTrack extends EventTarget {
  readyState: MediaStreamTrackState = 'live';
  stop(): void {
    this.readyState = 'ended';
  }
}

const mine = (over: Partial<Participant> = {}): Participant => aParticipant({ audio: true, video: true, microphone_connection: 'c1', ...over });
const problem = (status: number, code: string): Response => new Response(JSON.stringify({ code, type: '', title: '', status, detail: '' }), { status });

let answer: () => Response;
let asked: unknown[];
let me: Live<Participant>;
let notices: Notices;
let opened: number;
let open: () => Promise<MediaStreamTrack>;
let self: Self;
let microphone: LocalDevice;
let camera: LocalDevice;

beforeEach(async () => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  asked = [];
  opened = 0;
  answer = () => new Response(JSON.stringify({ participant: mine() }));
  open = () => Promise.resolve(new FakeTrack() as unknown as MediaStreamTrack);
  vi.stubGlobal('fetch', async (_url: string, { body }: RequestInit) => {
    asked.push(JSON.parse(String(body)));
    return answer();
  });
  me = new Live(mine());
  notices = new Notices();
  const device = (staysOpen: boolean): LocalDevice => new LocalDevice({
    staysOpen,
    open: () => {
      opened += 1;
      return open();
    },
  }, '');
  microphone = device(true);
  camera = device(false);
  self = new Self({ meetingId: 'ABC123', sender: { id: 'c1', fence: 1 }, me, engine: new Live(null), devices: { microphone, camera }, notices, withCamera: true });
  await settle();
});

afterEach(() => {
  self.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function settle(ms = 1): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

const said = (): string[] => notices.list.value.map((notice) => notice.text);

describe('a press', () => {
  it.each([
    ['is away', () => { throw new TypeError('network'); }],
    ['cannot reach its database', () => problem(503, 'unavailable')],
  ])('EVENT-4: that mutes stays while the server %s, and is sent when it is back', async (_why, fail) => {
    const kept = answer;
    answer = fail;
    self.microphone.press(false);
    await settle(3_000);
    expect(microphone.isOn.value).toBe(false);
    expect(said()).toEqual(['notice.savedLater']);
    answer = kept;
    self.retryNow();
    await settle();
    expect(asked.at(-1)).toEqual({ audio: false });
    me.set(mine({ audio: false }));
    await settle(60_000);
    expect(microphone.isOn.value).toBe(false);
    expect(said()).toEqual([]);
  });

  it('EVENT-4: that mutes stays while its event is late, and is nobody else\'s', async () => {
    self.microphone.press(false);
    await settle(30_000);
    expect(microphone.isOn.value).toBe(false);
    self.microphone.press(true);
    await settle();
    me.set(mine({ audio: false }));
    expect(said()).toEqual([]);
    expect(microphone.isOn.value).toBe(true);
    me.set(mine());
    me.set(mine({ audio: false }));
    expect(said()).toEqual(['notice.mutedByHost']);
    expect(microphone.isOn.value).toBe(false);
  });

  it('HOST-4: that unmutes goes back to off where a host has switched that off for guests', async () => {
    me.set(mine({ audio: false }));
    answer = () => problem(403, 'not_allowed');
    self.microphone.press(true);
    await settle();
    expect(microphone.isOn.value).toBe(false);
    expect(said()).toContain('notice.notAllowed');
    expect(asked).toHaveLength(1);
  });
});

it('a microphone that fails while the server is away is not opened again', async () => {
  answer = () => { throw new TypeError('network'); };
  open = () => Promise.reject(new CaptureError('missing'));
  opened = 0;
  microphone.raw.value?.dispatchEvent(new Event('ended'));
  await settle(60_000);
  expect(opened).toBe(1);
  expect(asked.length).toBeLessThan(40);
  expect(microphone.isOn.value).toBe(false);
  expect(self.microphone.value.value).toBe(false);
});

it('EVENT-4: a camera whose blur fails is off for everyone, but stays on where it was on before', async () => {
  camera.setEffect(() => Promise.reject(new Error('no WebGL')));
  await settle();
  expect(camera.fault.value).toBe('effect-failed');
  expect(camera.isOn.value).toBe(true);
  expect(asked).toEqual([]);
  self.pressCamera(false);
  await settle();
  self.pressCamera(true);
  await settle();
  expect(camera.isOn.value).toBe(false);
  expect(self.camera.value.value).toBe(false);
  expect(asked.at(-1)).toEqual({ video: false });
});

it.each(['soon', 'late'])('EVENT-4: a camera that is switched off and on again is on, where the events come %s', async (when) => {
  const answers: (() => void)[] = [];
  const kept = answer;
  vi.stubGlobal('fetch', (_url: string, { body }: RequestInit) => {
    asked.push(JSON.parse(String(body)));
    return new Promise((resolve) => answers.push(() => resolve(kept())));
  });
  self.pressCamera(false);
  self.pressCamera(true);
  for (const video of [false, true]) {
    if (when === 'soon') me.set(mine({ video }));
    answers.shift()?.();
    await settle();
    expect(self.camera.value.value).toBe(true);
  }
  if (when === 'late') for (const video of [false, true]) me.set(mine({ video }));
  await settle(10_000);
  expect(asked).toEqual([{ video: false }, { video: true }]);
  expect(self.camera.value.value).toBe(true);
  expect(camera.isOn.value).toBe(true);
  expect(notices.list.value).toEqual([]);
});

it('EVENT-4: a camera that is switched off while the server cannot reach its database is off there too once it can', async () => {
  const kept = answer;
  answer = () => problem(503, 'unavailable');
  self.pressCamera(false);
  await settle();
  answer = kept;
  self.retryNow();
  await settle();
  expect(asked).toEqual([{ video: false }, { video: false }]);
  expect(camera.isOn.value).toBe(false);
});

it('a screen that cannot be shared is said, unless the person has thought better of it', async () => {
  let refuse: () => Promise<MediaStream> = () => Promise.reject(new DOMException('Permission denied by system', 'NotAllowedError'));
  vi.stubGlobal('isSecureContext', true);
  vi.stubGlobal('navigator', { mediaDevices: { getDisplayMedia: () => refuse() } });
  await self.startShare();
  expect(said()).toEqual(['notice.notShared']);
  await settle(10_000);
  refuse = () => Promise.reject(new DOMException('Could not start video source', 'NotReadableError'));
  await self.startShare();
  expect(said()).toEqual(['notice.notShared']);
  await settle(10_000);
  refuse = () => Promise.reject(new DOMException('Permission denied', 'NotAllowedError'));
  await self.startShare();
  expect(said()).toEqual([]);
  expect(asked).toEqual([]);
});
