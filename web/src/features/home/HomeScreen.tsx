import { useState, type FormEvent } from 'react';
import { groupMeetingId, parseMeetingId, type IdFault } from '../../state/meeting-id';
import type { Page } from '../../state/page';
import type { TextKey } from '../../text/keys';
import { LANGUAGES, useLanguage, useSay } from '../../text/say-context';
import { Button, IconButton } from '../../ui/Button';
import { Field } from '../../ui/Field';
import { Icon } from '../../ui/Icon';
import { Mark } from '../../ui/Mark';
import { useLive } from '../../ui/use-live';
import styles from './HomeScreen.module.css';
import { When } from './When';

const FAULTS: Readonly<Record<IdFault, TextKey>> = { empty: 'home.idEmpty', short: 'home.idShort', long: 'home.idLong', characters: 'home.idCharacters' };

/** One line to type in and two buttons. */
export function HomeScreen({ page }: { readonly page: Page }) {
  const say = useSay();
  const creating = useLive(page.creating);
  const [text, setText] = useState('');
  const [fault, setFault] = useState<IdFault | null>(null);

  const join = (event: FormEvent): void => {
    event.preventDefault();
    const parsed = parseMeetingId(text);
    if ('fault' in parsed) setFault(parsed.fault);
    else page.openMeeting(parsed.id);
  };
  const create = (): void => {
    const parsed = parseMeetingId(text);
    if ('id' in parsed) void page.createMeeting(parsed.id);
    else if (parsed.fault === 'empty') void page.createMeeting(null);
    else setFault(parsed.fault);
  };

  return (
    <div className={styles['screen']}>
      <header className={styles['header']}>
        <Mark />
      </header>
      <main className={styles['main']}>
        <div className={styles['card']}>
          <h1>{say('home.heading')}</h1>
          <form className={styles['row']} onSubmit={join} noValidate>
            <Field
              label={say('home.meetingId')}
              placeholder={say('home.placeholder')}
              icon="hash"
              isCode
              dir="auto"
              autoComplete="off"
              autoCapitalize="characters"
              spellCheck={false}
              enterKeyHint="go"
              maxLength={512}
              value={text}
              error={fault && say(FAULTS[fault])}
              onChange={(event) => {
                setText(event.target.value);
                setFault(null);
              }}
            />
            <Button type="submit" size="l">
              {say('home.join')}
            </Button>
          </form>
          <p className={styles['or']}>{say('home.or')}</p>
          <Button tone="quiet" size="l" icon="plus" onClick={create} isBusy={creating.kind === 'busy'} title={say('home.newHint')}>
            {say('home.new')}
          </Button>
          {creating.kind === 'failed' && (
            <p className={styles['failed']} role="alert">
              {say('home.failed', { why: creating.problem?.detail || say('out.unreachableText') })}
            </p>
          )}
          <Recent page={page} />
        </div>
      </main>
      <footer className={styles['footer']}>
        <span>{say('home.server', { host: location.host })}</span>
        <LanguagePick page={page} />
      </footer>
    </div>
  );
}

function Recent({ page }: { readonly page: Page }) {
  const say = useSay();
  const meetings = useLive(page.recent.list);
  if (meetings.length === 0) return null;
  return (
    <nav className={styles['recent']} aria-label={say('home.recent')}>
      <h2>{say('home.recentShort')}</h2>
      <ul>
        {meetings.map((meeting) => (
          <li key={meeting.id}>
            <a
              href={`/${meeting.id}`}
              onClick={(event) => {
                if (event.metaKey || event.ctrlKey || event.shiftKey) return;
                event.preventDefault();
                page.openMeeting(meeting.id);
              }}
            >
              <b className={meeting.title ? undefined : 'code'} dir="auto">
                {meeting.title || groupMeetingId(meeting.id)}
              </b>
              <span>
                <When at={meeting.at} />
                {meeting.isHost && ` · ${say('home.host')}`}
              </span>
            </a>
            <IconButton icon="close" iconSize={15} aria-label={say('home.forget', { id: groupMeetingId(meeting.id) })} onClick={() => page.recent.forget(meeting.id)} />
          </li>
        ))}
      </ul>
    </nav>
  );
}

function LanguagePick({ page }: { readonly page: Page }) {
  const say = useSay();
  const language = useLanguage();
  return (
    <label className={styles['language']}>
      <span className="hidden-text">{say('home.language')}</span>
      <select value={language} onChange={(event) => page.preferences.set({ language: event.target.value })}>
        {Object.entries(LANGUAGES).map(([tag, name]) => (
          <option key={tag} value={tag} lang={tag}>
            {name}
          </option>
        ))}
      </select>
      <Icon name="down" size={14} />
    </label>
  );
}
