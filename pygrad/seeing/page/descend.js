// descend.js: leaves move against their gradients, and the result is drawn over the steps.

const PACE = 60; // milliseconds for a step
const MOST_STEPS = 2000; // that are drawn

class Descent {
  constructor(inputs, onChange) {
    this.inputs = inputs;
    this.onChange = onChange;
    this.timer = 0;
    this.svg = addShape(find("loss"), "svg", { role: "img" });
    this.axes = addShape(this.svg, "g", { class: "axes" });
    this.line = addShape(this.svg, "path", { class: "curve" });
    find("descend").addEventListener("click", () => this.stop(this.step()));
    find("run").addEventListener("click", () => (this.timer ? this.stop() : this.run()));
    find("again").addEventListener("click", () => {
      this.clear();
      inputs.reset();
    });
    new ResizeObserver(onChange).observe(find("loss"));
  }

  open(model) {
    this.model = model;
    this.clear();
  }

  clear() {
    this.stop();
    this.losses = [];
    write(find("descent-note"), "");
  }

  get rate() {
    return find("rate").valueAsNumber;
  }

  // p.data -= rate * p.grad for all that move.
  step() {
    const { model } = this;
    if (!this.losses.length) this.losses.push(model.values[model.root]);
    const { grads } = model.backward();
    this.inputs.setAll(this.inputs.moving().map((leaf) => [leaf, model.values[leaf] - this.rate * grads[leaf]]));
    this.losses.push(model.values[model.root]);
    const isSound = Number.isFinite(model.values[model.root]);
    const lost = `${model.nodes[model.root].name} is ${shown(model.values[model.root])}: the rate is too high, or a leaf left its domain.`;
    write(find("descent-note"), isSound ? "" : lost);
    if (!isSound) this.stop();
  }

  run() {
    this.timer = setInterval(() => this.step(), PACE);
    this.onChange();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.onChange();
  }

  show() {
    const { model, losses } = this;
    const name = model.nodes[model.root].name;
    const [first, last] = [losses[0], losses[losses.length - 1]];
    write(find("run"), this.timer ? "Stop" : "Run");
    write(find("descent-count"), losses.length ? `${counted(losses.length - 1, "step")}: ${name} from ${shown(first)} to ${shown(last)}`
      : `${name} = ${shown(model.values[model.root])}`);
    setAll(this.svg, { "aria-label": `${name} over steps. ${find("descent-count").textContent}` });
    find("loss").hidden = losses.length < 2;
    if (losses.length > 1) this.draw(losses.slice(-MOST_STEPS), Math.max(0, losses.length - MOST_STEPS));
  }

  draw(losses, from) {
    const [width, height] = [Math.max(240, find("loss").clientWidth), 180];
    setAll(this.svg, { width, height });
    const finite = losses.filter((y) => fabs(y) < 1e307);
    const [low, high] = finite.length ? heights(finite, finite[0]) : [-1, 1];
    const [bottom, right] = [height - MARGIN.bottom, width - MARGIN.right];
    const px = (i) => MARGIN.left + (i / (losses.length - 1)) * (right - MARGIN.left);
    const py = (y) => MARGIN.top + ((high - y) / (high - low)) * (bottom - MARGIN.top);
    this.axes.replaceChildren();
    for (const y of ticks(low, high, 4)) {
      addShape(this.axes, "path", { d: `M${MARGIN.left} ${py(y)}H${right}`, class: y === 0 ? "zero" : "grid" });
      addShape(this.axes, "text", { x: MARGIN.left - 6, y: py(y) + 4, "text-anchor": "end" }, shown(y, 4));
    }
    for (const i of ticks(0, losses.length - 1, 4).filter(Number.isInteger)) {
      addShape(this.axes, "text", { x: px(i), y: bottom + 16, "text-anchor": "middle" }, String(from + i));
    }
    const points = losses.map((y, i) => (fabs(y) < 1e307 ? `${px(i)} ${py(y)}` : "")).filter((point) => point);
    this.line.setAttribute("d", points.length ? `M${points.join("L")}` : "");
  }
}
