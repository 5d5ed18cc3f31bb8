import { Live, type ReadLive } from '../live';
import { CLOSE, type ClientMessage, type DurableEvent, type Ephemeral, type LobbyStatus, type ServerMessage } from '../protocol/stream';
import type { Connection } from '../protocol/objects';
import { reconnectWaitMs } from './backoff';
import { isReachable } from './reachable';
import { apply, fromSnapshot, type MeetingState } from './reducer';

/** How the stream stands. While `waiting`, the next try comes at `retryAt` (milliseconds since 1970). */
export type Link =
  | { readonly kind: 'connecting'; readonly lostAt: number | null }
  | { readonly kind: 'open' }
  | { readonly kind: 'waiting'; readonly lostAt: number; readonly retryAt: number }
  /** `wasOpen`: the stream was in use when the server ended it, and not just coming back. */
  | { readonly kind: 'closed'; readonly why: Ending; readonly wasOpen: boolean };

/** Why a stream will not come back by itself. `rejoin`: ask again by HTTP, the seat is kept. */
export type Ending = 'rejoin' | 'replaced' | 'left' | 'removed' | 'ended' | 'denied';

/** What a stream tells besides state. */
export interface StreamListener {
  onEvent(event: DurableEvent): void;
  onEphemeral(message: Ephemeral): void;
  onLobby(status: LobbyStatus): void;
}

/** The part of a WebSocket that a stream uses; tests give their own. */
export interface Socket {
  /** As a WebSocket's: 1 while what is sent goes out. */
  readonly readyState: number;
  send(text: string): void;
  close(code?: number): void;
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((close: { code: number }) => void) | null;
}

/** `WebSocket.OPEN`, which is not there where these are tested. */
const OPEN = 1;

export type OpenSocket = (url: string) => Socket;

/** A ping that is not answered within this is a lost link. Larger notices a dead network later. */
const PONG_WITHIN_MS = 6_000;
const PING_EVERY_MS = 4_000;
/** A socket that is not open after this is given up. */
const OPEN_WITHIN_MS = 8_000;

const ENDINGS: ReadonlyMap<number, Ending> = new Map([
  [4001, 'rejoin'],
  [4002, 'rejoin'],
  [CLOSE.tokenInvalid, 'rejoin'],
  [CLOSE.connectionClosed, 'rejoin'],
  [CLOSE.connectionReplaced, 'replaced'],
  [CLOSE.left, 'left'],
  [CLOSE.removed, 'removed'],
  [CLOSE.ended, 'ended'],
  [CLOSE.denied, 'denied'],
]);

/**
 * One connection's event stream: snapshot, then everything after it, healing by itself (EVENT-2).
 *
 * Call `open` once, `close` once. Between them the stream reconnects for ever, unless the server ends it.
 */
export class EventStream {
  readonly #link = new Live<Link>({ kind: 'connecting', lostAt: null });
  readonly #state: Live<MeetingState | null>;
  #socket: Socket | null = null;
  #attempt = 0;
  #lostAt: number | null = null;
  #isClosed = false;
  #ping = 0;
  #timers: ReturnType<typeof setTimeout>[] = [];

  /** @param known the meeting as the join answered it; the stream then asks only for what came after. */
  constructor(
    private readonly url: string,
    private readonly connection: Connection,
    known: MeetingState | null,
    private readonly listener: StreamListener,
    private readonly openSocket: OpenSocket = (at) => new WebSocket(at) as Socket,
    private readonly isThere: (url: string) => Promise<boolean> = isReachable,
  ) {
    this.#state = new Live(known);
  }

  get link(): ReadLive<Link> {
    return this.#link;
  }

  /** The meeting, once the first snapshot has come. */
  get state(): ReadLive<MeetingState | null> {
    return this.#state;
  }

  open(): void {
    if (this.#isClosed || this.#socket) return;
    this.#clearTimers();
    this.#link.set({ kind: 'connecting', lostAt: this.#lostAt });
    const socket = this.openSocket(this.url);
    this.#socket = socket;
    const lost = (): void => this.#lose(socket);
    this.#after(OPEN_WITHIN_MS, lost);
    socket.onopen = () => {
      const known = this.#state.value;
      this.#send({
        type: 'hello',
        connection_id: this.connection.id,
        token: this.connection.token,
        fence: this.connection.fence,
        ...(known ? { since: { epoch: known.epoch, event_seq: known.eventSeq } } : {}),
      });
    };
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket || typeof data !== 'string') return;
      const message = parse(data);
      if (message) this.#handle(message, socket);
    };
    socket.onclose = ({ code }) => {
      if (socket !== this.#socket) return;
      const why = ENDINGS.get(code);
      if (why) this.#end(why);
      else this.#lose(socket);
    };
  }

  /** Try at once, because the network has come back or the person asks. */
  retryNow(): void {
    if (this.#link.value.kind !== 'waiting') return;
    this.#attempt = 0;
    this.open();
  }

  /** Ask the server now whether the link lives, because the page was asleep or the network changed. */
  check(): void {
    const socket = this.#socket;
    if (this.#link.value.kind !== 'open' || !socket) return this.retryNow();
    this.#clearTimers();
    this.#pingOnce(socket, 1_500);
  }

  typing(): void {
    if (this.#link.value.kind === 'open') this.#send({ type: 'typing' });
  }

  close(): void {
    this.#isClosed = true;
    this.#clearTimers();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
  }

  #handle(message: ServerMessage, socket: Socket): void {
    switch (message.type) {
      case 'hello':
        if (!message.resumed) this.#state.set(fromSnapshot(message.snapshot, message.epoch, message.event_seq));
        this.#attempt = 0;
        this.#lostAt = null;
        this.#clearTimers();
        this.#link.set({ kind: 'open' });
        this.#after(PING_EVERY_MS, () => this.#pingOnce(socket, PONG_WITHIN_MS));
        return;
      case 'snapshot':
        this.#state.set(fromSnapshot(message.snapshot, message.epoch, message.event_seq));
        return;
      case 'event': {
        const state = this.#state.value;
        if (!state) return;
        const outcome = apply(state, message);
        if (outcome.kind === 'gap') return this.#lose(socket, true);
        if (outcome.kind === 'old') return;
        this.#state.set(outcome.state);
        this.listener.onEvent(message);
        return;
      }
      case 'ephemeral':
        return this.listener.onEphemeral(message);
      case 'lobby':
        // A waiting person's stream is open, though it has no snapshot.
        this.#attempt = 0;
        this.#lostAt = null;
        this.#link.set({ kind: 'open' });
        return this.listener.onLobby(message.status);
      case 'ping':
        return this.#send({ type: 'pong', id: message.id });
      case 'pong':
        if (message.id !== this.#ping) return;
        this.#clearTimers();
        this.#after(PING_EVERY_MS, () => this.#pingOnce(socket, PONG_WITHIN_MS));
        return;
      default:
        // A newer server may say more; what this page does not know it need not do.
        return;
    }
  }

  #pingOnce(socket: Socket, withinMs: number): void {
    if (socket !== this.#socket) return;
    this.#ping += 1;
    this.#send({ type: 'ping', id: this.#ping });
    this.#after(withinMs, () => this.#lose(socket, true));
  }

  #lose(socket: Socket, atOnce = false): void {
    if (socket !== this.#socket || this.#isClosed) return;
    this.#socket = null;
    this.#clearTimers();
    socket.onclose = null;
    socket.close();
    this.#waitAgain(atOnce);
  }

  #waitAgain(atOnce = false): void {
    const now = Date.now();
    this.#lostAt ??= now;
    const wait = atOnce && this.#attempt === 0 ? 0 : reconnectWaitMs(this.#attempt, now - this.#lostAt, Math.random());
    this.#attempt += 1;
    this.#link.set({ kind: 'waiting', lostAt: this.#lostAt, retryAt: now + wait });
    this.#after(wait, () => void this.#openIfThere());
  }

  async #openIfThere(): Promise<void> {
    const attempt = this.#attempt;
    const isThere = await this.isThere(this.url);
    // Somebody may have opened or closed the stream meanwhile.
    if (this.#isClosed || this.#socket || attempt !== this.#attempt || this.#link.value.kind !== 'waiting') return;
    if (isThere) this.open();
    else this.#waitAgain();
  }

  #end(why: Ending): void {
    this.#socket = null;
    this.#isClosed = true;
    this.#clearTimers();
    this.#link.set({ kind: 'closed', why, wasOpen: this.#link.value.kind === 'open' });
  }

  #send(message: ClientMessage): void {
    // Where the server is closing it, `onclose` is on its way, and the browser would complain of what is sent meanwhile.
    if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(message));
  }

  #after(ms: number, act: () => void): void {
    this.#timers.push(setTimeout(act, ms));
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }
}

function parse(text: string): ServerMessage | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'type' in value ? (value as ServerMessage) : null;
  } catch {
    return null;
  }
}

/** Where a meeting's events are, seen from this page. */
export function streamUrl(meetingId: string, page: Location = location): string {
  return `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}/api/v1/meetings/${encodeURIComponent(meetingId)}/events`;
}
