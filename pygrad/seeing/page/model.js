// model.js: the graph as numbers. Nodes stand in the order of Value.backward(): operands before their
// users, the root last. OPS is made from the op table by pygrad/seeing/explorer.py.

// inf and nan come as text.
function numbersOf(nodes) {
  for (const node of nodes) {
    for (const key of ["value", "constant", "start"]) if (key in node) node[key] = Number(node[key]);
    if (node.slopes) node.slopes = node.slopes.map(Number);
  }
}

function forwardOf(node, x) {
  if (node.form === "op") return OPS[node.op].forward(x[0], x[1], x[2], node.constant);
  if (node.form === "sum") return sumOf(node, x);
  if (node.form === "dot") return dotOf(x);
  return node.value; // frozen: only the program that made it knows how
}

// In the order in which Python adds: a start that is a Value comes last among the operands, but first here.
function sumOf(node, x) {
  const terms = node.leads ? [x[x.length - 1], ...x.slice(0, -1)] : [node.start, ...x];
  return terms.reduce((total, term) => total + term);
}

// ws, xs, and perhaps a bias.
function dotOf(x) {
  const half = trunc(x.length / 2);
  let total = x.length % 2 ? x[x.length - 1] : 0;
  for (let i = 0; i < half; i++) total += x[i] * x[half + i];
  return total;
}

function slopesOf(node, x, z) {
  if (node.form === "op") return OPS[node.op].slopes(x[0], x[1], x[2], node.constant, z);
  if (node.form === "sum") return x.map(() => 1);
  if (node.form === "dot") {
    const half = trunc(x.length / 2);
    return [...x.slice(half, 2 * half), ...x.slice(0, half), ...(x.length % 2 ? [1] : [])];
  }
  return node.slopes;
}

class Model {
  constructor(nodes) {
    this.nodes = nodes;
    this.root = nodes.length - 1;
    this.values = nodes.map((node) => node.value);
    // Numbers, such as the 2 of 2 * a, are neither.
    this.leaves = [...nodes.keys()].filter((i) => nodes[i].form === "leaf");
    this.inner = [...nodes.keys()].filter((i) => nodes[i].operands.length > 0);
    this.compute(this.inner, this.values);
  }

  operandsOf(i, values = this.values) {
    return this.nodes[i].operands.map((operand) => values[operand]);
  }

  compute(inner, values) {
    for (const i of inner) values[i] = forwardOf(this.nodes[i], this.operandsOf(i, values));
  }

  set(leaf, value) {
    this.values[leaf] = value;
    this.compute(this.inner, this.values);
  }

  // The inner nodes that change with a leaf.
  dependents(leaf) {
    const changes = new Set([leaf]);
    for (const i of this.inner) {
      if (this.nodes[i].operands.some((operand) => changes.has(operand))) changes.add(i);
    }
    changes.delete(leaf);
    return [...changes];
  }

  // The root as a function of one leaf, all others being as they are.
  functionOf(leaf) {
    const inner = this.dependents(leaf);
    const values = [...this.values];
    return (x) => {
      values[leaf] = x;
      this.compute(inner, values);
      return values[this.root];
    };
  }

  slopes(i) {
    return slopesOf(this.nodes[i], this.operandsOf(i), this.values[i]);
  }

  // The way back over so many inner nodes, the last one first: the gradients then, and what each of these
  // nodes gave to its operands, as {slope, upstream, amount, before, after} in their order.
  backward(count = this.inner.length) {
    const grads = this.nodes.map(() => 0);
    const given = new Map();
    grads[this.root] = 1;
    for (const i of [...this.inner].reverse().slice(0, count)) {
      given.set(i, this.contribute(i, grads));
    }
    return { grads, given };
  }

  contribute(i, grads) {
    const upstream = grads[i];
    const slopes = this.slopes(i);
    return this.nodes[i].operands.map((operand, k) => {
      const before = grads[operand];
      const amount = mul0(upstream, slopes[k]);
      grads[operand] = before + amount;
      return { slope: slopes[k], upstream, amount, before, after: grads[operand] };
    });
  }

  // The way forward of derivatives: those of all nodes by one leaf, whose own is 1, and what each operand gave.
  tangents(seed) {
    const tangents = this.nodes.map((_, i) => (i === seed ? 1 : 0));
    const given = new Map();
    for (const i of this.inner) {
      const slopes = this.slopes(i);
      const parts = this.nodes[i].operands.map((operand, k) => {
        const upstream = tangents[operand];
        return { slope: slopes[k], upstream, amount: mul0(upstream, slopes[k]) };
      });
      tangents[i] = parts.reduce((total, { amount }) => total + amount, 0);
      given.set(i, parts);
    }
    return { tangents, given };
  }

  // What the player shows, in order: where it begins, each node forward, and in reverse mode the seed and each node
  // backward; in forward mode the way forward has it all.
  steps(mode = "reverse") {
    const forward = this.inner.map((node) => ({ phase: "forward", node }));
    if (mode === "forward") return [{ phase: "begin" }, ...forward];
    const backward = [...this.inner].reverse().map((node) => ({ phase: "backward", node }));
    return [{ phase: "begin" }, ...forward, { phase: "seed", node: this.root }, ...backward];
  }
}
