import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    globalSetup: ["src/loudspeaker.ts"],
    include: ["open/**/*.test.ts"],
    testTimeout: 240_000,
    hookTimeout: 90_000,
    // Browsers are processes of their own: one scene at a time is what two cores carry without changing what is seen.
    pool: "forks",
    maxWorkers: 1,
    reporters: ["verbose"],
  },
});
