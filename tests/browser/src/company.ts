// Several people in one Chromium, each in a private window with a drawn face: company at the price of one browser.

import type { Browser, BrowserContext, ElementHandle, Page } from "puppeteer-core";
import { launch } from "./browsers.ts";
import { type Portrait, drawnCamera, drawnScreen } from "./drawn.ts";
import { awaitNamed } from "./find.ts";
import { TEST_USER } from "./people.ts";
import type { Server } from "./server.ts";
import { type Key, type Language, words } from "./words.ts";

/** A machine that does much else takes its time. */
const PATIENCE_MS = 60_000;

export interface Arrival {
  readonly portrait?: Portrait;
  readonly language?: Language;
  /** Whether the microphone gives a sound; one person at most should, or they echo. */
  readonly isHeard?: boolean;
  /** What this browser remembers from before, over the page's defaults. */
  readonly remembers?: Readonly<Record<string, unknown>>;
  readonly size?: readonly [number, number];
}

/** One person with a tab; presses what the page calls by its key, in the page's language. */
export class Member {
  readonly errors: string[] = [];
  readonly hosts = new Set<string>();

  constructor(
    readonly page: Page,
    readonly context: BrowserContext,
    readonly language: Language,
    readonly server: Server,
  ) {
    page.on("console", (message) => {
      if (message.type() === "error") this.errors.push(message.text());
    });
    page.on("pageerror", (error: unknown) => this.errors.push(String(error)));
    page.on("request", (request) => this.hosts.add(new URL(request.url()).host));
  }

  say(key: Key, values?: Readonly<Record<string, string>>): string {
    return words(this.language, key, values);
  }

  async open(path: string): Promise<void> {
    await this.page.goto(`${this.server.origin}${path}`, { waitUntil: "domcontentloaded" });
  }

  async find(name: string, role = "button", withinMs = PATIENCE_MS): Promise<ElementHandle<HTMLElement>> {
    return awaitNamed(this.page, role, name, withinMs);
  }

  async press(key: Key, role = "button", values?: Readonly<Record<string, string>>): Promise<void> {
    const element = await this.find(this.say(key, values), role);
    // A press by script: what floats over the button for a moment does not catch it.
    await element.evaluate((node) => node.click());
  }

  /** A press by mouse, once the element stands still where one can see it. */
  async click(key: Key, role = "button"): Promise<void> {
    const element = await this.find(this.say(key), role);
    await element.asLocator().setTimeout(PATIENCE_MS).click();
  }

  async choose(menu: Key, item: Key, values?: Readonly<Record<string, string>>): Promise<void> {
    const button = await this.find(this.say(menu, values));
    await button.focus();
    await this.page.keyboard.press("Enter");
    await this.click(item, "menuitem");
  }

  async fill(key: Key, text: string): Promise<void> {
    const box = await this.find(this.say(key), "textbox");
    await box.focus();
    await box.evaluate((node) => (node as HTMLInputElement).select());
    await this.page.keyboard.sendCharacter(text);
  }

  async shows(text: string, withinMs = PATIENCE_MS): Promise<void> {
    await this.page.waitForFunction((wanted) => document.body.innerText.includes(wanted), { timeout: withinMs, polling: 100 }, text);
  }

  async goIn(name: string): Promise<void> {
    await this.fill("join.name", name);
    await this.press("join.now");
    await this.isIn();
  }

  async isIn(): Promise<void> {
    await this.find(this.say("meeting.leave"));
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}

export class Company {
  readonly members: Member[] = [];

  private constructor(
    readonly browser: Browser,
    readonly server: Server,
  ) {}

  static async gather(server: Server): Promise<Company> {
    return new Company(await launch("chromium", TEST_USER), server);
  }

  /** Brings a person with a browser profile of their own. */
  async arrive(arrival: Arrival = {}): Promise<Member> {
    return this.#open(await this.browser.createBrowserContext(), arrival);
  }

  /** Opens another tab of somebody's browser. */
  async tab(of: Member, arrival: Arrival = {}): Promise<Member> {
    return this.#open(of.context, { language: of.language, ...arrival });
  }

  async #open(context: BrowserContext, { portrait, language = "en", isHeard = false, remembers = {}, size = [1280, 800] }: Arrival): Promise<Member> {
    const page = await context.newPage();
    await page.setViewport({ width: size[0], height: size[1] });
    await page.evaluateOnNewDocument(drawnCamera, portrait ?? null, isHeard);
    await page.evaluateOnNewDocument(drawnScreen);
    await page.evaluateOnNewDocument(
      (kept) => {
        if (localStorage.getItem("moot.preferences") === null) localStorage.setItem("moot.preferences", kept);
      },
      JSON.stringify({ language, sounds: false, ...remembers }),
    );
    const member = new Member(page, context, language, this.server);
    this.members.push(member);
    return member;
  }

  /** Brings people without a camera into a meeting: one tab holds the event streams of all of them. */
  async crowd(meetingId: string, names: readonly string[]): Promise<Page> {
    const seats: { id: string; token: string; fence: number }[] = [];
    for (const name of names) {
      const answer = await fetch(`${this.server.origin}/api/v1/meetings/${meetingId}/participants/me`, {
        method: "PUT",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ name, connection_id: crypto.randomUUID(), audio: false, video: false }),
      });
      if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
      const { connection } = (await answer.json()) as { connection: { id: string; token: string; fence: number } };
      seats.push(connection);
    }
    const context = await this.browser.createBrowserContext();
    const page = await context.newPage();
    await page.goto(`${this.server.origin}/robots.txt`, { waitUntil: "domcontentloaded" });
    await page.evaluate(
      async (id, held) => {
        await Promise.all(
          held.map(async (seat) => {
            const socket = new WebSocket(`${location.origin.replace("http", "ws")}/api/v1/meetings/${id}/events`);
            await new Promise((done, fail) => {
              socket.onopen = done;
              socket.onerror = fail;
            });
            socket.onmessage = ({ data }) => {
              const message = JSON.parse(String(data)) as { type: string; id?: number };
              if (message.type === "ping") socket.send(JSON.stringify({ type: "pong", id: message.id }));
            };
            socket.send(JSON.stringify({ type: "hello", connection_id: seat.id, token: seat.token, fence: seat.fence }));
          }),
        );
      },
      meetingId,
      seats,
    );
    return page;
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}
