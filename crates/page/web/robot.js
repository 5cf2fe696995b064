// @ts-check
import { element } from "./elements.js";
import { Refused, askRobot, getPicture, lookAtRobot, sayOfRobot, untilReached } from "./requests.js";

/** @typedef {import("./requests.js").RobotSeen} RobotSeen @typedef {import("./requests.js").Wish} Wish */

const FAST = 150;
const SLOW = 1000;
const KEYS = { h: "hold", r: "go-on", u: "moment-up", d: "moment-down", y: "done", n: "not-done", t: "take-over" };
/** @type {Record<string, string>} */
const SAID = { up: "good moment", down: "bad moment", success: "the task was done", failure: "the task was not done", takeover: "a person wants to take over" };

/** Who lets a stopped robot move again. */
const LIFTED = { none: "", owner: "; its run lifts the stop on purpose, or ends", person: "; stays until a person says that it was seen to (apprentice acknowledge)" };

/** The robot at work: seen on its own screen, and stopped from every one. */
export class Robot {
  /** @param {{who: string}} operator @param {() => void} left called when the ranking is left for the robot */
  constructor(operator, left) {
    this.operator = operator;
    this.left = left;
    this.ranking = element("ranking", HTMLElement);
    this.screen = element("robot", HTMLElement);
    this.stopButton = element("stop", HTMLButtonElement);
    this.line = element("robot-line", HTMLElement);
    this.alert = element("robot-alert", HTMLElement);
    this.said = element("robot-said", HTMLElement);
    this.who = element("robot-who", HTMLInputElement);
    /** @type {HTMLCanvasElement[]} */
    this.pictures = [];
    this.cameras = "";
    /** @type {RobotSeen | null} */
    this.seen = null;
    this.unreached = false;
    /** Whether a stop was asked for here and is not done. */
    this.stopping = false;
  }

  begin() {
    for (const id of ["stop", "robot-line", "screens"]) element(id, HTMLElement).hidden = false;
    this.stopButton.addEventListener("click", () => void this.stop());
    // Before anything else gets the key, also the viewer, and whatever is typed in.
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      if (!event.repeat) void this.stop();
    }, { capture: true });
    document.addEventListener("keydown", (event) => this.key(event));
    addEventListener("hashchange", () => this.show());
    for (const [id, what] of Object.entries({ hold: "hold", "go-on": "go_on" })) {
      element(id, HTMLButtonElement).addEventListener("click", () => void this.ask(/** @type {Wish} */ (what)));
    }
    const says = { "moment-up": "up", "moment-down": "down", done: "success", "not-done": "failure" };
    for (const [id, what] of Object.entries(says)) {
      element(id, HTMLButtonElement).addEventListener("click", () => void this.say(what));
    }
    element("take-over", HTMLButtonElement).addEventListener("click", () => void this.takeOver());
    this.who.addEventListener("change", () => {
      this.operator.who = this.who.value.trim();
      sessionStorage.setItem("who", this.operator.who);
    });
    this.show();
    void this.look();
  }

  get isShown() {
    return !this.screen.hidden;
  }

  show() {
    const robot = location.hash === "#robot";
    this.screen.hidden = !robot;
    this.ranking.hidden = robot;
    for (const [id, current] of /** @type {[string, boolean][]} */ ([["to-ranking", !robot], ["to-robot", robot]])) {
      const link = element(id, HTMLAnchorElement);
      if (current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (!robot) return;
    this.left();
    this.who.value = this.operator.who;
    element("robot-heading", HTMLElement).focus();
    for (const [index, canvas] of this.pictures.entries()) void this.follow(canvas, index);
  }

  /** Looks again and again, for as long as the page is there. */
  async look() {
    for (;;) {
      try {
        this.tell(await lookAtRobot());
        this.lost("");
      } catch (error) {
        this.lost(error instanceof Refused ? error.message : "This page does not reach its server.");
      }
      await new Promise((go) => setTimeout(go, this.isShown || this.stopping ? FAST : SLOW));
    }
  }

  /** @param {string} why */
  lost(why) {
    if (this.unreached === (why !== "")) return;
    this.unreached = why !== "";
    // What was seen last is not how it is now.
    this.screen.classList.toggle("old", why !== "");
    if (why) {
      this.line.textContent = "";
      this.warn(`${why} How the robot stands is not known; use its emergency stop if it moves.`);
    } else this.warn("");
  }

  /** @param {string} text */
  warn(text) {
    if (this.alert.textContent !== text) this.alert.textContent = text;
    this.alert.hidden = text === "";
  }

  /** @param {RobotSeen} seen */
  tell(seen) {
    this.seen = seen;
    const { status, adapter, stopped, decides } = seen;
    const phase = adapter ? (seen.at_rest ? "at rest" : "moving") : status?.phase ?? "silent";
    const asked = seen.asked;
    let words = seen.problem ? "not heard of now" : phase;
    if (stopped) words = adapter ? "stopped: measured at rest" : `stopped: the robot says so (phase ${phase})`;
    else if (this.stopping || (asked?.what === "stop" && asked.ago_ms < 5000)) words = `stop asked for, not done yet; ${phase}`;
    else if (seen.held) words = "held: nobody decides, measured at rest";
    const line = `${seen.robot}: ${words}`;
    if (this.line.textContent !== line) this.line.textContent = line;
    this.line.classList.toggle("done", stopped);
    if (stopped) this.stopping = false;
    if (asked?.problem) this.warn(asked.problem);
    else if (!this.stopping && !this.unreached) this.warn("");
    if (!this.isShown) return;
    element("robot-problem", HTMLElement).textContent = seen.problem ?? "";
    const people = { policy: "the policy", person: seen.ours ? "you, by this page" : "a person at another device", nobody: "nobody: it stays" };
    const { episode } = seen;
    const guard = episode ? Object.entries(episode.interventions).map(([reason, n]) => `${reason} in ${n} ticks`) : [];
    /** @type {[string, string][]} */
    const facts = [
      ["Decides", decides ? people[decides] : "not told"],
      ["Episode", episode ? `${episode.name}, tick ${episode.tick}${episode.running ? "" : " (over)"}` : "none runs"],
      ["Policy", episode?.version ?? (episode ? "not told: a person, or a blind trial" : "-")],
      ["Guard", episode ? [...guard, `slowed or smoothed it ${episode.shaped} times`].join("; ") : "-"],
      ["Phase", status ? `${status.phase}${LIFTED[status.stop]}` : "not told"],
      ["Tool", seen.tool?.position_m ? `${seen.tool.position_m.map((x) => x.toFixed(3)).join(", ")} m, open ${seen.tool.opening_m.toFixed(3)} m` : "-"],
      ["Said, not in the log yet", String(seen.waiting)],
    ];
    element("robot-facts", HTMLElement).replaceChildren(...facts.flatMap(([name, text]) => [
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: text }),
    ]));
    element("robot-guard", HTMLElement).textContent = guard.length ? `The guard stepped in: ${guard.join("; ")}.` : "";
    element("robot-joints", HTMLElement).replaceChildren(...(seen.joints ?? []).map((joint) => {
      const row = document.createElement("tr");
      const of = [joint.name, joint.position?.toFixed(3), joint.velocity?.toFixed(3), `${joint.limits.map((l) => l.toFixed(2)).join(" to ")} ${joint.unit}`];
      row.append(...of.map((text) => Object.assign(document.createElement("td"), { textContent: text ?? "-" })));
      return row;
    }));
    this.cells(seen);
  }

  /** @param {RobotSeen} seen */
  cells(seen) {
    const cameras = JSON.stringify(seen.cameras);
    if (cameras === this.cameras) return;
    this.cameras = cameras;
    this.pictures = seen.cameras.map((camera) => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [camera.width, camera.height];
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `Robot now, camera ${camera.name}`);
      return canvas;
    });
    element("robot-cameras", HTMLElement).replaceChildren(...this.pictures.map((canvas, i) => {
      const figure = document.createElement("figure");
      figure.append(canvas, Object.assign(document.createElement("figcaption"), { textContent: seen.cameras[i]?.name ?? "" }));
      return figure;
    }));
    for (const [index, canvas] of this.pictures.entries()) void this.follow(canvas, index);
  }

  /** Shows a camera for as long as it is looked at, as fast as this page can. @param {HTMLCanvasElement} canvas @param {number} index */
  async follow(canvas, index) {
    if (canvas.dataset["follows"]) return;
    canvas.dataset["follows"] = "yes";
    while (this.isShown && canvas.isConnected && !document.hidden) {
      let wait = 66;
      try {
        const bitmap = await createImageBitmap(await getPicture(index));
        canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
        bitmap.close();
        canvas.dataset["pictures"] = String(Number(canvas.dataset["pictures"] ?? 0) + 1);
      } catch {
        wait = 1000;
      }
      await new Promise((go) => setTimeout(go, wait));
    }
    delete canvas.dataset["follows"];
  }

  async stop() {
    this.stopping = true;
    this.line.textContent = "stop asked for, not done yet";
    for (;;) {
      try {
        this.tell(await askRobot("stop"));
        return;
      } catch (error) {
        const why = error instanceof Refused ? error.message : "The stop has not reached the server; this page goes on trying.";
        this.warn(`${why} Use the emergency stop if the robot moves.`);
        if (error instanceof Refused) {
          this.stopping = false;
          return;
        }
        await new Promise((go) => setTimeout(go, 250));
      }
    }
  }

  /** @param {Wish} what */
  async ask(what) {
    try {
      this.tell(await askRobot(what));
      this.said.textContent = what === "hold" ? "Asked it to stay where it is." : "Asked to let the policy go on.";
    } catch (error) {
      this.warn(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {string} what */
  async say(what) {
    if (!this.operator.who) {
      this.said.textContent = "Say who you are first: it is kept with what you say.";
      this.who.focus();
      return;
    }
    const key = crypto.getRandomValues(new Uint32Array(4)).reduce((text, n) => text + n.toString(16).padStart(8, "0"), "");
    const note = element("robot-note", HTMLInputElement);
    try {
      const { when_unix_ms: when } = await untilReached(
        () => sayOfRobot({ who: this.operator.who, key, what, note: note.value }), (waiting) => this.lost(waiting ? "The server does not answer." : ""));
      this.said.textContent = `Kept at ${new Date(when).toLocaleTimeString()}: ${SAID[what]}.`;
      note.value = "";
    } catch (error) {
      this.said.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  async takeOver() {
    await this.ask("hold");
    await this.say("takeover");
    this.said.textContent += " It stays until somebody takes it (apprentice takeover) or it is let go on here.";
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.isShown || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (event.target instanceof HTMLInputElement && event.target.type !== "checkbox") return;
    const id = /** @type {Record<string, string>} */ (KEYS)[event.key];
    if (!id || !element("robot-keys", HTMLInputElement).checked) return;
    event.preventDefault();
    element(id, HTMLButtonElement).click();
  }
}
