import { expect, it } from 'vitest';
import { reconnectWaitMs } from './backoff';

it('JOIN-4: the first reconnect comes within a second, and none waits longer than ten', () => {
  expect(reconnectWaitMs(0, 0, 0.999)).toBeLessThan(1_000);
  for (let awayMs = 0; awayMs < 10_000_000; awayMs += 700) expect(reconnectWaitMs(1, awayMs, 0.999)).toBeLessThanOrEqual(10_000);
});

it('JOIN-10: a server that is back within a quarter of a minute is found within two seconds, however often it was looked for', () => {
  for (let awayMs = 0; awayMs < 16_000; awayMs += 10) expect(reconnectWaitMs(1 + awayMs, awayMs, 0.999)).toBeLessThanOrEqual(2_000);
  expect(reconnectWaitMs(40, 80_000, 0.999)).toBeGreaterThan(9_000);
});
