// slope.js: the curve's panel: over which leaf it is, the step of the secant, and the numbers below.

class Slope {
  constructor(inputs, onChange) {
    this.inputs = inputs;
    this.onChange = onChange;
    this.curve = new Curve(find("curve"), (x) => inputs.set(this.leaf, x));
    this.differences = new Differences(find("differences"));
    setAll(find("h"), { min: -68, max: 0 });
    find("h").value = 0;
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

  // About a tenth of the range.
  largest() {
    const { low, high } = this.inputs.ranges.get(this.leaf);
    return 10 ** floor(log10((high - low) / 5));
  }

  // Four positions of the slider are a power of ten.
  step() {
    const largest = this.largest();
    setAll(find("h"), { min: Math.min(-4, rint(4 * log10(SMALLEST_H / largest))) });
    return Number((largest * 10 ** (find("h").valueAsNumber / 4)).toPrecision(2));
  }

  // grads: null where hidden.
  show(grads) {
    if (this.leaf === undefined) return;
    const { leaf, model } = this;
    const h = this.step();
    const [x, slope] = [model.values[leaf], grads[leaf]];
    const isHidden = slope === null;
    const range = this.inputs.ranges.get(leaf);
    const f = model.functionOf(leaf);
    const drawn = { f, x, range, slope: isHidden ? NaN : slope, h, name: model.nodes[leaf].name };
    const { y, secant } = this.curve.show(drawn);
    const central = centralDifference(f, x, h);
    find("differences").hidden = isHidden;
    if (!isHidden) this.differences.show({ f, x, slope, h, largest: this.largest() });
    find("paths").hidden = find("paths-title").hidden = isHidden;
    find("paths-title").textContent = `Paths from ${model.nodes[leaf].name}`;
    if (!isHidden) tellPaths(find("paths"), model, leaf, slope);
    find("h-shown").textContent = shown(h, 3);
    find("h").setAttribute("aria-valuetext", shown(h, 3));
    find("apart").hidden = !model.dependents(leaf).some((i) => model.nodes[i].form === "frozen");
    this.tell([
      ["x", shown(x)],
      ["f(x)", shown(y)],
      ["slope, exact", isHidden ? "?" : exact(slope), "tangent"],
      ["(f(x + h) − f(x)) / h", isHidden ? "?" : exact(secant), "secant"],
      ["difference", isHidden ? "?" : shown(secant - slope, 3)],
      ["(f(x + h) − f(x − h)) / 2h", isHidden ? "?" : exact(central), "central"],
      ["its difference", isHidden ? "?" : shown(central - slope, 3)],
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
