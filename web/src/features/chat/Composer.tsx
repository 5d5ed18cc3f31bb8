import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { LONGEST_MESSAGE } from '../../state/chat';
import type { MeetingModel } from '../../state/meeting';
import { useLanguage, useSay } from '../../text/say-context';
import { IconButton } from '../../ui/Button';
import { Icon } from '../../ui/Icon';
import { useLive } from '../../ui/use-live';
import styles from './ChatPanel.module.css';

/** Where one writes: to everyone or to one person, an answer or a change. Enter sends, Shift and Enter breaks the line. */
export function Composer({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  const { meeting: settings, participants, meId } = useLive(meeting.state);
  const isHost = useLive(meeting.isHost);
  const focus = useLive(meeting.chat.focus);
  const [text, setText] = useState(focus?.kind === 'edit' ? focus.message.text : '');
  const [to, setTo] = useState<string | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const others = [...participants.values()].filter((person) => person.id !== meId && (person.status === 'connected' || person.status === 'reconnecting'));
  const receiver = others.find((person) => person.id === to) ?? null;

  useEffect(() => field.current?.focus(), [focus]);

  const send = (): void => {
    meeting.chat.post(text, receiver?.id ?? null);
    setText('');
  };
  const cancel = (): void => meeting.chat.focus.set(null);
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && focus) {
      event.preventDefault();
      cancel();
    }
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };

  if (!isHost && !settings.guests_may_chat) return <p className={styles['closed']}>{say('chat.closed')}</p>;
  const label = receiver ? say('chat.messageTo', { name: receiver.label }) : say('chat.message');
  return (
    <form
      className={styles['composer']}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Typing meeting={meeting} />
      {focus && (
        <p className={styles['focus']}>
          <span dir="auto">{focus.kind === 'edit' ? say('chat.editing') : say('chat.replying', { name: participants.get(focus.message.participant_id)?.label ?? focus.message.name })}</span>
          <IconButton icon="close" iconSize={14} aria-label={say('meeting.cancel')} onClick={cancel} />
        </p>
      )}
      {others.length > 1 && focus?.kind !== 'edit' && (
        <label className={styles['to']}>
          <span>{say('chat.to')}</span>
          <select value={receiver?.id ?? ''} onChange={(event) => setTo(event.target.value || null)}>
            <option value="">{say('chat.everyone')}</option>
            {others.map((person) => (
              <option key={person.id} value={person.id}>
                {person.label}
              </option>
            ))}
          </select>
        </label>
      )}
      <div className={styles['field']}>
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          aria-label={label}
          placeholder={label}
          maxLength={LONGEST_MESSAGE}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            if (!receiver) meeting.chat.sayTyping();
          }}
          onKeyDown={onKey}
        />
        <button type="submit" aria-label={say(focus?.kind === 'edit' ? 'chat.save' : 'chat.send')} disabled={text.trim() === ''}>
          <Icon name={focus?.kind === 'edit' ? 'check' : 'send'} size={18} />
        </button>
      </div>
    </form>
  );
}

function Typing({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  const language = useLanguage();
  const typing = useLive(meeting.chat.typing);
  const { participants } = useLive(meeting.state);
  const names = [...typing].flatMap((id) => participants.get(id)?.label ?? []);
  return (
    <p className={styles['typing']} aria-live="off">
      {names.length > 0 ? say('chat.typing', { count: names.length, names: new Intl.ListFormat(language).format(names.slice(0, 3)) }) : ''}
    </p>
  );
}
