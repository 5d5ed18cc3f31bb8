// What a page is told about its reader.

import type { CDPSession, Page } from "puppeteer-core";

/** What a session emulates lasts until the same session says otherwise. */
const SESSIONS = new WeakMap<Page, CDPSession>();

/** Emulates these media features and no others; puppeteer has no name for forced colours. */
export async function emulate(page: Page, features: Readonly<Record<string, string>>): Promise<void> {
  const session = SESSIONS.get(page) ?? (await page.createCDPSession());
  SESSIONS.set(page, session);
  await session.send("Emulation.setEmulatedMedia", { features: Object.entries(features).map(([name, value]) => ({ name, value })) });
}
