import type { JoinAnswer, JoinRequest, KnockAnswer, MediaTicket, Meeting, Message, OwnConnection, Participant, Preview, Settings, Source } from '../protocol/objects';
import { call, type Sender } from './call';

/** Every request of docs/protocol/http.md that the page makes, one function each. */

const at = (meetingId: string, rest = ''): string => `/meetings/${encodeURIComponent(meetingId)}${rest}`;
const person = (meetingId: string, participantId: string, verb: string): string => at(meetingId, `/participants/${encodeURIComponent(participantId)}/${verb}`);

export interface Created {
  readonly created: boolean;
  readonly meeting: Meeting;
}

/** Create a meeting with an id of the server's choosing; a repeat with the same key is the same meeting (MEET-5). */
export function createMeeting(idempotencyKey: string): Promise<Created> {
  return call('POST', '/meetings', { body: {}, idempotencyKey });
}

/** Create the meeting, or get the one that exists (MEET-2). */
export function ensureMeeting(meetingId: string): Promise<Created> {
  return call('PUT', at(meetingId));
}

export function previewMeeting(meetingId: string): Promise<Preview> {
  return call('GET', at(meetingId));
}

/** Join or rejoin (JOIN-1). */
export function join(meetingId: string, request: JoinRequest): Promise<JoinAnswer> {
  return call('PUT', at(meetingId, '/participants/me'), { body: request });
}

export function ownSeat(meetingId: string): Promise<{ participant: Participant; connections: readonly OwnConnection[] }> {
  return call('GET', at(meetingId, '/participants/me'));
}

/** Leave with every connection, or close only the one named. Outlives the page. */
export function leave(meetingId: string, sender: Sender | null, connectionId?: string): Promise<unknown> {
  const query = connectionId ? `?connection_id=${encodeURIComponent(connectionId)}` : '';
  return call('DELETE', at(meetingId, `/participants/me${query}`), { keepalive: true, ...(sender ? { sender } : {}) });
}

export interface OwnChange {
  readonly name?: string;
  readonly audio?: boolean;
  readonly video?: boolean;
  readonly screen?: boolean;
  readonly hand?: boolean;
}

export function changeMe(meetingId: string, sender: Sender, change: OwnChange): Promise<{ participant: Participant }> {
  return call('PATCH', at(meetingId, '/participants/me'), { body: change, sender });
}

export function freshTicket(meetingId: string, sender: Sender): Promise<{ media: MediaTicket }> {
  // While a network is away a request may hang: the next one is soon enough after it has come back.
  return call('POST', at(meetingId, '/participants/me/media'), { sender, timeoutS: 4 });
}

export function react(meetingId: string, sender: Sender, emoji: string): Promise<unknown> {
  return call('POST', at(meetingId, '/reactions'), { body: { emoji }, sender });
}

export function knock(meetingId: string, request: { name: string; connection_id: string; passcode?: string }): Promise<KnockAnswer> {
  return call('PUT', at(meetingId, '/lobby/me'), { body: request });
}

export function stopKnocking(meetingId: string, sender: Sender): Promise<unknown> {
  return call('DELETE', at(meetingId, '/lobby/me'), { keepalive: true, sender });
}

export function admit(meetingId: string, sender: Sender, participantId: string): Promise<unknown> {
  return call('POST', at(meetingId, `/lobby/${encodeURIComponent(participantId)}/admit`), { sender });
}

export function deny(meetingId: string, sender: Sender, participantId: string): Promise<unknown> {
  return call('POST', at(meetingId, `/lobby/${encodeURIComponent(participantId)}/deny`), { sender });
}

export function admitAll(meetingId: string, sender: Sender): Promise<unknown> {
  return call('POST', at(meetingId, '/lobby/admit'), { sender });
}

export function switchOff(meetingId: string, sender: Sender, participantId: string, sources: readonly Source[]): Promise<unknown> {
  return call('POST', person(meetingId, participantId, 'mute'), { body: { sources }, sender });
}

export function muteAll(meetingId: string, sender: Sender): Promise<unknown> {
  return call('POST', at(meetingId, '/participants/mute'), { body: { sources: ['microphone'] }, sender });
}

export function setRole(meetingId: string, sender: Sender, participantId: string, role: 'host' | 'guest'): Promise<unknown> {
  return call('PUT', person(meetingId, participantId, 'role'), { body: { role }, sender });
}

export function remove(meetingId: string, sender: Sender, participantId: string): Promise<unknown> {
  return call('POST', person(meetingId, participantId, 'remove'), { sender });
}

export function restore(meetingId: string, sender: Sender, participantId: string): Promise<unknown> {
  return call('POST', person(meetingId, participantId, 'restore'), { sender });
}

export function lowerHand(meetingId: string, sender: Sender, participantId: string): Promise<unknown> {
  return call('POST', person(meetingId, participantId, 'lower_hand'), { sender });
}

export type SettingsChange = Partial<Settings> & { readonly passcode?: string | null };

/** Change settings that were read at `version`; 412 where somebody else was first. */
export function changeMeeting(meetingId: string, sender: Sender, version: number, change: SettingsChange): Promise<{ meeting: Meeting }> {
  return call('PATCH', at(meetingId), { body: change, sender, ifMatch: `"${version}"` });
}

export function endMeeting(meetingId: string, sender: Sender, run: number): Promise<unknown> {
  return call('POST', at(meetingId, '/end'), { body: { run }, sender });
}

/** Post a message under an id made here, so that a repeat posts once. */
export function post(meetingId: string, sender: Sender, messageId: string, body: { text: string; to?: string; reply_to?: string }): Promise<{ message: Message }> {
  return call('PUT', at(meetingId, `/chat/${encodeURIComponent(messageId)}`), { body, sender });
}

export function edit(meetingId: string, sender: Sender, messageId: string, text: string): Promise<{ message: Message }> {
  return call('PATCH', at(meetingId, `/chat/${encodeURIComponent(messageId)}`), { body: { text }, sender });
}

export function unsay(meetingId: string, sender: Sender, messageId: string): Promise<{ message: Message }> {
  return call('DELETE', at(meetingId, `/chat/${encodeURIComponent(messageId)}`), { sender });
}

export function history(meetingId: string, before: string, limit = 100): Promise<{ messages: readonly Message[] }> {
  return call('GET', at(meetingId, `/chat?before=${encodeURIComponent(before)}&limit=${limit}`));
}
