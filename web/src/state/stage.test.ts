import { beforeEach, describe, expect, it } from 'vitest';
import { Live } from '../live';
import type { PersonMedia, Picture } from '../media/port';
import type { Participant } from '../protocol/objects';
import { aMeeting, aParticipant } from '../protocol/samples';
import { fromSnapshot, type MeetingState } from '../realtime/reducer';
import type { LocalDevices } from './local-device';
import { pageMemory, Preferences } from './preferences';
import type { Self } from './self';
import { handQueue, Stage, type Told } from './stage';

const picture = (id: string): Picture => ({ id, attach: () => () => {} });
const media = (over: Partial<PersonMedia> = {}): PersonMedia => ({ camera: null, screens: [], level: 0, quality: 'good', ...over });

let state: Live<MeetingState>;
let people: Live<ReadonlyMap<string, PersonMedia>>;
let qualities: Live<ReadonlyMap<string, Told>>;
let preferences: Preferences;
let stage: Stage;

function set(...participants: readonly Participant[]): void {
  const [me] = participants;
  state.set(fromSnapshot({ meeting: aMeeting(), participants, messages: [], me: me ?? null }, 1, 1));
}

const me = aParticipant({ id: 'me', joined_at: 1 });
const ana = aParticipant({ id: 'ana', name: 'Ana', joined_at: 2, video: true });
const ben = aParticipant({ id: 'ben', name: 'Ben', joined_at: 3, audio: true });

beforeEach(() => {
  state = new Live(fromSnapshot({ meeting: aMeeting(), participants: [], messages: [], me: null }, 1, 1));
  people = new Live<ReadonlyMap<string, PersonMedia>>(new Map());
  qualities = new Live<ReadonlyMap<string, Told>>(new Map());
  preferences = new Preferences(pageMemory());
  // The stage reads two live values of these; the rest of them is not its business.
  const self = { share: new Live(null) } as unknown as Self;
  const devices = { camera: { track: new Live(null) } } as unknown as LocalDevices;
  stage = new Stage({ state, people, qualities, self, devices, preferences, now: () => 0 });
  set(me, ana, ben);
});

const keys = (): string[] => stage.view.value.tiles.map((tile) => tile.key);

describe('the stage', () => {
  it('JOIN-6: shows one tile per person, whatever the number of connections', () => {
    set(me, { ...ana, connections: 3 }, ben);
    expect(keys()).toEqual(['me', 'ana', 'ben']);
  });

  it('JOIN-4: keeps the tile of somebody reconnecting, and takes away who has left', () => {
    set(me, { ...ana, status: 'reconnecting' }, { ...ben, status: 'disconnected' });
    expect(stage.view.value.tiles.map((tile) => [tile.key, tile.status])).toEqual([['me', 'connected'], ['ana', 'reconnecting']]);
  });

  it('EVENT-4: shows no picture of somebody whose camera is off, though one still arrives', () => {
    people.set(new Map([['ana', media({ camera: picture('a') })], ['ben', media({ camera: picture('b') })]]));
    expect(stage.view.value.tiles.map((tile) => tile.picture?.id)).toEqual([undefined, 'a', undefined]);
  });

  it('EVENT-4: shows nobody as speaking who is shown as muted', () => {
    people.set(new Map([['ana', media({ level: 0.9 })], ['ben', media({ level: 0.9 })]]));
    expect(stage.view.value.tiles.map((tile) => tile.isSpeaking)).toEqual([false, false, true]);
  });

  it('puts a shared screen large, and a pinned tile before it', () => {
    set(me, { ...ana, screen: true }, ben);
    people.set(new Map([['ana', media({ screens: [picture('s')] })]]));
    expect(stage.view.value.subject).toBe('screen:s');
    stage.pinned.set('ben');
    expect(stage.view.value.subject).toBe('ben');
  });

  it('shows a screen only while the server says that it is shared', () => {
    people.set(new Map([['ana', media({ screens: [picture('s')] })]]));
    expect(keys()).toEqual(['me', 'ana', 'ben']);
  });

  it('keeps the speaker large until somebody else speaks', () => {
    preferences.set({ layout: 'speaker' });
    people.set(new Map([['ben', media({ level: 0.5 })]]));
    expect(stage.view.value.subject).toBe('ben');
    people.set(new Map());
    expect(stage.view.value.subject).toBe('ben');
  });

  it('hides one’s own tile on wish, but not while alone', () => {
    preferences.set({ hidesSelf: true });
    expect(keys()).toEqual(['ana', 'ben']);
    set(me);
    expect(keys()).toEqual(['me']);
  });

  it('keeps the objects of tiles that have not changed, so that they are not drawn again', () => {
    const before = stage.view.value.tiles;
    set(me, ana, { ...ben, audio: false });
    const after = stage.view.value.tiles;
    expect(after[1]).toBe(before[1]);
    expect(after[2]).not.toBe(before[2]);
  });

  it('draws nothing again when somebody who speaks gets louder', () => {
    people.set(new Map([['ben', media({ level: 0.3 })]]));
    let drawn = 0;
    stage.view.subscribe(() => (drawn += 1));
    people.set(new Map([['ben', media({ level: 0.8 })]]));
    expect(drawn).toBe(0);
    people.set(new Map([['ben', media({ level: 0 })]]));
    expect(drawn).toBe(1);
  });

  it('takes the server’s word on quality before the engine’s', () => {
    qualities.set(new Map([['ana', { quality: 'poor', cause: 'loss' }]]));
    expect(stage.view.value.tiles[1]).toMatchObject({ quality: 'poor', cause: 'loss' });
  });
});

it('the queue of hands goes by the server’s time', () => {
  const queue = handQueue([aParticipant({ id: 'a', hand_at: 30 }), aParticipant({ id: 'b', hand_at: 10 }), aParticipant({ id: 'c' })]);
  expect([...queue]).toEqual([['b', 1], ['a', 2]]);
});
