import { Live } from '../live';
import type { Message } from '../protocol/objects';

/** A message on its way: shown at once, sent under its own id until the server has it. */
export interface Unsent {
  readonly message: Message;
  readonly hasFailed: boolean;
}

/** The one person besides the sender who is to read a message. */
export interface Reader {
  readonly id: string;
  /** The name to show once the meeting no longer knows the person. */
  readonly name: string;
}

/** A change of one's own message; `refused` says that the server did not take the text. */
export interface Edit {
  readonly kind: 'edit';
  readonly message: Message;
  readonly text: string;
  readonly state: 'open' | 'saving' | 'refused';
}

/** The message that is being answered or changed. */
export type Focus = { readonly kind: 'reply'; readonly message: Message } | Edit;

/** What a person writes in the chat, until the server has it. Outlives the connection it was written on, not the run. */
export class Writing {
  readonly draft = new Live('');
  /** The reader of the next message; null is everyone. */
  readonly reader = new Live<Reader | null>(null);
  readonly focus = new Live<Focus | null>(null);
  readonly unsent = new Live<readonly Unsent[]>([]);
  #run: number | null = null;

  /** Go on in this run of the meeting; what was written in another is dropped. */
  enter(run: number): void {
    if (run === this.#run) return;
    this.#run = run;
    this.draft.set('');
    this.reader.set(null);
    this.focus.set(null);
    this.unsent.set([]);
  }
}
