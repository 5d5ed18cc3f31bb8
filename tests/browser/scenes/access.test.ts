// Access: the page is for people who do not see it, hear it, hold a mouse, or read from left to right.

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Company, type Member } from "../src/company.ts";
import { emulate, focus, overflow, unreachable, violations } from "../src/inspect.ts";
import { until } from "../src/person.ts";
import { Server } from "../src/server.ts";
import { ANA, walk } from "../src/walk.ts";

/** Colours and sizes on their way to others are neither. */
const STILL = { "prefers-reduced-motion": "reduce" };
/** WCAG 2.2, 1.4.10: 320 px wide; and 1.4.4: a usual window in which everything is twice as large. */
const CLOSE = [
  ["320 px", { width: 320, height: 640 }],
  ["200 %", { width: 640, height: 400 }],
] as const;

let server: Server | undefined;
let company: Company | undefined;

function here(): Company {
  if (company === undefined) throw new Error("the company is there from the first test on");
  return company;
}

beforeAll(async () => {
  server = await Server.start({ environment: { MOOT_MAX_PARTICIPANTS: "25" } });
  company = await Company.gather(server);
});

afterEach(async () => {
  for (const member of here().members.splice(0)) await member.leave().catch(() => undefined);
});

afterAll(async () => {
  await company?.close();
  await server?.down();
});

/** What is wrong once everything has its new place and colour; a while is for getting there. */
async function settled(ask: () => Promise<string[]>): Promise<string[]> {
  for (const end = performance.now() + 3_000; ; ) {
    const wrong = await ask();
    if (wrong.length === 0 || performance.now() > end) return wrong;
  }
}

test.each(["en", "ar"] as const)("MEDIA-1: no screen of the page in %s breaks WCAG 2.2 AA, in light and dark, at 320 px and twice as large", async (language) => {
  const found: string[] = [];
  const seen: string[] = [];
  await walk(here(), { language, cameras: 0, meetingId: `ACCESS${language.toUpperCase()}` }, async ({ page }, screen) => {
    const usual = page.viewport();
    if (usual === null) throw new Error("a page has a size");
    seen.push(screen);
    for (const scheme of ["light", "dark"]) {
      await emulate(page, { ...STILL, "prefers-color-scheme": scheme });
      found.push(...(await settled(() => violations(page))).map((line) => `${screen}, ${scheme}: ${line}`));
    }
    for (const [how, size] of CLOSE) {
      await page.setViewport(size);
      found.push(...(await settled(async () => [...(await overflow(page)), ...(await unreachable(page))])).map((line) => `${screen}, ${how}: ${line}`));
    }
    await page.setViewport(usual);
    expect(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir])).toEqual([language, language === "ar" ? "rtl" : "ltr"]);
  });
  expect(found).toEqual([]);
  expect(seen.length).toBeGreaterThan(25);
});

/** Presses Tab until the focus is on a control of this name; on the way it is never lost and always seen. */
async function tabTo({ page }: Member, name: string, role?: string): Promise<void> {
  const passed: string[] = [];
  for (let i = 0; i < 60; i++) {
    const at = await focus(page);
    // What comes with the focus needs a picture to come into view.
    if (at.isAnywhere && passed.length > 0) await until(`one sees that "${at.name}" has the focus`, async () => (await focus(page)).isSeen, 2_000);
    if (at.name === name && (role === undefined || at.role === role)) return;
    passed.push(at.name.slice(0, 30));
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab never reaches "${name}"; it went through ${passed.join(" | ")}`);
}

async function focusReturns({ page }: Member, name: string): Promise<void> {
  await until(`the focus is back on "${name}"`, async () => (await focus(page)).name === name, 5_000);
}

test.each([["usual"], ["forced"]] as const)("MEDIA-1: a whole meeting by keyboard alone, in %s colours", async (colours) => {
  const ana = await here().arrive({ portrait: ANA });
  const { page } = ana;
  await emulate(page, colours === "forced" ? { ...STILL, "forced-colors": "active" } : STILL);
  const key = (name: Parameters<typeof page.keyboard.press>[0]): Promise<void> => page.keyboard.press(name);
  await ana.open("/");
  await ana.find("New meeting");
  await tabTo(ana, "New meeting");
  await key("Enter");
  await ana.find("Join now");
  await tabTo(ana, "Your name");
  await page.keyboard.type("Ana");
  await key("Enter");
  await ana.isIn();

  // A link within the page is no way out of the meeting: what follows is done in it.
  await (await ana.find("Skip to call controls", "link")).focus();
  await key("Enter");
  await focusReturns(ana, "Call controls");
  await tabTo(ana, "Turn off microphone");
  await key("Space");
  await ana.find("Turn on microphone");
  await focusReturns(ana, "Turn on microphone");
  await tabTo(ana, "Turn off camera");
  await key("Enter");
  await ana.find("Turn on camera");
  await tabTo(ana, "Raise hand");
  await key("Space");
  await ana.find("Lower hand");
  await tabTo(ana, "Chat", "button");
  await key("Enter");
  await tabTo(ana, "Message everyone");
  await page.keyboard.type("written without a mouse");
  await key("Enter");
  await until("the message is there", async () => (await page.$eval("aside [role=log]", (log) => log.textContent)).includes("written without a mouse"), 20_000);
  await key("Escape");
  await focusReturns(ana, "Chat");
  await tabTo(ana, "People", "button");
  await key("Enter");
  await page.waitForSelector("[data-person]");
  await tabTo(ana, "Lock the meeting", "switch");
  await key("Escape");
  await page.waitForFunction(() => document.querySelector("[data-person]") === null, { timeout: 5_000, polling: 100 });
  await focusReturns(ana, "People");
  await tabTo(ana, "More");
  await key("Enter");
  await page.waitForSelector("[role=menu]");
  await key("Escape");
  await focusReturns(ana, "More");
  await key("f");
  await page.waitForFunction(() => document.fullscreenElement !== null, { timeout: 5_000, polling: 100 });
  await key("Enter");
  await page.waitForSelector("[role=menu]");
  // What lies outside of the element that fills the screen is not seen.
  const isSeen = await page.$eval("[role=menu]", (menu) => {
    const { x, y, width, height } = menu.getBoundingClientRect();
    return menu.contains(document.elementFromPoint(x + width / 2, y + height / 2));
  });
  expect(isSeen).toBe(true);
  await key("Escape");
  await focusReturns(ana, "More");
  await key("f");
  await page.waitForFunction(() => document.fullscreenElement === null, { timeout: 5_000, polling: 100 });
  await key("m");
  await ana.find("Turn off microphone");
  await tabTo(ana, "Leave");
  await key("Enter");
  await page.waitForSelector("[role=menu]");
  await key("Enter");
  await ana.shows("You have left");
  await tabTo(ana, "Join again");
});

/** Notes every text that a screen reader is told by a live region, from now on. */
async function listen({ page }: Member): Promise<(text: string) => Promise<void>> {
  await page.evaluate(() => {
    const told: string[] = [];
    const LIVE = "[aria-live=polite], [aria-live=assertive], [role=status], [role=alert], [role=log]";
    new MutationObserver((changes) => {
      for (const { target, addedNodes } of changes) {
        const place = target instanceof Element ? target : target.parentElement;
        const isTold = place?.closest(LIVE) !== null;
        if (isTold && addedNodes.length === 0) told.push(target.textContent ?? "");
        for (const node of addedNodes) if (isTold || (node instanceof Element && node.matches("[role=alert]"))) told.push(node.textContent ?? "");
      }
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
    Object.assign(window, { mootTold: told });
  });
  return async (text) => {
    const told = (): Promise<string[]> => page.evaluate(() => (window as unknown as { mootTold: string[] }).mootTold);
    await until(`"${text}" is told`, async () => (await told()).some((line) => line.includes(text)), 20_000).catch(async (error: unknown) => {
      throw new Error(`${String(error)}; told was ${JSON.stringify(await told())}`);
    });
  };
}

test("EVENT-1 HOST-4: who comes, knocks, asks, writes, goes and is muted is told to ears as well", async () => {
  const ana = await here().arrive({ portrait: ANA });
  await ana.open("/");
  await ana.press("home.new");
  await ana.goIn("Ana");
  const path = new URL(ana.page.url()).pathname;
  const anaHears = await listen(ana);
  const ben = await here().arrive({ portrait: ANA });
  await ben.open(path);
  await ben.goIn("Ben");
  const benHears = await listen(ben);
  await anaHears("Ben is here");
  await ben.press("meeting.raiseHand");
  await anaHears("Ben has raised a hand");
  await ben.press("meeting.chat");
  await ben.fill("chat.message", "while the chat is closed");
  await ben.page.keyboard.press("Enter");
  await anaHears("Ben: while the chat is closed");
  await ana.press("meeting.chat");
  await ana.shows("while the chat is closed");
  await ben.fill("chat.message", "while the chat is open");
  await ben.page.keyboard.press("Enter");
  await anaHears("while the chat is open");
  await ana.press("meeting.people");
  await ana.choose("people.actions", "people.mute", { name: "Ben" });
  await benHears("A host has turned off your microphone");
  await ana.press("people.lobby", "switch");
  const kim = await here().arrive();
  await kim.open(path);
  await kim.fill("join.name", "Kim");
  await kim.press("join.knock");
  await anaHears("Kim wants to come in");
  await ben.press("meeting.leave");
  await anaHears("Ben has left");
});
