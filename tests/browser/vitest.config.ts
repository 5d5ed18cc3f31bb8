import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    globalSetup: ["src/loudspeaker.ts"],
    include: ["scenes/**/*.test.ts"],
    testTimeout: 240_000,
    hookTimeout: 90_000,
    // Browsers are processes of their own: two files at a time are what two cores carry.
    pool: "forks",
    maxWorkers: 2,
    reporters: ["verbose"],
  },
});
