// explorer.js: the page: what is shown, and what the reader does.

const find = (id) => document.getElementById(id);

const graph = JSON.parse(find("data").textContent);
for (const node of graph.nodes) {
  for (const key of ["value", "constant", "start"]) {
    if (key in node) node[key] = Number(node[key]); // inf and nan come as text
  }
  if (node.slopes) node.slopes = node.slopes.map(Number);
}
const recorded = graph.nodes.map((node) => node.value);
const model = new Model(graph.nodes);
const steps = model.steps();
const last = steps.length - 1;
const state = { step: last, leaf: firstLeaf(), playing: 0 };

// The first with a label, or else the first that matters.
function firstLeaf() {
  const { grads } = model.backward();
  const matters = [(i) => model.nodes[i].labelled, (i) => grads[i] !== 0, () => true];
  return matters.map((test) => model.leaves.find(test)).find((leaf) => leaf !== undefined);
}

// -- ranges of sliders -------------------------------------------------------------------------------

// From -limit to limit: a round number, at least twice as large as x.
function rangeAround(x) {
  const size = Number.isFinite(x) ? Math.min(2 * fabs(x), 1e307) : 0;
  const least = size > 1e-3 || size < 1e-290 ? Math.max(size, 1) : size;
  const power = 10 ** floor(log10(least));
  const high = [1, 2, 5, 10].map((m) => m * power).find((limit) => limit >= least);
  return { low: -high, high };
}

const ranges = new Map(model.leaves.map((leaf) => [leaf, rangeAround(model.values[leaf])]));

function setLeaf(leaf, x) {
  const { low, high } = ranges.get(leaf);
  if (!(low <= x && x <= high)) ranges.set(leaf, rangeAround(x));
  model.set(leaf, x);
  draw();
}

// Half or twice as wide, about the value.
function scaleRange(leaf, factor) {
  const { low, high } = ranges.get(leaf);
  const half = ((high - low) / 2) * factor;
  const x = Number.isFinite(model.values[leaf]) ? model.values[leaf] : 0;
  const sensible = half > Math.max(1e-9 * fabs(x), 1e-300) && half + fabs(x) < 1e307;
  if (sensible) ranges.set(leaf, { low: x - half, high: x + half });
  draw();
}

function reset() {
  for (const leaf of model.leaves) {
    ranges.set(leaf, rangeAround(recorded[leaf]));
    model.set(leaf, recorded[leaf]);
  }
  draw();
}

// -- the player --------------------------------------------------------------------------------------

// How many nodes each pass has done at the step; -1 if the way back has not begun.
function progress() {
  const forward = Math.min(state.step, model.inner.length);
  return { forward, backward: Math.max(-1, state.step - model.inner.length - 1) };
}

// What is known at the step.
function view() {
  const { forward, backward } = progress();
  const waiting = new Set(model.inner.slice(forward));
  const { grads, given } = model.backward(Math.max(0, backward));
  return {
    values: model.values.map((value, i) => (waiting.has(i) ? undefined : value)),
    grads: grads.map((grad) => (backward < 0 ? undefined : grad)),
    slopes: new Map(model.inner.slice(0, forward).map((i) => [i, model.slopes(i)])),
    given,
    ...steps[state.step],
  };
}

function go(step) {
  state.step = Math.min(last, Math.max(0, step));
  if (state.step === last) pause();
  draw();
  if ("node" in steps[state.step]) drawing.reveal(steps[state.step].node);
}

function play() {
  if (state.step === last) go(0);
  const pace = Math.max(150, Math.min(1100, 40000 / steps.length));
  state.playing = setInterval(() => go(state.step + 1), pace);
  sayPlaying();
}

function pause() {
  clearInterval(state.playing);
  state.playing = 0;
  sayPlaying();
}

function sayPlaying() {
  find("play").textContent = state.playing ? "Pause" : "Play";
  find("story").setAttribute("aria-live", state.playing ? "off" : "polite");
}

const playOrPause = () => (state.playing ? pause() : play());

function jump(step) {
  pause();
  go(step);
}

// A node: its step in the pass that is under way. A leaf: its slider.
function pick(i) {
  if (model.inner.includes(i)) {
    const phase = progress().backward < 0 ? "forward" : "backward";
    jump(steps.findIndex((step) => step.phase === phase && step.node === i));
  } else if (inputs.has(i)) {
    const { slider } = inputs.get(i);
    slider.closest("details")?.setAttribute("open", "");
    slider.focus();
  }
}

// -- leaves ------------------------------------------------------------------------------------------

const inputs = new Map();

function addInput(parent, leaf) {
  const { name } = model.nodes[leaf];
  const row = add(parent, "div", { class: "row" });
  add(row, "bdi", { class: "name", title: name }, name);
  const slider = add(row, "input", { type: "range", "aria-label": name });
  const number = add(row, "input", { type: "number", step: "any", "aria-label": `${name}, as a number` });
  const grad = add(row, "output", { "aria-label": `gradient of ${name}` });
  slider.addEventListener("input", () => setLeaf(leaf, slider.valueAsNumber));
  number.addEventListener("input", () => {
    if (Number.isFinite(number.valueAsNumber)) setLeaf(leaf, number.valueAsNumber);
  });
  number.addEventListener("blur", draw);
  inputs.set(leaf, { slider, number, grad });
}

function addInputs() {
  const named = model.leaves.filter((leaf) => model.nodes[leaf].labelled);
  const others = model.leaves.filter((leaf) => !model.nodes[leaf].labelled);
  for (const leaf of named) addInput(find("inputs"), leaf);
  let box = find("inputs");
  if (named.length && others.length) {
    box = add(box, "details");
    add(box, "summary", {}, `Leaves without a label (${others.length})`);
  }
  for (const leaf of others) addInput(box, leaf);
}

function showInputs(grads) {
  for (const [leaf, { slider, number, grad }] of inputs) {
    const { low, high } = ranges.get(leaf);
    const x = model.values[leaf];
    setAll(slider, { min: low, max: high, step: (high - low) / 400, "aria-valuetext": shown(x) });
    slider.value = x;
    // Not while it is being written.
    if (number !== document.activeElement) number.value = Number.isFinite(x) ? Number(x.toPrecision(7)) : "";
    write(grad, `grad ${shown(grads[leaf])}`);
  }
}

// -- the curve ---------------------------------------------------------------------------------------

// Four positions of the slider are a power of ten; the last is about a tenth of the range.
function secantStep() {
  const { low, high } = ranges.get(state.leaf);
  const largest = 10 ** floor(log10((high - low) / 5));
  return Number((largest * 10 ** ((find("h").valueAsNumber - find("h").max) / 4)).toPrecision(2));
}

function showCurve(grads) {
  const [leaf, h] = [state.leaf, secantStep()];
  const { name } = model.nodes[leaf];
  const [x, slope] = [model.values[leaf], grads[leaf]];
  const { y, secant } = curve.show({ f: model.functionOf(leaf), x, range: ranges.get(leaf), slope, h, name });
  find("h-shown").textContent = shown(h, 3);
  find("h").setAttribute("aria-valuetext", shown(h, 3));
  const facts = [
    ["x", shown(x)],
    ["f(x)", shown(y)],
    ["slope, exact", exact(slope), "tangent"],
    ["(f(x + h) − f(x)) / h", exact(secant), "secant"],
    ["difference", shown(secant - slope, 3)],
  ];
  find("apart").hidden = !model.dependents(leaf).some((i) => model.nodes[i].form === "frozen");
  find("slopes").replaceChildren();
  for (const [term, text, kind = ""] of facts) {
    add(find("slopes"), "dt", { class: kind }, term);
    add(find("slopes"), "dd", {}, text);
  }
}

// -- all of it ---------------------------------------------------------------------------------------

function addTable() {
  const body = find("numbers").querySelector("tbody");
  return model.nodes.map((node) => {
    const row = add(body, "tr");
    add(add(row, "th", { scope: "row" }), "bdi", {}, node.name);
    add(row, "td", {}, node.text);
    return [0, 1].map(() => add(row, "td", { class: "number" }));
  });
}

function redraw() {
  const { grads } = model.backward();
  const now = view();
  drawing.show(now);
  tell(find("story"), model, now);
  find("position").value = state.step;
  find("position").setAttribute("aria-valuetext", title(model, now));
  find("count").textContent = `${state.step} / ${last}`;
  find("back").disabled = find("restart").disabled = state.step === 0;
  find("forward").disabled = state.step === last;
  showInputs(grads);
  showCurve(grads);
  if (find("numbers").open) {
    cells.forEach(([value, grad], i) => {
      write(value, exact(model.values[i]));
      write(grad, exact(grads[i]));
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

const count = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

function addNote(text) {
  add(find("title").parentElement, "p", { class: "note" }, text);
}

function introduce() {
  const root = model.nodes[model.root];
  find("title").textContent = document.title = root.text ? `${root.name} = ${root.text}` : root.name;
  find("about").textContent = `${count(model.nodes.length, "node")}. Move an input: ${root.name} and all `
    + "gradients are computed anew, here in the page. Branches and loops of the program stay as they were taken.";
  const frozen = model.nodes.filter((node) => node.form === "frozen").length;
  if (frozen) {
    addNote(`Frozen: ${count(frozen, "node")} made by code of your own, in Python, which this page does not have. `
      + "There, value and slopes stay as they were, whatever the inputs are.");
  }
  const old = model.inner.filter((i) => !agree(model.values[i], recorded[i])).length;
  if (old) {
    addNote(`Not as in Python: ${count(old, "value")}. Inputs were changed after the graph had been made, and this `
      + "page computes all from the inputs as they are now.");
  }
}

const agree = (a, b) => Object.is(a, b) || fabs(a - b) <= 1e-9 * Math.max(fabs(a), fabs(b), 1e-9);

// -- what the reader does ----------------------------------------------------------------------------

function onKey(event) {
  const { target, key } = event;
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (target.closest("input, select, [role=slider]") || target.matches(".panel")) return;
  if (key === " " && target.closest("button, summary")) return;
  const actions = {
    ArrowLeft: () => jump(state.step - 1),
    ArrowRight: () => jump(state.step + 1),
    Home: () => jump(0),
    End: () => jump(last),
    " ": playOrPause,
  };
  if (!(key in actions)) return;
  event.preventDefault();
  actions[key]();
}

function listen() {
  const clicks = {
    restart: () => jump(0),
    back: () => jump(state.step - 1),
    forward: () => jump(state.step + 1),
    play: playOrPause,
    smaller: () => drawing.resize(drawing.zoom / 1.25),
    larger: () => drawing.resize(drawing.zoom * 1.25),
    turn: () => {
      drawing.turn();
      draw();
    },
    narrow: () => scaleRange(state.leaf, 0.5),
    widen: () => scaleRange(state.leaf, 2),
    reset,
  };
  for (const [id, action] of Object.entries(clicks)) find(id).addEventListener("click", action);
  find("position").addEventListener("input", (event) => jump(event.target.valueAsNumber));
  find("h").addEventListener("input", draw);
  find("along").addEventListener("change", (event) => {
    state.leaf = Number(event.target.value);
    draw();
  });
  find("numbers").addEventListener("toggle", draw);
  document.addEventListener("keydown", onKey);
  new ResizeObserver(draw).observe(find("curve"));
}

const drawing = new Drawing(find("graph"), graph, pick);
const curve = new Curve(find("curve"), (x) => setLeaf(state.leaf, x));
const cells = addTable();
for (const leaf of model.leaves) add(find("along"), "option", { value: leaf }, model.nodes[leaf].name);
find("along").value = state.leaf;
find("position").max = last;
setAll(find("h"), { min: 0, max: 36 });
find("h").value = 36;
introduce();
addInputs();
listen();
redraw();
go(last);
