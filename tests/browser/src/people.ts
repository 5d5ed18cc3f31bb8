// The people of the scenes, each with a colour and a tone that can be told from the others'.

import type { Likeness } from "./media.ts";

export const TEST_USER: Likeness = { name: "Test User", rgb: [190, 40, 40], toneHz: 620 };
export const ANA: Likeness = { name: "Ana", rgb: [40, 60, 190], toneHz: 880 };
export const BEN: Likeness = { name: "Ben", rgb: [40, 150, 60], toneHz: 1180 };
export const KIM: Likeness = { name: "Kim", rgb: [180, 160, 40], toneHz: 1480 };
export const LARS: Likeness = { name: "Lars", rgb: [150, 50, 160], toneHz: 1780 };
