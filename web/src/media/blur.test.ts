import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { blurBackground } from './blur';
import { makeSegmenter, type Segmenter } from './blur-script';

vi.mock('./blur-script', () => ({ makeSegmenter: vi.fn() }));

const canvasTrack = { stop: vi.fn() } as unknown as MediaStreamTrack;
const video = { play: async () => undefined, videoWidth: 640, videoHeight: 360, requestVideoFrameCallback: () => 0, srcObject: {} as unknown };
const canvas = { getContext: () => ({}), captureStream: () => ({ getVideoTracks: () => [canvasTrack] }) };

function segmenter(send: Segmenter['send']): Segmenter {
  const made: Segmenter = { setOptions: () => undefined, onResults: () => undefined, initialize: async () => undefined, send, close: vi.fn(async () => undefined) };
  vi.mocked(makeSegmenter).mockResolvedValue(made);
  return made;
}

beforeEach(() => {
  vi.stubGlobal('document', { visibilityState: 'visible', createElement: (name: string) => (name === 'video' ? video : canvas) });
  vi.stubGlobal('MediaStream', EventTarget);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.clearAllMocks();
});

it('gives a picture once the first one is blurred', async () => {
  const send = vi.fn(async () => undefined);
  segmenter(send);
  const blurred = await blurBackground({} as MediaStreamTrack);
  expect(send).toHaveBeenCalled();
  expect(blurred.track).toBe(canvasTrack);
  blurred.stop();
  expect(canvasTrack.stop).toHaveBeenCalledOnce();
});

it('fails, and lets go of everything, where this browser cannot compute it', async () => {
  const made = segmenter(() => Promise.reject(new Error('Failed to create WebGL canvas context when passing video frame.')));
  await expect(blurBackground({} as MediaStreamTrack)).rejects.toThrow('WebGL');
  expect(canvasTrack.stop).toHaveBeenCalledOnce();
  expect(video.srcObject).toBeNull();
  expect(made.close).toHaveBeenCalledOnce();
});
