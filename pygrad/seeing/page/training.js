// training.js: a network learns: p.data -= rate * p.grad, a batch after another in the order of the data.

class Training {
  constructor(network, rows) {
    this.network = network;
    this.rows = rows;
    this.first = network.parameters.map((i) => network.model.values[i]);
    this.start();
  }

  // From the weights that the page came with.
  start() {
    this.set(this.first);
    [this.at, this.steps, this.losses, this.grads] = [0, 0, [], this.first.map(() => 0)];
  }

  set(numbers) {
    const { model, parameters } = this.network;
    parameters.forEach((i, k) => (model.values[i] = numbers[k]));
  }

  get numbers() {
    return this.network.parameters.map((i) => this.network.model.values[i]);
  }

  get epochs() {
    return this.losses.length ? this.gone / this.rows.length : 0;
  }

  // {rate, l2, batch}; batch: how many rows. The last one of an epoch has those that are left.
  step({ rate, l2, batch }) {
    const { network, rows } = this;
    if (!this.losses.length) [this.losses, this.gone] = [[network.lossOver(rows, l2)], 0];
    const taken = rows.slice(this.at, this.at + batch);
    this.grads = network.gradients(taken, l2);
    this.set(this.numbers.map((x, k) => x - rate * this.grads[k]));
    this.at = (this.at + taken.length) % rows.length;
    this.gone += taken.length;
    this.steps += 1;
    this.losses.push(network.lossOver(rows, l2));
  }

  // On to where the data begin again.
  epoch(how) {
    do this.step(how);
    while (this.at > 0);
  }

  get isSound() {
    return !this.losses.length || Number.isFinite(this.losses[this.losses.length - 1]);
  }
}
