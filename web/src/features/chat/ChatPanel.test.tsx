// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Live } from '../../live';
import type { Message, Participant } from '../../protocol/objects';
import { aMeeting, aMessage, aParticipant } from '../../protocol/samples';
import type { MeetingState } from '../../realtime/reducer';
import { Chat } from '../../state/chat';
import type { MeetingModel } from '../../state/meeting';
import { Notices } from '../../state/notices';
import { Writing } from '../../state/writing';
import { SpeakIn } from '../../text/say-context';
import { Text } from '../../text/text';
import { ChatPanel } from './ChatPanel';

const me = aParticipant({ id: 'me', name: 'Me' });
const ana = aParticipant({ id: 'ana', name: 'Ana' });
const ben = aParticipant({ id: 'ben', name: 'Ben' });
const fromAna = aMessage({ id: 'm1', participant_id: 'ana', to: 'me', text: 'about Ben?' });
const toAna = aMessage({ id: 'm2', participant_id: 'me', name: 'Me', to: 'ana', text: 'about Ben', event_seq: 2 });
const own = aMessage({ id: 'm3', participant_id: 'me', name: 'Me', text: 'typo', event_seq: 3 });

let asked: { readonly method: string; readonly path: string; readonly body: Record<string, unknown> }[];
let status: number;
let state: Live<MeetingState>;
let chat: Chat;
let typing: number;
let notices: Notices;
let panel: Live<'chat' | null>;
let place: HTMLElement;
let root: Root;

const here = (...people: Participant[]): void =>
  act(() => state.update((known) => ({ ...known, participants: new Map(people.map((person) => [person.id, person])) })));
const field = (): HTMLTextAreaElement => place.querySelector('textarea') ?? expect.fail('there is no field');
const list = (): HTMLSelectElement => place.querySelector('select') ?? expect.fail('there is no list of readers');
const posted = (): Record<string, unknown>[] => asked.filter(({ method }) => method === 'PUT').map(({ body }) => body);
const alerts = (): (string | null)[] => [...place.querySelectorAll('form [role="alert"]')].map((alert) => alert.textContent);

function fill(element: HTMLTextAreaElement | HTMLSelectElement, value: string): void {
  const prototype = element instanceof HTMLSelectElement ? HTMLSelectElement.prototype : HTMLTextAreaElement.prototype;
  act(() => {
    // Past React, which else holds the value for the one it set itself.
    Object.getOwnPropertyDescriptor(prototype, 'value')?.set?.call(element, value);
    element.dispatchEvent(new Event(element instanceof HTMLSelectElement ? 'change' : 'input', { bubbles: true }));
  });
}

async function key(name: string): Promise<void> {
  await act(async () => void field().dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true })));
}

function press(label: string): void {
  const button = place.querySelector<HTMLElement>(`[aria-label^="${label}"]`) ?? expect.fail(`there is no ${label}`);
  act(() => button.click());
}

async function open(): Promise<void> {
  root = createRoot(place);
  const meeting = { state, isHost: new Live(false), panel, chat, notices } as unknown as MeetingModel;
  await act(async () =>
    root.render(
      <SpeakIn text={new Text()} chosen="en">
        <ChatPanel meeting={meeting} />
      </SpeakIn>,
    ),
  );
}

async function come(...messages: Message[]): Promise<void> {
  state = new Live<MeetingState>({ epoch: 1, eventSeq: 3, meeting: aMeeting(), participants: new Map([me, ana, ben].map((person) => [person.id, person])), messages, meId: 'me' });
  chat = new Chat({
    meetingId: 'ABC123', sender: { id: 'c', fence: 1 }, state, isOpen: new Live(true), open: () => undefined, notices,
    stream: { typing: () => void (typing += 1) }, writing: new Writing(), now: () => Date.now(),
  });
  await open();
}

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  asked = [];
  status = 200;
  typing = 0;
  notices = new Notices();
  panel = new Live<'chat' | null>('chat');
  vi.stubGlobal('fetch', async (url: string, { method = '', body }: RequestInit) => {
    asked.push({ method, path: url.replace('/api/v1/meetings/ABC123', ''), body: JSON.parse(String(body)) });
    return new Response(JSON.stringify(status === 200 ? { message: aMessage({ event_seq: 9 }) } : { code: 'message_not_found', status, title: '', detail: '' }), { status });
  });
  place = document.createElement('div');
  document.body.append(place);
});

afterEach(() => {
  act(() => root.unmount());
  place.remove();
  vi.unstubAllGlobals();
});

describe('a private message', () => {
  it.each([
    ['is away', [me, { ...ana, status: 'disconnected' as const }, ben]],
    ['is not known any more', [me, ben]],
    ['was the one other person', [me]],
  ])('is kept for its reader who %s, and sent to nobody else', async (_, left) => {
    await come();
    fill(list(), 'ana');
    fill(field(), 'about Ben');
    here(...left);
    expect(list().selectedOptions[0]?.textContent).toBe('Ana');
    expect(alerts()).toEqual(['Ana is not here now, so this is not sent. Wait, or choose who else should read it.']);
    await key('Enter');
    expect(posted()).toEqual([]);
    expect(notices.list.value.map(({ text }) => text)).toEqual(['chat.readerGone']);
    expect(field().value).toBe('about Ben');
    here(me, ana, ben);
    expect(alerts()).toEqual([]);
    await key('Enter');
    expect(posted()).toEqual([{ text: 'about Ben', to: 'ana' }]);
  });

  it('tells nobody that it is being typed', async () => {
    await come();
    fill(list(), 'ana');
    here(me, ben);
    fill(field(), 'about Ben');
    expect(typing).toBe(0);
  });

  it.each([
    ['received', fromAna],
    ['sent', toAna],
  ])('that was %s is answered in private, and says so', async (_, message) => {
    await come(message);
    press('Reply to');
    expect(list().value).toBe('ana');
    expect(field().placeholder).toBe('Message Ana');
    fill(field(), 'yes');
    await key('Enter');
    expect(posted()).toEqual([{ text: 'yes', to: 'ana', reply_to: message.id }]);
  });

  it('is no longer answered where another reader is chosen', async () => {
    await come(fromAna);
    press('Reply to');
    fill(list(), '');
    fill(field(), 'to all');
    await key('Enter');
    expect(posted()).toEqual([{ text: 'to all' }]);
  });

  it('whose answer is given up stays one to the same reader', async () => {
    await come(fromAna);
    press('Reply to');
    fill(field(), 'about Ben');
    await key('Escape');
    await key('Enter');
    expect(posted()).toEqual([{ text: 'about Ben', to: 'ana' }]);
  });
});

describe('what is being written', () => {
  it.each(['Escape', 'Enter'])('is there again, with its reader, after a change of an older message that ended with %s', async (end) => {
    await come(own);
    fill(list(), 'ana');
    fill(field(), 'half a draft');
    press('Edit');
    expect(field().value).toBe('typo');
    fill(field(), 'right');
    await key(end);
    expect(field().value).toBe('half a draft');
    expect(document.activeElement).toBe(field());
    await key('Enter');
    expect(posted()).toEqual([{ text: 'half a draft', to: 'ana' }]);
  });

  it('is there again after the chat was closed', async () => {
    await come();
    fill(list(), 'ana');
    fill(field(), 'half a draft');
    act(() => root.unmount());
    await open();
    expect([field().value, list().value]).toEqual(['half a draft', 'ana']);
  });

  it('stays in the field where a change is refused, which is said, and can be saved again', async () => {
    await come(own);
    press('Edit');
    fill(field(), 'a better text');
    status = 404;
    await key('Enter');
    expect(field().value).toBe('a better text');
    expect(alerts()).toEqual(['Your change was not saved.']);
    status = 200;
    await key('Enter');
    expect(asked.map(({ method, path, body }) => [method, path, body['text']])).toEqual([
      ['PATCH', '/chat/m3', 'a better text'],
      ['PATCH', '/chat/m3', 'a better text'],
    ]);
    expect([field().value, alerts()]).toEqual(['', []]);
  });
});
