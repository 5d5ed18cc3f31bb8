import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["screens/**/*.test.ts"],
    testTimeout: 900_000,
    hookTimeout: 90_000,
    pool: "forks",
    maxWorkers: 1,
    reporters: ["verbose"],
  },
});
