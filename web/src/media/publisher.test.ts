import { EventEmitter } from 'node:events';
import { ParticipantEvent, type LocalParticipant, type LocalTrack } from 'livekit-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PUBLISH, Publisher } from './publisher';

vi.mock('livekit-client', async (original) => {
  /** A published track that is muted and unmuted by a word. */
  class Local {
    isMuted = false;
    mute = vi.fn(() => this.#become(true));
    unmute = vi.fn(() => this.#become(false));
    replaceTrack = vi.fn(() => Promise.resolve(this));
    #become(isMuted: boolean): Promise<this> {
      this.isMuted = isMuted;
      return Promise.resolve(this);
    }
  }
  return { ...(await original<object>()), LocalAudioTrack: Local, LocalVideoTrack: Local };
});

class Participant extends EventEmitter {
  published: (LocalTrack & { isMuted: boolean }) | null = null;
  readonly unpublishTrack = vi.fn(() => Promise.resolve());
  publishTrack(track: LocalTrack): Promise<void> {
    this.published = track as LocalTrack & { isMuted: boolean };
    return Promise.resolve();
  }
  /** What LiveKit's client does when the server says that the track is muted. */
  hearMuted(): void {
    if (this.published) this.published.isMuted = true;
    this.emit(ParticipantEvent.TrackMuted, { track: this.published });
  }
}

/** Every clone made of a source's tracks, oldest first. */
let clones: MediaStreamTrack[];

function source(kind: 'audio' | 'video'): MediaStreamTrack {
  const track = {
    kind, contentHint: '', readyState: 'live', enabled: true,
    stop: () => void (track.readyState = 'ended'),
    clone: () => {
      const clone = source(kind);
      clones.push(clone);
      return clone;
    },
  };
  return track as unknown as MediaStreamTrack;
}

const picture = (): MediaStreamTrack => source('video');
const live = (): MediaStreamTrack[] => clones.filter((clone) => clone.readyState === 'live');

let participant: Participant;
let publisher: Publisher;

beforeEach(async () => {
  vi.useFakeTimers();
  clones = [];
  participant = new Participant();
  publisher = new Publisher(false);
  await publisher.bind(participant as unknown as LocalParticipant);
  await publisher.want({ track: picture(), options: PUBLISH.camera });
});

afterEach(() => vi.useRealTimers());

it('EVENT-4: a mute that crossed a press is taken back while the source is wanted', async () => {
  participant.hearMuted();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(participant.published?.isMuted).toBe(false);
});

it('HOST-4: a mute by a host stays, for its event takes the wish away', async () => {
  participant.hearMuted();
  await publisher.want(null);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(participant.published?.isMuted).toBe(true);
});

it('JOIN-10: a publication that hangs in a broken room does not hold up the next room', async () => {
  const broken = new Participant();
  broken.publishTrack = () => new Promise(() => undefined);
  void publisher.bind(broken as unknown as LocalParticipant);
  const next = new Participant();
  void publisher.bind(next as unknown as LocalParticipant);
  await vi.advanceTimersByTimeAsync(10);
  expect(next.published?.isMuted).toBe(false);
});

describe('a camera that is switched off', () => {
  it('lets go of the camera, so that its light goes out, and is muted for the others', async () => {
    const off = publisher.want(null);
    expect(live()).toEqual([]);
    await off;
    expect(participant.published?.isMuted).toBe(true);
    expect(participant.unpublishTrack).not.toHaveBeenCalled();
    expect(live()).toEqual([]);
  });

  it('sends a clone of the new track when it comes on again', async () => {
    const published = participant.published;
    await publisher.want(null);
    await publisher.want({ track: picture(), options: PUBLISH.camera });
    expect(participant.published).toBe(published);
    expect(participant.published?.replaceTrack).toHaveBeenLastCalledWith(clones.at(-1), true);
    expect(participant.published?.isMuted).toBe(false);
    expect(live()).toEqual([clones.at(-1)]);
  });

  it('holds no camera after presses that come while the first is on its way', async () => {
    const mute = vi.spyOn(participant.published as LocalTrack, 'mute');
    let answer = (): void => undefined;
    mute.mockImplementationOnce(() => new Promise((resolve) => { answer = () => resolve(participant.published as LocalTrack); }));
    void publisher.want(null);
    void publisher.want({ track: picture(), options: PUBLISH.camera });
    void publisher.want(null);
    answer();
    await vi.advanceTimersByTimeAsync(10);
    expect(live()).toEqual([]);
    void publisher.want({ track: picture(), options: PUBLISH.camera });
    void publisher.want(null);
    await publisher.want({ track: picture(), options: PUBLISH.camera });
    expect(live()).toEqual([clones.at(-1)]);
    expect(participant.published?.isMuted).toBe(false);
  });

  it('holds no camera while its publication is still under way, nor after that has failed', async () => {
    const slow = new Participant();
    let fail = (): void => undefined;
    slow.publishTrack = () => new Promise((_resolve, reject) => { fail = () => reject(new Error('the link broke')); });
    void publisher.bind(slow as unknown as LocalParticipant);
    expect(live()).toHaveLength(1);
    void publisher.want(null);
    expect(live()).toEqual([]);
    fail();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(live()).toEqual([]);
  });
});

it('a camera that takes the place of another leaves none of it, even where the first try fails', async () => {
  vi.spyOn(participant.published as LocalTrack, 'replaceTrack').mockRejectedValueOnce(new Error('busy'));
  void publisher.want({ track: picture(), options: PUBLISH.camera });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(live()).toEqual([clones.at(-1)]);
});

it('EVENT-4: a microphone that is off sends silence from the same clone', async () => {
  const microphone = new Publisher(false);
  await microphone.bind(participant as unknown as LocalParticipant);
  await microphone.want({ track: source('audio'), options: PUBLISH.microphone });
  await microphone.want(null);
  expect(clones.at(-1)).toMatchObject({ readyState: 'live', enabled: false });
});
