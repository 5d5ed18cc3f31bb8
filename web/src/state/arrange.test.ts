import { describe, expect, it } from 'vitest';
import { bestGrid, pageSize, placeFocus, placeGrid, type Rect } from './arrange';

const WIDE: Rect = { x: 0, y: 0, width: 1280, height: 640 };
const PHONE: Rect = { x: 0, y: 0, width: 360, height: 560 };

function overlaps(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

describe('the arrangement', () => {
  it.each([1, 2, 3, 4, 5, 7, 9, 12, 16, 25])('keeps %i tiles apart, inside the stage and never wider than a camera', (count) => {
    for (const area of [WIDE, PHONE]) {
      const places = placeGrid(count, area);
      expect(places).toHaveLength(count);
      places.forEach((place, index) => {
        expect(place.width / place.height).toBeLessThan(1.81);
        expect(place.x).toBeGreaterThanOrEqual(0);
        expect(place.x + place.width).toBeLessThanOrEqual(area.width + 1);
        expect(place.y + place.height).toBeLessThanOrEqual(area.height + 1);
        expect(places.slice(index + 1).some((other) => overlaps(place, other))).toBe(false);
      });
    }
  });

  it('puts two side by side on a wide stage and one over the other on a phone', () => {
    expect(bestGrid(2, WIDE).columns).toBe(2);
    expect(bestGrid(2, PHONE).columns).toBe(1);
  });

  it('shows 25 on one wide page and turns pages on a phone', () => {
    expect(pageSize(25, WIDE)).toBe(25);
    expect(pageSize(25, PHONE)).toBeLessThan(12);
    expect(pageSize(25, PHONE)).toBeGreaterThanOrEqual(6);
  });

  it('gives the subject most of the stage, and half of it side by side', () => {
    const { subject, strip } = placeFocus(6, WIDE, false);
    expect(subject.width).toBeGreaterThan(WIDE.width * 0.75);
    expect(strip.every((place) => !overlaps(place, subject))).toBe(true);
    expect(placeFocus(6, WIDE, true).subject.width).toBeLessThan(WIDE.width * 0.51);
    expect(placeFocus(6, { ...WIDE, height: 660 }, false).strip, 'everyone has room beside it').toHaveLength(6);
    expect(placeFocus(0, WIDE, false).subject).toEqual(WIDE);
  });
});
