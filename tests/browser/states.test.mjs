// What the dashboard says when the consumer does not simply work: idle, starting, failing, draining,
// gone and back again.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { awaitState, launch, open, text } from "./browser.mjs";
import { eventually, PATIENCE, Stage } from "./programs.mjs";

let browser;
let stage;
before(async () => { browser = await launch(); });
after(() => browser.close());
beforeEach(() => { stage = new Stage(); });
afterEach(() => stage.end());

// What Chromium itself says of a connection that is refused or breaks, however it is asked for.
const AWAY = /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE)/;

function run(page) {
  return page.locator("body").getAttribute("data-run");
}

test("without producers it is idle", async () => {
  const consumer = await stage.consumer();
  const { page, errors } = await open(browser, consumer.url);
  await awaitState(page, "idle", PATIENCE);
  assert.match(await text(page, "#explanation"), /no producer/);
  await eventually(async () => (await text(page, "#dots-words")) === "Nobody has pushed yet.", "words for nobody");
  assert.deepEqual(errors, []);
});

for (const signal of ["SIGTERM", "SIGKILL"]) {
  test(`after ${signal} it waits for the next run, and starts over with it`, async () => {
    const consumer = await stage.consumer({ options: ["--interval", "100ms"] });
    const producers = stage.producers("--count", "3");
    const { page, errors } = await open(browser, consumer.url);
    await awaitState(page, "serving", PATIENCE);
    const before = await run(page);
    await eventually(() => consumer.batches.length > 30, "thirty batches");
    await producers.stop();
    await consumer.stop(signal);
    await awaitState(page, signal === "SIGTERM" ? "stopped" : "reconnecting", PATIENCE);
    const next = await stage.consumer({ port: consumer.port, options: ["--interval", "100ms"] });
    stage.producers("--count", "2");
    await awaitState(page, "serving", PATIENCE);
    const after = JSON.parse((await eventually(() => next.batches[0], "a batch"))).run;
    await eventually(async () => await run(page) === after, "the new run");
    assert.notEqual(after, before);
    await eventually(async () => await text(page, "[data-metric='blocky_live_producers']") === "2", "two producers");
    const newest = Number(await page.locator("#last-batches tr").first().getAttribute("data-batch"));
    assert.ok(newest <= next.batches.length, "batches of the run before are gone");
    assert.deepEqual(errors.filter((error) => !AWAY.test(error)), []);
  });
}

test("a failing sink is seen, with its reason, and so is that it works again", async () => {
  const working = join(stage.directory, "working");
  const script = `while read -r line; do if [ -e ${working} ]; then n=$(printf '%s' "$line" | grep -o '"id":' | wc -l); ` +
    `printf '{"results":['; i=1; while [ $i -lt $n ]; do printf '{"ok":true},'; i=$((i+1)); done; echo '{"ok":true}]}'; ` +
    `else echo '{"error":"the test has broken it","retry":true}'; fi; done`;
  const consumer = await stage.consumer({ options: ["--interval", "100ms", "--sink", `exec-sh:${script}`] });
  stage.producers("--count", "2");
  const { page, errors } = await open(browser, consumer.url);
  await awaitState(page, "failing", PATIENCE);
  await eventually(async () => /the test has broken it/.test(await text(page, "#sink-words")), "the reason");
  assert.equal((await fetch(`${consumer.url}readyz`)).status, 503);
  writeFileSync(working, "");
  await awaitState(page, "serving", PATIENCE);
  await eventually(async () => /^exec-sh: (idle|busy)/.test(await text(page, "#sink-state")), "a sink that works");
  assert.ok(Number(await page.locator("[data-metric=blocky_retries_total]").getAttribute("data-value")) > 0);
  assert.deepEqual(errors, []);
});

test("a consumer that drains says so", async () => {
  const gate = join(stage.directory, "gate");
  execFileSync("mkfifo", [gate]);
  const sink = `exec-sh:read -r line; read -r word < ${gate}; echo '{"results":[{"ok":true}]}'; cat`;
  const consumer = await stage.consumer({ options: ["--linger", "0s", "--sink", sink] });
  stage.producers("--once", "p-1");
  const { page } = await open(browser, consumer.url);
  await eventually(async () => /busy/.test(await text(page, "#sink-state")), "a batch with the sink");
  consumer.child.kill("SIGTERM");
  await awaitState(page, "draining", PATIENCE);
  assert.match(await text(page, "#explanation"), /stopping/);
  writeFileSync(gate, "go\n");
  await awaitState(page, "stopped", PATIENCE);
});

test("while the sink is being opened it says that the consumer starts", async () => {
  const silent = createServer(() => {}); // accepts, and never says a word
  await new Promise((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const target = `postgres:host=127.0.0.1 port=${silent.address().port} connect_timeout=60 user=nobody`;
  const consumer = await stage.consumer({ early: true, options: ["--sink", target] });
  const { page } = await open(browser, consumer.url);
  await awaitState(page, "starting", PATIENCE);
  assert.equal((await fetch(`${consumer.url}healthz`)).status, 200);
  assert.equal((await fetch(`${consumer.url}readyz`)).status, 503);
  await consumer.stop("SIGKILL");
  silent.close();
});
