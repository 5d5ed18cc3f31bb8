/**
 * Milliseconds to wait before a reconnect: a random part of a span that doubles from 1 s to 10 s, for ever
 * (docs/protocol/realtime.md, "How it ends").
 *
 * @param attempt reconnects already tried since the stream was last open, from 0.
 * @param random in [0, 1).
 */
export function reconnectWaitMs(attempt: number, random: number): number {
  return Math.round(random * Math.min(1000 * 2 ** Math.min(attempt, 10), 10_000));
}
