import { useState } from 'react';
import type { Preferences } from '../../state/preferences';
import { keyOf, SHORTCUTS, type Shortcut } from '../../state/shortcuts';
import { useSay } from '../../text/say-context';
import { Button } from '../../ui/Button';
import { DialogBox } from '../../ui/DialogBox';
import { Switch } from '../../ui/Switch';
import { useLive } from '../../ui/use-live';
import styles from './Settings.module.css';

/** All keys, each of which can be changed, and all of which can be off. */
export function ShortcutsDialog({ preferences, onClose }: { readonly preferences: Preferences; readonly onClose: () => void }) {
  const say = useSay();
  const values = useLive(preferences.values);
  return (
    <DialogBox heading={say('meeting.shortcuts')} closeLabel={say('meeting.close')} onClose={onClose}>
      <Switch label={say('shortcut.single')} hint={say('shortcut.singleHint')} isOn={values.shortcutsOn} onChange={(shortcutsOn) => preferences.set({ shortcutsOn })} />
      <dl className={styles['keys']}>
        {SHORTCUTS.map((shortcut) => (
          <Row key={shortcut.action} shortcut={shortcut} preferences={preferences} />
        ))}
        <div>
          <dt>{say('shortcut.talk')}</dt>
          <dd>
            <kbd>{say('shortcut.space')}</kbd>
          </dd>
        </div>
      </dl>
      {Object.keys(values.shortcuts).length > 0 && (
        <Button tone="plain" size="s" onClick={() => preferences.set({ shortcuts: {} })}>
          {say('shortcut.reset')}
        </Button>
      )}
    </DialogBox>
  );
}

function Row({ shortcut, preferences }: { readonly shortcut: Shortcut; readonly preferences: Preferences }) {
  const say = useSay();
  const values = useLive(preferences.values);
  const [isWaiting, setWaiting] = useState(false);
  const chord = shortcut.chord?.replace('Control+', 'Ctrl ').toUpperCase().replace('CTRL', 'Ctrl') ?? null;
  const key = keyOf(shortcut, values);
  const shown = isWaiting ? say('shortcut.press') : key.length === 1 ? key.toUpperCase() : key;
  return (
    <div>
      <dt>{say(shortcut.text)}</dt>
      <dd>
        <button
          type="button"
          aria-label={`${shown}. ${say('shortcut.change', { action: say(shortcut.text) })}`}
          data-waiting={isWaiting || undefined}
          onClick={() => setWaiting(true)}
          onBlur={() => setWaiting(false)}
          onKeyDown={(event) => {
            if (!isWaiting || event.key === 'Tab' || event.key === 'Shift') return;
            event.preventDefault();
            event.stopPropagation();
            setWaiting(false);
            if (event.key.length === 1 && event.key !== ' ') preferences.set({ shortcuts: { ...values.shortcuts, [shortcut.action]: event.key.toLowerCase() } });
          }}
        >
          {shown}
        </button>
        {chord && chord !== key && <kbd>{chord}</kbd>}
      </dd>
    </div>
  );
}
