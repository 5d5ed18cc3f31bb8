import { describe, expect, it } from 'vitest';
import type { Message, Participant } from '../protocol/objects';
import type { DurableEvent } from '../protocol/stream';
import { aMeeting, aMessage, aParticipant } from '../protocol/samples';
import { apply, fromSnapshot, withMessage, type MeetingState } from './reducer';

const ana = aParticipant({ id: 'ana', name: 'Ana' });
const start = (): MeetingState => fromSnapshot({ meeting: aMeeting(), participants: [ana], messages: [], me: ana }, 1, 4);
const updated = (participant: Participant, event_seq: number, epoch = 1): DurableEvent => ({
  type: 'event', epoch, event_seq, at: 0, kind: 'participant.updated', body: { participant },
});
const posted = (message: Message, event_seq: number): DurableEvent => ({ type: 'event', epoch: 1, event_seq, at: 0, kind: 'chat.posted', body: { message } });

function applied(state: MeetingState, event: DurableEvent): MeetingState {
  const outcome = apply(state, event);
  if (outcome.kind !== 'applied') throw new Error(outcome.kind);
  return outcome.state;
}

describe('the reducer', () => {
  it('EVENT-2: applies the next event and counts it', () => {
    const state = applied(start(), updated({ ...ana, audio: true }, 5));
    expect(state.eventSeq).toBe(5);
    expect(state.participants.get('ana')?.audio).toBe(true);
  });

  it('EVENT-2: drops an event it has already applied', () => {
    expect(apply(start(), updated({ ...ana, audio: true }, 4))).toEqual({ kind: 'old' });
  });

  it('EVENT-2: calls a skipped number a gap and changes nothing', () => {
    expect(apply(start(), updated(ana, 6))).toEqual({ kind: 'gap' });
  });

  it('EVENT-2: calls another epoch a gap, since its numbers mean something else', () => {
    expect(apply(start(), updated(ana, 5, 2))).toEqual({ kind: 'gap' });
  });

  it('EVENT-1: counts a hidden event without a change', () => {
    const state = applied(start(), { type: 'event', epoch: 1, event_seq: 5, at: 0, kind: 'hidden' });
    expect(state.eventSeq).toBe(5);
    expect(state.participants).toEqual(start().participants);
  });

  it('EVENT-1: counts an event of a kind this page does not know', () => {
    const unknown = { type: 'event', epoch: 1, event_seq: 5, at: 0, kind: 'poll.opened', body: {} } as unknown as DurableEvent;
    expect(applied(start(), unknown).eventSeq).toBe(5);
  });

  it('JOIN-1: a participant who comes back replaces the earlier entry', () => {
    const state = applied(start(), { type: 'event', epoch: 1, event_seq: 5, at: 0, kind: 'participant.joined', body: { participant: { ...ana, connections: 2 } } });
    expect([...state.participants.values()].map((person) => person.connections)).toEqual([2]);
  });

  it('EVENT-1: keeps chat in the order of its events, whatever clocks say, and replaces an edited message', () => {
    const first = aMessage({ id: 'b', event_seq: 5, posted_at: 2 });
    const second = aMessage({ id: 'a', event_seq: 6, posted_at: 1 });
    const state = applied(applied(start(), posted(second, 5)), posted(first, 6));
    expect(state.messages.map((message) => message.id)).toEqual(['b', 'a']);
    expect(withMessage(state.messages, { ...first, text: 'new' }).map((message) => message.text)).toEqual(['new', second.text]);
  });
});
