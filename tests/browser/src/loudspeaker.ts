// A loudspeaker that nobody hears: Firefox plays no sound, and measures none, on a machine without one.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Starts a PulseAudio server with a null sink for the whole run; the browsers find it by PULSE_SERVER. */
export async function setup(): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "moot-loudspeaker-"));
  const socket = join(folder, "native");
  const server = spawn(
    "pulseaudio",
    ["-n", "--daemonize=no", "--exit-idle-time=-1", "--disable-shm=yes", "-L", "module-null-sink", "-L", `module-native-protocol-unix auth-anonymous=1 socket=${socket}`],
    { env: { ...process.env, HOME: folder, XDG_RUNTIME_DIR: folder }, stdio: "ignore" },
  );
  const failed = new Promise<never>((_, fail) => {
    server.once("error", () => fail(new Error('pulseaudio is not installed; "make test" installs it, or: apt-get install pulseaudio')));
    server.once("exit", (code) => fail(new Error(`pulseaudio ended with ${code}`)));
  });
  failed.catch(() => undefined);
  const end = performance.now() + 10_000;
  while (!existsSync(socket)) {
    await Promise.race([failed, sleep(50)]);
    if (performance.now() > end) throw new Error("pulseaudio was not ready within 10 s");
  }
  process.env["PULSE_SERVER"] = `unix:${socket}`;
  return async () => {
    server.removeAllListeners("exit");
    const gone = new Promise((done) => server.once("exit", done));
    server.kill();
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
}
