import { useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import type { ChatLine } from '../../state/chat';
import { LONGEST_MESSAGE } from '../../state/chat';
import type { MeetingModel } from '../../state/meeting';
import { useLanguage, useSay } from '../../text/say-context';
import { Button, IconButton } from '../../ui/Button';
import { Icon } from '../../ui/Icon';
import { Panel } from '../../ui/Panel';
import { useLive } from '../../ui/use-live';
import styles from './ChatPanel.module.css';
import { LinkedText } from './LinkedText';

/** The meeting's chat: whole after a refresh, and each message is there the moment it is sent. */
export function ChatPanel({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  const lines = useLive(meeting.chat.lines);
  const scroller = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const [hasNewBelow, setNewBelow] = useState(false);
  const count = lines.length;

  useLayoutEffect(() => {
    const place = scroller.current;
    if (!place) return;
    if (isAtEnd.current) place.scrollTop = place.scrollHeight;
    else setNewBelow(true);
  }, [count]);

  const toEnd = (): void => scroller.current?.scrollTo({ top: scroller.current.scrollHeight, behavior: 'smooth' });
  return (
    <Panel heading={say('chat.heading')} closeLabel={say('meeting.close')} onClose={() => meeting.panel.set(null)}>
      <div
        className={styles['scroll']}
        ref={scroller}
        role="log"
        aria-label={say('chat.heading')}
        tabIndex={0}
        onScroll={({ currentTarget }) => {
          isAtEnd.current = currentTarget.scrollHeight - currentTarget.scrollTop - currentTarget.clientHeight < 60;
          if (isAtEnd.current) setNewBelow(false);
        }}
      >
        {count === 0 && <p className={styles['empty']}>{say('chat.empty')}</p>}
        <ol className={styles['lines']}>
          {lines.map((line, index) => (
            <Line key={line.message.id} meeting={meeting} line={line} follows={isFollowing(lines[index - 1], line)} />
          ))}
        </ol>
        {hasNewBelow && (
          <button type="button" className={styles['below']} onClick={toEnd}>
            {say('chat.newBelow')}
          </button>
        )}
      </div>
      <Composer meeting={meeting} />
    </Panel>
  );
}

/** Messages of one person within five minutes stand together under one name. */
function isFollowing(before: ChatLine | undefined, line: ChatLine): boolean {
  return before !== undefined && before.message.participant_id === line.message.participant_id && before.message.to === line.message.to && line.message.posted_at - before.message.posted_at < 300_000;
}

function Line({ meeting, line, follows }: { readonly meeting: MeetingModel; readonly line: ChatLine; readonly follows: boolean }) {
  const say = useSay();
  const language = useLanguage();
  const { message, isOwn, state } = line;
  const time = useMemo(() => new Intl.DateTimeFormat(language, { timeStyle: 'short' }), [language]);
  const isHost = useLive(meeting.isHost);
  const { participants } = useLive(meeting.state);
  return (
    <li className={styles['line']} data-own={isOwn || undefined} data-follows={follows || undefined}>
      {!follows && (
        <p className={styles['by']}>
          <b dir="auto">{isOwn ? say('chat.you') : (participants.get(message.participant_id)?.label ?? message.name)}</b>
          <time dateTime={new Date(message.posted_at).toISOString()}>{time.format(message.posted_at)}</time>
          {message.to && <i>{say('chat.private', { name: participants.get(message.to)?.label ?? '' })}</i>}
        </p>
      )}
      <div className={styles['body']}>
        {message.deleted ? (
          <p className={styles['gone']}>{say('chat.deleted')}</p>
        ) : (
          <p dir="auto" data-state={state}>
            <LinkedText text={message.text} />
            {message.edited_at !== null && <small> ({say('chat.edited')})</small>}
          </p>
        )}
        {state === 'sent' && !message.deleted && (isOwn || isHost) && (
          <span className={styles['tools']}>
            <IconButton icon="bin" iconSize={15} aria-label={say('chat.discard')} onClick={() => void meeting.chat.unsay(message.id)} />
          </span>
        )}
      </div>
      {state === 'failed' && (
        <p className={styles['failed']} role="alert">
          {say('chat.failed')}
          <Button tone="plain" size="s" onClick={() => meeting.chat.retry(message.id)}>
            {say('chat.retry')}
          </Button>
          <Button tone="plain" size="s" onClick={() => meeting.chat.discard(message.id)}>
            {say('chat.discard')}
          </Button>
        </p>
      )}
    </li>
  );
}

function Composer({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  const language = useLanguage();
  const [text, setText] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);
  const typing = useLive(meeting.chat.typing);
  const { participants, meeting: settings } = useLive(meeting.state);
  const isHost = useLive(meeting.isHost);
  const mayChat = isHost || settings.guests_may_chat;

  useEffect(() => field.current?.focus(), []);
  const send = (): void => {
    meeting.chat.post(text);
    setText('');
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  const names = [...typing].flatMap((id) => participants.get(id)?.label ?? []);
  return (
    <form
      className={styles['composer']}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <p className={styles['typing']} aria-live="off">
        {names.length > 0 ? say('chat.typing', { count: names.length, names: new Intl.ListFormat(language).format(names.slice(0, 3)) }) : ''}
      </p>
      {mayChat ? (
        <div className={styles['field']}>
          <textarea
            ref={field}
            rows={1}
            dir="auto"
            aria-label={say('chat.message')}
            placeholder={say('chat.message')}
            maxLength={LONGEST_MESSAGE}
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              meeting.chat.sayTyping();
            }}
            onKeyDown={onKey}
          />
          <button type="submit" aria-label={say('chat.send')} disabled={text.trim() === ''}>
            <Icon name="send" size={18} />
          </button>
        </div>
      ) : (
        <p className={styles['closed']}>{say('chat.closed')}</p>
      )}
    </form>
  );
}
