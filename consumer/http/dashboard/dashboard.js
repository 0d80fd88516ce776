// The page: takes the feed into the model, and shows it. What moves is drawn with the screen's frames
// (dots); numbers, tables and charts a few times a second. Nothing of that is read out by itself.

import { Charts } from "./charts.js";
import { Dots } from "./dots.js";
import { follow } from "./feed.js";
import { Model } from "./model.js";
import { count, duration, plural, rate } from "./words.js";

const BETWEEN_NUMBERS = 250; // ms
const ROWS = 20;
const NAMES = 24;
const TROUBLE = {
  'blocky_messages_total{outcome="rejected"}': "messages rejected by the sink",
  'blocky_messages_total{outcome="failed"}': "messages failed",
  blocky_duplicates_total: "duplicates",
  'blocky_replies_total{outcome="busy"}': "refused: busy",
  'blocky_replies_total{outcome="expired"}': "expired",
  'blocky_replies_total{outcome="bad_request"}': "bad requests",
  'blocky_replies_total{outcome="too_large"}': "too large",
  'blocky_replies_total{outcome="shutting_down"}': "refused: shutting down",
  blocky_retries_total: "calls to the sink retried",
  blocky_dead_letters_total: "dead letters",
  blocky_undeliverable_replies_total: "replies not delivered",
  blocky_unanswerable_requests_total: "requests without a way back",
  blocky_connections_refused_total: "connections refused",
  blocky_log_lines_dropped_total: "log lines dropped",
};

const element = (id) => document.getElementById(id);
const model = new Model();
const dots = new Dots(element("dots"), element("dots-words"), element("selected"));
const charts = new Charts();
let paused = false;
let numbersAt = -Infinity;
let scheduled = false;

// The value of each series of /metrics that the page shows, from the state.
function metrics(state) {
  const { totals, sink, held, producers } = state;
  const values = {
    blocky_held_producers: held.producers,
    blocky_live_producers: producers.live,
    blocky_held_messages: held.messages,
    blocky_max_held_messages: state.max_held,
    blocky_batches_total: totals.batches,
    blocky_batches_failed_total: totals.batches_failed,
    'blocky_messages_total{outcome="stored"}': totals.stored,
    'blocky_messages_total{outcome="rejected"}': totals.rejected,
    'blocky_messages_total{outcome="failed"}': totals.failed,
    blocky_duplicates_total: totals.replies.duplicate,
    blocky_retries_total: sink.retries,
    blocky_dead_letters_total: sink.dead_letters,
    blocky_undeliverable_replies_total: totals.undeliverable,
    blocky_unanswerable_requests_total: totals.unanswerable,
    blocky_connections_refused_total: totals.handshakes_failed + totals.accepts_failed,
    blocky_log_lines_dropped_total: totals.log_lines_dropped,
  };
  for (const [outcome, number] of Object.entries(totals.replies)) {
    values[`blocky_replies_total{outcome="${outcome}"}`] = number;
  }
  return values;
}

const EXPLANATIONS = {
  connecting: "waiting for the consumer's first word",
  starting: "the consumer opens its sink and its sockets",
  reconnecting: "the consumer does not answer; this page tries again by itself",
  idle: "no producer is connected",
  serving: "",
  draining: "the consumer is stopping: what is held is processed and answered first",
  stopped: "the consumer has ended; this page waits for the next one",
};

function showSituation() {
  const { situation } = model;
  const pill = element("state");
  if (pill.dataset.state !== situation) {
    pill.dataset.state = situation;
    pill.textContent = situation === "failing" ? "sink failing" : situation;
    document.title = situation === "serving" ? "Blocky" : `Blocky: ${pill.textContent}`;
  }
  const words = situation === "failing" ?
    "producers are held until the sink works again" : EXPLANATIONS[situation];
  if (element("explanation").textContent !== words) element("explanation").textContent = words;
}

function showNumbers(state, now) {
  const values = metrics(state);
  for (const each of document.querySelectorAll("[data-metric]")) {
    const value = values[each.dataset.metric];
    each.textContent = count(value);
    each.dataset.value = value;
    if (each.tagName === "DD") each.dataset.some = String(value > 0);
  }
  element("throughput").textContent = rate(model.throughput(now));
  element("held-meter").value = state.held.messages / state.max_held;
  const hold = state.totals.hold_ms;
  const any = state.totals.messages > 0;
  element("hold-p50").textContent = any ? duration(hold.p50) : "–";
  element("hold-p99").textContent = any ? duration(hold.p99) : "–";
  element("hold-max").textContent = any ? duration(hold.max) : "–";
}

function showSink({ sink, in_flight: inFlight, in_line: inLine }) {
  const state = element("sink-state");
  state.dataset.state = sink.state;
  state.textContent = `${sink.kind}: ${sink.state}`;
  const words = sink.state === "failing" ?
    `for ${duration(sink.failing_ms)}: ${sink.reason}` :
    inFlight ? `batch ${inFlight.batch}, ${plural(inFlight.messages, "message", "messages")}` +
      (inLine > 0 ? `; ${inLine} more in line` : "") : "nothing to do";
  element("sink-words").textContent = words;
}

function showOpenBatch(state, now) {
  const { open } = state;
  const words = [`${plural(open.messages, "message", "messages")} in the open batch`];
  if (open.due_in_ms !== null && state.state === "serving") {
    const left = open.due_in_ms - (model.consumerTime(now) - Date.parse(state.ts));
    words.push(left > 0 ? `closes in ${(left / 1000).toFixed(1)} s` : "closes when the sink is free");
  }
  if (state.barrier !== null) words.push(`closes when all${state.barrier > 1 ? `, at least ${state.barrier},` : ""} are in`);
  if (state.reply === "immediate") words.push("replies are immediate: nobody is held");
  element("open-batch").textContent = `· ${words.join(" · ")}`;
}

function showMissing(state) {
  const { live, missing_count: missing } = state.producers;
  const names = live === 0 ? [] : model.missing();
  element("missing-words").textContent = live === 0 && missing === 0 ? "Nobody is connected." :
    missing === 0 ? "Nobody is missing." :
    `${plural(missing, "producer has", "producers have")} no message in it${state.barrier === null ? "" : "; the batch waits for them"}.`;
  const shown = names.slice(0, NAMES);
  const absent = live === model.names.length ? missing - names.length : 0; // the barrier counts on them
  if (missing - absent > shown.length) shown.push(`and ${count(missing - absent - shown.length)} more`);
  if (absent > 0) shown.push(`${count(absent)} not connected yet`);
  fill(element("missing"), "li", shown.length, (item, index) => { item.textContent = shown[index]; });
}

// Keeps as many children as asked for, and has each of them filled.
function fill(parent, tag, number, write) {
  while (parent.children.length > number) parent.lastElementChild.remove();
  while (parent.children.length < number) parent.append(document.createElement(tag));
  for (let i = 0; i < number; ++i) write(parent.children[i], i);
}

function showTable() {
  const rows = model.batches.slice(-ROWS).reverse();
  fill(element("last-batches"), "tr", rows.length, (row, index) => {
    const batch = rows[index];
    const problems = [batch.rejected > 0 ? `${count(batch.rejected)} rejected` : "",
      batch.duplicates > 0 ? plural(batch.duplicates, "duplicate", "duplicates") : ""].filter(Boolean);
    row.dataset.status = batch.status;
    row.dataset.batch = batch.batch;
    const summary = typeof batch.summary === "object" ? JSON.stringify(batch.summary) : String(batch.summary);
    const cells = [count(batch.batch), batch.ts.slice(11, 23), count(batch.size), batch.trigger,
      duration(batch.hold_ms_max), duration(batch.process_ms), [batch.status, ...problems].join(", "), summary];
    fill(row, "td", cells.length, (cell, column) => { cell.textContent = cells[column]; });
  });
}

function showIdentity(state) {
  const timer = `${state.timer.kind} ${duration(state.timer.ms)}`;
  element("identity").textContent = `run ${state.run} since ${state.started.slice(0, 19).replace("T", " ")} UTC · ` +
    `${state.endpoints.join(", ")} · ${timer}${state.barrier === null ? "" : " · barrier"} · version ${state.version}`;
}

// What is due a few times a second, one part a frame, so that no frame carries all of it.
const PARTS = [
  (state, now) => {
    showIdentity(state);
    showNumbers(state, now);
    showSink(state);
    showOpenBatch(state, now);
    dots.describe(state.producers);
  },
  (state) => {
    showMissing(state);
    showTable();
  },
  () => charts.showBatches(model),
  () => charts.showTimes(),
  (_, now) => {
    charts.showThroughput(model, now);
    charts.describe(model, now);
  },
];
let part = PARTS.length; // the next one to show

// One frame: as much as is due.
function show(now) {
  scheduled = false;
  showSituation();
  const { state } = model;
  if (paused || state === null) return;
  document.body.dataset.run = state.run;
  dots.show(model.names, model.marks);
  if (part === PARTS.length && now - numbersAt >= BETWEEN_NUMBERS) {
    numbersAt = now;
    part = 0;
  }
  if (part < PARTS.length) {
    PARTS[part++](state, now);
    schedule();
  }
}

function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(show);
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  element("theme").textContent = theme === "dark" ? "Light" : "Dark";
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // A browser that keeps nothing still shows it.
  }
  dots.readColors();
  charts.readColors();
}

function preferredTheme() {
  try {
    const kept = localStorage.getItem("theme");
    if (kept) return kept;
  } catch {
    // As if nothing had been kept.
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

element("theme").addEventListener("click", () => {
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
});
element("pause").addEventListener("click", (event) => {
  paused = !paused;
  event.target.setAttribute("aria-pressed", String(paused));
  event.target.textContent = paused ? "Go on" : "Pause";
  schedule();
});
for (const [metric, words] of Object.entries(TROUBLE)) {
  const name = document.createElement("dt");
  const number = document.createElement("dd");
  name.textContent = words;
  number.dataset.metric = metric;
  number.textContent = "–";
  const pair = document.createElement("div");
  pair.append(name, number);
  element("trouble").append(pair);
}
setTheme(preferredTheme());
setInterval(schedule, BETWEEN_NUMBERS); // time passes though nothing comes
follow((item) => {
  model.take(item, performance.now());
  schedule();
});
