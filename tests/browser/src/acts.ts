// What people do together in scenes that are played on more than one kind of installation.

import { expect } from "vitest";
import type { Kind } from "./browsers.ts";
import { ANA, BEN, TEST_USER } from "./people.ts";
import { type Person, until } from "./person.ts";
import { linesInOrder, nothingWentWrong, type Scene } from "./scene.ts";
import { hears, sees } from "./senses.ts";

export type Stage = Pick<Scene, "arrive">;

export interface Two {
  readonly host: Person;
  readonly guest: Person;
  readonly meetingId: string;
}

/** Test User starts a meeting, and Ana joins; each sees and hears the other. */
export async function meet(stage: Stage, first: Kind, second: Kind): Promise<Two> {
  const [host, guest] = await Promise.all([stage.arrive(first, TEST_USER), stage.arrive(second, ANA)]);
  const meetingId = await host.createMeeting();
  await linesInOrder(host, "Initializing meeting", "Meeting created successfully", "Participant joined successfully", "Meeting initialization complete");
  await guest.join(meetingId);
  await linesInOrder(guest, "Initializing meeting", "Participant joined successfully", "Meeting initialization complete");
  await see(host, guest);
  await hears(guest, host);
  await hears(host, guest);
  return { host, guest, meetingId };
}

/** Waits until both see each other. */
export async function see(host: Person, guest: Person): Promise<void> {
  await Promise.all([sees(guest, host), sees(host, guest)]);
}

/** The four acceptance scenes of docs/spec in one meeting: create, join, the host returns, several. */
export async function actAcceptance(stage: Stage, first: Kind, second: Kind): Promise<void> {
  const { host, guest, meetingId } = await meet(stage, first, second);
  const before = await until("the host's own tile", async () => host.tile(TEST_USER.name));
  host.lines.length = 0;
  await host.page.reload({ waitUntil: "domcontentloaded" });
  await host.isIn();
  await linesInOrder(host, "Participant already exists, updating status", "Meeting initialization complete");
  const after = await until("the host's own tile again", async () => host.tile(TEST_USER.name));
  expect(after.id).toBe(before.id);
  await see(host, guest);
  await hears(guest, host);
  expect(await guest.tiles()).toHaveLength(2);

  const third = await stage.arrive("chromium", BEN, { isPrivate: true });
  await third.join(`${meetingId.slice(0, 3)}-${meetingId.slice(3)}`.toLowerCase());
  const everyone = [host, guest, third];
  for (const person of everyone) await until(`${person.likeness.name} has three tiles`, async () => (await person.tiles()).length === 3);
  await sees(third, host);
  await sees(third, guest);
  await guest.press("Turn off microphone");
  for (const person of everyone) await knowsMute(person, guest, "off");
  await host.press("Leave");
  await until("the choice to end for all", async () => host.has("End for everyone", "menuitem"));
  nothingWentWrong(...everyone);
}

/** Waits until a person's tile of somebody shows their microphone as it is. */
export async function knowsMute(person: Person, of: Person, audio: "on" | "off"): Promise<void> {
  await until(`${person.likeness.name} knows that ${of.likeness.name}'s microphone is ${audio}`, async () => (await person.tile(of.likeness.name))?.audio === audio);
}
