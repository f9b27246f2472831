// differences.js: how far difference quotients are from the slope, over h: rounding on the left, truncation on the right.

const SMALLEST_H = 1e-17;

class Differences {
  constructor(panel) {
    this.panel = panel;
    this.svg = addShape(panel, "svg", { role: "img" });
    this.axes = addShape(this.svg, "g", { class: "axes" });
    this.lines = ["secant", "central"].map((name) => addShape(this.svg, "path", { class: name }));
    this.dots = ["secant", "central"].map((name) => addShape(this.svg, "circle", { class: name, r: 4 }));
  }

  // largest: the largest h.
  show({ f, x, slope, h, largest }) {
    const [low, high] = [log10(SMALLEST_H), log10(largest)];
    const count = rint((high - low) * 4);
    const steps = Array.from({ length: count + 1 }, (_, i) => 10 ** (low + ((high - low) * i) / count));
    const errors = [forwardDifference, centralDifference].map((take) => (step) => fabs(take(f, x, step) - slope));
    const all = errors.map((error) => steps.map(error));
    const seen = all.flat().filter((y) => y > 0 && Number.isFinite(y)).map(log10);
    this.panel.hidden = !seen.length;
    if (!seen.length) return;
    const [width, height] = [Math.max(240, this.panel.clientWidth), 170];
    const [bottom, right] = [height - MARGIN.bottom, width - MARGIN.right];
    const [least, most] = [floor(Math.min(...seen)), Math.max(ceil(Math.max(...seen)), floor(Math.min(...seen)) + 1)];
    const px = (step) => MARGIN.left + ((log10(step) - low) / (high - low)) * (right - MARGIN.left);
    // No error at all is drawn on the axis.
    const py = (y) => MARGIN.top + ((most - Math.max(least, log10(y))) / (most - least)) * (bottom - MARGIN.top);
    setAll(this.svg, { width, height, "aria-label": `Error over h, at ${shown(h, 3)}: ${errors.map((e) => shown(e(h), 3)).join(" and ")}` });
    this.axes.replaceChildren();
    for (const k of ticks(low, high, 5).filter(Number.isInteger)) {
      addShape(this.axes, "text", { x: px(10 ** k), y: bottom + 16, "text-anchor": "middle" }, `1e${k}`.replace("-", "−"));
    }
    for (const k of ticks(least, most, 4).filter(Number.isInteger)) {
      addShape(this.axes, "path", { d: `M${MARGIN.left} ${py(10 ** k)}H${right}`, class: "grid" });
      addShape(this.axes, "text", { x: MARGIN.left - 6, y: py(10 ** k) + 4, "text-anchor": "end" }, `1e${k}`.replace("-", "−"));
    }
    errors.forEach((error, which) => {
      const points = steps.flatMap((step, i) => (Number.isFinite(all[which][i]) ? [`${px(step)} ${py(all[which][i])}`] : []));
      this.lines[which].setAttribute("d", points.length ? `M${points.join("L")}` : "");
      const here = error(h);
      setAll(this.dots[which], Number.isFinite(here) ? { cx: px(h), cy: py(here), r: 4 } : { r: 0 });
    });
  }
}

const forwardDifference = (f, x, h) => (f(x + h) - f(x)) / h;
const centralDifference = (f, x, h) => (f(x + h) - f(x - h)) / (2 * h);
