import * as api from '../api/meetings';
import { isTransient, ProblemError } from '../api/problem';
import type { Sender } from '../api/call';
import { derive, Live, watch, type ReadLive } from '../live';
import type { MediaEngine, Share, ShareHint } from '../media/port';
import { openScreen } from '../media/capture';
import type { Participant } from '../protocol/objects';
import { Intent } from './intent';
import type { LocalDevices } from './local-device';
import type { TextKey } from '../text/keys';
import type { Notices } from './notices';

/** What this tab does with the person's own microphone, camera, screen and hand. */
export interface SelfOptions {
  readonly meetingId: string;
  readonly sender: Sender;
  readonly me: ReadLive<Participant>;
  readonly engine: ReadLive<MediaEngine | null>;
  readonly devices: LocalDevices;
  readonly notices: Notices;
  /** Whether this tab brings its own camera in. */
  readonly withCamera: boolean;
}

/**
 * A press acts here first, on the devices and what is sent, then on the server; the server's word, which may be a
 * host's, corrects it (EVENT-4, HOST-4).
 */
export class Self {
  readonly microphone: Intent;
  readonly camera: Intent;
  readonly hand: Intent;
  readonly share = new Live<Share | null>(null);
  readonly #cameraHere: Live<boolean>;
  readonly #ends: (() => void)[] = [];

  constructor(private readonly options: SelfOptions) {
    const { me, sender, devices, engine } = options;
    this.#cameraHere = new Live(options.withCamera);
    const failed = (error: unknown): void => {
      if (isTransient(error)) options.notices.show('notice.savedLater', { tone: 'warning', topic: 'self' });
      else this.#onRefused(error);
    };
    const change = async (what: api.OwnChange): Promise<void> => void (await api.changeMe(options.meetingId, sender, what));
    // At most one live microphone per person: this tab's is on only while the server names its connection (JOIN-6).
    const microphoneHere = derive([me], (mine) => mine.audio && mine.microphone_connection === sender.id);
    this.microphone = new Intent(microphoneHere, (audio) => change({ audio }), failed);
    this.camera = new Intent(derive([me], (mine) => mine.video), (video) => this.#sendCamera(video, change), failed, this.#cameraHere);
    this.hand = new Intent(derive([me], (mine) => mine.hand_at !== null), (hand) => change({ hand }), failed);

    this.#ends.push(
      watch(this.microphone.value, (on) => devices.microphone.setOn(on)),
      watch(this.camera.value, (on) => devices.camera.setOn(on)),
      watch(derive([devices.microphone.track, engine], (track, to) => ({ track, to })), ({ track, to }) => void to?.sendMicrophone(track)),
      watch(derive([devices.camera.track, engine], (track, to) => ({ track, to })), ({ track, to }) => void to?.sendCamera(track)),
      watch(derive([this.share, engine], (share, to) => ({ share, to })), ({ share, to }) => void to?.sendScreen(share)),
      watch(devices.microphone.fault, (fault) => {
        if (fault && !devices.microphone.isOn.value && this.microphone.value.value) this.microphone.press(false);
      }),
      watch(devices.camera.fault, (fault) => {
        if (fault && !devices.camera.isOn.value && this.camera.value.value) this.camera.press(false);
      }),
      this.#onServer((mine) => mine.audio, () => this.#sayIfByHost(this.microphone, 'notice.mutedByHost')),
      this.#onServer((mine) => mine.video, () => {
        this.#sayIfByHost(this.camera, 'notice.cameraByHost');
        if (!this.camera.wasPressedHere) this.#cameraHere.set(false);
      }),
      this.#onServer((mine) => mine.screen, () => this.#endShare()),
    );
  }

  pressCamera(on: boolean): void {
    if (on) this.#cameraHere.set(true);
    this.camera.press(on);
  }

  /** Ask for a screen and share it with everyone. */
  async startShare(hint: ShareHint = 'detail'): Promise<void> {
    const picked = await this.#pickScreen();
    if (!picked) return;
    this.#endShare();
    const share: Share = { ...picked, hint };
    picked.video.addEventListener('ended', () => void (this.share.value === share && this.stopShare()), { once: true });
    this.share.set(share);
    try {
      await api.changeMe(this.options.meetingId, this.options.sender, { screen: true });
    } catch (error) {
      this.#endShare();
      this.#onRefused(error);
    }
  }

  /** Favour sharp text or smooth motion in what is being shared. */
  hintShare(hint: ShareHint): void {
    this.share.update((share) => share && { ...share, hint });
  }

  async stopShare(): Promise<void> {
    this.#endShare();
    try {
      await api.changeMe(this.options.meetingId, this.options.sender, { screen: false });
    } catch (error) {
      this.#onRefused(error);
    }
  }

  /** Send at once what has not reached the server, which is back. */
  retryNow(): void {
    for (const intent of [this.microphone, this.camera, this.hand]) intent.retryNow();
  }

  close(): void {
    for (const intent of [this.microphone, this.camera, this.hand]) intent.close();
    for (const end of this.#ends) end();
    this.#endShare();
  }

  /** Another tab of this person may still send a camera: then only this one's goes. */
  async #sendCamera(video: boolean, change: (change: api.OwnChange) => Promise<void>): Promise<void> {
    const { me, engine } = this.options;
    const isElsewhere = Boolean(engine.value?.people.value.get(me.value.id)?.camera);
    if (!video) this.#cameraHere.set(false);
    if (video || !isElsewhere) await change({ video });
  }

  async #pickScreen(): ReturnType<typeof openScreen> {
    try {
      return await openScreen();
    } catch {
      this.options.notices.show('notice.notShared', { tone: 'warning', topic: 'self' });
      return null;
    }
  }

  #endShare(): void {
    const share = this.share.value;
    this.share.set(null);
    share?.video.stop();
    share?.audio?.stop();
  }

  #onServer(pick: (me: Participant) => boolean, whenOff: () => void): () => void {
    let was = pick(this.options.me.value);
    return this.options.me.subscribe(() => {
      const is = pick(this.options.me.value);
      if (was && !is) whenOff();
      was = is;
    });
  }

  /** Switched off, though not by a press here nor, as far as can be told, in another tab: then a host did it. */
  #sayIfByHost(intent: Intent, text: TextKey): void {
    if (intent.wasPressedHere || this.options.me.value.connections > 1) return;
    this.options.notices.show(text, { topic: text, forS: 8 });
  }

  #onRefused(error: unknown): void {
    const isAllowed = !(error instanceof ProblemError && error.code === 'not_allowed');
    this.options.notices.show(isAllowed ? 'notice.notSaved' : 'notice.notAllowed', { tone: 'warning', topic: 'self' });
  }
}
