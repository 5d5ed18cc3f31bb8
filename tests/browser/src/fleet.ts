// Past one machine, on one: two moot processes with PostgreSQL and Redis behind a proxy, which runs the very file of
// `deploy/`. Any process answers any request. The network is this run's own, so the ports are those of the files.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createInterface, type Interface } from "node:readline";
import { afterAll, afterEach, beforeAll } from "vitest";
import { Person } from "./person.ts";
import type { Scene } from "./scene.ts";
import { Server } from "./server.ts";
import { keepTrace } from "./trace.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const PYTHON = join(ROOT, ".venv/bin/python");
/** The ports of the processes in `deploy/`. */
const PORTS = [3000, 3010] as const;

export type Proxy = "caddy" | "nginx";

interface Addresses {
  readonly database: string;
  readonly bus: string;
  readonly livekit?: { readonly port: number; readonly key: string; readonly secret: string };
}

/** PostgreSQL, Redis and LiveKit. */
class Beside {
  readonly addresses: Addresses;
  readonly #process: ChildProcess;
  readonly #lines: Interface;

  private constructor(process: ChildProcess, lines: Interface, addresses: Addresses) {
    this.#process = process;
    this.#lines = lines;
    this.addresses = addresses;
  }

  static async start(options: readonly string[]): Promise<Beside> {
    const child = spawn(PYTHON, ["-m", "tests.servers.beside", ...options], { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"] });
    if (child.stdout === null) throw new Error("it has an output");
    const lines = createInterface(child.stdout);
    return new Beside(child, lines, JSON.parse(await next(lines, child)) as Addresses);
  }

  async say(words: string): Promise<void> {
    const answer = next(this.#lines, this.#process);
    this.#process.stdin?.write(`${words}\n`);
    if ((await answer) !== "done") throw new Error(`"${words}" was not done`);
  }

  async stop(): Promise<void> {
    const gone = new Promise((done) => this.#process.once("exit", done));
    this.#process.stdin?.end();
    await gone;
  }
}

async function next(lines: Interface, from: ChildProcess): Promise<string> {
  return new Promise((done, fail) => {
    const ended = (code: number | null): void => fail(new Error(`the servers beside moot ended with ${String(code)}`));
    from.once("exit", ended);
    lines.once("line", (line) => {
      from.off("exit", ended);
      done(line);
    });
  });
}

export class Fleet {
  readonly origin: string;
  readonly log: string;
  readonly servers: readonly Server[];
  readonly #folder: string;
  readonly #beside: Beside;
  readonly #proxy: ChildProcess;

  private constructor(origin: string, folder: string, beside: Beside, proxy: ChildProcess, servers: readonly Server[]) {
    this.origin = origin;
    this.#folder = folder;
    this.#beside = beside;
    this.#proxy = proxy;
    this.servers = servers;
    this.log = servers[0]?.log ?? "";
  }

  /** Starts everything; media is LiveKit's or, on both processes, moot's own. */
  static async start(proxy: Proxy, media: "livekit" | "builtin"): Promise<Fleet> {
    const folder = mkdtempSync(join(tmpdir(), "moot-fleet-"));
    const origin = proxy === "nginx" ? "https://localhost" : "http://localhost:8080";
    const beside = await Beside.start([...(media === "livekit" ? ["--livekit", `${origin}/livekit/webhook`] : []), ...(proxy === "nginx" ? ["--tls", folder] : [])]);
    const running = proxy === "nginx" ? runNginx(folder, beside.addresses) : runCaddy(folder);
    try {
      const base = origin.replace("http", "ws");
      const servers = await Promise.all(
        PORTS.map((port, i) =>
          Server.start({
            port,
            data: folder,
            environment: {
              // Whoever speaks to the proxy trusts its certificate, as it would one of a public authority.
              ...(proxy === "nginx" ? { SSL_CERT_FILE: join(folder, "ca.crt") } : {}),
              MOOT_PUBLIC_URL: origin,
              MOOT_TRUSTED_PROXIES: "127.0.0.1,::1",
              MOOT_DATABASE_URL: beside.addresses.database,
              MOOT_BUS_URL: beside.addresses.bus,
              MOOT_SECRET: "one secret for every process of these scenes",
              MOOT_MEDIA: media,
              ...(beside.addresses.livekit === undefined
                ? { MOOT_MEDIA_URL: `${base}/media/${i + 1}`, MOOT_MEDIA_PORT: String(port + 1) }
                : {
                    MOOT_LIVEKIT_URL: `${base}/media/livekit`,
                    MOOT_LIVEKIT_API_KEY: beside.addresses.livekit.key,
                    MOOT_LIVEKIT_API_SECRET: beside.addresses.livekit.secret,
                  }),
            },
          }),
        ),
      );
      await reached(origin);
      return new Fleet(origin, folder, beside, running, servers);
    } catch (error) {
      running.kill("SIGKILL");
      await beside.stop();
      throw error;
    }
  }

  /** Kills LiveKit's server as a crash does, and starts it again where it was, after a while. */
  async restartLiveKit(awayMs: number): Promise<void> {
    await this.#beside.say("stop livekit");
    await sleep(awayMs);
    await this.#beside.say("start livekit");
  }

  /** The process that carries a meeting's media with moot's own engine. */
  carrier(meetingId: string): Server {
    const query = `SELECT p.media_url FROM media_lease l JOIN process p ON p.id = l.process_id JOIN meeting m ON m.uid = l.meeting_uid WHERE m.id = '${meetingId}'`;
    const asked = `import psycopg, sys\nwith psycopg.connect(sys.argv[1]) as db: print(db.execute(sys.argv[2]).fetchone()[0])`;
    const url = execFileSync(PYTHON, ["-c", asked, this.#beside.addresses.database, query], { encoding: "utf8" }).trim();
    const found = this.servers[Number(url.at(-1)) - 1];
    if (found === undefined) throw new Error(`nobody carries ${meetingId}: "${url}"`);
    return found;
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.down()));
    const gone = new Promise((done) => this.#proxy.once("exit", done));
    this.#proxy.kill("SIGTERM");
    await gone;
    await this.#beside.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Runs `deploy/nginx.conf` with another name, certificate and LiveKit port, and nothing else changed. */
function runNginx(folder: string, addresses: Addresses): ChildProcess {
  const site = readFileSync(join(ROOT, "deploy/nginx.conf"), "utf8")
    .replace("server_name meet.example.org", "server_name localhost")
    .replace("/etc/ssl/meet.example.org/fullchain.pem", join(folder, "server.crt"))
    .replace("/etc/ssl/meet.example.org/privkey.pem", join(folder, "server.key"))
    .replace("127.0.0.1:7880", `127.0.0.1:${addresses.livekit?.port ?? 7880}`);
  writeFileSync(join(folder, "site.conf"), site);
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; pid ${folder}/nginx.pid; worker_processes 2; error_log ${folder}/nginx.log; events {}\nhttp { access_log off; ${paths} include ${folder}/site.conf; }\n`,
  );
  return spawnProxy("/usr/sbin/nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], folder);
}

/** Runs `deploy/Caddyfile` as it is. */
function runCaddy(folder: string): ChildProcess {
  return spawnProxy("caddy", ["run", "--adapter", "caddyfile", "--config", join(ROOT, "deploy/Caddyfile")], folder, { MOOT_SITE: "http://localhost:8080" });
}

function spawnProxy(program: string, words: readonly string[], folder: string, environment: Readonly<Record<string, string>> = {}): ChildProcess {
  const child = spawn(program, words, { env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, ...environment }, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => appendFileSync(join(folder, "proxy.log"), chunk));
  child.once("error", () => {
    throw new Error(`${program} is not installed; "make test" installs it`);
  });
  return child;
}

/** Waits until the proxy has found a ready process. */
async function reached(origin: string): Promise<void> {
  const end = performance.now() + 20_000;
  for (;;) {
    const status = await new Promise((done) => {
      const get = origin.startsWith("https") ? https.get : http.get;
      get(`${origin}/readyz`, { rejectUnauthorized: false }, (answer) => done(answer.resume().statusCode)).once("error", done);
    });
    if (status === 200) return;
    if (performance.now() > end) throw new Error(`the proxy has not found moot: ${String(status)}`);
    await sleep(100);
  }
}

export interface FleetScene extends Pick<Scene, "arrive"> {
  readonly fleet: Fleet;
}

/** Sets the stage for the tests of the calling file: all of them in one fleet, each with every process running. */
export function setFleet(proxy: Proxy, media: "livekit" | "builtin"): FleetScene {
  let fleet: Fleet | undefined;
  const people: Person[] = [];
  const ready = (): Fleet => {
    if (fleet === undefined) throw new Error("the fleet is up from the first test on");
    return fleet;
  };
  beforeAll(async () => {
    fleet = await Fleet.start(proxy, media);
  });
  afterEach(async (context) => {
    await keepTrace(context, people, ready());
    await Promise.all(people.splice(0).map((person) => person.close()));
  });
  afterAll(async () => fleet?.stop());
  return {
    get fleet() {
      return ready();
    },
    async arrive(kind, likeness, with_) {
      const person = await Person.arrive(kind, likeness, ready(), with_);
      people.push(person);
      return person;
    },
  };
}
