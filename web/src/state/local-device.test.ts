import { describe, expect, it, vi } from 'vitest';
import { CaptureError } from '../media/capture';
import { LocalDevice, type DeviceKeeping } from './local-device';

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
});
