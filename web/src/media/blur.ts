import { makeSegmenter, type Segmenter } from './blur-script';

/** Pixels of blur on a picture 720 high; smaller shows the room, larger shows halos. */
const BLUR_PX = 14;

/** A camera track with its background blurred. Stopping it leaves the camera itself running. */
export interface Blurred {
  readonly track: MediaStreamTrack;
  stop(): void;
}

/** Blur what is behind the person, on this computer; nothing leaves it but the result. */
export async function blurBackground(camera: MediaStreamTrack): Promise<Blurred> {
  const segmenter = await makeSegmenter();
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([camera]);
  await video.play();
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const pen = canvas.getContext('2d');
  const [track] = canvas.captureStream(30).getVideoTracks();
  if (!pen || !track) throw new Error('this browser cannot draw video');
  segmenter.onResults(({ image, segmentationMask }) => paint(pen, image, segmentationMask));
  const close = (): void => {
    track.stop();
    video.srcObject = null;
    void segmenter.close().catch(() => undefined);
  };
  try {
    // Without WebGL the segmenter loads, and fails at the first picture.
    await segmenter.send({ image: video });
  } catch (error) {
    close();
    throw error;
  }
  const end = runOver(video, segmenter, canvas);
  return {
    track,
    stop() {
      end();
      close();
    },
  };
}

/** Feed each new frame, one at a time: a slow computer skips frames instead of falling behind. */
function runOver(video: HTMLVideoElement, segmenter: Segmenter, canvas: HTMLCanvasElement): () => void {
  let isEnded = false;
  const next = async (): Promise<void> => {
    if (isEnded) return;
    if (canvas.width !== video.videoWidth || canvas.height !== video.videoHeight) {
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
    }
    await segmenter.send({ image: video }).catch(() => undefined);
    if (isEnded) return;
    // A hidden page gets no frames from the element; a slow clock keeps the picture from freezing.
    if (document.visibilityState === 'visible') video.requestVideoFrameCallback(() => void next());
    else setTimeout(() => void next(), 100);
  };
  void next();
  return () => {
    isEnded = true;
  };
}

function paint(pen: CanvasRenderingContext2D, image: CanvasImageSource, mask: CanvasImageSource): void {
  const { width, height } = pen.canvas;
  pen.save();
  pen.clearRect(0, 0, width, height);
  pen.drawImage(mask, 0, 0, width, height);
  pen.globalCompositeOperation = 'source-in';
  pen.drawImage(image, 0, 0, width, height);
  pen.globalCompositeOperation = 'destination-over';
  pen.filter = `blur(${Math.round((BLUR_PX * height) / 720)}px)`;
  pen.drawImage(image, 0, 0, width, height);
  pen.restore();
}
