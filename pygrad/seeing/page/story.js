// story.js: a step in words and numbers.

const MANY = 12; // operands that are listed

const say = (panel, text, kind = "") => add(panel, "p", { class: kind }, text);

// ∂c/∂a
const slopeName = (model, i, k) => `∂${model.nodes[i].name}/∂${model.nodes[model.nodes[i].operands[k]].name}`;

// The rule and its number; the number alone where that is the rule, or nobody knows the rule.
function slopeText(rule, slope) {
  return rule === "" || Number(rule) === slope ? shown(slope) : `${rule} = ${shown(slope)}`;
}

// Numbers are left out: nobody asks for a slope by the 2 of 2 * a.
function listOperands(panel, model, node, line) {
  const items = add(panel, "ul");
  const places = [...node.operands.keys()].filter((k) => model.nodes[node.operands[k]].form !== "number");
  for (const k of places.slice(0, MANY)) add(items, "li", {}, line(node.operands[k], k));
  const more = places.length - MANY;
  if (more > 0) add(items, "li", {}, `and ${more} more`);
}

function tellForward(panel, model, { node: i, slopes }) {
  const node = model.nodes[i];
  say(panel, `${node.name} = ${node.text} = ${shown(model.values[i])}`, "formula");
  listOperands(panel, model, node, (operand, k) => {
    const is = `${model.nodes[operand].name} is ${shown(model.values[operand])}`;
    return `${is}; slope ${slopeName(model, i, k)} = ${slopeText(node.rules[k], slopes.get(i)[k])}`;
  });
  if (node.note) say(panel, node.note, "note");
}

function tellBackward(panel, model, { node: i, given, grads }) {
  const node = model.nodes[i];
  say(panel, `${node.name}.grad = ${shown(grads[i])} goes back through ${node.name} = ${node.text}`, "formula");
  listOperands(panel, model, node, (operand, k) => {
    const { name } = model.nodes[operand];
    const { slope, upstream, amount, before, after } = given.get(i)[k];
    return `${name}.grad += ${slopeName(model, i, k)} × ${node.name}.grad = `
      + `${shown(slope)} × ${shown(upstream)} = ${shown(amount)}: from ${shown(before)} to ${shown(after)}`;
  });
  if (node.note) say(panel, node.note, "note");
}

function tellTangent(panel, model, { node: i, given, grads }) {
  const node = model.nodes[i];
  say(panel, `${node.name} = ${node.text} = ${shown(model.values[i])}, ${node.name}.tangent = ${shown(grads[i])}`, "formula");
  listOperands(panel, model, node, (operand, k) => {
    const { slope, upstream, amount } = given.get(i)[k];
    return `${slopeName(model, i, k)} × ${model.nodes[operand].name}.tangent = `
      + `${shown(slope)} × ${shown(upstream)} = ${shown(amount)}`;
  });
  if (i === model.root) {
    say(panel, "The last tangent is the derivative of the result by the seed: what the backward pass leaves in the "
      + "grad of this leaf. It found those by all leaves in one run; here another leaf is another run.");
  }
  if (node.note) say(panel, node.note, "note");
}

function tell(panel, model, now) {
  panel.replaceChildren();
  if (now.seed !== undefined) {
    if (now.phase === "forward") tellTangent(panel, model, now);
    else {
      say(panel, `${model.nodes[now.seed].name}.tangent = 1, and 0 of all other leaves`, "formula");
      say(panel, "Tangents go along with the values: each node adds up its slopes times the tangents of its operands.");
    }
    return;
  }
  if (now.phase === "forward") tellForward(panel, model, now);
  if (now.phase === "backward") tellBackward(panel, model, now);
  if (now.phase === "begin") {
    say(panel, "The leaves have their values.", "formula");
    say(panel, "The forward pass computes the other nodes from them, operands before their users.");
  }
  if (now.phase === "seed") {
    const { name } = model.nodes[model.root];
    say(panel, `${name}.grad = ∂${name}/∂${name} = 1`, "formula");
    say(panel, "The backward pass begins at the result. All other gradients are 0 so far.");
  }
}

// A step in a few words, for its slider.
function title(model, { phase, node }) {
  if (phase === "begin") return "before the forward pass";
  return phase === "seed" ? "the backward pass begins" : `${phase}, ${model.nodes[node].name}`;
}
