import { useState } from 'react';
import type { Meeting } from '../../protocol/objects';
import type { MeetingModel } from '../../state/meeting';
import type { TextKey } from '../../text/keys';
import { useSay } from '../../text/say-context';
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
