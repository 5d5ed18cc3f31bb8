// Takes the pictures that the documents show, of every screen: wide, narrow and dark.

import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ANA, BEN, KIM, LARS } from "../src/people.ts";
import { Person, until } from "../src/person.ts";
import { Server } from "../src/server.ts";
import { type Portrait, writePortrait } from "./portrait.ts";

const SHELF = resolve(import.meta.dirname, "../../../docs/screens");
const SIZES = { wide: [1280, 800], narrow: [390, 844] } as const;
const PORTRAITS: Record<string, Portrait> = {
  Ana: { wall: [196, 178, 158], skin: [226, 180, 150], hair: [74, 46, 34], shirt: [58, 92, 128] },
  Ben: { wall: [150, 170, 160], skin: [142, 98, 72], hair: [30, 26, 26], shirt: [214, 196, 150] },
  Kim: { wall: [176, 178, 198], skin: [236, 198, 166], hair: [40, 36, 44], shirt: [150, 78, 84] },
  Lars: { wall: [190, 186, 176], skin: [240, 206, 184], hair: [206, 170, 106], shirt: [70, 104, 84] },
};

let server: Server;
const people: Person[] = [];

async function arrive(likeness: typeof ANA): Promise<Person> {
  const film = join(mkdtempSync(join(tmpdir(), "moot-portrait-")), "film.y4m");
  const portrait = PORTRAITS[likeness.name];
  if (portrait === undefined) throw new Error(`${likeness.name} has no portrait`);
  writePortrait(film, portrait);
  const person = await Person.arrive("chromium", likeness, server, { args: [`--use-file-for-fake-video-capture=${film}`] });
  people.push(person);
  return person;
}

/** Takes one screen wide, narrow and dark, once nothing moves into place any more. */
async function take(page: Page, name: string): Promise<void> {
  for (const [size, [width, height]] of Object.entries(SIZES)) {
    await page.setViewport({ width, height });
    await sleep(800);
    await page.screenshot({ path: join(SHELF, `${name}-${size}.png`) as `${string}.png` });
  }
  await page.setViewport({ width: SIZES.wide[0], height: SIZES.wide[1] });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  await sleep(800);
  await page.screenshot({ path: join(SHELF, `${name}-dark.png`) as `${string}.png` });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
}

beforeAll(async () => {
  mkdirSync(SHELF, { recursive: true });
  server = await Server.start();
});
afterAll(async () => {
  await Promise.all(people.map((person) => person.close()));
  await server.down();
});

test("every screen is taken", async () => {
  const ana = await arrive(ANA);
  await ana.page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  await ana.open("/");
  await ana.page.waitForSelector('::-p-aria([name="New meeting"][role="button"])');
  await take(ana.page, "home");

  await ana.press("New meeting");
  await ana.fill("Your name", ana.likeness.name);
  await take(ana.page, "before-joining");
  await ana.press("Join now");
  await ana.isIn();
  const meetingId = new URL(ana.page.url()).pathname.slice(1);

  for (const likeness of [BEN, KIM, LARS]) await (await arrive(likeness)).join(meetingId);
  await until("everybody is seen", async () => (await ana.page.$$eval("article[data-participant-id] video", (videos) => videos.filter((video) => (video as HTMLVideoElement).videoWidth > 0).length)) >= 4, 240_000);
  await take(ana.page, "meeting");

  await ana.press("Chat");
  await take(ana.page, "chat");
  await ana.press("People");
  await take(ana.page, "people");
  expect(ana.errors).toEqual([]);
});
