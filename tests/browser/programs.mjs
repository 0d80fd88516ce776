// Blocky's programs for the browser tests: started on ports and files of their own, ended with them.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const BIN = process.env.BLOCKY_BIN ?? join(HERE, "../../build/bin");
const SLOW = process.env.BLOCKY_SANITIZER ? 5 : 1;
export const PATIENCE = 20_000 * SLOW; // ms, for what must happen

// Waits until `condition()` gives something true, and returns that.
export async function eventually(condition, what) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${PATIENCE} ms passed without ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// Everything that one test starts; `stage.end()` leaves nothing behind.
export class Stage {
  directory = mkdtempSync(join(tmpdir(), "blocky-browser-"));
  endpoint = `ipc://${this.directory}/socket`;
  #children = [];

  // Resolves when it listens (or, with `early`, when its dashboard does). `port` 0: any.
  async consumer({ port = 0, options = [], early = false } = {}) {
    const argv = ["--bind", this.endpoint, "--http", `127.0.0.1:${port}`, "--log", "json", ...options];
    const child = this.#start(join(BIN, "blocky-consumer"), argv);
    const batches = [];
    const said = [];
    createInterface(child.stdout).on("line", (line) => batches.push(line));
    createInterface(child.stderr).on("line", (line) => said.push(line));
    const told = early ? "dashboard at " : "listening on ";
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`the consumer ended: ${said.join("\n")}`);
      return said.some((line) => line.includes(told));
    }, told);
    const url = said.find((line) => line.includes("dashboard at ")).split("dashboard at ")[1];
    return { url, port: Number(new URL(url).port), batches, said, child,
      stop: (signal = "SIGTERM") => end(child, signal),
      metrics: async () => (await fetch(`${url}metrics`)).text() };
  }

  producers(...options) {
    const child = this.#start("/usr/bin/python3", [join(HERE, "producers.py"), this.endpoint, ...options]);
    return { stop: () => end(child, "SIGTERM") };
  }

  // A blocky-producer; `done` resolves with its exit status.
  producer(...options) {
    const child = this.#start(join(BIN, "blocky-producer"), ["--connect", this.endpoint, "--log", "quiet", ...options]);
    return { stdin: child.stdin, done: once(child, "exit").then(([code]) => code) };
  }

  #start(program, argv) {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("BLOCKY_")));
    // The kernel kills it when this process dies.
    const child = spawn("setpriv", ["--pdeathsig", "KILL", program, ...argv], { env });
    child.stderr.resume();
    child.stdout.resume();
    this.#children.push(child);
    return child;
  }

  async end() {
    await Promise.all(this.#children.map((child) => end(child, "SIGKILL")));
    rmSync(this.directory, { recursive: true });
  }
}

async function end(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, "exit");
  child.kill(signal);
  const [code] = await ended;
  return code;
}
