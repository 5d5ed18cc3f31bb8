import { Live, type ReadLive } from '../live';
import type { MediaEngine } from '../media/port';
import type { MediaTicket } from '../protocol/objects';

/** Milliseconds before each next try for a new media link; the last one repeats. */
const RETRY_MS = [150, 500, 1_000, 2_000, 4_000];

/** How long LiveKit's own reconnect may take once the server is back. Smaller makes links anew that were healing. */
const PATIENCE_MS = 600;

/** Keeps one media engine connected: where LiveKit gives up, a fresh ticket is asked for and the link made anew. */
export class MediaLink {
  readonly #engine = new Live<MediaEngine | null>(null);
  #isClosed = false;
  #isTrying = false;
  /** Ends the wait before the next try. */
  #wake: (() => void) | null = null;

  constructor(
    private readonly load: () => Promise<MediaEngine>,
    private readonly freshTicket: () => Promise<MediaTicket>,
  ) {}

  /** The engine, once its program has loaded. */
  get engine(): ReadLive<MediaEngine | null> {
    return this.#engine;
  }

  async open(ticket: MediaTicket): Promise<void> {
    const engine = await this.load();
    if (this.#isClosed) return;
    this.#engine.set(engine);
    engine.link.subscribe(() => {
      if (engine.link.value === 'closed') void this.#keepTrying(engine, null);
    });
    await this.#keepTrying(engine, ticket);
  }

  /**
   * The server is there again: where LiveKit's own way back has not found it within a moment, which after a long loss
   * only looks every few seconds, the link is made anew at once.
   */
  handleServerBack(): void {
    const engine = this.#engine.value;
    this.#wake?.();
    if (!engine || engine.link.value === 'open') return;
    setTimeout(() => {
      if (engine.link.value !== 'open') void this.#keepTrying(engine, null);
    }, PATIENCE_MS);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#engine.value?.close();
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #keepTrying(engine: MediaEngine, first: MediaTicket | null): Promise<void> {
    if (this.#isTrying || this.#isClosed) return;
    this.#isTrying = true;
    let ticket = first;
    for (let attempt = 0; ; attempt += 1) {
      // Where the meeting is over the media goes first, and the event stream says why a moment later.
      if (!ticket) await this.#wait(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 0);
      if (this.#isClosed) break;
      try {
        await engine.connect(ticket ?? (await this.freshTicket()));
        break;
      } catch {
        ticket = null;
      }
    }
    this.#isTrying = false;
    if (engine.link.value === 'closed' && !this.#isClosed) void this.#keepTrying(engine, null);
  }
}
