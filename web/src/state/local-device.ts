import { Live, type ReadLive } from '../live';
import { CaptureError, faultOf, type CaptureFault } from '../media/capture';

/** Something done to a camera's pictures before they are sent, such as blur. */
export type Effect = (track: MediaStreamTrack) => Promise<Applied>;

interface Applied {
  readonly track: MediaStreamTrack;
  stop(): void;
}

/**
 * A device that ends within this many milliseconds after it took another's place is failing, not unplugged: trying what else
 * there is would go round.
 */
const FAILING_MS = 5_000;

/** How a device behaves. */
export interface DeviceKeeping {
  readonly open: (deviceId: string) => Promise<MediaStreamTrack>;
  /** Whether the device stays open while off: unmuting is instant and speaking while muted is noticed. */
  readonly staysOpen: boolean;
}

/**
 * One microphone or camera of this computer: on or off, which one, and what is wrong with it.
 *
 * `setOn` and `choose` may be called at any time and in any order; the latest wins.
 */
export class LocalDevice {
  /** What is wanted. Falls back to false when the device cannot be opened. */
  readonly isOn = new Live(false);
  /** What to send and show, or null while off. */
  readonly track = new Live<MediaStreamTrack | null>(null);
  /** The open device itself, on or off, for the meter. */
  readonly raw = new Live<MediaStreamTrack | null>(null);
  readonly fault = new Live<CaptureFault | null>(null);
  readonly isOpening = new Live(false);
  #deviceId: string;
  #effect: Effect | null = null;
  #applied: Applied | null = null;
  #fellBackAt = -Infinity;
  #turn = 0;

  constructor(
    private readonly keeping: DeviceKeeping,
    deviceId: string,
  ) {
    this.#deviceId = deviceId;
  }

  setOn(on: boolean): void {
    if (on === this.isOn.value) return;
    this.isOn.set(on);
    if (on) void this.#open();
    else this.#off();
  }

  /** Use another device, at once where it is on. */
  choose(deviceId: string): void {
    if (deviceId === this.#deviceId && this.raw.value?.readyState === 'live') return;
    this.#deviceId = deviceId;
    if (this.isOn.value) void this.#open(true);
    else this.#release();
  }

  /** Apply an effect, or none, at once where the device is on. */
  setEffect(effect: Effect | null): void {
    if (effect === this.#effect) return;
    this.#effect = effect;
    if (this.isOn.value && this.raw.value) void this.#open();
  }

  /** Open the device again, because its settings have changed. */
  reopen(): void {
    if (this.isOn.value) void this.#open(true);
    else this.#release();
  }

  /** Let go of the device. It can be switched on again. */
  close(): void {
    this.isOn.set(false);
    this.#turn += 1;
    this.#release();
    this.isOpening.set(false);
  }

  async #open(afresh = false): Promise<void> {
    const turn = ++this.#turn;
    const held = this.raw.value;
    const isUsable = !afresh && held?.readyState === 'live';
    this.isOpening.set(!isUsable);
    // The same fault twice is told twice.
    this.fault.set(null);
    try {
      const raw = isUsable ? held : await this.keeping.open(this.#deviceId);
      if (turn !== this.#turn) return this.#discard(raw, held);
      const applied = await this.#apply(raw, held);
      if (turn !== this.#turn) {
        applied?.stop();
        return this.#discard(raw, held);
      }
      this.#take(raw, applied);
    } catch (error) {
      if (turn !== this.#turn) return;
      const fault = faultOf(error);
      // What is on show stays: it is what the person has seen.
      if (fault === 'effect-failed' && this.track.value) this.fault.set(fault);
      else this.#fail(fault);
    } finally {
      if (turn === this.#turn) this.isOpening.set(false);
    }
  }

  /** Without the effect that is wished nothing is shown: the room behind a person is theirs to show. */
  async #apply(raw: MediaStreamTrack, held: MediaStreamTrack | null): Promise<Applied | null> {
    try {
      return this.#effect && (await this.#effect(raw));
    } catch (error) {
      this.#discard(raw, held);
      throw new CaptureError('effect-failed', error);
    }
  }

  #take(raw: MediaStreamTrack, applied: Applied | null): void {
    const before = this.raw.value;
    this.#applied?.stop();
    this.#applied = applied;
    if (before !== raw) {
      before?.stop();
      raw.addEventListener('ended', () => this.#onEnded(raw), { once: true });
      this.raw.set(raw);
    }
    this.fault.set(null);
    this.track.set(applied?.track ?? raw);
  }

  /** Unplugged, or taken away by the browser: try what else there is, once. */
  #onEnded(raw: MediaStreamTrack): void {
    if (raw !== this.raw.value) return;
    this.#release();
    if (!this.isOn.value) return;
    const now = Date.now();
    if (now - this.#fellBackAt < FAILING_MS) return this.#fail('unknown');
    this.#fellBackAt = now;
    this.#deviceId = '';
    void this.#open();
  }

  #fail(fault: CaptureFault): void {
    this.#release();
    this.isOn.set(false);
    this.fault.set(fault);
  }

  #off(): void {
    this.#turn += 1;
    this.isOpening.set(false);
    this.track.set(null);
    if (!this.keeping.staysOpen) this.#release();
  }

  #release(): void {
    this.track.set(null);
    this.#applied?.stop();
    this.#applied = null;
    const raw = this.raw.value;
    this.raw.set(null);
    raw?.stop();
  }

  #discard(raw: MediaStreamTrack, held: MediaStreamTrack | null): void {
    if (raw !== held) raw.stop();
  }
}

/** The devices of this computer that a meeting uses. */
export interface LocalDevices {
  readonly microphone: LocalDevice;
  readonly camera: LocalDevice;
}

export type { CaptureFault, ReadLive };
