// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Live } from '../live';
import { count } from '../media/figures';
import type { MediaEngine } from '../media/port';
import type { JoinAnswer, OwnConnection, Preview } from '../protocol/objects';
import type { ClientMessage, ServerMessage } from '../protocol/stream';
import { aMeeting, aMessage, aParticipant } from '../protocol/samples';
import type { Socket } from '../realtime/event-stream';
import type { Chat } from './chat';
import { LocalDevice } from './local-device';
import { pageMemory, Preferences, type Memory } from './preferences';
import { RecentMeetings } from './recent';
import { Seat, type Phase, type SeatOptions } from './seat';
import { Tab } from './tab';

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: Record<string, unknown> | null;
}

type Answer = { readonly status: number; readonly body: unknown } | 'unreachable';

const me = aParticipant({ id: 'p1', name: 'Test User', role: 'host', audio: true });
const preview = (over: Partial<Preview> = {}): Preview => ({
  meeting: { id: 'ABC123', title: '', locked: false, lobby: false, passcode: false }, participants: 0, known: false, host: false, ...over,
});
const problem = (status: number, code: string): Answer => ({ status, body: { code, type: '', title: code, status, detail: `about ${code}` } });
const joined = (created: boolean, connectionId: unknown): JoinAnswer => ({
  created, meeting: aMeeting(), participant: me, media: { url: '', token: '', room: '', identity: '' },
  connection: { id: String(connectionId), fence: 1, token: 't', linger_s: 30, device: '' },
  snapshot: { meeting: aMeeting(), participants: [me], messages: [], me },
});

/** The server, as a table of answers that a test may change, and what it was asked. */
class FakeServer {
  readonly asked: Asked[] = [];
  connections: readonly OwnConnection[] = [];
  readonly answers = new Map<string, (asked: Asked) => Answer>([
    ['GET /meetings/ABC123', () => ({ status: 200, body: preview() })],
    ['PUT /meetings/ABC123', () => ({ status: 201, body: { created: true, meeting: aMeeting() } })],
    ['PUT /meetings/ABC123/participants/me', ({ body }) => ({ status: 201, body: joined(true, body?.['connection_id']) })],
    ['GET /meetings/ABC123/participants/me', () => ({ status: 200, body: { participant: me, connections: this.connections } })],
    ['DELETE /meetings/ABC123/participants/me', () => ({ status: 200, body: {} })],
  ]);

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const [path = ''] = url.replace('/api/v1', '').split('?');
    const body = typeof init.body === 'string' ? (JSON.parse(init.body) as Record<string, unknown>) : null;
    const asked = { method: init.method ?? '', path, body };
    this.asked.push(asked);
    const answer = this.answers.get(`${asked.method} ${path}`)?.(asked) ?? problem(404, 'route_not_found');
    if (answer === 'unreachable') throw new TypeError('network');
    return new Response(JSON.stringify(answer.body), { status: answer.status });
  };

  last(method: string, path: string): Asked | undefined {
    return this.asked.findLast((asked) => asked.method === method && asked.path === path);
  }
}

class FakeSocket implements Socket {
  readyState = 1;
  readonly sent: ClientMessage[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;
  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientMessage);
  }
  close(): void {}
  say(message: ServerMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const silentEngine = (): MediaEngine => ({
  link: new Live('open'), people: new Live(new Map()), mayPlaySound: new Live(true),
  connect: async () => {}, sendMicrophone: async () => {}, sendCamera: async () => {}, sendScreen: async () => {},
  useSpeaker: async () => {}, saveData: () => {}, allowSound: async () => {}, counters: async () => count([], 0), close: async () => {},
});

let server: FakeServer;
let sockets: FakeSocket[];
let memory: Memory;
let lines: string[];
let prepared: number;

async function aSeat(over: Partial<SeatOptions> = {}): Promise<Seat> {
  const tab = await Tab.open(memory, undefined);
  const device = (): LocalDevice => new LocalDevice({ open: () => new Promise(() => {}), staysOpen: false }, '');
  return new Seat('ABC123', {
    tab, recent: new RecentMeetings(pageMemory()), preferences: new Preferences(pageMemory()), devices: { microphone: device(), camera: device() },
    loadEngine: async () => silentEngine(), prepareEngine: () => void (prepared += 1), now: () => Date.now(),
    openSocket: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    ...over,
  });
}

async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(1);
}

function phaseOf<K extends Phase['kind']>(seat: Seat, kind: K): Phase & { kind: K } {
  const phase = seat.phase.value;
  if (phase.kind !== kind) throw new Error(`the seat is ${phase.kind}, not ${kind}`);
  return phase as Phase & { kind: K };
}

async function goIn(seat: Seat): Promise<FakeSocket> {
  await seat.begin();
  await seat.join('Test User');
  await settle();
  const socket = sockets.at(-1);
  if (!socket) throw new Error('no stream was opened');
  socket.onopen?.();
  socket.say({ type: 'hello', connection_id: 'c', fence: 1, epoch: 1, event_seq: 1, resumed: true });
  return socket;
}

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  sockets = [];
  memory = pageMemory();
  lines = [];
  prepared = 0;
  vi.stubGlobal('fetch', server.fetch);
  const write = (line: unknown): void => void lines.push(String(line));
  vi.spyOn(console, 'info').mockImplementation(write);
  vi.spyOn(console, 'warn').mockImplementation(write);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe('the seat', () => {
  it('LOG-1: says the steps of a first join in order', async () => {
    await goIn(await aSeat());
    expect(lines).toEqual(['Initializing meeting', 'Participant joined successfully', 'Meeting initialization complete']);
  });

  it('has the media engine ready before "Join now" is pressed', async () => {
    const seat = await aSeat();
    await seat.begin();
    expect(seat.phase.value.kind).toBe('before');
    expect(prepared).toBe(1);
  });

  it('JOIN-5: fetches the media engine while the server is asked for the seat back', async () => {
    await goIn(await aSeat());
    prepared = 0;
    let whenAsked = 0;
    server.answers.set('PUT /meetings/ABC123/participants/me', ({ body }) => {
      whenAsked = prepared;
      return { status: 200, body: joined(false, body?.['connection_id']) };
    });
    await (await aSeat()).begin();
    expect(whenAsked).toBe(1);
  });

  it('LOG-1, JOIN-1: says of a return that the participant existed', async () => {
    server.answers.set('PUT /meetings/ABC123/participants/me', ({ body }) => ({ status: 200, body: joined(false, body?.['connection_id']) }));
    await goIn(await aSeat());
    expect(lines[1]).toBe('Participant already exists, updating status');
  });

  it('JOIN-5: a refresh goes straight back in, replaces the connection before, and asks for no change of devices', async () => {
    const before = await aSeat();
    await goIn(before);
    const first = phaseOf(before, 'in').meeting.sender.id;
    const after = await aSeat();
    await after.begin();
    expect(after.phase.value.kind).toBe('in');
    const { body } = server.last('PUT', '/meetings/ABC123/participants/me') ?? {};
    expect(body).toMatchObject({ replaces: first });
    expect(body).not.toHaveProperty('audio');
    expect(body).not.toHaveProperty('video');
  });

  it('JOIN-5: a tab that was restored after long is asked first, with everything off the air', async () => {
    await goIn(await aSeat());
    await vi.advanceTimersByTimeAsync(4 * 60_000);
    const soon = await aSeat();
    await soon.begin();
    expect(soon.phase.value.kind).toBe('in');
    // The browser is quit: no timer of the page runs any more.
    vi.clearAllTimers();
    vi.setSystemTime(Date.now() + 10 * 60_000);
    const late = await aSeat();
    await late.begin();
    expect(late.phase.value.kind).toBe('before');
  });

  it('JOIN-10: a refresh that finds no server goes back in when there is one, however long that takes', async () => {
    const { answers } = server;
    const join = answers.get('PUT /meetings/ABC123/participants/me') ?? (() => 'unreachable');
    await goIn(await aSeat());
    vi.clearAllTimers();
    answers.set('PUT /meetings/ABC123/participants/me', () => 'unreachable');
    const seat = await aSeat();
    await seat.begin();
    await vi.advanceTimersByTimeAsync(20 * 60_000);
    answers.set('PUT /meetings/ABC123/participants/me', join);
    seat.retryNow();
    await settle();
    expect(seat.phase.value.kind).toBe('in');
  });

  it('JOIN-5: whoever turns away before being back in is asked the next time, and is not in behind their back', async () => {
    await goIn(await aSeat());
    let answer: (answer: Response) => void = () => undefined;
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => (init.method === 'PUT' ? new Promise<Response>((resolve) => (answer = resolve)) : server.fetch(url, init)));
    const seat = await aSeat();
    void seat.begin();
    await settle();
    seat.close();
    answer(new Response(JSON.stringify(joined(false, 'late')), { status: 200 }));
    await settle();
    expect(server.last('DELETE', '/meetings/ABC123/participants/me')).toBeDefined();
    vi.stubGlobal('fetch', server.fetch);
    const next = await aSeat();
    await next.begin();
    expect(next.phase.value.kind).toBe('before');
  });

  it('MEET-7: a refresh after the end of the run says so and begins no other', async () => {
    await goIn(await aSeat());
    server.answers.set('PUT /meetings/ABC123/participants/me', () => problem(410, 'meeting_ended'));
    const seat = await aSeat();
    await seat.begin();
    expect(phaseOf(seat, 'out').why).toBe('ended');
  });

  it('JOIN-1: a join whose answer was lost is repeated as the same connection, and the next one is another', async () => {
    const ids = (): unknown[] => server.asked.filter(({ method, path }) => method === 'PUT' && path.endsWith('/me')).map(({ body }) => body?.['connection_id']);
    const join = server.answers.get('PUT /meetings/ABC123/participants/me') ?? (() => 'unreachable');
    server.answers.set('PUT /meetings/ABC123/participants/me', () => 'unreachable');
    const seat = await aSeat();
    await seat.begin();
    await seat.join('Test User');
    await vi.advanceTimersByTimeAsync(1_100);
    server.answers.set('PUT /meetings/ABC123/participants/me', join);
    await seat.join('Test User');
    await settle();
    expect(seat.phase.value.kind).toBe('in');
    sockets.at(-1)?.onclose?.({ code: 4004 });
    await settle();
    const [first, again, other] = ids();
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  it('JOIN-5: what is switched while the answer to a join is out holds', async () => {
    const device = (): LocalDevice => new LocalDevice({ open: () => new Promise(() => {}), staysOpen: false }, '');
    const devices = { microphone: device(), camera: device() };
    server.answers.set('PATCH /meetings/ABC123/participants/me', ({ body }) => ({ status: 200, body: { participant: { ...me, ...body } } }));
    const seat = await aSeat({ devices });
    await seat.begin();
    devices.microphone.setOn(true);
    const joining = seat.join('Test User');
    devices.microphone.setOn(false);
    devices.camera.setOn(true);
    await joining;
    await settle();
    expect(devices.microphone.isOn.value).toBe(false);
    expect(devices.camera.isOn.value).toBe(true);
    const asked = server.asked.filter(({ method }) => method === 'PATCH').map(({ body }) => body);
    expect(asked).toEqual([{ audio: false }, { video: true }]);
  });

  it('JOIN-6: a tab that wakes up while its person is in from elsewhere comes in without a camera', async () => {
    const on = { ...me, video: true };
    server.answers.set('PUT /meetings/ABC123/participants/me', ({ body }) => {
      const answer = joined(false, body?.['connection_id']);
      return { status: 200, body: { ...answer, participant: on, snapshot: { ...answer.snapshot, participants: [on], me: on } } };
    });
    const device = (): LocalDevice => new LocalDevice({ open: () => new Promise(() => {}), staysOpen: false }, '');
    const devices = { microphone: device(), camera: device() };
    const seat = await aSeat({ devices });
    await seat.begin();
    devices.camera.setOn(true);
    await seat.join('Test User');
    server.connections = [{ id: 'phone', device: '', state: 'open', created_at: 0 }];
    sockets.at(-1)?.onclose?.({ code: 4004 });
    await settle();
    expect(seat.phase.value.kind).toBe('in');
    expect(devices.camera.isOn.value).toBe(false);
  });

  it('JOIN-7: after leaving, a refresh does not go back in', async () => {
    const before = await aSeat();
    await goIn(before);
    before.leave();
    expect(phaseOf(before, 'out').why).toBe('left');
    expect(server.last('DELETE', '/meetings/ABC123/participants/me')).toBeDefined();
    const after = await aSeat();
    await after.begin();
    expect(after.phase.value.kind).toBe('before');
  });

  it('JOIN-6: a second tab leaves the intents as they are', async () => {
    server.answers.set('GET /meetings/ABC123', () => ({ status: 200, body: preview({ known: true, participants: 1 }) }));
    server.connections = [{ id: 'other', device: 'Firefox on Linux', state: 'open', created_at: 0 }];
    const seat = await aSeat();
    await seat.begin();
    expect(phaseOf(seat, 'before').elsewhere).toHaveLength(1);
    await seat.join('Test User');
    expect(server.last('PUT', '/meetings/ABC123/participants/me')?.body).not.toHaveProperty('audio');
  });

  it('JOIN-6: a tab whose seat another tab has taken says so and does not fight for it', async () => {
    const seat = await aSeat();
    const socket = await goIn(seat);
    server.connections = [{ id: 'other', device: '', state: 'open', created_at: 0 }];
    socket.onclose?.({ code: 4004 });
    await settle();
    expect(phaseOf(seat, 'out').why).toBe('moved');
  });

  it('JOIN-4: a connection that was closed while away is made anew, without a question', async () => {
    const seat = await aSeat();
    const socket = await goIn(seat);
    socket.onclose?.({ code: 4004 });
    await settle();
    expect(seat.phase.value.kind).toBe('in');
  });

  it('EVENT-4: a mute that did not reach the server before its connection was closed goes along to the next one', async () => {
    server.answers.set('PUT /meetings/ABC123/participants/me', ({ body }) => {
      const answer = joined(false, body?.['connection_id']);
      const participant = { ...me, microphone_connection: answer.connection.id };
      return { status: 200, body: { ...answer, participant, snapshot: { ...answer.snapshot, participants: [participant], me: participant } } };
    });
    const seat = await aSeat();
    const socket = await goIn(seat);
    server.answers.set('PATCH /meetings/ABC123/participants/me', () => 'unreachable');
    phaseOf(seat, 'in').meeting.self.microphone.press(false);
    await settle();
    socket.onclose?.({ code: 4004 });
    await settle();
    expect(server.last('PUT', '/meetings/ABC123/participants/me')?.body).toMatchObject({ audio: false });
    sockets.at(-1)?.onclose?.({ code: 4004 });
    await settle();
    expect(server.last('PUT', '/meetings/ABC123/participants/me')?.body).not.toHaveProperty('audio');
  });

  it('MEET-6: offers to start a meeting that nobody has created', async () => {
    server.answers.set('GET /meetings/ABC123', () => problem(404, 'meeting_not_found'));
    const seat = await aSeat();
    await seat.begin();
    expect(seat.phase.value.kind).toBe('missing');
    server.answers.set('GET /meetings/ABC123', () => ({ status: 200, body: preview() }));
    await seat.start();
    expect(seat.phase.value.kind).toBe('before');
    expect(lines).toContain('Meeting created successfully');
  });

  it('keeps what one is told before joining true: who is in, locked, and that the meeting is gone', async () => {
    const seat = await aSeat();
    await seat.begin();
    server.answers.set('GET /meetings/ABC123', () => ({ status: 200, body: preview({ participants: 2, meeting: { ...preview().meeting, locked: true } }) }));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(phaseOf(seat, 'before').preview).toMatchObject({ participants: 2, meeting: { locked: true } });
    server.answers.set('GET /meetings/ABC123', () => 'unreachable');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(phaseOf(seat, 'before').preview.participants).toBe(2);
    server.answers.set('GET /meetings/ABC123', () => problem(404, 'meeting_not_found'));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(seat.phase.value.kind).toBe('missing');
  });

  it('MEET-6: a meeting that somebody else starts is one to join, without a press', async () => {
    server.answers.set('GET /meetings/ABC123', () => problem(404, 'meeting_not_found'));
    const seat = await aSeat();
    await seat.begin();
    server.answers.set('GET /meetings/ABC123', () => ({ status: 200, body: preview() }));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(seat.phase.value.kind).toBe('before');
    expect(prepared).toBe(1);
  });

  it('looks at the meeting no more once in, and goes on after a refusal', async () => {
    const looks = (): number => server.asked.filter(({ method, path }) => method === 'GET' && path === '/meetings/ABC123').length;
    const join = server.answers.get('PUT /meetings/ABC123/participants/me') ?? (() => 'unreachable');
    server.answers.set('PUT /meetings/ABC123/participants/me', () => problem(403, 'passcode_wrong'));
    const seat = await aSeat();
    await seat.begin();
    await seat.join('Test User', '1234');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(looks()).toBe(2);
    expect(phaseOf(seat, 'before').problem?.code).toBe('passcode_wrong');
    server.answers.set('PUT /meetings/ABC123/participants/me', join);
    await seat.join('Test User', '12345');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(seat.phase.value.kind).toBe('in');
    expect(looks()).toBe(2);
  });

  it.each([
    ['participant_removed', 'removed'],
    ['meeting_full', 'full'],
    ['meeting_locked', 'locked'],
  ])('JOIN-8, JOIN-9: %s is a page of its own', async (code, why) => {
    server.answers.set('PUT /meetings/ABC123/participants/me', () => problem(403, code));
    const seat = await aSeat();
    await seat.begin();
    await seat.join('Test User');
    expect(phaseOf(seat, 'out').why).toBe(why);
    expect(lines).toContain('Error joining meeting');
  });

  it.each([
    [4007, 'removed'],
    [4008, 'ended'],
    [4006, 'moved'],
  ])('HOST-4, MEET-7: close code %i is a page of its own', async (code, why) => {
    const seat = await aSeat();
    (await goIn(seat)).onclose?.({ code });
    await settle();
    expect(phaseOf(seat, 'out').why).toBe(why);
  });

  describe('in the lobby', () => {
    beforeEach(() => {
      server.answers.set('GET /meetings/ABC123', () => ({ status: 200, body: preview({ meeting: { ...preview().meeting, lobby: true } }) }));
      server.answers.set('PUT /meetings/ABC123/lobby/me', ({ body }) => ({
        status: 201,
        body: { created: true, meeting: preview().meeting, participant: { ...me, status: 'waiting' }, connection: { id: body?.['connection_id'], fence: 1, token: 't', linger_s: 30, device: '' } },
      }));
      server.answers.set('DELETE /meetings/ABC123/lobby/me', () => ({ status: 200, body: {} }));
    });

    it('HOST-4: knocks, and comes in when a host says so', async () => {
      const seat = await aSeat();
      await seat.begin();
      await seat.join('Test User');
      expect(seat.phase.value.kind).toBe('knocking');
      expect(server.last('PUT', '/meetings/ABC123/participants/me')).toBeUndefined();
      sockets[0]?.say({ type: 'lobby', status: 'admitted' });
      await settle();
      expect(seat.phase.value.kind).toBe('in');
      const knocked = server.last('PUT', '/meetings/ABC123/lobby/me')?.body?.['connection_id'];
      expect(server.last('PUT', '/meetings/ABC123/participants/me')?.body).toMatchObject({ replaces: knocked });
    });

    it('HOST-4: whoever stops knocking before the answer waits no more', async () => {
      const seat = await aSeat();
      await seat.begin();
      const joining = seat.join('Test User');
      await seat.stopKnocking();
      await joining;
      expect(server.asked.map(({ method, path }) => `${method} ${path}`).slice(-2)).toContain('DELETE /meetings/ABC123/lobby/me');
      expect(seat.phase.value.kind).toBe('before');
    });

    it('HOST-4: whoever turns away while knocking waits no more', async () => {
      const seat = await aSeat();
      await seat.begin();
      await seat.join('Test User');
      seat.close();
      expect(server.last('DELETE', '/meetings/ABC123/lobby/me')).toBeDefined();
    });

    it('MEET-7: whoever waited when the run ended comes into the next as somebody new to it', async () => {
      const seat = await aSeat();
      await seat.begin();
      await seat.join('Test User');
      sockets[0]?.onclose?.({ code: 4008 });
      await settle();
      expect(phaseOf(seat, 'out').why).toBe('ended');
      server.answers.set('GET /meetings/ABC123', () => ({ status: 200, body: preview() }));
      await seat.look();
      await seat.join('Test User');
      expect(server.last('PUT', '/meetings/ABC123/participants/me')?.body).not.toHaveProperty('replaces');
    });
  });

  it('JOIN-10: tries again by itself while the server cannot be reached', async () => {
    server.answers.set('GET /meetings/ABC123', () => 'unreachable');
    const seat = await aSeat();
    await seat.begin();
    expect(seat.phase.value.kind).toBe('unreachable');
    server.answers.set('GET /meetings/ABC123', () => ({ status: 200, body: preview() }));
    await vi.advanceTimersByTimeAsync(1_100);
    expect(seat.phase.value.kind).toBe('before');
  });

  it.each([
    ['PUT /meetings/ABC123/participants/me', (seat: Seat) => seat.join('Test User')],
    ['PUT /meetings/ABC123', (seat: Seat) => seat.start()],
  ] as const)('JOIN-10: says that the server cannot be reached where %s got no answer, and asks again', async (what, press) => {
    const answers = server.answers.get(what);
    server.answers.set(what, () => 'unreachable');
    const seat = await aSeat();
    await seat.begin();
    await press(seat);
    expect(seat.phase.value.kind).toBe('unreachable');
    if (answers) server.answers.set(what, answers);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(seat.phase.value.kind).toBe('before');
  });

  it('asks for the passcode again when it is wrong, and keeps the form', async () => {
    server.answers.set('PUT /meetings/ABC123/participants/me', () => problem(403, 'passcode_wrong'));
    const seat = await aSeat();
    await seat.begin();
    await seat.join('Test User', '1234');
    expect(phaseOf(seat, 'before').problem?.code).toBe('passcode_wrong');
    expect(server.last('PUT', '/meetings/ABC123/participants/me')?.body).toMatchObject({ passcode: '1234' });
  });
});

describe('what a person has written', () => {
  const id = '7b0f6f0e-3f0b-4d0e-9d0c-2f1d5a6b7c8d';
  const path = `/meetings/ABC123/chat/${id}`;

  const chatOf = (seat: Seat): Chat => phaseOf(seat, 'in').meeting.chat;
  const states = (seat: Seat): string[] => chatOf(seat).lines.value.map(({ state }) => state);
  const posts = (): unknown[] => server.asked.filter((asked) => asked.method === 'PUT' && asked.path.includes('/chat/')).map((asked) => [asked.path, asked.body]);

  function send(seat: Seat, text: string): void {
    vi.spyOn(crypto, 'randomUUID').mockReturnValueOnce(id);
    chatOf(seat).write(text);
    chatOf(seat).post();
  }

  it.each([
    ['got no answer', (): Answer => 'unreachable', 1_000, 'sending'],
    ['got no answer for long', (): Answer => 'unreachable', 60_000, 'failed'],
    ['came after the connection was closed', (): Answer => problem(410, 'connection_closed'), 1_000, 'sending'],
  ])('JOIN-4: is posted under the same id after a return where it %s', async (_, answer, awayMs, shown) => {
    server.answers.set(`PUT ${path}`, answer);
    const seat = await aSeat();
    await goIn(seat);
    send(seat, 'important');
    chatOf(seat).write('half a draft');
    await vi.advanceTimersByTimeAsync(awayMs);
    expect(states(seat)).toEqual([shown]);
    const before = posts().length;
    server.answers.set(`PUT ${path}`, () => ({ status: 201, body: { created: true, message: aMessage({ id, event_seq: 2 }) } }));
    seat.retryNow();
    sockets.at(-1)?.onclose?.({ code: 4004 });
    await settle();
    expect(states(seat)).toEqual(['sending']);
    expect(chatOf(seat).draft.value).toBe('half a draft');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(posts().slice(before)).toEqual([[path, { text: 'important' }]]);
    expect(states(seat)).toEqual(['sending']);
  });

  it('is kept in order after a return', async () => {
    const other = id.replace('7', '8');
    server.answers.set(`PUT ${path}`, () => 'unreachable');
    server.answers.set(`PUT ${path.replace(id, other)}`, () => 'unreachable');
    const seat = await aSeat();
    const socket = await goIn(seat);
    send(seat, 'first');
    vi.spyOn(crypto, 'randomUUID').mockReturnValueOnce(other as typeof id);
    chatOf(seat).write('second');
    chatOf(seat).post();
    await settle();
    socket.onclose?.({ code: 4004 });
    await settle();
    const before = posts().length;
    await vi.advanceTimersByTimeAsync(600);
    expect(posts().slice(before)).toEqual([[path, { text: 'first' }]]);
  });

  it('is no longer on its way where an earlier try had posted it before the meeting as it is known', async () => {
    server.answers.set(`PUT ${path}`, () => 'unreachable');
    const seat = await aSeat();
    const socket = await goIn(seat);
    send(seat, 'important');
    server.answers.set(`PUT ${path}`, () => ({ status: 200, body: { created: false, message: aMessage({ id, event_seq: 1 }) } }));
    socket.onclose?.({ code: 4004 });
    await settle();
    expect(states(seat)).toEqual([]);
  });

  it('MEET-7: is dropped where a host has ended the run meanwhile', async () => {
    server.answers.set(`PUT ${path}`, () => 'unreachable');
    const seat = await aSeat();
    const socket = await goIn(seat);
    send(seat, 'important');
    chatOf(seat).write('half a draft');
    socket.onclose?.({ code: 4008 });
    server.answers.set('PUT /meetings/ABC123/participants/me', ({ body }) => {
      const meeting = aMeeting({ run: 2 });
      const answer = joined(false, body?.['connection_id']);
      return { status: 200, body: { ...answer, meeting, snapshot: { ...answer.snapshot, meeting } } };
    });
    await seat.look();
    await seat.join('Test User');
    const before = posts().length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect([states(seat), chatOf(seat).draft.value]).toEqual([[], '']);
    expect(posts()).toHaveLength(before);
  });

  it('and the server refuses is said while the chat is closed', async () => {
    server.answers.set(`PUT ${path}`, () => problem(404, 'participant_not_found'));
    const seat = await aSeat();
    await goIn(seat);
    send(seat, 'important');
    await settle();
    expect(states(seat)).toEqual(['failed']);
    expect(phaseOf(seat, 'in').meeting.notices.list.value.map(({ text }) => text)).toEqual(['notice.notSent']);
  });
});
