// Takes the pictures that the documents show, of every screen: wide, narrow and dark; and in Arabic, right to left.

import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "puppeteer-core";
import { expect, test } from "vitest";
import { Company } from "../src/company.ts";
import { Server } from "../src/server.ts";
import { type Visit, walk } from "../src/walk.ts";

const SHELF = resolve(import.meta.dirname, "../../../docs/screens");
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };
/** Screens of words alone look in the dark as the others do. */
const DARK = new Set(["home", "before-joining", "meeting", "chat", "people", "settings", "missing"]);
const RIGHT_TO_LEFT = new Set(["home", "before-joining", "meeting", "chat", "people", "settings", "left"]);

/**
 * What browsers complain of on the way through the screens: no server; refusals, each a screen; 410, since who is removed may ask for
 * media before hearing of it; 412, a setting changed twice at once, which is sent again; and LiveKit's ping to a server that is going.
 */
const EXPECTED = /ERR_CONNECTION_REFUSED|status of (403|404|410|412)|WebSocket is already in CLOSING or CLOSED state/;

/** Pictures are taken once what moves has come to rest, but for the mark, which never does. */
async function photograph(page: Page, name: string): Promise<void> {
  await sleep(700);
  await page.screenshot({ path: join(SHELF, `${name}.png`) as `${string}.png` });
}

async function colours(page: Page, value: "light" | "dark"): Promise<void> {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
}

/** A busy machine is a weak connection; that is not what these pictures are about. */
async function waveAway(page: Page): Promise<void> {
  await page.$$eval("main [role=status] button:last-child", (buttons) => buttons.forEach((button) => button.click()));
}

const everywhere: Visit = async ({ page }, screen) => {
  await page.bringToFront();
  await waveAway(page);
  await page.setViewport(NARROW);
  await photograph(page, `${screen}-narrow`);
  await page.setViewport(WIDE);
  if (DARK.has(screen)) {
    await colours(page, "dark");
    await photograph(page, `${screen}-dark`);
    await colours(page, "light");
  }
  await photograph(page, `${screen}-wide`);
};

const mirrored: Visit = async ({ page }, screen) => {
  if (!RIGHT_TO_LEFT.has(screen)) return;
  await page.bringToFront();
  await waveAway(page);
  await page.setViewport(WIDE);
  await photograph(page, `${screen}-rtl`);
};

test.each([
  ["en", everywhere],
  ["ar", mirrored],
] as const)("every screen in %s is taken", async (language, visit) => {
  mkdirSync(SHELF, { recursive: true });
  const server = await Server.start({ port: 3000, environment: { MOOT_MAX_PARTICIPANTS: "25" } });
  const company = await Company.gather(server);
  try {
    await walk(company, { language, cameras: 4, meetingId: "SPRING26" }, visit);
    expect(company.members.flatMap(({ errors }) => errors).filter((error) => !EXPECTED.test(error))).toEqual([]);
  } finally {
    await company.close();
    await server.down();
  }
});
