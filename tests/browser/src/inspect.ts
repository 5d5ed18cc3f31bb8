// What a page is asked on every screen: whether everybody can use it, and whether all of it fits.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { CDPSession, Page } from "puppeteer-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeResults {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[] }[];
}

/** What axe finds against WCAG 2.2 AA and its own best practices, one line a finding. */
export async function complaints(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  const { violations } = await page.evaluate(async () => {
    // Colours that are on their way to others are neither.
    for (let i = 0; i < 2; i++) await new Promise((done) => requestAnimationFrame(done));
    await Promise.allSettled(document.getAnimations().filter((animation) => animation instanceof CSSTransition).map(({ finished }) => finished));
    const { axe } = window as unknown as { axe: { run(context: unknown, options: object): Promise<unknown> } };
    return (await axe.run(document, { resultTypes: ["violations"] })) as AxeResults;
  });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${(failureSummary ?? "").split("\n").slice(1, 3).join(" ").trim()}`));
}

/** How many CSS pixels the document is wider than its window, and who sticks out. */
export async function overflow(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const out = scrollWidth > clientWidth ? [`the document is ${scrollWidth} px wide in ${clientWidth}`] : [];
    for (const control of document.querySelectorAll("button, a[href], input, select, textarea")) {
      const box = control.getBoundingClientRect();
      if (box.width === 0 || !control.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      // What is one pixel large is for ears only, or comes with the focus.
      if (box.width <= 1 || box.height <= 1) continue;
      if (box.left < -1 || box.right > clientWidth + 1) out.push(`${control.getAttribute("aria-label") ?? control.textContent} is at ${Math.round(box.left)} to ${Math.round(box.right)} of ${clientWidth}`);
    }
    return out;
  });
}

/** What a session emulates lasts until the same session says otherwise. */
const SESSIONS = new WeakMap<Page, CDPSession>();

/** Emulates these media features and no others; puppeteer has no name for forced colours. */
export async function emulate(page: Page, features: Readonly<Record<string, string>>): Promise<void> {
  const session = SESSIONS.get(page) ?? (await page.createCDPSession());
  SESSIONS.set(page, session);
  await session.send("Emulation.setEmulatedMedia", { features: Object.entries(features).map(([name, value]) => ({ name, value })) });
}

/** Controls that cannot be told from what they stand on: no text, no icon stroke, no edge that differs. */
export async function unseen(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const lost: string[] = [];
    for (const button of document.querySelectorAll<HTMLElement>("button, [role=button]")) {
      if (!button.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      const back = getComputedStyle(button).backgroundColor;
      const icon = button.querySelector("svg");
      const ink = getComputedStyle(icon ?? button).color;
      if (ink === back) lost.push(`${button.getAttribute("aria-label") ?? button.textContent}: ${ink} on ${back}`);
    }
    return lost;
  });
}
