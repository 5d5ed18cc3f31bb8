// A tab that is shared with its sound: the others see its picture and hear its tone beside the person's own.

import { expect, test } from "vitest";
import type { Likeness } from "../src/media.ts";
import { ANA, TEST_USER } from "../src/people.ts";
import { until } from "../src/person.ts";
import { nothingWentWrong, setScene } from "../src/scene.ts";
import { doesNotHear, hears, sees } from "../src/senses.ts";
import { openFilm } from "../src/film.ts";

const scene = setScene();
const FILM: Likeness = { name: "A film", rgb: [40, 150, 60], toneHz: 1330 };

test("MEDIA-2 MEDIA-3: a tab is shared with its sound, which is not taken for noise", async () => {
  const [host, guest] = await Promise.all([scene.arrive("chromium", TEST_USER, { sharesTab: FILM.name }), scene.arrive("firefox", ANA)]);
  const meetingId = await host.createMeeting();
  await guest.join(meetingId);
  await sees(guest, host);
  const film = await openFilm(host, FILM);
  await host.press("Share screen");
  const screen = { kind: "chromium", likeness: { ...FILM, name: `${TEST_USER.name}, screen` } } as const;
  await sees(guest, screen);
  await hears(guest, screen);
  await hears(guest, host);
  expect(await guest.tiles()).toHaveLength(2);
  // The browser shows what is shared, once it is.
  await host.page.bringToFront();
  await host.press("Stop sharing");
  await doesNotHear(guest, screen);
  await until("the screen's tile is gone", async () => (await guest.picture(screen.likeness.name, 100)) === undefined);
  await hears(guest, host);
  await film.close();
  nothingWentWrong(host, guest);
});
