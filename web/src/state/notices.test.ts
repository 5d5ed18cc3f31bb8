import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Notices } from './notices';

let notices: Notices;
const shown = (): readonly unknown[] => notices.list.value.map(({ text, values }) => values['name'] ?? text);
const knock = (name: string): (() => void) => notices.show('notice.knock', { values: { name }, tone: 'knock', forS: 0 });

beforeEach(() => {
  vi.useFakeTimers();
  notices = new Notices();
});
afterEach(() => vi.useRealTimers());

describe('the notices', () => {
  it('are three at most, the newest, each for a few seconds', async () => {
    for (const name of ['a', 'b', 'c', 'd']) notices.show('notice.hand', { values: { name } });
    expect(shown()).toEqual(['b', 'c', 'd']);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(shown()).toEqual([]);
  });

  it('HOST-4: a knock stays on show until it is answered, whatever comes after it', async () => {
    const answer = knock('Kim');
    for (const name of ['a', 'b', 'c', 'd']) notices.show('notice.hand', { values: { name } });
    expect(shown()).toEqual(['Kim', 'b', 'c', 'd']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(shown()).toEqual(['Kim']);
    answer();
    expect(shown()).toEqual([]);
  });

  it('HOST-4: of many knocks the first three are on show, and the others when it is their turn', () => {
    const answers = ['a', 'b', 'c', 'd'].map(knock);
    expect(shown()).toEqual(['a', 'b', 'c']);
    answers[1]?.();
    expect(shown()).toEqual(['a', 'c', 'd']);
  });

  it('do not come back once they have made room', async () => {
    const last = ['a', 'b', 'c', 'd'].map((name) => notices.show('notice.hand', { values: { name }, forS: 0 })).at(-1);
    last?.();
    expect(shown()).toEqual(['b', 'c']);
  });
});
