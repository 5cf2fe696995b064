// The robot at work on the page: a simulated one in real time, and a stop from every screen.
import { equal, holds, until } from "./harness.mjs";

/** Tests of a page beside a robot. `tools` are what the other tests use, too. */
export function robotTests(test, { visitor, accessible, screenshots }) {
  const robot = { program: "serve_robot", arguments: ["120"] };
  const line = (page) => page.textContent("#robot-line");
  const pictures = (page, nth) => page.locator("#robot-cameras canvas").nth(nth).evaluate((c) => Number(c.dataset.pictures ?? 0));
  const atWork = async (page) => {
    await until(async () => (await line(page)).endsWith("active"), "the robot is at work", 60);
    await until(async () => (await page.textContent("#robot-facts")).includes("tick"), "an episode runs", 60);
  };
  /** Sum of a picture's pixels, as the page shows it. */
  const sum = (page, nth) => page.locator("#robot-cameras canvas").nth(nth).evaluate((c) => {
    const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum += data[i] * (1 + (i % 97)) + data[i + 1];
    return sum;
  });

  test("the running episode is seen, and a stop by one key is done when the robot says so", async (server) => {
    const page = await visitor(server);
    await atWork(page);
    const facts = await page.textContent("#robot-facts");
    holds(facts.includes("version 3 (aligned)"), `the policy's version: ${facts}`);
    holds(facts.includes("the policy"), "who decides");
    await until(async () => (await pictures(page, 0)) > 3 && (await pictures(page, 1)) > 3, "pictures of both cameras");
    const before = await sum(page, 0);
    holds(before > 0, "they are not black");
    await until(async () => (await sum(page, 0)) !== before, "they change");
    await page.click("#robot summary");
    await until(async () => (await page.locator("#robot-joints tr").count()) === 7, "joints");
    await page.screenshot({ path: `${screenshots}/robot-running.png`, fullPage: true });
    // From a field in which somebody types.
    await page.locator("#robot-note").focus();
    const start = Date.now();
    await page.keyboard.press("Escape");
    const told = await line(page);
    await until(async () => (await line(page)).includes("stopped: the robot says so (phase stopped)"), "it is stopped", 10);
    console.log(`   stopped by the robot's own word ${Date.now() - start} ms after the key; at first: ${told}`);
    const seen = await page.evaluate(async () => (await fetch("/api/live")).json());
    equal([seen.status.phase, seen.status.stop !== "none"], ["stopped", true], "as the robot says it");
    await page.screenshot({ path: `${screenshots}/robot-stopped.png`, fullPage: true });
    equal(page.errors, [], "errors of scripts");
  }, robot);

  test("stop from the ranking's screens, by its button, while nobody has said who they are", async (server) => {
    const page = await visitor(server);
    await atWork(page);
    await page.click("#to-ranking");
    await page.waitForSelector("#start:not([hidden])");
    const box = await page.locator("#stop").boundingBox();
    holds(box.height >= 44 && box.width >= 44, "it is large");
    await page.click("#stop");
    await until(async () => (await line(page)).includes("stopped: the robot says so (phase stopped)"), "it is stopped", 10);
    await page.screenshot({ path: `${screenshots}/robot-stopped-elsewhere.png` });
  }, robot);

  test("hold, go on, and what is said is in the log with its time", async (server) => {
    const page = await visitor(server);
    await atWork(page);
    await page.keyboard.press("u");
    holds((await page.textContent("#robot-said")).includes("who you are"), "not without a name");
    await page.fill("#robot-who", "Ada");
    await page.locator("#robot-heading").focus();
    const from = Date.now();
    await page.keyboard.press("u");
    await until(async () => (await page.textContent("#robot-said")).includes("good moment"), "it is kept");
    const to = Date.now();
    await page.keyboard.press("h");
    await until(async () => (await line(page)).includes("held: nobody decides"), "it is held");
    await page.screenshot({ path: `${screenshots}/robot-held.png` });
    await page.keyboard.press("r");
    await until(async () => (await line(page)).endsWith("active"), "it goes on");
    await page.click("#moment-down");
    await until(async () => (await page.textContent("#robot-said")).includes("bad moment"), "it is kept");
    await page.click("#take-over");
    await until(async () => (await page.textContent("#robot-said")).includes("apprentice takeover"), "a person is asked for");
    await until(async () => (await line(page)).includes("held"), "it stays for them");
    await page.keyboard.press("r");
    await until(() => server.log().length === 3, "all is in the log once the episode is over", 90);
    const [up, down, takeover] = server.log();
    equal([up.answer.kind, up.answer.yes, down.answer.yes, up.axis, takeover.answer.kind], ["flag", true, false, "good", "utterance"], "what");
    holds(up.when_unix_ms >= from && up.when_unix_ms <= to, "when");
    holds(up.answer.item.span.start_ns < down.answer.item.span.start_ns, "of which moment");
  }, { ...robot, arguments: ["25"] });

  test("a page that is frozen holds nothing up, and one that lost its server says so", async (server) => {
    const page = await visitor(server);
    await atWork(page);
    const tick = async (of) => of.evaluate(async () => (await (await fetch("/api/live")).json()).episode.tick);
    const other = await visitor(server);
    const before = await tick(other);
    // Its script does not run at all.
    const frozen = page.evaluate(() => { const end = Date.now() + 4000; while (Date.now() < end); }).catch(() => {});
    await until(async () => (await tick(other)) > before + 20, "the episode goes on");
    await frozen;
    await server.kill();
    await until(async () => !(await page.isHidden("#robot-alert")), "it says that nothing is known");
    holds((await page.textContent("#robot-alert")).includes("emergency stop"), "and what to do");
    equal(await line(page), "", "nothing old is shown as if it were so");
    await page.waitForSelector("#robot-facts", { state: "hidden" });
    await page.screenshot({ path: `${screenshots}/robot-lost.png` });
  }, robot);

  test("the robot's screen is accessible, light and dark, laptop and tablet", async (server) => {
    for (const [device, viewport] of [["laptop", { width: 1366, height: 768 }], ["tablet", { width: 820, height: 1180 }]]) {
      for (const colorScheme of ["light", "dark"]) {
        const page = await visitor(server, { viewport, colorScheme, hasTouch: device === "tablet" });
        await atWork(page);
        await page.click("#robot summary");
        await until(async () => (await pictures(page, 0)) > 1, "pictures");
        await accessible(page, `the robot, ${device}, ${colorScheme}`);
        const small = await page.evaluate(() => [...document.querySelectorAll("button, select, input, summary, nav a")]
          .filter((e) => e.checkVisibility()).map((e) => [e.id, e.getBoundingClientRect()])
          .filter(([, r]) => r.width < 24 || r.height < 24).map(([id]) => id));
        equal(small, [], "targets below 24 px");
        await page.screenshot({ path: `${screenshots}/robot-${device}-${colorScheme}.png`, fullPage: true });
        await page.context().close();
      }
    }
  }, robot);
}
