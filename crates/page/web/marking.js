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
    this.camera = element("mark-camera", HTMLSelectElement);
    this.x = element("mark-x", HTMLInputElement);
    this.y = element("mark-y", HTMLInputElement);
    this.pointed = element("mark-point", HTMLElement);
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
    for (const field of [this.camera, this.x, this.y, this.clip]) field.addEventListener("input", () => this.tell());
    element("mark-none", HTMLButtonElement).addEventListener("click", () => {
      this.x.value = this.y.value = "";
      this.tell();
    });
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
    const cameras = player.question.clips[0]?.cameras ?? [];
    this.camera.replaceChildren(...cameras.map((camera, i) => new Option(camera.name, String(i))));
    this.x.value = this.y.value = "";
    this.tell();
  }

  /** Somebody clicked in a picture. @param {number} clip from 0 @param {number} camera @param {MouseEvent} event */
  clicked(clip, camera, event) {
    const canvas = event.currentTarget;
    const size = this.player?.question.clips[clip]?.cameras[camera]?.recorded;
    if (!(canvas instanceof HTMLCanvasElement) || !size) return;
    // The picture lies in the middle of its canvas, as large as fits.
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const scale = Math.min(width / size[0], height / size[1]);
    const at = [(event.clientX - left - (width - scale * size[0]) / 2) / scale, (event.clientY - top - (height - scale * size[1]) / 2) / scale];
    const [x, y] = at.map(Math.floor);
    if (x === undefined || y === undefined || x < 0 || y < 0 || x >= size[0] || y >= size[1]) return;
    this.part.open = true;
    this.clip.selectedIndex = clip;
    this.camera.selectedIndex = camera;
    [this.x.value, this.y.value] = [String(x), String(y)];
    this.tell();
  }

  /** The pixel that is chosen, if one is. @returns {{camera: number, pixel: [number, number]} | undefined} */
  point() {
    if (this.x.value === "" || this.y.value === "") return undefined;
    return { camera: this.camera.selectedIndex, pixel: [this.x.valueAsNumber, this.y.valueAsNumber] };
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
    this.player?.changed();
  }

  /** Where a link leads. @param {import("./place.js").Place} place */
  go({ time, from, to }) {
    if (time !== null) {
      this.player?.pause();
      this.player?.show(time);
    }
    [this.from, this.to] = [from, to];
    this.part.open = from !== null || to !== null;
    this.tell();
  }

  tell() {
    const seconds = (/** @type {number | null} */ ms) => (ms === null ? "?" : (ms / 1000).toFixed(1));
    this.span.textContent = this.from === null && this.to === null ? "nothing marked"
      : `from ${seconds(this.from)} to ${seconds(this.to)} s`;
    const point = this.point();
    this.pointed.textContent = point
      ? `pixel ${point.pixel.join(", ")} of clip ${this.clip.value}, ${this.camera.selectedOptions[0]?.text ?? ""}` : "no point chosen";
  }

  /** @param {string} name */
  async keep(name) {
    this.part.open = true;
    const { player } = this;
    const point = this.point();
    // A point without a part is of the picture that is shown.
    const from = this.from ?? (point && this.to === null ? player?.time ?? null : null);
    const to = this.to ?? (point && this.from === null ? player?.time ?? null : null);
    if (!player || from === null || to === null || to < from) {
      this.said.textContent = "Mark where it starts (i), then where it ends (o), first.";
      return;
    }
    const column = this.clip.selectedIndex + 1;
    const times = player.question.clips[column - 1]?.times_ms ?? [];
    const tickAt = (/** @type {number} */ ms) => Math.max(0, times.findLastIndex((t) => t <= ms + 1e-6));
    const { who, axis } = this.asked();
    const mark = { question: player.question.id, who, axis, column, name, ...(point && { point }),
      ticks: /** @type {[number, number]} */ ([tickAt(from), tickAt(to)]) };
    try {
      const { kept } = await untilReached(() => sendMark(mark), this.connection);
      this.said.textContent = `Clip ${column}, ${point ? this.pointed.textContent : this.span.textContent}, is ${name}: kept as ${kept}.`;
    } catch (error) {
      this.said.textContent = error instanceof Error ? error.message : String(error);
    }
  }
}
