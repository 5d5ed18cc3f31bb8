import { useRef, useState } from 'react';
import type { SettingsChange } from '../../api/meetings';
import { ProblemError } from '../../api/problem';
import type { Meeting } from '../../protocol/objects';
import type { MeetingModel } from '../../state/meeting';
import type { TextKey, TextValues } from '../../text/keys';
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
        <Worded meeting={meeting} label={say('people.title')} said={settings.title} maxLength={120} change={(title) => ({ title })} />
        <Worded
          meeting={meeting}
          label={say('people.passcode')}
          said=""
          placeholder={settings.passcode ? say('people.passcodeSet') : say('people.passcodeHint')}
          maxLength={64}
          change={(passcode) => ({ passcode })}
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

/** What is being typed, and why the server has not taken it. */
interface Draft {
  readonly text: string;
  readonly fault: { readonly text: TextKey; readonly values: TextValues } | null;
}

interface WordedProps {
  readonly meeting: MeetingModel;
  readonly label: string;
  readonly said: string;
  readonly placeholder?: string;
  readonly maxLength: number;
  readonly change: (text: string) => SettingsChange;
}

/** A line of text that is saved when it is finished: with Enter or by going elsewhere. It stays as typed until it is saved. */
function Worded({ meeting, label, said, placeholder, maxLength, change }: WordedProps) {
  const say = useSay();
  const place = useRef<HTMLInputElement>(null);
  const [draft, setDraft] = useState<Draft | null>(null);
  const save = async (): Promise<void> => {
    if (draft === null) return;
    const text = draft.text.trim();
    if (text === said) return setDraft(null);
    // What is typed on meanwhile is another draft.
    const settle = (next: Draft | null): void => setDraft((now) => (now?.text === draft.text ? next : now));
    settle({ ...draft, fault: null });
    try {
      await meeting.hosting.save(change(text));
      settle(null);
    } catch (error) {
      const fault: Draft['fault'] = error instanceof ProblemError ? { text: 'people.notSaved', values: { why: error.problem.detail } } : { text: 'notice.notSaved', values: {} };
      if (!place.current) return void meeting.notices.show(fault.text, { values: fault.values, tone: 'warning', topic: 'hosting' });
      settle({ ...draft, fault });
      // Enter has taken the focus away.
      if (document.activeElement === document.body) place.current.focus();
    }
  };
  return (
    <Field
      ref={place}
      label={label}
      showsLabel
      dir="auto"
      autoComplete="off"
      maxLength={maxLength}
      value={draft?.text ?? said}
      error={draft?.fault ? say(draft.fault.text, draft.fault.values) : null}
      {...(placeholder ? { placeholder } : {})}
      onChange={(event) => setDraft({ text: event.target.value, fault: null })}
      onBlur={() => void save()}
      onKeyDown={(event) => {
        if (event.key === 'Enter') event.currentTarget.blur();
        if (event.key === 'Escape') {
          event.stopPropagation();
          setDraft(null);
        }
      }}
    />
  );
}
