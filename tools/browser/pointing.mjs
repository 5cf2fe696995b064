// Dragging clips into order, clicking in their pictures, and links to where somebody is.
import { equal, holds, until } from "./harness.mjs";

export function pointingTests(test, { visitor, begin, lookAtAll, keys, rankings, accessible, screenshots, square }) {
  /** Drags a clip's name to a share of a place, or behind the last one. */
  const drag = async (page, clip, place, share = 0.5) => {
    const from = await page.locator("#columns .handle").nth(clip - 1).boundingBox();
    const list = await page.locator("#places").boundingBox();
    const to = place === null ? { x: list.x + list.width - 8, y: list.y, width: 0, height: list.height }
      : await page.locator(`#places li[data-tier="${place}"]`).boundingBox();
    await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
    await page.mouse.down();
    await page.mouse.move(to.x + to.width * share, to.y + to.height / 2, { steps: 4 });
    await page.mouse.up();
  };

  test("rank four by dragging, into, between and behind, with undo", async (server) => {
    const page = await visitor(server, { viewport: { width: 1366, height: 1400 } });
    await begin(page, "Ada");
    await lookAtAll(page);
    await drag(page, 3, null);
    await drag(page, 1, null);
    await drag(page, 2, 0, 0.05);
    equal(await page.textContent("#order"), "Your order: 2 > 3 > 1", "before the first");
    await drag(page, 4, 1);
    equal(await page.textContent("#order"), "Your order: 2 > 3 = 4 > 1", "into a place");
    await page.screenshot({ path: `${screenshots}/dragged.png`, fullPage: true });
    await keys(page, "Backspace");
    equal(await page.textContent("#order"), "Your order: 2 > 3 > 1", "undone");
    // Somewhere else: nothing.
    const handle = await page.locator("#columns .handle").nth(3).boundingBox();
    await page.mouse.move(handle.x + 4, handle.y + 4);
    await page.mouse.down();
    await page.mouse.move(handle.x + 60, handle.y + 60);
    await page.mouse.up();
    equal(await page.textContent("#order"), "Your order: 2 > 3 > 1", "beside the places");
    await drag(page, 4, null);
    await accessible(page, "places");
    await keys(page, "Enter");
    await until(() => rankings(server, "Ada").length === 1, "it is kept");
    const [kept] = rankings(server, "Ada");
    equal(kept.answer.tiers.map((t) => t.length), [1, 1, 1, 1], "four places");
  });

  test("click in a picture: the pixel is in the log", async (server) => {
    const page = await visitor(server);
    await begin(page, "Ada");
    await until(async () => (await square(page, 0)) > 0, "it plays");
    await page.click("#play");
    await keys(page, "Home", "ArrowRight", "ArrowRight");
    const canvas = page.locator("#columns canvas").nth(3);
    const box = await canvas.boundingBox();
    const scale = Math.min(box.width / 96, box.height / 72);
    const at = (x, y) => ({ x: (box.width - scale * 96) / 2 + scale * (x + 0.5), y: (box.height - scale * 72) / 2 + scale * (y + 0.5) });
    await canvas.click({ position: at(60, 20) });
    equal([await page.inputValue("#mark-x"), await page.inputValue("#mark-y"), await page.inputValue("#mark-clip")], ["60", "20", "2"], "where");
    await page.locator("#ask-heading").focus();
    await page.keyboard.press("b");
    await until(() => server.log().length === 1, "it is kept");
    const [kept] = server.log();
    equal([kept.axis, kept.comment], ["bad", "pixel 60, 20 of 96 x 72, camera wrist"], "the pixel");
    equal(kept.answer.item.span, { start_ns: 200_000_000, end_ns: 200_000_001 }, "of the picture that was shown");
    // Without a mouse.
    await page.fill("#mark-x", "61");
    await page.fill("#mark-name", "edge");
    await page.click("#mark-form button[type=submit]");
    await until(() => server.log().length === 2, "another one is another");
    await page.fill("#mark-x", "96");
    await page.click("#mark-form button[type=submit]");
    await until(async () => (await page.textContent("#mark-said")).includes("allowed"), "beyond the picture");
    equal(server.log().length, 2, "is not kept");
    await accessible(page, "a point");
    await page.screenshot({ path: `${screenshots}/point.png`, fullPage: true });
  });

  test("the address leads back to the episodes, the time and the part", async (server) => {
    const page = await visitor(server);
    await begin(page, "Ada");
    await until(async () => (await square(page, 0)) > 0, "it plays");
    await page.click("#play");
    await keys(page, "Home", "ArrowRight", "i", "ArrowRight", "ArrowRight", "o", "ArrowRight");
    await until(() => page.url().includes("to=300"), "the address says where");
    const link = page.url();
    holds(link.includes("time=400") && link.includes("from=100"), link);
    holds(!link.includes("token"), "and nothing that is secret");
    const shown = await page.locator("#columns canvas").nth(0).evaluate((c) => [...c.getContext("2d").getImageData(c.width >> 1, 4, 1, 1).data]);
    await keys(page, "s");
    await until(async () => (await page.textContent("#progress")).startsWith("You: 1"), "the next group");
    await page.goto("about:blank");
    await page.goto(link);
    await page.waitForSelector("#ask:not([hidden]) canvas");
    await until(async () => (await page.textContent("#clock")).startsWith("0.4"), "the time");
    await until(async () => (await square(page, 0)) === 16, "the picture of that time");
    equal(await page.textContent("#mark-span"), "from 0.1 to 0.3 s", "the part");
    const again = await page.locator("#columns canvas").nth(0).evaluate((c) => [...c.getContext("2d").getImageData(c.width >> 1, 4, 1, 1).data]);
    equal(again, shown, "the same episodes in the same columns");
    equal(page.errors, [], "errors of scripts");
  });

  test("a picture that stays is as large as it was recorded", async (server) => {
    const page = await visitor(server);
    await begin(page, "Ada");
    const size = () => page.locator("#columns canvas").nth(0).evaluate((c) => [c.width, c.height]);
    await page.selectOption("#speed", "0.25");
    await until(async () => (await page.textContent("#play")) === "Pause", "it plays", 40);
    equal(await size(), [480, 360], "smaller while it plays");
    await page.click("#play");
    await until(async () => { const [width] = await size(); return width === 960; }, "as recorded");
    const box = await page.locator("#columns canvas").nth(0).boundingBox();
    await page.locator("#columns canvas").nth(0).click({ position: { x: box.width / 2, y: box.height / 2 } });
    const x = Number(await page.inputValue("#mark-x"));
    holds(Math.abs(x - 480) <= 4, `pixels are those that were recorded: ${x}`);
    await keys(page, "ArrowRight");
    await until(async () => (await size())[0] === 960, "the next one, too");
    await page.click("#play");
    await until(async () => (await size())[0] === 480, "and smaller again");
    equal(page.errors, [], "errors of scripts");
  }, { arguments: ["4", "20", "10"] });

  test("a list is built two at a time, and one may stop when it is whole", async (server) => {
    const page = await visitor(server);
    await begin(page, "Ada");
    let asked = 0;
    while (await page.isHidden("#finished")) {
      equal(await page.locator("#columns canvas").count(), 4, "two clips of two cameras");
      await lookAtAll(page);
      // The redder the better: each clip has a colour of its own.
      const reds = await Promise.all([0, 2].map((nth) => page.locator("#columns canvas").nth(nth)
        .evaluate((c) => c.getContext("2d").getImageData(c.width >> 1, 4, 1, 1).data[0])));
      await keys(page, ...(reds[0] > reds[1] ? ["1", "2"] : ["2", "1"]), "Enter");
      asked++;
      await until(() => rankings(server, "Ada").length === asked, "it is kept");
      await until(async () => !(await page.isHidden("#finished")) || (await page.textContent("#progress")).startsWith(`You: ${asked} `), "the next");
      holds(asked <= 6, "four clips take no more than five comparisons");
    }
    holds((await page.textContent("#worth")).includes("4 of 4 clips; you can stop now"), await page.textContent("#worth"));
    holds(rankings(server, "Ada").every((j) => j.query_reason.startsWith("insertion: clip")), "why it was asked");
    await accessible(page, "a list");
    await page.screenshot({ path: `${screenshots}/list.png`, fullPage: true });
  }, { arguments: ["4", "8", "1", "list"] });
}
