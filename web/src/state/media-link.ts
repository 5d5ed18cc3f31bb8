import { Live, type ReadLive } from '../live';
import type { MediaEngine } from '../media/port';
import type { MediaTicket } from '../protocol/objects';

/** Milliseconds before each next try for a new media link; the last one repeats. */
const RETRY_MS = [300, 500, 1_000, 2_000, 4_000];

/** Keeps one media engine connected: where LiveKit gives up, a fresh ticket is asked for and the link made anew. */
export class MediaLink {
  readonly #engine = new Live<MediaEngine | null>(null);
  #isClosed = false;
  #isTrying = false;

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

  /** Try now, because the server has come back or the person asks. */
  retry(): void {
    const engine = this.#engine.value;
    if (engine && engine.link.value === 'closed') void this.#keepTrying(engine, null);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#engine.value?.close();
  }

  async #keepTrying(engine: MediaEngine, first: MediaTicket | null): Promise<void> {
    if (this.#isTrying || this.#isClosed) return;
    this.#isTrying = true;
    let ticket = first;
    for (let attempt = 0; ; attempt += 1) {
      // Where the meeting is over the media goes first, and the event stream says why a moment later.
      if (!ticket) await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]));
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
