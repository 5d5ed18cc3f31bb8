// Past one machine: two moot processes, PostgreSQL, Redis and LiveKit behind nginx with TLS, as deploy/nginx.conf has it.

import { expect, test } from "vitest";
import { actAcceptance, knowsMute, meet, see } from "../src/acts.ts";
import { setFleet } from "../src/fleet.ts";
import { until } from "../src/person.ts";
import { doesNotHear, hears } from "../src/senses.ts";

const scene = setFleet("nginx", "livekit");

test("MEDIA-2 JOIN-1 HOST-1: create, join, host returns, several", async () => {
  await actAcceptance(scene, "chromium", "firefox");
});

test("JOIN-10 EVENT-1: kill -9 of a process leaves the call as it was, and what is said comes through", async () => {
  const { host, guest } = await meet(scene, "firefox", "chromium");
  await guest.press("Turn off microphone");
  await knowsMute(host, guest, "off");
  await host.press("Chat");
  await guest.press("Chat");
  for (const [i, server] of scene.fleet.servers.entries()) {
    await server.down("SIGKILL");
    // LiveKit carries the call, so the picture does not even pause.
    const picture = await guest.picture(host.likeness.name, 2_000);
    expect(picture?.changes ?? 0).toBeGreaterThan(3);
    await host.fill("Message everyone", `said without process ${i}`);
    await host.page.keyboard.press("Enter");
    await guest.reads(`said without process ${i}`);
    await server.up();
  }
  await until("both are shown as connected", async () => (await guest.tile(host.likeness.name))?.status === "connected" && (await host.tile(guest.likeness.name))?.status === "connected");
  await see(host, guest);
  await knowsMute(host, guest, "off");
  expect(await host.tiles()).toHaveLength(2);
});

test.each([0, 20])("MEDIA-2 MEDIA-3 EVENT-4: LiveKit's server is killed and comes back after %i s: everyone with picture, nobody twice, mutes kept", async (awayS) => {
  const { host, guest } = await meet(scene, "chromium", "firefox");
  await guest.press("Turn off microphone");
  await knowsMute(host, guest, "off");
  await doesNotHear(host, guest);
  await scene.fleet.restartLiveKit(awayS * 1000);
  const from = performance.now();
  await see(host, guest);
  console.info(`back with picture ${((performance.now() - from) / 1000).toFixed(1)} s after LiveKit was`);
  await hears(guest, host);
  await doesNotHear(host, guest);
  for (const person of [host, guest]) expect(await person.tiles()).toHaveLength(2);
  await knowsMute(host, guest, "off");
  await guest.press("Turn on microphone");
  await hears(host, guest);
  await see(host, guest);
});
