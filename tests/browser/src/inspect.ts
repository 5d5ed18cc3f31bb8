// What a page is asked about its fit, and told about its reader.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { CDPSession, Page } from "puppeteer-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WCAG_2_2_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"];

interface AxeResults {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[] }[];
}

/** What axe finds against WCAG 2.2 AA, one line a finding. */
export async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  const found = await page.evaluate(
    async (runOnly) => {
      const { axe } = window as unknown as { axe: { run(context: unknown, options: object): Promise<unknown> } };
      return (await axe.run(document, { runOnly, resultTypes: ["violations"] })) as AxeResults;
    },
    { type: "tag", values: WCAG_2_2_AA },
  );
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${(failureSummary ?? "").split("\n").slice(1, 3).join(" ").trim()}`));
}

/** What has the focus: its accessible name, its role, and whether one can see where it is. */
export interface Focus {
  readonly name: string;
  readonly role: string;
  readonly isSeen: boolean;
  readonly isAnywhere: boolean;
}

export async function focus(page: Page): Promise<Focus> {
  return page.evaluate(() => {
    const at = document.activeElement;
    if (!(at instanceof HTMLElement) || at === document.body) return { name: "", role: "", isSeen: false, isAnywhere: false };
    const label = at instanceof HTMLInputElement || at instanceof HTMLTextAreaElement ? at.labels?.[0]?.textContent : null;
    const box = (at.closest("label") ?? at).getBoundingClientRect();
    const isInside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    // The ring may be drawn by what stands for the control: its label, its frame, or what follows it.
    const drawn = [at, at.parentElement, at.closest("label"), at.nextElementSibling, ...(at.closest("label")?.children ?? [])];
    const isRinged = drawn.some((element) => {
      if (!element) return false;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      return outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 1;
    });
    return { name: (at.getAttribute("aria-label") ?? label ?? at.textContent ?? "").replaceAll(/\s+/g, " ").trim(), role: at.getAttribute("role") ?? at.localName, isSeen: isInside && isRinged, isAnywhere: true };
  });
}

/** Whether the document is wider than its window, and which controls stick out. */
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

/** Controls that cannot be pressed where they stand, even once they are scrolled to: something else lies over their middle, or nothing is there. */
export async function unreachable(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const lost: string[] = [];
    for (const control of document.querySelectorAll<HTMLElement>("button, a[href], input, select, textarea, [role=menuitem], [role=switch]")) {
      if (control.closest('[aria-hidden="true"], [inert]') !== null || control.matches(":disabled")) continue;
      // The link that skips to the controls comes with the focus, which the walk by keyboard sees.
      if (control.matches('a[href^="#"]')) continue;
      if (!control.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      // A box that is for ears only stands under what is drawn in its place, which belongs to the same label.
      const drawn = control.closest("label") ?? control;
      let box = drawn.getBoundingClientRect();
      // What is for ears only is cut down to a pixel by what it is in.
      if ([control, control.parentElement].some((element) => (element?.clientWidth ?? 0) <= 1 && getComputedStyle(element ?? control).overflow === "hidden")) continue;
      if (box.width <= 1 || box.height <= 1) continue;
      drawn.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
      box = drawn.getBoundingClientRect();
      const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
      if (hit !== null && (drawn.contains(hit) || hit.contains(drawn))) continue;
      lost.push(`${control.getAttribute("aria-label") ?? control.textContent ?? control.localName} at ${Math.round(box.left)}, ${Math.round(box.top)} is under ${hit === null ? "nothing: it is outside the window" : hit.outerHTML.slice(0, 80)}`);
    }
    return lost;
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
