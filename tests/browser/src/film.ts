// A tab that plays a known picture and a known steady tone, for sharing.

import type { Page } from "puppeteer-core";
import type { Likeness } from "./media.ts";
import type { Person } from "./person.ts";

/** Opens a tab of this title beside the meeting, playing, and goes back to the meeting. */
export async function openFilm(person: Person, film: Likeness): Promise<Page> {
  const page = await person.page.browserContext().newPage();
  await page.setContent(`<!doctype html><title>${film.name}</title><body style="margin:0"><canvas width="640" height="360" style="width:100vw;height:100vh"></canvas>`);
  await page.evaluate(
    async ([r, g, b], hz) => {
      const brush = document.querySelector("canvas")?.getContext("2d");
      if (brush === null || brush === undefined) throw new Error("no canvas");
      let turn = 0;
      setInterval(() => {
        turn += 1;
        brush.fillStyle = `rgb(${r} ${g} ${b})`;
        brush.fillRect(0, 0, 640, 360);
        brush.fillStyle = "#ffffff";
        brush.fillRect((turn * 40) % 592, 0, 48, 48);
      }, 66);
      const audio = new AudioContext();
      const tone = audio.createOscillator();
      tone.frequency.value = hz;
      const volume = audio.createGain();
      volume.gain.value = 0.3;
      tone.connect(volume).connect(audio.destination);
      tone.start();
      await audio.resume();
      if (audio.state !== "running") throw new Error(`the film is ${audio.state}`);
    },
    film.rgb,
    film.toneHz,
  );
  await person.page.bringToFront();
  return page;
}
