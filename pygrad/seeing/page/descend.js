// descend.js: leaves move against their gradients, and the result is drawn over the steps.

const PACE = 60; // milliseconds for a step

class Descent {
  constructor(inputs, onChange) {
    this.inputs = inputs;
    this.onChange = onChange;
    this.timer = 0;
    this.curve = new LossCurve(find("loss"));
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
    this.curve.show(losses, `${name} over steps. ${find("descent-count").textContent}`);
  }
}
