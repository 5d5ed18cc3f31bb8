import { expect, it } from 'vitest';
import { reconnectWaitMs } from './backoff';

it('JOIN-4: the first reconnect comes within a second, and none waits longer than ten', () => {
  expect(reconnectWaitMs(0, 0.999)).toBeLessThan(1000);
  for (let attempt = 0; attempt < 5000; attempt += 7) expect(reconnectWaitMs(attempt, 0.999)).toBeLessThanOrEqual(10_000);
});

it('JOIN-10: a server that is back within ten seconds is found within two', () => {
  let waited = 0;
  for (let attempt = 0; waited < 10_000; attempt += 1) {
    const wait = reconnectWaitMs(attempt, 0.999);
    expect(wait).toBeLessThanOrEqual(2_000);
    waited += wait;
  }
  expect(reconnectWaitMs(40, 0.999)).toBeGreaterThan(9_000);
});
