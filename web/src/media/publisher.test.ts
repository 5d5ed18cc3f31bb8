import { EventEmitter } from 'node:events';
import { ParticipantEvent, type LocalParticipant, type LocalTrack } from 'livekit-client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PUBLISH, Publisher } from './publisher';

vi.mock('livekit-client', async (original) => {
  /** A published track that is muted and unmuted by a word. */
  class Local {
    isMuted = false;
    mute = vi.fn(() => this.#become(true));
    unmute = vi.fn(() => this.#become(false));
    #become(isMuted: boolean): Promise<this> {
      this.isMuted = isMuted;
      return Promise.resolve(this);
    }
  }
  return { ...(await original<object>()), LocalAudioTrack: Local, LocalVideoTrack: Local };
});

class Participant extends EventEmitter {
  published: (LocalTrack & { isMuted: boolean }) | null = null;
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

function picture(): MediaStreamTrack {
  const track = { kind: 'video', contentHint: '', readyState: 'live', enabled: true, stop: () => undefined, clone: () => picture() };
  return track as unknown as MediaStreamTrack;
}

let participant: Participant;
let publisher: Publisher;

beforeEach(async () => {
  vi.useFakeTimers();
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
