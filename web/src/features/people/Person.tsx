import { memo } from 'react';
import type { Participant } from '../../protocol/objects';
import type { MeetingModel } from '../../state/meeting';
import { useSay } from '../../text/say-context';
import { ActionMenu, type Action } from '../../ui/ActionMenu';
import { Avatar } from '../../ui/Avatar';
import { Icon } from '../../ui/Icon';
import { useLive } from '../../ui/use-live';
import styles from './PeoplePanel.module.css';

export interface PersonProps {
  readonly meeting: MeetingModel;
  readonly person: Participant;
  readonly handPlace: number | null;
  readonly mayAct: boolean;
}

/** One line of the list: who, in which role, and what may be done. */
export const Person = memo(function Person({ meeting, person, handPlace, mayAct }: PersonProps) {
  const say = useSay();
  const pinned = useLive(meeting.stage.pinned);
  const isSelf = person.id === meeting.me.value.id;
  const { hosting } = meeting;
  const isPinned = pinned === person.id;
  const pin: Action = { id: 'pin', label: say(isPinned ? 'people.unpin' : 'people.pin'), icon: 'pin', run: () => meeting.stage.pinned.set(isPinned ? null : person.id) };
  const asHost: Action[] = [
    ...(!isSelf && person.audio ? [{ id: 'mute', label: say('people.mute'), icon: 'microphoneOff' as const, run: () => void hosting.switchOff(person.id, ['microphone']) }] : []),
    ...(!isSelf && person.video ? [{ id: 'camera', label: say('people.stopCamera'), icon: 'cameraOff' as const, run: () => void hosting.switchOff(person.id, ['camera']) }] : []),
    ...(!isSelf && person.screen ? [{ id: 'screen', label: say('people.stopShare'), icon: 'screen' as const, run: () => void hosting.switchOff(person.id, ['screen']) }] : []),
    ...(handPlace !== null ? [{ id: 'hand', label: say('people.lowerHand'), icon: 'hand' as const, run: () => void hosting.lowerHand(person.id) }] : []),
    person.role === 'host'
      ? { id: 'guest', label: say('people.takeHost'), icon: 'people', startsGroup: true, run: () => void hosting.setRole(person.id, 'guest') }
      : { id: 'host', label: say('people.makeHost'), icon: 'people', startsGroup: true, run: () => void hosting.setRole(person.id, 'host') },
    ...(!isSelf ? [{ id: 'remove', label: say('people.remove'), icon: 'close' as const, tone: 'stop' as const, startsGroup: true, run: () => void hosting.remove(person.id) }] : []),
  ];
  return (
    <li className={styles['row']} data-away={person.status === 'reconnecting' || undefined} data-person={person.id}>
      <Avatar id={person.id} name={person.label} size={34} />
      <span className={styles['name']}>
        <span dir="auto">{isSelf ? say('meeting.you', { name: person.label }) : person.label}</span>
        {(person.role === 'host' || person.status === 'reconnecting') && <small>{person.status === 'reconnecting' ? say('tile.reconnecting') : say('people.host')}</small>}
      </span>
      {handPlace !== null && (
        <span className={styles['hand']}>
          <Icon name="hand" size={14} />
          <span aria-hidden="true">{handPlace}</span>
          <span className="hidden-text">{say('tile.hand', { place: handPlace })}</span>
        </span>
      )}
      {!person.audio && (
        <span className={styles['mute']} title={say('tile.microphoneOff')}>
          <Icon name="microphoneOff" size={17} />
          <span className="hidden-text">{say('tile.microphoneOff')}</span>
        </span>
      )}
      <ActionMenu label={say('people.actions', { name: person.label })} actions={mayAct ? [pin, ...asHost] : [pin]} className={styles['more']} placement="bottom end" />
    </li>
  );
});
