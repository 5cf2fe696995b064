// The page in a real browser: node page.mjs PROGRAM OUT.json SCREENSHOTS [NAME]
import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { dirname, join } from "node:path";
import { pointingTests } from "./pointing.mjs";
import { robotTests } from "./robot.mjs";
import { Server, TOKEN, equal, holds, until } from "./harness.mjs";

const [program, out, screenshots, only] = process.argv.slice(2);
mkdirSync(screenshots, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-unsafe-swiftshader", "--use-angle=swiftshader"],
});
const tests = [];
/** `of` says which program serves, where it is another one, and what it is told. */
const test = (name, run, of = {}) => tests.push({ name, run, of });

/** A browser of somebody's own, in. */
async function visitor(server, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1366, height: 850 }, ...options });
  const page = await context.newPage();
  page.errors = [];
  page.on("pageerror", (error) => page.errors.push(String(error)));
  page.setDefaultTimeout(20_000);
  await page.goto(server.entrance);
  return page;
}

async function begin(page, who, axis = "") {
  await page.fill("#who", who);
  await page.fill("#axis", axis);
  await page.click("#start-form button");
  await page.waitForSelector("#ask:not([hidden]) canvas");
}

/** Plays at the highest speed until every frame was shown. */
async function lookAtAll(page, seconds = 20) {
  await page.selectOption("#speed", "4");
  await until(async () => (await page.textContent("#seen")).startsWith("Every"), "every frame is shown", seconds);
}

async function keys(page, ...pressed) {
  await page.locator("#ask-heading").focus();
  for (const key of pressed) await page.keyboard.press(key);
}

const rankings = (server, who) => server.log().filter((j) => j.who === who);
const shape = (j) => j.answer.tiers.map((tier) => tier.length);

async function accessible(page, what) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
  }));
  equal(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(" ")}`), [], `axe on ${what}`);
}

/** The colour in the middle of the top edge of a canvas. */
const colour = (page, nth) => page.locator("#columns canvas").nth(nth).evaluate((canvas) =>
  [...canvas.getContext("2d").getImageData(canvas.width >> 1, 4, 1, 1).data]);

/** Where the white square is. */
const square = (page, nth) => page.locator("#columns canvas").nth(nth).evaluate((canvas) => {
  const row = canvas.getContext("2d").getImageData(0, 36, canvas.width, 1).data;
  for (let x = 0; x < canvas.width; x++) if (row[4 * x] > 240 && row[4 * x + 1] > 240) return x;
  return -1;
});

test("open, see frames of every camera and their pixels", async (server) => {
  const page = await visitor(server);
  equal(new URL(page.url()).pathname, "/", "the token is not in the address");
  const start = Date.now();
  await begin(page, "Ada");
  await until(async () => (await colour(page, 0))[3] === 255, "the first still is there", 10);
  const seconds = (Date.now() - start) / 1000;
  equal(await page.locator("#columns canvas").count(), 8, "four clips of two cameras");
  await until(async () => (await square(page, 0)) > 20, "it plays");
  await page.click("#restart");
  const colours = [];
  for (let column = 0; column < 4; column++) {
    const [red, green, blue] = await colour(page, 2 * column);
    equal(green, 90, `green of clip ${column + 1}`);
    holds(red >= 40 && blue <= 200, `colour ${red} ${green} ${blue}`);
    colours.push(red);
    equal((await colour(page, 2 * column + 1))[1], 30, "the second camera is darker");
  }
  equal(new Set(colours).size, 4, "four different clips");
  equal(page.errors, [], "errors of scripts");
  console.log(`   stills after ${seconds.toFixed(2)} s`);
  holds(seconds < 10, `stills after ${seconds} s`);
});

test("frame steps, speeds and the time slider", async (server) => {
  const page = await visitor(server);
  await begin(page, "Ada");
  await until(async () => (await square(page, 0)) > 5, "it plays");
  await page.click("#play");
  await keys(page, "Home");
  await until(async () => (await square(page, 0)) === 0, "at the start");
  await keys(page, "ArrowRight", "ArrowRight");
  // The square moves by 84 pixels in 20 ticks.
  await until(async () => (await square(page, 0)) === 8, "two frames on");
  await until(async () => (await square(page, 7)) === 8, "all together");
  await page.click("#back");
  await until(async () => (await square(page, 0)) === 4, "one frame back");
  await keys(page, "]");
  equal(await page.inputValue("#speed"), "2", "faster");
  await keys(page, "[", "[", "[");
  equal(await page.inputValue("#speed"), "0.25", "slower");
  await page.locator("#time").focus();
  await page.keyboard.press("End");
  await until(async () => (await square(page, 3)) > 70, "at the end");
});

test("plays at real speed and at 0.25 of it", async (server) => {
  const page = await visitor(server);
  await begin(page, "Ada");
  await until(async () => (await page.textContent("#play")) === "Play", "it ends", 30);
  const lasts = async (speed, from) => {
    await page.selectOption("#speed", speed);
    await page.locator("#time").evaluate((t, ms) => { t.value = ms; t.dispatchEvent(new Event("input")); }, from);
    return page.evaluate(() => new Promise((done) => {
      const play = document.getElementById("play");
      const start = performance.now();
      play.click();
      const look = () => (play.textContent === "Play" ? done(performance.now() - start) : requestAnimationFrame(look));
      requestAnimationFrame(look);
    }));
  };
  const real = await lasts("1", 0);
  // A busy machine may be slower: no frame is left out.
  holds(real >= 1850 && real < 20_000, `1.9 s at real speed took ${real} ms`);
  const slow = await lasts("0.25", 1500);
  holds(slow >= 1550 && slow < 20_000, `0.4 s at 0.25 took ${slow} ms`);
});

test("no answer before every frame was shown", async (server) => {
  const page = await visitor(server);
  await begin(page, "Ada");
  await page.click("#play");
  await keys(page, "1", "2", "3", "4", "Enter");
  holds((await page.textContent("#said")).startsWith("Look at every frame"), "it says why not");
  equal(server.log().length, 0, "nothing is kept");
});

test("rank four by keys, with a tie and undo", async (server) => {
  const page = await visitor(server);
  await begin(page, "Ada");
  await lookAtAll(page);
  const start = Date.now();
  await keys(page, "3", "2", "Backspace", "1", "=", "4", "2");
  equal(await page.textContent("#order"), "Your order: 3 > 1 = 4 > 2", "the order");
  await keys(page, "Enter");
  await until(() => rankings(server, "Ada").length === 1, "it is kept");
  console.log(`   by keys in ${Date.now() - start} ms`);
  holds(Date.now() - start < 2000, "2 s at most beyond looking");
  const [kept] = rankings(server, "Ada");
  equal(shape(kept), [1, 2, 1], "the tiers");
  equal([kept.confidence, kept.skipped, kept.query_reason], [1, false, "random groups"], "how it was asked");
  equal(kept.presentation.cameras, ["front", "wrist"], "what was shown");
  equal(kept.presentation.speed, 4, "how fast");
  holds(kept.response_time_ms > 400, "how long it took");
  await until(async () => (await page.textContent("#progress")).startsWith("You: 1 of 2"), "the next group");
  await keys(page, "1", "Enter");
});

test("rank four by clicks alone, unsure and with a note that is no script", async (server) => {
  const page = await visitor(server);
  const words = "<img src=x onerror=\"document.title='broken'\">";
  await begin(page, "<b>Bob</b>", "gentleness");
  await lookAtAll(page);
  for (const clip of [2, 1]) await page.click(`#columns article:nth-child(${clip}) button`);
  await page.click("#tie");
  for (const clip of [4, 3]) await page.click(`#columns article:nth-child(${clip}) button`);
  await page.click("#undo");
  await page.click("#columns article:nth-child(3) button");
  await page.click("input[name=confidence][value='0.5']");
  await page.fill("#note", words);
  await page.click("#answer");
  await until(() => rankings(server, "<b>Bob</b>").length === 1, "it is kept");
  const [kept] = rankings(server, "<b>Bob</b>");
  equal(shape(kept), [1, 2, 1], "the tiers");
  equal([kept.confidence, kept.axis, kept.comment], [0.5, "gentleness", words], "what was said beside");
  await page.reload();
  await page.waitForSelector("#ask:not([hidden])");
  equal(await page.locator("header b").count(), 0, "a name is no markup");
  equal(await page.title(), "Ranking - Apprentice", "a note is no script");
});

test("take the last answer back and give another", async (server) => {
  const page = await visitor(server);
  await begin(page, "Ada");
  await lookAtAll(page);
  await keys(page, "1", "2", "3", "4", "Enter");
  await until(async () => (await page.textContent("#progress")).startsWith("You: 1 of 2"), "the next group");
  await page.click("#take-back");
  await until(async () => (await page.textContent("#progress")).startsWith("You: 0 of 2"), "asked again");
  await lookAtAll(page);
  await keys(page, "4", "3", "2", "1", "Enter");
  await until(() => server.log().length === 3, "the other answer is kept");
  const [first, back, second] = server.log();
  equal([back.answer.kind, back.answer.judgements], ["revocation", [first.id]], "what was taken back");
  equal(second.answer.tiers, [...first.answer.tiers].reverse(), "the other order");
  await until(async () => (await page.textContent("#progress")).startsWith("You: 1 of 2"), "the next group");
  await accessible(page, "after an answer");
});

test("mark a part at the playhead, by keys and by clicks", async (server) => {
  const page = await visitor(server);
  await begin(page, "Ada");
  await until(async () => (await square(page, 0)) > 0, "it plays");
  await page.click("#play");
  await keys(page, "Home", "ArrowRight", "i", "ArrowRight", "ArrowRight", "o", "g");
  await until(() => server.log().length === 1, "the mark is kept");
  await keys(page, "g");
  await page.selectOption("#mark-clip", "3");
  await page.click("#forward");
  await page.click("#mark-end");
  await page.fill("#mark-name", "too close to the edge");
  await page.click("#mark-form button[type=submit]");
  await until(() => server.log().length === 2, "the second mark is kept");
  const [first, second] = server.log();
  equal([first.axis, first.answer.kind, first.answer.yes], ["good", "flag", true], "what it is");
  equal(first.answer.item.span, { start_ns: 100_000_000, end_ns: 300_000_001 }, "where it is");
  equal([second.axis, second.answer.item.span.end_ns], ["too close to the edge", 400_000_001], "the second");
  holds(first.answer.item.episode !== second.answer.item.episode, "of another clip");
  await accessible(page, "marking");
  await page.screenshot({ path: `${screenshots}/marking.png`, fullPage: true });
});

test("skip, cannot tell, and the end", async (server) => {
  const page = await visitor(server);
  await begin(page, "Ada");
  await page.click("#skip");
  await until(() => rankings(server, "Ada").length === 1, "the skip is kept");
  await until(async () => (await page.textContent("#progress")).startsWith("You: 1"), "the next group");
  await lookAtAll(page);
  await keys(page, "c");
  await until(() => rankings(server, "Ada").length === 2, "that it cannot be told is kept");
  equal(rankings(server, "Ada").map((j) => [j.skipped, j.comment ?? null]), [[true, null], [true, "cannot tell"]], "log");
  await page.waitForSelector("#finished:not([hidden])");
  await accessible(page, "the end");
  await page.screenshot({ path: `${screenshots}/finished.png` });
});

test("reload and come back to the same question", async (server) => {
  const page = await visitor(server);
  await begin(page, "Ada");
  const before = await Promise.all([0, 2, 4, 6].map((nth) => until(async () => (await colour(page, nth))[3] === 255, "still")
    .then(() => colour(page, nth))));
  await page.reload();
  await page.waitForSelector("#ask:not([hidden]) canvas");
  const after = await Promise.all([0, 2, 4, 6].map((nth) => until(async () => (await colour(page, nth))[3] === 255, "still")
    .then(() => colour(page, nth))));
  equal(after, before, "the same clips in the same columns");
});

test("the server is killed right after an answer: kept once, and the page goes on", async (server) => {
  const page = await visitor(server);
  await begin(page, "Ada");
  await lookAtAll(page);
  // The answer reaches the server; its acknowledgement does not reach the page.
  let lost = 0;
  await page.route("**/api/answer", async (route) => {
    if (lost++ > 0) return route.continue();
    await route.fetch();
    await server.kill();
    return route.abort();
  });
  await keys(page, "1", "2", "3", "4", "Enter");
  await until(async () => !(await page.isHidden("#connection")), "it says that the server does not answer");
  equal(rankings(server, "Ada").length, 1, "it is on the disk");
  await page.screenshot({ path: `${screenshots}/lost.png` });
  await server.again();
  await until(async () => (await page.textContent("#progress")).startsWith("You: 1 of 2"), "it goes on");
  holds(lost >= 2, "the page sent it again");
  equal(rankings(server, "Ada").length, 1, "kept once");
  await until(async () => page.isHidden("#connection"), "the server answers again");
});

test("two operators at once", async (server) => {
  const pages = [await visitor(server), await visitor(server)];
  const names = ["Ada", "Bob"];
  await Promise.all(pages.map((page, i) => begin(page, names[i])));
  await Promise.all(pages.map((page) => lookAtAll(page)));
  for (const page of pages) await keys(page, "1", "2", "3", "4", "Enter");
  await until(() => server.log().length === 2, "both are kept");
  equal(server.log().map((j) => j.who).sort(), names, "each under their name");
  await pages[0].click("#others summary");
  await pages[0].reload();
  await pages[0].waitForSelector("#ask:not([hidden])");
  await pages[0].click("#others summary");
  await until(async () => (await pages[0].textContent("#agreements")).includes("Ada and Bob"), "agreement is shown");
  await accessible(pages[0], "operators");
  await pages[0].screenshot({ path: `${screenshots}/operators.png`, fullPage: true });
});

test("accessible on every screen, light and dark, laptop and tablet", async (server) => {
  for (const [device, viewport] of [["laptop", { width: 1366, height: 768 }], ["tablet", { width: 820, height: 1180 }]]) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await visitor(server, { viewport, colorScheme, hasTouch: device === "tablet" });
      const shot = (state) => page.screenshot({ path: `${screenshots}/${state}-${device}-${colorScheme}.png`, fullPage: true });
      await accessible(page, "the name");
      await shot("start");
      await begin(page, "Ada");
      await until(async () => (await square(page, 0)) > 30, "it plays");
      await keys(page, "2", "1");
      await page.click("#help summary");
      await accessible(page, "a question");
      await shot("question");
      const small = await page.evaluate(() => [...document.querySelectorAll("button, select, input, summary")]
        .filter((e) => e.checkVisibility()).map((e) => [e.id, e.getBoundingClientRect()])
        .filter(([, r]) => r.width < 24 || r.height < 24).map(([id]) => id));
      equal(small, [], "targets below 24 px");
      await page.context().close();
    }
  }
  const stranger = await (await browser.newContext()).newPage();
  await stranger.goto(server.address);
  await accessible(stranger, "the door");
  await stranger.screenshot({ path: `${screenshots}/door.png` });
  await stranger.fill("#token", "a-wrong-token-of-this-length");
  await stranger.click("button");
  holds(await stranger.isVisible("[data-wrong]"), "a wrong token is said to be wrong");
  await stranger.fill("#token", TOKEN);
  await stranger.click("button");
  await stranger.waitForSelector("#start:not([hidden])");
});

test("everything by keyboard alone, with the keys off", async (server) => {
  const page = await visitor(server);
  await begin(page, "Ada");
  await lookAtAll(page);
  const press = async (wanted) => {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((text) => document.activeElement?.textContent === text, wanted)) break;
    }
    await page.keyboard.press("Enter");
  };
  await page.click("#keys");
  await keys(page, "1");
  equal(await page.textContent("#order"), "No clip chosen yet.", "keys are off");
  for (const clip of [1, 2, 3, 4]) await press(`Clip ${clip} is next best`);
  await press("Answer");
  await until(() => rankings(server, "Ada").length === 1, "it is kept");
});

test("the rerun viewer below, at the time of the page; ranking goes on beside it", async (server) => {
  const page = await visitor(server);
  // While the viewer is compiled and drawn in software, its page answers late.
  page.setDefaultTimeout(150_000);
  await begin(page, "Ada");
  const start = Date.now();
  await page.click("#viewer-part summary");
  // In software, the viewer's drawing leaves little time to others.
  await lookAtAll(page, 100);
  await keys(page, "1", "2");
  equal(await page.textContent("#order"), "Your order: 1 > 2", "ranking does not wait for the viewer");
  await page.click("#play");
  if ((await page.textContent("#play")) === "Pause") await page.click("#play");
  await keys(page, "Home", "ArrowRight", "ArrowRight", "ArrowRight");
  const tick = () => page.evaluate(() => document.getElementById("viewer-place").dataset.tick ?? document.getElementById("viewer-state").textContent);
  await until(async () => {
    const at = await tick();
    holds(!at.includes("does not work"), at);
    return at === "3";
  }, "the viewer is at the time of the page", 150).catch(async (error) => {
    throw new Error(`${error.message}; it is at ${await tick()}`);
  });
  console.log(`   the viewer shows it after ${((Date.now() - start) / 1000).toFixed(1)} s`);
  await keys(page, "ArrowRight");
  await until(async () => (await tick()) === "4", "it follows");
  // White squares on the colours of the clips, somewhere in the viewer's picture.
  await page.locator("#viewer-place").scrollIntoViewIfNeeded();
  await until(async () => {
    const shot = await page.locator("#viewer-place canvas").screenshot({ path: `${screenshots}/viewer.png` });
    const found = await page.evaluate(async (bytes) => {
      const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: "image/png" }));
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      const context = canvas.getContext("2d");
      context.drawImage(bitmap, 0, 0);
      const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
      const clips = new Set();
      for (let i = 0; i < data.length; i += 4) {
        const number = (data[i] - 40) / 20;
        if (Number.isInteger(number) && number >= 0 && number < 8 && data[i + 1] === 90
          && data[i + 2] === 200 - 15 * number) clips.add(number);
      }
      return clips.size;
    }, [...shot]);
    return found === 4;
  }, "four clips in the viewer's picture", 60);
  await accessible(page, "the viewer");
  equal(page.errors, [], "errors of scripts");
});

const shared = { visitor, begin, lookAtAll, keys, rankings, accessible, screenshots, square };
pointingTests(test, shared);
robotTests(test, shared);

const results = [];
for (const { name, run, of } of tests.filter((t) => !only || t.name.includes(only))) {
  const start = Date.now();
  let error = null;
  const served = of.program ? join(dirname(program), of.program) : program;
  const server = await Server.start(served, of.arguments);
  try {
    await run(server);
  } catch (caught) {
    error = caught;
  }
  for (const context of browser.contexts()) await context.close();
  await server.kill().catch(() => {});
  const seconds = (Date.now() - start) / 1000;
  results.push({ test: name, pass: error === null, seconds, ...(error && { error: String(error) }) });
  console.log(`${error ? "FAIL" : "ok  "} ${seconds.toFixed(1).padStart(5)} s  ${name}${error ? `\n${error.stack}` : ""}`);
}
await browser.close();
writeFileSync(out, JSON.stringify(results, null, 2));
process.exit(results.every((r) => r.pass) ? 0 : 1);
