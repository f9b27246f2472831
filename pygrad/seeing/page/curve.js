// curve.js: the root as a curve over one leaf, with the tangent at the leaf's value and the secant to x + h.

const SAMPLES = 240;

class Curve {
  constructor(panel, onMove) {
    this.panel = panel;
    this.onMove = onMove;
    this.svg = addShape(panel, "svg", { role: "group", "aria-label": "The root over the leaf" });
    const clip = addShape(addShape(this.svg, "defs"), "clipPath", { id: "frame" });
    this.frame = addShape(clip, "rect");
    this.axes = addShape(this.svg, "g", { class: "axes" });
    const inside = addShape(this.svg, "g", { "clip-path": "url(#frame)" });
    const addLine = (name) => addShape(inside, "path", { class: name });
    this.lines = { curve: addLine("curve"), secant: addLine("secant"), tangent: addLine("tangent") };
    this.far = addShape(inside, "circle", { class: "far", r: 4 });
    this.near = addShape(this.svg, "g", {
      class: "near", tabindex: 0, role: "slider", "aria-label": "x",
    });
    addShape(this.near, "circle", { class: "reach", r: 22 });
    addShape(this.near, "circle", { class: "dot", r: 7 });
    this.listen();
  }

  listen() {
    let dragging = false;
    const move = (event) => this.onMove(this.xAt(event.clientX));
    this.svg.addEventListener("pointerdown", (event) => {
      // A finger elsewhere scrolls the page.
      if (event.pointerType === "touch" && !event.target.closest(".near")) return;
      dragging = true;
      this.svg.setPointerCapture(event.pointerId);
      this.near.focus({ preventScroll: true });
      event.preventDefault();
      move(event);
    });
    this.svg.addEventListener("pointermove", (event) => dragging && move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      this.svg.addEventListener(end, () => (dragging = false));
    }
    this.near.addEventListener("keydown", (event) => {
      const x = this.xFrom(event.key);
      if (x === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      this.onMove(x);
    });
  }

  // Where a key would move the point to.
  xFrom(key) {
    const { low, high } = this.range;
    const stride = (high - low) / 100;
    const strides = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
    const x = { Home: low, End: high }[key] ?? this.x + strides[key] * stride;
    return Number.isNaN(x) ? undefined : this.onRange(x);
  }

  onRange(x) {
    return Math.min(this.range.high, Math.max(this.range.low, x));
  }

  xAt(clientX) {
    const { low, high } = this.range;
    const box = this.svg.getBoundingClientRect();
    const share = (clientX - box.left - MARGIN.left) / (this.width - MARGIN.left - MARGIN.right);
    const stride = (high - low) / 400; // round numbers under the finger
    return this.onRange(rint((low + share * (high - low)) / stride) * stride);
  }

  // f: the root as a function of the leaf; slope: its derivative at x, from the backward pass.
  show({ f, x, range, slope, h, name }) {
    [this.range, this.x] = [range, x];
    const xs = Array.from({ length: SAMPLES + 1 }, (_, i) => range.low + ((range.high - range.low) * i) / SAMPLES);
    const ys = xs.map(f);
    const [y, yh] = [f(x), f(x + h)];
    this.bottomTop = heights(ys, y);
    this.measure();
    this.drawAxes(name);
    this.lines.curve.setAttribute("d", this.polyline(xs, ys));
    this.lines.tangent.setAttribute("d", this.line(x, y, slope));
    this.lines.secant.setAttribute("d", this.line(x, y, (yh - y) / h));
    this.put(this.far, x + h, yh);
    this.put(this.near, x, y);
    setAll(this.near, {
      "aria-label": name,
      "aria-valuemin": range.low,
      "aria-valuemax": range.high,
      "aria-valuenow": x,
      "aria-valuetext": `${shown(x)}, slope ${shown(slope)}`,
    });
    return { y, secant: (yh - y) / h };
  }

  measure() {
    this.width = Math.max(240, this.panel.clientWidth);
    this.height = this.width < 420 ? 240 : 300;
    setAll(this.svg, { width: this.width, height: this.height });
    setAll(this.frame, {
      x: MARGIN.left,
      y: MARGIN.top,
      width: this.width - MARGIN.left - MARGIN.right,
      height: this.height - MARGIN.top - MARGIN.bottom,
    });
  }

  px(x) {
    const { low, high } = this.range;
    return this.bounded(MARGIN.left + ((x - low) / (high - low)) * (this.width - MARGIN.left - MARGIN.right));
  }

  py(y) {
    const [bottom, top] = this.bottomTop;
    return this.bounded(MARGIN.top + ((top - y) / (top - bottom)) * (this.height - MARGIN.top - MARGIN.bottom));
  }

  drawAxes(name) {
    this.axes.replaceChildren();
    const { low, high } = this.range;
    const [bottom, right] = [this.height - MARGIN.bottom, this.width - MARGIN.right];
    const kind = (tick) => (tick === 0 ? "zero" : "grid");
    for (const x of ticks(low, high, this.width < 420 ? 4 : 6)) {
      addShape(this.axes, "path", { d: `M${this.px(x)} ${MARGIN.top}V${bottom}`, class: kind(x) });
      addShape(this.axes, "text", { x: this.px(x), y: bottom + 16, "text-anchor": "middle" }, shown(x, 4));
    }
    for (const y of ticks(...this.bottomTop, 5)) {
      addShape(this.axes, "path", { d: `M${MARGIN.left} ${this.py(y)}H${right}`, class: kind(y) });
      addShape(this.axes, "text", { x: MARGIN.left - 6, y: this.py(y) + 4, "text-anchor": "end" }, shown(y, 4));
    }
    this.svg.setAttribute("aria-label", `The root over ${name}`);
  }

  // Broken where the function is not defined, and where it leaps across the whole height.
  polyline(xs, ys) {
    const height = this.bottomTop[1] - this.bottomTop[0];
    let [path, pen] = ["", false];
    xs.forEach((x, i) => {
      const leap = i > 0 && fabs(ys[i] - ys[i - 1]) > 2 * height;
      if (leap) pen = false;
      if (Number.isFinite(ys[i])) path += `${pen ? "L" : "M"}${this.px(x)} ${this.py(ys[i])}`;
      pen = Number.isFinite(ys[i]);
    });
    return path;
  }

  line(x, y, slope) {
    if (![x, y, slope].every(Number.isFinite)) return "";
    const { low, high } = this.range;
    const at = (u) => this.py(y + mul0(slope, u - x));
    // As two halves, so that a steep line still goes through the point.
    return `M${this.px(low)} ${at(low)}L${this.px(x)} ${this.py(y)}L${this.px(high)} ${at(high)}`;
  }

  // Drawing has trouble with numbers much larger than the screen.
  bounded(pixels) {
    return Math.min(1e5, Math.max(-1e5, pixels));
  }

  put(element, x, y) {
    element.classList.toggle("undefined", !Number.isFinite(y));
    const left = Number.isFinite(x) ? this.px(x) : MARGIN.left;
    const top = Number.isFinite(y) ? this.py(y) : this.height - MARGIN.bottom;
    element.setAttribute("transform", `translate(${left} ${top})`);
  }
}
