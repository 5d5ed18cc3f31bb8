import { problemCode } from '../api/problem';
import { sayFailure } from '../console';
import { Live, type ReadLive } from '../live';
import type { MediaEngine } from '../media/port';
import type { MediaTicket } from '../protocol/objects';

/** Milliseconds before each next try for the engine's program or for a new media link; the last one repeats. */
const RETRY_MS = [150, 300, 500, 500, 1_000, 1_000, 2_000, 4_000];

/**
 * So many failed loads of the engine's program are said. Larger leaves people for longer without a word why they see nobody;
 * smaller startles them with what heals by itself.
 */
const FAILED_LOADS = 4;

/**
 * Milliseconds before the first try after the server has ended this stay. The event stream says why meanwhile, and there is
 * nothing to try; smaller asks for tickets that are refused.
 */
const DISMISSED_MS = 2_000;

/** How long LiveKit's own reconnect may take once the server is back. Smaller makes links anew that were healing. */
const PATIENCE_MS = 600;

/**
 * The longest pause between two questions, while LiveKit looks for its way back, whether the meeting's media has moved to another
 * server or its server has been away. Longer leaves people without pictures for longer after a crash; shorter asks a
 * server that may be busy.
 */
const ASK_MS = 500;

/**
 * How long LiveKit may look for its way back while the server answers. It is back within its first tries or hangs, in Firefox for
 * 27 s where a socket died while it opened; smaller makes links anew on slow networks that were healing.
 */
const STUCK_MS = 3_000;

/** Keeps one media engine connected: where LiveKit gives up, a fresh ticket is asked for and the link made anew. */
export class MediaLink {
  readonly #engine = new Live<MediaEngine | null>(null);
  readonly #isWithoutProgram = new Live(false);
  #isClosed = false;
  #isTrying = false;
  /** Where the media was last looked for. */
  #url = '';
  #isAsking = false;
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

  /** Whether the program could not be loaded, several times now. Some browsers then load it only after a reload of the page. */
  get isWithoutProgram(): ReadLive<boolean> {
    return this.#isWithoutProgram;
  }

  async open(ticket: MediaTicket): Promise<void> {
    const engine = await this.#keepLoading();
    if (!engine || this.#isClosed) return;
    this.#engine.set(engine);
    engine.link.subscribe(() => {
      if (isOver(engine)) void this.#keepTrying(engine, null);
      else void this.#ask(engine);
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

  /**
   * While the link is being looked for, ask where the media is. Where it has moved, go there at once; where nobody answered
   * and now somebody does, the server has begun anew, or the network has, and a fresh link is sooner there than the old. So it is
   * where somebody answers all along and LiveKit still looks.
   */
  async #ask(engine: MediaEngine): Promise<void> {
    const isLooking = (): boolean => engine.link.value === 'reconnecting' && !this.#isClosed;
    if (this.#isAsking || !isLooking()) return;
    this.#isAsking = true;
    const since = Date.now();
    for (let wasAway = false; isLooking(); ) {
      await new Promise((resolve) => setTimeout(resolve, ASK_MS * (1 - Math.random() / 2)));
      const ticket = isLooking() ? await this.freshTicket().catch(() => null) : null;
      if (!isLooking()) break;
      if (!ticket) wasAway = true;
      else if (wasAway || ticket.url !== this.#url || Date.now() - since > STUCK_MS) {
        void this.#keepTrying(engine, ticket);
        break;
      }
    }
    this.#isAsking = false;
  }

  async #keepLoading(): Promise<MediaEngine | null> {
    for (let failed = 1; !this.#isClosed; failed += 1) {
      try {
        const engine = await this.load();
        this.#isWithoutProgram.set(false);
        return engine;
      } catch (error) {
        if (failed === FAILED_LOADS) {
          sayFailure('Error loading media engine', { code: problemCode(error) });
          this.#isWithoutProgram.set(true);
        }
        await this.#wait(retryMs(failed - 1));
      }
    }
    return null;
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
      const pause = attempt === 0 && engine.link.value === 'dismissed' ? DISMISSED_MS : retryMs(attempt);
      if (!ticket) await this.#wait(pause);
      if (this.#isClosed) break;
      try {
        ticket ??= await this.freshTicket();
        this.#url = ticket.url;
        await engine.connect(ticket);
        break;
      } catch {
        ticket = null;
      }
    }
    this.#isTrying = false;
    if (isOver(engine) && !this.#isClosed) void this.#keepTrying(engine, null);
  }
}

function retryMs(attempt: number): number {
  return RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 0;
}

function isOver({ link }: MediaEngine): boolean {
  return link.value === 'closed' || link.value === 'dismissed';
}
