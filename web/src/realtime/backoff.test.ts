import { expect, it } from 'vitest';
import { reconnectWaitMs } from './backoff';

it('JOIN-4: the first reconnect comes within a second, and none waits longer than ten', () => {
  expect(reconnectWaitMs(0, 0.999)).toBeLessThan(1000);
  expect(reconnectWaitMs(3, 0.5)).toBe(4000);
  for (let attempt = 0; attempt < 5000; attempt += 7) expect(reconnectWaitMs(attempt, 0.999)).toBeLessThanOrEqual(10_000);
});
