// The four acceptance scenes of docs/spec, in every pairing of real browsers.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Kind } from "../src/browsers.ts";
import { keepTrace } from "../src/trace.ts";
import { Person, until } from "../src/person.ts";
import { ANA, BEN, KIM, LARS, TEST_USER } from "../src/people.ts";
import { hears, sees } from "../src/senses.ts";
import { Server } from "../src/server.ts";

let server: Server;
const people: Person[] = [];

async function arrive(...args: Parameters<typeof Person.arrive>): Promise<Person> {
  const person = await Person.arrive(...args);
  people.push(person);
  return person;
}

beforeAll(async () => {
  server = await Server.start();
});
afterEach(async (context) => {
  await keepTrace(context, people, server);
  await Promise.all(people.splice(0).map((person) => person.close()));
});
afterAll(async () => server.down());

/** No request was answered 409 and nothing was complained about on the console. */
function nothingWentWrong(...everyone: Person[]): void {
  for (const person of everyone) {
    expect(person.statuses.filter(({ status }) => status === 409 || status >= 500)).toEqual([]);
    expect(person.errors).toEqual([]);
    expect([...person.hosts].filter((host) => host !== "" && !host.startsWith("localhost:"))).toEqual([]);
  }
}

/** The lines stand on the console in this order, with anything between them. */
function linesInOrder(person: Person, ...wanted: string[]): void {
  let from = 0;
  for (const line of wanted) {
    const at = person.lines.findIndex((text, i) => i >= from && text.includes(line));
    expect(at, `"${line}" after line ${from} of ${person.likeness.name}: ${JSON.stringify(person.lines)}`).toBeGreaterThanOrEqual(0);
    from = at + 1;
  }
}

const PAIRS: readonly (readonly [Kind, Kind])[] = [
  ["chromium", "chromium"],
  ["chromium", "firefox"],
  ["firefox", "firefox"],
];

describe.each(PAIRS)("MEDIA-1 LOG-1: %s and %s", (first, second) => {
  test("create, join, host returns", async () => {
    const host = await arrive(first, TEST_USER, server);
    const meetingId = await host.createMeeting();
    expect(meetingId).toMatch(/^[A-Z0-9]{3,64}$/);
    linesInOrder(host, "Initializing meeting", "Meeting created successfully", "Participant joined successfully", "Meeting initialization complete");

    const guest = await arrive(second, ANA, server, { isPrivate: second === "chromium" });
    await guest.join(meetingId);
    linesInOrder(guest, "Initializing meeting", "Participant joined successfully", "Meeting initialization complete");
    await sees(guest, host);
    await hears(guest, host);
    await sees(host, guest);
    await hears(host, guest);

    const before = await until("the host's own tile", async () => host.tile(TEST_USER.name));
    host.lines.length = 0;
    await host.page.reload({ waitUntil: "domcontentloaded" });
    await host.isIn();
    await until("the host's line", async () => host.lines.some((line) => line.includes("Participant already exists, updating status")));
    const after = await until("the host's own tile again", async () => host.tile(TEST_USER.name));
    expect(after.id).toBe(before.id);
    await sees(guest, host);
    await hears(guest, host);
    await sees(host, guest);
    expect(await guest.tiles()).toHaveLength(2);

    // Still host: only a host is offered to end the meeting for all.
    await host.press("Leave");
    await until("the choice to end for all", async () => host.has("End for everyone", "menuitem"));
    nothingWentWrong(host, guest);
  });
});

test("MEET-2 EVENT-4: five people in two kinds of browser are in one meeting and see every change", async () => {
  const host = await arrive("chromium", TEST_USER, server);
  const meetingId = await host.createMeeting();
  const spelled = [meetingId.toLowerCase(), `${meetingId.slice(0, 3)}-${meetingId.slice(3)}`, meetingId, meetingId];
  const others = await Promise.all([ANA, BEN, KIM, LARS].map((likeness, i) => arrive(i === 0 ? "firefox" : "chromium", likeness, server)));
  for (const [i, person] of others.entries()) await person.join(spelled[i] ?? meetingId);
  const everyone = [host, ...others];
  for (const person of everyone) {
    await until(`${person.likeness.name} has five tiles`, async () => (await person.tiles()).length === 5);
  }
  for (const person of others) await sees(person, host);
  await others[0]?.press("Turn off microphone");
  for (const person of everyone) {
    await until(`${person.likeness.name} knows that Ana is muted`, async () => (await person.tile(ANA.name))?.audio === "off");
  }
  nothingWentWrong(...everyone);
});
