// The server under test, and what its tests share.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, existsSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const TOKEN = "a-token-for-the-tests";

/** A port that is free now; the same one is used again after a restart. */
function freePort() {
  return new Promise((found, failed) => {
    const server = createServer().on("error", failed).listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}

/** A server of sample episodes in a folder of its own. */
export class Server {
  static async start(program, words = ["8", "20"]) {
    const server = new Server();
    Object.assign(server, { program, words, folder: mkdtempSync(join(tmpdir(), "page-")) });
    server.port = await freePort();
    await server.again();
    return server;
  }

  /** Starts it, as before. */
  async again() {
    const words = [this.folder, String(this.port), TOKEN, ...this.words];
    this.child = spawn(this.program, words, { stdio: ["pipe", "pipe", "inherit"] });
    this.address = `http://127.0.0.1:${this.port}`;
    this.entrance = await new Promise((said, failed) => {
      this.child.stdout.once("data", (lines) => said(String(lines).split("\n")[0].trim()));
      this.child.stdout.resume();
      this.child.once("exit", (code) => failed(new Error(`the server ended with ${code}`)));
    });
  }

  /** Ends it at once, without a chance to finish anything. */
  async kill() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((go) => this.child.once("exit", go));
    this.child.kill("SIGKILL");
    await ended;
  }

  /** The judgements on the disk. */
  log() {
    const path = join(this.folder, "judgements.jsonl");
    if (!existsSync(path)) return [];
    return readFileSync(path, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }
}

export function equal(got, wanted, what) {
  const [a, b] = [got, wanted].map((v) => JSON.stringify(v));
  if (a !== b) throw new Error(`${what}: got ${a}, wanted ${b}`);
}

export function holds(condition, what) {
  if (!condition) throw new Error(what);
}

/** Waits until a condition holds. */
export async function until(condition, what, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((go) => setTimeout(go, 50));
  }
}
