// drawing.js: the graph as boxes, labels and lines at the places that pygrad/seeing/layout.py found.

const SVG = "http://www.w3.org/2000/svg";

function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

// A new element within another one. Text is text: it is never read as HTML.
function add(parent, name, attributes = {}, text = "") {
  const element = document.createElement(name);
  setAll(element, attributes);
  element.textContent = text;
  return parent.appendChild(element);
}

function addShape(parent, name, attributes = {}, text = "") {
  const element = document.createElementNS(SVG, name);
  setAll(element, attributes);
  element.textContent = text;
  return parent.appendChild(element);
}

// A text that stays as it is costs no new layout.
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// A number in so many significant digits, with a minus sign that is as wide as a plus.
function shown(x, digits = 6) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "−inf";
  const size = fabs(x);
  const plain = size === 0 || (size >= 1e-3 && size < 10 ** digits);
  const text = plain ? String(Number(x.toPrecision(digits))) : x.toExponential(digits - 3);
  return text.replace(/\.?0*e\+?/, "e").replaceAll("-", "−");
}

// All digits that tell it from every other number.
function exact(x) {
  if (!Number.isFinite(x)) return shown(x).replace("−", "-");
  if (Object.is(x, -0)) return "-0.0";
  return Number.isInteger(x) && fabs(x) < 1e16 ? x.toFixed(1) : String(x);
}

const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

class Drawing {
  constructor(panel, graph, onPick) {
    this.panel = panel;
    this.graph = graph;
    this.onPick = onPick;
    const { LR, TB } = graph.layouts;
    this.turned = panel.clientWidth < 600 && TB.width < LR.width;
    this.zoom = 1;
    this.build();
    this.fit();
  }

  get layout() {
    return this.graph.layouts[this.turned ? "TB" : "LR"];
  }

  build() {
    this.panel.replaceChildren();
    this.sheet = add(this.panel, "div", { class: "sheet" });
    this.canvas = add(this.sheet, "div", { class: this.turned ? "canvas turned" : "canvas" });
    const { width, height } = this.layout;
    this.lines = addShape(this.canvas, "svg", { width, height, "aria-hidden": "true" });
    this.boxes = this.graph.nodes.map((node, i) => this.addBox(node, i));
    const edges = this.graph.nodes.flatMap(({ operands }, head) => operands.map((tail, k) => [tail, head, k]));
    this.edges = edges.map((edge, index) => this.addEdge(edge, index));
  }

  place(element, [x, y], [width, height]) {
    const style = { left: x - width / 2, top: y - height / 2, width, height };
    for (const [name, length] of Object.entries(style)) element.style[name] = `${length}px`;
  }

  addBox(node, i) {
    const box = add(this.canvas, "button", { type: "button", class: `node ${node.form}`, tabindex: -1 });
    const head = add(box, "span", { class: "head" });
    add(head, "bdi", { class: "name" }, node.name);
    add(head, "span", { class: "op" }, node.form === "frozen" ? "frozen" : node.symbol);
    const [value, grad] = ["value", "grad"].map((name) => {
      const row = add(box, "span", { class: name });
      add(row, "span", {}, name);
      return add(row, "b");
    });
    box.title = node.text === "" ? node.name : `${node.name} = ${node.text}`;
    box.addEventListener("click", () => this.onPick(i));
    this.place(box, this.layout.positions[i], this.layout.sizes[i]);
    return { box, value, grad };
  }

  addEdge([tail, head, k], index) {
    const line = addShape(this.lines, "path", { d: this.path(this.layout.routes[index]) });
    // What comes from a number has no use for a slope.
    if (this.graph.nodes[tail].form === "number") return { head, k, line };
    const label = add(this.canvas, "div", { class: "label" });
    const product = add(label, "span", { class: "product" });
    const texts = [add(product, "span"), add(product, "span"), add(label, "span")];
    this.place(label, this.layout.labels[index], this.layout.labelSize);
    return { head, k, line, label, texts };
  }

  // Curves that leave each point along the layers' direction, and an arrow's head.
  path(points) {
    const pairs = points.slice(1).map((to, i) => {
      const [[x, y], [u, v]] = [points[i], to];
      const [mx, my] = [(x + u) / 2, (y + v) / 2];
      return this.turned ? `C${x} ${my} ${u} ${my} ${u} ${v}` : `C${mx} ${y} ${mx} ${v} ${u} ${v}`;
    });
    const [x, y] = points[points.length - 1];
    const [[a, b], [c, d]] = this.turned ? [[-4, -6], [4, -6]] : [[-6, -4], [-6, 4]];
    return `M${points[0].join(" ")}${pairs.join("")}M${x + a} ${y + b}L${x} ${y}L${x + c} ${y + d}`;
  }

  // What is known at a step: values and gradients (undefined where not yet), contributions, and the node
  // at work.
  show({ values, grads, slopes, given, phase, node: active }) {
    this.boxes.forEach(({ box, value, grad }, i) => {
      write(value, values[i] === undefined ? "" : shown(values[i], 5));
      write(grad, grads[i] === undefined ? "" : shown(grads[i], 5));
      box.classList.toggle("pending", values[i] === undefined);
      box.classList.toggle("strange", values[i] !== undefined && !Number.isFinite(values[i]));
      box.dataset.at = i === active ? phase : "";
    });
    for (const edge of this.edges) {
      this.showEdge(edge, slopes.get(edge.head), given.get(edge.head), active, phase);
    }
  }

  showEdge({ head, k, line, label, texts }, slopes, given, active, phase) {
    line.dataset.at = head === active ? phase : "";
    if (!label) return;
    label.dataset.at = line.dataset.at;
    label.classList.toggle("given", given !== undefined);
    let known = ["", "", ""];
    if (slopes !== undefined) known = ["slope", shown(slopes[k], 4), ""];
    if (given !== undefined) {
      const { slope, upstream, amount } = given[k];
      known = [shown(slope, 4), `× ${shown(upstream, 4)}`, `= ${shown(amount, 4)}`];
    }
    texts.forEach((element, i) => write(element, known[i]));
  }

  fit() {
    const room = this.panel.clientWidth;
    const readable = room < 600 ? 0.9 : 0.85;
    this.resize(Math.min(1, Math.max(readable, (room - 24) / this.layout.width)));
  }

  resize(zoom) {
    this.zoom = Math.min(2, Math.max(0.3, zoom));
    const { width, height } = this.layout;
    this.canvas.style.transform = `scale(${this.zoom})`;
    this.sheet.style.width = `${width * this.zoom}px`;
    this.sheet.style.height = `${height * this.zoom}px`;
  }

  turn() {
    this.turned = !this.turned;
    this.build();
    this.fit();
  }

  // Scrolls the panel, and nothing but the panel, if the node and the labels before it are out of sight.
  reveal(i) {
    const [x, y] = this.layout.positions[i].map((c) => c * this.zoom + 12);
    const [width, height] = this.layout.sizes[i].map((c) => (c / 2) * this.zoom);
    const [wide, high] = this.layout.labelSize.map((c) => c * this.zoom);
    const [before, above] = this.turned ? [0, high] : [wide, 0];
    const { clientWidth, clientHeight, scrollLeft, scrollTop } = this.panel;
    const across = x - width - before >= scrollLeft && x + width <= scrollLeft + clientWidth;
    const down = y - height - above >= scrollTop && y + height <= scrollTop + clientHeight;
    if (across && down) return;
    const behavior = reducedMotion() ? "auto" : "smooth";
    this.panel.scrollTo({ left: x - clientWidth / 2, top: y - clientHeight / 2, behavior });
  }
}
