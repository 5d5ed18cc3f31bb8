import * as api from '../api/meetings';
import { isTransient, ProblemError, problemCode } from '../api/problem';
import { say, sayFailure } from '../console';
import { derive, Live, watch, type ReadLive } from '../live';
import { openCamera, openMicrophone } from '../media/capture';
import type { Problem } from '../protocol/objects';
import { LocalDevice, type Effect, type LocalDevices } from './local-device';
import { meetingPath, parseMeetingId } from './meeting-id';
import type { Preferences } from './preferences';
import type { RecentMeetings } from './recent';
import { sayCreated, Seat, type SeatOptions } from './seat';

/** What the page shows: its address decides. */
export type Screen = { readonly kind: 'home' } | { readonly kind: 'meeting'; readonly seat: Seat } | { readonly kind: 'lost'; readonly path: string };

/** How making a new meeting goes. */
export type Creating = { readonly kind: 'idle' } | { readonly kind: 'busy' } | { readonly kind: 'failed'; readonly problem: Problem | null };

/** The parts of the browser's history and address that are used. */
export interface Address {
  path(): string;
  go(path: string, replaces: boolean): void;
  onBack(listener: () => void): void;
}

export interface PageOptions extends Omit<SeatOptions, 'devices'> {
  readonly address: Address;
  readonly loadBlur: () => Promise<Effect>;
}

/** The whole page: which screen, and what lives as long as the page does. */
export class Page {
  readonly #screen = new Live<Screen>({ kind: 'home' });
  readonly #creating = new Live<Creating>({ kind: 'idle' });
  readonly devices: LocalDevices;
  readonly preferences: Preferences;
  readonly recent: RecentMeetings;

  constructor(private readonly options: PageOptions) {
    this.preferences = options.preferences;
    this.recent = options.recent;
    const { values } = options.preferences;
    this.devices = {
      microphone: new LocalDevice({ open: (id) => openMicrophone(id, values.value.noiseSuppression), staysOpen: true }, values.value.microphone),
      camera: new LocalDevice({ open: (id) => openCamera(id), staysOpen: false }, values.value.camera),
    };
    this.#followBlur();
    // The browser calls a link within the page going back, too.
    options.address.onBack(() => {
      const path = options.address.path();
      if (!this.#isAt(path)) this.#show(path);
    });
  }

  get screen(): ReadLive<Screen> {
    return this.#screen;
  }

  get creating(): ReadLive<Creating> {
    return this.#creating;
  }

  start(): void {
    this.#show(this.options.address.path());
  }

  goHome(): void {
    this.options.address.go('/', false);
    this.#show('/');
  }

  /** Open a meeting by its id; one click from a link, two from the home page. */
  openMeeting(id: string): void {
    const path = meetingPath(id);
    this.options.address.go(path, false);
    this.#show(path);
  }

  /** Create a meeting, with an id of one's own or of the server's choosing, and go to it, unless the person has gone elsewhere meanwhile. */
  async createMeeting(ownId: string | null): Promise<void> {
    if (this.#creating.value.kind === 'busy') return;
    const asked = this.#screen.value;
    this.#creating.set({ kind: 'busy' });
    say('Initializing meeting', ownId ? { meeting_id: ownId } : {});
    const key = crypto.randomUUID();
    try {
      const { created, meeting } = await again(() => (ownId ? api.ensureMeeting(ownId) : api.createMeeting(key)));
      sayCreated(meeting.id, created);
      if (this.#screen.value !== asked) {
        if (created) this.recent.remember({ id: meeting.id, title: meeting.title, at: this.options.now(), isHost: true });
        return;
      }
      this.#creating.set({ kind: 'idle' });
      const path = meetingPath(meeting.id);
      this.options.address.go(path, false);
      this.#show(path, true);
    } catch (error) {
      sayFailure('Error creating meeting', { ...(ownId ? { meeting_id: ownId } : {}), code: problemCode(error) });
      if (this.#screen.value === asked) this.#creating.set({ kind: 'failed', problem: error instanceof ProblemError ? error.problem : null });
    }
  }

  /** Blur as wished; the program for it is loaded when it is wanted first. */
  #followBlur(): void {
    const effect: Effect = async (camera) => (await this.options.loadBlur())(camera);
    watch(derive([this.preferences.values], ({ blur }) => blur), (blur) => this.devices.camera.setEffect(blur ? effect : null));
  }

  #isAt(path: string): boolean {
    const screen = this.#screen.value;
    return screen.kind === 'home' ? isHome(path) : screen.kind === 'meeting' && screen.seat.meetingId === meetingIdOf(path);
  }

  #show(path: string, hasBegun = false): void {
    const before = this.#screen.value;
    if (before.kind === 'meeting') {
      before.seat.leave();
      before.seat.close();
    }
    this.#creating.set({ kind: 'idle' });
    if (isHome(path)) {
      this.devices.microphone.close();
      this.devices.camera.close();
      return this.#screen.set({ kind: 'home' });
    }
    const id = meetingIdOf(path);
    if (id === null) return this.#screen.set({ kind: 'lost', path });
    if (path !== meetingPath(id)) this.options.address.go(meetingPath(id), true);
    const seat = new Seat(id, { ...this.options, devices: this.devices }, hasBegun);
    this.#screen.set({ kind: 'meeting', seat });
    void seat.begin();
  }
}

function isHome(path: string): boolean {
  return path === '/' || path === '';
}

/** The meeting whose address this is, in any spelling; null if it is no meeting's. */
function meetingIdOf(path: string): string | null {
  const parsed = parseMeetingId(path);
  return 'id' in parsed && path.split('/').filter(Boolean).length === 1 ? parsed.id : null;
}

/** Try a few times what fails only for now. */
async function again<T>(act: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await act();
    } catch (error) {
      if (attempt >= 3 || !isTransient(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 400 * 2 ** attempt));
    }
  }
}
