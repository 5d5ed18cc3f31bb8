const FIRST_MS = 1_000;
/** Reconnects stay this quick for a quarter of a minute, in which a server that was restarted is back. */
const QUICK_MS = 2_000;
const MOST_MS = 10_000;
/** A wait lasts at most this part of the time away, once that is more than the least. */
const PART = 1 / 8;

/**
 * Milliseconds to wait before a reconnect: a random part of 1 s at first, then of an eighth of the time away, which is at
 * least 2 s and at most 10 s, for ever (docs/protocol/realtime.md, "How it ends").
 *
 * @param attempt reconnects already tried since the stream was last open, from 0.
 * @param awayMs since it was last open.
 * @param random in [0, 1).
 */
export function reconnectWaitMs(attempt: number, awayMs: number, random: number): number {
  const span = attempt === 0 ? FIRST_MS : Math.min(Math.max(awayMs * PART, QUICK_MS), MOST_MS);
  return Math.round(random * span);
}
