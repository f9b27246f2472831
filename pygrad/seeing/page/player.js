// player.js: the two passes step by step: what is known at a step, and the buttons and keys that go from one to another.

class Player {
  constructor(onStep) {
    this.onStep = onStep;
    this.timer = 0;
    const clicks = {
      restart: () => this.jump(0),
      back: () => this.jump(this.step - 1),
      forward: () => this.jump(this.step + 1),
      play: () => this.toggle(),
    };
    for (const [id, action] of Object.entries(clicks)) find(id).addEventListener("click", action);
    find("position").addEventListener("input", (event) => this.jump(event.target.valueAsNumber));
    for (const id of ["mode", "seed"]) {
      find(id).addEventListener("change", () => {
        this.choose(find("mode").value, Number(find("seed").value));
        this.go(0);
      });
    }
    find("speed").addEventListener("change", () => this.timer && this.play());
    document.addEventListener("keydown", (event) => this.onKey(event));
  }

  open(model) {
    this.model = model;
    find("seed").replaceChildren();
    for (const leaf of model.leaves) add(find("seed"), "option", { value: leaf }, model.nodes[leaf].name);
    find("seed").value = firstLeaf(model);
    find("mode").disabled = !model.leaves.length;
    this.choose("reverse");
  }

  // The way back from the result, or tangents on the way forward from one leaf, the seed.
  choose(mode, seed) {
    this.seed = mode === "forward" ? seed : undefined;
    this.steps = this.model.steps(mode);
    this.last = this.steps.length - 1;
    this.pause();
    this.step = 0;
    find("position").max = this.last;
    find("mode").value = mode;
    find("seed-row").hidden = mode !== "forward";
    find("graph").dataset.mode = mode;
  }

  go(step) {
    this.step = Math.min(this.last, Math.max(0, step));
    if (this.step === this.last) this.pause();
    this.onStep(this.steps[this.step]);
  }

  jump(step) {
    this.pause();
    this.go(step);
  }

  play() {
    clearInterval(this.timer);
    if (this.step === this.last) this.go(0);
    const pace = Math.max(150, Math.min(1100, 40000 / this.steps.length)) / Number(find("speed").value);
    this.timer = setInterval(() => this.go(this.step + 1), pace);
    this.sayPlaying();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = 0;
    this.sayPlaying();
  }

  toggle() {
    if (this.timer) this.pause();
    else this.play();
  }

  sayPlaying() {
    find("play").textContent = this.timer ? "Pause" : "Play";
    find("story").setAttribute("aria-live", this.timer ? "off" : "polite");
  }

  // To the step of a node in the pass that is under way.
  showNode(i) {
    const phase = this.progress().backward < 0 ? "forward" : "backward";
    this.jump(this.steps.findIndex((step) => step.phase === phase && step.node === i));
  }

  // How many nodes each pass has done at the step; -1 if the way back has not begun.
  progress() {
    const count = this.model.inner.length;
    return { forward: Math.min(this.step, count), backward: Math.max(-1, this.step - count - 1) };
  }

  // What is known at the step.
  now() {
    const { model } = this;
    const { forward, backward } = this.progress();
    const waiting = new Set(model.inner.slice(forward));
    return {
      values: model.values.map((value, i) => (waiting.has(i) ? undefined : value)),
      slopes: new Map(model.inner.slice(0, forward).map((i) => [i, model.slopes(i)])),
      ...(this.seed === undefined ? this.wayBack(backward) : this.tangents(waiting)),
      ...this.steps[this.step],
    };
  }

  wayBack(backward) {
    const { grads, given } = this.model.backward(Math.max(0, backward));
    return { grads: grads.map((grad) => (backward < 0 ? undefined : grad)), given, word: "grad" };
  }

  tangents(waiting) {
    const { tangents, given } = this.model.tangents(this.seed);
    for (const i of waiting) given.delete(i);
    const grads = tangents.map((tangent, i) => (waiting.has(i) ? undefined : tangent));
    return { grads, given, word: "tangent", seed: this.seed };
  }

  show(now) {
    find("position").value = this.step;
    find("position").setAttribute("aria-valuetext", title(this.model, now));
    find("count").textContent = `${this.step} / ${this.last}`;
    find("back").disabled = find("restart").disabled = this.step === 0;
    find("forward").disabled = this.step === this.last;
  }

  onKey(event) {
    const { target, key } = event;
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    if (target.closest("input, select, [role=slider], .panel")) return;
    if (key === " " && target.closest("button, summary")) return;
    const actions = {
      ArrowLeft: () => this.jump(this.step - 1),
      ArrowRight: () => this.jump(this.step + 1),
      Home: () => this.jump(0),
      End: () => this.jump(this.last),
      " ": () => this.toggle(),
    };
    if (!(key in actions)) return;
    event.preventDefault();
    actions[key]();
  }
}
