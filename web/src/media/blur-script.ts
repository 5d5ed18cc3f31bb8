/** Loading MediaPipe's selfie segmenter from this server: program, WebAssembly and model are shipped with the page. */

interface Results {
  readonly image: CanvasImageSource;
  readonly segmentationMask: CanvasImageSource;
}

/** The part of MediaPipe's segmenter that is used (npm @mediapipe/selfie_segmentation, index.d.ts). */
export interface Segmenter {
  setOptions(options: { modelSelection: 0 | 1; selfieMode: boolean }): void;
  onResults(listener: (results: Results) => void): void;
  initialize(): Promise<void>;
  send(input: { image: HTMLVideoElement }): Promise<void>;
  close(): Promise<void>;
}

declare global {
  interface Window {
    SelfieSegmentation?: new (config: { locateFile: (file: string) => string }) => Segmenter;
  }
}

/** Where the build puts the segmenter's files; the folder's name carries its version, so they may be kept for ever. */
const FOLDER = import.meta.env.VITE_BLUR_FOLDER;

let loading: Promise<void> | null = null;

/** Make a segmenter. The first call loads about 6 MB. */
export async function makeSegmenter(): Promise<Segmenter> {
  loading ??= load().catch((error: unknown) => {
    loading = null;
    throw error;
  });
  await loading;
  if (!window.SelfieSegmentation) throw new Error('the segmenter did not load');
  const segmenter = new window.SelfieSegmentation({ locateFile: (file) => FOLDER + file });
  segmenter.setOptions({ modelSelection: 1, selfieMode: false });
  await segmenter.initialize();
  return segmenter;
}

function load(): Promise<void> {
  allowOwnScripts();
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = `${FOLDER}selfie_segmentation.js`;
    script.addEventListener('load', () => resolve());
    script.addEventListener('error', () => reject(new Error('the segmenter cannot be loaded')));
    document.head.append(script);
  });
}

/** MediaPipe adds scripts by itself and knows no Trusted Types: the default policy lets it have its own files and nothing else. */
function allowOwnScripts(): void {
  if (window.trustedTypes?.defaultPolicy) return;
  window.trustedTypes?.createPolicy('default', {
    createScriptURL(url) {
      const { origin, pathname } = new URL(url, location.href);
      if (origin === location.origin && pathname.startsWith(FOLDER)) return url;
      throw new TypeError('scripts come from this server only');
    },
  });
}
