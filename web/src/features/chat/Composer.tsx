import { useEffect, useId, useRef, type KeyboardEvent } from 'react';
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
  const { chat } = meeting;
  const focus = useLive(chat.focus);
  const draft = useLive(chat.draft);
  const reader = useLive(chat.reader);
  const isReaderGone = useLive(chat.isReaderGone);
  const faultId = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const others = [...participants.values()].filter((person) => person.id !== meId && (person.status === 'connected' || person.status === 'reconnecting'));
  const edit = focus?.kind === 'edit' ? focus : null;
  const text = edit?.text ?? draft;
  const present = others.find((person) => person.id === reader?.id);
  const readerName = present?.label ?? reader?.name ?? '';

  useEffect(() => field.current?.focus(), [focus?.kind, focus?.message.id]);

  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && focus) {
      event.preventDefault();
      chat.cancel();
    }
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    chat.post();
  };

  if (!isHost && !settings.guests_may_chat) return <p className={styles['closed']}>{say('chat.closed')}</p>;
  const label = edit ? say('chat.editing') : reader ? say('chat.messageTo', { name: readerName }) : say('chat.message');
  const fault = edit ? edit.state === 'refused' && say('chat.notSaved') : isReaderGone && say('chat.readerGone', { name: readerName });
  return (
    <form
      className={styles['composer']}
      onSubmit={(event) => {
        event.preventDefault();
        chat.post();
      }}
    >
      <Typing meeting={meeting} />
      {focus && (
        <p className={styles['focus']}>
          <span dir="auto">{edit ? say('chat.editing') : say('chat.replying', { name: participants.get(focus.message.participant_id)?.label ?? focus.message.name })}</span>
          <IconButton icon="close" iconSize={14} aria-label={say('meeting.cancel')} onClick={() => chat.cancel()} />
        </p>
      )}
      {(others.length > 1 || reader) && !edit && (
        <label className={styles['to']}>
          <span>{say('chat.to')}</span>
          <select
            value={reader?.id ?? ''}
            onChange={({ target }) => {
              chat.writeTo(target.value === '' ? null : { id: target.value, name: target.selectedOptions[0]?.text ?? '' });
              // The list may go with this choice, and must not take the focus along.
              if (others.length <= 1) field.current?.focus();
            }}
          >
            <option value="">{say('chat.everyone')}</option>
            {reader && !present && <option value={reader.id}>{readerName}</option>}
            {others.map((person) => (
              <option key={person.id} value={person.id}>
                {person.label}
              </option>
            ))}
          </select>
        </label>
      )}
      {fault && (
        <p className={styles['fault']} id={faultId} role="alert" dir="auto">
          {fault}
        </p>
      )}
      <div className={styles['field']}>
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          aria-label={label}
          placeholder={label}
          aria-describedby={fault ? faultId : undefined}
          readOnly={edit?.state === 'saving'}
          maxLength={LONGEST_MESSAGE}
          value={text}
          onChange={(event) => chat.write(event.target.value)}
          onKeyDown={onKey}
        />
        <button type="submit" aria-label={say(edit ? 'chat.save' : 'chat.send')} disabled={text.trim() === ''}>
          <Icon name={edit ? 'check' : 'send'} size={18} />
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
