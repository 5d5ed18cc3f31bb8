import { describe, expect, it } from 'vitest';
import { pageMemory } from './preferences';
import { Tab, type Locks } from './tab';

/** Locks of one browser, without the waiting: a name is given to the first who asks. */
function browserLocks(): Locks & { release(name: string): void } {
  const held = new Set<string>();
  return {
    release: (name) => void held.delete(name),
    request: ((name: string, _options: LockOptions, callback: () => unknown) => {
      if (held.has(name)) return Promise.reject(new DOMException('', 'TimeoutError'));
      held.add(name);
      callback();
      return new Promise(() => {});
    }) as Locks['request'],
  };
}

const seat = { connectionId: 'c1', cameraOn: false, seenAt: 1 };

describe('a tab', () => {
  it('JOIN-5: is the same after a refresh, with its seat', async () => {
    const memory = pageMemory();
    const locks = browserLocks();
    const before = await Tab.open(memory, locks);
    before.keepSeat('ABC123', seat);
    locks.release(`moot.tab.${before.id}`);
    const after = await Tab.open(memory, locks);
    expect(after.id).toBe(before.id);
    expect(after.seat('ABC123')).toEqual(seat);
  });

  it('JOIN-5: is the same after a refresh, though the browser still holds the lock of the page before', async () => {
    const memory = pageMemory();
    const locks = browserLocks();
    const before = await Tab.open(memory, locks);
    before.keepSeat('ABC123', seat);
    before.go();
    const after = await Tab.open(memory, locks);
    expect(after.id).toBe(before.id);
    expect(after.seat('ABC123')).toEqual(seat);
    expect((await Tab.open(memory, locks)).id).not.toBe(before.id);
  });

  it('JOIN-6: a duplicated tab is another tab without a seat', async () => {
    const memory = pageMemory();
    const locks = browserLocks();
    const first = await Tab.open(memory, locks);
    first.keepSeat('ABC123', seat);
    const copy = await Tab.open(memory, locks);
    expect(copy.id).not.toBe(first.id);
    expect(copy.seat('ABC123')).toBeNull();
  });

  it('JOIN-5: reads past broken storage', async () => {
    const memory = pageMemory();
    memory.setItem('moot.tab', '{"id":"t","seats":{"ABC123":{"connectionId":5}}}');
    expect((await Tab.open(memory, undefined)).seat('ABC123')).toBeNull();
  });
});
