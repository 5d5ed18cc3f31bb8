// One file's scenes: a server for all of them, people who come and are sent home after each.

import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { heal } from "./network.ts";
import { Person, type Place, until } from "./person.ts";
import { Server, type ServerOptions } from "./server.ts";
import { keepTrace } from "./trace.ts";

export interface Scene {
  readonly server: Server;
  /** Starts a browser for a person; it is closed when the scene ends, and traced when the scene failed. */
  arrive(...args: ArriveWith): Promise<Person>;
}

type ArriveWith = Parameters<typeof Person.arrive> extends [infer K, infer L, Place, (infer O)?] ? [kind: K, likeness: L, options?: O] : never;

/** Sets the stage for the tests of the calling file. The server is up from the first test on. */
export function setScene(options: ServerOptions = {}): Scene {
  let server: Server | undefined;
  const people: Person[] = [];
  const ready = (): Server => {
    if (server === undefined) throw new Error("the server is up from the first test on");
    return server;
  };
  beforeAll(async () => {
    server = await Server.start(options);
  });
  afterEach(async (context) => {
    heal();
    await keepTrace(context, people, ready());
    await Promise.all(people.splice(0).map((person) => person.close()));
  });
  afterAll(async () => server?.down());
  return {
    get server() {
      return ready();
    },
    async arrive(kind, likeness, with_) {
      const person = await Person.arrive(kind, likeness, ready(), with_);
      people.push(person);
      return person;
    },
  };
}

/** No request was answered 409 or failed in the server, nothing was complained about, and no third host was asked. */
export function nothingWentWrong(...everyone: Person[]): void {
  for (const person of everyone) {
    expect(person.statuses.filter(({ status }) => status === 409 || status >= 500)).toEqual([]);
    // Who is moved or put out may ask for media before hearing of it; the browser itself writes that line.
    expect(person.errors.filter((error) => !error.includes("status of 410"))).toEqual([]);
    expect([...person.hosts].filter((host) => host !== "" && host !== "localhost" && !host.startsWith("localhost:"))).toEqual([]);
  }
}

/** Waits until the lines stand on the console in this order, with anything between them. */
export async function linesInOrder(person: Person, ...wanted: string[]): Promise<void> {
  await until(`the lines of ${person.likeness.name}: ${wanted.join(", ")}`, async () => {
    let from = 0;
    for (const line of wanted) {
      const at = person.lines.findIndex((text, i) => i >= from && text.includes(line));
      if (at < 0) throw new Error(`"${line}" is not after line ${from} of ${JSON.stringify(person.lines)}`);
      from = at + 1;
    }
    return true;
  });
}
