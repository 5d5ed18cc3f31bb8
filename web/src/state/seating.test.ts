import { describe, expect, it } from 'vitest';
import { Seating } from './seating';

describe('the seating', () => {
  it('JOIN-4: keeps everyone in place when somebody comes, goes or comes back', () => {
    const seating = new Seating();
    seating.handlePresent(['a', 'b', 'c']);
    expect(seating.handlePresent(['c', 'd', 'b', 'a'])).toEqual(['a', 'b', 'c', 'd']);
    expect(seating.handlePresent(['a', 'c', 'd'])).toEqual(['a', 'c', 'd']);
  });

  it('moves nobody when the speaker is in sight', () => {
    const seating = new Seating();
    seating.handlePresent(['a', 'b', 'c']);
    expect(seating.handleSpeakers(['b'], 2, 1, new Set())).toEqual(['a', 'b', 'c']);
  });

  it('swaps a hidden speaker with the visible one who was silent longest, and never with the fixed', () => {
    const seating = new Seating();
    seating.handlePresent(['me', 'a', 'b', 'c']);
    seating.handleSpeakers(['a'], 3, 10, new Set(['me']));
    expect(seating.handleSpeakers(['c'], 3, 20, new Set(['me']))).toEqual(['me', 'a', 'c', 'b']);
  });
});
