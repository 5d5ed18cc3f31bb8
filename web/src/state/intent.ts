import { isTransient, ProblemError, UnreachableError } from '../api/problem';
import { derive, Live, type ReadLive } from '../live';
import { reconnectWaitMs } from '../realtime/backoff';

/**
 * Milliseconds an "on" is believed after the server has agreed, while its event is still on the way. An "off" is believed
 * until its event has come: nothing goes live by the passing of time.
 */
const BELIEVED_MS = 2_000;

const ALWAYS = new Live(true);

/**
 * One switch whose truth is the server's and whose answer is the press: it shows what was pressed at once, sends it,
 * and shows the server's word again when that has come (look.md, "Speed you can feel").
 *
 * Presses while one is on the way are folded: only the last is sent. One that fails for now is kept and sent again. No
 * failure makes "off" into "on" (EVENT-4).
 */
export class Intent {
  readonly #pressed = new Live<boolean | null>(null);
  /** How many changes were sent from here that the server's own state has not shown yet. */
  #unheard = 0;
  #wasPressedHere = false;
  #isSending = false;
  #isClosed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #endWait: () => void = () => {};

  /** What to show now. */
  readonly value: ReadLive<boolean>;

  /**
   * @param onFailure is told of a refusal, and once of a press that is being sent again.
   * @param isHere whether the server's "on" is about this tab.
   */
  constructor(
    private readonly server: ReadLive<boolean>,
    private readonly send: (on: boolean) => Promise<void>,
    private readonly onFailure: (error: unknown) => void,
    isHere: ReadLive<boolean> = ALWAYS,
  ) {
    this.value = derive([this.#pressed, server, isHere], (pressed, said, here) => pressed ?? (said && here));
    server.subscribe(() => {
      this.#wasPressedHere = this.#unheard > 0;
      if (this.#unheard > 0) this.#unheard -= 1;
      if (this.#unheard > 0 || (this.#isSending && this.#pressed.value !== server.value)) return;
      this.#followServer();
      // It was done, though its answer may be lost: sent again, it would undo what a host has done since.
      this.#endWait();
    });
  }

  /** The press that the server has not confirmed yet, if any. */
  get pending(): ReadLive<boolean | null> {
    return this.#pressed;
  }

  /** Whether the server's last change was one's own wish. */
  get wasPressedHere(): boolean {
    return this.#wasPressedHere;
  }

  press(on: boolean): void {
    clearTimeout(this.#timer);
    this.#pressed.set(on);
    void this.#deliver();
  }

  /** Send at once what waits to be sent again, because the server is back. */
  retryNow(): void {
    this.#endWait();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#endWait();
  }

  async #deliver(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    let sent: boolean | null = null;
    let failures = 0;
    let failedAt = 0;
    while (!this.#isClosed && this.#pressed.value !== null && sent !== this.#pressed.value) {
      const on: boolean = this.#pressed.value;
      const isChange = on !== this.#agreed;
      if (isChange) this.#unheard += 1;
      try {
        await this.send(on);
        sent = on;
        failures = 0;
      } catch (error) {
        // Where only the answer was lost, the change may have been made all the same.
        if (isChange && !(error instanceof UnreachableError)) this.#unheard = Math.max(0, this.#unheard - 1);
        if (isTransient(error)) {
          if (this.#pressed.value === null) continue;
          if (failures === 0) {
            failedAt = Date.now();
            this.onFailure(error);
          }
          await this.#wait(error, failures, failedAt);
          failures += 1;
        } else {
          sent = this.#refuse(on);
          this.onFailure(error);
        }
      }
    }
    this.#isSending = false;
    if (!this.#isClosed) this.#settle();
  }

  /** An "on" goes back to what the server has agreed to; an "off" stays off here. Gives what need not be sent any more. */
  #refuse(on: boolean): boolean {
    if (!on || !this.#pressed.value) return on;
    this.#pressed.set(this.#agreed);
    return this.#agreed;
  }

  /** What the server will show once everything that it has agreed to is heard. */
  get #agreed(): boolean {
    return this.#unheard % 2 === 0 ? this.server.value : !this.server.value;
  }

  #wait(error: unknown, failures: number, failedAt: number): Promise<void> {
    const namedMs = error instanceof ProblemError ? (error.retryAfterS ?? 0) * 1000 : 0;
    const waitMs = namedMs + reconnectWaitMs(failures, Date.now() - failedAt, Math.random());
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#endWait = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #settle(): void {
    const pressed = this.#pressed.value;
    if (this.#unheard === 0 && (pressed || !this.server.value)) this.#followServer();
    else if (pressed) this.#timer = setTimeout(() => this.#followServer(), BELIEVED_MS);
  }

  #followServer(): void {
    clearTimeout(this.#timer);
    this.#unheard = 0;
    this.#pressed.set(null);
  }
}
