// What a failed test leaves behind: each person's screenshot and console, and the server's log.

import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { TestContext } from "vitest";
import type { Person } from "./person.ts";

const FOLDER = resolve(import.meta.dirname, "../traces");

/** Writes the trace of a failed test to `tests/browser/traces/<test>/`; does nothing for one that passed. */
export async function keepTrace(context: TestContext, people: readonly Person[], server: { readonly log: string }): Promise<void> {
  if (context.task.result?.state !== "fail") return;
  const folder = join(FOLDER, context.task.name.replaceAll(/[^a-zA-Z0-9]+/g, "-").slice(0, 80));
  mkdirSync(folder, { recursive: true });
  for (const [i, person] of people.entries()) {
    const name = join(folder, `${i}-${person.likeness.name.replaceAll(" ", "-")}-${person.kind}`);
    await person.page.screenshot({ path: `${name}.png` as const }).catch(() => undefined);
    const requests = person.statuses.map(({ method, status, url }) => `${status} ${method} ${url}`);
    writeFileSync(`${name}.txt`, [...person.lines, "", ...requests, "", ...person.errors].join("\n"));
  }
  if (existsSync(server.log)) copyFileSync(server.log, join(folder, "server.log"));
}
