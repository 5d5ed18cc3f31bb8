import { LocalAudioTrack, LocalVideoTrack, ParticipantEvent, Track, type LocalParticipant, type LocalTrack, type LocalTrackPublication, type TrackPublishOptions } from 'livekit-client';

/** What one source sends, and how. */
export interface Sending {
  readonly track: MediaStreamTrack;
  readonly options: TrackPublishOptions;
}

/** Milliseconds before a publication that failed is tried again: the server may be about to allow it. The last repeats. */
const RETRY_AFTER_MS = [100, 200, 300, 500, 1_000];

/**
 * Milliseconds before a mute that nobody here asked for is taken back. The server mutes what is not allowed, and its word may
 * cross a press: a camera that was off until now is sent a moment before the server has heard that it is on again. A host's
 * mute is followed by the event that takes the wish away, within this time.
 */
const UNASKED_MUTE_MS = 200;

/**
 * Keeps one source's publication equal to what is wanted: published, replaced, muted or unmuted.
 *
 * The latest wish wins; wishes that were overtaken while LiveKit worked are never sent. The MediaStreamTrack stays its
 * owner's: nothing here stops it, and what is published is a clone, so that muting one does not silence the other.
 */
export class Publisher {
  #wanted: Sending | null = null;
  #sent: Sending | null = null;
  #local: LocalAudioTrack | LocalVideoTrack | null = null;
  #clone: MediaStreamTrack | null = null;
  #participant: LocalParticipant | null = null;
  #running: Promise<void> | null = null;

  /** @param unpublishes whether "nothing wanted" takes the publication away (screens) or mutes it (devices). */
  constructor(private readonly unpublishes: boolean) {}

  /** Send through this room from now on; what is wanted is published there afresh. */
  bind(participant: LocalParticipant | null): Promise<void> {
    this.#participant?.off(ParticipantEvent.LocalTrackUnpublished, this.#onUnpublished);
    this.#participant?.off(ParticipantEvent.TrackMuted, this.#onMuted);
    this.#participant = participant;
    participant?.on(ParticipantEvent.LocalTrackUnpublished, this.#onUnpublished);
    participant?.on(ParticipantEvent.TrackMuted, this.#onMuted);
    this.#local = null;
    this.#sent = null;
    this.#dropClone();
    // A publication in a room whose link has broken may hang for 15 s: the next room does not wait for it.
    this.#running = null;
    return this.#settle();
  }

  want(sending: Sending | null): Promise<void> {
    this.#wanted = sending;
    // At once, before LiveKit's own queue gets to it: nobody is audible who is shown as muted (EVENT-4). A clone that is only
    // disabled keeps its camera open in Chromium, with the light on; a microphone goes on as silence, which keeps time.
    if (!sending && this.#clone?.kind === 'video') this.#dropClone();
    else if (!sending && this.#clone) this.#clone.enabled = false;
    return this.#settle();
  }

  /** A LiveKit server takes a publication away when its source is forbidden; it is made anew when wanted again. */
  readonly #onUnpublished = (publication: LocalTrackPublication): void => {
    if (!this.#local || publication.track !== this.#local) return;
    this.#local = null;
    this.#sent = null;
    this.#dropClone();
    void this.#settle();
  };

  /** The server mutes a publication when its source is forbidden; while it is still wanted, it is unmuted again. */
  readonly #onMuted = ({ track }: { readonly track?: unknown }): void => {
    const local = this.#local;
    if (!local || track !== local || !this.#wanted) return;
    setTimeout(() => {
      if (local !== this.#local || !local.isMuted || !this.#wanted) return;
      // What was sent is not what is wanted any more, though it is the same track.
      if (this.#sent) this.#sent = { ...this.#sent };
      void this.#settle();
    }, UNASKED_MUTE_MS);
  };

  #settle(): Promise<void> {
    if (this.#running) return this.#running;
    const running = this.#run(this.#participant).finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }

  async #run(participant: LocalParticipant | null): Promise<void> {
    if (!participant) return;
    for (let failures = 0; this.#participant === participant && this.#sent !== this.#wanted; ) {
      const wanted = this.#wanted;
      try {
        await this.#step(participant, wanted);
        if (participant === this.#participant && (wanted === null || this.#local)) this.#sent = wanted;
        failures = 0;
      } catch {
        // LiveKit gives up a publication when its link breaks; the next room is bound anew, this one is tried again.
        const waitMs = RETRY_AFTER_MS[Math.min(failures, RETRY_AFTER_MS.length - 1)];
        failures += 1;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  async #step(participant: LocalParticipant, wanted: Sending | null): Promise<void> {
    const local = this.#local;
    if (!wanted) {
      if (!local) return;
      if (this.unpublishes) {
        await participant.unpublishTrack(local as LocalTrack, false);
        this.#local = null;
        this.#dropClone();
      } else {
        await local.mute();
      }
      return;
    }
    const isNew = this.#sent?.track !== wanted.track || !this.#clone || this.#clone.readyState === 'ended';
    if (local && this.#clone && !isNew && this.#clone.contentHint !== wanted.track.contentHint) this.#clone.contentHint = wanted.track.contentHint;
    if (!local) {
      const clone = this.#remake(wanted.track);
      const made = wanted.track.kind === 'audio' ? new LocalAudioTrack(clone, undefined, true) : new LocalVideoTrack(clone, undefined, true);
      this.#local = made;
      try {
        await participant.publishTrack(made as LocalTrack, wanted.options);
      } catch (error) {
        if (this.#local === made) this.#local = null;
        throw error;
      }
      return;
    }
    if (isNew) {
      const old = this.#clone;
      this.#clone = null;
      try {
        await local.replaceTrack(this.#remake(wanted.track), true);
      } finally {
        old?.stop();
      }
    } else if (this.#clone) {
      this.#clone.enabled = true;
    }
    if (local.isMuted && this.#wanted) await local.unmute();
  }

  #remake(track: MediaStreamTrack): MediaStreamTrack {
    this.#dropClone();
    const clone = track.clone();
    clone.enabled = true;
    clone.contentHint = track.contentHint;
    this.#clone = clone;
    return clone;
  }

  #dropClone(): void {
    this.#clone?.stop();
    this.#clone = null;
  }
}

/** How each source is published. */
export const PUBLISH: Readonly<Record<'microphone' | 'camera' | 'screen' | 'screenAudio', TrackPublishOptions>> = {
  microphone: { source: Track.Source.Microphone, dtx: true, red: false },
  camera: { source: Track.Source.Camera, simulcast: true, videoCodec: 'vp8', backupCodec: false },
  screen: { source: Track.Source.ScreenShare, simulcast: false, videoCodec: 'vp8', backupCodec: false },
  screenAudio: { source: Track.Source.ScreenShareAudio, dtx: false, red: false },
};
