// One person at one browser: what they do, what they see and hear, and what their browser noticed.

import type { Browser, BrowserContext, ConsoleMessage, HTTPResponse, Page } from "puppeteer-core";
import { setTimeout as sleep } from "node:timers/promises";
import { type Kind, launch, type LaunchOptions, lighten } from "./browsers.ts";
import { awaitNamed, findNamed } from "./find.ts";
import { type CameraSize, type Likeness, USUAL_CAMERA } from "./media.ts";

/** Where the page is opened: one server, or a proxy before several. */
export interface Place {
  readonly origin: string;
}

export interface TileState {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly audio: string;
  readonly video: string;
}

/** What was measured of a tile's picture over a while. */
export interface Picture {
  /** Frames whose pixels differed from the one before. */
  readonly changes: number;
  /** Mean colour of the last frame away from the moving square. */
  readonly rgb: readonly [number, number, number];
  readonly width: number;
}

export class Person {
  readonly kind: Kind;
  readonly likeness: Likeness;
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  readonly statuses: { readonly url: string; readonly method: string; readonly status: number }[] = [];
  readonly hosts = new Set<string>();
  readonly browser: Browser;
  readonly #place: Place;
  readonly #context: BrowserContext;
  readonly #camera: CameraSize;
  page: Page;

  private constructor(kind: Kind, likeness: Likeness, place: Place, browser: Browser, context: BrowserContext, page: Page, camera: CameraSize) {
    this.kind = kind;
    this.likeness = likeness;
    this.#place = place;
    this.browser = browser;
    this.#context = context;
    this.#camera = camera;
    this.page = page;
    this.watch(page);
  }

  /** Starts a browser of their own; `isPrivate` opens the page in a private window of it. */
  static async arrive(kind: Kind, likeness: Likeness, place: Place, options: LaunchOptions & { readonly isPrivate?: boolean } = {}): Promise<Person> {
    const browser = await launch(kind, likeness, options);
    const context = options.isPrivate === true ? await browser.createBrowserContext() : browser.defaultBrowserContext();
    const person = new Person(kind, likeness, place, browser, context, await context.newPage(), options.camera ?? USUAL_CAMERA);
    if (kind === "firefox") await lighten(person.page, person.#camera);
    if (options.sharesTab !== undefined) await context.overridePermissions(place.origin, ["camera", "microphone"]);
    return person;
  }

  /** Keeps console lines, page errors and answered requests of a tab. */
  watch(page: Page): void {
    page.on("console", (message: ConsoleMessage) => {
      this.lines.push(message.text());
      if (message.type() === "error") this.errors.push(message.text());
    });
    page.on("pageerror", (error: unknown) => this.errors.push(String(error)));
    page.on("response", (response: HTTPResponse) => {
      this.statuses.push({ url: response.url(), method: response.request().method(), status: response.status() });
      this.hosts.add(new URL(response.url()).host);
    });
  }

  /** Opens another tab of the same browser and watches it. */
  async secondTab(): Promise<Page> {
    const page = await this.#context.newPage();
    if (this.kind === "firefox") await lighten(page, this.#camera);
    this.watch(page);
    return page;
  }

  async open(path: string, page: Page = this.page): Promise<void> {
    await page.goto(`${this.#place.origin}${path}`, { waitUntil: "domcontentloaded" });
  }

  async press(name: string, role = "button", page: Page = this.page): Promise<void> {
    const element = await awaitNamed(page, role, name);
    await element.evaluate((node) => node.scrollIntoView({ block: "center" }));
    await element.click();
    await element.dispose();
  }

  async has(name: string, role = "button", page: Page = this.page): Promise<boolean> {
    const element = await findNamed(page, role, name);
    await element?.dispose();
    return element !== null;
  }

  async fill(name: string, text: string, page: Page = this.page): Promise<void> {
    const box = await awaitNamed(page, "textbox", name);
    await box.evaluate((node) => (node as HTMLInputElement).select());
    await box.type(text);
    await box.dispose();
  }

  /** Waits until these words are on the page. */
  async reads(words: string, page: Page = this.page): Promise<void> {
    await until(`${this.likeness.name} reads "${words}"`, () => page.evaluate((wanted) => document.body.innerText.includes(wanted), words));
  }

  /** Starts a meeting from the home page and goes in; returns its Meeting ID. */
  async createMeeting(): Promise<string> {
    await this.open("/");
    await this.press("New meeting");
    await this.goIn();
    return new URL(this.page.url()).pathname.slice(1).replaceAll("-", "");
  }

  /** Opens a meeting by its address and goes in. */
  async join(meetingId: string, page: Page = this.page): Promise<void> {
    await this.open(`/${meetingId}`, page);
    await this.goIn(page);
  }

  async goIn(page: Page = this.page): Promise<void> {
    await this.fill("Your name", this.likeness.name, page);
    await this.press("Join now", "button", page);
    await this.isIn(page);
  }

  async isIn(page: Page = this.page): Promise<void> {
    await (await awaitNamed(page, "button", "Leave")).dispose();
  }

  async tiles(page: Page = this.page): Promise<TileState[]> {
    return page.$$eval("article[data-participant-id]", (nodes) =>
      nodes.map((node) => ({
        id: node.getAttribute("data-participant-id") ?? "",
        name: node.getAttribute("aria-label") ?? "",
        status: node.getAttribute("data-status") ?? "",
        audio: node.getAttribute("data-audio") ?? "",
        video: node.getAttribute("data-video") ?? "",
      })),
    );
  }

  async tile(name: string, page: Page = this.page): Promise<TileState | undefined> {
    return (await this.tiles(page)).find((tile) => tile.name.startsWith(name));
  }

  /** Measures the picture in somebody's tile, or in that of their screen, for `forMs`. */
  async picture(name: string, forMs = 1_500, page: Page = this.page): Promise<Picture | undefined> {
    return page.evaluate(
      async (wanted, duration) => {
        const article = [...document.querySelectorAll("article[data-participant-id], article[data-screen-of]")].find((node) => (node.getAttribute("aria-label") ?? "").startsWith(wanted));
        const video = article?.querySelector("video");
        if (!(video instanceof HTMLVideoElement) || video.videoWidth === 0) return undefined;
        const canvas = document.createElement("canvas");
        canvas.width = 64;
        canvas.height = 36;
        const brush = canvas.getContext("2d", { willReadFrequently: true });
        if (brush === null) return undefined;
        let changes = 0;
        let before = "";
        let rgb: [number, number, number] = [0, 0, 0];
        const end = performance.now() + duration;
        while (performance.now() < end) {
          brush.drawImage(video, 0, 0, 64, 36);
          const { data } = brush.getImageData(0, 0, 64, 36);
          let hash = 0;
          const sum: [number, number, number] = [0, 0, 0];
          let count = 0;
          for (let i = 0; i < data.length; i += 4) {
            hash = (hash * 31 + (data[i] ?? 0) + (data[i + 1] ?? 0) * 7 + (data[i + 2] ?? 0) * 13) | 0;
            if (Math.floor(i / 4 / 64) >= 12) {
              sum[0] += data[i] ?? 0;
              sum[1] += data[i + 1] ?? 0;
              sum[2] += data[i + 2] ?? 0;
              count++;
            }
          }
          rgb = [sum[0] / count, sum[1] / count, sum[2] / count];
          const now = String(hash);
          if (before !== "" && now !== before) changes++;
          before = now;
          await new Promise((done) => setTimeout(done, 40));
        }
        return { changes, rgb, width: video.videoWidth };
      },
      name,
      forMs,
    );
  }

  /** Measures the loudness in decibels of one frequency in what the page plays, at its loudest within `forMs`. */
  async loudness(hz: number, forMs = 2_000, page: Page = this.page): Promise<number> {
    return page.evaluate(
      async (wanted, duration) => {
        const playing = [...document.querySelectorAll<HTMLMediaElement>("audio, video")].filter(
          (element) => element.srcObject instanceof MediaStream && !element.muted && !element.paused && element.volume > 0 && element.srcObject.getAudioTracks().length > 0,
        );
        if (playing.length === 0) return Number.NEGATIVE_INFINITY;
        const audio = new AudioContext();
        await audio.resume();
        const ears = audio.createAnalyser();
        ears.fftSize = 8192;
        ears.smoothingTimeConstant = 0;
        for (const element of playing) audio.createMediaStreamSource(element.srcObject as MediaStream).connect(ears);
        const bins = new Float32Array(ears.frequencyBinCount);
        const bin = Math.round((wanted * ears.fftSize) / audio.sampleRate);
        let loudest = Number.NEGATIVE_INFINITY;
        const end = performance.now() + duration;
        while (performance.now() < end) {
          ears.getFloatFrequencyData(bins);
          for (let i = bin - 2; i <= bin + 2; i++) loudest = Math.max(loudest, bins[i] ?? Number.NEGATIVE_INFINITY);
          await new Promise((done) => setTimeout(done, 50));
        }
        await audio.close();
        return loudest;
      },
      hz,
      forMs,
    );
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}

/** Waits until a claim holds, asking every 100 ms; fails with what it last was. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false>, withinMs = 45_000): Promise<T> {
  const end = performance.now() + withinMs;
  let failure: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      failure = answer;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what} (last: ${String(failure)})`);
    await sleep(100);
  }
}
