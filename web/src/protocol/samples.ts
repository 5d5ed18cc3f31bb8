import type { Meeting, Message, Participant } from './objects';

/** Valid objects of the wire, for tests: each takes what the test is about and fills in the rest. */

export function aMeeting(over: Partial<Meeting> = {}): Meeting {
  return {
    id: 'ABC123', title: '', run: 1, epoch: 1, event_seq: 1, version: 1, created_at: 0, locked: false, lobby: false, passcode: false,
    max_participants: 0, guests_may_share: true, guests_may_chat: true, guests_may_unmute: true, ...over,
  };
}

export function aParticipant(over: Partial<Participant> = {}): Participant {
  return {
    id: 'p1', name: 'Ana', label: over.name ?? 'Ana', role: 'guest', status: 'connected', audio: false, video: false, screen: false,
    hand_at: null, verified: false, joined_at: 0, connections: 1, microphone_connection: null, ...over,
  };
}

export function aMessage(over: Partial<Message> = {}): Message {
  return { id: 'm1', participant_id: 'p1', name: 'Ana', text: 'Hello', to: null, reply_to: null, posted_at: 0, event_seq: 1, edited_at: null, deleted: false, ...over };
}
