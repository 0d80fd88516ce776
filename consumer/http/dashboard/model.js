// What is known of the consumer: the latest state, its producers, the last batches, and how fast
// messages have gone through in the last minute. Free of the page, and of clocks.

const BATCHES = 600;
const MINUTE = 60;
const collator = new Intl.Collator("en", { numeric: true });

export class Model {
  connection = "connecting";
  state = null; // the latest of /status or a state event
  batches = []; // oldest first
  names = []; // of the producers, in the order that people expect
  marks = ""; // the same order; see the consumer's /events
  #roster = { version: -1, order: [] };
  #received = 0; // when the state came, in ms of performance.now()
  #progress = []; // {at: ms of the consumer's clock, messages}

  // Takes one item of the feed; `now` is performance.now().
  take(item, now) {
    if (item.kind === "connection") this.connection = item.state;
    else if (item.kind === "status") this.#takeStatus(item.data, now);
    else if (item.kind === "batch") this.#takeBatches(item.data);
    else if (item.kind === "roster") this.#takeRoster(item.data);
    else if (item.kind === "state") this.#takeState(item.data, now);
  }

  #takeStatus(status, now) {
    if (status.run !== this.state?.run) {
      this.batches = [];
      this.#progress = [];
    }
    this.#takeBatches(status.batches);
    this.#takeState({ ...status, producers: { ...status.producers, marks: null } }, now);
  }

  #takeBatches(batches) {
    const last = this.batches.at(-1)?.batch ?? 0;
    this.batches.push(...batches.filter((batch) => batch.batch > last));
    this.batches.splice(0, this.batches.length - BATCHES);
  }

  #takeRoster({ version, names }) {
    const order = names.map((_, index) => index);
    order.sort((a, b) => collator.compare(names[a], names[b]) || a - b);
    this.#roster = { version, order };
    this.names = order.map((index) => names[index]);
    this.marks = "-".repeat(names.length);
  }

  #takeState(state, now) {
    this.state = state;
    this.#received = now;
    const { marks, version } = state.producers;
    if (marks !== null && version === this.#roster.version) {
      this.marks = this.#roster.order.map((index) => marks[index]).join("");
    }
    const at = Date.parse(state.ts);
    this.#progress.push({ at, messages: state.totals.messages });
    const oldest = at - (MINUTE + 2) * 1000;
    while (this.#progress[0].at < oldest && this.#progress.length > 2) this.#progress.shift();
  }

  // In one word, for the pill.
  get situation() {
    if (this.connection !== "connected") {
      return this.state?.state === "stopped" ? "stopped" : this.connection;
    }
    if (this.state.state !== "serving") return this.state.state;
    if (this.state.sink.state === "failing") return "failing";
    return this.state.producers.live === 0 ? "idle" : "serving";
  }

  // The time of the consumer's clock, as far as it can be told.
  consumerTime(now) {
    return Date.parse(this.state.ts) + (now - this.#received);
  }

  // Messages a second over about the last ten seconds.
  throughput(now) {
    const end = this.consumerTime(now);
    const recent = this.#progress.filter((sample) => sample.at >= end - 10_000);
    const first = recent[0];
    if (!first) return 0;
    const before = this.#progress[this.#progress.indexOf(first) - 1] ?? first;
    const last = this.#progress.at(-1);
    const seconds = Math.max(1, (end - Math.max(before.at, end - 10_000)) / 1000);
    return (last.messages - before.messages) / seconds;
  }

  // Messages in each second of the last minute, oldest first; null where nothing is known.
  perSecond(now) {
    const end = Math.floor(this.consumerTime(now) / 1000);
    const counts = new Array(MINUTE).fill(null);
    const start = Math.floor((this.#progress[0]?.at ?? 0) / 1000);
    for (let i = 0; i < MINUTE; ++i) if (end - MINUTE + i >= start) counts[i] = 0;
    for (let i = 1; i < this.#progress.length; ++i) {
      const index = Math.floor(this.#progress[i].at / 1000) - (end - MINUTE);
      const more = this.#progress[i].messages - this.#progress[i - 1].messages;
      if (index >= 0 && index < MINUTE) counts[index] += more;
    }
    return counts;
  }

  // Names of the live producers that have nothing in the open batch.
  missing() {
    return this.names.filter((_, index) => this.marks[index] !== "o");
  }
}
