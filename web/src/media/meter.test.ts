import { expect, it } from 'vitest';
import { loudness } from './meter';

it('the meter shows silence as 0, a loud voice as 1, and grows between', () => {
  const tone = (amplitude: number): Float32Array => Float32Array.from({ length: 512 }, (_, index) => amplitude * Math.sin(index / 4));
  expect(loudness(tone(0))).toBe(0);
  expect(loudness(tone(0.9))).toBe(1);
  expect(loudness(tone(0.05))).toBeGreaterThan(loudness(tone(0.01)));
});
