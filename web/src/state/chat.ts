import * as api from '../api/meetings';
import type { Sender } from '../api/call';
import { isTransient, problemCode } from '../api/problem';
import { derive, Live, type ReadLive } from '../live';
import type { Message } from '../protocol/objects';
import type { DurableEvent } from '../protocol/stream';
import type { EventStream } from '../realtime/event-stream';
import type { MeetingState } from '../realtime/reducer';
import type { Notices } from './notices';
import type { Edit, Focus, Reader, Writing } from './writing';

export interface ChatLine {
  readonly message: Message;
  readonly isOwn: boolean;
  readonly state: 'sent' | 'sending' | 'failed';
}

export interface ChatOptions {
  readonly meetingId: string;
  readonly sender: Sender;
  readonly state: ReadLive<MeetingState>;
  readonly isOpen: ReadLive<boolean>;
  /** Opens the chat. */
  readonly open: () => void;
  readonly notices: Notices;
  readonly stream: Pick<EventStream, 'typing'>;
  readonly writing: Writing;
  readonly now: () => number;
}

/** Characters in one message (docs/protocol/http.md, "Chat"). */
export const LONGEST_MESSAGE = 4_000;
/** Milliseconds a "typing" is believed. */
const TYPING_MS = 4_000;
/** Characters of a message that are told while the chat is closed. */
const GLANCE = 120;
const SAY_TYPING_EVERY_MS = 2_000;

export class Chat {
  readonly lines: ReadLive<readonly ChatLine[]>;
  readonly unread = new Live(0);
  /** Who is typing now, by participant id. */
  readonly typing = new Live<ReadonlySet<string>>(new Set());
  readonly draft: ReadLive<string>;
  /** The reader of the next message; null is everyone. */
  readonly reader: ReadLive<Reader | null>;
  /** Whether the reader who was chosen is not in the meeting now. */
  readonly isReaderGone: ReadLive<boolean>;
  /** What the next message is about: an answer, a change of one's own, or nothing. */
  readonly focus: ReadLive<Focus | null>;
  readonly #writing: Writing;
  #saidTypingAt = 0;
  #isClosed = false;

  constructor(private readonly options: ChatOptions) {
    const { state, isOpen, writing } = options;
    writing.enter(state.value.meeting.run);
    this.#writing = writing;
    this.draft = writing.draft;
    this.reader = writing.reader;
    this.focus = writing.focus;
    this.isReaderGone = derive([state, writing.reader], ({ participants }, reader) => {
      if (reader === null) return false;
      const status = participants.get(reader.id)?.status;
      return status !== 'connected' && status !== 'reconnecting';
    });
    this.lines = derive([state, writing.unsent], (meeting, unsent) => {
      const sent: ChatLine[] = meeting.messages.map((message) => ({ message, isOwn: message.participant_id === meeting.meId, state: 'sent' }));
      const known = new Set(meeting.messages.map((message) => message.id));
      const waiting: ChatLine[] = unsent.filter(({ message }) => !known.has(message.id)).map(({ message, hasFailed }) => ({ message, isOwn: true, state: hasFailed ? 'failed' : 'sending' }));
      return [...sent, ...waiting];
    });
    isOpen.subscribe(() => {
      if (isOpen.value) this.unread.set(0);
    });
  }

  /** Send what an earlier connection could not, under the same ids and in the order it was written. */
  async sendAgain(): Promise<void> {
    const { unsent } = this.#writing;
    unsent.update((all) => all.map((one) => ({ ...one, hasFailed: false })));
    for (const { message } of unsent.value) await this.#send(message);
  }

  /** Send nothing more from this connection. */
  close(): void {
    this.#isClosed = true;
  }

  /** Write in the message that is being edited, else in the next one. */
  write(text: string): void {
    const { focus, draft, reader } = this.#writing;
    if (focus.value?.kind === 'edit') return focus.set({ ...focus.value, text });
    draft.set(text);
    if (reader.value === null) this.#sayTyping();
  }

  /** Choose who reads the next message. A private message is answered to its other reader or not at all. */
  writeTo(reader: Reader | null): void {
    const { focus } = this.#writing;
    if (focus.value?.kind === 'reply' && focus.value.message.to !== null) focus.set(null);
    this.#writing.reader.set(reader);
  }

  /** Answer a message; a private one in private. */
  reply(message: Message): void {
    this.#writing.focus.set({ kind: 'reply', message });
    if (message.to === null) return;
    const { meId, participants, messages } = this.options.state.value;
    const id = message.participant_id === meId ? message.to : message.participant_id;
    const name = participants.get(id)?.label ?? messages.findLast((other) => other.participant_id === id)?.name ?? '';
    this.#writing.reader.set({ id, name });
  }

  edit(message: Message): void {
    this.#writing.focus.set({ kind: 'edit', message, text: message.text, state: 'open' });
  }

  /** Answer or change nothing after all. The reader stays: what was meant for one is not for everyone. */
  cancel(): void {
    this.#writing.focus.set(null);
  }

  /** Post what is written to its reader, never to more; or save the change of the message that is being edited. */
  post(): void {
    const { focus, draft, reader, unsent } = this.#writing;
    if (focus.value?.kind === 'edit') return void this.#save(focus.value);
    const text = trimmed(draft.value);
    if (text === '') return;
    const { state, notices, now } = this.options;
    const to = reader.value;
    if (to && this.isReaderGone.value) return void notices.show('chat.readerGone', { values: { name: to.name }, tone: 'warning', topic: 'chat' });
    const meId = state.value.meId ?? '';
    const message: Message = {
      id: crypto.randomUUID(), participant_id: meId, name: state.value.participants.get(meId)?.label ?? '', text, to: to?.id ?? null,
      reply_to: focus.value?.message.id ?? null, posted_at: now(), event_seq: 0, edited_at: null, deleted: false,
    };
    focus.set(null);
    draft.set('');
    unsent.update((all) => [...all, { message, hasFailed: false }]);
    void this.#send(message);
  }

  /** Try again to send what could not be sent. */
  retry(messageId: string): void {
    const found = this.#writing.unsent.value.find(({ message }) => message.id === messageId);
    if (!found) return;
    this.#mark(messageId, false);
    void this.#send(found.message);
  }

  discard(messageId: string): void {
    this.#writing.unsent.update((unsent) => unsent.filter(({ message }) => message.id !== messageId));
  }

  async unsay(messageId: string): Promise<void> {
    try {
      await api.unsay(this.options.meetingId, this.options.sender, messageId);
    } catch {
      this.options.notices.show('notice.notSaved', { tone: 'warning', topic: 'chat' });
    }
  }

  handle(event: DurableEvent): void {
    if (event.kind !== 'chat.posted') return;
    const { message } = event.body;
    this.discard(message.id);
    this.#forgetTyping(message.participant_id);
    const { meId } = this.options.state.value;
    if (message.participant_id === meId || this.options.isOpen.value) return;
    this.unread.update((count) => count + 1);
    const text = message.text.length > GLANCE ? `${message.text.slice(0, GLANCE)}…` : message.text;
    this.options.notices.show('notice.message', { values: { name: message.name, text }, topic: 'message', action: { text: 'notice.open', run: this.options.open } });
  }

  handleTyping(participantId: string): void {
    if (participantId === this.options.state.value.meId) return;
    this.typing.update((typing) => new Set([...typing, participantId]));
    setTimeout(() => this.#forgetTyping(participantId), TYPING_MS);
  }

  /** Say that the person is typing, at most every two seconds. */
  #sayTyping(): void {
    const now = this.options.now();
    if (now - this.#saidTypingAt < SAY_TYPING_EVERY_MS) return;
    this.#saidTypingAt = now;
    this.options.stream.typing();
  }

  async #send(message: Message): Promise<void> {
    const { meetingId, sender, state, isOpen, notices, open } = this.options;
    const body = { text: message.text, ...(message.to ? { to: message.to } : {}), ...(message.reply_to ? { reply_to: message.reply_to } : {}) };
    for (let attempt = 0; attempt < 6 && !this.#isClosed; attempt += 1) {
      try {
        const posted = await api.post(meetingId, sender, message.id, body);
        // Where an earlier try posted it, its event may have passed, and no other comes.
        if (posted.message.event_seq <= state.value.eventSeq) this.discard(message.id);
        return;
      } catch (error) {
        // The seat is taken anew, and what is unsent goes with it.
        if (problemCode(error) === 'connection_closed') return;
        if (!isTransient(error)) break;
        await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
      }
    }
    if (this.#isClosed) return;
    this.#mark(message.id, true);
    if (!isOpen.value) notices.show('notice.notSent', { tone: 'warning', topic: 'chat', action: { text: 'notice.open', run: open } });
  }

  async #save(edit: Edit): Promise<void> {
    const { meetingId, sender, isOpen, notices, open } = this.options;
    const text = trimmed(edit.text);
    if (text === '' || edit.state === 'saving') return;
    const { focus } = this.#writing;
    const saving: Edit = { ...edit, state: 'saving' };
    focus.set(saving);
    try {
      await api.edit(meetingId, sender, edit.message.id, text);
      if (focus.value === saving) focus.set(null);
    } catch {
      const isThere = focus.value === saving;
      if (isThere) focus.set({ ...saving, state: 'refused' });
      if (!isThere || !isOpen.value) notices.show('chat.notSaved', { tone: 'warning', topic: 'chat', action: { text: 'notice.open', run: open } });
    }
  }

  #mark(messageId: string, hasFailed: boolean): void {
    this.#writing.unsent.update((unsent) => unsent.map((one) => (one.message.id === messageId ? { ...one, hasFailed } : one)));
  }

  #forgetTyping(participantId: string): void {
    if (!this.typing.value.has(participantId)) return;
    this.typing.update((typing) => new Set([...typing].filter((id) => id !== participantId)));
  }
}

function trimmed(text: string): string {
  return text.trim().slice(0, LONGEST_MESSAGE);
}
