// @ts-check
/** @typedef {import("./player.js").Player} Player */
import { element } from "./elements.js";
import { sendMark, untilReached } from "./requests.js";

/** A part of a clip, from where the playhead was to where it is, and its name. */
export class Marking {
  /**
   * @param {() => {who: string, axis: string}} asked who is asked, and by what
   * @param {(waiting: boolean) => void} connection
   */
  constructor(asked, connection) {
    this.asked = asked;
    this.connection = connection;
    this.part = element("mark-part", HTMLDetailsElement);
    this.clip = element("mark-clip", HTMLSelectElement);
    this.name = element("mark-name", HTMLInputElement);
    this.span = element("mark-span", HTMLElement);
    this.said = element("mark-said", HTMLElement);
    /** @type {Player | null} */
    this.player = null;
    /** @type {number | null} */
    this.from = null;
    /** @type {number | null} */
    this.to = null;
    element("mark-start", HTMLButtonElement).addEventListener("click", () => this.start());
    element("mark-end", HTMLButtonElement).addEventListener("click", () => this.end());
    element("mark-good", HTMLButtonElement).addEventListener("click", () => void this.keep("good"));
    element("mark-bad", HTMLButtonElement).addEventListener("click", () => void this.keep("bad"));
    element("mark-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.keep(this.name.value.trim());
    });
  }

  /** @param {Player} player of a new question */
  begin(player) {
    this.player = player;
    this.from = this.to = null;
    this.name.value = "";
    this.said.textContent = "";
    this.clip.replaceChildren(...player.question.clips.map((_, c) => new Option(String(c + 1))));
    this.tell();
  }

  start() {
    this.part.open = true;
    this.from = this.player?.time ?? null;
    if (this.to !== null && this.from !== null && this.to < this.from) this.to = null;
    this.tell();
  }

  end() {
    this.part.open = true;
    this.to = this.player?.time ?? null;
    this.tell();
  }

  tell() {
    const seconds = (/** @type {number | null} */ ms) => (ms === null ? "?" : (ms / 1000).toFixed(1));
    this.span.textContent = this.from === null && this.to === null ? "nothing marked"
      : `from ${seconds(this.from)} to ${seconds(this.to)} s`;
  }

  /** @param {string} name */
  async keep(name) {
    this.part.open = true;
    const { player, from, to } = this;
    if (!player || from === null || to === null || to < from) {
      this.said.textContent = "Mark where it starts (i), then where it ends (o), first.";
      return;
    }
    const column = this.clip.selectedIndex + 1;
    const times = player.question.clips[column - 1]?.times_ms ?? [];
    const tickAt = (/** @type {number} */ ms) => Math.max(0, times.findLastIndex((t) => t <= ms + 1e-6));
    const { who, axis } = this.asked();
    const mark = { question: player.question.id, who, axis, column, name,
      ticks: /** @type {[number, number]} */ ([tickAt(from), tickAt(to)]) };
    try {
      const { kept } = await untilReached(() => sendMark(mark), this.connection);
      this.said.textContent = `Clip ${column}, ${this.span.textContent}, is ${name}: kept as ${kept}.`;
    } catch (error) {
      this.said.textContent = error instanceof Error ? error.message : String(error);
    }
  }
}
