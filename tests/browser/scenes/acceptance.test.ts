// The four acceptance scenes of docs/spec, in every pairing of real browsers.

import { describe, expect, test } from "vitest";
import type { Kind } from "../src/browsers.ts";
import { SMALL_CAMERA } from "../src/media.ts";
import { until } from "../src/person.ts";
import { ANA, BEN, KIM, LARS, TEST_USER } from "../src/people.ts";
import { linesInOrder, nothingWentWrong, setScene } from "../src/scene.ts";
import { hears, sees } from "../src/senses.ts";

const scene = setScene();

const PAIRS: readonly (readonly [Kind, Kind])[] = [
  ["chromium", "chromium"],
  ["chromium", "firefox"],
  ["firefox", "firefox"],
];

describe.each(PAIRS)("MEDIA-1 LOG-1: %s and %s", (first, second) => {
  test("create, join, host returns", async () => {
    const host = await scene.arrive(first, TEST_USER);
    const meetingId = await host.createMeeting();
    expect(meetingId).toMatch(/^[A-Z0-9]{3,64}$/);
    await linesInOrder(host, "Initializing meeting", "Meeting created successfully", "Participant joined successfully", "Meeting initialization complete");

    const guest = await scene.arrive(second, ANA, { isPrivate: second === "chromium" });
    await guest.join(meetingId);
    await linesInOrder(guest, "Initializing meeting", "Participant joined successfully", "Meeting initialization complete");
    await sees(guest, host);
    await hears(guest, host);
    await sees(host, guest);
    await hears(host, guest);

    const before = await until("the host's own tile", async () => host.tile(TEST_USER.name));
    host.lines.length = 0;
    await host.page.reload({ waitUntil: "domcontentloaded" });
    await host.isIn();
    await linesInOrder(host, "Participant already exists, updating status", "Meeting initialization complete");
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
  // Small windows and cameras: without a GPU five browsers draw, send and take five moving pictures on the same cores.
  const small = { size: [800, 600], camera: SMALL_CAMERA } as const;
  const host = await scene.arrive("chromium", TEST_USER, small);
  const meetingId = await host.createMeeting();
  const spelled = [meetingId.toLowerCase(), `${meetingId.slice(0, 3)}-${meetingId.slice(3)}`, meetingId, meetingId];
  const others = await Promise.all([ANA, BEN, KIM, LARS].map((likeness, i) => scene.arrive(i === 0 ? "firefox" : "chromium", likeness, small)));
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
  // What moves for ever is drawn for ever, and takes the time that the pictures need.
  const endless = (): number => document.getAnimations().filter((motion) => motion.effect?.getComputedTiming().iterations === Infinity).length;
  for (const person of everyone) expect(await person.page.evaluate(endless)).toBe(0);
  nothingWentWrong(...everyone);
});
