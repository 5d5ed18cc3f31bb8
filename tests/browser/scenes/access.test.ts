// Access: the page is for people who do not see it, hear it, hold a mouse, or read from left to right.

import { afterAll, afterEach, beforeAll, test } from "vitest";
import { Company, type Member } from "../src/company.ts";
import { until } from "../src/person.ts";
import { Server } from "../src/server.ts";
import { ANA } from "../src/walk.ts";

let server: Server | undefined;
let company: Company | undefined;

function here(): Company {
  if (company === undefined) throw new Error("the company is there from the first test on");
  return company;
}

beforeAll(async () => {
  server = await Server.start();
  company = await Company.gather(server);
});

afterEach(async () => {
  for (const member of here().members.splice(0)) await member.leave().catch(() => undefined);
});

afterAll(async () => {
  await company?.close();
  await server?.down();
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
