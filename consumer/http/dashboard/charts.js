// The three charts, by Chart.js: batches by size and trigger, hold and processing time, throughput.

import { count, duration, plural, rate } from "./words.js";

/* global Chart */
const BARS = 60;
export const TRIGGERS = {
  timer: "timer",
  items: "items: --max-items reached",
  bytes: "bytes: --max-bytes reached",
  barrier: "barrier: all were in",
  drain: "drain: the consumer stops",
};

// Each trigger has a hatching of its own, for who cannot tell the colours apart.
const HATCHES = {
  timer: [],
  items: [[0, 8, 8, 0]],
  bytes: [[0, 0, 8, 8], [0, 8, 8, 0]],
  barrier: [[4, 0, 4, 8]],
  drain: [[0, 4, 8, 4]],
};

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function hatched(trigger) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const context = tile.getContext("2d");
  context.fillStyle = color(trigger);
  context.fillRect(0, 0, 8, 8);
  context.strokeStyle = color("card");
  context.lineWidth = 1.5;
  for (const [x1, y1, x2, y2] of HATCHES[trigger]) {
    context.beginPath();
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
    context.stroke();
  }
  return context.createPattern(tile, "repeat");
}

function axes(yTicks, logarithmic) {
  const text = { color: color("quiet"), font: { size: 11 } };
  return {
    x: { grid: { display: false }, ticks: { ...text, maxRotation: 0, autoSkipPadding: 24 } },
    y: {
      type: logarithmic ? "logarithmic" : "linear",
      beginAtZero: !logarithmic,
      grid: { color: color("grid"), drawBorder: false },
      ticks: { ...text, maxTicksLimit: 6, callback: yTicks },
    },
  };
}

function chart(canvas, type, datasets, yTicks, tooltip, logarithmic = false) {
  return new Chart(canvas, {
    type,
    data: { labels: [], datasets },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: { legend: { display: false }, tooltip: { callbacks: tooltip, animation: false } },
      scales: axes(yTicks, logarithmic),
    },
  });
}

export class Charts {
  #batches;
  #times;
  #throughput;
  #shown = [];
  #patterns = {};

  constructor() {
    const element = (id) => document.getElementById(id);
    this.#batches = chart(element("batches-chart"), "bar",
      [{ data: [], barPercentage: 1, categoryPercentage: 0.9, borderRadius: 2 }],
      (value) => Number.isInteger(value) ? count(value) : "", {
        title: ([item]) => `Batch ${item.label}`,
        label: (item) => `${plural(item.raw, "message", "messages")}, closed by ${this.#shown[item.dataIndex].trigger}`,
      });
    const line = { borderWidth: 2, pointRadius: 0, pointHitRadius: 8, spanGaps: true };
    this.#times = chart(element("times-chart"), "line",
      [{ ...line, label: "held", data: [] }, { ...line, label: "processed", data: [], borderDash: [5, 3] }],
      (value) => Number.isInteger(Math.log10(value)) ? duration(value) : "", {
        title: ([item]) => `Batch ${item.label}`,
        label: (item) => `${item.dataset.label} ${duration(item.raw)}`,
      }, true);
    this.#throughput = chart(element("throughput-chart"), "line",
      [{ ...line, data: [], fill: true, stepped: false }], (value) => rate(value), {
        title: ([item]) => item.label,
        label: (item) => `${plural(item.raw, "message", "messages")}`,
      });
    this.readColors();
  }

  // After a change of theme.
  readColors() {
    for (const trigger of Object.keys(TRIGGERS)) this.#patterns[trigger] = hatched(trigger);
    const [held, processed] = this.#times.data.datasets;
    held.borderColor = color("open");
    processed.borderColor = color("process");
    this.#throughput.data.datasets[0].borderColor = color("open");
    this.#throughput.data.datasets[0].backgroundColor = `${color("open")}22`;
    for (const each of [this.#batches, this.#times, this.#throughput]) {
      const { x, y } = each.options.scales;
      x.ticks.color = y.ticks.color = color("quiet");
      y.grid.color = color("grid");
    }
    this.#drawLegend();
    this.#paintBars();
    for (const each of [this.#batches, this.#times, this.#throughput]) each.update("none");
  }

  showBatches(model) {
    this.#shown = model.batches.slice(-BARS);
    this.#batches.data.labels = this.#labels();
    this.#batches.data.datasets[0].data = this.#shown.map((batch) => batch.size);
    this.#paintBars();
    this.#batches.update("none");
  }

  // The same batches.
  showTimes() {
    this.#times.data.labels = this.#labels();
    // An empty batch has no times; and nothing has no place on a logarithmic scale.
    const time = (batch, name) => batch.size > 0 ? Math.max(0.001, batch[name]) : null;
    this.#times.data.datasets[0].data = this.#shown.map((batch) => time(batch, "hold_ms_max"));
    this.#times.data.datasets[1].data = this.#shown.map((batch) => time(batch, "process_ms"));
    this.#times.update("none");
  }

  showThroughput(model, now) {
    const seconds = model.perSecond(now);
    this.#throughput.data.labels = seconds.map((_, index) => `${seconds.length - index} s ago`);
    this.#throughput.data.datasets[0].data = seconds;
    this.#throughput.update("none");
  }

  #labels() {
    return this.#shown.map((batch) => String(batch.batch));
  }

  // The same in words, for who does not see the charts. Empty batches are not spoken of.
  describe(model, now) {
    const say = (id, text) => { document.getElementById(id).textContent = text; };
    const filled = this.#shown.filter((batch) => batch.size > 0);
    if (filled.length === 0) {
      for (const id of ["batches-words", "times-words"]) say(id, "No batch with a message yet.");
    } else {
      const sizes = filled.map((batch) => batch.size);
      const latest = filled.at(-1);
      const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
      say("batches-words", `Last ${plural(filled.length, "batch", "batches")}: ` +
        `${least === most ? "" : `${count(least)} to `}${plural(most, "message", "messages")}` +
        `${least === most ? " each" : ""}; the latest by ${latest.trigger}.`);
      say("times-words", `Latest: held ${duration(latest.hold_ms_max)} at most, processed in ${duration(latest.process_ms)}.`);
    }
    say("throughput-words", `${rate(model.throughput(now))} messages a second now.`);
  }

  #paintBars() {
    this.#batches.data.datasets[0].backgroundColor = this.#shown.map((batch) => this.#patterns[batch.trigger]);
  }

  #drawLegend() {
    const items = Object.entries(TRIGGERS).map(([trigger, words]) => {
      const item = document.createElement("li");
      const swatch = document.createElement("canvas");
      swatch.width = swatch.height = 14;
      const context = swatch.getContext("2d");
      context.fillStyle = this.#patterns[trigger];
      context.fillRect(0, 0, 14, 14);
      item.append(swatch, trigger);
      item.title = words;
      return item;
    });
    document.getElementById("trigger-legend").replaceChildren(...items);
  }
}
