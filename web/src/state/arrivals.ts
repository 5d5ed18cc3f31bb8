import { playArrival, playKnock, playLeaving } from '../media/tones';
import type { Participant } from '../protocol/objects';
import type { DurableEvent } from '../protocol/stream';
import type { MeetingState } from '../realtime/reducer';
import type { Notices } from './notices';
import type { Preferences } from './preferences';

/** In meetings larger than this nobody is announced: the sound would never end. */
const LARGE = 8;

/** Milliseconds for which a hand has gone up just now; an older one is only part of what somebody else changed. */
const JUST_NOW_MS = 2_000;

/** Says softly who comes, goes and asks to speak. Somebody who lost the network and is back has done none of it (JOIN-4). */
export class Arrivals {
  /** The last hand of each person that was said, by participant id. */
  readonly #hands = new Map<string, number>();

  constructor(
    private readonly notices: Notices,
    private readonly preferences: Preferences,
  ) {}

  handle(event: DurableEvent, state: MeetingState): void {
    if (event.kind === 'lobby.knocked') return this.#sound(playKnock);
    if (event.kind !== 'participant.joined' && event.kind !== 'participant.left' && event.kind !== 'participant.updated') return;
    const { participant } = event.body;
    if (participant.id === state.meId) return;
    const present = [...state.participants.values()].filter((person) => person.status === 'connected').length;
    if (present > LARGE) return;
    if (event.kind === 'participant.updated') return this.#sayHand(participant, event.at);
    const hasJoined = event.kind === 'participant.joined';
    this.notices.show(hasJoined ? 'notice.joined' : 'notice.left', { values: { name: participant.label }, forS: 3, topic: 'arrival' });
    this.#sound(hasJoined ? playArrival : playLeaving);
  }

  #sayHand({ id, label, hand_at: hand }: Participant, at: number): void {
    if (hand === null || at - hand > JUST_NOW_MS || this.#hands.get(id) === hand) return;
    this.#hands.set(id, hand);
    this.notices.show('notice.hand', { values: { name: label }, forS: 4, topic: `hand ${id}` });
  }

  #sound(play: () => void): void {
    if (this.preferences.values.value.sounds) play();
  }
}
