// The seat: refresh, second tab, network loss and a killed server leave everybody where they were.

import type { Page } from "puppeteer-core";
import { expect, test } from "vitest";
import { setTimeout as sleep } from "node:timers/promises";
import { cut, heal } from "../src/network.ts";
import { type Person, until } from "../src/person.ts";
import { ANA, TEST_USER } from "../src/people.ts";
import { nothingWentWrong, setScene } from "../src/scene.ts";
import { doesNotHear, hears, sees } from "../src/senses.ts";

/** Counted from when the server answers again. */
const BACK_WITHIN_MS = 5_000;

const scene = setScene();

async function two(): Promise<{ host: Person; guest: Person; meetingId: string }> {
  const [host, guest] = await Promise.all([scene.arrive("chromium", TEST_USER), scene.arrive("firefox", ANA)]);
  const meetingId = await host.createMeeting();
  await guest.join(meetingId);
  await sees(guest, host);
  await sees(host, guest);
  return { host, guest, meetingId };
}

/** Notes every status that a person's tile ever shows to somebody, until `stop` is called. */
async function statusesSeen(viewer: Person, name: string): Promise<() => Promise<string[]>> {
  await viewer.page.evaluate((wanted) => {
    const seen: string[] = [];
    const note = (): void => {
      const tile = [...document.querySelectorAll("article[data-participant-id]")].find((node) => (node.getAttribute("aria-label") ?? "").startsWith(wanted));
      const status = tile?.getAttribute("data-status") ?? "absent";
      if (seen.at(-1) !== status) seen.push(status);
    };
    note();
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-status"] });
    Object.assign(window, { mootStatusesSeen: seen });
  }, name);
  return () => viewer.page.evaluate(() => (window as unknown as { mootStatusesSeen: string[] }).mootStatusesSeen);
}

test("JOIN-4 JOIN-5 HOST-1: the host refreshes 20 times and nobody sees a leave", async () => {
  const { host, guest } = await two();
  const before = await until("the host's tile", () => host.tile(TEST_USER.name));
  const seen = await statusesSeen(guest, TEST_USER.name);
  for (let i = 0; i < 20; i++) {
    await host.page.reload({ waitUntil: "domcontentloaded" });
    await host.isIn();
  }
  const after = await until("the host's tile", () => host.tile(TEST_USER.name));
  expect(after.id).toBe(before.id);
  expect(await seen()).not.toContain("absent");
  expect(await seen()).not.toContain("disconnected");
  expect(await guest.tiles()).toHaveLength(2);
  await sees(guest, host);
  await host.press("Leave");
  await until("the choice to end for all", async () => host.has("End for everyone", "menuitem"));
  nothingWentWrong(host, guest);
});

test("JOIN-6: a second tab is the same participant with one live microphone", async () => {
  const { host, guest, meetingId } = await two();
  const tab = await host.secondTab();
  await host.open(`/${meetingId}`, tab);
  await until("the page says so", async () => tab.evaluate(() => document.body.innerText.includes("here already") || document.body.innerText.includes("already in this meeting")));
  await host.press("Join now", "button", tab).catch(() => undefined);
  await host.isIn(tab);
  await until("two tiles everywhere", async () => (await guest.tiles()).length === 2 && (await host.tiles(tab)).length === 2);
  expect((await host.tile(TEST_USER.name, tab))?.id).toBe((await host.tile(TEST_USER.name))?.id);
  await hears(guest, host);
  await tab.close();
  await hears(guest, host);
  expect(await guest.tiles()).toHaveLength(2);
});

/** Notes how many tiles of one name somebody ever sees at once, and of which participants, until it is asked. */
async function tilesSeen(viewer: Person, name: string): Promise<() => Promise<{ readonly most: number; readonly ids: readonly string[] }>> {
  await viewer.page.evaluate((wanted) => {
    const seen = { most: 0, ids: new Set<string>() };
    const note = (): void => {
      const tiles = [...document.querySelectorAll("article[data-participant-id]")].filter((node) => (node.getAttribute("aria-label") ?? "").startsWith(wanted));
      seen.most = Math.max(seen.most, tiles.length);
      for (const tile of tiles) seen.ids.add(tile.getAttribute("data-participant-id") ?? "");
    };
    note();
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-participant-id", "aria-label"] });
    Object.assign(window, { mootTilesSeen: seen });
  }, name);
  return () => viewer.page.evaluate(() => {
    const { most, ids } = (window as unknown as { mootTilesSeen: { most: number; ids: Set<string> } }).mootTilesSeen;
    return { most, ids: [...ids] };
  });
}

test("JOIN-6: two tabs fight over one seat, and there is one participant, one tile and one live microphone", async () => {
  const [host, guest] = await Promise.all([scene.arrive("chromium", TEST_USER), scene.arrive("chromium", ANA)]);
  const meetingId = await host.createMeeting();
  await guest.join(meetingId);
  await hears(guest, host);
  const seen = await tilesSeen(guest, TEST_USER.name);
  const first = host.page;
  const second = await host.secondTab();
  await host.open(`/${meetingId}`, second);
  await host.reads("You are here already", second);
  await host.press("Join now", "button", second);
  await host.isIn(second);
  /** One sees one tab at a time, and presses in that one. */
  const press = async (name: string, tab: Page): Promise<void> => {
    await tab.bringToFront();
    await host.press(name, "button", tab);
  };
  const liveIn = async (tab: Page): Promise<boolean> => host.has("Turn off microphone", "button", tab);
  const isOnlyIn = (on: Page, off: Page): Promise<boolean> => until("one microphone is live, in the tab that took it", async () => (await liveIn(on)) && !(await liveIn(off)));
  await isOnlyIn(first, second);

  // Each takes the microphone from the other, at once after it was taken.
  for (const [taker, other] of [[second, first], [first, second], [second, first]] as const) {
    await press("Turn on microphone", taker);
    await isOnlyIn(taker, other);
  }
  await press("Turn on microphone", first);
  await press("Turn on camera", second);
  await isOnlyIn(first, second);
  await press("Turn off camera", second);

  // There and back: whoever is moved away from says so, and offers to bring it back.
  await press("Move here", second);
  await host.reads("You are in this meeting elsewhere", first);
  for (const [taker, other] of [[first, second], [second, first], [first, second]] as const) {
    await press("Bring it back here", taker);
    await host.isIn(taker);
    await host.reads("You are in this meeting elsewhere", other);
  }
  await until("the microphone has come along", () => liveIn(first));
  await hears(guest, host);
  expect(await host.has("Bring it back here", "button", second)).toBe(true);
  expect(await guest.tiles()).toHaveLength(2);
  expect(await host.tiles(first)).toHaveLength(2);
  expect(await seen()).toEqual({ most: 1, ids: [(await host.tile(TEST_USER.name, first))?.id] });
  nothingWentWrong(host, guest);
});

test("JOIN-4: a network cut of 15 s heals by itself", async () => {
  const { host, guest } = await two();
  const seen = await statusesSeen(guest, TEST_USER.name);
  cut(scene.server);
  await sleep(15_000);
  heal();
  await until("both are back", async () => (await guest.tile(TEST_USER.name))?.status === "connected" && (await host.tile(ANA.name))?.status === "connected", 20_000);
  await sees(guest, host);
  await sees(host, guest);
  await hears(guest, host);
  expect(await seen()).not.toContain("absent");
  expect(await host.has("Turn off microphone")).toBe(true);
});

test("JOIN-10: kill -9 of the server leaves both in the meeting, with picture and chat", async () => {
  const { host, guest } = await two();
  await host.press("Chat");
  await host.fill("Message everyone", "written before the crash");
  await host.page.keyboard.press("Enter");
  await guest.press("Chat");
  await until("the message arrives", () => guest.page.evaluate(() => document.body.innerText.includes("written before the crash")));
  await guest.press("Turn off microphone");
  await until("the host knows", async () => (await host.tile(ANA.name))?.audio === "off");
  await scene.server.down("SIGKILL");
  await scene.server.up();
  const from = performance.now();
  // What is decoded already moves no more: a picture that moves for a moment is a new one.
  await Promise.all([sees(guest, host, guest.page, 400), sees(host, guest, host.page, 400)]);
  const took = performance.now() - from;
  console.info(`back with picture ${(took / 1000).toFixed(1)} s after the server was`);
  expect(took).toBeLessThan(BACK_WITHIN_MS);
  expect(await guest.page.evaluate(() => document.body.innerText.includes("written before the crash"))).toBe(true);
  expect((await host.tile(ANA.name))?.audio).toBe("off");
  await doesNotHear(host, guest);
});
