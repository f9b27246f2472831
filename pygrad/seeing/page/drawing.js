// drawing.js: the graph as boxes, labels and lines at the places that layout.js finds.

class Drawing {
  constructor(panel, onPick) {
    this.panel = panel;
    this.onPick = onPick;
    this.view = new PanZoom(panel);
    panel.addEventListener("keydown", (event) => this.onKey(event));
  }

  // Another graph; it is folded at first where that spares many boxes.
  open(model) {
    this.model = model;
    this.groups = new Set(model.nodes.flatMap(({ group }) => group ?? []));
    this.isFolded = this.groups.size > 0;
    this.layOut();
    const [LR, TB] = [this.placesIn("LR"), this.placesIn("TB")];
    this.turned = this.panel.clientWidth < 600 && TB.width < LR.width;
    this.build();
  }

  get direction() {
    return this.turned ? "TB" : "LR";
  }

  layOut() {
    this.parts = itemsOf(this.model.nodes, this.isFolded);
    this.places = {};
  }

  placesIn(direction) {
    return (this.places[direction] ??= placesOf(this.model.nodes, this.parts, direction));
  }

  fold(isFolded) {
    this.isFolded = isFolded;
    this.layOut();
    this.build();
  }

  turn() {
    this.turned = !this.turned;
    this.build();
  }

  build() {
    this.layout = this.placesIn(this.direction);
    this.panel.replaceChildren();
    this.canvas = add(this.panel, "div", { class: this.turned ? "canvas turned" : "canvas" });
    const { width, height } = this.layout;
    this.lines = addShape(this.canvas, "svg", { width, height, "aria-hidden": "true" });
    this.boxes = this.parts.items.map((item, at) => this.addBox(item, at));
    this.edges = this.parts.edges.map((edge, at) => this.addEdge(edge, at));
    this.tabTo(this.boxes.length - 1);
    this.view.show(this.canvas, width, height);
  }

  place(element, [x, y], [width, height]) {
    const style = { left: x - width / 2, top: y - height / 2, width, height };
    for (const [name, length] of Object.entries(style)) element.style[name] = `${length}px`;
  }

  addBox({ nodes, group }, at) {
    const node = this.model.nodes[nodes[0]];
    const isGroup = group !== undefined;
    const box = add(this.canvas, "button", { type: "button", class: `node ${isGroup ? "group" : node.form}` });
    const head = add(box, "span", { class: "head" });
    add(head, "bdi", { class: "name" }, isGroup ? group : node.name);
    add(head, "span", { class: "op" }, isGroup ? `${nodes.length}` : node.form === "frozen" ? "frozen" : node.symbol);
    const [value, grad] = ["value", "grad"].map((name) => {
      const row = add(box, "span", { class: name });
      return [add(row, "span", {}, name), add(row, "b")];
    });
    box.title = isGroup ? `${group}, ${counted(nodes.length, "parameter")}`
      : node.text === "" ? node.name : `${node.name} = ${node.text}`;
    box.addEventListener("click", () => this.onPick(nodes[0]));
    box.addEventListener("focus", () => {
      this.tabTo(at);
      // A click is where the reader looks already.
      if (box.matches(":focus-visible")) this.revealItem(at, true);
    });
    this.place(box, this.layout.positions[at], this.layout.sizes[at]);
    return { box, nodes, isGroup, value, grad };
  }

  addEdge({ node, k, isLabelled }, at) {
    const line = addShape(this.lines, "path", { d: this.path(this.layout.routes[at]) });
    if (!isLabelled) return { node, k, line };
    const label = add(this.canvas, "div", { class: "label" });
    const product = add(label, "span", { class: "product" });
    const texts = [add(product, "span"), add(product, "span"), add(label, "span")];
    this.place(label, this.layout.labels[at], LABEL_SIZES[this.direction]);
    return { node, k, line, label, texts };
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

  // -- what is known at a step --

  // Values and derivatives (undefined where not yet, null where hidden), contributions, and the node at work.
  show(now) {
    this.boxes.forEach((parts) => this.showBox(parts, now));
    for (const edge of this.edges) this.showEdge(edge, now);
  }

  showBox({ box, nodes: [i, ...more], isGroup, value, grad }, now) {
    const { values, grads } = now;
    if (isGroup) this.showGroup([i, ...more], { value, grad }, now);
    else {
      write(value[1], values[i] === undefined ? "" : shown(values[i], 5));
      write(grad[0], now.word);
      write(grad[1], numberOrNot(grads[i], 5));
    }
    box.classList.toggle("pending", values[i] === undefined);
    box.classList.toggle("strange", values[i] !== undefined && !Number.isFinite(values[i]));
    box.classList.toggle("asked", i === now.asked);
    box.dataset.at = i === now.node ? now.phase : "";
    const known = isGroup ? box.textContent : `${values[i] === undefined ? "" : `, ${shown(values[i], 5)}`}`
      + (typeof grads[i] === "number" ? `, ${now.word} ${shown(grads[i], 5)}` : "");
    box.setAttribute("aria-label", `${box.title}${known}`);
  }

  // The length of the gradient stands for all of it.
  showGroup(members, { value, grad }, { values, grads, word }) {
    const size = (numbers) => (numbers.every((x) => typeof x === "number") ? shown(Math.hypot(...numbers), 4) : "");
    write(value[0], "‖w‖");
    write(value[1], size(members.map((i) => values[i])));
    write(grad[0], `‖${word}‖`);
    write(grad[1], size(members.map((i) => grads[i])));
  }

  showEdge({ node: head, k, line, label, texts }, { slopes, given, node: active, phase }) {
    line.dataset.at = head === active ? phase : "";
    if (!label) return;
    label.dataset.at = line.dataset.at;
    const amounts = given.get(head)?.[k];
    label.classList.toggle("given", amounts !== undefined);
    let known = ["", "", ""];
    if (slopes.has(head)) known = ["slope", shown(slopes.get(head)[k], 4), ""];
    if (amounts !== undefined) {
      const { slope, upstream, amount } = amounts;
      known = [shown(slope, 4), `× ${shown(upstream, 4)}`, `= ${shown(amount, 4)}`];
    }
    texts.forEach((element, i) => write(element, known[i]));
  }

  // -- what is in sight, and has the focus --

  reveal(i) {
    this.revealItem(this.parts.itemOf[i], false);
  }

  revealItem(at, readable) {
    this.view.reveal(this.layout.positions[at], this.layout.sizes[at], readable);
  }

  // One node at a time is reached by Tab, and the others from there by arrow keys.
  tabTo(at) {
    this.boxes.forEach(({ box }, i) => (box.tabIndex = i === at ? 0 : -1));
  }

  onKey(event) {
    const at = this.boxes.findIndex(({ box }) => box === event.target);
    if (at < 0) return;
    const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const to = event.key in directions ? this.nearest(at, ...directions[event.key]) : undefined;
    if (!(event.key in directions)) return;
    event.preventDefault();
    event.stopPropagation();
    if (to !== undefined) this.boxes[to].box.focus();
  }

  // The next box in a direction, as the eye would find it: near, and not far aside.
  nearest(at, dx, dy) {
    const [x, y] = this.layout.positions[at];
    let [best, least] = [undefined, Infinity];
    this.layout.positions.forEach(([u, v], i) => {
      const along = (u - x) * dx + (v - y) * dy;
      const aside = fabs((u - x) * dy + (v - y) * dx);
      const cost = along + 2 * aside;
      if (along > 1 && cost < least) [best, least] = [i, cost];
    });
    return best;
  }
}

// undefined: not known yet. null: hidden, as the reader is to find it.
function numberOrNot(x, digits) {
  return x === undefined ? "" : x === null ? "?" : shown(x, digits);
}
