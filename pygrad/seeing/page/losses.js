// losses.js: what was to become small, over the steps that were made.

const MOST_STEPS = 2000; // that are drawn

class LossCurve {
  constructor(panel) {
    this.panel = panel;
    this.svg = addShape(panel, "svg", { role: "img" });
    this.axes = addShape(this.svg, "g", { class: "axes" });
    this.line = addShape(this.svg, "path", { class: "curve" });
  }

  show(losses, label) {
    setAll(this.svg, { "aria-label": label });
    this.panel.hidden = losses.length < 2;
    if (losses.length > 1) this.draw(losses.slice(-MOST_STEPS), Math.max(0, losses.length - MOST_STEPS));
  }

  draw(losses, from) {
    const [width, height] = [Math.max(240, this.panel.clientWidth), 180];
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
