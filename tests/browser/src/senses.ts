// "See and hear", measured: the known picture decodes and moves, the known tone sounds.

import type { Page } from "puppeteer-core";
import { type Person, until } from "./person.ts";

const COLOUR_TOLERANCE = 45;
/** A tone that is there is some 30 dB above the noise of an empty line. */
const HEARD_DB = -65;

/** A person, or what a tab of theirs plays. */
export type Shown = Pick<Person, "kind" | "likeness">;

/** Waits until `viewer` sees the moving picture of `shown`, in their colour where their camera has one. It looks for `forMs` at a time. */
export async function sees(viewer: Person, shown: Shown, page: Page = viewer.page, forMs = 1_000): Promise<void> {
  await until(`${viewer.likeness.name} sees ${shown.likeness.name}`, async () => {
    const picture = await viewer.picture(shown.likeness.name, forMs, page);
    if (picture === undefined || picture.changes < 3) return undefined;
    if (shown.kind === "firefox") return true;
    const off = picture.rgb.map((value, i) => Math.abs(value - (shown.likeness.rgb[i] ?? 0)));
    return Math.max(...off) < COLOUR_TOLERANCE;
  });
}

/** Waits until `listener` hears the tone of `heard`. */
export async function hears(listener: Person, heard: Shown, page: Page = listener.page): Promise<void> {
  await until(`${listener.likeness.name} hears ${heard.likeness.name}`, async () => (await listener.loudness(heard.likeness.toneHz, 1_500, page)) > HEARD_DB);
}

/** Waits until the tone of `silent` is gone for `listener`. */
export async function doesNotHear(listener: Person, silent: Shown): Promise<void> {
  await until(`${listener.likeness.name} no longer hears ${silent.likeness.name}`, async () => (await listener.loudness(silent.likeness.toneHz, 1_500)) < HEARD_DB);
}
