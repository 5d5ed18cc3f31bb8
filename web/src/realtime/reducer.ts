import type { Meeting, Message, Participant, Snapshot } from '../protocol/objects';
import type { DurableEvent } from '../protocol/stream';

/** A meeting as this connection knows it: the durable state at one `event_seq`. */
export interface MeetingState {
  readonly epoch: number;
  readonly eventSeq: number;
  readonly meeting: Meeting;
  /** Everyone the server has told of, by participant id, whatever their status. */
  readonly participants: ReadonlyMap<string, Participant>;
  /** The chat of this run, oldest first. */
  readonly messages: readonly Message[];
  /** This person, or null where the snapshot was made for nobody. */
  readonly meId: string | null;
}

/** What became of one event: applied, known already, or a sign that something is missing (EVENT-2). */
export type Outcome = { readonly kind: 'applied'; readonly state: MeetingState } | { readonly kind: 'old' } | { readonly kind: 'gap' };

/** Start from a snapshot; what was known before is forgotten. */
export function fromSnapshot(snapshot: Snapshot, epoch: number, eventSeq: number): MeetingState {
  const participants = new Map(snapshot.participants.map((participant) => [participant.id, participant]));
  if (snapshot.me) participants.set(snapshot.me.id, snapshot.me);
  return {
    epoch,
    eventSeq,
    meeting: snapshot.meeting,
    participants,
    messages: [...snapshot.messages].sort(byEvent),
    meId: snapshot.me?.id ?? null,
  };
}

/** Apply one durable change. Bodies carry whole objects, so applying is replacing. */
export function apply(state: MeetingState, event: DurableEvent): Outcome {
  if (event.epoch !== state.epoch) return { kind: 'gap' };
  if (event.event_seq <= state.eventSeq) return { kind: 'old' };
  if (event.event_seq !== state.eventSeq + 1) return { kind: 'gap' };
  return { kind: 'applied', state: { ...change(state, event), eventSeq: event.event_seq } };
}

function change(state: MeetingState, event: DurableEvent): MeetingState {
  switch (event.kind) {
    case 'hidden':
      return state;
    case 'meeting.updated':
    case 'meeting.ended':
      return { ...state, meeting: event.body.meeting };
    case 'chat.posted':
    case 'chat.edited':
    case 'chat.deleted':
      return { ...state, messages: withMessage(state.messages, event.body.message) };
    case 'participant.joined':
    case 'participant.updated':
    case 'participant.left':
    case 'participant.removed':
    case 'participant.restored':
    case 'lobby.knocked':
    case 'lobby.admitted':
    case 'lobby.denied':
    case 'lobby.left': {
      const participants = new Map(state.participants);
      participants.set(event.body.participant.id, event.body.participant);
      return { ...state, participants };
    }
    default:
      // A newer server may know more kinds: the number counts, the body is not ours to read.
      return state;
  }
}

/** Put a message in its place by the event that posted it; one with the same id replaces the earlier. */
export function withMessage(messages: readonly Message[], message: Message): readonly Message[] {
  const known = messages.findIndex((other) => other.id === message.id);
  if (known >= 0) return messages.with(known, message);
  const last = messages.at(-1);
  if (!last || byEvent(last, message) < 0) return [...messages, message];
  return [...messages, message].sort(byEvent);
}

function byEvent(a: Message, b: Message): number {
  return a.event_seq - b.event_seq;
}
