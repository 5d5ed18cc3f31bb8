// Real browsers with fake devices: the distribution's Chromium and Firefox, each with a fresh profile.

import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { type CameraSize, type Likeness, USUAL_CAMERA, writeLikeness } from "./media.ts";

export type Kind = "chromium" | "firefox";

const PATHS: Record<Kind, readonly string[]> = {
  chromium: ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"],
  firefox: ["/usr/bin/firefox-esr", "/usr/bin/firefox"],
};

function executable(kind: Kind): string {
  const path = PATHS[kind].find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error(`${kind} is not installed; "make test" installs it, or: apt-get install ${kind}`);
  return path;
}

export interface LaunchOptions {
  readonly size?: readonly [number, number];
  readonly args?: readonly string[];
  readonly camera?: CameraSize;
  /** Chromium alone: share the tab of this title, its sound too, where a person would choose. Devices must then be allowed. */
  readonly sharesTab?: string;
}

/**
 * Starts a browser whose camera shows `likeness.rgb` and whose microphone beeps at `likeness.toneHz`.
 * Firefox's fake camera has a picture of its own (a slowly turning colour); its tone is as asked.
 */
export async function launch(kind: Kind, likeness: Likeness, options: LaunchOptions = {}): Promise<Browser> {
  const [width, height] = options.size ?? [1280, 800];
  if (kind === "chromium") {
    const { video, audio } = writeLikeness(mkdtempSync(join(tmpdir(), "moot-likeness-")), likeness, options.camera ?? USUAL_CAMERA);
    return puppeteer.launch({
      browser: "chrome",
      executablePath: executable(kind),
      headless: true,
      acceptInsecureCerts: true,
      defaultViewport: { width, height },
      ...(options.sharesTab === undefined ? {} : { ignoreDefaultArgs: ["--mute-audio"] }),
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--use-fake-device-for-media-stream",
        `--use-file-for-fake-video-capture=${video}`,
        `--use-file-for-fake-audio-capture=${audio}`,
        // The fake choice would give a picture of its own instead of the tab.
        ...(options.sharesTab === undefined
          ? ["--use-fake-ui-for-media-stream", "--auto-select-desktop-capture-source=Entire screen"]
          : [`--auto-select-tab-capture-source-by-title=${options.sharesTab}`, "--autoplay-policy=no-user-gesture-required"]),
        ...(options.args ?? []),
      ],
    });
  }
  return puppeteer.launch({
    browser: "firefox",
    executablePath: executable(kind),
    headless: true,
    acceptInsecureCerts: true,
    defaultViewport: { width, height },
    extraPrefsFirefox: {
      "media.navigator.streams.fake": true,
      "media.navigator.permission.disabled": true,
      "media.navigator.audio.fake_frequency": likeness.toneHz,
      "app.update.enabled": false,
      "datareporting.policy.dataSubmissionEnabled": false,
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
    },
    args: [...(options.args ?? [])],
  });
}

/** Makes Firefox's fake camera as small as Chromium's: it gives what it is asked for, and 720p at 30 is too much for two cores. */
export async function lighten(page: Page, camera: CameraSize): Promise<void> {
  await page.evaluateOnNewDocument(({ width, height, frames }) => {
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    if (devices === undefined) return;
    const open = devices.getUserMedia.bind(devices);
    devices.getUserMedia = (asked) => {
      const video = asked?.video;
      return open(video === undefined || video === false ? asked : { ...asked, video: { ...(video === true ? {} : video), width, height, frameRate: frames } });
    };
  }, camera);
}
