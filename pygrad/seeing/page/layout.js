// layout.js: where nodes, labels and lines go. pygrad/seeing/layout.py says why; this is the same in JavaScript,
// as the page makes graphs of its own, and a test holds the two to the same places. Edges are {tail, head, label}.

const SORTING_ROUNDS = 12;
const PLACING_ROUNDS = 8;
const SLOPE = 0.12;
const MOST_ROOM = 120;
const STRAIGHT = 8;
const LARGEST_STEP = 12;
const LEAF_PULL = 1e-3;

const largest = (numbers) => numbers.reduce((most, x) => Math.max(most, x), 0);
const lists = (count) => Array.from({ length: count }, () => []);

// direction: "LR", operands left of their users, or "TB", above them.
function layout(sizes, edges, { direction, layerGap, nodeGap }) {
  if (direction === "LR") return new Placing(sizes, edges, layerGap, nodeGap).layout();
  const swap = ([x, y]) => [y, x];
  const turned = edges.map((edge) => ({ ...edge, label: swap(edge.label) }));
  const found = new Placing(sizes.map(swap), turned, layerGap, nodeGap).layout();
  return {
    width: found.height,
    height: found.width,
    positions: found.positions.map(swap),
    labels: found.labels.map(swap),
    routes: found.routes.map((route) => route.map(swap)),
  };
}

// The graph with its places: nodes first, then labels and bends of lines, added layer by layer.
class Placing {
  constructor(sizes, edges, layerGap, nodeGap) {
    Object.assign(this, { count: sizes.length, edges, sizes: [...sizes], layerGap, nodeGap });
    this.layer = depths(sizes.length, edges).map((depth) => 2 * depth); // odd layers have labels
    this.before = lists(this.count);
    this.after = lists(this.count);
    this.weight = sizes.map(() => 1);
    this.paths = this.addLines();
    this.layers = lists(largest(this.layer) + 1);
  }

  layout() {
    this.firstOrder();
    this.sort();
    const y = this.place();
    const { columns, width } = this.columns(y);
    const top = Math.min(...y.map((c, i) => c - this.sizes[i][1] / 2));
    const bottom = Math.max(...y.map((c, i) => c + this.sizes[i][1] / 2));
    const centres = y.map((c, i) => [columns[this.layer[i]][0], c - top]);
    return {
      width,
      height: bottom - top,
      positions: centres.slice(0, this.count),
      labels: this.paths.map((path) => centres[path[path.length - 2]]),
      routes: this.paths.map((path) => this.route(path, centres, columns)),
    };
  }

  // -- lines through layers --

  addPlace(layer, size, before) {
    const place = this.sizes.push(size) - 1;
    this.layer.push(layer);
    this.weight.push(1);
    this.before.push([]);
    this.after.push([]);
    this.join(before, place);
    return place;
  }

  join(a, b) {
    this.after[a].push(b);
    this.before[b].push(a);
  }

  addLines() {
    const users = new Map();
    for (const { tail } of this.edges) users.set(tail, (users.get(tail) ?? 0) + 1);
    const inner = new Set(this.edges.map(({ head }) => head));
    const lines = new Map();
    return this.edges.map(({ tail, head, label }) => {
      if (!lines.has(tail)) lines.set(tail, [tail]);
      const line = lines.get(tail);
      const steps = this.layer[head] - this.layer[tail] - 2;
      while (line.length <= steps) {
        line.push(this.addPlace(this.layer[tail] + line.length, [0, 0], line[line.length - 1]));
      }
      const path = line.slice(0, steps + 1);
      const place = this.addPlace(this.layer[head] - 1, label, path[path.length - 1]);
      this.join(place, head);
      if (!inner.has(tail) && users.get(tail) === 1) this.weight[place] = LEAF_PULL;
      return [...path, place, head];
    });
  }

  // -- the order within layers --

  firstOrder() {
    const seen = new Set();
    for (let root = this.count - 1; root >= 0; root--) {
      if (this.after[root].length || seen.has(root)) continue;
      const stack = [root];
      while (stack.length) {
        const place = stack.pop();
        if (seen.has(place)) continue;
        seen.add(place);
        this.layers[this.layer[place]].push(place);
        stack.push(...[...this.before[place]].reverse());
      }
    }
  }

  sort() {
    const rank = [];
    for (const layer of this.layers) layer.forEach((place, i) => (rank[place] = i));
    const copy = () => this.layers.map((layer) => [...layer]);
    let [best, fewest] = [copy(), this.crossings(rank)];
    for (let round = 0; round < SORTING_ROUNDS && fewest > 0; round++) {
      const down = round % 2 === 0;
      const layers = down ? this.layers.slice(1) : this.layers.slice(0, -1).reverse();
      for (const layer of layers) sortLayer(layer, down ? this.before : this.after, rank);
      const crossings = this.crossings(rank);
      if (crossings < fewest) [best, fewest] = [copy(), crossings];
    }
    this.layers = best;
  }

  crossings(rank) {
    let total = 0;
    for (const layer of this.layers.slice(0, -1)) {
      total += inversions(layer.flatMap((place) => this.after[place].map((b) => rank[b]).sort((a, b) => a - b)));
    }
    return total;
  }

  // -- coordinates --

  gap(a, b) {
    const [one, other] = [this.sizes[a][1], this.sizes[b][1]];
    return (one + other) / 2 + (one && other ? this.nodeGap : this.nodeGap / 2);
  }

  place() {
    const y = this.sizes.map(() => 0);
    const offsets = this.layers.map((layer) => {
      const offset = [0];
      for (let i = 1; i < layer.length; i++) offset.push(offset[i - 1] + this.gap(layer[i - 1], layer[i]));
      layer.forEach((place, i) => (y[place] = offset[i] - offset[offset.length - 1] / 2));
      return offset;
    });
    const order = this.layers.map((_, i) => i);
    for (let round = 0; round < PLACING_ROUNDS; round++) {
      const down = round % 2 === 0;
      const both = round >= PLACING_ROUNDS - 2;
      for (const i of down ? order : [...order].reverse()) this.placeLayer(this.layers[i], offsets[i], y, down, both);
    }
    for (const layer of this.layers) this.straighten(layer, y, true);
    for (const layer of [...this.layers].reverse()) this.straighten(layer, y, false);
    return y.map((position) => rint(position * 1000) / 1000);
  }

  straighten(layer, y, down) {
    layer.forEach((place, i) => {
      if (this.before[place].length > 0 !== down) return;
      const near = down ? this.before[place] : this.after[place];
      const most = largest(near.map((other) => this.weight[other]));
      const strong = near.filter((other) => this.weight[other] === most);
      if (strong.length !== 1 || fabs(y[strong[0]] - y[place]) > LARGEST_STEP) return;
      const low = i ? y[layer[i - 1]] + this.gap(layer[i - 1], place) : -Infinity;
      const high = i + 1 < layer.length ? y[layer[i + 1]] - this.gap(place, layer[i + 1]) : Infinity;
      if (low <= y[strong[0]] && y[strong[0]] <= high) y[place] = y[strong[0]];
    });
  }

  placeLayer(layer, offset, y, down, both) {
    const wanted = [];
    const weights = [];
    layer.forEach((place, i) => {
      let near = down ? this.before[place] : this.after[place];
      if (both || !near.length) near = [...near, ...(down ? this.after[place] : this.before[place])];
      let [total, weight] = [0, 0];
      for (const other of near) {
        total += this.weight[other] * y[other];
        weight += this.weight[other];
      }
      wanted.push((weight ? total / weight : y[place]) - offset[i]);
      weights.push((weight || 1e-3) * (place >= this.count ? STRAIGHT : 1));
    });
    monotone(wanted, weights).forEach((shift, i) => (y[layer[i]] = offset[i] + shift));
  }

  columns(y) {
    const widths = this.layers.map((layer) => largest(layer.map((place) => this.sizes[place][0])));
    let right = 0;
    const columns = widths.map((width, i) => {
      if (i) right += this.slopeRoom(i, y) + (width && widths[i - 1] ? this.layerGap : this.layerGap / 2);
      right += width;
      return [right - width / 2, width / 2];
    });
    return { columns, width: right };
  }

  slopeRoom(i, y) {
    const rises = this.layers[i].flatMap((b) => this.before[b].map((a) => fabs(y[a] - y[b])));
    return Math.min(SLOPE * largest(rises), MOST_ROOM);
  }

  // The points of a line at which it bends.
  route(path, centres, columns) {
    const points = path.flatMap((place, i) => {
      const [x, y] = centres[place];
      const half = this.sizes[place][0] / 2;
      const [middle, column] = columns[this.layer[place]];
      if (i === 0) return [[x + half, y], [middle + column, y]];
      if (i === path.length - 1) return [[middle - column, y], [x - half, y]];
      return [[middle - column, y], [middle + column, y]];
    });
    const last = points.length - 1;
    return points.filter(([x, y], i) => {
      if (i === 0 || i === last) return true;
      const repeated = x === points[i - 1][0] && y === points[i - 1][1];
      return !repeated && !(points[i - 1][1] === y && y === points[i + 1][1]);
    });
  }
}

// A layer for each node: after all of its operands, and next to its users if that costs nothing.
function depths(count, edges) {
  const after = lists(count);
  const before = Array.from({ length: count }, () => new Set());
  const waiting = after.map(() => 0);
  for (const { tail, head } of edges) {
    after[tail].push(head);
    before[head].add(tail);
    waiting[head] += 1;
  }
  const depth = after.map(() => 0);
  const order = [...depth.keys()].filter((i) => !waiting[i]);
  for (const i of order) {
    for (const head of after[i]) {
      depth[head] = Math.max(depth[head], depth[i] + 1);
      waiting[head] -= 1;
      if (!waiting[head]) order.push(head);
    }
  }
  const reach = after.map((heads) => largest(heads.map((head) => depth[head])));
  const alone = after.map((heads, i) => !before[i].size && heads.length === 1);
  for (const i of [...order].reverse()) {
    const nearest = (after[i].length ? Math.min(...after[i].map((head) => depth[head])) : depth[i] + 1) - 1;
    const longer = [...before[i]].filter((o) => !alone[o] && reach[o] < nearest);
    if (longer.length > 1) continue;
    depth[i] = nearest;
    for (const o of before[i]) reach[o] = Math.max(reach[o], nearest);
  }
  return depth;
}

function sortLayer(layer, neighbours, rank) {
  const means = new Map(layer.map((place, i) => {
    const near = neighbours[place];
    return [place, near.length ? near.reduce((sum, other) => sum + rank[other], 0) / near.length : i];
  }));
  layer.sort((a, b) => means.get(a) - means.get(b));
  layer.forEach((place, i) => (rank[place] = i));
}

// Pairs that stand in the wrong order, counted by a Fenwick tree.
function inversions(numbers) {
  const tree = new Array(largest(numbers) + 2).fill(0);
  let total = 0;
  numbers.forEach((number, seen) => {
    let notAbove = 0;
    for (let i = number + 1; i; i -= i & -i) notAbove += tree[i];
    total += seen - notAbove;
    for (let i = number + 1; i < tree.length; i += i & -i) tree[i] += 1;
  });
  return total;
}

// The nearest numbers that do not decrease, by weighted squares.
function monotone(wanted, weights) {
  const blocks = []; // mean, weight, how many
  wanted.forEach((number, i) => {
    let [mean, weight, count] = [number, weights[i], 1];
    while (blocks.length && blocks[blocks.length - 1][0] > mean) {
      const [above, aboveWeight, aboveCount] = blocks.pop();
      mean = (mean * weight + above * aboveWeight) / (weight + aboveWeight);
      [weight, count] = [weight + aboveWeight, count + aboveCount];
    }
    blocks.push([mean, weight, count]);
  });
  return blocks.flatMap(([mean, , count]) => new Array(count).fill(mean));
}
