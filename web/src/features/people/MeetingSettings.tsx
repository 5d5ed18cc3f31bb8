import { useState } from 'react';
import type { Meeting } from '../../protocol/objects';
import type { MeetingModel } from '../../state/meeting';
import type { TextKey } from '../../text/keys';
import { useSay } from '../../text/say-context';
import { Button } from '../../ui/Button';
import { Field } from '../../ui/Field';
import { Switch } from '../../ui/Switch';
import { useLive } from '../../ui/use-live';
import styles from './PeoplePanel.module.css';

type Flag = 'locked' | 'lobby' | 'guests_may_share' | 'guests_may_chat' | 'guests_may_unmute';

const FLAGS: readonly { readonly flag: Flag; readonly text: TextKey; readonly hint: TextKey | null }[] = [
  { flag: 'locked', text: 'people.lock', hint: 'people.lockHint' },
  { flag: 'lobby', text: 'people.lobby', hint: 'people.lobbyHint' },
  { flag: 'guests_may_share', text: 'people.guestsShare', hint: null },
  { flag: 'guests_may_chat', text: 'people.guestsChat', hint: null },
  { flag: 'guests_may_unmute', text: 'people.guestsUnmute', hint: null },
];

/** The doors and what guests may do; shown to hosts. */
export function MeetingSettings({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  const settings = useLive(meeting.state).meeting;
  return (
    <section className={styles['group']} aria-label={say('people.doors')}>
      <h3>{say('people.doors')}</h3>
      <div className={styles['fields']}>
        <Worded label={say('people.title')} said={settings.title} maxLength={120} onSave={(title) => meeting.hosting.change({ title })} />
        <Worded
          label={say('people.passcode')}
          said=""
          placeholder={settings.passcode ? say('people.passcodeSet') : say('people.passcodeHint')}
          maxLength={64}
          onSave={(passcode) => meeting.hosting.change({ passcode })}
        />
        {settings.passcode && (
          <Button tone="plain" size="s" onClick={() => void meeting.hosting.change({ passcode: null })}>
            {say('people.passcodeRemove')}
          </Button>
        )}
      </div>
      {FLAGS.map(({ flag, text, hint }) => (
        <Flagged key={flag} meeting={meeting} settings={settings} flag={flag} label={say(text)} hint={hint && say(hint)} />
      ))}
    </section>
  );
}

/** A switch that answers the press at once and goes back when the server says no. */
function Flagged({ meeting, settings, flag, label, hint }: { readonly meeting: MeetingModel; readonly settings: Meeting; readonly flag: Flag; readonly label: string; readonly hint: string | null }) {
  const said = settings[flag];
  const [press, setPress] = useState<{ readonly on: boolean; readonly over: number } | null>(null);
  // A press stands until the settings it was made on have changed: then the server has spoken.
  const pressed = press && press.over === settings.version ? press.on : null;
  return (
    <Switch
      label={label}
      hint={hint}
      isOn={pressed ?? said}
      onChange={(on) => {
        setPress({ on, over: settings.version });
        void meeting.hosting.change({ [flag]: on }).then((isDone) => !isDone && setPress(null));
      }}
    />
  );
}

/** A line of text that is saved when it is finished: with Enter or by going elsewhere. */
function Worded({ label, said, placeholder, maxLength, onSave }: { readonly label: string; readonly said: string; readonly placeholder?: string; readonly maxLength: number; readonly onSave: (text: string) => Promise<boolean> }) {
  const [typed, setTyped] = useState<string | null>(null);
  const save = (): void => {
    if (typed === null) return;
    const text = typed.trim();
    if (text === said) return setTyped(null);
    void onSave(text).then(() => setTyped(null));
  };
  return (
    <Field
      label={label}
      showsLabel
      dir="auto"
      autoComplete="off"
      maxLength={maxLength}
      value={typed ?? said}
      {...(placeholder ? { placeholder } : {})}
      onChange={(event) => setTyped(event.target.value)}
      onBlur={save}
      onKeyDown={(event) => {
        if (event.key === 'Enter') event.currentTarget.blur();
        if (event.key === 'Escape') {
          event.stopPropagation();
          setTyped(null);
        }
      }}
    />
  );
}
