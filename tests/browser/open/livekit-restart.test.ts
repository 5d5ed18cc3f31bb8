// Does not hold yet: after LiveKit's restart one of two people stays without the other's picture for 45 s and more.
// Not part of `npm test`; `npm run open` runs it. It belongs into scenes/livekit.test.ts on the day it is green.

import { expect, test } from "vitest";
import { knowsMute, meet, see } from "../src/acts.ts";
import { setFleet } from "../src/fleet.ts";
import { doesNotHear, hears, sees } from "../src/senses.ts";

const scene = setFleet("nginx", "livekit");

test("MEDIA-2 MEDIA-3 EVENT-4: LiveKit's server is killed and comes back: everyone with picture, nobody twice, mutes kept", async () => {
  const { host, guest } = await meet(scene, "chromium", "firefox");
  await guest.press("Turn off microphone");
  await knowsMute(host, guest, "off");
  await doesNotHear(host, guest);
  await scene.fleet.restartLiveKit();
  await see(host, guest);
  await hears(guest, host);
  await doesNotHear(host, guest);
  for (const person of [host, guest]) expect(await person.tiles()).toHaveLength(2);
  await knowsMute(host, guest, "off");
  await guest.press("Turn on microphone");
  await hears(host, guest);
  await sees(guest, host);
});
