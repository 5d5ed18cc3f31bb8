import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** Where a moot that is already running answers while the page is developed. */
const server = process.env['MOOT_DEV_SERVER'] ?? 'http://localhost:3000';

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: '../src/moot/page',
    emptyOutDir: true,
    target: ['chrome121', 'firefox121', 'safari17.4'],
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    assetsInlineLimit: 0,
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
