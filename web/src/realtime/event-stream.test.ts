import { afterEach, beforeEach, describe, expect, it, vi, type Mock } from 'vitest';
import type { Connection } from '../protocol/objects';
import type { ClientMessage, DurableEvent, ServerMessage } from '../protocol/stream';
import { aMeeting, aParticipant } from '../protocol/samples';
import { EventStream, type Socket, type StreamListener } from './event-stream';

/** A socket whose other end is the test. */
class FakeSocket implements Socket {
  readyState = 1;
  readonly sent: ClientMessage[] = [];
  isClosed = false;
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientMessage);
  }

  close(): void {
    this.isClosed = true;
  }

  say(message: ServerMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const connection: Connection = { id: 'c1', fence: 3, token: 't', linger_s: 30, device: '' };
const ana = aParticipant({ id: 'ana' });
const snapshot = { meeting: aMeeting(), participants: [ana], messages: [], me: ana };
const hello = (event_seq: number): ServerMessage => ({ type: 'hello', connection_id: 'c1', fence: 3, epoch: 1, event_seq, resumed: false, snapshot });
const update = (event_seq: number): DurableEvent => ({ type: 'event', epoch: 1, event_seq, at: 0, kind: 'participant.updated', body: { participant: { ...ana, audio: true } } });

let sockets: FakeSocket[];
let stream: EventStream;
let isThere: boolean;
let listener: { [K in keyof StreamListener]: Mock<StreamListener[K]> };

function latest(): FakeSocket {
  const socket = sockets.at(-1);
  if (!socket) throw new Error('nothing was opened');
  return socket;
}

function comeUp(event_seq = 4): void {
  latest().onopen?.();
  latest().say(hello(event_seq));
}

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  listener = { onEvent: vi.fn<StreamListener['onEvent']>(), onEphemeral: vi.fn<StreamListener['onEphemeral']>(), onLobby: vi.fn<StreamListener['onLobby']>() };
  stream = new EventStream('ws://x', connection, null, listener, () => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket;
  }, () => Promise.resolve(isThere));
  isThere = true;
  stream.open();
});

afterEach(() => {
  stream.close();
  vi.useRealTimers();
});

describe('the event stream', () => {
  it('EVENT-2: begins with a hello and takes the snapshot as its state', () => {
    comeUp();
    expect(latest().sent[0]).toEqual({ type: 'hello', connection_id: 'c1', token: 't', fence: 3 });
    expect(stream.link.value).toEqual({ kind: 'open' });
    expect(stream.state.value?.eventSeq).toBe(4);
  });

  it('EVENT-2: asks after a loss only for what came after', async () => {
    comeUp();
    latest().say(update(5));
    latest().onclose?.({ code: 1006 });
    expect(stream.link.value.kind).toBe('waiting');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sockets).toHaveLength(2);
    latest().onopen?.();
    expect(latest().sent[0]).toMatchObject({ type: 'hello', since: { epoch: 1, event_seq: 5 } });
  });

  it('EVENT-2: connects again at once when a number is missing, and shows nothing of it', async () => {
    comeUp();
    latest().say(update(6));
    await vi.advanceTimersByTimeAsync(1);
    expect(sockets).toHaveLength(2);
    expect(listener.onEvent).not.toHaveBeenCalled();
    expect(stream.state.value?.eventSeq).toBe(4);
  });

  it('JOIN-4: tries for ever, with waits of at most ten seconds', async () => {
    for (let times = 0; times < 40; times += 1) {
      latest().onclose?.({ code: 1006 });
      const { value } = stream.link;
      const waitMs = value.kind === 'waiting' ? value.retryAt - Date.now() : Infinity;
      expect(waitMs).toBeLessThanOrEqual(10_000);
      await vi.advanceTimersByTimeAsync(waitMs);
      expect(sockets).toHaveLength(times + 2);
    }
  });

  it('JOIN-10: opens no socket while the server does not answer, and one within 2 s once it does', async () => {
    comeUp();
    isThere = false;
    latest().onclose?.({ code: 1006 });
    await vi.advanceTimersByTimeAsync(8_000);
    expect(sockets).toHaveLength(1);
    expect(stream.link.value.kind).toBe('waiting');
    isThere = true;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(sockets).toHaveLength(2);
  });

  it('JOIN-4: notices a link that is dead without a close', async () => {
    comeUp();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(latest().sent.at(-1)?.type).toBe('ping');
    await vi.advanceTimersByTimeAsync(6_001);
    expect(sockets[0]?.isClosed).toBe(true);
    expect(sockets).toHaveLength(2);
  });

  it('answers the ping of the server', async () => {
    comeUp();
    latest().say({ type: 'ping', id: 7 });
    expect(latest().sent.at(-1)).toEqual({ type: 'pong', id: 7 });
  });

  it('sends nothing into a socket that the server is closing', () => {
    comeUp();
    latest().readyState = 2;
    latest().say({ type: 'ping', id: 8 });
    expect(latest().sent.at(-1)?.type).toBe('hello');
  });

  it.each([
    [4004, 'rejoin'],
    [4006, 'left'],
    [4007, 'removed'],
    [4008, 'ended'],
    [4014, 'denied'],
  ])('ERR-1: close code %i ends the stream as %s', async (code, why) => {
    comeUp();
    latest().onclose?.({ code });
    expect(stream.link.value).toEqual({ kind: 'closed', why, wasOpen: true });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(1);
  });

  it('JOIN-6: knows whether it was in use or only coming back when the server closed it', async () => {
    comeUp();
    latest().onclose?.({ code: 1006 });
    await vi.advanceTimersByTimeAsync(1_000);
    latest().onopen?.();
    latest().onclose?.({ code: 4004 });
    expect(stream.link.value).toMatchObject({ kind: 'closed', wasOpen: false });
  });

  it.each(['', 'no', '[]', '{"type":"poll"}', 'null', '{"type":"event"}'])('survives %j from the network', (data) => {
    comeUp();
    latest().onmessage?.({ data });
    expect(stream.state.value?.eventSeq).toBe(4);
  });
});
