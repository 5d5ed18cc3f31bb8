import { useLayoutEffect, useRef, useState } from 'react';
import type { ChatLine } from '../../state/chat';
import type { MeetingModel } from '../../state/meeting';
import { useSay } from '../../text/say-context';
import { Panel } from '../../ui/Panel';
import { useLive } from '../../ui/use-live';
import styles from './ChatPanel.module.css';
import { Composer } from './Composer';
import { Line } from './Line';

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
