// plane.js: the plane as a network, or one of its neurons, sees it: colours, the line where it is 0, and the data.

const FIELD = 44; // samples along each side
const DOT = 4.5;

// What nodes are all over the window: an array of rows for each node, the lowest first.
function sampled(network, window, nodes) {
  const [left, right, bottom, top] = window;
  const fields = new Map(nodes.map((i) => [i, new Float64Array(FIELD * FIELD)]));
  for (let row = 0; row < FIELD; row++) {
    for (let column = 0; column < FIELD; column++) {
      const x = left + ((right - left) * column) / (FIELD - 1);
      const values = network.valuesAt([x, bottom + ((top - bottom) * row) / (FIELD - 1)]);
      for (const [i, field] of fields) field[row * FIELD + column] = values[i];
    }
  }
  return fields;
}

// How far from 0 most of a field is: that 95 in a hundred are nearer, of some that lie all over it.
function reachOf(field) {
  const sizes = field.filter((x, i) => i % 7 === 0 && Number.isFinite(x)).map(fabs).sort();
  return sizes[floor(0.95 * (sizes.length - 1))] || 1;
}

// A field as pixels on a canvas of FIELD x FIELD: from the middle's colour to so much of a side's, its tint.
function paint(canvas, field, { low, middle, high, tint }) {
  setAll(canvas, { width: FIELD, height: FIELD });
  const context = canvas.getContext("2d");
  const image = context.createImageData(FIELD, FIELD);
  const reach = reachOf(field);
  for (let i = 0; i < field.length; i++) {
    const at = 4 * ((FIELD - 1 - trunc(i / FIELD)) * FIELD + (i % FIELD));
    const share = Math.min(1, fabs(field[i]) / reach) * tint || 0;
    const side = field[i] < 0 ? low : high;
    for (let k = 0; k < 3; k++) image.data[at + k] = middle[k] + (side[k] - middle[k]) * share;
    image.data[at + 3] = Number.isNaN(field[i]) ? 0 : 255;
  }
  context.putImageData(image, 0, 0);
}

// Where a field is 0, as pieces [x, y, x, y] in steps of its grid: through each triangle of each cell one, if any.
function zeros(field) {
  const pieces = [];
  const cut = (a, b) => {
    const t = field[a] / (field[a] - field[b]);
    const mix = (f) => f(a) + t * (f(b) - f(a));
    return [mix((i) => i % FIELD), mix((i) => trunc(i / FIELD))];
  };
  for (let i = 0; i < FIELD * (FIELD - 1); i++) {
    if (i % FIELD === FIELD - 1) continue;
    const [a, b, c, d] = [i, i + 1, i + FIELD + 1, i + FIELD];
    for (const corners of [[a, b, c], [a, c, d]]) {
      const sides = corners.map((p, k) => [p, corners[(k + 1) % 3]]).filter(([p, q]) => field[p] < 0 !== field[q] < 0);
      const ends = sides.map(([p, q]) => cut(p, q));
      if (ends.length === 2 && ends.flat().every(Number.isFinite)) pieces.push(ends.flat());
    }
  }
  return pieces;
}

// "rgb(1, 2, 3)" as numbers; what light-dark() means is told by an element that has the colour only.
const channels = (element) => getComputedStyle(element).color.match(/[\d.]+/g).slice(0, 3).map(Number);
const coloursOf = (tint) => ({ tint, low: channels(find("low")), middle: channels(find("middle")), high: channels(find("high")) });

class Plane {
  constructor(panel, window, onPick) {
    this.window = window;
    this.canvas = add(panel, "canvas", { role: "img" });
    this.field = document.createElement("canvas");
    this.canvas.addEventListener("click", ({ offsetX, offsetY }) => onPick(this.pointAt(offsetX, offsetY)));
  }

  get size() {
    return this.canvas.clientWidth;
  }

  pixels([x, y]) {
    const [left, right, bottom, top] = this.window;
    return [((x - left) / (right - left)) * this.size, ((top - y) / (top - bottom)) * this.size];
  }

  pointAt(px, py) {
    const [left, right, bottom, top] = this.window;
    return [left + (px / this.size) * (right - left), top - (py / this.size) * (top - bottom)];
  }

  // picked: a point of the plane, or none.
  show({ field, rows, colours, picked, label }) {
    const { canvas, size } = this;
    setAll(canvas, { width: size * devicePixelRatio, height: size * devicePixelRatio, "aria-label": label });
    const context = canvas.getContext("2d");
    context.scale(devicePixelRatio, devicePixelRatio);
    paint(this.field, field, colours);
    // A sample stands in the middle of its pixel, and the outermost ones on the edge of the window.
    const inner = FIELD - 1;
    context.drawImage(this.field, 0.5, 0.5, inner, inner, 0, 0, size, size);
    context.strokeStyle = getComputedStyle(canvas).color;
    this.line(context, zeros(field));
    for (const row of rows) this.mark(context, row, colours);
    if (picked) this.cross(context, this.pixels(picked));
  }

  line(context, pieces) {
    const step = this.size / (FIELD - 1);
    context.lineWidth = 2;
    context.beginPath();
    for (const [x, y, u, v] of pieces) {
      context.moveTo(x * step, this.size - y * step);
      context.lineTo(u * step, this.size - v * step);
    }
    context.stroke();
  }

  // A disc or a square; a ring around what is on the wrong side.
  mark(context, { point, label, isRight }, { low, high, middle }) {
    const [x, y] = this.pixels(point);
    const outline = (r) => {
      context.beginPath();
      if (label) context.rect(x - r, y - r, 2 * r, 2 * r);
      else context.arc(x, y, r, 0, 7);
    };
    outline(DOT);
    context.fillStyle = `rgb(${label ? high : low})`;
    context.fill();
    const ink = context.strokeStyle;
    context.strokeStyle = `rgb(${middle})`;
    context.lineWidth = 1;
    context.stroke();
    context.strokeStyle = ink;
    if (isRight) return;
    outline(DOT + 3);
    context.lineWidth = 1.5;
    context.stroke();
  }

  cross(context, [x, y]) {
    context.lineWidth = 2;
    context.beginPath();
    for (const [u, v] of [[8, 0], [0, 8]]) {
      context.moveTo(x - u, y - v);
      context.lineTo(x + u, y + v);
    }
    context.stroke();
  }
}
