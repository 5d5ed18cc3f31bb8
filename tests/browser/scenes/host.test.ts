// What a host does, and what it looks like to the others: never a dead end.

import { expect, test } from "vitest";
import { type Person, until } from "../src/person.ts";
import { ANA, BEN, TEST_USER } from "../src/people.ts";
import { nothingWentWrong, setScene } from "../src/scene.ts";
import { sees } from "../src/senses.ts";

const scene = setScene();
const SMALL = { size: [800, 640] as const };

async function meet(): Promise<{ host: Person; ana: Person; ben: Person; meetingId: string }> {
  const [host, ana, ben] = await Promise.all([TEST_USER, ANA, BEN].map((likeness) => scene.arrive("chromium", likeness, SMALL)));
  if (host === undefined || ana === undefined || ben === undefined) throw new Error("three people were asked");
  const meetingId = await host.createMeeting();
  await host.press("People");
  return { host, ana, ben, meetingId };
}

/** Opens the meeting's address and presses what stands where others find "Join now". */
async function ask(person: Person, meetingId: string, button: string): Promise<void> {
  await person.open(`/${meetingId}`);
  await person.fill("Your name", person.likeness.name);
  await person.press(button);
}

test("HOST-4 JOIN-9: people knock, a host lets one in and turns another away", async () => {
  const { host, ana, ben, meetingId } = await meet();
  await host.press("Use a lobby", "switch");
  await until("the lobby is on", () => host.has("Use a lobby", "switch"));
  await ask(ana, meetingId, "Knock to join");
  await ana.reads("You have knocked");
  await host.reads("Ana wants to come in");
  expect(await host.tiles()).toHaveLength(1);
  await host.press("Let Ana in");
  await ana.isIn();
  await sees(ana, host);
  await sees(host, ana);

  await ask(ben, meetingId, "Knock to join");
  await host.press("Turn Ben away");
  await ben.reads("You were not let in");
  await ben.press("Try again");
  await until("he may knock again", () => ben.has("Knock to join"));

  // Who is in comes back without knocking.
  await ana.page.reload({ waitUntil: "domcontentloaded" });
  await ana.isIn();
  expect(await host.tiles()).toHaveLength(2);
  nothingWentWrong(host, ana);
});

test("HOST-4 JOIN-8 JOIN-9: a host locks the meeting, removes somebody and lets them back in", async () => {
  const { host, ana, ben, meetingId } = await meet();
  await ana.join(meetingId);
  await sees(host, ana);
  await host.press("Lock the meeting", "switch");
  await ask(ben, meetingId, "Join now");
  await ben.reads("The meeting is locked");
  expect(await ben.has("Try again")).toBe(true);
  await ana.page.reload({ waitUntil: "domcontentloaded" });
  await ana.isIn();

  await host.press("Actions for Ana");
  await host.press("Remove from meeting", "menuitem");
  await ana.reads("A host has removed you");
  await until("her tile is gone", async () => (await host.tiles()).length === 1);
  await ana.press("Try again");
  await ana.press("Join now");
  await ana.reads("A host has removed you");
  await host.press("Let Ana back in");
  await ana.press("Try again");
  await ana.press("Join now");
  await ana.isIn();
  await sees(host, ana);
  await sees(ana, host);

  await host.press("Lock the meeting", "switch");
  await ben.press("Try again");
  await ben.press("Join now");
  await ben.isIn();
  await sees(ben, host);
});

test("MEET-7 HOST-4: a host ends the meeting for all, and it can be started again", async () => {
  const { host, ana, ben, meetingId } = await meet();
  await ana.join(meetingId);
  await ben.join(meetingId);
  await until("three tiles", async () => (await host.tiles()).length === 3);
  await host.press("Leave");
  await host.press("End for everyone", "menuitem");
  await host.press("End for everyone");
  for (const person of [host, ana, ben]) await person.reads("The meeting has ended");
  await host.press("Join again");
  await host.press("Join now");
  await host.isIn();
  await ana.press("Join again");
  await ana.press("Join now");
  await ana.isIn();
  await sees(ana, host);
  await sees(host, ana);
  await host.press("Leave");
  await until("still its host", () => host.has("End for everyone", "menuitem"));
  nothingWentWrong(host, ana, ben);
});

test("MEET-7: who is away when the meeting is ended is told when back, and starts no other", async () => {
  const { host, ana, ben, meetingId } = await meet();
  await ana.join(meetingId);
  await ben.join(meetingId);
  await sees(host, ana);
  const address = ben.page.url();
  await ben.page.goto("about:blank");
  await scene.server.down("SIGKILL");
  scene.server.endMeeting(meetingId);
  await scene.server.up();
  // Ben's tab is loaded anew, the others come back by themselves.
  await ben.page.goto(address);
  for (const person of [host, ana, ben]) await person.reads("The meeting has ended");
  await host.press("Join again");
  await host.press("Join now");
  await until("the host is in, alone", async () => (await host.tiles()).length === 1);
});

test("EVENT-4 HOST-4: a muted microphone and a camera that is off are seen by all, and unmuting is one's own act", async () => {
  const { host, ana, ben, meetingId } = await meet();
  await ana.join(meetingId);
  await ben.join(meetingId);
  const everyone = [host, ana, ben];
  const all = (what: string, holds: (audio: string, video: string) => boolean): Promise<unknown> =>
    Promise.all(everyone.map((person) => until(`${person.likeness.name} knows that ${what}`, async () => {
      const tile = await person.tile(ANA.name);
      return tile !== undefined && holds(tile.audio, tile.video);
    })));
  await all("Ana is on", (audio, video) => audio === "on" && video === "on");
  await ana.press("Turn off camera");
  await all("Ana's camera is off", (_, video) => video === "off");
  await until("no picture is left", async () => (await host.picture(ANA.name, 100)) === undefined);
  await ana.press("Turn on camera");
  await all("Ana's camera is on", (_, video) => video === "on");
  await sees(ben, ana);
  await host.press("Actions for Ana");
  await host.press("Turn off microphone", "menuitem");
  await all("Ana is muted", (audio) => audio === "off");
  await ana.reads("A host has turned off your microphone");
  await ana.press("Turn on microphone");
  await all("Ana is unmuted", (audio) => audio === "on");
  nothingWentWrong(...everyone);
});
