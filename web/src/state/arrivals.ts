import { playArrival, playKnock, playLeaving } from '../media/tones';
import type { DurableEvent } from '../protocol/stream';
import type { MeetingState } from '../realtime/reducer';
import type { Notices } from './notices';
import type { Preferences } from './preferences';

/** In meetings larger than this nobody is announced: the sound would never end. */
const LARGE = 8;

/** Says softly who comes and goes. Somebody who lost the network and is back has done neither (JOIN-4). */
export class Arrivals {
  constructor(
    private readonly notices: Notices,
    private readonly preferences: Preferences,
  ) {}

  handle(event: DurableEvent, state: MeetingState): void {
    if (event.kind === 'lobby.knocked') return this.#sound(playKnock);
    if (event.kind !== 'participant.joined' && event.kind !== 'participant.left') return;
    const { participant } = event.body;
    if (participant.id === state.meId) return;
    const present = [...state.participants.values()].filter((person) => person.status === 'connected').length;
    if (present > LARGE) return;
    const hasJoined = event.kind === 'participant.joined';
    this.notices.show(hasJoined ? 'notice.joined' : 'notice.left', { values: { name: participant.label }, forS: 3, topic: 'arrival' });
    this.#sound(hasJoined ? playArrival : playLeaving);
  }

  #sound(play: () => void): void {
    if (this.preferences.values.value.sounds) play();
  }
}
