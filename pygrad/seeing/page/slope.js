// slope.js: the curve's panel: over which leaf it is, the step of the secant, and the numbers below.

class Slope {
  constructor(inputs, onChange) {
    this.inputs = inputs;
    this.onChange = onChange;
    this.curve = new Curve(find("curve"), (x) => inputs.set(this.leaf, x));
    setAll(find("h"), { min: 0, max: 36 });
    find("h").value = 36;
    find("h").addEventListener("input", onChange);
    find("along").addEventListener("change", (event) => this.turnTo(Number(event.target.value)));
    find("narrow").addEventListener("click", () => inputs.scaleRange(this.leaf, 0.5));
    find("widen").addEventListener("click", () => inputs.scaleRange(this.leaf, 2));
    new ResizeObserver(onChange).observe(find("curve"));
  }

  open(model) {
    this.model = model;
    this.leaf = firstLeaf(model);
    find("slope").hidden = this.leaf === undefined;
    find("along").replaceChildren();
    for (const leaf of model.leaves) add(find("along"), "option", { value: leaf }, model.nodes[leaf].name);
    find("along").value = this.leaf;
  }

  turnTo(leaf) {
    this.leaf = leaf;
    find("along").value = leaf;
    this.onChange();
  }

  // Four positions of the slider are a power of ten; the last is about a tenth of the range.
  step() {
    const { low, high } = this.inputs.ranges.get(this.leaf);
    const largest = 10 ** floor(log10((high - low) / 5));
    return Number((largest * 10 ** ((find("h").valueAsNumber - find("h").max) / 4)).toPrecision(2));
  }

  // grads: null where hidden.
  show(grads) {
    if (this.leaf === undefined) return;
    const { leaf, model } = this;
    const h = this.step();
    const [x, slope] = [model.values[leaf], grads[leaf]];
    const isHidden = slope === null;
    const range = this.inputs.ranges.get(leaf);
    const drawn = { f: model.functionOf(leaf), x, range, slope: isHidden ? NaN : slope, h, name: model.nodes[leaf].name };
    const { y, secant } = this.curve.show(drawn);
    find("h-shown").textContent = shown(h, 3);
    find("h").setAttribute("aria-valuetext", shown(h, 3));
    find("apart").hidden = !model.dependents(leaf).some((i) => model.nodes[i].form === "frozen");
    this.tell([
      ["x", shown(x)],
      ["f(x)", shown(y)],
      ["slope, exact", isHidden ? "?" : exact(slope), "tangent"],
      ["(f(x + h) − f(x)) / h", isHidden ? "?" : exact(secant), "secant"],
      ["difference", isHidden ? "?" : shown(secant - slope, 3)],
    ]);
  }

  tell(facts) {
    find("slopes").replaceChildren();
    for (const [term, text, kind = ""] of facts) {
      add(find("slopes"), "dt", { class: kind }, term);
      add(find("slopes"), "dd", {}, text);
    }
  }
}

// The first with a label, or else the first that matters.
function firstLeaf(model) {
  const { grads } = model.backward();
  const { nodes } = model;
  const matters = [(i) => nodes[i].labelled && !nodes[i].group, (i) => nodes[i].labelled && grads[i] !== 0];
  matters.push((i) => grads[i] !== 0, () => true);
  return matters.map((test) => model.leaves.find(test)).find((leaf) => leaf !== undefined);
}
