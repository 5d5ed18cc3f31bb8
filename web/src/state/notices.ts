import { Live, type ReadLive } from '../live';
import type { TextKey, TextValues } from '../text/keys';

/** A short message that comes and goes; nothing is said only here. */
export interface Notice {
  readonly id: number;
  readonly text: TextKey;
  readonly values: TextValues;
  readonly tone: 'plain' | 'warning' | 'knock';
  readonly action: { readonly text: TextKey; run(): void } | null;
}

export interface NoticeOptions {
  readonly values?: TextValues;
  readonly tone?: Notice['tone'];
  readonly action?: Notice['action'];
  /** Seconds on show, default 6; 0 stays until dismissed. */
  readonly forS?: number;
  /** One notice per topic: a new one takes the place of the old. */
  readonly topic?: string;
}

/** At most this many are on show; older ones make room. */
const SHOWN = 3;

export class Notices {
  readonly #list = new Live<readonly Notice[]>([]);
  readonly #topics = new Map<string, number>();
  #next = 1;

  get list(): ReadLive<readonly Notice[]> {
    return this.#list;
  }

  /** Show a notice. Gives the way to take it away again. */
  show(text: TextKey, options: NoticeOptions = {}): () => void {
    const id = this.#next++;
    if (options.topic) {
      const before = this.#topics.get(options.topic);
      if (before !== undefined) this.dismiss(before);
      this.#topics.set(options.topic, id);
    }
    const notice: Notice = { id, text, values: options.values ?? {}, tone: options.tone ?? 'plain', action: options.action ?? null };
    this.#list.update((list) => [...list, notice].slice(-SHOWN));
    const forS = options.forS ?? 6;
    if (forS > 0) setTimeout(() => this.dismiss(id), forS * 1000);
    return () => this.dismiss(id);
  }

  dismiss(id: number): void {
    this.#list.update((list) => (list.some((notice) => notice.id === id) ? list.filter((notice) => notice.id !== id) : list));
  }
}
