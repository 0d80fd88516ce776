// The producers as dots on a canvas: a dot fills while its producer is held, and empties at the
// release. From some hundreds on they become a grid of cells, each for as many producers as need be.

import { count, plural } from "./words.js";

const DOTS_AT_MOST = 400;
const CELLS_AT_MOST = 1200;
const FILL_MS = 160; // from empty to full

export class Dots {
  #canvas;
  #words;
  #selectedWords;
  #names = [];
  #marks = "";
  #levels = new Float32Array(0); // how full each is drawn, 0 to 1
  #layout = { columns: 1, step: 20, group: 1, cells: 0, round: true };
  #colors = {};
  #selected = -1;
  #drawnAt = 0;
  #animating = false;
  #calm = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(canvas, words, selectedWords) {
    this.#canvas = canvas;
    this.#words = words;
    this.#selectedWords = selectedWords;
    this.readColors();
    new ResizeObserver(() => this.#arrange()).observe(canvas);
    canvas.addEventListener("pointermove", (event) => this.#select(this.#cellAt(event)));
    canvas.addEventListener("pointerleave", () => this.#select(-1));
    canvas.addEventListener("keydown", (event) => this.#moveSelection(event));
    canvas.addEventListener("blur", () => this.#select(-1));
  }

  // After a change of theme.
  readColors() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["free", "open", "process", "text"]) {
      this.#colors[name] = style.getPropertyValue(`--${name}`).trim();
    }
    this.#wake();
  }

  show(names, marks) {
    const others = names !== this.#names;
    this.#names = names;
    this.#marks = marks;
    if (others) this.#arrange();
    this.#wake();
  }

  describe(producers) {
    const shown = producers.live > this.#names.length && this.#names.length > 0 ?
      ` The first ${this.#names.length} are shown.` : "";
    const group = this.#layout.group > 1 ? ` Each cell is ${this.#layout.group} producers.` : "";
    this.#words.textContent = producers.live === 0 ? "Nobody has pushed yet." :
      `${plural(producers.held, "producer waits", "producers wait")} for a reply, ` +
      `${count(producers.live - producers.held)} ${producers.live - producers.held === 1 ? "does" : "do"} not.${group}${shown}`;
  }

  #arrange() {
    const width = this.#canvas.clientWidth || 300;
    const number = this.#names.length;
    const round = number <= DOTS_AT_MOST;
    const group = round ? 1 : Math.ceil(number / CELLS_AT_MOST);
    const cells = Math.ceil(number / group);
    const step = round ? (number <= 40 ? 30 : number <= 120 ? 22 : 16) : cells <= 600 ? 14 : 11;
    const columns = Math.max(1, Math.floor(width / step));
    const height = Math.max(1, Math.ceil(cells / columns)) * step;
    this.#layout = { columns, step, group, cells, round };
    if (this.#levels.length !== cells) this.#levels = new Float32Array(cells);
    const ratio = devicePixelRatio || 1;
    this.#canvas.style.height = `${height}px`;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#selected = -1;
    this.#wake();
  }

  // How full a cell is to be, and whether it is with the sink.
  #target(cell) {
    const { group } = this.#layout;
    let held = 0;
    let processing = 0;
    const end = Math.min((cell + 1) * group, this.#marks.length);
    for (let i = cell * group; i < end; ++i) {
      if (this.#marks[i] === "o") ++held;
      else if (this.#marks[i] === "p") ++processing;
    }
    return { level: (held + processing) / Math.max(1, end - cell * group), processing: processing > held };
  }

  #wake() {
    if (this.#animating) return;
    this.#animating = true;
    this.#drawnAt = performance.now();
    requestAnimationFrame((now) => this.#draw(now));
  }

  #draw(now) {
    const context = this.#canvas.getContext("2d");
    const ratio = devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    const most = this.#calm.matches ? 1 : Math.max(0, now - this.#drawnAt) / FILL_MS;
    this.#drawnAt = now;
    let moving = false;
    for (let cell = 0; cell < this.#layout.cells; ++cell) {
      const { level, processing } = this.#target(cell);
      const difference = level - this.#levels[cell];
      this.#levels[cell] += Math.sign(difference) * Math.min(Math.abs(difference), most);
      moving ||= Math.abs(level - this.#levels[cell]) > 0.001;
      this.#drawCell(context, cell, this.#levels[cell], processing);
    }
    this.#animating = moving;
    if (moving) requestAnimationFrame((later) => this.#draw(later));
  }

  #drawCell(context, cell, level, processing) {
    const { columns, step, round } = this.#layout;
    const x = (cell % columns) * step;
    const y = Math.floor(cell / columns) * step;
    const color = processing ? this.#colors.process : this.#colors.open;
    if (round) {
      const radius = step * 0.36;
      circle(context, x + step / 2, y + step / 2, radius);
      context.lineWidth = step > 20 ? 2 : 1.5;
      context.strokeStyle = level > 0.5 ? color : this.#colors.free;
      context.stroke();
      if (level > 0) {
        circle(context, x + step / 2, y + step / 2, radius * Math.sqrt(level));
        context.fillStyle = color;
        context.fill();
      }
      if (processing && level > 0) { // a ring, for who cannot tell the colours apart
        circle(context, x + step / 2, y + step / 2, radius * 0.38);
        context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--card");
        context.fill();
      }
    } else {
      context.fillStyle = this.#colors.free;
      context.fillRect(x, y, step - 2, step - 2);
      context.globalAlpha = level;
      context.fillStyle = color;
      context.fillRect(x, y, step - 2, step - 2);
      context.globalAlpha = 1;
    }
    if (cell === this.#selected) {
      context.strokeStyle = this.#colors.text;
      context.lineWidth = 2;
      context.strokeRect(x + 1, y + 1, step - 2, step - 2);
    }
  }

  #cellAt(event) {
    const { columns, step, cells } = this.#layout;
    const column = Math.floor(event.offsetX / step);
    const cell = Math.floor(event.offsetY / step) * columns + column;
    return column < columns && cell < cells ? cell : -1;
  }

  #moveSelection(event) {
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.#layout.columns, ArrowUp: -this.#layout.columns };
    const step = steps[event.key];
    if (step === undefined || this.#layout.cells === 0) return;
    event.preventDefault();
    const from = this.#selected < 0 ? (step > 0 ? -step : 0) : this.#selected;
    this.#select(Math.min(this.#layout.cells - 1, Math.max(0, from + step)));
  }

  #select(cell) {
    if (cell === this.#selected) return;
    this.#selected = cell;
    const { group } = this.#layout;
    const names = cell < 0 ? [] : this.#names.slice(cell * group, (cell + 1) * group);
    const states = { "-": "free", o: "held, in the open batch", p: "held, being processed" };
    this.#selectedWords.textContent = names.length === 0 ? "" :
      names.length === 1 ? `${names[0]}: ${states[this.#marks[cell * group]] ?? "free"}` :
      `${names[0]} … ${names.at(-1)}`;
    this.#wake();
  }
}

function circle(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}
