// rows.js: a network at one row of data after another: scores, losses, and the gradients of a batch, bit for bit
// as Python finds them.

class Network {
  // nodes: the graph of one score; losses: for each class that of one row's loss, over that score.
  constructor({ nodes, inputs, parameters, losses }) {
    this.model = new Model(nodes);
    this.inputs = inputs;
    this.parameters = parameters.map(({ node }) => node);
    this.losses = losses.map((loss) => ({ model: new Model(loss.nodes), score: loss.score }));
  }

  // What its nodes are there; the last one is the score.
  valuesAt([x1, x2]) {
    const { model, inputs } = this;
    model.values[inputs[0]] = x1;
    model.values[inputs[1]] = x2;
    model.compute(model.inner, model.values);
    return model.values;
  }

  scoreAt(point) {
    return this.valuesAt(point)[this.model.root];
  }

  lossOf(score, label) {
    const { model, score: leaf } = this.losses[label];
    model.set(leaf, score);
    return model.values[model.root];
  }

  // Of the loss of a score by that score.
  slopeOf(score, label, upstream) {
    const { model, score: leaf } = this.losses[label];
    model.set(leaf, score);
    const grads = model.nodes.map(() => 0);
    grads[model.root] = upstream;
    for (const i of [...model.inner].reverse()) model.contribute(i, grads);
    return grads[leaf];
  }

  // sum(losses) / n + l2 * dot(parameters, parameters)
  lossOver(rows, l2) {
    const losses = rows.map(({ point, label }) => this.lossOf(this.scoreAt(point), label));
    return losses.reduce((total, loss) => total + loss, 0) / rows.length + l2 * this.squares();
  }

  squares() {
    const numbers = this.parameters.map((i) => this.model.values[i]);
    return dotOf([...numbers, ...numbers]);
  }

  // Of that loss by all parameters, one number for each. Sums have the order in which backward() adds: what the last
  // line has made comes first, so first the squares, where a parameter stands twice, and then the last row.
  gradients(rows, l2) {
    const { model, parameters } = this;
    const grads = model.nodes.map(() => 0);
    for (const i of [...parameters, ...parameters]) grads[i] += mul0(l2, model.values[i]);
    for (const { point, label } of [...rows].reverse()) {
      const slope = this.slopeOf(this.scoreAt(point), label, 1 / rows.length);
      for (const i of this.others()) grads[i] = 0;
      grads[model.root] = slope;
      for (const i of this.backwards()) model.contribute(i, grads);
    }
    return parameters.map((i) => grads[i]);
  }

  backwards() {
    this.reversed ??= [...this.model.inner].reverse();
    return this.reversed;
  }

  // All nodes that are no parameters: what a row leaves there is its own.
  others() {
    const taken = new Set(this.parameters);
    this.unshared ??= [...this.model.nodes.keys()].filter((i) => !taken.has(i));
    return this.unshared;
  }
}
