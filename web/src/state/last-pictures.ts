import type { PersonMedia, Picture } from '../media/port';
import type { Participant } from '../protocol/objects';

/** Milliseconds a picture that stopped arriving stays on show while its person means to send it. */
export const HELD_MS = 12_000;

interface Held {
  readonly camera: Picture | null;
  readonly screens: readonly Picture[];
  readonly lostAt: number | null;
}

/**
 * Remembers the last picture of each person, so that a link that is made anew shows a frozen face and not a hole
 * (look.md: "keeps the last frame"). A camera or screen that was switched off is forgotten at once.
 */
export class LastPictures {
  readonly #held = new Map<string, Held>();

  /** What to show of a person: what arrives, or for a while what did. */
  handle(person: Participant, arrives: PersonMedia, now: number): { readonly camera: Picture | null; readonly screens: readonly Picture[] } {
    const before = this.#held.get(person.id);
    const lacksCamera = person.video && !arrives.camera;
    const lacksScreen = person.screen && arrives.screens.length === 0;
    const lostAt = lacksCamera || lacksScreen ? (before?.lostAt ?? now) : null;
    const mayHold = lostAt !== null && (person.status === 'reconnecting' || now - lostAt < HELD_MS);
    const held: Held = {
      camera: person.video ? (arrives.camera ?? (mayHold ? (before?.camera ?? null) : null)) : null,
      screens: person.screen ? (arrives.screens.length > 0 ? arrives.screens : mayHold ? (before?.screens ?? []) : []) : [],
      lostAt,
    };
    this.#held.set(person.id, held);
    return held;
  }

  /** Whether anything is held now that a later moment will let go. */
  get isHolding(): boolean {
    return [...this.#held.values()].some((held) => held.lostAt !== null && (held.camera !== null || held.screens.length > 0));
  }
}
