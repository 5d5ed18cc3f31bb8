// The known picture and the known tone that a fake camera and microphone give.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What one person's fake devices give: the picture is one colour with a moving white square. */
export interface Likeness {
  readonly name: string;
  /** Mean colour of the picture, 0 to 255 each. */
  readonly rgb: readonly [number, number, number];
  /** Frequency of the sound in hertz; beeps of 300 ms, because a steady tone counts as noise. */
  readonly toneHz: number;
}

/** The picture that a camera gives. */
export interface CameraSize {
  readonly width: number;
  readonly height: number;
  /** Pictures a second. */
  readonly frames: number;
}

/** What two cores carry of two or three people. */
export const USUAL_CAMERA: CameraSize = { width: 640, height: 360, frames: 15 };
/** What they carry of five. */
export const SMALL_CAMERA: CameraSize = { width: 320, height: 180, frames: 8 };

const RATE = 48_000;

const clamp = (value: number): number => Math.max(0, Math.min(255, Math.round(value)));

/** Converts a colour to studio-range YCbCr (ITU-R BT.601), which is what Y4M 4:2:0 carries. */
function yuv([r, g, b]: Likeness["rgb"]): [number, number, number] {
  return [
    clamp(16 + 0.257 * r + 0.504 * g + 0.098 * b),
    clamp(128 - 0.148 * r - 0.291 * g + 0.439 * b),
    clamp(128 + 0.439 * r - 0.368 * g - 0.071 * b),
  ];
}

function y4m(rgb: Likeness["rgb"], { width, height, frames }: CameraSize): Buffer {
  const [y, u, v] = yuv(rgb);
  const square = Math.round(height / 8) * 2;
  const parts: Buffer[] = [Buffer.from(`YUV4MPEG2 W${width} H${height} F${frames}:1 Ip A1:1 C420jpeg\n`)];
  const chromaBytes = (width / 2) * (height / 2);
  for (let frame = 0; frame < frames; frame++) {
    const luma = Buffer.alloc(width * height, y);
    const left = Math.floor((frame * (width - square)) / (frames - 1));
    for (let row = 0; row < square / 2; row++) luma.fill(235, row * width + left, row * width + left + square);
    parts.push(Buffer.from("FRAME\n"), luma, Buffer.alloc(chromaBytes, u), Buffer.alloc(chromaBytes, v));
  }
  return Buffer.concat(parts);
}

function wav(toneHz: number): Buffer {
  const samples = RATE * 2;
  const pcm = Buffer.alloc(samples * 2);
  for (let i = 0; i < samples; i++) {
    const isOn = i % (RATE / 2) < RATE * 0.3;
    pcm.writeInt16LE(isOn ? Math.round(12_000 * Math.sin((2 * Math.PI * toneHz * i) / RATE)) : 0, i * 2);
  }
  const header = Buffer.alloc(44);
  header.write("RIFF", 0);
  header.writeUInt32LE(36 + pcm.length, 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(RATE, 24);
  header.writeUInt32LE(RATE * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36);
  header.writeUInt32LE(pcm.length, 40);
  return Buffer.concat([header, pcm]);
}

/** Writes a likeness as the files that Chromium's fake devices play; returns their paths. */
export function writeLikeness(folder: string, likeness: Likeness, camera: CameraSize): { video: string; audio: string } {
  mkdirSync(folder, { recursive: true });
  const video = join(folder, `${likeness.toneHz}.y4m`);
  const audio = join(folder, `${likeness.toneHz}.wav`);
  writeFileSync(video, y4m(likeness.rgb, camera));
  writeFileSync(audio, wav(likeness.toneHz));
  return { video, audio };
}
