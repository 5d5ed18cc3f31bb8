import { Live, type ReadLive } from '../live';

/** What this browser remembers between meetings. Nothing here leaves it. */
export interface Values {
  readonly name: string;
  readonly microphoneOn: boolean;
  readonly cameraOn: boolean;
  /** Device ids; empty means the browser's choice. */
  readonly microphone: string;
  readonly camera: string;
  readonly speaker: string;
  readonly noiseSuppression: boolean;
  readonly blur: boolean;
  readonly mirrorsSelf: boolean;
  readonly hidesSelf: boolean;
  readonly savesData: boolean;
  readonly sounds: boolean;
  readonly theme: 'system' | 'light' | 'dark';
  /** A language tag, or empty for the browser's. */
  readonly language: string;
  readonly layout: 'grid' | 'speaker' | 'side';
  readonly shortcutsOn: boolean;
  /** Keys that differ from the default, by action. */
  readonly shortcuts: Readonly<Record<string, string>>;
}

export const DEFAULTS: Values = {
  name: '',
  microphoneOn: true,
  cameraOn: true,
  microphone: '',
  camera: '',
  speaker: '',
  noiseSuppression: true,
  blur: false,
  mirrorsSelf: true,
  hidesSelf: false,
  savesData: false,
  sounds: true,
  theme: 'system',
  language: '',
  layout: 'grid',
  shortcutsOn: true,
  shortcuts: {},
};

/** The part of Web Storage that is used; a page without any gets a map. */
export type Memory = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

const KEY = 'moot.preferences';

export class Preferences {
  readonly #values: Live<Values>;

  constructor(private readonly memory: Memory) {
    this.#values = new Live({ ...DEFAULTS, ...kept(readObject(memory, KEY)) });
  }

  get values(): ReadLive<Values> {
    return this.#values;
  }

  set(change: Partial<Values>): void {
    this.#values.update((values) => ({ ...values, ...change }));
    writeObject(this.memory, KEY, this.#values.value);
  }
}

/** Keep what has the type of its default: another version of the page may have written anything. */
function kept(found: Readonly<Record<string, unknown>>): Partial<Values> {
  const known = Object.entries(DEFAULTS).filter(([key, value]) => typeof found[key] === typeof value && found[key] !== null);
  return Object.fromEntries(known.map(([key]) => [key, found[key]]));
}

/** Read a JSON object that may be missing, broken or forbidden. */
export function readObject(memory: Memory, key: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(memory.getItem(key) ?? '{}');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Write a JSON object; a full or forbidden storage is no reason to stop a meeting. */
export function writeObject(memory: Memory, key: string, value: object): void {
  try {
    memory.setItem(key, JSON.stringify(value));
  } catch {
    // Remembering is a courtesy.
  }
}

/** Storage that lasts as long as the page, for browsers that forbid the real one. */
export function pageMemory(): Memory {
  const held = new Map<string, string>();
  return {
    getItem: (key) => held.get(key) ?? null,
    setItem: (key, value) => void held.set(key, value),
    removeItem: (key) => void held.delete(key),
  };
}
