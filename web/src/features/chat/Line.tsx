import { memo, useMemo } from 'react';
import type { ChatLine } from '../../state/chat';
import type { MeetingModel } from '../../state/meeting';
import { useLanguage, useSay } from '../../text/say-context';
import { Button, IconButton } from '../../ui/Button';
import { useLive } from '../../ui/use-live';
import styles from './ChatPanel.module.css';
import { LinkedText } from './LinkedText';

export interface LineProps {
  readonly meeting: MeetingModel;
  readonly line: ChatLine;
  /** Whether it stands under the name of the message before. */
  readonly follows: boolean;
}

/** One message: whose, when, what, and what may be done with it. */
export const Line = memo(function Line({ meeting, line, follows }: LineProps) {
  const say = useSay();
  const language = useLanguage();
  const { message, isOwn, state } = line;
  const time = useMemo(() => new Intl.DateTimeFormat(language, { timeStyle: 'short' }), [language]);
  const isHost = useLive(meeting.isHost);
  const { participants, messages } = useLive(meeting.state);
  const answered = message.reply_to ? messages.find((other) => other.id === message.reply_to) : undefined;
  const nameOf = (id: string, name: string): string => participants.get(id)?.label ?? name;
  const by = nameOf(message.participant_id, message.name);
  return (
    <li className={styles['line']} data-own={isOwn || undefined} data-follows={follows || undefined}>
      {!follows && (
        <p className={styles['by']}>
          <b dir="auto">{isOwn ? say('chat.you') : by}</b>
          <time dateTime={new Date(message.posted_at).toISOString()}>{time.format(message.posted_at)}</time>
          {message.to && <i>{say('chat.private', { name: nameOf(message.to, '') })}</i>}
        </p>
      )}
      {answered && (
        <p className={styles['quote']} dir="auto">
          {nameOf(answered.participant_id, answered.name)}: {answered.deleted ? say('chat.deleted') : answered.text.slice(0, 90)}
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
        {state === 'sent' && !message.deleted && (
          <span className={styles['tools']}>
            <IconButton icon="reply" iconSize={15} aria-label={say('chat.replyTo', { name: by })} onClick={() => meeting.chat.reply(message)} />
            {isOwn && <IconButton icon="edit" iconSize={15} aria-label={say('chat.edit')} onClick={() => meeting.chat.edit(message)} />}
            {(isOwn || isHost) && <IconButton icon="bin" iconSize={15} aria-label={say('chat.unsay')} onClick={() => void meeting.chat.unsay(message.id)} />}
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
});
