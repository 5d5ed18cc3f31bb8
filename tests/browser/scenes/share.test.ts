// Tabs that are shared with their sound: the others see the picture and hear the tone beside the person's own.

import { expect, test } from "vitest";
import type { Likeness } from "../src/media.ts";
import { ANA, BEN, TEST_USER } from "../src/people.ts";
import { type Person, until } from "../src/person.ts";
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

test("MEDIA-2 EVENT-4: two people share at once, and each screen is seen until its own share ends", async () => {
  const other: Likeness = { name: "Another film", rgb: [150, 50, 160], toneHz: 3_100 };
  const [host, ana, ben] = await Promise.all([
    scene.arrive("chromium", TEST_USER, { sharesTab: FILM.name }),
    scene.arrive("chromium", ANA, { sharesTab: other.name }),
    scene.arrive("firefox", BEN),
  ]);
  const meetingId = await host.createMeeting();
  await ana.join(meetingId);
  await ben.join(meetingId);
  // Beeps have noise around them, which would hide that a tone is gone.
  for (const person of [host, ana]) await person.press("Turn off microphone");
  const screenOf = (person: Person, film: Likeness) => ({ kind: "chromium", likeness: { ...film, name: `${person.likeness.name}, screen` } }) as const;
  const films = [await openFilm(host, FILM), await openFilm(ana, other)];
  await host.press("Share screen");
  await sees(ben, screenOf(host, FILM));
  await ana.press("Share screen");
  // Neither share has taken the place of the other.
  await sees(ben, screenOf(ana, other));
  await sees(ben, screenOf(host, FILM));
  await hears(ben, screenOf(ana, other));
  await hears(ben, screenOf(host, FILM));
  expect(await ben.tiles()).toHaveLength(3);

  await host.page.bringToFront();
  await sees(host, screenOf(ana, other));
  await host.press("Stop sharing");
  await until("the first screen's tile is gone", async () => (await ben.picture(screenOf(host, FILM).likeness.name, 100)) === undefined);
  await doesNotHear(ben, screenOf(host, FILM));
  await sees(ben, screenOf(ana, other));
  await hears(ben, screenOf(ana, other));
  await Promise.all(films.map((film) => film.close()));
  nothingWentWrong(host, ana, ben);
});
