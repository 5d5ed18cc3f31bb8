import { DisconnectReason, LogLevel, Room, RoomEvent, setLogLevel, Track, type RemoteTrackPublication } from 'livekit-client';
import { Live } from '../live';
import type { MediaTicket } from '../protocol/objects';
import { count, type Counters, type StatsEntry } from './figures';
import { foldPeople } from './people';
import type { MediaEngine, MediaLink, PersonMedia, Share } from './port';
import { PUBLISH, Publisher } from './publisher';
import { Sound } from './sound';

// LiveKit's own lines are for its developers; what people need to know is said by moot.
setLogLevel(LogLevel.silent);

/**
 * Waits between LiveKit's own tries to resume, in milliseconds: quick, since most losses are short, and few, since each is
 * a WebSocket that Firefox lets the next ones wait for. After the last, or where the server has nothing left to resume,
 * the link is made anew with a fresh ticket.
 */
const RETRY_MS = [0, 300, 1000, 2000, 4000];

/** What the server says to somebody whose stay it has ended on purpose. */
const DISMISSALS = new Set([DisconnectReason.PARTICIPANT_REMOVED, DisconnectReason.ROOM_DELETED, DisconnectReason.ROOM_CLOSED, DisconnectReason.DUPLICATE_IDENTITY]);

/** The media engine over LiveKit's SDK, whichever server speaks its dialect (MEDIA-2). */
export class LiveKitEngine implements MediaEngine {
  readonly link = new Live<MediaLink>('connecting');
  readonly people = new Live<ReadonlyMap<string, PersonMedia>>(new Map());
  readonly mayPlaySound = new Live(true);
  readonly #microphone = new Publisher(false);
  readonly #camera = new Publisher(false);
  readonly #screen = new Publisher(true);
  readonly #screenAudio = new Publisher(true);
  #sound = new Sound();
  #room: Room | null = null;
  #speaker = '';
  #savesData = false;
  #isFolding = false;

  async connect(ticket: MediaTicket): Promise<void> {
    const before = this.#room;
    const room = new Room({
      adaptiveStream: true,
      dynacast: true,
      stopLocalTrackOnUnpublish: false,
      reconnectPolicy: { nextRetryDelayInMs: ({ retryCount }) => RETRY_MS[retryCount] ?? null },
      ...(this.#speaker ? { audioOutput: { deviceId: this.#speaker } } : {}),
    });
    this.#room = room;
    if (before) await this.#abandon(before);
    this.#listen(room);
    this.link.set('connecting');
    try {
      await room.connect(ticket.url, ticket.token, { autoSubscribe: true, maxRetries: 2 });
    } catch (error) {
      if (room === this.#room) this.link.set('closed');
      throw error;
    }
    if (room !== this.#room) return;
    this.link.set('open');
    this.#fold();
    await this.#bindAll(room);
  }

  sendMicrophone(track: MediaStreamTrack | null): Promise<void> {
    return this.#microphone.want(track && { track, options: PUBLISH.microphone });
  }

  sendCamera(track: MediaStreamTrack | null): Promise<void> {
    return this.#camera.want(track && { track, options: PUBLISH.camera });
  }

  async sendScreen(share: Share | null): Promise<void> {
    if (share) share.video.contentHint = share.hint;
    const encoding = share?.hint === 'motion' ? { maxBitrate: 4_000_000, maxFramerate: 30 } : { maxBitrate: 2_500_000, maxFramerate: 15 };
    const options = { ...PUBLISH.screen, screenShareEncoding: encoding, degradationPreference: share?.hint === 'motion' ? ('maintain-framerate' as const) : ('maintain-resolution' as const) };
    const audio = share?.audio ?? null;
    await Promise.all([
      this.#screen.want(share && { track: share.video, options }),
      this.#screenAudio.want(audio && { track: audio, options: PUBLISH.screenAudio }),
    ]);
  }

  async useSpeaker(deviceId: string): Promise<void> {
    this.#speaker = deviceId;
    await this.#room?.switchActiveDevice('audiooutput', deviceId || 'default').catch(() => false);
  }

  saveData(on: boolean): void {
    this.#savesData = on;
    for (const remote of this.#room?.remoteParticipants.values() ?? []) {
      for (const publication of remote.videoTrackPublications.values()) this.#applySaving(publication);
    }
  }

  async allowSound(): Promise<void> {
    await this.#room?.startAudio();
  }

  async counters(): Promise<Counters> {
    const room = this.#room;
    const own = [...(room?.localParticipant.trackPublications.values() ?? [])].map(({ track }) => track);
    const others = [...(room?.remoteParticipants.values() ?? [])].flatMap((remote) => [...remote.trackPublications.values()].map(({ track }) => track));
    const reports = await Promise.all([...own, ...others].map((track) => track?.getRTCStatsReport()?.catch(() => undefined)));
    return count(reports.flatMap((report) => Array.from<StatsEntry>(report?.values() ?? [])), Date.now());
  }

  async close(): Promise<void> {
    const room = this.#room;
    this.#room = null;
    if (room) await this.#abandon(room);
    this.link.set('closed');
  }

  #listen(room: Room): void {
    const sound = new Sound();
    this.#sound = sound;
    const fold = (): void => this.#fold();
    room
      .on(RoomEvent.TrackSubscribed, (track, publication, from) => {
        sound.start(room, track, from);
        this.#applySaving(publication);
        fold();
      })
      .on(RoomEvent.TrackUnsubscribed, (track) => {
        sound.stop(track);
        fold();
      })
      .on(RoomEvent.ParticipantConnected, fold)
      .on(RoomEvent.ParticipantDisconnected, fold)
      .on(RoomEvent.TrackMuted, fold)
      .on(RoomEvent.TrackUnmuted, fold)
      .on(RoomEvent.ActiveSpeakersChanged, fold)
      .on(RoomEvent.ConnectionQualityChanged, fold)
      .on(RoomEvent.AudioPlaybackStatusChanged, () => this.mayPlaySound.set(room.canPlaybackAudio))
      .on(RoomEvent.Reconnecting, () => this.#giveUp(room))
      .on(RoomEvent.SignalReconnecting, () => this.#say(room, 'reconnecting'))
      .on(RoomEvent.Reconnected, () => {
        this.#say(room, 'open');
        fold();
      })
      .on(RoomEvent.Disconnected, (reason?: DisconnectReason) => {
        sound.stopAll();
        this.#say(room, reason !== undefined && DISMISSALS.has(reason) ? 'dismissed' : 'closed');
      });
  }

  /**
   * Resuming has failed, and LiveKit is about to join anew with its old ticket and to publish again what it had published.
   * Both are done here, on a fresh room: two hands on the same tracks would publish the same source twice, one of them dead.
   */
  #giveUp(room: Room): void {
    if (room !== this.#room) return;
    this.#room = null;
    void this.#abandon(room);
    this.link.set('closed');
  }

  #say(room: Room, link: MediaLink): void {
    if (room === this.#room) this.link.set(link);
  }

  /** Fold once after a burst of LiveKit's events, not once for each. */
  #fold(): void {
    if (this.#isFolding) return;
    this.#isFolding = true;
    queueMicrotask(() => {
      this.#isFolding = false;
      // While the link is lost the last pictures stay: a frozen face is better than a hole.
      if (this.#room && this.link.value === 'open') this.people.set(foldPeople(this.#room));
    });
  }

  #applySaving(publication: RemoteTrackPublication): void {
    if (publication.source === Track.Source.Camera) publication.setEnabled(!this.#savesData);
  }

  async #bindAll(room: Room): Promise<void> {
    const to = room.localParticipant;
    const binds = [this.#microphone, this.#camera, this.#screen, this.#screenAudio].map((publisher) => publisher.bind(to));
    await Promise.all(binds);
  }

  async #abandon(room: Room): Promise<void> {
    this.#sound.stopAll();
    room.removeAllListeners();
    for (const publisher of [this.#microphone, this.#camera, this.#screen, this.#screenAudio]) void publisher.bind(null);
    await room.disconnect(false).catch(() => undefined);
  }
}
