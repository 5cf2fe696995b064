// @ts-check
/** @typedef {import("./player.js").Player} Player */
import { getBytes } from "./requests.js";

const SCRIPT = "/viewer/0.36.3/re_viewer.js";
const WASM = "/viewer/0.36.3/re_viewer.wasm";
const TIMELINE = "step";

/** @type {Promise<any> | null} */
let loading = null;

/** Loads the viewer's program once. @returns {Promise<any>} its module */
function program() {
  loading ??= (async () => {
    await new Promise((loaded, failed) => {
      const script = document.createElement("script");
      script.src = SCRIPT;
      script.onload = loaded;
      script.onerror = () => failed(new Error("the viewer's script could not be loaded"));
      document.head.append(script);
    });
    // @ts-expect-error That script declares it, for all scripts after it.
    const module = /** @type {any} */ (wasm_bindgen);
    await module({ module_or_path: WASM });
    return module;
  })();
  return loading;
}

/** rerun's viewer below the columns, with all clips of the question, at the time of the page. */
export class Viewer {
  /** @param {HTMLElement} place @param {HTMLElement} status */
  constructor(place, status) {
    this.place = place;
    this.status = status;
    /** @type {any} */
    this.handle = null;
    this.question = "";
    this.sent = -1;
  }

  /** @param {EventTarget | null} at whether the viewer has the keys */
  has(at) {
    return at instanceof Node && this.place.contains(at);
  }

  /** @param {Player} player */
  async open(player) {
    if (this.question === player.question.id) return;
    this.close();
    const question = player.question.id;
    this.question = question;
    try {
      this.status.textContent = "Loading the viewer; the clips above can be used meanwhile.";
      const recording = getBytes(`/recordings/${question}`);
      const module = await program();
      const bytes = new Uint8Array(await recording);
      if (this.question !== question) return;
      const canvas = document.createElement("canvas");
      canvas.tabIndex = 0;
      canvas.setAttribute("aria-label", "rerun viewer; the same clips as above");
      canvas.setAttribute("role", "application");
      this.place.replaceChildren(canvas);
      const handle = new module.WebHandle({
        hide_welcome_screen: true,
        enable_history: false,
        panel_state_overrides: { top: "Hidden", blueprint: "Hidden", selection: "Hidden", time: "Collapsed" },
      });
      await handle.start(canvas);
      // Where it reads what is typed: a field outside of the picture, without a label of its own.
      for (const field of document.querySelectorAll("input:not([id]):not([name])")) {
        field.setAttribute("aria-label", "Keyboard input of the rerun viewer");
      }
      handle.open_channel("clips", "clips");
      handle.send_rrd_to_channel("clips", bytes);
      if (this.question !== question) {
        handle.destroy();
        return;
      }
      this.handle = handle;
      this.status.textContent = "The viewer shows the clips below, at the time of the page.";
      // Its first chunks are in some time after they were sent.
      while (this.handle === handle && this.sent < 0) {
        this.follow(player);
        await new Promise((go) => setTimeout(go, 200));
      }
    } catch (error) {
      this.question = "";
      this.status.textContent =
        `The viewer does not work here (${error instanceof Error ? error.message : error}); the clips above do.`;
    }
  }

  /** Shows the time of the page. @param {Player} player */
  follow(player) {
    const handle = this.handle;
    if (!handle || this.question !== player.question.id) return;
    const longest = player.question.clips.reduce((a, b) => (a.times_ms.length >= b.times_ms.length ? a : b));
    const tick = Math.max(0, longest.times_ms.findLastIndex((t) => t <= player.time + 1e-6));
    if (tick === this.sent) return;
    const recording = handle.get_active_recording_id();
    if (!recording) return;
    if (!handle.get_timeline_time_range(recording, TIMELINE)) return;
    handle.set_active_timeline(recording, TIMELINE);
    handle.set_playing(recording, false);
    handle.set_time_for_timeline(recording, TIMELINE, tick);
    this.sent = tick;
    this.place.dataset["tick"] = String(tick);
  }

  close() {
    this.handle?.destroy();
    this.handle = null;
    this.question = "";
    this.sent = -1;
    delete this.place.dataset["tick"];
    this.place.replaceChildren();
    this.status.textContent = "";
  }
}
