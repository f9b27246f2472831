// building.js: a typed expression as the graph that Python would record of it. A part is a number until an input is in it.

const isNode = (x) => typeof x === "object";
const dataOf = (x) => (isNode(x) ? x.value : Number(x));

// Whether, and why, Python's floats have no such result (csrc/python/raising.c).
function diagnosis(errors, x, y, z) {
  const isNumber = !Number.isNaN(x) && !Number.isNaN(y);
  const isFinite = Number.isFinite(x) && Number.isFinite(y);
  if (errors === "DIVISION") return y === 0 ? "division by zero" : "";
  if (Number.isFinite(z) || errors === "TOTAL") return "";
  if (errors === "INTEGRAL") return `${shown(z)} has no whole number`;
  const isDomain = "math domain error";
  if (Number.isNaN(z)) return isNumber ? isDomain : "";
  if (!isFinite) return "";
  if (errors === "DOMAIN" || (errors === "POLES" && x <= 0 && floor(x) === x)) return isDomain;
  if (errors === "MATH_POW" && x === 0) return isDomain;
  if (errors === "FLOAT_POW" && x === 0 && y < 0) return "0.0 cannot be raised to a negative power";
  return "math range error";
}

// An op of inputs and numbers. k: of a power with a constant exponent.
function applied(op, operands, k) {
  const [x, y, w] = operands.map(dataOf);
  const { forward, errors } = OPS[op];
  const wrong = (z) => diagnosis(errors, x, k ?? y ?? 0, z);
  // Division by 0 is refused before it is made, and what it would be is nobody's.
  const value = forward(x, y, w, k);
  const why = wrong(value);
  if (why) throw new RangeError(why);
  if (!operands.some(isNode)) return value;
  return { form: "op", op, operands: operands.map((o) => (isNode(o) ? o : { form: "number", value: Number(o), operands: [] })), value };
}

function raised(x, y, written) {
  if (isNode(y)) return applied("pow", [x, y]);
  const power = applied("pown", [x], y);
  if (isNode(power)) Object.assign(power, { constant: y, written: written ?? exponentText(y) });
  return power;
}

// As Python writes a float.
function exponentText(x) {
  const size = fabs(x);
  if (size >= 1e16 || (size > 0 && size < 1e-4)) {
    return Number.isFinite(x) ? x.toExponential().replace(/e([-+])(\d)$/, "e$10$2") : exact(x);
  }
  return exact(x);
}

// Functions that are more than one op, or less.
const hasSign = (x) => signbit(dataOf(x));
const negated = (x) => (isNode(x) ? applied("neg", [x]) : -x);
const FUNCTIONS = {
  log: (x, base) => (base === undefined ? applied("log", [x]) : applied("div", [applied("log", [x]), applied("log", [base])])),
  hypot: (...xs) => (xs.length > 1 ? xs.reduce((a, b) => applied("hypot", [a, b])) : applied("abs", xs)),
  clip: (x, low = -Infinity, high = Infinity) => applied("clip", [x, low, high]),
  degrees: (x) => applied("mul", [x, 180 / Math.PI]),
  radians: (x) => applied("mul", [x, Math.PI / 180]),
  copysign: (x, y) => (hasSign(x) === hasSign(y) ? x : negated(x)),
  max: (...xs) => xs.reduce((a, b) => (dataOf(b) > dataOf(a) ? b : a)),
  min: (...xs) => xs.reduce((a, b) => (dataOf(b) < dataOf(a) ? b : a)),
  fmod: (x, y) => {
    if (Number.isNaN(dataOf(x)) || Number.isNaN(dataOf(y))) return applied("add", [x, y]);
    if (dataOf(y) === 0 || isinf(dataOf(x))) throw new RangeError("math domain error");
    const size = applied("abs", [y]);
    return hasSign(x) ? negated(applied("mod", [negated(x), size])) : applied("mod", [x, size]);
  },
  pown: (x, n) => {
    if (isNode(n)) throw new RangeError("the exponent of pown must be a number");
    return raised(x, Number(n));
  },
};

const OF_TWO = { "+": "add", "-": "sub", "*": "mul", "/": "div", "//": "floordiv", "%": "mod" };
const COMPARE = {
  "<": (x, y) => x < y, "<=": (x, y) => x <= y, ">": (x, y) => x > y, ">=": (x, y) => x >= y,
  "==": (x, y) => x === y, "!=": (x, y) => x !== y,
};

class Builder {
  constructor(expression, inputs) {
    this.text = expression.text;
    this.scope = new Map(expression.names.map((name) => [name, { form: "leaf", value: inputs.get(name), operands: [], label: name }]));
  }

  // The last part, after all that are named.
  build(parts) {
    let result = 0;
    for (const { name, value } of parts) {
      result = this.value(value);
      if (!name) continue;
      this.scope.set(name, result);
      if (isNode(result)) result.label ??= name;
    }
    return isNode(result) ? result : { form: "leaf", value: Number(result), operands: [] };
  }

  value(node) {
    const { kind, operands } = node;
    if (kind === "number") return node.value;
    if (kind === "name") return this.scope.has(node.word) ? this.scope.get(node.word) : CONSTANTS[node.word];
    if (kind === "unary") return this.unary(node);
    if (kind === "binary") return this.chain(node);
    if (kind === "call") return this.call(node);
    if (kind === "if") return this.value(dataOf(this.value(operands[1])) !== 0 ? operands[0] : operands[2]);
    if (kind === "compare") return this.compare(node);
    let result;
    for (const operand of operands) {
      result = this.value(operand);
      if ((dataOf(result) !== 0) === (kind === "or")) break;
    }
    return result;
  }

  unary({ word, operands: [operand] }) {
    const x = this.value(operand);
    if (word === "not") return dataOf(x) !== 0 ? 0 : 1;
    return word === "-" ? negated(x) : x;
  }

  // From its left end, so that long sums need no deep recursion.
  chain(node) {
    const links = [node];
    while (links[links.length - 1].operands[0].kind === "binary") links.push(links[links.length - 1].operands[0]);
    let result = this.value(links[links.length - 1].operands[0]);
    for (const link of links.reverse()) {
      const right = this.value(link.operands[1]);
      const left = result;
      const act = () => (link.word === "**" ? raised(left, right, writtenOf(link.operands[1])) : applied(OF_TWO[link.word], [left, right]));
      result = this.attempt(link, act, [left, right]);
    }
    return result;
  }

  call(node) {
    const name = node.called.word;
    const arguments_ = node.operands.map((operand) => this.value(operand));
    const act = () => (Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name](...arguments_) : applied(OP_BY_FUNCTION.get(name), arguments_));
    return this.attempt(node, act, arguments_);
  }

  compare({ operands, words }) {
    let left = dataOf(this.value(operands[0]));
    return Number(words.every((word, i) => {
      const right = dataOf(this.value(operands[i + 1]));
      const holds = COMPARE[word](left, right);
      left = right;
      return holds;
    }));
  }

  attempt(node, act, operands) {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const values = operands.map((x) => numberText(dataOf(x))).join(", ");
      return refuse(`${this.text.slice(node.start, node.end)} has no value for ${values}: ${error.message}`, node);
    }
  }
}

// An exponent as it is written, if it is written as a number.
function writtenOf(node, sign = "") {
  if (node.kind === "unary" && node.word === "-") return writtenOf(node.operands[0], sign ? "" : "-");
  if (node.kind !== "number") return undefined;
  const isWhole = node.isWhole && fabs(node.value) < 1e15;
  return sign + (isWhole ? String(node.value) : exponentText(node.value));
}

// -- the graph, with what the page shows of it -----------------------------------------------------

// Python's "%g", and the whole number where that is as short: pygrad/seeing/notation.py's number().
function numberText(x) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  const [digits, power] = x.toExponential(5).split("e");
  const exponent = Number(power);
  const short = exponent < -4 || exponent >= 6
    ? `${digits.replace(/\.?0+$/, "")}e${exponent < 0 ? "-" : "+"}${String(fabs(exponent)).padStart(2, "0")}`
    : x.toFixed(5 - exponent).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  if (Number(short) === x) return short;
  const full = exponentText(x).replace(/\.0$/, "");
  return full.length <= 9 ? full : short;
}

// Operands before their users, in the order of Value.backward().
function orderOf(root) {
  const [order, seen, stack] = [[], new Set([root]), [[root, 0]]];
  while (stack.length) {
    const top = stack[stack.length - 1];
    const [node, k] = top;
    if (k === node.operands.length) {
      order.push(stack.pop()[0]);
      continue;
    }
    top[1] += 1;
    const operand = node.operands[k];
    if (!seen.has(operand)) {
      seen.add(operand);
      stack.push([operand, 0]);
    }
  }
  return order;
}

// Names as pygrad/seeing/snapshot.py gives them.
function namesOf(order) {
  const shortened = (text) => (text.length <= 28 ? text : `${text.slice(0, 27)}…`);
  const taken = new Set(order.flatMap(({ label }) => (label === undefined ? [] : [shortened(label)])));
  const unnamed = order.filter(({ label, form }) => label === undefined && form !== "number").length;
  const letters = [..."abcdefghijklmnopqrstuvwxyz"].filter((letter) => !taken.has(letter));
  let count = 0;
  const numbered = (start, first) => {
    let i = first;
    while (taken.has(`${start}${i}`)) i += 1;
    taken.add(`${start}${i}`);
    return `${start}${i}`;
  };
  const met = new Set();
  return order.map(({ label, form, value }) => {
    if (form === "number") return numberText(value);
    if (label === undefined) return unnamed <= letters.length ? letters[count++] : numbered("v", 1);
    const name = shortened(label);
    if (met.has(name)) return numbered(`${name}_`, 2);
    met.add(name);
    return name;
  });
}

// What a template such as "X * Y" says of operands, in brackets where these look like formulas themselves or are the
// negative base of a power, as pygrad/seeing/notation.py has it.
function filled(template, words) {
  return template.replace(/\b([XYWZ])(\*\*)?/g, (found, letter, power = "", at) => {
    const word = words[letter];
    const isAlone = /(^|[[(,] ?)$/.test(template.slice(0, at)) && /^($|[\]),])/.test(template.slice(at + found.length));
    const isPlain = /^[\p{L}\p{N}_.[\]']+$/u.test(word) || (!power && /^-[\w.+]+$/.test(word));
    return (isAlone || isPlain ? word : `(${word})`) + power;
  });
}

function nodeOf(node, name, names, operands) {
  const common = { name, labelled: node.label !== undefined, symbol: "", text: "", operands, rules: [], value: node.value, form: node.form };
  if (node.form !== "op") return common;
  const [X, Y, W] = operands.map((i) => names[i]);
  const words = { X, Y, W, Z: name };
  if (node.op === "pown") {
    const base = filled("X**", words);
    const rule = powerRule(X, base, node.constant);
    return { ...common, op: "pown", constant: node.constant, symbol: `**${node.written}`, text: base + node.written, rules: [rule] };
  }
  const { symbol, text, rules } = OPS[node.op];
  if (node.op === "pow" && node.operands[1].form === "number") {
    const known = [powerRule(X, filled("X**", words), node.operands[1].value), filled(rules[1], words)];
    return { ...common, op: "pow", symbol, text: filled(text, words), rules: known };
  }
  return { ...common, op: node.op, symbol, text: filled(text, words), rules: rules.map((rule) => filled(rule, words)) };
}

function powerRule(x, base, k) {
  if (k === 0 || k === 1) return String(k);
  const rest = k === 2 ? x : base + numberText(k - 1);
  return k === -1 ? `-${rest}` : `${numberText(k)} * ${rest}`;
}

// The graph of what was typed, at these inputs (a Map).
function graphOf(expression, inputs) {
  const order = orderOf(new Builder(expression, inputs).build(expression.parts));
  const names = namesOf(order);
  const at = new Map(order.map((node, i) => [node, i]));
  const nodes = order.map((node, i) => nodeOf(node, names[i], names, node.operands.map((operand) => at.get(operand))));
  return { title: expression.text, nodes };
}
