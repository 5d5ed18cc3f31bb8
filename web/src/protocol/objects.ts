/** The objects of docs/protocol/http.md, as they travel. Times are milliseconds since 1970. */

export type Role = 'host' | 'guest';
export type Status = 'waiting' | 'connected' | 'reconnecting' | 'disconnected' | 'removed' | 'denied';
export type Source = 'microphone' | 'camera' | 'screen';

/** What hosts may change about a meeting. */
export interface Settings {
  readonly title: string;
  readonly locked: boolean;
  readonly lobby: boolean;
  readonly max_participants: number;
  readonly guests_may_share: boolean;
  readonly guests_may_chat: boolean;
  readonly guests_may_unmute: boolean;
}

export interface Meeting extends Settings {
  readonly id: string;
  readonly run: number;
  readonly epoch: number;
  readonly event_seq: number;
  readonly version: number;
  readonly created_at: number;
  readonly passcode: boolean;
}

export interface Participant {
  readonly id: string;
  readonly name: string;
  /** The name to show: "Ana (2)" for twins. */
  readonly label: string;
  readonly role: Role;
  readonly status: Status;
  /** The stored intents: what the person wants to send, not what arrives. */
  readonly audio: boolean;
  readonly video: boolean;
  readonly screen: boolean;
  /** When the hand went up, or null. */
  readonly hand_at: number | null;
  readonly verified: boolean;
  readonly joined_at: number;
  readonly connections: number;
  /** The connection whose microphone is the live one. */
  readonly microphone_connection: string | null;
}

export interface Connection {
  readonly id: string;
  readonly fence: number;
  readonly token: string;
  readonly linger_s: number;
  readonly device: string;
}

/** What a LiveKit SDK needs to connect. */
export interface MediaTicket {
  readonly url: string;
  readonly token: string;
  readonly room: string;
  readonly identity: string;
}

export interface Message {
  readonly id: string;
  readonly participant_id: string;
  readonly name: string;
  readonly text: string;
  readonly to: string | null;
  readonly reply_to: string | null;
  readonly posted_at: number;
  /** The number of the event that posted it: its place among the others. */
  readonly event_seq: number;
  readonly edited_at: number | null;
  readonly deleted: boolean;
}

export interface Snapshot {
  readonly meeting: Meeting;
  readonly participants: readonly Participant[];
  readonly messages: readonly Message[];
  readonly me: Participant | null;
}

/** What a stranger may see of a meeting before joining. */
export interface Preview {
  readonly meeting: { readonly id: string; readonly title: string; readonly locked: boolean; readonly lobby: boolean; readonly passcode: boolean };
  readonly participants: number;
  readonly known: boolean;
  readonly host: boolean;
  readonly names?: readonly string[];
}

export interface JoinRequest {
  readonly name?: string;
  readonly audio?: boolean;
  readonly video?: boolean;
  readonly connection_id?: string;
  readonly replaces?: string;
  readonly device?: string;
  readonly passcode?: string;
}

export interface JoinAnswer {
  readonly created: boolean;
  readonly meeting: Meeting;
  readonly participant: Participant;
  readonly connection: Connection;
  readonly media: MediaTicket;
  readonly snapshot: Snapshot;
}

export interface KnockAnswer {
  readonly created: boolean;
  readonly meeting: Preview['meeting'];
  readonly participant: Participant;
  readonly connection: Connection;
}

export interface OwnConnection {
  readonly id: string;
  readonly device: string;
  readonly state: 'pending' | 'open' | 'lost';
  readonly created_at: number;
}

/** An error as the server says it (RFC 9457). `code` is the stable id of docs/errors.md. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly cure?: string;
  readonly retry_after_s?: number;
}
