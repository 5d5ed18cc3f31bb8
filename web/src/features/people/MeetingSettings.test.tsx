// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Live } from '../../live';
import { aMeeting, aParticipant } from '../../protocol/samples';
import type { MeetingState } from '../../realtime/reducer';
import { Hosting } from '../../state/hosting';
import type { MeetingModel } from '../../state/meeting';
import { Notices } from '../../state/notices';
import { en } from '../../text/en';
import { SpeakIn } from '../../text/say-context';
import { Text } from '../../text/text';
import { MeetingSettings } from './MeetingSettings';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const REFUSAL = { code: 'body_invalid', type: '', title: '', status: 422, detail: 'A title has one line.' };

let saved: unknown[];
let answer: (status: number, body?: unknown) => Promise<void>;
let lose: () => Promise<void>;
let state: Live<MeetingState>;
let notices: Notices;
let root: Root;

const field = (label: string): HTMLInputElement => {
  const found = [...document.querySelectorAll('label')].find(({ textContent }) => textContent === label);
  return document.getElementById(found?.htmlFor ?? '') as HTMLInputElement;
};
const fault = (): string | undefined => document.querySelector('[role=alert]')?.textContent;

async function type(label: string, text: string): Promise<void> {
  await act(async () => {
    const input = field(label);
    input.focus();
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(input, text);
    input.dispatchEvent(new Event('input', { bubbles: true }));
  });
}

async function finish(label: string): Promise<void> {
  await act(async () => field(label).blur());
}

beforeEach(async () => {
  saved = [];
  vi.stubGlobal('fetch', (_url: string, { body }: RequestInit) => {
    saved.push(JSON.parse(String(body)));
    return new Promise((resolve, reject) => {
      answer = (status, said = {}) => act(async () => resolve(new Response(JSON.stringify(said), { status })));
      lose = () => act(async () => reject(new TypeError('network')));
    });
  });
  state = new Live({ meeting: aMeeting({ title: 'Weekly' }), participants: new Map([['p1', aParticipant({ role: 'host' })]]) } as unknown as MeetingState);
  notices = new Notices();
  const meeting = { state, notices, hosting: new Hosting('ABC123', { id: 'c1', fence: 1 }, state, notices) } as unknown as MeetingModel;
  const place = document.createElement('div');
  document.body.append(place);
  root = createRoot(place);
  await act(async () => root.render(<SpeakIn text={new Text()} chosen="en"><MeetingSettings meeting={meeting} /></SpeakIn>));
});

afterEach(async () => {
  await act(async () => root.unmount());
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

describe('the title and the passcode', () => {
  it('are those of the server once they are saved', async () => {
    await type('Title', 'Retro ');
    await finish('Title');
    expect(saved).toEqual([{ title: 'Retro' }]);
    await act(async () => state.update((before) => ({ ...before, meeting: aMeeting({ title: 'Retro' }) })));
    await answer(200);
    expect(field('Title').value).toBe('Retro');
    await type('Passcode', 'open sesame');
    await finish('Passcode');
    await answer(200);
    expect(field('Passcode').value).toBe('');
  });

  it('HOST-4: stay as they were typed where the server refuses them, which is said beside the field until it is typed anew', async () => {
    await type('Passcode', 'open\u0007');
    await act(async () => void field('Passcode').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true })));
    await answer(422, REFUSAL);
    expect(document.activeElement).toBe(field('Passcode'));
    expect(field('Passcode').value).toBe('open\u0007');
    expect(field('Passcode').getAttribute('aria-invalid')).toBe('true');
    expect(fault()).toBe('This was not saved. A title has one line.');
    expect(notices.list.value).toEqual([]);
    await type('Passcode', 'open');
    expect(fault()).toBeUndefined();
    await finish('Passcode');
    expect(saved.at(-1)).toEqual({ passcode: 'open' });
  });

  it('stay where the server cannot be reached, and are saved by going elsewhere once more', async () => {
    await type('Title', 'Retro');
    await finish('Title');
    await lose();
    expect(field('Title').value).toBe('Retro');
    expect(fault()).toBe(en['notice.notSaved']);
    await act(async () => field('Title').focus());
    await finish('Title');
    expect(saved).toHaveLength(2);
    expect(fault()).toBeUndefined();
  });

  it.each([200, 422])('keep what was typed on while they were being saved (%i)', async (status) => {
    await type('Title', 'Retro');
    await finish('Title');
    await type('Title', 'Retrospective');
    await answer(status, status === 200 ? {} : REFUSAL);
    expect(field('Title').value).toBe('Retrospective');
    expect(fault()).toBeUndefined();
  });

  it('HOST-4: are said to be refused also where the panel has been closed since', async () => {
    await type('Title', 'Retro');
    await finish('Title');
    await act(async () => root.render(null));
    await answer(422, REFUSAL);
    expect(notices.list.value.map(({ text, values }) => [text, values])).toEqual([['people.notSaved', { why: 'A title has one line.' }]]);
  });
});
