// paths.js: a leaf's gradient as a sum over paths to the result, each the product of the slopes on it.

const MOST_PATHS = 5;

// How many paths there are, and the first ones as lists of [node, slope].
function pathsFrom(model, leaf) {
  const users = model.nodes.map(() => []);
  const count = model.nodes.map((_, i) => (i === model.root ? 1 : 0));
  for (const i of [...model.inner].reverse()) {
    const slopes = model.slopes(i);
    model.nodes[i].operands.forEach((operand, k) => {
      if (!count[i]) return;
      users[operand].push([i, slopes[k]]);
      count[operand] += count[i];
    });
  }
  const paths = [];
  const stack = [[leaf, []]];
  while (stack.length && paths.length < MOST_PATHS) {
    const [i, steps] = stack.pop();
    if (i === model.root) paths.push(steps);
    else for (const [user, slope] of users[i]) stack.push([user, [...steps, [user, slope]]]);
  }
  return { count: count[leaf], paths };
}

function tellPaths(panel, model, leaf, grad) {
  panel.replaceChildren();
  const name = (i) => model.nodes[i].name;
  const { count, paths } = pathsFrom(model, leaf);
  if (count === 0 || leaf === model.root) {
    say(panel, "No path leads to the result.");
    return;
  }
  const list = add(panel, "ul");
  for (const steps of paths) {
    const along = [leaf, ...steps.map(([i]) => i)].map(name).join(" → ");
    // From the result back, as the backward pass multiplies.
    const slopes = steps.map(([, slope]) => slope).reverse();
    const product = slopes.reduce((x, slope) => mul0(x, slope), 1);
    add(list, "li", {}, `${along}: ${slopes.map((slope) => shown(slope, 4)).join(" × ")}${slopes.length > 1 ? ` = ${shown(product, 4)}` : ""}`);
  }
  if (count > paths.length) add(list, "li", {}, `and ${shown(count - paths.length)} more`);
  say(panel, `Together: ${name(leaf)}.grad = ${shown(grad)}`, "formula");
}
