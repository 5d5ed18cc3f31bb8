import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Live } from '../live';
import { count, type Counters } from '../media/figures';
import type { MediaEngine, MediaLink as Link } from '../media/port';
import type { MediaTicket } from '../protocol/objects';
import { MediaLink } from './media-link';

const ticket = (token: string, url = ''): MediaTicket => ({ url, token, room: '', identity: '' });

/** An engine that connects or not, as the test says, and remembers its tickets. */
class FakeEngine implements MediaEngine {
  readonly link = new Live<Link>('connecting');
  readonly people = new Live(new Map());
  readonly mayPlaySound = new Live(true);
  readonly tickets: string[] = [];
  isReachable = true;

  async connect({ token }: MediaTicket): Promise<void> {
    this.tickets.push(token);
    this.link.set(this.isReachable ? 'open' : 'closed');
    if (!this.isReachable) throw new Error('unreachable');
  }

  async sendMicrophone(): Promise<void> {}
  async sendCamera(): Promise<void> {}
  async sendScreen(): Promise<void> {}
  async useSpeaker(): Promise<void> {}
  saveData(): void {}
  async allowSound(): Promise<void> {}
  async counters(): Promise<Counters> {
    return count([], 0);
  }
  async close(): Promise<void> {}
}

let engine: FakeEngine;
let link: MediaLink;
let where = '';
let isAway = false;

beforeEach(async () => {
  vi.useFakeTimers();
  where = '';
  isAway = false;
  engine = new FakeEngine();
  const freshTicket = async (): Promise<MediaTicket> => {
    if (isAway) throw new Error('nobody answers');
    return ticket('fresh', where);
  };
  link = new MediaLink(async () => engine, freshTicket);
  await link.open(ticket('first'));
});

afterEach(() => vi.useRealTimers());

describe('the media link', () => {
  it('JOIN-10: asks for a fresh ticket and connects again where the engine has given up', async () => {
    engine.link.set('closed');
    await vi.advanceTimersByTimeAsync(200);
    expect(engine.tickets).toEqual(['first', 'fresh']);
    expect(engine.link.value).toBe('open');
  });

  it('MEET-7: asks for nothing at once where the server has ended the stay, since the event stream says why', async () => {
    engine.link.set('dismissed');
    await vi.advanceTimersByTimeAsync(1_500);
    expect(engine.tickets).toEqual(['first']);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(engine.tickets).toEqual(['first', 'fresh']);
    expect(engine.link.value).toBe('open');
  });

  it('JOIN-10: keeps trying for as long as it takes', async () => {
    engine.isReachable = false;
    engine.link.set('closed');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(engine.tickets.length).toBeGreaterThan(10);
    engine.isReachable = true;
    await vi.advanceTimersByTimeAsync(4_000);
    expect(engine.link.value).toBe('open');
  });

  it('JOIN-10: does not wait out its pause when the server is back', async () => {
    engine.isReachable = false;
    engine.link.set('closed');
    await vi.advanceTimersByTimeAsync(20_000);
    const before = engine.tickets.length;
    engine.isReachable = true;
    link.handleServerBack();
    await vi.advanceTimersByTimeAsync(10);
    expect(engine.tickets.length).toBe(before + 1);
    expect(engine.link.value).toBe('open');
  });

  it('makes the link anew when the engine is still looking a moment after the server is back', async () => {
    engine.link.set('reconnecting');
    link.handleServerBack();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(engine.tickets).toEqual(['first', 'fresh']);
  });

  it('JOIN-10: goes where the media has moved while the engine still looks in the old place', async () => {
    where = 'wss://other';
    engine.link.set('reconnecting');
    await vi.advanceTimersByTimeAsync(700);
    expect(engine.tickets).toEqual(['first', 'fresh']);
    expect(engine.link.value).toBe('open');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(engine.tickets).toEqual(['first', 'fresh']);
  });

  it('JOIN-10: makes the link anew where nobody has answered for a while and now somebody does', async () => {
    isAway = true;
    engine.link.set('reconnecting');
    await vi.advanceTimersByTimeAsync(3_000);
    expect(engine.tickets).toEqual(['first']);
    isAway = false;
    await vi.advanceTimersByTimeAsync(700);
    expect(engine.tickets).toEqual(['first', 'fresh']);
    expect(engine.link.value).toBe('open');
  });

  it('leaves the engine to its own way back for a while where the media is where it was, and then makes the link anew', async () => {
    engine.link.set('reconnecting');
    await vi.advanceTimersByTimeAsync(2_900);
    expect(engine.tickets).toEqual(['first']);
    await vi.advanceTimersByTimeAsync(700);
    expect(engine.tickets).toEqual(['first', 'fresh']);
    expect(engine.link.value).toBe('open');
  });

  it('leaves a link alone that lives', async () => {
    link.handleServerBack();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(engine.tickets).toEqual(['first']);
  });

  it('tries no more once it is closed', async () => {
    await link.close();
    engine.link.set('closed');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(engine.tickets).toEqual(['first']);
  });

  describe('whose program does not load', () => {
    let loads: number;
    let doesLoad: boolean;
    const open = async (): Promise<void> => {
      loads = 0;
      doesLoad = false;
      engine = new FakeEngine();
      link = new MediaLink(async () => {
        loads += 1;
        if (!doesLoad) throw new TypeError('Failed to fetch dynamically imported module');
        return engine;
      }, async () => ticket('fresh'));
      void link.open(ticket('first'));
      await vi.advanceTimersByTimeAsync(0);
    };
    beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}));
    afterEach(() => vi.restoreAllMocks());

    it('asks for it again until it is there, and says meanwhile that it is not', async () => {
      await open();
      expect([loads, link.isWithoutProgram.value]).toEqual([1, false]);
      await vi.advanceTimersByTimeAsync(2_000);
      expect(link.isWithoutProgram.value).toBe(true);
      expect(console.warn).toHaveBeenCalledExactlyOnceWith('Error loading media engine', { code: 'internal' });
      doesLoad = true;
      await vi.advanceTimersByTimeAsync(4_000);
      expect(link.isWithoutProgram.value).toBe(false);
      expect(engine.tickets).toEqual(['first']);
      expect(engine.link.value).toBe('open');
    });

    it('says nothing where it is there a moment later', async () => {
      await open();
      doesLoad = true;
      await vi.advanceTimersByTimeAsync(500);
      expect([loads, link.isWithoutProgram.value, engine.link.value]).toEqual([2, false, 'open']);
      expect(console.warn).not.toHaveBeenCalled();
    });

    it('asks at once when the server is back, and no more once it is closed', async () => {
      await open();
      await vi.advanceTimersByTimeAsync(20_000);
      const before = loads;
      link.handleServerBack();
      await vi.advanceTimersByTimeAsync(10);
      expect(loads).toBe(before + 1);
      await link.close();
      doesLoad = true;
      await vi.advanceTimersByTimeAsync(20_000);
      expect(loads).toBe(before + 1);
      expect(engine.tickets).toEqual([]);
    });
  });
});
