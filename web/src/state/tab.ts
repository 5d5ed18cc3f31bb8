import { readObject, writeObject, type Memory } from './preferences';

/** What this tab remembers of one meeting, so that a refresh comes straight back (JOIN-5). */
export interface KeptSeat {
  readonly connectionId: string;
  readonly cameraOn: boolean;
  /** When the person was last known to be in, in milliseconds since 1970; a seat that was left is not kept. */
  readonly seenAt: number;
}

const KEY = 'moot.tab';
/** Milliseconds to wait for the lock where the page before did not say that it went: it has crashed, or lives. */
const LOCK_WITHIN_MS = 1_000;

/** The part of the Web Locks API that is used; missing on insecure origins. */
export type Locks = Pick<LockManager, 'request'>;

/**
 * Who this tab is. A browser that duplicates a tab copies its session storage, and two tabs must not be one connection:
 * the tab's id is held by a lock, and whoever finds it taken is a new tab. A page that goes says so in its storage, because
 * a busy browser gives the lock back only after the refreshed page has begun.
 */
export class Tab {
  private constructor(
    private readonly memory: Memory,
    readonly id: string,
    private seats: Readonly<Record<string, KeptSeat>>,
  ) {}

  static async open(memory: Memory, locks: Locks | undefined, newId: () => string = () => crypto.randomUUID()): Promise<Tab> {
    const found = readObject(memory, KEY);
    const id = typeof found['id'] === 'string' ? found['id'] : null;
    const hasGone = found['gone'] === true;
    const held = id !== null && hold(locks, id, hasGone ? undefined : LOCK_WITHIN_MS);
    if (id !== null && (hasGone || (await held))) {
      const back = new Tab(memory, id, keptSeats(found['seats']));
      back.stay();
      return back;
    }
    const fresh = newId();
    await hold(locks, fresh, undefined);
    const tab = new Tab(memory, fresh, {});
    tab.#write();
    return tab;
  }

  seat(meetingId: string): KeptSeat | null {
    return this.seats[meetingId] ?? null;
  }

  keepSeat(meetingId: string, seat: KeptSeat): void {
    this.seats = { ...this.seats, [meetingId]: seat };
    this.#write();
  }

  forgetSeat(meetingId: string): void {
    this.seats = Object.fromEntries(Object.entries(this.seats).filter(([id]) => id !== meetingId));
    this.#write();
  }

  /** The page is being hidden for good: whoever opens this storage next is this tab again. */
  go(): void {
    writeObject(this.memory, KEY, { id: this.id, seats: this.seats, gone: true });
  }

  /** The page is here, perhaps again: a copy of its storage is another tab's. */
  stay(): void {
    this.#write();
  }

  #write(): void {
    writeObject(this.memory, KEY, { id: this.id, seats: this.seats });
  }
}

/** Hold the lock of `id` for as long as the page lives. False where another tab still holds it after `withinMs`. */
function hold(locks: Locks | undefined, id: string, withinMs: number | undefined): Promise<boolean> {
  if (!locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    const given = locks.request(`moot.tab.${id}`, withinMs === undefined ? {} : { signal: AbortSignal.timeout(withinMs) }, () => {
      resolve(true);
      return new Promise<never>(() => {});
    });
    given.catch(() => resolve(false));
  });
}

function keptSeats(value: unknown): Readonly<Record<string, KeptSeat>> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, KeptSeat] => isKeptSeat(entry[1])));
}

function isKeptSeat(value: unknown): value is KeptSeat {
  if (typeof value !== 'object' || value === null) return false;
  const seat = value as Record<string, unknown>;
  return typeof seat['connectionId'] === 'string' && typeof seat['cameraOn'] === 'boolean' && typeof seat['seenAt'] === 'number';
}
