// @ts-check
/**
 * @typedef {{name: string, width: number, height: number}} Camera
 * @typedef {Camera & {recorded: [number, number]}} ClipCamera
 * @typedef {{times_ms: number[], cameras: ClipCamera[]}} Clip
 * @typedef {{id: string, clips: Clip[], worth: string | null, seconds: number | null}} Question
 * @typedef {{between: [string, string], groups: number, opposite: number, tau_b: number | null}} Agreement
 * @typedef {{groups: number, mine: number, ranked: number, enough: boolean, operators: Record<string, number>,
 *   agreements: Agreement[]}} Progress
 * @typedef {{title: string, question: Question | null, progress: Progress, fastest: number, answered: boolean, advice: string | null}} Next
 * @typedef {{order: number[][]} | "skip" | "cannot_tell"} What
 * @typedef {{question: string, who: string, axis: string, what: What, confidence: number, note: string,
 *   response_time_ms: number, ticks_shown: number[], speed: number}} Said
 * @typedef {{name: string, unit: string, limits: [number, number], position: number | null, velocity: number | null}} Joint
 * @typedef {{name: string, running: boolean, tick: number, version: string | null, interventions: Record<string, number>,
 *   shaped: number}} Episode
 * @typedef {"stop" | "hold" | "go_on"} Wish
 * @typedef {{robot: string, problem: string | null, adapter: boolean, stopped: boolean, held: boolean, at_rest: boolean,
 *   status: {phase: string, stop: "none" | "owner" | "person", stops: number, owned: boolean} | null,
 *   joints: Joint[] | null, tool: {position_m: number[] | null, opening_m: number} | null,
 *   decides: "policy" | "person" | "nobody" | null, ours: boolean, episode: Episode | null, cameras: Camera[], waiting: number,
 *   asked: {what: Wish, ago_ms: number, granted: boolean, problem: string | null} | null}} RobotSeen
 */

/** The server refused, and why; sending the same again would not help. */
export class Refused extends Error {
  /** @param {number} status @param {string} why */
  constructor(status, why) {
    super(why);
    this.status = status;
  }
}

/**
 * @param {string} path @param {unknown} body @param {number} [within] milliseconds
 * @returns {Promise<any>}
 */
async function post(path, body, within = 60_000) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(within),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer.error ?? `the server says ${response.status}`);
  return answer;
}

/**
 * Tries again for as long as the server cannot be reached.
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {(waiting: boolean) => void} tell
 * @returns {Promise<T>}
 */
export async function untilReached(attempt, tell) {
  for (let wait = 250; ; wait = Math.min(2 * wait, 4000)) {
    try {
      const result = await attempt();
      tell(false);
      return result;
    } catch (error) {
      if (error instanceof Refused) {
        tell(false);
        throw error;
      }
      tell(true);
      await new Promise((go) => setTimeout(go, wait));
    }
  }
}

/** @param {string} path @param {number} within milliseconds @returns {Promise<any>} */
async function get(path, within) {
  const response = await fetch(path, { signal: AbortSignal.timeout(within) });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer.error ?? `the server says ${response.status}`);
  return answer;
}

/** @returns {Promise<{title: string, who: string, live: boolean, asks: boolean}>} */
export const about = () => get("/api/about", 60_000);

/** @returns {Promise<RobotSeen>} */
export const lookAtRobot = () => get("/api/live", 5000);

/** @param {Wish} what @returns {Promise<RobotSeen>} */
export const askRobot = (what) => post("/api/live/ask", { what }, 2000);

/**
 * @param {{who: string, key: string, what: string, note: string}} said
 * @returns {Promise<{when_unix_ms: number, before: boolean}>}
 */
export const sayOfRobot = (said) => post("/api/live/say", said);

/** @param {number} camera @returns {Promise<Blob>} what it shows now */
export async function getPicture(camera) {
  const response = await fetch(`/live/${camera}`, { signal: AbortSignal.timeout(5000) });
  if (!response.ok) throw new Refused(response.status, "no picture");
  return response.blob();
}

/** @param {string} who @param {string} axis @param {string} question one from before, or none @returns {Promise<Next>} */
export const nextQuestion = (who, axis, question) => post("/api/question", { who, axis, question });

/** @param {Said} said @returns {Promise<{kept: string, before: boolean}>} */
export const sendAnswer = (said) => post("/api/answer", said);

/**
 * @typedef {{question: string, who: string, axis: string, column: number, ticks: [number, number], name: string,
 *   point?: {camera: number, pixel: [number, number]}}} Mark
 * @param {Mark} mark @returns {Promise<{kept: string, before: boolean}>}
 */
export const sendMark = (mark) => post("/api/mark", mark);

/** @param {string} who @param {string} kept @returns {Promise<unknown>} */
export const takeBack = (who, kept) => post("/api/take-back", { who, kept });

/** @param {string} path @returns {Promise<ArrayBuffer>} */
export async function getBytes(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Refused(response.status, `the server says ${response.status} of ${path}`);
  return response.arrayBuffer();
}

/**
 * One picture, as large as it was recorded.
 * @param {string} question @param {number} column @param {number} camera @param {number} tick
 * @returns {Promise<Blob>}
 */
export async function getFrame(question, column, camera, tick) {
  return new Blob([await getBytes(`/frames/${question}/${column}/${camera}/${tick}`)], { type: "image/png" });
}

/**
 * The pictures of a camera, one for each tick.
 * @param {string} question @param {number} column @param {number} camera
 * @returns {Promise<Blob[]>}
 */
export async function getPictures(question, column, camera) {
  const bytes = await getBytes(`/clips/${question}/${column}/${camera}`);
  const view = new DataView(bytes);
  const count = view.getUint32(0, true);
  const pictures = [];
  let at = 4 * (count + 1);
  for (let i = 0; i < count; i++) {
    const length = view.getUint32(4 * (i + 1), true);
    pictures.push(new Blob([new Uint8Array(bytes, at, length)], { type: "image/png" }));
    at += length;
  }
  return pictures;
}
