// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Live } from '../live';
import { count } from '../media/figures';
import type { MediaEngine } from '../media/port';
import { aMeeting, aParticipant } from '../protocol/samples';
import { Page, type Screen } from './page';
import { pageMemory, Preferences } from './preferences';
import { RecentMeetings } from './recent';
import type { Seat } from './seat';
import { Tab } from './tab';

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>> | null;
}

/** The browser's history: where one is, and a way to be told of going back. */
class FakeAddress {
  #tellBack = (): void => {};

  constructor(public at: string) {}

  readonly path = (): string => this.at;
  readonly go = (path: string): void => void (this.at = path);
  readonly onBack = (listener: () => void): void => void (this.#tellBack = listener);

  back(to: string): void {
    this.at = to;
    this.#tellBack();
  }
}

const me = aParticipant({ id: 'p1', name: 'Test User', role: 'host' });
const silentEngine = (): MediaEngine => ({
  link: new Live('open'), people: new Live(new Map()), mayPlaySound: new Live(true),
  connect: async () => {}, sendMicrophone: async () => {}, sendCamera: async () => {}, sendScreen: async () => {},
  useSpeaker: async () => {}, saveData: () => {}, allowSound: async () => {}, counters: async () => count([], 0), close: async () => {},
});

let asked: Asked[];
/** Answers the creation of a meeting, which waits for it. */
let answerCreation: (status: number, body: unknown) => void;
let address: FakeAddress;
let page: Page;

/** A server on which every meeting exists but those that are being created. */
async function answer({ method, path, body }: Asked): Promise<{ status: number; body: unknown }> {
  const meeting = aMeeting({ id: path.split('/')[2] ?? '' });
  if (method === 'POST' && path === '/meetings') return new Promise((resolve) => (answerCreation = (status, said) => resolve({ status, body: said })));
  if (method === 'PUT' && path.endsWith('/participants/me')) {
    const connection = { id: String(body?.['connection_id']), fence: 1, token: 't', linger_s: 30, device: '' };
    return { status: 201, body: { created: true, meeting, participant: me, media: { url: '', token: '', room: '', identity: '' }, connection, snapshot: { meeting, participants: [me], messages: [], me } } };
  }
  if (method === 'GET') return { status: 200, body: { meeting, participants: 0, known: false, host: false } };
  return { status: 200, body: {} };
}

async function openAt(path: string): Promise<void> {
  address = new FakeAddress(path);
  page = new Page({
    address, preferences: new Preferences(pageMemory()), recent: new RecentMeetings(pageMemory()), tab: await Tab.open(pageMemory(), undefined),
    loadEngine: async () => silentEngine(), loadBlur: () => new Promise(() => {}), now: () => Date.now(),
    openSocket: () => ({ readyState: 1, send() {}, close() {}, onopen: null, onmessage: null, onclose: null }),
  });
  page.start();
  await settle();
}

async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(1);
}

function screenOf<K extends Screen['kind']>(kind: K): Screen & { kind: K } {
  const screen = page.screen.value;
  if (screen.kind !== kind) throw new Error(`the page shows ${screen.kind}, not ${kind}`);
  return screen as Screen & { kind: K };
}

async function goIn(): Promise<Seat> {
  const { seat } = screenOf('meeting');
  await seat.join('Test User');
  await settle();
  expect(seat.phase.value.kind).toBe('in');
  return seat;
}

const left = (): readonly string[] => asked.filter(({ method }) => method === 'DELETE').map(({ path }) => path);

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  vi.stubGlobal('fetch', async (url: string, init: RequestInit): Promise<Response> => {
    const [path = ''] = url.replace('/api/v1', '').split('?');
    const one = { method: init.method ?? '', path, body: typeof init.body === 'string' ? (JSON.parse(init.body) as Record<string, unknown>) : null };
    asked.push(one);
    const { status, body } = await answer(one);
    return new Response(JSON.stringify(body), { status });
  });
  vi.spyOn(console, 'info').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe('going back', () => {
  it('JOIN-7: leaves no meeting at whose address one still is, as after a link within the page', async () => {
    await openAt('/ABC123');
    const seat = await goIn();
    address.back('/ABC123');
    await settle();
    expect(screenOf('meeting').seat).toBe(seat);
    expect(seat.phase.value.kind).toBe('in');
    expect(left()).toEqual([]);
  });

  it('keeps what is under way on the start page, where one still is', async () => {
    await openAt('/');
    void page.createMeeting(null);
    address.back('/');
    expect(page.creating.value.kind).toBe('busy');
  });

  it('JOIN-7: leaves the meeting for the start page and for another meeting', async () => {
    await openAt('/ABC123');
    await goIn();
    address.back('/DEF456');
    await settle();
    expect(left()).toEqual(['/meetings/ABC123/participants/me']);
    expect(screenOf('meeting').seat.meetingId).toBe('DEF456');
    address.back('/');
    screenOf('home');
  });
});

describe('a new meeting', () => {
  it('is gone to as soon as it is made', async () => {
    await openAt('/');
    void page.createMeeting(null);
    await settle();
    answerCreation(201, { created: true, meeting: aMeeting({ id: 'NEW999' }) });
    await settle();
    expect(address.at).toBe('/NEW999');
    expect(screenOf('meeting').seat.meetingId).toBe('NEW999');
  });

  it('JOIN-7: takes nobody out of another who has gone there meanwhile, and is found among the recent ones', async () => {
    await openAt('/');
    void page.createMeeting(null);
    await settle();
    page.openMeeting('ABC123');
    await settle();
    const seat = await goIn();
    answerCreation(201, { created: true, meeting: aMeeting({ id: 'NEW999', title: 'Weekly' }) });
    await settle();
    expect(address.at).toBe('/ABC123');
    expect(screenOf('meeting').seat).toBe(seat);
    expect(left()).toEqual([]);
    expect(page.recent.list.value.map(({ id, isHost }) => [id, isHost])).toContainEqual(['NEW999', true]);
  });

  it('says nothing of its failure to who has begun another since', async () => {
    await openAt('/');
    void page.createMeeting(null);
    await settle();
    const fail = answerCreation;
    page.openMeeting('ABC123');
    page.goHome();
    void page.createMeeting(null);
    await settle();
    fail(422, { code: 'meeting_id_invalid', type: '', title: '', status: 422, detail: '' });
    await settle();
    expect(page.creating.value.kind).toBe('busy');
  });
});
