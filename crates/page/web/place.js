// @ts-check
/**
 * Where somebody is in the ranking, as the part of the address behind the `#`: which episodes, when, and which part.
 * @typedef {{question: string, time: number | null, from: number | null, to: number | null}} Place
 */

const SCREEN = "#ranking";

/** @returns {Place | null} what the address says */
export function placeInAddress() {
  const [screen, rest] = location.hash.split("?");
  if (screen !== SCREEN || !rest) return null;
  const said = new URLSearchParams(rest);
  const ms = (/** @type {string} */ name) => {
    const value = Number(said.get(name) ?? "none");
    return Number.isFinite(value) && value >= 0 ? value : null;
  };
  return { question: said.get("question") ?? "", time: ms("time"), from: ms("from"), to: ms("to") };
}

let due = 0;

/** Says it in the address a moment later: browsers refuse many changes at once. @param {Place | null} place */
export function tellInAddress(place) {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(place ?? {})) {
    if (value !== null) said.set(name, typeof value === "number" ? String(Math.round(value)) : value);
  }
  const address = place ? `${SCREEN}?${said}` : SCREEN;
  clearTimeout(due);
  due = setTimeout(() => {
    if (location.hash !== "#robot" && location.hash !== address) history.replaceState(null, "", address);
  }, 250);
}
