import { useEffect } from 'react';
import type { MeetingModel } from '../state/meeting';
import type { Page } from '../state/page';
import { actionOf, type ShortcutAction } from '../state/shortcuts';

const TYPED = 'input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable], [role=menu], [role=listbox], [role=alertdialog]';
const PRESSED_BY_SPACE = 'button, a, input, select, textarea, summary, [role=button], [role=menuitem], [role=switch], [contenteditable]';

/** Keys of the meeting; holding Space talks while nothing that Space would press has the focus. */
export function useShortcuts(page: Page, meeting: MeetingModel, onList: () => void, onFullScreen: () => void): void {
  useEffect(() => {
    let isHolding = false;
    const acts: Readonly<Record<ShortcutAction, () => void>> = {
      microphone: () => meeting.self.microphone.press(!meeting.self.microphone.value.value),
      camera: () => meeting.self.pressCamera(!meeting.self.camera.value.value),
      hand: () => meeting.self.hand.press(!meeting.self.hand.value.value),
      chat: () => meeting.togglePanel('chat'),
      people: () => meeting.togglePanel('people'),
      share: () => void (meeting.self.share.value ? meeting.self.stopShare() : meeting.self.startShare()),
      fullScreen: onFullScreen,
      bar: () => document.querySelector<HTMLElement>('[role=toolbar] button')?.focus(),
      list: onList,
    };
    const matches = (event: KeyboardEvent, selector: string): boolean => event.target instanceof Element && event.target.closest(selector) !== null;
    const onDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.repeat || event.isComposing) return;
      if (event.key === ' ' && !matches(event, PRESSED_BY_SPACE) && page.preferences.values.value.shortcutsOn) {
        event.preventDefault();
        if (meeting.self.microphone.value.value) return;
        isHolding = true;
        meeting.self.microphone.press(true);
        return;
      }
      const action = actionOf(event, page.preferences.values.value, matches(event, TYPED));
      if (!action) return;
      event.preventDefault();
      acts[action]();
    };
    const letGo = (): void => {
      if (!isHolding) return;
      isHolding = false;
      meeting.self.microphone.press(false);
    };
    const onUp = (event: KeyboardEvent): void => {
      if (event.key === ' ') letGo();
    };
    window.addEventListener('keydown', onDown);
    window.addEventListener('keyup', onUp);
    // A window that loses the focus never hears the key go up.
    window.addEventListener('blur', letGo);
    return () => {
      letGo();
      window.removeEventListener('keydown', onDown);
      window.removeEventListener('keyup', onUp);
      window.removeEventListener('blur', letGo);
    };
  }, [page, meeting, onList, onFullScreen]);
}
