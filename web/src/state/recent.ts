import { Live, type ReadLive } from '../live';
import { readObject, writeObject, type Memory } from './preferences';

/** A meeting this browser has been in, or has made. */
export interface Recent {
  readonly id: string;
  readonly title: string;
  /** When this browser last joined it, or made it, milliseconds since 1970. */
  readonly at: number;
  readonly isHost: boolean;
}

const KEY = 'moot.recent';
const KEPT = 5;

export class RecentMeetings {
  readonly #list: Live<readonly Recent[]>;

  constructor(private readonly memory: Memory) {
    const { meetings } = readObject(memory, KEY);
    this.#list = new Live(Array.isArray(meetings) ? meetings.filter(isRecent).slice(0, KEPT) : []);
  }

  get list(): ReadLive<readonly Recent[]> {
    return this.#list;
  }

  remember(meeting: Recent): void {
    this.#keep([meeting, ...this.#list.value.filter((other) => other.id !== meeting.id)].slice(0, KEPT));
  }

  forget(id: string): void {
    this.#keep(this.#list.value.filter((other) => other.id !== id));
  }

  #keep(meetings: readonly Recent[]): void {
    this.#list.set(meetings);
    writeObject(this.memory, KEY, { meetings });
  }
}

function isRecent(value: unknown): value is Recent {
  if (typeof value !== 'object' || value === null) return false;
  const { id, title, at, isHost } = value as Record<string, unknown>;
  return typeof id === 'string' && typeof title === 'string' && typeof at === 'number' && typeof isHost === 'boolean';
}
