// network.js: the page of a network put together: it learns, and is drawn anew whenever something has changed.

const given = JSON.parse(find("data").textContent);
for (const { nodes } of [given, ...given.losses]) numbersOf(nodes);
const network = new Network(given);
const rows = given.points.map((point, i) => ({ point, label: given.labels[i] }));
const training = new Training(network, rows);
const names = given.parameters.map(({ name }) => name);

const inputs = given.inputs.map((node, k) => ({ name: `x${k + 1}`, node }));
const layers = given.layers.map((layer, l) => layer.map((neuron, k) => ({ ...neuron, name: `layers[${l}].neurons[${k}]` })));
const columns = [inputs, ...layers];
const everyone = columns.flat();
const [output] = layers[layers.length - 1];

const plane = new Plane(find("plane"), given.window, (point) => {
  picked = point;
  draw();
});
const neurons = new Neurons(find("neurons"), columns, (node) => {
  chosen = node;
  draw();
});
const curve = new LossCurve(find("loss"));
let chosen = output.node;
let picked;
let running = 0;

// -- what is set -------------------------------------------------------------------------------------

const positive = (id) => Math.max(0, find(id).valueAsNumber || 0);
const how = () => ({ rate: positive("rate"), l2: positive("l2"), batch: Number(find("batch").value) || rows.length });

function run() {
  if (!running) return;
  training.epoch(how());
  if (!training.isSound) stop();
  redraw();
  running &&= requestAnimationFrame(run);
}

function stop() {
  cancelAnimationFrame(running);
  running = 0;
}

// -- drawing -----------------------------------------------------------------------------------------

function judge() {
  for (const row of rows) {
    row.score = network.scoreAt(row.point);
    row.loss = network.lossOf(row.score, row.label);
    row.isRight = row.score > 0 === (row.label === 1);
  }
  return rows.filter(({ isRight }) => isRight).length;
}

function redraw() {
  const right = judge();
  const colours = coloursOf(given.tint);
  const fields = sampled(network, given.window, everyone.map(({ node }) => node));
  const neuron = everyone.find(({ node }) => node === chosen);
  const isOutput = neuron === output;
  const told = `${right} of ${rows.length} points on their side`;
  const label = isOutput ? `The score over the plane; ${told}` : `${neuron.name} over the plane`;
  plane.show({ field: fields.get(chosen), rows, colours, picked, label });
  neurons.show({ values: network.model.values, fields, colours, picked: chosen });
  write(find("plane-title"), isOutput ? "Data and boundary" : neuron.name);
  find("whole").hidden = isOutput;
  const loss = training.losses.length ? training.losses[training.losses.length - 1] : network.lossOver(rows, how().l2);
  write(find("steps"), String(training.steps));
  write(find("epochs"), shown(training.epochs, 4));
  write(find("loss-now"), shown(loss));
  write(find("right"), `${right} of ${rows.length}`);
  write(find("loss-hint"), training.steps ? "Over all points, after each step." : "No step was made yet.");
  curve.show(training.losses, `Loss over steps, now ${shown(loss)}`);
  write(find("lost"), training.isSound ? "" : `The loss is ${shown(loss)}: the rate is too high. Start again with a lower one.`);
  write(find("run"), running ? "Pause" : "Run");
  tellNeuron({ neuron, names, training });
  tellPicked();
  if (find("parameters").open) tellParameters(names, training);
  if (find("points").open) tellPoints(rows, given.classes);
  address.write();
}

function tellPicked() {
  const at = picked ?? [];
  const score = picked && network.scoreAt(picked);
  write(find("picked"), picked
    ? `At ${shown(at[0], 4)}, ${shown(at[1], 4)} the score is ${shown(score)}: class ${given.classes[score > 0 ? 1 : 0]}.`
    : "A click into the plane tells the score there.");
}

// However often things change: drawn once, before the next frame.
let waiting = 0;
function draw() {
  waiting ||= requestAnimationFrame(() => {
    waiting = 0;
    redraw();
  });
}

// -- the beginning -----------------------------------------------------------------------------------

function introduce() {
  find("title").textContent = document.title = given.title;
  find("about").textContent = `${counted(names.length, "parameter")} learn ${counted(rows.length, "point")} here in the page, by `
    + `the numbers that Python has: the loss is the mean of ${given.loss} over a batch, plus L2 times the sum of the squares of `
    + "all parameters, and a step is p.data -= rate * p.grad.";
  for (const k of [0, 1]) write(find(`class-${k}`), `class ${given.classes[k]}`);
  for (const size of [1, 10, 20, 50].filter((n) => n < rows.length)) add(find("batch"), "option", { value: size }, String(size));
  add(find("batch"), "option", { value: 0, selected: "" }, `all ${rows.length}`);
}

function listen() {
  const clicks = {
    step: () => training.step(how()),
    epoch: () => training.epoch(how()),
    again: () => training.start(),
    whole: () => (chosen = output.node),
  };
  for (const [id, action] of Object.entries(clicks)) {
    find(id).addEventListener("click", () => {
      stop();
      action();
      draw();
    });
  }
  find("run").addEventListener("click", () => {
    if (running) stop();
    else running = requestAnimationFrame(run);
    draw();
  });
  for (const id of ["rate", "l2", "batch"]) find(id).addEventListener("change", draw);
  for (const id of ["parameters", "points"]) find(id).addEventListener("toggle", draw);
  new ResizeObserver(draw).observe(document.body);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

const field = (id, usual) => ({
  get: () => (find(id).value === usual ? "" : find(id).value),
  set: (text) => {
    if (Number(text) >= 0 && Number(text) < Infinity && text.trim()) find(id).value = text;
    draw();
  },
});
const address = new Address({
  rate: field("rate", find("rate").value),
  l2: field("l2", find("l2").value),
  batch: { get: () => (find("batch").value === "0" ? "" : find("batch").value), set: (text) => choose(find("batch"), text) },
  neuron: {
    get: () => (chosen === output.node ? "" : String(everyone.findIndex(({ node }) => node === chosen))),
    set: (text) => {
      chosen = everyone[Number(text)]?.node ?? output.node;
      draw();
    },
  },
});

introduce();
listen();
followTheme(draw);
address.read();
draw();
