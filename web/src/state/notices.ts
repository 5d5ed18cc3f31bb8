import { derive, Live, type ReadLive } from '../live';
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

/** At most this many are on show, and as many knocks: older notices make room, later knocks wait for their turn. */
const SHOWN = 3;

export class Notices {
  readonly #kept = new Live<readonly Notice[]>([]);
  readonly #topics = new Map<string, number>();
  #next = 1;
  /** What is on show. */
  readonly list: ReadLive<readonly Notice[]> = derive([this.#kept], (kept) => {
    const later = new Set(kept.filter(isKnock).slice(SHOWN));
    return kept.filter((notice) => !later.has(notice));
  });

  /** Show a notice. Gives the way to take it away again. */
  show(text: TextKey, options: NoticeOptions = {}): () => void {
    const id = this.#next++;
    if (options.topic) {
      const before = this.#topics.get(options.topic);
      if (before !== undefined) this.dismiss(before);
      this.#topics.set(options.topic, id);
    }
    const notice: Notice = { id, text, values: options.values ?? {}, tone: options.tone ?? 'plain', action: options.action ?? null };
    this.#kept.update((kept) => {
      const all = [...kept, notice];
      const older = new Set(all.filter((one) => !isKnock(one)).slice(0, -SHOWN));
      return all.filter((one) => !older.has(one));
    });
    const forS = options.forS ?? 6;
    if (forS > 0) setTimeout(() => this.dismiss(id), forS * 1000);
    return () => this.dismiss(id);
  }

  dismiss(id: number): void {
    this.#kept.update((kept) => (kept.some((notice) => notice.id === id) ? kept.filter((notice) => notice.id !== id) : kept));
  }
}

/** Whether somebody waits for an answer to it. */
function isKnock({ tone }: Notice): boolean {
  return tone === 'knock';
}
