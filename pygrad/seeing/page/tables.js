// tables.js: a neuron's weights, all parameters and all points as numbers.

// A row for each of so many cells' texts.
function fill(body, rows) {
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach(([head, ...texts], i) => {
    const row = body.rows[i] ?? add(body, "tr");
    if (!row.cells.length) {
      add(add(row, "th", { scope: "row" }), "bdi");
      for (const _ of texts) add(row, "td", { class: "number" });
    }
    write(row.cells[0].firstChild, head);
    texts.forEach((text, k) => write(row.cells[k + 1], text));
  });
}

const bodyOf = (id) => find(id).querySelector("tbody");

// What a neuron computes, and with which numbers.
function tellNeuron({ neuron, names, training }) {
  write(find("neuron-title"), neuron.name);
  const places = [...(neuron.weights ?? []), neuron.bias].filter((i) => i !== undefined);
  write(find("neuron-about"), neuron.kind ?? "An input, as the data have it.");
  find("neuron-weights").hidden = !places.length;
  const { parameters } = training.network;
  fill(bodyOf("neuron-weights"), places.map((i) => {
    const k = parameters.indexOf(i);
    return [names[k].split(".").pop(), shown(training.numbers[k]), shown(training.grads[k])];
  }));
}

function tellParameters(names, { numbers, grads }) {
  fill(bodyOf("parameters"), names.map((name, k) => [name, exact(numbers[k]), exact(grads[k])]));
}

function tellPoints(rows, classes) {
  fill(bodyOf("points"), rows.map(({ point, label, score, loss, isRight }) => [
    `${shown(point[0], 4)}, ${shown(point[1], 4)}`, classes[label], exact(score),
    classes[score > 0 ? 1 : 0] + (isRight ? "" : " ✗"), exact(loss),
  ]));
}
