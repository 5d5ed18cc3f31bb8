/** Reconnects that stay quick: a server that was restarted is back within a quarter of a minute. */
const QUICK = 12;
const QUICK_MS = 2_000;
const MOST_MS = 10_000;

/**
 * Milliseconds to wait before a reconnect: a random part of 1 s at first, of 2 s while a restart may be under way, then of
 * a span that doubles to 10 s, for ever (docs/protocol/realtime.md, "How it ends").
 *
 * @param attempt reconnects already tried since the stream was last open, from 0.
 * @param random in [0, 1).
 */
export function reconnectWaitMs(attempt: number, random: number): number {
  const span = attempt === 0 ? 1_000 : Math.min(QUICK_MS * 2 ** Math.max(0, Math.min(attempt - QUICK, 10)), MOST_MS);
  return Math.round(random * span);
}
