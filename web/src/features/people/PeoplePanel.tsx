import { useMemo } from 'react';
import { derive } from '../../live';
import type { Participant } from '../../protocol/objects';
import { meetingPath } from '../../state/meeting-id';
import type { MeetingModel } from '../../state/meeting';
import type { Page } from '../../state/page';
import { handQueue } from '../../state/stage';
import { useSay } from '../../text/say-context';
import { Avatar } from '../../ui/Avatar';
import { Button, IconButton } from '../../ui/Button';
import { Panel } from '../../ui/Panel';
import { useCopy } from '../../ui/use-copy';
import { useLive } from '../../ui/use-live';
import { MeetingSettings } from './MeetingSettings';
import styles from './PeoplePanel.module.css';
import { Person } from './Person';

/** Who is here, who waits at the door, and what a host can do about it. */
export function PeoplePanel({ meeting }: { readonly page: Page; readonly meeting: MeetingModel }) {
  const say = useSay();
  const isHost = useLive(meeting.isHost);
  const waiting = useLive(meeting.hosting.waiting);
  const removed = useLive(meeting.hosting.removed);
  const here = useLive(useMemo(() => derive([meeting.state], ({ participants }) => inOrder([...participants.values()])), [meeting]));
  const queue = handQueue(here);
  const [isCopied, copy] = useCopy();
  return (
    <Panel heading={say('people.heading')} closeLabel={say('meeting.close')} onClose={() => meeting.panel.set(null)}>
      <div className={styles['scroll']}>
        {isHost && waiting.length > 0 && (
          <section className={styles['group']} aria-label={say('people.waiting')}>
            <h3>
              {say('people.waiting')} <span>{waiting.length}</span>
            </h3>
            <ul>
              {waiting.map((person) => (
                <Waiting key={person.id} meeting={meeting} person={person} />
              ))}
            </ul>
            {waiting.length > 1 && (
              <Button size="s" tone="quiet" onClick={() => void meeting.hosting.admitAll()}>
                {say('people.admitAll')}
              </Button>
            )}
          </section>
        )}
        <section className={styles['group']} aria-label={say('people.here')}>
          <h3>
            {say('people.here')} <span>{here.length}</span>
          </h3>
          <ul>
            {here.map((person) => (
              <Person key={person.id} meeting={meeting} person={person} handPlace={queue.get(person.id) ?? null} mayAct={isHost} />
            ))}
          </ul>
        </section>
        {isHost && removed.length > 0 && (
          <section className={styles['group']} aria-label={say('people.removed')}>
            <h3>
              {say('people.removed')} <span>{removed.length}</span>
            </h3>
            <ul>
              {removed.map((person) => (
                <li key={person.id} className={styles['row']}>
                  <Avatar id={person.id} name={person.label} size={34} />
                  <span className={styles['name']} title={person.label}>
                    <span dir="auto">{person.label}</span>
                  </span>
                  <Button size="s" tone="quiet" onClick={() => void meeting.hosting.restore(person.id)}>
                    <Spelled short={say('people.restoreShort')} full={say('people.restore', { name: person.label })} />
                  </Button>
                </li>
              ))}
            </ul>
          </section>
        )}
        {isHost && <MeetingSettings meeting={meeting} />}
      </div>
      <div className={styles['foot']}>
        <Button tone="quiet" size="s" icon={isCopied ? 'check' : 'link'} onClick={() => copy(location.origin + meetingPath(meeting.id))}>
          {say(isCopied ? 'meeting.copied' : 'people.invite')}
        </Button>
        {isHost && here.length > 1 && (
          <Button tone="quiet" size="s" icon="microphoneOff" onClick={() => void meeting.hosting.muteAll()}>
            {say('people.muteAll')}
          </Button>
        )}
      </div>
    </Panel>
  );
}

/** Raised hands first, in their order; then by name, as people look for each other. */
function inOrder(people: readonly Participant[]): readonly Participant[] {
  const present = people.filter((person) => person.status === 'connected' || person.status === 'reconnecting');
  const queue = handQueue(present);
  const place = (person: Participant): number => queue.get(person.id) ?? Number.MAX_SAFE_INTEGER;
  return present.toSorted((a, b) => place(a) - place(b) || a.label.localeCompare(b.label));
}

/** Short for the eye beside the name; whole for the ear. */
function Spelled({ short, full }: { readonly short: string; readonly full: string }) {
  return (
    <>
      <span aria-hidden="true">{short}</span>
      <span className="hidden-text">{full}</span>
    </>
  );
}

function Waiting({ meeting, person }: { readonly meeting: MeetingModel; readonly person: Participant }) {
  const say = useSay();
  return (
    <li className={styles['row']}>
      <Avatar id={person.id} name={person.label} size={34} />
      <span className={styles['name']} title={person.label}>
        <span dir="auto">{person.label}</span>
      </span>
      <IconButton icon="close" aria-label={say('people.deny', { name: person.label })} onClick={() => void meeting.hosting.deny(person.id)} />
      <Button size="s" onClick={() => void meeting.hosting.admit(person.id)}>
        <Spelled short={say('people.admitShort')} full={say('people.admit', { name: person.label })} />
      </Button>
    </li>
  );
}
