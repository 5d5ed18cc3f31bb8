import * as api from '../api/meetings';
import type { Sender } from '../api/call';
import { Live } from '../live';

/** A reaction on its way up. */
export interface Reaction {
  readonly id: number;
  readonly participantId: string;
  readonly emoji: string;
}

/** The reactions that the server takes (OpenAPI, `POST …/reactions`). */
export const EMOJI = ['👍', '👏', '❤️', '😂', '😮', '😢', '🎉', '🙏'] as const;

const SHOWN_MS = 4_000;
/** More at once would only cover faces. */
const MOST = 20;

export class Reactions {
  readonly shown = new Live<readonly Reaction[]>([]);
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #next = 1;

  constructor(
    private readonly meetingId: string,
    private readonly sender: Sender,
    readonly now: () => number,
  ) {}

  send(emoji: string): void {
    // A reaction may be lost (EVENT-3): there is nothing to say when it is.
    void api.react(this.meetingId, this.sender, emoji).catch(() => undefined);
  }

  handle(participantId: string, emoji: string): void {
    const reaction: Reaction = { id: this.#next++, participantId, emoji };
    this.shown.update((shown) => [...shown, reaction].slice(-MOST));
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.shown.update((shown) => shown.filter((other) => other !== reaction));
    }, SHOWN_MS);
    this.#timers.add(timer);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
