import type { EventEmitter } from 'node:events';
import { DisconnectReason, RoomEvent } from 'livekit-client';
import { expect, it, vi } from 'vitest';
import { LiveKitEngine } from './livekit-engine';

const rooms = vi.hoisted((): unknown[] => []);

vi.mock('livekit-client', async (original) => {
  const { EventEmitter } = await import('node:events');
  /** A room that connects at once and has nobody in it. */
  class Room extends EventEmitter {
    readonly remoteParticipants = new Map();
    readonly localParticipant = Object.assign(new EventEmitter(), { identity: 'me.here', isSpeaking: false });
    connect = vi.fn(() => Promise.resolve());
    disconnect = vi.fn(() => Promise.resolve());
    constructor() {
      super();
      rooms.push(this);
    }
  }
  return { ...(await original<object>()), Room };
});

interface MadeRoom extends EventEmitter {
  readonly localParticipant: EventEmitter;
  readonly disconnect: ReturnType<typeof vi.fn>;
}

const TICKET = { url: 'wss://here', token: '', room: '', identity: '' };

it('MEDIA-2 JOIN-10: a room that cannot be resumed is left, before LiveKit publishes in it a second time what is published here', async () => {
  const engine = new LiveKitEngine();
  await engine.connect(TICKET);
  const [before] = rooms as MadeRoom[];
  before?.emit(RoomEvent.SignalReconnecting);
  expect(engine.link.value).toBe('reconnecting');
  expect(before?.disconnect).not.toHaveBeenCalled();
  before?.emit(RoomEvent.Reconnecting);
  expect(engine.link.value).toBe('closed');
  expect(before?.disconnect).toHaveBeenCalledWith(false);
  expect(before?.localParticipant.eventNames()).toEqual([]);
  await engine.connect(TICKET);
  expect(rooms).toHaveLength(2);
  expect(engine.link.value).toBe('open');
});

it('MEET-7 MEDIA-3: tells a stay that the server has ended from a link that is lost', async () => {
  const engine = new LiveKitEngine();
  for (const [reason, link] of [[DisconnectReason.ROOM_DELETED, 'dismissed'], [DisconnectReason.SERVER_SHUTDOWN, 'closed'], [undefined, 'closed'], [DisconnectReason.PARTICIPANT_REMOVED, 'dismissed']] as const) {
    await engine.connect(TICKET);
    (rooms as MadeRoom[]).at(-1)?.emit(RoomEvent.Disconnected, reason);
    expect(engine.link.value).toBe(link);
  }
});
