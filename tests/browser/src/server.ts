// A real `moot serve` in a process of its own, on a free port and a fresh data folder.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { appendFileSync, mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const MOOT = join(resolve(import.meta.dirname, "../../.."), ".venv/bin/moot");

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, "127.0.0.1", done));
  const address = probe.address();
  await new Promise((done) => probe.close(done));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

export interface ServerOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly port?: number;
  readonly data?: string;
}

export class Server {
  readonly data: string;
  readonly port: number;
  readonly log: string;
  readonly #environment: Readonly<Record<string, string>>;
  #process: ChildProcess | undefined;

  private constructor(port: number, data: string, environment: Readonly<Record<string, string>>) {
    this.port = port;
    this.data = data;
    this.log = join(data, "server.log");
    this.#environment = environment;
  }

  static async start(options: ServerOptions = {}): Promise<Server> {
    const data = options.data ?? mkdtempSync(join(tmpdir(), "moot-browser-"));
    const server = new Server(options.port ?? (await freePort()), data, options.environment ?? {});
    await server.up();
    return server;
  }

  get origin(): string {
    return `http://localhost:${this.port}`;
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error("the server is not running");
    return pid;
  }

  /** The ports that the process listens on, media included. */
  ports(): number[] {
    const listing = execFileSync("ss", ["-Hlntup"], { encoding: "utf8" });
    const own = listing.split("\n").filter((line) => line.includes(`pid=${this.pid},`));
    return [...new Set(own.map((line) => Number(/:(\d+)\s/.exec(line.trim().split(/\s+/)[4] + " ")?.[1])))].filter((port) => port > 0);
  }

  /** Starts the process on the same port and folder as before; returns when it is ready. */
  async up(): Promise<void> {
    const child = spawn(MOOT, ["serve", "--port", String(this.port), "--data", this.data], {
      env: { ...process.env, MOOT_MEDIA_PORT: "0", ...this.#environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout?.on("data", (chunk: Buffer) => appendFileSync(this.log, chunk));
    child.stderr?.on("data", (chunk: Buffer) => appendFileSync(this.log, chunk));
    this.#process = child;
    const deadline = performance.now() + 90_000;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`moot serve ended with ${child.exitCode}; see ${this.log}`);
      const answer = await fetch(`${this.origin}/readyz`).catch(() => undefined);
      if (answer?.ok) return;
      if (performance.now() > deadline) throw new Error(`moot serve was not ready within 90 s; see ${this.log}`);
      await sleep(50);
    }
  }

  /** Ends a meeting for all as the one does who runs the server; it need not be up. */
  endMeeting(meetingId: string): void {
    execFileSync(MOOT, ["meetings", "end", meetingId, "--data", this.data], { stdio: "pipe" });
  }

  /** Ends the process with a signal and waits until it is gone. */
  async down(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await Promise.race([gone, sleep(15_000).then(() => child.kill("SIGKILL"))]);
    await gone;
  }
}
