// @ts-check
/** @typedef {import("./requests.js").Question} Question */
import { getFrame, getPictures } from "./requests.js";

/** One camera of one column. */
class View {
  /** @param {HTMLCanvasElement} canvas @param {number} column @param {number[]} times */
  constructor(canvas, column, times) {
    this.canvas = canvas;
    this.column = column;
    this.times = times;
    /** @type {Blob[]} */
    this.pictures = [];
    this.wanted = -1;
    this.drawn = -1;
    this.drawing = false;
    /** @type {Set<number>} */
    this.seen = new Set();
  }

  /** The tick at a time, or the last before it. @param {number} ms */
  tickAt(ms) {
    let low = 0;
    let high = this.times.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.times[middle] ?? 0) <= ms + 1e-6) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Draws the tick that is wanted, unless a picture is on its way: then afterwards. @param {() => void} drew */
  async draw(drew) {
    if (this.drawing) return;
    this.drawing = true;
    try {
      while (this.wanted !== this.drawn && this.pictures[this.wanted]) {
        const tick = this.wanted;
        const bitmap = await createImageBitmap(/** @type {Blob} */ (this.pictures[tick]));
        if (this.canvas.width !== bitmap.width) this.canvas.width = bitmap.width;
        if (this.canvas.height !== bitmap.height) this.canvas.height = bitmap.height;
        this.canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
        bitmap.close();
        this.drawn = tick;
        this.seen.add(tick);
        drew();
      }
    } finally {
      this.drawing = false;
    }
  }
}

/** How long a picture has to stay before it is shown as large as it was recorded, milliseconds. */
const STAYS = 200;

/** Plays the clips of a question together. Slower than asked where frames would be left out. */
export class Player {
  /**
   * @param {Question} question
   * @param {HTMLCanvasElement[][]} canvases of each column, of each camera
   * @param {() => void} changed called when time, frames or state changed
   */
  constructor(question, canvases, changed) {
    this.question = question;
    this.changed = changed;
    this.views = question.clips.flatMap((clip, c) =>
      clip.cameras.map((_, i) => new View(/** @type {HTMLCanvasElement} */ (canvases[c]?.[i]), c, clip.times_ms)));
    this.times = [...new Set(question.clips.flatMap((clip) => clip.times_ms))].sort((a, b) => a - b);
    this.length = this.times.at(-1) ?? 0;
    this.time = 0;
    this.speed = 1;
    this.playing = false;
    this.loaded = false;
    this.ended = false;
    this.last = 0;
    this.staying = 0;
  }

  /** Fetches all pictures, then plays. */
  async load() {
    await Promise.all(this.views.map(async (view) => {
      const clip = this.question.clips[view.column];
      const camera = this.views.filter((v) => v.column === view.column).indexOf(view);
      if (!clip) return;
      view.pictures = await getPictures(this.question.id, view.column + 1, camera);
    }));
    this.loaded = true;
    this.show(0);
    this.play();
  }

  play() {
    if (this.time >= this.length) this.time = 0;
    this.playing = true;
    this.last = performance.now();
    requestAnimationFrame((now) => this.step(now));
    this.changed();
  }

  /** Shows the pictures as large as they were recorded, once they stay. */
  sharpen() {
    clearTimeout(this.staying);
    if (this.playing || !this.loaded) return;
    this.staying = setTimeout(() => {
      for (const view of this.views) void this.sharpenView(view);
    }, STAYS);
  }

  /** @param {View} view */
  async sharpenView(view) {
    const cameras = this.question.clips[view.column]?.cameras ?? [];
    const camera = this.views.filter((v) => v.column === view.column).indexOf(view);
    const size = cameras[camera];
    const tick = view.drawn;
    if (!size || size.recorded[0] <= size.width || this.ended) return;
    try {
      const bitmap = await createImageBitmap(await getFrame(this.question.id, view.column + 1, camera, tick));
      // Meanwhile it may have gone on.
      if (view.drawn !== tick || view.wanted !== tick || this.playing || this.ended) return;
      [view.canvas.width, view.canvas.height] = [bitmap.width, bitmap.height];
      view.canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
      bitmap.close();
    } catch {
      // The smaller one stays.
    }
  }

  pause() {
    this.playing = false;
    this.sharpen();
    this.changed();
  }

  /** The question is over. */
  end() {
    this.ended = true;
    this.playing = false;
  }

  /** @param {number} now milliseconds */
  step(now) {
    if (!this.playing || this.ended) return;
    const passed = Math.max(0, now - this.last);
    this.last = now;
    if (this.loaded && this.views.every((view) => view.drawn === view.wanted)) {
      const wanted = this.time + passed * this.speed;
      // No further than the next frame: each is on the screen once.
      const next = this.times.find((t) => t > this.time + 1e-6) ?? this.length;
      this.show(Math.min(wanted, next, this.length));
      if (this.time >= this.length) {
        this.pause();
        return;
      }
    }
    requestAnimationFrame((later) => this.step(later));
  }

  /** @param {number} ms */
  show(ms) {
    this.time = Math.min(Math.max(ms, 0), this.length);
    for (const view of this.views) {
      view.wanted = view.tickAt(this.time);
      void view.draw(() => this.changed());
    }
    this.sharpen();
    this.changed();
  }

  /** A frame on (1) or back (-1). @param {1 | -1} by */
  stepFrame(by) {
    this.playing = false;
    const at = this.times.findLastIndex((t) => t <= this.time + 1e-6);
    const to = Math.min(Math.max(at + by, 0), this.times.length - 1);
    this.show(this.times[to] ?? 0);
  }

  /** For each column, how many ticks all its cameras have shown. */
  ticksShown() {
    return this.question.clips.map((clip, c) => {
      const views = this.views.filter((view) => view.column === c);
      return clip.times_ms.filter((_, tick) => views.every((view) => view.seen.has(tick))).length;
    });
  }

  get allShown() {
    const shown = this.ticksShown();
    return this.question.clips.every((clip, c) => shown[c] === clip.times_ms.length);
  }
}
