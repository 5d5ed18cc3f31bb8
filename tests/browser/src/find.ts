// Finding what a person would press, by role and accessible name.
//
// Asked of the document itself: Firefox answers a query of its accessibility tree by walking all of it, on every
// frame while waiting, which on a busy machine takes longer than the meeting needs to come up.

import type { ElementHandle, Page } from "puppeteer-core";
import { setTimeout as sleep } from "node:timers/promises";

const SELECTORS: Readonly<Record<string, string>> = {
  button: "button:not([role]), summary:not([role]), input[type=button], input[type=submit], [role=button]",
  textbox: "input:not([type]), input[type=text], input[type=search], input[type=url], input[type=password], textarea, [role=textbox]",
  link: "a[href]:not([role]), [role=link]",
  switch: "[role=switch]",
  checkbox: "input[type=checkbox]:not([role]), [role=checkbox]",
};

/** The first visible element of this role and exactly this accessible name, or null. */
export async function findNamed(page: Page, role: string, name: string): Promise<ElementHandle<HTMLElement> | null> {
  const handle = await page.evaluateHandle(
    (selector, wanted) => {
      const tidy = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
      const wordsOf = (node: Node): string => {
        if (node instanceof Text) return node.data;
        if (!(node instanceof Element) || node.getAttribute("aria-hidden") === "true") return "";
        const label = node.getAttribute("aria-label");
        if (label !== null) return ` ${label} `;
        if (node instanceof HTMLImageElement) return ` ${node.alt} `;
        return [...node.childNodes].map(wordsOf).join("");
      };
      const nameOf = (element: HTMLElement): string => {
        const ids = element.getAttribute("aria-labelledby")?.split(/\s+/) ?? [];
        const said = tidy(ids.map((id) => document.getElementById(id)).map((node) => (node === null ? "" : wordsOf(node))).join(" "));
        if (said !== "") return said;
        const label = tidy(element.getAttribute("aria-label") ?? "");
        if (label !== "") return label;
        const labels = "labels" in element ? [...((element as HTMLInputElement).labels ?? [])] : [];
        if (labels.length > 0) return tidy(labels.map(wordsOf).join(" "));
        return tidy(wordsOf(element)) || tidy(element.title);
      };
      for (const element of document.querySelectorAll<HTMLElement>(selector)) {
        if (element.closest('[aria-hidden="true"], [inert]') !== null) continue;
        if (!element.checkVisibility({ visibilityProperty: true })) continue;
        if (nameOf(element) === wanted) return element;
      }
      return null;
    },
    SELECTORS[role] ?? `[role=${role}]`,
    name,
  );
  const element = handle.asElement() as ElementHandle<HTMLElement> | null;
  if (element === null) await handle.dispose();
  return element;
}

/** Waits for such an element; the page may load anew meanwhile. */
export async function awaitNamed(page: Page, role: string, name: string, withinMs = 45_000): Promise<ElementHandle<HTMLElement>> {
  const end = performance.now() + withinMs;
  for (;;) {
    // While the page loads there is nothing to ask.
    const element = await findNamed(page, role, name).catch(() => null);
    if (element !== null) return element;
    if (performance.now() > end) throw new Error(`no ${role} "${name}" within ${withinMs} ms`);
    await sleep(50);
  }
}
