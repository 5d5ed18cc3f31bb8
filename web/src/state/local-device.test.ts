import { describe, expect, it, vi } from 'vitest';
import { CaptureError } from '../media/capture';
import { LocalDevice, type DeviceKeeping, type Effect } from './local-device';

/** A MediaStreamTrack as far as a device looks at it. */
class FakeTrack extends EventTarget {
  readyState: MediaStreamTrackState = 'live';

  stop(): void {
    this.readyState = 'ended';
  }
}

const track = (): MediaStreamTrack => new FakeTrack() as unknown as MediaStreamTrack;
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
};

function device(open: DeviceKeeping['open'], staysOpen = false): LocalDevice {
  return new LocalDevice({ open, staysOpen }, 'first');
}

describe('a local device', () => {
  it('is let go when switched off, so that its light goes out', async () => {
    const camera = device(async () => track());
    camera.setOn(true);
    await settle();
    const open = camera.track.value;
    camera.setOn(false);
    expect(camera.track.value).toBeNull();
    expect(open?.readyState).toBe('ended');
  });

  it('stays open while off where unmuting must be instant', async () => {
    const open = vi.fn(async () => track());
    const microphone = device(open, true);
    microphone.setOn(true);
    await settle();
    microphone.setOn(false);
    expect(microphone.track.value).toBeNull();
    expect(microphone.raw.value?.readyState).toBe('live');
    microphone.setOn(true);
    await settle();
    expect(open).toHaveBeenCalledOnce();
    expect(microphone.track.value).not.toBeNull();
  });

  it('switched off while opening never comes on', async () => {
    const late = track();
    let give: (value: MediaStreamTrack) => void = () => {};
    const camera = device(() => new Promise((resolve) => { give = resolve; }));
    camera.setOn(true);
    camera.setOn(false);
    give(late);
    await settle();
    expect(camera.track.value).toBeNull();
    expect(late.readyState).toBe('ended');
  });

  it('says what is wrong each time it is tried, and is off', async () => {
    const faults: unknown[] = [];
    const camera = device(() => Promise.reject(new CaptureError('denied')));
    camera.fault.subscribe(() => faults.push(camera.fault.value));
    for (let times = 0; times < 2; times += 1) {
      camera.setOn(true);
      await settle();
      expect(camera.isOn.value).toBe(false);
    }
    expect(faults).toEqual(['denied', null, 'denied']);
  });

  it('takes another device when the one in use is unplugged', async () => {
    const opened: string[] = [];
    const camera = device(async (id) => {
      opened.push(id);
      return track();
    });
    camera.setOn(true);
    await settle();
    camera.track.value?.dispatchEvent(new Event('ended'));
    await settle();
    expect(opened).toEqual(['first', '']);
    expect(camera.track.value?.readyState).toBe('live');
  });

  it('is off with a fault where a device ends as soon as it is opened, instead of opening it for ever', async () => {
    vi.useFakeTimers();
    const open = vi.fn(async () => {
      const failing = track();
      setTimeout(() => failing.dispatchEvent(new Event('ended')), 5);
      return failing;
    });
    const microphone = device(open, true);
    microphone.setOn(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(open).toHaveBeenCalledTimes(2);
    expect(microphone.isOn.value).toBe(false);
    expect(microphone.fault.value).toBe('unknown');
    vi.useRealTimers();
  });
});

describe('an effect that fails', () => {
  const failing: Effect = () => Promise.reject(new Error('the program for it cannot be loaded'));

  it('leaves the camera off: nothing is shown without it', async () => {
    const raw = track();
    const shown: unknown[] = [];
    const camera = device(async () => raw);
    camera.track.subscribe(() => shown.push(camera.track.value));
    camera.setEffect(failing);
    camera.setOn(true);
    await settle();
    expect(shown).toEqual([]);
    expect(raw.readyState).toBe('ended');
    expect(camera.isOn.value).toBe(false);
    expect(camera.fault.value).toBe('effect-failed');
    expect(camera.isOpening.value).toBe(false);
  });

  it('leaves the picture as it was where it is wished while the camera is on', async () => {
    const camera = device(async () => track());
    camera.setOn(true);
    await settle();
    const before = camera.track.value;
    camera.setEffect(failing);
    await settle();
    expect(camera.track.value).toBe(before);
    expect(before?.readyState).toBe('live');
    expect(camera.isOn.value).toBe(true);
    expect(camera.fault.value).toBe('effect-failed');
    camera.setEffect(null);
    await settle();
    expect(camera.fault.value).toBeNull();
    expect(camera.track.value).toBe(before);
  });

  it('leaves the covered picture of the camera before where another one is chosen', async () => {
    const opened: MediaStreamTrack[] = [];
    const camera = device(async () => {
      const raw = track();
      opened.push(raw);
      return raw;
    });
    const covered = track();
    camera.setEffect(vi.fn(failing).mockResolvedValueOnce({ track: covered, stop: () => covered.stop() }));
    camera.setOn(true);
    await settle();
    camera.choose('second');
    await settle();
    expect(camera.track.value).toBe(covered);
    expect(covered.readyState).toBe('live');
    expect(opened.map((raw) => raw.readyState)).toEqual(['live', 'ended']);
    expect(camera.fault.value).toBe('effect-failed');
  });
});
