// neurons.js: the network drawn: inputs and neurons as small planes, weights as lines. A click on one shows it large.

const TALLEST = 560; // pixels of a column, if its neurons can be as small as that
const LEAST = 14; // pixels that a neuron is wide
const MOST = 34;

class Neurons {
  // columns: inputs and layers, as [{name, node, weights}].
  constructor(panel, columns, onPick) {
    this.panel = panel;
    this.columns = columns;
    this.onPick = onPick;
    this.svg = addShape(panel, "svg", { "aria-hidden": "true" });
    this.lines = [];
    this.boxes = new Map();
    columns.forEach((column, c) => column.forEach((neuron) => {
      for (const [k, weight] of (neuron.weights ?? []).entries()) {
        this.lines.push({ weight, line: addShape(this.svg, "path"), from: [c - 1, k], to: [c, column.indexOf(neuron)] });
      }
      const button = add(panel, "button", { type: "button", class: "neuron", tabindex: -1, title: neuron.name });
      const canvas = add(button, "canvas", { "aria-hidden": "true" });
      button.addEventListener("click", () => onPick(neuron.node));
      this.boxes.set(neuron.node, { button, canvas, neuron });
    }));
    panel.addEventListener("keydown", (event) => this.onKey(event));
  }

  // Up and down in a column, left and right from one to the next.
  onKey(event) {
    const way = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
    if (!way) return;
    event.preventDefault();
    const c = this.columns.findIndex((column) => column.some(({ node }) => node === this.picked));
    const column = this.columns[c + way[0]];
    if (!column) return;
    const at = this.columns[c].findIndex(({ node }) => node === this.picked);
    const share = way[0] ? rint((at / Math.max(1, this.columns[c].length - 1)) * (column.length - 1)) : at + way[1];
    const next = column[Math.min(column.length - 1, Math.max(0, share))];
    this.onPick(next.node);
    this.boxes.get(next.node).button.focus();
  }

  // Where neuron k of column c has its middle, and how wide it is.
  place(c, k) {
    const { width, columns } = this;
    const tallest = Math.max(...columns.map(({ length }) => length));
    const pitch = Math.min(MOST + 8, Math.max(LEAST + 2, TALLEST / tallest));
    const side = Math.max(LEAST, Math.min(MOST, pitch - 6));
    const height = tallest * pitch;
    const room = side / 2 + 10;
    const x = room + (c / (columns.length - 1)) * (width - 2 * room);
    return { x, y: height / 2 + (k - (columns[c].length - 1) / 2) * pitch, side, height };
  }

  arrange() {
    if (this.width === this.panel.clientWidth) return;
    this.width = this.panel.clientWidth;
    const { height } = this.place(0, 0);
    this.panel.style.height = `${height + 12}px`;
    setAll(this.svg, { width: this.width, height });
    for (const { line, from, to } of this.lines) {
      const [a, b] = [this.place(...from), this.place(...to)];
      const bend = (b.x - a.x) / 2;
      line.setAttribute("d", `M${a.x} ${a.y}C${a.x + bend} ${a.y} ${b.x - bend} ${b.y} ${b.x} ${b.y}`);
    }
    this.columns.forEach((column, c) => column.forEach(({ node }, k) => {
      const { x, y, side } = this.place(c, k);
      Object.assign(this.boxes.get(node).button.style, { left: `${x - side / 2}px`, top: `${y - side / 2}px`, width: `${side}px`, height: `${side}px` });
    }));
  }

  // values: of the parameters, by node; fields: what each neuron is over the plane.
  show({ values, fields, colours, picked }) {
    this.picked = picked;
    this.arrange();
    const largest = Math.max(...this.lines.map(({ weight }) => fabs(values[weight])).filter(Number.isFinite), 1e-300);
    for (const { weight, line, to } of this.lines) {
      const share = Math.min(1, fabs(values[weight]) / largest) || 0;
      setAll(line, { class: values[weight] < 0 ? "low" : "high", "stroke-width": (0.3 + 3.2 * share).toFixed(2) });
      line.classList.toggle("picked", this.columns[to[0]][to[1]].node === picked);
    }
    for (const [node, { button, canvas, neuron }] of this.boxes) {
      paint(canvas, fields.get(node), colours);
      setAll(button, { "aria-pressed": node === picked, "aria-label": neuron.name, tabindex: node === picked ? 0 : -1 });
    }
  }
}
