// panzoom.js: what a panel shows of a canvas that is larger: moved by dragging, by the wheel and by two fingers.
//
// A wheel over a panel that nobody has touched scrolls the page, as the reader means to pass by; once the panel has
// the focus, or with Ctrl or ⌘, it zooms. A finger scrolls the page while all of the canvas is in sight.

const MARGIN_AROUND = 12;
const CLICK = 4; // pixels that a pointer may move in a click
const READABLE = 0.6;

class PanZoom {
  constructor(panel) {
    this.panel = panel;
    this.pointers = new Map();
    this.dragged = false;
    panel.addEventListener("pointerdown", (event) => this.press(event));
    panel.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) panel.addEventListener(end, (event) => this.release(event));
    panel.addEventListener("click", (event) => this.dragged && event.stopPropagation(), true);
    panel.addEventListener("wheel", (event) => this.turnWheel(event), { passive: false });
    panel.addEventListener("keydown", (event) => this.onKey(event));
    // The browser scrolls a panel to what gets the focus, which is what the transform is for.
    panel.addEventListener("scroll", () => panel.scrollTo(0, 0));
    new ResizeObserver(() => this.canvas && (this.isFitted ? this.fit() : this.apply())).observe(panel);
  }

  show(canvas, width, height) {
    Object.assign(this, { canvas, width, height });
    this.fit();
  }

  get room() {
    return [this.panel.clientWidth, this.panel.clientHeight];
  }

  fit() {
    const { maxHeight } = getComputedStyle(this.panel);
    const inner = (length) => length - 2 * MARGIN_AROUND;
    const most = inner(parseFloat(maxHeight));
    this.least = Math.min(1, inner(this.panel.clientWidth) / this.width, most / this.height);
    // Where it cannot be read there is to be room for what is zoomed into.
    const wanted = this.least < READABLE ? Math.max(this.height * this.least, 300) : this.height * this.least;
    this.panel.style.height = `${Math.min(most, wanted) + 2 * MARGIN_AROUND + 2}px`;
    const [wide, high] = this.room;
    this.scale = this.least;
    this.x = (wide - this.width * this.scale) / 2;
    this.y = (high - this.height * this.scale) / 2;
    this.isFitted = true;
    this.apply();
  }

  // By a factor, with what is at (x, y) of the panel, or in its middle, staying there.
  zoom(factor, x = this.room[0] / 2, y = this.room[1] / 2) {
    const scale = Math.min(3, Math.max(Math.min(this.least, 0.3), this.scale * factor));
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.isFitted = false;
    this.apply();
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.isFitted = false;
    this.apply();
  }

  apply() {
    const bound = (at, length, room) => Math.min(room - 40, Math.max(40 - length * this.scale, at));
    this.x = bound(this.x, this.width, this.room[0]);
    this.y = bound(this.y, this.height, this.room[1]);
    this.canvas.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.panel.style.touchAction = this.scale > this.least * 1.01 || !this.isFitted ? "none" : "pan-y";
  }

  // Into sight, in the middle if it is not there yet, and large enough to be read if that is asked for.
  reveal([x, y], [width, height], readable = false) {
    if (readable && this.scale < READABLE) this.zoom(READABLE / this.scale);
    const [wide, high] = this.room;
    const [left, top] = [this.x + x * this.scale, this.y + y * this.scale];
    const [w, h] = [(width / 2) * this.scale, (height / 2) * this.scale];
    const isSeen = left - w >= 0 && left + w <= wide && top - h >= 0 && top + h <= high;
    if (!isSeen) this.pan(wide / 2 - left, high / 2 - top);
  }

  // -- pointers --

  place(event) {
    const box = this.panel.getBoundingClientRect();
    return [event.clientX - box.left - this.panel.clientLeft, event.clientY - box.top - this.panel.clientTop];
  }

  press(event) {
    if (event.button > 0) return;
    if (!this.pointers.size) this.dragged = false;
    this.pointers.set(event.pointerId, this.place(event));
    this.from = this.place(event);
  }

  // Middle and spread of the fingers.
  grip() {
    const [[a, b], [c, d] = [a, b]] = [...this.pointers.values()];
    return { x: (a + c) / 2, y: (b + d) / 2, spread: Math.hypot(a - c, b - d) };
  }

  move(event) {
    if (!this.pointers.has(event.pointerId)) return;
    const to = this.place(event);
    if (!this.dragged && Math.hypot(to[0] - this.from[0], to[1] - this.from[1]) < CLICK) return;
    if (!this.dragged) this.panel.setPointerCapture(event.pointerId);
    this.dragged = true;
    const before = this.grip();
    this.pointers.set(event.pointerId, to);
    const after = this.grip();
    this.pan(after.x - before.x, after.y - before.y);
    if (before.spread && after.spread) this.zoom(after.spread / before.spread, after.x, after.y);
  }

  release(event) {
    this.pointers.delete(event.pointerId);
  }

  turnWheel(event) {
    const meant = event.ctrlKey || event.metaKey || this.panel.contains(document.activeElement);
    if (!meant) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    this.zoom(exp(-Math.min(300, Math.max(-300, pixels)) / 400), ...this.place(event));
  }

  onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const shift = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key];
    const factor = { "+": 1.25, "=": 1.25, "-": 0.8 }[event.key];
    if (shift && event.target === this.panel) this.pan(...shift);
    else if (factor) this.zoom(factor);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
  }
}
