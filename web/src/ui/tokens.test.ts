import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8').split('@media')[0] ?? '';

/** A token's colour in one theme. */
function token(name: string, theme: 'light' | 'dark'): string {
  const value = new RegExp(`--${name}:\\s*([^;]+);`).exec(css)?.[1] ?? '';
  const colours = value.match(/#[0-9a-f]{6}/gi) ?? [];
  const colour = theme === 'dark' ? (colours[1] ?? colours[0]) : colours[0];
  if (!colour) throw new Error(`--${name} has no colour`);
  return colour;
}

/** Relative luminance (WCAG 2.2, "relative luminance"). */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const TEXT: readonly (readonly [string, string])[] = [
  ['ink', 'paper'], ['ink', 'raised'], ['ink', 'sunken'], ['ink', 'go-soft'], ['ink', 'stop-soft'],
  ['ink-soft', 'paper'], ['ink-soft', 'raised'], ['ink-soft', 'sunken'],
  ['ink-faint', 'paper'], ['ink-faint', 'raised'], ['ink-faint', 'sunken'],
  ['go-ink', 'go'], ['go-text', 'paper'], ['go-text', 'raised'], ['go-text', 'go-soft'],
  ['stop-ink', 'stop'], ['stop-text', 'paper'], ['stop-text', 'raised'], ['stop-text', 'stop-soft'], ['amber-ink', 'amber'],
  ['on-stage', 'stage'], ['on-stage', 'tile'], ['on-stage', 'tile-raised'], ['on-stage-soft', 'stage'], ['on-stage-soft', 'tile'], ['off-ink', 'off-tile'],
];
const SHAPES: readonly (readonly [string, string])[] = [
  ['line-strong', 'paper'], ['line-strong', 'raised'], ['amber', 'stage'], ['amber', 'tile'], ['stage-go', 'stage'], ['stop', 'stage'], ['go', 'paper'], ['go', 'raised'],
];

describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
  it.each(TEXT)('--%s is readable on --%s at 4.5:1 (WCAG 1.4.3)', (ink, paper) => {
    expect(contrast(token(ink, theme), token(paper, theme))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(SHAPES)('--%s can be seen on --%s at 3:1 (WCAG 1.4.11)', (shape, paper) => {
    expect(contrast(token(shape, theme), token(paper, theme))).toBeGreaterThanOrEqual(3);
  });
});

it('WCAG 1.4.3: initials are readable on every colour of an avatar', () => {
  const source = readFileSync(new URL('./Avatar.tsx', import.meta.url), 'utf8');
  for (const colour of source.match(/#[0-9a-f]{6}/g) ?? []) expect(contrast(colour, '#ffffff'), colour).toBeGreaterThanOrEqual(4.5);
});
