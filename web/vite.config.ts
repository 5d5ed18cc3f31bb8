import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Where a moot that is already running answers while the page is developed. */
const server = process.env['MOOT_DEV_SERVER'] ?? 'http://localhost:3000';

const OUT = fileURLToPath(new URL('../src/moot/page', import.meta.url));

/** Files that are fetched when wanted and never kept ahead: fonts of other scripts, and what only blur needs. */
const WHEN_WANTED = /(cyrillic|greek|vietnamese|latin-ext|\.wasm|\.tflite|\.data|blur)/;

const BLUR = JSON.parse(readFileSync(new URL('./node_modules/@mediapipe/selfie_segmentation/package.json', import.meta.url), 'utf8')) as { version: string };
const BLUR_FOLDER = `/assets/blur-${BLUR.version}/`;
/** Of the segmenter's package only what browsers of today ask for: WebAssembly with SIMD, and the wide model. */
const BLUR_FILES = [
  'selfie_segmentation.js',
  'selfie_segmentation.binarypb',
  'selfie_segmentation_landscape.tflite',
  'selfie_segmentation_solution_simd_wasm_bin.js',
  'selfie_segmentation_solution_simd_wasm_bin.wasm',
];

/** Ship the background segmenter as it is, so that nothing is ever fetched from a third host. */
function blurFiles(): Plugin {
  return {
    name: 'moot-blur-files',
    apply: 'build',
    generateBundle() {
      for (const file of BLUR_FILES) {
        const source = readFileSync(new URL(`./node_modules/@mediapipe/selfie_segmentation/${file}`, import.meta.url));
        this.emitFile({ type: 'asset', fileName: `${BLUR_FOLDER.slice(1)}${file}`, source });
      }
    },
  };
}

/** Pictures and fonts are packed already. */
const PACKABLE = /\.(js|css|html|json|webmanifest|svg|wasm|tflite)$/;

/** Put each file's content in gzip beside it, as `name.gz`, where that saves a tenth or more; the server sends either. */
function packedFiles(): Plugin {
  return {
    name: 'moot-packed-files',
    apply: 'build',
    closeBundle() {
      for (const entry of readdirSync(OUT, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !PACKABLE.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const content = readFileSync(path);
        const packed = gzipSync(content, { level: 9 });
        if (content.length > 1024 && packed.length < content.length * 0.9) writeFileSync(`${path}.gz`, packed);
      }
    },
  };
}

/** Write the service worker with the names of this build's files. */
function shellWorker(): Plugin {
  return {
    name: 'moot-shell-worker',
    apply: 'build',
    generateBundle(_options, bundle) {
      const assets = Object.keys(bundle).filter((name) => name.startsWith('assets/') && !WHEN_WANTED.test(name) && !name.endsWith('.map'));
      const files = ['/', '/manifest.webmanifest', '/icon.svg', ...assets.sort().map((name) => `/${name}`)];
      const version = createHash('sha256').update(files.join('\n')).digest('hex').slice(0, 12);
      const template = readFileSync(new URL('./worker/shell.js', import.meta.url), 'utf8');
      const source = template.replace("['%FILES%']", JSON.stringify(files)).replace('%VERSION%', version);
      this.emitFile({ type: 'asset', fileName: 'sw.js', source });
    },
  };
}

export default defineConfig({
  plugins: [react(), blurFiles(), shellWorker(), packedFiles()],
  define: { 'import.meta.env.VITE_BLUR_FOLDER': JSON.stringify(BLUR_FOLDER) },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: ['chrome121', 'firefox121', 'safari17.4'],
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: { groups: [{ name: 'livekit', test: /node_modules[\\/](livekit-client|@livekit|@bufbuild|webrtc-adapter|sdp|rxjs|machina)/ }] },
      },
    },
  },
  server: { port: 5173, proxy: { '/api': { target: server, ws: true }, '/rtc': { target: server, ws: true } } },
  test: { environment: 'node', include: ['src/**/*.test.{ts,tsx}'], testTimeout: 5000 },
});
