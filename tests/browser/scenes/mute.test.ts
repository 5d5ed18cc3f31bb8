// Mute: what somebody switches is what everybody else sees, each time and in order. `bench.toggle` measures how soon.

import { afterEach, expect, test } from "vitest";
import { Company, type Member } from "../src/company.ts";
import { until } from "../src/person.ts";
import { Server } from "../src/server.ts";
import { ANA } from "../src/walk.ts";

const PRESSES = 10;

let opened: { readonly server: Server; readonly company: Company } | undefined;

afterEach(async () => {
  await opened?.company.close();
  await opened?.server.down();
  opened = undefined;
});

/** Notes every state that a tile's attribute shows from now on, the one it has first. */
async function statesSeen({ page }: Member, name: string, attribute: "data-audio" | "data-video"): Promise<() => Promise<string[]>> {
  await page.evaluate(
    (wanted, watched) => {
      const seen: string[] = [];
      const note = (): void => {
        const tile = document.querySelector(`article[data-participant-id][aria-label="${wanted}"]`);
        const now = tile?.getAttribute(watched) ?? "absent";
        if (seen.at(-1) !== now) seen.push(now);
      };
      note();
      new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: [watched] });
      Object.assign(window, { [`moot-${watched}`]: seen });
    },
    name,
    attribute,
  );
  return () => page.evaluate((watched) => (window as unknown as Record<string, string[]>)[`moot-${watched}`] ?? [], attribute);
}

test("EVENT-2 EVENT-4: each press of microphone and camera is seen by everyone else, in order, and the last one stays", async () => {
  const server = await Server.start();
  const company = await Company.gather(server);
  opened = { server, company };
  const ana = await company.arrive({ portrait: ANA });
  await ana.open("/");
  await ana.press("home.new");
  await ana.goIn("Ana");
  const path = new URL(ana.page.url()).pathname;
  const others: Member[] = [];
  for (const name of ["Ben", "Kim"]) {
    const other = await company.arrive({ remembers: { microphoneOn: false, cameraOn: false }, size: [760, 480] });
    await other.open(path);
    await other.goIn(name);
    others.push(other);
  }
  for (const [attribute, off, on] of [
    ["data-audio", "device.turnOffMicrophone", "device.turnOnMicrophone"],
    ["data-video", "device.turnOffCamera", "device.turnOnCamera"],
  ] as const) {
    await ana.find(ana.say(off));
    for (const other of others) await other.page.waitForSelector(`article[aria-label="Ana"][${attribute}=on]`);
    const seen = await Promise.all(others.map((other) => statesSeen(other, "Ana", attribute)));
    const expected = ["on"];
    for (let i = 0; i < PRESSES; i++) {
      const state = i % 2 === 0 ? "off" : "on";
      expected.push(state);
      await ana.press(i % 2 === 0 ? off : on);
      // A press that comes before the one before it is on its way stands for both: each is seen before the next.
      await Promise.all(seen.map((states) => until(`press ${i + 1} is seen`, async () => (await states()).length === expected.length, 20_000)));
    }
    for (const states of seen) expect(await states()).toEqual(expected);
  }
});
