// inputs.js: a slider, a number and the gradient for each leaf; the parameters of a layer fold.

// From -limit to limit: a round number, at least twice as large as x.
function rangeAround(x) {
  const size = Number.isFinite(x) ? Math.min(2 * fabs(x), 1e307) : 0;
  const least = size > 1e-3 || size < 1e-290 ? Math.max(size, 1) : size;
  const power = 10 ** floor(log10(least));
  const high = [1, 2, 5, 10].map((m) => m * power).find((limit) => limit >= least);
  return { low: -high, high };
}

class Inputs {
  constructor(panel, onChange) {
    this.panel = panel;
    this.onChange = onChange;
  }

  open(model) {
    this.model = model;
    this.recorded = [...model.values];
    this.ranges = new Map(model.leaves.map((leaf) => [leaf, rangeAround(model.values[leaf])]));
    this.rows = new Map();
    this.panel.replaceChildren();
    this.addRows();
  }

  addRows() {
    const groups = new Map([[undefined, []]]);
    const unlabelled = [];
    for (const leaf of this.model.leaves) {
      const { group, labelled } = this.model.nodes[leaf];
      if (!labelled) unlabelled.push(leaf);
      else if (groups.has(group)) groups.get(group).push(leaf);
      else groups.set(group, [leaf]);
    }
    const addAll = (leaves, box) => leaves.forEach((leaf) => this.addRow(box, leaf));
    addAll(groups.get(undefined), this.panel);
    groups.delete(undefined);
    const byName = (a, b) => a.localeCompare(b, "en", { numeric: true });
    for (const [group, leaves] of [...groups].sort(([a], [b]) => byName(a, b))) {
      leaves.sort((a, b) => byName(this.model.nodes[a].short, this.model.nodes[b].short));
      addAll(leaves, this.addFold(`${group}: ${counted(leaves.length, "parameter")}`));
    }
    const isAlone = unlabelled.length === this.model.leaves.length;
    if (unlabelled.length) addAll(unlabelled, isAlone ? this.panel : this.addFold(`Without a label (${unlabelled.length})`));
  }

  addFold(text) {
    const box = add(this.panel, "details");
    add(add(box, "summary"), "bdi", {}, text);
    return box;
  }

  addRow(parent, leaf) {
    const { name, short = name } = this.model.nodes[leaf];
    const row = add(parent, "div", { class: "row" });
    const head = add(row, "label", { class: "name", title: name });
    const moves = add(head, "input", { type: "checkbox", "aria-label": `${name} moves in the descent` });
    moves.checked = this.movesAtFirst(leaf);
    add(head, "bdi", {}, short);
    const slider = add(row, "input", { type: "range", "aria-label": name });
    const number = add(row, "input", { type: "number", step: "any", "aria-label": `${name}, as a number` });
    const grad = add(row, "output", { "aria-label": `gradient of ${name}` });
    slider.addEventListener("input", () => this.set(leaf, slider.valueAsNumber));
    number.addEventListener("input", () => {
      if (Number.isFinite(number.valueAsNumber)) this.set(leaf, number.valueAsNumber);
    });
    number.addEventListener("blur", this.onChange);
    this.rows.set(leaf, { moves, slider, number, grad });
  }

  // Parameters, where the graph has some; or else leaves with a label, which are what others are not.
  movesAtFirst(leaf) {
    const { nodes, leaves } = this.model;
    const marks = ["group", "labelled"].find((mark) => leaves.some((i) => nodes[i][mark]));
    return marks === undefined || Boolean(nodes[leaf][marks]);
  }

  moving() {
    return [...this.rows].filter(([, { moves }]) => moves.checked).map(([leaf]) => leaf);
  }

  set(leaf, x) {
    this.keepInRange(leaf, x);
    this.model.set(leaf, x);
    this.onChange();
  }

  // All at once: numbers by leaf.
  setAll(numbers) {
    for (const [leaf, x] of numbers) {
      this.keepInRange(leaf, x);
      this.model.values[leaf] = x;
    }
    this.model.compute(this.model.inner, this.model.values);
    this.onChange();
  }

  keepInRange(leaf, x) {
    const { low, high } = this.ranges.get(leaf);
    if (!(low <= x && x <= high)) this.ranges.set(leaf, rangeAround(x));
  }

  // Half or twice as wide, about the value.
  scaleRange(leaf, factor) {
    const { low, high } = this.ranges.get(leaf);
    const half = ((high - low) / 2) * factor;
    const x = Number.isFinite(this.model.values[leaf]) ? this.model.values[leaf] : 0;
    const sensible = half > Math.max(1e-9 * fabs(x), 1e-300) && half + fabs(x) < 1e307;
    if (sensible) this.ranges.set(leaf, { low: x - half, high: x + half });
    this.onChange();
  }

  reset() {
    for (const leaf of this.model.leaves) this.ranges.set(leaf, rangeAround(this.recorded[leaf]));
    this.setAll(this.model.leaves.map((leaf) => [leaf, this.recorded[leaf]]));
  }

  focus(leaf) {
    const { slider } = this.rows.get(leaf);
    slider.closest("details")?.setAttribute("open", "");
    slider.focus();
  }

  // grads: null where hidden.
  show(grads) {
    for (const [leaf, { slider, number, grad }] of this.rows) {
      const { low, high } = this.ranges.get(leaf);
      const x = this.model.values[leaf];
      setAll(slider, { min: low, max: high, step: (high - low) / 400, "aria-valuetext": shown(x) });
      slider.value = x;
      // Not while it is being written.
      if (number !== document.activeElement) number.value = Number.isFinite(x) ? Number(x.toPrecision(7)) : "";
      write(grad, `grad ${numberOrNot(grads[leaf])}`);
    }
  }
}
