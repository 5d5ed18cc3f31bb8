import * as api from '../api/meetings';
import type { Sender } from '../api/call';
import { say } from '../console';
import { derive, Live, type ReadLive } from '../live';
import type { MediaEngine, PersonMedia } from '../media/port';
import type { JoinAnswer, Participant } from '../protocol/objects';
import type { DurableEvent, Ephemeral } from '../protocol/stream';
import { EventStream, streamUrl, type OpenSocket } from '../realtime/event-stream';
import { fromSnapshot, type MeetingState } from '../realtime/reducer';
import { Arrivals } from './arrivals';
import { Chat } from './chat';
import { Hosting } from './hosting';
import type { LocalDevices } from './local-device';
import { MediaLink } from './media-link';
import { Notices } from './notices';
import type { Preferences } from './preferences';
import { Reactions } from './reactions';
import { Self } from './self';
import { Stage, type Told } from './stage';
import type { Writing } from './writing';

/** What a meeting needs from outside; tests give their own. */
export interface Surroundings {
  readonly devices: LocalDevices;
  readonly preferences: Preferences;
  readonly loadEngine: () => Promise<MediaEngine>;
  /** Fetches the engine's program ahead of `loadEngine`; may be called any number of times. */
  readonly prepareEngine?: () => void;
  readonly openSocket?: OpenSocket;
  readonly now: () => number;
}

export type Panel = 'chat' | 'people' | 'settings';

const NOBODY: ReadonlyMap<string, PersonMedia> = new Map();

/** The meeting this tab is in: its state, and one view model for each thing a person does in it. */
export class MeetingModel {
  readonly id: string;
  readonly sender: Sender;
  readonly stream: EventStream;
  readonly media: MediaLink;
  readonly notices = new Notices();
  readonly state: ReadLive<MeetingState>;
  readonly me: ReadLive<Participant>;
  readonly isHost: ReadLive<boolean>;
  readonly people: ReadLive<ReadonlyMap<string, PersonMedia>>;
  /** The server's word on each one's connection. */
  readonly qualities = new Live<ReadonlyMap<string, Told>>(new Map());
  readonly panel = new Live<Panel | null>(null);
  readonly self: Self;
  readonly stage: Stage;
  readonly chat: Chat;
  readonly hosting: Hosting;
  readonly reactions: Reactions;
  readonly arrivals: Arrivals;
  /** When this tab came in, milliseconds since 1970. */
  readonly joinedAt: number;
  readonly #people = new Live(NOBODY);
  #isComplete = false;

  constructor(
    joined: JoinAnswer,
    readonly surroundings: Surroundings,
    withCamera: boolean,
    writing: Writing,
  ) {
    const { preferences, devices, now } = surroundings;
    this.id = joined.meeting.id;
    this.joinedAt = now();
    this.sender = { id: joined.connection.id, fence: joined.connection.fence };
    const initial = fromSnapshot({ ...joined.snapshot, me: joined.snapshot.me ?? joined.participant }, joined.snapshot.meeting.epoch, joined.snapshot.meeting.event_seq);
    this.stream = new EventStream(streamUrl(this.id), joined.connection, initial, {
      onEvent: (event) => this.#onEvent(event),
      onEphemeral: (message) => this.#onEphemeral(message),
      onLobby: () => undefined,
    }, surroundings.openSocket);
    this.state = derive([this.stream.state], (state) => state ?? initial);
    this.me = derive([this.state], (state) => state.participants.get(joined.participant.id) ?? joined.participant);
    this.isHost = derive([this.me], (me) => me.role === 'host');
    this.media = new MediaLink(surroundings.loadEngine, async () => {
      const { media } = await api.freshTicket(this.id, this.sender);
      // The server is there: the event stream need not wait for its next try either.
      this.stream.retryNow();
      return media;
    });
    this.people = this.#people;
    this.self = new Self({ meetingId: this.id, sender: this.sender, me: this.me, engine: this.media.engine, devices, notices: this.notices, withCamera });
    this.stage = new Stage({ state: this.state, people: this.people, qualities: this.qualities, self: this.self, devices, preferences, now });
    this.chat = new Chat({ meetingId: this.id, sender: this.sender, state: this.state, isOpen: derive([this.panel], (panel) => panel === 'chat'), open: () => this.panel.set('chat'), notices: this.notices, stream: this.stream, writing, now });
    this.hosting = new Hosting(this.id, this.sender, this.state, this.notices);
    this.reactions = new Reactions(this.id, this.sender, now);
    this.arrivals = new Arrivals(this.notices, preferences);
    this.media.engine.subscribe(() => this.#followEngine());
  }

  /** Begin: open the event stream and the media link. */
  start(ticket: JoinAnswer['media']): void {
    this.stream.link.subscribe(() => {
      if (this.stream.link.value.kind !== 'open') return;
      this.media.handleServerBack();
      this.self.retryNow();
      if (this.#isComplete) return;
      this.#isComplete = true;
      say('Meeting initialization complete', { meeting_id: this.id, participant_id: this.me.value.id, connection_id: this.sender.id });
    });
    this.stream.open();
    void this.media.open(ticket);
    void this.chat.sendAgain();
  }

  togglePanel(panel: Panel): void {
    this.panel.update((open) => (open === panel ? null : panel));
  }

  /** Look now whether the links live: the page was asleep, or the network has changed. */
  check(): void {
    this.stream.check();
    this.media.handleServerBack();
  }

  /** Play sound through this device from now on. */
  playThrough(deviceId: string): void {
    void this.media.engine.value?.useSpeaker(deviceId);
  }

  /** Stop everything here. Tells the server nothing: leaving is the caller's. */
  close(): void {
    this.stream.close();
    this.chat.close();
    this.self.close();
    this.reactions.close();
    this.stage.close();
    void this.media.close();
  }

  #followEngine(): void {
    const engine = this.media.engine.value;
    if (!engine) return;
    const { preferences } = this.surroundings;
    engine.people.subscribe(() => this.#people.set(engine.people.value));
    if (preferences.values.value.speaker) void engine.useSpeaker(preferences.values.value.speaker);
    engine.saveData(preferences.values.value.savesData);
    preferences.values.subscribe(() => engine.saveData(preferences.values.value.savesData));
  }

  #onEvent(event: DurableEvent): void {
    if (event.kind.startsWith('participant.') && event.kind !== 'hidden' && 'participant' in event.body) {
      say('Real-time participant update received', { meeting_id: this.id, participant_id: event.body.participant.id, event: event.kind, event_seq: event.event_seq });
    }
    this.arrivals.handle(event, this.state.value);
    this.chat.handle(event);
    this.hosting.handle(event);
  }

  #onEphemeral(message: Ephemeral): void {
    if (message.kind === 'reaction') this.reactions.handle(message.body.participant_id, message.body.emoji);
    if (message.kind === 'quality') this.qualities.update((known) => new Map(known).set(message.body.participant_id, { quality: message.body.quality, cause: message.body.cause ?? '' }));
    if (message.kind === 'typing') this.chat.handleTyping(message.body.participant_id);
  }
}
