// explorer.js: the page put together: a graph is opened, and drawn anew whenever something has changed.

const inputs = new Inputs(find("inputs"), draw);
const slope = new Slope(inputs, draw);
const prediction = new Prediction(draw);
const descent = new Descent(inputs, draw);
const drawing = new Drawing(find("graph"), pick);
const player = new Player(({ node }) => {
  draw();
  if (node !== undefined) drawing.reveal(node);
});
// Inputs of that name are where the last graph had them.
const typed = new Typed((name) => model.values[model.leaves.find((i) => model.nodes[i].name === name)], (graph) => {
  find("original").hidden = false;
  open(graph);
});
const host = new Host((numbers) => isGiven() && inputs.setAll(model.leaves.map((leaf, k) => [leaf, numbers[k]])));
let model;
let cells = [];

// Whether the graph is the one that Python has sent, and none that was typed.
const isGiven = () => find("original").hidden;

function open(graph) {
  model = new Model(graph.nodes);
  for (const part of [inputs, slope, drawing, player, prediction, descent]) part.open(model);
  cells = addTable();
  find("fold").hidden = !drawing.groups.size;
  introduce(graph);
  if (host.known) host.show(host.known);
  redraw();
}

// A node: its step in the pass that is under way. A leaf: its slider, curve and paths.
function pick(i) {
  if (inputs.rows.has(i)) {
    slope.turnTo(i);
    inputs.focus(i);
  }
  if (model.inner.includes(i)) player.showNode(i);
}

function addTable() {
  const body = find("numbers").querySelector("tbody");
  body.replaceChildren();
  return model.nodes.map((node) => {
    const row = add(body, "tr");
    add(add(row, "th", { scope: "row" }), "bdi", {}, node.name);
    add(row, "td", {}, node.text);
    return [0, 1].map(() => add(row, "td", { class: "number" }));
  });
}

function redraw() {
  const grads = prediction.hidden(model.backward().grads);
  const now = player.now();
  drawing.show(prediction.isOn ? prediction.now() : now);
  player.show(now);
  find("player").hidden = find("story").hidden = prediction.isOn;
  if (!prediction.isOn) tell(find("story"), model, now);
  prediction.show();
  inputs.show(grads);
  slope.show(grads);
  descent.show();
  address.write();
  if (isGiven()) host.tell(model.leaves.map((leaf) => model.values[leaf]));
  find("fold").textContent = drawing.isFolded ? "Unfold" : "Fold";
  if (find("numbers").open) {
    cells.forEach(([value, grad], i) => {
      write(value, exact(model.values[i]));
      write(grad, grads[i] === null ? "?" : exact(grads[i]));
    });
  }
}

// However often things change: drawn once, before the next frame.
let waiting = 0;
function draw() {
  waiting ||= requestAnimationFrame(() => {
    waiting = 0;
    redraw();
  });
}

// -- what the page says of itself --------------------------------------------------------------------

function introduce({ title }) {
  const root = model.nodes[model.root];
  find("title").textContent = document.title = title;
  find("about").textContent = `${counted(model.nodes.length, "node")}. Move an input: ${root.name} and all `
    + "gradients are computed anew, here in the page. Branches and loops of the program stay as they were taken.";
  find("notes").replaceChildren();
  const note = (text) => add(find("notes"), "p", { class: "note" }, text);
  const frozen = model.nodes.filter((node) => node.form === "frozen").length;
  if (frozen) {
    note(`Frozen: ${counted(frozen, "node")} made by code of your own, in Python, which this page does not have. `
      + "There, value and slopes stay as they were, whatever the inputs are.");
  }
  const old = model.inner.filter((i) => !agree(model.values[i], model.nodes[i].value)).length;
  if (old) {
    note(`Not as in Python: ${counted(old, "value")}. Inputs were changed after the graph had been made, and this `
      + "page computes all from the inputs as they are now.");
  }
}

const agree = (a, b) => Object.is(a, b) || fabs(a - b) <= 1e-9 * Math.max(fabs(a), fabs(b), 1e-9);

// -- the beginning -----------------------------------------------------------------------------------

function listen() {
  const change = (action) => () => {
    action();
    draw();
  };
  const clicks = {
    smaller: () => drawing.view.zoom(0.8),
    larger: () => drawing.view.zoom(1.25),
    fit: () => drawing.view.fit(),
    turn: change(() => drawing.turn()),
    fold: change(() => drawing.fold(!drawing.isFolded)),
    reset: () => inputs.reset(),
    svg: () => savePicture(drawing, "svg"),
    png: () => savePicture(drawing, "png"),
    original: () => {
      find("original").hidden = true;
      open(given);
    },
  };
  for (const [id, action] of Object.entries(clicks)) find(id).addEventListener("click", action);
  find("numbers").addEventListener("toggle", draw);
}

// Numbers of leaves that were moved, as index:number.
function moved() {
  const changed = model.leaves.filter((leaf) => !Object.is(model.values[leaf], inputs.recorded[leaf]));
  return changed.map((leaf) => `${leaf}:${exact(model.values[leaf])}`).join(" ");
}

function move(text) {
  const pairs = text.split(" ").map((pair) => pair.split(":").map(Number));
  inputs.setAll(pairs.filter(([leaf, x]) => model.leaves.includes(leaf) && Number.isFinite(x)));
}

const textUnless = (value, usual) => (value === usual ? "" : String(value));
const address = new Address({
  // What names stand for, before the expression that needs it.
  where: {
    get: () => (isGiven() ? "" : model.leaves.map((i) => `${model.nodes[i].name}=${exact(inputs.recorded[i])}`).join(" ")),
    set: (text) => {
      find("where").value = text;
    },
  },
  expression: {
    get: () => (isGiven() ? "" : find("title").textContent),
    set: (text) => {
      find("expression").value = text;
      typed.show();
    },
  },
  values: { get: moved, set: move },
  mode: { get: () => textUnless(find("mode").value, "reverse"), set: (text) => choose(find("mode"), text) },
  seed: { get: () => (player.seed === undefined ? "" : find("seed").value), set: (text) => choose(find("seed"), text) },
  along: { get: () => textUnless(slope.leaf ?? "", firstLeaf(model)), set: (text) => choose(find("along"), text) },
  h: {
    get: () => textUnless(find("h").value, "0"),
    set: (text) => {
      find("h").value = text;
      draw();
    },
  },
  predict: { get: () => (prediction.isOn ? "yes" : ""), set: () => find("predict").checked || find("predict").click() },
  step: { get: () => textUnless(player.step, 0), set: (text) => player.jump(trunc(Number(text)) || 0) },
});

const given = JSON.parse(find("data").textContent);
numbersOf(given.nodes);
const countOfLeaves = given.nodes.filter(({ form }) => form === "leaf").length;
addEventListener("message", ({ source, data }) => {
  if (source === parent && Array.isArray(data?.numbers) && data.numbers.length === countOfLeaves) host.hear(data.numbers);
});

listen();
open(given);
followTheme();
address.read();
