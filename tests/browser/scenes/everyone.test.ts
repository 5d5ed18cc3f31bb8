// The page is for everyone: harmless whatever people call themselves, a light first load from this host alone, an installable shell, and no motion for who wants none.

import { gzipSync } from "node:zlib";
import type { Page } from "puppeteer-core";
import { afterEach, expect, test } from "vitest";
import { Company } from "../src/company.ts";
import { emulate, overflow } from "../src/inspect.ts";
import { until } from "../src/person.ts";
import { Server } from "../src/server.ts";
import { ANA } from "../src/walk.ts";

const HOME_SCRIPT_BYTES = 250_000;
const LITTLE = { width: 320, height: 640 };
const USUAL = { width: 1280, height: 800 };

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

/** What sticks out once everything is in its new place; two seconds are for moving there. */
async function settledOverflow(page: Page): Promise<string[]> {
  for (const end = performance.now() + 2_000; ; ) {
    const out = await overflow(page);
    if (out.length === 0 || performance.now() > end) return out;
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
  }
}

/** What the browser complained about, but for the refusals that the scene is about. */
function wrong(company: Company): string[] {
  return company.members.flatMap(({ errors }) => errors).filter((error) => !/ERR_CONNECTION_REFUSED|status of (403|404|422)/.test(error));
}

function strangers(company: Company): string[] {
  return company.members.flatMap(({ hosts }) => [...hosts]).filter((host) => host !== "" && host !== `localhost:${company.server.port}`);
}

/** What somebody calls themselves or writes who means no good. */
const ATTACKS = [
  "<script>window.mootHarm=1</script>",
  "<img src=x onerror=window.mootHarm=1>",
  '"><svg onload=window.mootHarm=1>',
  "'-window.mootHarm=1-'",
  "{{constructor.constructor('window.mootHarm=1')()}}",
  "$t(home.new) {{name}}",
  "javascript:window.mootHarm=1",
  "https://bank.example@evil.example/",
  "data:text/html,<script>window.mootHarm=1</script>",
  "</title><script>window.mootHarm=1</script>",
  "Ana\u202etxt.exe",
  "\u2066\u202eevil\u2069",
  "Z\u0351\u0343\u0344a\u034a\u0308\u0301l\u0334\u0321\u0322g\u0337\u0335\u0336o\u0353\u0354\u0355".repeat(4),
  "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}".repeat(7),
  "W".repeat(80),
  "\u{fdfd}".repeat(20),
  "__proto__",
  "constructor",
  "%s%n%x ../../etc/passwd",
];

test("PERSON-3 ERR-1: hostile names and messages are words in every view, under Trusted Types", async () => {
  const company = await gather();
  const ana = await company.arrive({ portrait: ANA, size: [900, 700] });
  await ana.page.evaluateOnNewDocument(() => {
    const broken: string[] = [];
    document.addEventListener("securitypolicyviolation", (event) => broken.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
    Object.assign(window, { mootBroken: broken });
  });
  const answer = await ana.page.goto(`${company.server.origin}/`);
  expect(answer?.headers()["content-security-policy"]).toContain("require-trusted-types-for 'script'");
  await ana.find("New meeting");
  await ana.fill("home.meetingId", "HARMLESS");
  await ana.press("home.new");
  await ana.goIn("Ana");

  // A Meeting ID of any shape is words too.
  for (const attack of ATTACKS) {
    const got = await fetch(`${company.server.origin}/api/v1/meetings/${encodeURIComponent(attack)}`);
    expect(got.status, attack).toBeGreaterThanOrEqual(400);
    expect(got.status, attack).toBeLessThan(500);
  }
  const accepted: string[] = [];
  for (const name of ATTACKS) {
    const page = await company.crowd("HARMLESS", [name]).catch((error: unknown) => String(error));
    if (typeof page === "string") expect(page, name).toContain(": 422 ");
    else accepted.push(name);
  }
  // Overrides of direction are refused; markup is a person's own words.
  expect(accepted).toContain(ATTACKS[0]);
  expect(accepted).not.toContain("Ana\u202etxt.exe");
  const ben = await company.arrive({ remembers: { cameraOn: false, microphoneOn: false } });
  await ben.open("/HARMLESS");
  await ben.goIn("Ben");
  await ben.press("meeting.chat");
  for (const text of ATTACKS) {
    await ben.fill("chat.message", text);
    await ben.page.keyboard.press("Enter");
  }

  const look = async (view: string): Promise<void> => {
    const harm = await ana.page.evaluate(() => {
      const page = window as unknown as { mootHarm?: number; mootBroken: string[] };
      const bad = [...document.querySelectorAll("script:not([src]), img, iframe, object, embed, [onerror], [onload], a[href^='javascript:' i], a[href^='data:' i], a[href*='@']")].map((node) => node.outerHTML.slice(0, 120));
      return { harm: page.mootHarm ?? 0, bad, broken: page.mootBroken };
    });
    expect(harm, view).toEqual({ harm: 0, bad: [], broken: [] });
    expect(await settledOverflow(ana.page), view).toEqual([]);
  };
  await until("the names are on the stage or its next page", async () => ana.page.evaluate(() => document.body.innerText.includes("<script>")));
  await look("stage");
  await ana.press("meeting.chat");
  await ana.shows("%s%n%x");
  for (const text of ["<script>window.mootHarm=1</script>", "javascript:window.mootHarm=1", "$t(home.new) {{name}}"]) await ana.shows(text);
  await look("chat");
  await ana.press("meeting.people");
  for (const name of ["<script>window.mootHarm=1</script>", "W".repeat(80), "$t(home.new) {{name}}"]) await ana.shows(name);
  await look("people");
  await ana.page.setViewport(LITTLE);
  await look("people at 320 px");
  await ana.press("meeting.chat");
  await look("chat at 320 px");
  await ana.page.setViewport(USUAL);
  const late = await company.arrive();
  await late.open("/HARMLESS");
  await late.find("Join now");
  expect(await settledOverflow(late.page)).toEqual([]);

  // Trusted Types are in force and not only in the header.
  expect(
    await ana.page.evaluate(() => {
      try {
        document.createElement("div").innerHTML = "<b>words</b>";
        return "taken";
      } catch (error) {
        return error instanceof TypeError ? "refused" : String(error);
      }
    }),
  ).toBe("refused");
  expect(wrong(company).filter((error) => !error.includes("TrustedHTML"))).toEqual([]);
  expect(strangers(company)).toEqual([]);
});

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
