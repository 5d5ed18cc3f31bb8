// A drawn person for the pictures in the documents: a soft wall, shoulders and a head, and no face.

import { writeFileSync } from "node:fs";

const WIDTH = 640;
const HEIGHT = 360;

export interface Portrait {
  readonly wall: readonly [number, number, number];
  readonly skin: readonly [number, number, number];
  readonly hair: readonly [number, number, number];
  readonly shirt: readonly [number, number, number];
}

type Rgb = readonly [number, number, number];

function isIn(x: number, y: number, cx: number, cy: number, rx: number, ry: number): boolean {
  return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1;
}

function colourAt({ wall, skin, hair, shirt }: Portrait, x: number, y: number): Rgb {
  if (isIn(x, y, 320, 168, 58, 72)) return y < 132 ? hair : skin;
  if (isIn(x, y, 320, 152, 70, 78)) return hair;
  if (isIn(x, y, 320, 250, 30, 44)) return skin;
  if (isIn(x, y, 320, 380, 170, 128)) return shirt;
  const light = 1.15 - 0.35 * (y / HEIGHT) - 0.15 * Math.abs(x / WIDTH - 0.35);
  return [wall[0] * light, wall[1] * light, wall[2] * light];
}

/** Writes a short film of the portrait as Y4M (4:2:0, studio range, ITU-R BT.601), swaying a little. */
export function writePortrait(file: string, portrait: Portrait): void {
  const parts: Buffer[] = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F5:1 Ip A1:1 C420jpeg\n`)];
  for (let frame = 0; frame < 10; frame++) {
    const sway = Math.round(3 * Math.sin((frame / 10) * 2 * Math.PI));
    const luma = Buffer.alloc(WIDTH * HEIGHT);
    const blue = Buffer.alloc((WIDTH / 2) * (HEIGHT / 2));
    const red = Buffer.alloc(blue.length);
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++) {
        const [r, g, b] = colourAt(portrait, x + sway, y).map((value) => Math.max(0, Math.min(255, value))) as [number, number, number];
        luma[y * WIDTH + x] = 16 + 0.257 * r + 0.504 * g + 0.098 * b;
        if (x % 2 === 0 && y % 2 === 0) {
          const at = (y / 2) * (WIDTH / 2) + x / 2;
          blue[at] = 128 - 0.148 * r - 0.291 * g + 0.439 * b;
          red[at] = 128 + 0.439 * r - 0.368 * g - 0.071 * b;
        }
      }
    }
    parts.push(Buffer.from("FRAME\n"), luma, blue, red);
  }
  writeFileSync(file, Buffer.concat(parts));
}
