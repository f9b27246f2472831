// predict.js: gradients are hidden, and the reader finds them one by one in the order of the backward pass.

const NEAR_ENOUGH = 0.005; // of the gradient: three digits are asked for

class Prediction {
  constructor(onChange) {
    this.onChange = onChange;
    find("predict").addEventListener("change", () => this.start());
    find("question").addEventListener("submit", (event) => {
      event.preventDefault();
      this.judge(find("answer").value);
    });
    find("reveal").addEventListener("click", () => this.giveUp());
  }

  open(model) {
    this.model = model;
    this.start();
  }

  get isOn() {
    return find("predict").checked;
  }

  start() {
    // Users before their operands; the root's gradient is 1, whatever the graph is.
    const nodes = [...this.model.nodes.keys()].filter((i) => this.model.nodes[i].form !== "number");
    this.ahead = nodes.reverse().slice(1);
    this.found = new Set([this.model.root]);
    [this.first, this.tried, this.total] = [0, false, this.ahead.length];
    find("verdict").replaceChildren();
    find("answer").value = "";
    this.onChange();
  }

  get asked() {
    return this.isOn ? this.ahead[0] : undefined;
  }

  // Gradients with null for those that are hidden.
  hidden(grads) {
    return this.isOn ? grads.map((grad, i) => (this.found.has(i) ? grad : null)) : grads;
  }

  // What the graph shows meanwhile: all of the way forward, and of the way back what was found.
  now() {
    const { model } = this;
    const { grads, given } = model.backward();
    const known = (parts, i) => parts.map((part, k) => (this.found.has(model.nodes[i].operands[k]) ? part : undefined));
    return {
      values: model.values,
      grads: this.hidden(grads),
      slopes: new Map(model.inner.map((i) => [i, model.slopes(i)])),
      given: new Map([...given].map(([i, parts]) => [i, known(parts, i)])),
      word: "grad",
      asked: this.asked,
    };
  }

  show() {
    find("prediction").hidden = !this.isOn;
    find("question").hidden = this.asked === undefined;
    if (!this.isOn) return;
    const { nodes } = this.model;
    if (this.asked === undefined) {
      write(find("asked"), `That was all: ${this.first} of ${this.total} at the first try.`);
      return;
    }
    const { name } = nodes[this.asked];
    const users = [...new Set(this.parts().map(({ user }) => nodes[user].name))];
    write(find("asked"), `What is ${name}.grad? ${name} is used by ${users.join(", ")}. `
      + `Found so far: ${this.total - this.ahead.length} of ${this.total}.`);
    write(find("answer-name"), `${name}.grad =`);
  }

  // What each use of the asked node gives to its gradient.
  parts() {
    const { given } = this.model.backward();
    return [...given].flatMap(([user, parts]) => parts.flatMap((part, k) => (
      this.model.nodes[user].operands[k] === this.asked ? [{ user, k, ...part }] : []
    )));
  }

  judge(text) {
    const x = text.trim() === "" ? NaN : Number(text.trim().replaceAll("−", "-"));
    const grad = this.model.backward().grads[this.asked];
    const panel = find("verdict");
    panel.replaceChildren();
    if (Number.isNaN(x) && !Number.isNaN(grad)) say(panel, "A number is needed, such as −0.25 or 1e−3.", "wrong");
    else if (Object.is(x, grad) || fabs(x - grad) <= NEAR_ENOUGH * fabs(grad)) {
      this.first += this.tried ? 0 : 1;
      this.accept(`Right: ${this.nameOf()}.grad = ${shown(grad)}.`, "right");
    } else {
      this.tried = true;
      say(panel, `Not ${shown(x)}. ${this.hint(x, grad)}`, "wrong");
      this.explain(panel, false);
    }
    this.onChange();
  }

  giveUp() {
    find("verdict").replaceChildren();
    this.accept(`${this.nameOf()}.grad = ${shown(this.model.backward().grads[this.asked])}.`, "");
    this.onChange();
  }

  accept(text, kind) {
    say(find("verdict"), text, kind);
    this.explain(find("verdict"), true);
    this.found.add(this.ahead.shift());
    this.tried = false;
    find("answer").value = "";
  }

  nameOf(i = this.asked) {
    return this.model.nodes[i].name;
  }

  // What may have gone wrong.
  hint(x, grad) {
    const near = (y) => fabs(x - y) <= NEAR_ENOUGH * fabs(y);
    const parts = this.parts();
    if (grad !== 0 && near(-grad)) return "The size is right, the sign is not.";
    if (parts.length > 1 && parts.some(({ amount }) => near(amount))) return "That is what one use gives; all uses add up.";
    if (parts.some(({ slope }) => near(slope))) return "That is a slope; it is multiplied by the user's gradient.";
    return "Each use gives its slope times the user's gradient.";
  }

  // Each use, with its numbers or without.
  explain(panel, isTold) {
    const items = add(panel, "ul");
    for (const { user, k, slope, upstream, amount } of this.parts().slice(0, MANY)) {
      const rule = `${slopeName(this.model, user, k)} × ${this.nameOf(user)}.grad`;
      add(items, "li", {}, isTold ? `${rule} = ${shown(slope)} × ${shown(upstream)} = ${shown(amount)}` : rule);
    }
  }
}
