// Past one process without LiveKit: two moot processes with media of their own behind Caddy, as deploy/Caddyfile has it.

import { expect, test } from "vitest";
import { actAcceptance, knowsMute, meet, see } from "../src/acts.ts";
import { setFleet } from "../src/fleet.ts";
import { doesNotHear, hears } from "../src/senses.ts";

/** The aim is 5 s, and what it took is printed; a machine that plays browsers meanwhile is given more. */
const BACK_WITHIN_MS = 15_000;

const scene = setFleet("caddy", "builtin");

test("MEDIA-1 JOIN-1 HOST-1: create, join, host returns, several", async () => {
  await actAcceptance(scene, "firefox", "chromium");
});

test("JOIN-10 EVENT-4: kill -9 of the process that carries the media: everyone is back with picture, mutes kept", async () => {
  const { host, guest, meetingId } = await meet(scene, "chromium", "firefox");
  await guest.press("Turn off microphone");
  await knowsMute(host, guest, "off");
  const carrier = scene.fleet.carrier(meetingId);
  const from = performance.now();
  await carrier.down("SIGKILL");
  // What is decoded already moves no more: a moving picture is a new one.
  await see(host, guest);
  const took = performance.now() - from;
  console.info(`back with picture ${(took / 1000).toFixed(1)} s after the kill`);
  expect(took).toBeLessThan(BACK_WITHIN_MS);
  expect(scene.fleet.carrier(meetingId)).not.toBe(carrier);
  await hears(guest, host);
  await doesNotHear(host, guest);
  await knowsMute(host, guest, "off");
  for (const person of [host, guest]) expect(await person.tiles()).toHaveLength(2);
  await carrier.up();
});
