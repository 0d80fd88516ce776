// The dashboard of a consumer that works: what is on it, that it is true, and that it moves.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

import { awaitState, launch, open, text } from "./browser.mjs";
import { valueOf } from "./metrics_text.mjs";
import { eventually, PATIENCE, Stage } from "./programs.mjs";

let browser;
let stage;
before(async () => { browser = await launch(); });
after(() => browser.close());
beforeEach(() => { stage = new Stage(); });
afterEach(() => stage.end());

async function shownBatch(page) {
  return Number((await page.locator("#last-batches tr").first().getAttribute("data-batch")) ?? 0);
}

async function shown(page, metric) {
  return Number(await page.locator(`[data-metric='${metric}']`).first().getAttribute("data-value"));
}

test("it shows who is held, the batches and the sink, and goes on by itself", async () => {
  const consumer = await stage.consumer({ options: ["--interval", "200ms"] });
  stage.producers("--count", "10");
  const { page, errors } = await open(browser, consumer.url);
  await awaitState(page, "serving", PATIENCE);
  await eventually(async () => await shown(page, "blocky_live_producers") === 10, "ten producers");
  await eventually(async () => await shown(page, "blocky_held_producers") === 10, "ten held producers");
  const first = await shownBatch(page);
  await eventually(async () => await shownBatch(page) > first + 3, "newer batches");
  assert.match(await text(page, "#identity"), new RegExp(`run ${JSON.parse(consumer.batches[0]).run} .*interval 200 ms`));
  assert.match(await text(page, "#sink-state"), /^sum: /);
  assert.match(await text(page, "#batches-words"), /Last \d+ batch.*10 messages.*timer/);
  await eventually(async () => Number((await text(page, "#throughput")).replaceAll(",", "")) > 10, "a throughput");
  assert.deepEqual(errors, []);
});

test("every number is that of /metrics and of the batch log", async () => {
  const consumer = await stage.consumer({ options: ["--linger", "5ms"] });
  const { page, errors } = await open(browser, consumer.url);
  const line = (id) => `{"id":"${id}","n":1}\n`;
  const numbers = stage.producer("--count", "40");
  const again = stage.producer("--input", "-", "--id-field", "/id");
  again.stdin.end("");
  const words = stage.producer("--input", "-", "--raw"); // the sum takes no strings: bad_request
  words.stdin.end(line("a") + line("b"));
  assert.deepEqual([await numbers.done, await again.done, await words.done], [0, 0, 3]);
  const same = ["1\n1\n1\n", "2\n1\n"].map((input) => {
    const producer = stage.producer("--input", "-", "--id-field", "");
    producer.stdin.end(input);
    return producer.done;
  });
  assert.deepEqual(await Promise.all(same), [0, 0]);

  const metrics = await eventually(async () => {
    const now = await consumer.metrics();
    return valueOf(now, "blocky_duplicates_total") === 3 && valueOf(now, "blocky_live_producers") === 0 && now;
  }, "three duplicates, and nobody there any more");
  const metric = (name) => valueOf(metrics, name);
  assert.equal(metric('blocky_replies_total{outcome="bad_request"}'), 2);
  await eventually(async () => await shown(page, "blocky_duplicates_total") === 3 &&
    await shown(page, "blocky_live_producers") === 0, "the last numbers");
  const cells = await page.locator("[data-metric]").all();
  assert.ok(cells.length >= 20);
  for (const cell of cells) {
    const name = await cell.getAttribute("data-metric");
    assert.equal(Number(await cell.getAttribute("data-value")), metric(name), name);
    assert.equal((await cell.textContent()).replaceAll(",", ""), String(metric(name)), name);
  }

  const log = consumer.batches.map((each) => JSON.parse(each));
  assert.equal(log.length, metric("blocky_batches_total"));
  assert.equal(log.reduce((sum, batch) => sum + batch.size, 0), metric("blocky_batch_size_messages_sum"));
  assert.equal(log.reduce((sum, batch) => sum + batch.size, 0), metric('blocky_messages_total{outcome="stored"}'));
  const rows = await page.locator("#last-batches tr").evaluateAll((all) =>
    all.map((row) => [...row.children].map((cell) => cell.textContent)));
  const expected = log.slice(-20).reverse();
  assert.equal(rows.length, expected.length);
  rows.forEach((row, index) => {
    const batch = expected[index];
    assert.deepEqual([row[0], row[1], row[2], row[3], row[6], row[7]],
      [String(batch.batch), batch.ts.slice(11, 23), String(batch.size), batch.trigger, batch.status, String(batch.summary)]);
    assert.ok(Math.abs(parseFloat(row[4]) - batch.hold_ms_max) < 1, `${row[4]} is ${batch.hold_ms_max} ms`);
  });
  const status = await (await fetch(`${consumer.url}status`)).json();
  assert.deepEqual(status.batches, log);
  assert.deepEqual(errors, []);
});

test("a straggler is named", async () => {
  const consumer = await stage.consumer({ options: ["--barrier=3", "--interval", "300ms"] });
  stage.producers("--count", "2", "--once", "late-one");
  const { page } = await open(browser, consumer.url);
  await eventually(async () => (await page.locator("#missing li").allTextContents()).join() === "late-one",
    "the name of who is late");
  assert.match(await text(page, "#missing-words"), /1 producer has no message in it; the batch waits/);
});

test("it can be used without a mouse, and heard", async () => {
  const consumer = await stage.consumer({ options: ["--interval", "100ms"] });
  stage.producers("--count", "3");
  const { page } = await open(browser, consumer.url);
  await eventually(async () => await shown(page, "blocky_live_producers") === 3, "three producers");
  const order = [];
  for (let i = 0; i < 5; ++i) {
    await page.keyboard.press("Tab");
    order.push(await page.evaluate(() => document.activeElement.id || document.activeElement.className ||
      document.activeElement.textContent));
  }
  assert.deepEqual(order, ["skip", "pause", "theme", "dots", "scroll"]);
  await page.locator("#dots").focus();
  await page.keyboard.press("ArrowRight");
  assert.match(await text(page, "#selected"), /^p-1: (free|held)/);
  await page.keyboard.press("ArrowRight");
  assert.match(await text(page, "#selected"), /^p-2: /);
  for (const role of ["banner", "main", "contentinfo"]) assert.equal(await page.getByRole(role).count(), 1, role);
  assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);
  for (const name of ["Producers", "Batches, by size", "Longest hold and processing, by batch", "Messages a second, last minute"]) {
    assert.equal(await page.getByRole("img", { name, exact: true }).count(), 1, name);
  }
  assert.equal(await page.getByRole("table", { name: /last batches/i }).count(), 1);
  assert.equal(await page.locator("#state").getAttribute("role"), "status");
  await page.locator("#pause").press("Enter");
  assert.equal(await page.locator("#pause").getAttribute("aria-pressed"), "true");
  const stopped = await shownBatch(page);
  const logged = consumer.batches.length;
  await eventually(() => consumer.batches.length > logged + 5, "batches while it is paused");
  assert.equal(await shownBatch(page), stopped);
  await page.locator("#pause").press("Enter");
  await eventually(async () => await shownBatch(page) > stopped + 4, "what came meanwhile");
});

// WCAG 2.1: the contrast of two colours such as rgb(1, 2, 3).
function contrast(one, other) {
  const luminance = (color) => {
    const [r, g, b] = color.match(/[\d.]+/g).slice(0, 3).map((each) => {
      const c = Number(each) / 255;
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

// The colour of each element with a text of its own, and that of what is behind it.
function textColors() {
  const solid = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const back = getComputedStyle(each).backgroundColor;
      if (!/, 0\)$|transparent/.test(back)) return back;
    }
    return getComputedStyle(document.body).backgroundColor;
  };
  return [...document.querySelectorAll("body *")]
    .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) &&
      each.checkVisibility())
    .map((each) => [each.outerHTML.slice(0, 60), getComputedStyle(each).color, solid(each)]);
}

test("it is light or dark as one likes, readable in both, and remembers", async () => {
  const consumer = await stage.consumer({ options: ["--interval", "100ms"] });
  stage.producers("--count", "3");
  for (const colorScheme of ["light", "dark"]) {
    const { page, close } = await open(browser, consumer.url, { colorScheme });
    await eventually(async () => await shown(page, "blocky_live_producers") === 3, "three producers");
    const colors = await page.evaluate(textColors);
    assert.ok(colors.length > 50);
    for (const [what, color, back] of colors) {
      assert.ok(contrast(color, back) >= 4.5, `${colorScheme}: ${what} has a contrast of ${contrast(color, back)}`);
    }
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const before = await background();
    await page.locator("#theme").click();
    assert.notEqual(await background(), before);
    const chosen = await background();
    await page.reload();
    assert.equal(await background(), chosen);
    await close();
  }
});

test("it fits a phone", async () => {
  const consumer = await stage.consumer({ options: ["--interval", "100ms"] });
  stage.producers("--count", "50");
  const { page } = await open(browser, consumer.url, { width: 360, height: 740 });
  await eventually(async () => await shown(page, "blocky_live_producers") === 50, "fifty producers");
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
});

test("a thousand producers do not make it jerk", async () => {
  const consumer = await stage.consumer({ options: ["--interval", "500ms"] });
  stage.producers("--count", "1000");
  const { page, errors } = await open(browser, consumer.url);
  await eventually(async () => await shown(page, "blocky_held_producers") === 1000, "a thousand held producers");
  // From one frame to the next, which is all that the page and the browser do for it.
  const frames = await page.evaluate(async () => {
    const lengths = [];
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    let last = await frame();
    for (const end = last + 5000; last < end;) {
      const next = await frame();
      lengths.push(next - last);
      last = next;
    }
    return lengths.sort((a, b) => a - b);
  });
  const share = (part) => frames[Math.ceil(part * frames.length) - 1];
  console.log(`1,000 producers: ${frames.length} frames in 5 s, in ms: median ${share(0.5).toFixed(1)}, ` +
    `p95 ${share(0.95).toFixed(1)}, p99 ${share(0.99).toFixed(1)}, longest ${share(1).toFixed(1)}`);
  assert.ok(share(0.95) < 50, `p95 ${share(0.95)} ms`);
  assert.match(await text(page, "#dots-words"), /wait(s)? for a reply/);
  assert.deepEqual(errors, []);
});

test("its picture is in the README", { skip: process.env.BLOCKY_SCREENSHOTS !== "1" }, async () => {
  const consumer = await stage.consumer({ options: ["--linger", "400ms", "--max-items", "36"] });
  stage.producers("--count", "48", "--once", "p-late");
  for (const [colorScheme, file] of [["light", "dashboard.png"], ["dark", "dashboard-dark.png"]]) {
    const { page } = await open(browser, consumer.url, { colorScheme });
    await eventually(async () => await shownBatch(page) > 70, "some batches");
    await eventually(async () => await shown(page, "blocky_held_producers") > 20, "held producers");
    const picture = await page.screenshot({ fullPage: false });
    writeFileSync(fileURLToPath(new URL(`../../docs/${file}`, import.meta.url)), picture);
  }
});
