/** A value that may change, readable at any time and watchable. */
export interface ReadLive<T> {
  readonly value: T;
  /** Call `listener` after each change, until the returned function is called. */
  subscribe(listener: () => void): () => void;
}

/** A live value that its owner sets. Setting an identical value tells nobody. */
export class Live<T> implements ReadLive<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(initial: T) {
    this.#value = initial;
  }

  get value(): T {
    return this.#value;
  }

  set(next: T): void {
    if (Object.is(next, this.#value)) return;
    this.#value = next;
    for (const listener of Array.from(this.#listeners)) listener();
  }

  update(change: (value: T) => T): void {
    this.set(change(this.#value));
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };
}

type Values<S extends readonly ReadLive<unknown>[]> = { [K in keyof S]: S[K] extends ReadLive<infer V> ? V : never };

/** A value computed from others, recomputed only when one of them has changed. */
export function derive<const S extends readonly ReadLive<unknown>[], T>(
  sources: S,
  compute: (...values: Values<S>) => T,
  isSame: (a: T, b: T) => boolean = Object.is,
): ReadLive<T> {
  let inputs: unknown[] | null = null;
  let output: T | undefined;
  const read = (): T => {
    const now = sources.map((source) => source.value);
    if (inputs === null || now.some((value, index) => !Object.is(value, inputs?.[index]))) {
      const next = compute(...(now as Values<S>));
      if (inputs === null || !isSame(output as T, next)) output = next;
      inputs = now;
    }
    return output as T;
  };
  return {
    get value() {
      return read();
    },
    subscribe(listener) {
      let last = read();
      const check = (): void => {
        const next = read();
        if (Object.is(next, last)) return;
        last = next;
        listener();
      };
      const ends = sources.map((source) => source.subscribe(check));
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

/** Run `effect` now and after each change. */
export function watch<T>(source: ReadLive<T>, effect: (value: T) => void): () => void {
  effect(source.value);
  return source.subscribe(() => effect(source.value));
}
