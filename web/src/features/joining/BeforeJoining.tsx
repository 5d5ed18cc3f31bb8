import { useEffect, useRef, useState, type FormEvent } from 'react';
import type { OwnConnection, Preview } from '../../protocol/objects';
import { groupMeetingId } from '../../state/meeting-id';
import type { Page } from '../../state/page';
import type { Phase, Seat } from '../../state/seat';
import { useLanguage, useSay } from '../../text/say-context';
import { Button } from '../../ui/Button';
import { Field } from '../../ui/Field';
import { Icon } from '../../ui/Icon';
import { Mark } from '../../ui/Mark';
import { useLive } from '../../ui/use-live';
import styles from './BeforeJoining.module.css';
import { SelfView } from './SelfView';

/** One's own face, one's name, one button. */
export function BeforeJoining({ page, seat, phase }: { readonly page: Page; readonly seat: Seat; readonly phase: Phase & { kind: 'before' } }) {
  const say = useSay();
  const values = useLive(page.preferences.values);
  const [name, setName] = useState(values.name);
  const [passcode, setPasscode] = useState('');
  const [isEmpty, setIsEmpty] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const { preview, problem, isJoining } = phase;
  const asksPasscode = (preview.meeting.passcode && !preview.known) || problem?.code.startsWith('passcode_') === true;
  const mustKnock = preview.meeting.lobby && !preview.known;

  useEffect(() => {
    if (values.name === '') field.current?.focus();
    // Only when the screen opens: later the focus is the person's.
  }, []);

  const join = (event: FormEvent): void => {
    event.preventDefault();
    if (name.trim() === '') {
      setIsEmpty(true);
      field.current?.focus();
      return;
    }
    void seat.join(name.trim(), passcode === '' ? null : passcode);
  };

  return (
    <div className={styles['screen']}>
      <header className={styles['header']}>
        <a
          href="/"
          className={styles['home']}
          onClick={(event) => {
            event.preventDefault();
            page.goHome();
          }}
        >
          <Mark />
          <span className="hidden-text">{say('out.home')}</span>
        </a>
      </header>
      <main className={styles['main']}>
        <SelfView page={page} />
        <form className={styles['form']} onSubmit={join} noValidate>
          <h1>
            {preview.meeting.title ? (
              <>
                <span dir="auto">{preview.meeting.title}</span> <small className="code">{groupMeetingId(seat.meetingId)}</small>
              </>
            ) : (
              say('join.heading', { id: groupMeetingId(seat.meetingId) })
            )}
          </h1>
          <Field
            ref={field}
            label={say('join.name')}
            showsLabel
            dir="auto"
            autoComplete="name"
            maxLength={80}
            value={name}
            error={isEmpty ? say('join.nameEmpty') : problem?.code === 'name_invalid' ? problem.detail : null}
            onChange={(event) => {
              setName(event.target.value);
              setIsEmpty(false);
            }}
          />
          {asksPasscode && (
            <Field
              label={say('join.passcode')}
              showsLabel
              icon="lock"
              type="password"
              autoComplete="off"
              value={passcode}
              error={problem?.code === 'passcode_wrong' ? say('join.passcodeWrong') : null}
              onChange={(event) => setPasscode(event.target.value)}
            />
          )}
          <WhoIsHere preview={preview} />
          <Button type="submit" size="l" isBusy={isJoining}>
            {isJoining ? say('join.joining') : say(mustKnock ? 'join.knock' : 'join.now')}
          </Button>
          <Hint preview={preview} elsewhere={phase.elsewhere} />
          {problem && !problem.code.startsWith('passcode_') && problem.code !== 'name_invalid' && (
            <p className={styles['problem']} role="alert">
              {say('join.failed', { why: problem.detail || problem.title })}
            </p>
          )}
        </form>
      </main>
    </div>
  );
}

function WhoIsHere({ preview }: { readonly preview: Preview }) {
  const say = useSay();
  const language = useLanguage();
  const names = preview.names ?? [];
  const rest = preview.participants - names.length;
  const listed = new Intl.ListFormat(language).format(names.map((name) => `\u2068${name}\u2069`));
  const text =
    preview.participants === 0
      ? say('join.nobody')
      : names.length === 0
        ? say('join.here', { count: preview.participants })
        : rest > 0
          ? say('join.namesMore', { names: listed, count: rest })
          : say('join.namesHere', { names: listed, count: names.length });
  return <p className={styles['here']}>{text}</p>;
}

function Hint({ preview, elsewhere }: { readonly preview: Preview; readonly elsewhere: readonly OwnConnection[] }) {
  const say = useSay();
  const [first] = elsewhere;
  const text = first
    ? first.device
      ? say('join.elsewhere', { device: first.device })
      : say('join.elsewhereUnknown')
    : preview.known
      ? null
      : preview.meeting.locked
        ? say('join.lockedHint')
        : preview.meeting.lobby
          ? say('join.lobbyHint')
          : null;
  if (!text) return null;
  return (
    <p className={styles['hint']}>
      <Icon name="hint" />
      <span>{text}</span>
    </p>
  );
}
