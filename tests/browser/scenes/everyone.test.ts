// The page is for everyone: a light first load from this host alone, an installable shell, and no motion for who wants none.

import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { Company } from "../src/company.ts";
import { emulate } from "../src/inspect.ts";
import { until } from "../src/person.ts";
import { Server } from "../src/server.ts";
import { ANA } from "../src/walk.ts";

const HOME_SCRIPT_BYTES = 250_000;

let opened: { readonly server: Server; readonly company: Company } | undefined;

async function gather(): Promise<Company> {
  const server = await Server.start();
  const company = await Company.gather(server);
  opened = { server, company };
  return company;
}

afterEach(async () => {
  await opened?.company.close();
  await opened?.server.down();
  opened = undefined;
});

function strangers(company: Company): string[] {
  return company.members.flatMap(({ hosts }) => [...hosts]).filter((host) => host !== "" && host !== `localhost:${company.server.port}`);
}

test("MEDIA-1: home loads no more than 250 KB of script, asks no other host, and opens without a network", async () => {
  const company = await gather();
  const ana = await company.arrive();
  const scripts = new Map<string, number>();
  ana.page.on("response", (response) => {
    if (response.request().resourceType() !== "script" || response.request().frame() === null) return;
    void response.buffer().then((body) => scripts.set(response.url(), gzipSync(body, { level: 9 }).length), () => undefined);
  });
  await ana.page.goto(`${company.server.origin}/`, { waitUntil: "networkidle0" });
  await ana.find("New meeting");
  const total = [...scripts.values()].reduce((sum, size) => sum + size, 0);
  expect(total, JSON.stringify([...scripts])).toBeLessThanOrEqual(HOME_SCRIPT_BYTES);
  expect(total).toBeGreaterThan(30_000);

  const manifest = await ana.page.evaluate(async () => (await (await fetch("/manifest.webmanifest")).json()) as { name: string; start_url: string; display: string; icons: { src: string; sizes: string; purpose?: string }[] });
  expect(manifest).toMatchObject({ name: "moot", start_url: "/", display: "standalone" });
  expect(manifest.icons.some(({ purpose }) => purpose === "maskable")).toBe(true);
  for (const { src, sizes } of manifest.icons.filter((icon) => icon.sizes !== "any")) {
    const size = await ana.page.evaluate(async (url) => {
      const image = await createImageBitmap(await (await fetch(url)).blob());
      return `${image.width}x${image.height}`;
    }, src);
    expect(size, src).toBe(sizes);
  }
  const session = await ana.page.createCDPSession();
  await session.send("Page.enable");
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  expect(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== "in-incognito")).toEqual([]);
  await ana.page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });
  await until("the worker has the page", async () => ana.page.evaluate(() => navigator.serviceWorker.controller !== null));
  await company.server.down();
  await ana.page.reload({ waitUntil: "domcontentloaded" });
  await ana.find("New meeting");
  expect(strangers(company)).toEqual([]);
});

test("EVENT-3: who wants less motion gets none", async () => {
  const company = await gather();
  const ana = await company.arrive({ portrait: ANA });
  await emulate(ana.page, { "prefers-reduced-motion": "reduce" });
  await ana.open("/");
  await ana.press("home.new");
  await ana.goIn("Ana");
  await ana.press("meeting.chat");
  const moving = await ana.page.evaluate(() =>
    document.getAnimations().flatMap((animation) => {
      const timing = animation.effect?.getComputedTiming();
      const lasts = Number(timing?.duration ?? 0) * Number(timing?.iterations ?? 1);
      return lasts > 10 ? [`${String(lasts)} ms`] : [];
    }),
  );
  expect(moving).toEqual([]);
});
