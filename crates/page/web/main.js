// @ts-check
import { element } from "./elements.js";
import { Dragging } from "./dragging.js";
import { Order } from "./order.js";
import { Marking } from "./marking.js";
import { placeInAddress, tellInAddress } from "./place.js";
import { Player } from "./player.js";
import { Refused, about, nextQuestion, sendAnswer, takeBack, untilReached } from "./requests.js";
import { Robot } from "./robot.js";
import { Viewer } from "./viewer.js";

/** @typedef {import("./requests.js").Next} Next @typedef {import("./requests.js").What} What */

const ui = {
  start: element("start", HTMLElement),
  who: element("who", HTMLInputElement),
  axis: element("axis", HTMLInputElement),
  ask: element("ask", HTMLElement),
  askHeading: element("ask-heading", HTMLElement),
  finished: element("finished", HTMLElement),
  columns: element("columns", HTMLElement),
  play: element("play", HTMLButtonElement),
  speed: element("speed", HTMLSelectElement),
  time: element("time", HTMLInputElement),
  clock: element("clock", HTMLElement),
  seen: element("seen", HTMLElement),
  order: element("order", HTMLElement),
  tie: element("tie", HTMLButtonElement),
  undo: element("undo", HTMLButtonElement),
  note: element("note", HTMLInputElement),
  answer: element("answer", HTMLButtonElement),
  cannotTell: element("cannot-tell", HTMLButtonElement),
  skip: element("skip", HTMLButtonElement),
  keys: element("keys", HTMLInputElement),
  said: element("said", HTMLElement),
  takeBack: element("take-back", HTMLButtonElement),
  connection: element("connection", HTMLElement),
  viewerPart: element("viewer-part", HTMLDetailsElement),
};

const state = {
  who: sessionStorage.getItem("who") ?? "",
  axis: sessionStorage.getItem("axis") ?? "",
  /** @type {Next | null} */ next: null,
  /** @type {Player | null} */ player: null,
  order: new Order(0),
  asked: 0,
  /** What was answered last, in this page. */
  kept: "",
  sending: false,
  due: false,
};
const viewer = new Viewer(element("viewer-place", HTMLElement), element("viewer-state", HTMLElement));

const dragging = new Dragging(element("places", HTMLElement), () => state.order, () => changed());
const robot = new Robot(state, () => state.player?.pause());
const marking = new Marking(() => state, connection);

/** @param {boolean} waiting */
function connection(waiting) {
  ui.connection.hidden = !waiting;
  ui.connection.textContent = waiting ? "The server does not answer; this page tries again. Leave it open: nothing you said is lost." : "";
}

/** @param {string} text @param {boolean} [wrong] */
function say(text, wrong = false) {
  ui.said.textContent = text;
  ui.said.classList.toggle("wrong", wrong);
}

/** @param {"start" | "ask" | "finished"} screen */
function show(screen) {
  ui.start.hidden = screen !== "start";
  ui.ask.hidden = screen !== "ask";
  ui.finished.hidden = screen !== "finished";
}

/** @param {string} name @param {string} text */
function fill(name, text) {
  element(name, HTMLElement).textContent = text;
}

/** @param {Next} next */
function showProgress(next) {
  const { groups, mine, ranked, enough, operators, agreements } = next.progress;
  const stop = enough ? "; every group is ranked, you can stop now" : "";
  fill("title", next.title);
  const { worth, seconds } = next.question ?? { worth: null, seconds: null };
  const cost = seconds === null ? [] : [`about ${Math.round(seconds)} s`];
  const told = [...(worth === null ? [] : [worth]), ...cost].join(", ");
  fill("worth", [told && `This answer: ${told}.`, next.advice ?? ""].filter(Boolean).join(" "));
  const of = groups === 0 ? "answers" : `of ${groups} groups`;
  fill("progress", `You: ${mine} ${of}. All operators: ${ranked} ${groups === 0 ? "" : `of ${groups}`}${groups === 0 ? "" : stop}.`.replace(" .", "."));
  fill("operator-name", state.axis ? `${state.who}, by ${state.axis}` : state.who);
  element("operator", HTMLElement).hidden = false;
  rows("operators", Object.entries(operators).map(([who, n]) => [who, String(n)]));
  element("agreement-table", HTMLElement).hidden = agreements.length === 0;
  rows("agreements", agreements.map((a) => [
    a.between.join(" and "), String(a.groups), String(a.opposite), a.tau_b === null ? "all tied" : a.tau_b.toFixed(2),
  ]));
}

/** @param {string} name @param {string[][]} table */
function rows(name, table) {
  element(name, HTMLElement).replaceChildren(...table.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
    return row;
  }));
}

/** Asks for a question and shows it. @param {import("./place.js").Place | null} [linked] which, and where in it */
async function ask(linked = null) {
  let next;
  try {
    next = await untilReached(() => nextQuestion(state.who, state.axis, linked?.question ?? ""), connection);
  } catch (error) {
    show("start");
    ui.who.focus();
    say("");
    const refused = error instanceof Refused && error.status === 401;
    ui.connection.hidden = false;
    ui.connection.textContent = refused ? "The server was started anew; open the page by the address that its terminal says."
      : error instanceof Error ? error.message : String(error);
    return;
  }
  state.next = next;
  showProgress(next);
  state.player?.end();
  viewer.close();
  ui.viewerPart.open = false;
  const question = next.question;
  if (!question) {
    state.player = null;
    tellInAddress(null);
    fill("finished-text", next.progress.enough
      ? "Every group is ranked. What comes next can be started in the terminal."
      : "Groups that you skipped stay skipped.");
    show("finished");
    element("finished-heading", HTMLElement).focus();
    return;
  }
  state.order = new Order(question.clips.length);
  state.asked = performance.now();
  ui.note.value = "";
  for (const radio of document.querySelectorAll("input[name=confidence]")) {
    if (radio instanceof HTMLInputElement) radio.checked = radio.value === "1";
  }
  const by = state.axis ? `by ${state.axis}` : "as you like them over all";
  ui.askHeading.textContent = `Group ${next.progress.mine + 1}: put these ${question.clips.length} clips in order ${by}, best first`;
  const canvases = question.clips.map((clip, c) => clip.cameras.map((camera, i) => canvasOf(question.id, c, i, camera)));
  ui.columns.replaceChildren(...canvases.map((of, c) => column(c, of)));
  ui.columns.style.setProperty("--columns", String(question.clips.length));
  const player = new Player(question, canvases, changedSoon);
  player.speed = Number(ui.speed.value);
  state.player = player;
  marking.begin(player);
  if (!linked) tellInAddress({ question: question.id, time: null, from: null, to: null });
  ui.time.max = String(player.length);
  show("ask");
  changed();
  ui.askHeading.focus();
  try {
    await untilReached(() => player.load(), connection);
    if (linked?.question === question.id) marking.go(linked);
    if (next.answered) say("You have answered this group before; that answer stays unless you take it back.");
  } catch (error) {
    say(`The pictures could not be loaded: ${error instanceof Error ? error.message : error}`, true);
  }
}

/** @param {string} question @param {number} c @param {number} i @param {import("./requests.js").Camera} camera */
function canvasOf(question, c, i, camera) {
  const canvas = document.createElement("canvas");
  canvas.width = camera.width;
  canvas.height = camera.height;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Clip ${c + 1}, camera ${camera.name}`);
  const still = new Image();
  still.onload = () => {
    if (!state.player?.loaded) canvas.getContext("2d")?.drawImage(still, 0, 0);
  };
  canvas.addEventListener("click", (event) => marking.clicked(c, i, event));
  still.src = `/stills/${question}/${c + 1}/${i}`;
  return canvas;
}

/** @param {number} c @param {HTMLCanvasElement[]} canvases */
function column(c, canvases) {
  const box = document.createElement("article");
  box.className = "column";
  const heading = document.createElement("h3");
  const name = Object.assign(document.createElement("span"), { textContent: `Clip ${c + 1}` });
  dragging.handle(name, c + 1);
  heading.append(name, Object.assign(document.createElement("span"), { className: "place" }));
  const choose = document.createElement("button");
  choose.type = "button";
  choose.textContent = `Clip ${c + 1} is next best`;
  choose.setAttribute("aria-keyshortcuts", String(c + 1));
  choose.addEventListener("click", () => chose(c + 1));
  const figures = canvases.map((canvas, i) => {
    const figure = document.createElement("figure");
    const name = state.next?.question?.clips[c]?.cameras[i]?.name ?? "";
    figure.append(canvas, Object.assign(document.createElement("figcaption"), { textContent: name }));
    return figure;
  });
  box.append(heading, ...figures, choose);
  return box;
}

/** @param {number} number of the column, from 1 */
function chose(number) {
  if (state.order.choose(number)) say("");
  changed();
}

/** What stops an answer, if anything. @param {boolean} ordered */
function missing(ordered) {
  if (!state.player?.allShown) return "Look at every frame of each clip first (up to 4 times the speed).";
  if (ordered && !state.order.complete) return "Choose every clip first.";
  return null;
}

/** Brings the controls up to date with the next frame, once. */
function changedSoon() {
  if (state.due) return;
  state.due = true;
  requestAnimationFrame(() => {
    state.due = false;
    changed();
  });
}

/** Brings the controls up to date. */
function changed() {
  const { player, order } = state;
  if (!player) return;
  ui.play.textContent = player.playing ? "Pause" : "Play";
  ui.time.value = String(player.time);
  ui.clock.textContent = `${(player.time / 1000).toFixed(1)} of ${(player.length / 1000).toFixed(1)} s`;
  ui.time.setAttribute("aria-valuetext", ui.clock.textContent);
  const shown = player.ticksShown();
  const seen = player.allShown
    ? "Every frame of each clip was shown."
    : `Frames shown: ${shown.map((n, c) => `clip ${c + 1} ${n} of ${player.question.clips[c]?.times_ms.length}`).join(", ")}.`;
  if (player.loaded && !player.playing) tellInAddress({ question: player.question.id, time: player.time, from: marking.from, to: marking.to });
  if (ui.seen.textContent !== seen) ui.seen.textContent = seen;
  const said = order.made.length === 0 ? "No clip chosen yet." : `Your order: ${order}${order.tieNext ? " =" : ""}`;
  if (ui.order.textContent !== said) ui.order.textContent = said;
  dragging.draw();
  ui.tie.setAttribute("aria-pressed", String(order.tieNext));
  ui.answer.setAttribute("aria-disabled", String(missing(true) !== null || state.sending));
  ui.cannotTell.setAttribute("aria-disabled", String(missing(false) !== null || state.sending));
  [...ui.columns.children].forEach((box, c) => {
    const place = order.placeOf(c + 1);
    box.classList.toggle("chosen", place !== null);
    const label = box.querySelector(".place");
    const text = place === null ? "" : `place ${place}`;
    if (label && label.textContent !== text) label.textContent = text;
    box.querySelector("button")?.setAttribute("aria-disabled", String(place !== null));
  });
  viewer.follow(player);
}

/** @param {What} what */
async function answer(what) {
  const player = state.player;
  if (!player || state.sending) return;
  const why = what === "skip" ? null : missing(what !== "cannot_tell");
  if (why) {
    say(why, true);
    return;
  }
  const sure = document.querySelector("input[name=confidence]:checked");
  /** @type {import("./requests.js").Said} */
  const said = {
    question: player.question.id,
    who: state.who,
    axis: state.axis,
    what,
    confidence: sure instanceof HTMLInputElement ? Number(sure.value) : 1,
    note: ui.note.value,
    response_time_ms: Math.round(performance.now() - state.asked),
    ticks_shown: player.ticksShown(),
    speed: player.speed,
  };
  state.sending = true;
  changed();
  try {
    const { kept } = await untilReached(() => sendAnswer(said), connection);
    remember(kept);
    say(`Kept as ${kept.slice(0, 12)}.`);
  } catch (error) {
    const conflict = error instanceof Refused && error.status === 409;
    say(error instanceof Error ? error.message : String(error), true);
    if (!conflict) return;
  } finally {
    state.sending = false;
    changed();
  }
  await ask();
}

/** @param {string} kept id of the last answer; none where there is nothing to take back */
function remember(kept) {
  state.kept = kept;
  ui.takeBack.hidden = kept === "";
}

async function takeLastBack() {
  if (!state.kept || state.sending) return;
  state.sending = true;
  try {
    await untilReached(() => takeBack(state.who, state.kept), connection);
    say(`Taken back: ${state.kept.slice(0, 12)}; you are asked again.`);
    remember("");
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), true);
    return;
  } finally {
    state.sending = false;
  }
  await ask();
}

/** @param {number} by places in the list of speeds */
function changeSpeed(by) {
  ui.speed.selectedIndex = Math.min(Math.max(ui.speed.selectedIndex + by, 0), ui.speed.length - 1);
  ui.speed.dispatchEvent(new Event("change"));
}

/** @type {Record<string, () => void>} */
const actions = {
  " ": () => ui.play.click(),
  ArrowLeft: () => state.player?.stepFrame(-1),
  ArrowRight: () => state.player?.stepFrame(1),
  Home: () => state.player?.show(0),
  "[": () => changeSpeed(-1),
  "]": () => changeSpeed(1),
  "=": () => ui.tie.click(),
  Backspace: () => ui.undo.click(),
  Enter: () => ui.answer.click(),
  i: () => marking.start(),
  o: () => marking.end(),
  g: () => void marking.keep("good"),
  b: () => void marking.keep("bad"),
  c: () => ui.cannotTell.click(),
  s: () => ui.skip.click(),
  z: () => void takeLastBack(),
};

document.addEventListener("keydown", (event) => {
  if (ui.ask.hidden || robot.isShown || !ui.keys.checked || event.ctrlKey || event.altKey || event.metaKey) return;
  const at = event.target;
  const typed = at instanceof HTMLInputElement && at.type !== "radio" && at.type !== "checkbox" && at.type !== "range";
  if (typed || at instanceof HTMLSelectElement) return;
  // What has the focus keeps the keys that are its own.
  const own = at instanceof HTMLButtonElement || (at instanceof HTMLElement && at.tagName === "SUMMARY");
  if (own && (event.key === " " || event.key === "Enter")) return;
  if (at instanceof HTMLInputElement && (event.key === " " || event.key.startsWith("Arrow") || event.key === "Home")) return;
  if (viewer.has(at)) return;
  const number = Number(event.key);
  const action = Number.isInteger(number) && number >= 1 && number <= 6 ? () => chose(number) : actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

ui.play.addEventListener("click", () => (state.player?.playing ? state.player.pause() : state.player?.play()));
element("restart", HTMLButtonElement).addEventListener("click", () => state.player?.show(0));
element("back", HTMLButtonElement).addEventListener("click", () => state.player?.stepFrame(-1));
element("forward", HTMLButtonElement).addEventListener("click", () => state.player?.stepFrame(1));
ui.speed.addEventListener("change", () => {
  if (state.player) state.player.speed = Number(ui.speed.value);
});
ui.time.addEventListener("input", () => {
  const to = Number(ui.time.value);
  state.player?.pause();
  state.player?.show(to);
});
ui.tie.addEventListener("click", () => {
  state.order.toggleTie();
  changed();
});
ui.undo.addEventListener("click", () => {
  state.order.undo();
  changed();
});
ui.answer.addEventListener("click", () => void answer({ order: state.order.tiers() }));
ui.cannotTell.addEventListener("click", () => void answer("cannot_tell"));
ui.takeBack.addEventListener("click", () => void takeLastBack());
ui.skip.addEventListener("click", () => void answer("skip"));
element("look-again", HTMLButtonElement).addEventListener("click", () => void ask());
element("change-operator", HTMLButtonElement).addEventListener("click", () => {
  state.player?.end();
  show("start");
  ui.who.focus();
});
element("start-form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  state.who = ui.who.value.trim();
  state.axis = ui.axis.value.trim();
  remember("");
  sessionStorage.setItem("who", state.who);
  sessionStorage.setItem("axis", state.axis);
  void ask(placeInAddress());
});
ui.viewerPart.addEventListener("toggle", () => {
  if (ui.viewerPart.open && state.player) void viewer.open(state.player);
});

ui.who.value = state.who;
ui.axis.value = state.axis;
/** What this page is of, and whether a robot is at work. */
async function open() {
  if (!state.who) show("start");
  try {
    const { title, who, live, asks } = await untilReached(about, connection);
    fill("title", title);
    ui.who.value ||= who;
    if (live) {
      if (!asks) location.hash = "#robot";
      robot.begin();
    }
  } catch {
    connection(true);
  }
  if (robot.isShown) return;
  if (state.who) void ask(placeInAddress());
  else ui.who.focus();
}

addEventListener("hashchange", () => {
  const place = placeInAddress();
  if (robot.isShown || !state.who) return;
  if (!state.next || (place && place.question !== state.player?.question.id)) void ask(place);
});
void open();
