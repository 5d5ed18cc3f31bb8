import type { Meeting, Message, Participant, Snapshot } from './objects';

/** The messages of docs/protocol/realtime.md. */

export type ClientMessage =
  | {
      readonly type: 'hello';
      readonly connection_id: string;
      readonly token: string;
      readonly fence: number;
      readonly since?: { readonly epoch: number; readonly event_seq: number };
    }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'pong'; readonly id: number }
  | { readonly type: 'typing'; readonly to?: string };

interface Numbered {
  readonly epoch: number;
  readonly event_seq: number;
}

export type ParticipantEventKind =
  | 'participant.joined'
  | 'participant.updated'
  | 'participant.left'
  | 'participant.removed'
  | 'participant.restored'
  | 'lobby.knocked'
  | 'lobby.admitted'
  | 'lobby.denied'
  | 'lobby.left';

export type DurableEvent = Numbered & { readonly type: 'event'; readonly at: number } & (
    | { readonly kind: ParticipantEventKind; readonly body: { readonly participant: Participant; readonly reason?: 'left' | 'lost'; readonly by?: string } }
    | { readonly kind: 'meeting.updated' | 'meeting.ended'; readonly body: { readonly meeting: Meeting; readonly by?: string } }
    | { readonly kind: 'chat.posted' | 'chat.edited' | 'chat.deleted'; readonly body: { readonly message: Message } }
    | { readonly kind: 'hidden'; readonly body?: undefined }
  );

export type Quality = 'excellent' | 'good' | 'poor' | 'lost';

export type Ephemeral = { readonly type: 'ephemeral' } & (
  | { readonly kind: 'reaction'; readonly body: { readonly participant_id: string; readonly emoji: string } }
  | { readonly kind: 'typing'; readonly body: { readonly participant_id: string } }
  | { readonly kind: 'speakers'; readonly body: { readonly participants: readonly { readonly id: string; readonly level: number }[] } }
  | { readonly kind: 'quality'; readonly body: { readonly participant_id: string; readonly quality: Quality; readonly cause?: string } }
);

export type Hello = Numbered & {
  readonly type: 'hello';
  readonly connection_id: string;
  readonly fence: number;
  readonly server_time?: number;
} & ({ readonly resumed: true } | { readonly resumed: false; readonly snapshot: Snapshot });

export type LobbyStatus = 'waiting' | 'admitted' | 'denied';

export type ServerMessage =
  | Hello
  | DurableEvent
  | Ephemeral
  | (Numbered & { readonly type: 'snapshot'; readonly snapshot: Snapshot })
  | { readonly type: 'lobby'; readonly status: LobbyStatus }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'pong'; readonly id: number };

/** Close codes of docs/errors.md that end a stream for good, by what they mean for the person. */
export const CLOSE = {
  tokenInvalid: 4003,
  connectionClosed: 4004,
  connectionReplaced: 4005,
  left: 4006,
  removed: 4007,
  ended: 4008,
  denied: 4014,
} as const;
