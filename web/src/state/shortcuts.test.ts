import { describe, expect, it } from 'vitest';
import { actionOf } from './shortcuts';

const press = (key: string, over: Partial<Parameters<typeof actionOf>[0]> = {}): Parameters<typeof actionOf>[0] => ({ key, ctrlKey: false, metaKey: false, altKey: false, ...over });
const on = { shortcutsOn: true, shortcuts: {} };

describe('shortcuts', () => {
  it('a single key works outside fields only (WCAG 2.1.4)', () => {
    expect(actionOf(press('m'), on, false)).toBe('microphone');
    expect(actionOf(press('M'), on, false)).toBe('microphone');
    expect(actionOf(press('m'), on, true)).toBeNull();
  });

  it('single keys can be off and remapped, chords stay (WCAG 2.1.4)', () => {
    expect(actionOf(press('m'), { shortcutsOn: false, shortcuts: {} }, false)).toBeNull();
    expect(actionOf(press('d', { ctrlKey: true }), { shortcutsOn: false, shortcuts: {} }, true)).toBe('microphone');
    expect(actionOf(press('q'), { shortcutsOn: true, shortcuts: { microphone: 'q' } }, false)).toBe('microphone');
    expect(actionOf(press('m'), { shortcutsOn: true, shortcuts: { microphone: 'q' } }, false)).toBeNull();
  });

  it('leaves the browser its own chords', () => {
    expect(actionOf(press('c', { ctrlKey: true }), on, false)).toBeNull();
    expect(actionOf(press('m', { altKey: true }), on, false)).toBeNull();
  });
});
