import { derive, Live, type ReadLive } from '../live';

/** Milliseconds the press is believed after the server has agreed, while its event is still on the way. */
const BELIEVED_MS = 2_000;

/**
 * One switch whose truth is the server's and whose answer is the press: it shows what was pressed at once, sends it,
 * and shows the server's word again when that has come (look.md, "Speed you can feel").
 *
 * Presses while one is on the way are folded: only the last is sent.
 */
export class Intent {
  readonly #pressed = new Live<boolean | null>(null);
  #isSending = false;
  #lastPressed: boolean | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** What to show now. */
  readonly value: ReadLive<boolean>;

  constructor(
    private readonly server: ReadLive<boolean>,
    private readonly send: (on: boolean) => Promise<void>,
    private readonly onFailure: (error: unknown) => void,
  ) {
    this.value = derive([this.#pressed, server], (pressed, said) => pressed ?? said);
    server.subscribe(() => {
      if (!this.#isSending && this.#pressed.value === this.server.value) this.#believe(null);
    });
  }

  /** The press that the server has not confirmed yet, if any. */
  get pending(): ReadLive<boolean | null> {
    return this.#pressed;
  }

  /** What was pressed last here, or null: tells whether a change was one's own wish. */
  get lastPressed(): boolean | null {
    return this.#lastPressed;
  }

  press(on: boolean): void {
    clearTimeout(this.#timer);
    this.#lastPressed = on;
    this.#pressed.set(on);
    void this.#deliver();
  }

  async #deliver(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      for (let sent: boolean | null = null; this.#pressed.value !== null && sent !== this.#pressed.value; ) {
        sent = this.#pressed.value;
        await this.send(sent);
      }
      if (this.#pressed.value === this.server.value) this.#believe(null);
      else this.#timer = setTimeout(() => this.#believe(null), BELIEVED_MS);
    } catch (error) {
      this.#believe(null);
      this.onFailure(error);
    } finally {
      this.#isSending = false;
    }
  }

  #believe(value: boolean | null): void {
    clearTimeout(this.#timer);
    this.#pressed.set(value);
  }
}
