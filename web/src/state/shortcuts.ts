import type { TextKey } from '../text/keys';

/** What a key can do. Nothing with consequences for others is on a single key. */
export type ShortcutAction = 'microphone' | 'camera' | 'hand' | 'chat' | 'people' | 'share' | 'fullScreen' | 'bar' | 'list';

export interface Shortcut {
  readonly action: ShortcutAction;
  readonly text: TextKey;
  /** The default single key, and the chord that works even where single keys are off. */
  readonly key: string;
  readonly chord: string | null;
}

export const SHORTCUTS: readonly Shortcut[] = [
  { action: 'microphone', text: 'shortcut.microphone', key: 'm', chord: 'Control+d' },
  { action: 'camera', text: 'shortcut.camera', key: 'v', chord: 'Control+e' },
  { action: 'hand', text: 'shortcut.hand', key: 'r', chord: null },
  { action: 'chat', text: 'shortcut.chat', key: 'c', chord: null },
  { action: 'people', text: 'shortcut.people', key: 'p', chord: null },
  { action: 'share', text: 'shortcut.share', key: 's', chord: null },
  { action: 'fullScreen', text: 'shortcut.fullScreen', key: 'f', chord: null },
  { action: 'bar', text: 'shortcut.bar', key: 'F2', chord: 'F2' },
  { action: 'list', text: 'shortcut.list', key: '?', chord: 'Control+/' },
];

/** The part of a key press that decides. */
export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

export interface ShortcutSettings {
  readonly shortcutsOn: boolean;
  readonly shortcuts: Readonly<Record<string, string>>;
}

/** The key of an action, as the person has it. */
export function keyOf(shortcut: Shortcut, settings: ShortcutSettings): string {
  return settings.shortcuts[shortcut.action] ?? shortcut.key;
}

/**
 * Which action a key press means, or null.
 *
 * @param isTyping whether the focus is in something to type in: then single keys are letters (WCAG 2.1.4).
 */
export function actionOf(press: KeyPress, settings: ShortcutSettings, isTyping: boolean): ShortcutAction | null {
  if (press.altKey) return null;
  const hasControl = press.ctrlKey || press.metaKey;
  for (const shortcut of SHORTCUTS) {
    if (hasControl && shortcut.chord === `Control+${press.key.toLowerCase()}`) return shortcut.action;
    if (hasControl) continue;
    if (shortcut.chord === press.key) return shortcut.action;
    if (isTyping || !settings.shortcutsOn) continue;
    if (keyOf(shortcut, settings).toLowerCase() === press.key.toLowerCase()) return shortcut.action;
  }
  return null;
}
