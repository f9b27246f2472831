// grammar.js: typed expressions as trees, by the grammar of pygrad/command_line/expressions.py, which says why what is
// allowed; a test holds the two to the same answers. Nothing typed is ever run: a tree is numbers, names and
// operations, and all else is refused.

const MOST_CHARACTERS = 2000;
const DEEPEST = 100;
const MOST_BRACKETS = 200;
const CONSTANTS = { pi: Math.PI, e: Math.E, tau: 2 * Math.PI, inf: Infinity, nan: NaN };
const KEYWORDS = new Set(("False None True and as assert async await break class continue def del elif else except finally "
  + "for from global if import in is lambda nonlocal not or pass raise return try while with yield").split(" "));
const ONLY = "only numbers, names, operators, comparisons and functions of pygrad.math may be used";
const BAD_SYNTAX = "this cannot be read";

// What the table leaves out of ops that can be typed, which are those with rules.
for (const [name, op] of Object.entries(OPS)) {
  if (!op.rules) continue;
  const { symbol = name, rules } = op;
  const call = `${symbol}(${["X", "Y", "W"].slice(0, Math.max(1, rules.length)).join(", ")})`;
  Object.assign(op, { names: [name], errors: "TOTAL", symbol, text: call, ...op });
}

// Least and most arguments by name; what is not here takes as many as its op has operands.
const ARGUMENTS = new Map(Object.entries({
  max: [2, MOST_CHARACTERS], min: [2, MOST_CHARACTERS], log: [1, 2], hypot: [1, MOST_CHARACTERS], clip: [1, 3],
  degrees: [1, 1], radians: [1, 1], fmod: [2, 2], copysign: [2, 2], pown: [2, 2],
}));
const OP_BY_FUNCTION = new Map(Object.entries(OPS).flatMap(([name, { names }]) => (names ?? []).map((n) => [n, name])));
const FUNCTION_NAMES = [...new Set([...OP_BY_FUNCTION.keys(), ...ARGUMENTS.keys()])];

class ExpressionError extends Error {
  constructor(message, start = 0, end = start + 1) {
    super(message);
    Object.assign(this, { start, end });
  }
}

const refuse = (message, { start, end }) => {
  throw new ExpressionError(message, start, end);
};

// -- words -----------------------------------------------------------------------------------------

const TOKEN = /(?<space> +)|(?<number>0[xX](?:_?[\da-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?)|(?<name>[\p{XID_Start}_]\p{XID_Continue}*)|(?<sign>\*\*=?|\/\/=?|<<=?|>>=?|[<>=!]=|:=|[-+*/%&|^@]=?|[<>~=(),;:.[\]])/uy;

function tokensOf(text) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const start = TOKEN.lastIndex;
    const found = TOKEN.exec(text);
    if (!found) throw new ExpressionError(BAD_SYNTAX, start);
    const [kind, word] = Object.entries(found.groups).find(([, part]) => part !== undefined);
    if (kind === "space") continue;
    const end = start + word.length;
    if (kind === "number") checkEnd(text, start, end, word);
    const token = { kind, word: kind === "name" ? word.normalize("NFKC") : word, start, end };
    if (token.kind === "name" && KEYWORDS.has(token.word)) token.kind = "sign";
    tokens.push(token);
  }
  return [...tokens, { kind: "end", word: "", start: text.length, end: text.length }];
}

// A number does not run into a word, but for those that Python lets it run into; zeros do not lead.
function checkEnd(text, start, end, word) {
  const rest = text.slice(end);
  const hint = "this is no number; multiplication is written with *";
  if (/^[\p{XID_Continue}]/u.test(rest) && !/^(and|else|if|in|is|not|or)\b/.test(rest)) throw new ExpressionError(hint, start);
  if (/^0[\d_]*$/.test(word) && /[1-9]/.test(word)) throw new ExpressionError(hint, start);
}

// -- trees -----------------------------------------------------------------------------------------

// How tightly operators of two operands bind, from | on.
const BINARY = [["|"], ["^"], ["&"], ["<<", ">>"], ["+", "-"], ["*", "/", "//", "%", "@"]];
const ALLOWED = new Set(["+", "-", "*", "/", "//", "%", "**"]);
const COMPARING = new Set(["<", "<=", ">", ">=", "==", "!="]);

class Parser {
  constructor(text) {
    this.tokens = tokensOf(text);
    this.at = 0;
    this.brackets = 0;
  }

  get next() {
    return this.tokens[this.at];
  }

  is(...words) {
    return this.next.kind === "sign" && words.includes(this.next.word);
  }

  take(...words) {
    if (!words.length || this.is(...words)) return this.tokens[this.at++];
    return refuse(BAD_SYNTAX, this.next);
  }

  // From the first part to the last, with brackets that stand around these.
  between(kind, first, last, parts) {
    return { kind, start: first.opened ?? first.start, end: last.closed ?? last.end, ...parts };
  }

  // Statements with `;` between, as {name, value} with an Assign's targets.
  statements() {
    const found = [];
    while (this.next.kind !== "end") {
      found.push(this.statement());
      if (this.next.kind === "end") break;
      this.take(";");
    }
    return found;
  }

  statement() {
    const parts = [this.list()];
    while (this.is("=")) {
      this.take("=");
      parts.push(this.list());
    }
    return { targets: parts.slice(0, -1), value: parts[parts.length - 1], start: parts[0].start, end: parts[parts.length - 1].end };
  }

  // One expression, or several with commas, which make a tuple.
  list() {
    const first = this.choice();
    if (!this.is(",")) return first;
    let last = first;
    while (this.is(",")) {
      last = this.take(",");
      if (this.next.kind !== "end" && !this.is(")", ";", "=")) last = this.choice();
    }
    return this.between("tuple", first, last);
  }

  choice() {
    const body = this.any();
    if (!this.is("if")) return body;
    this.take("if");
    const test = this.any();
    this.take("else");
    this.deepen();
    const other = this.choice();
    this.brackets -= 1;
    return this.between("if", body, other, { operands: [body, test, other] });
  }

  deepen() {
    this.brackets += 1;
    if (this.brackets > MOST_BRACKETS) throw new ExpressionError("the expression is nested too deep");
  }

  any() {
    return this.joined("or", () => this.joined("and", () => this.negation()));
  }

  joined(word, part) {
    const operands = [part()];
    while (this.is(word)) {
      this.take(word);
      operands.push(part());
    }
    return operands.length === 1 ? operands[0] : this.between(word, operands[0], operands[operands.length - 1], { operands });
  }

  negation() {
    const signs = [];
    while (this.is("not")) signs.push(this.take("not"));
    return signs.reverse().reduce((x, sign) => this.between("unary", sign, x, { word: "not", operands: [x] }), this.comparison());
  }

  comparison() {
    const operands = [this.binary(0)];
    const words = [];
    while (this.is(...COMPARING, "is", "in") || (this.is("not") && this.tokens[this.at + 1].word === "in")) {
      let { word } = this.take();
      if (word === "not") this.take("in");
      if (word === "is" && this.is("not")) this.take("not");
      words.push(word);
      operands.push(this.binary(0));
    }
    if (!words.length) return operands[0];
    return this.between("compare", operands[0], operands[operands.length - 1], { operands, words });
  }

  binary(level) {
    if (level === BINARY.length) return this.signed();
    let left = this.binary(level + 1);
    while (this.is(...BINARY[level])) {
      const { word } = this.take();
      const right = this.binary(level + 1);
      left = this.between("binary", left, right, { word, operands: [left, right] });
    }
    return left;
  }

  signed() {
    const signs = [];
    while (this.is("+", "-", "~")) signs.push(this.take());
    return signs.reverse().reduce((x, sign) => this.between("unary", sign, x, { word: sign.word, operands: [x] }), this.power());
  }

  power() {
    const base = this.primary();
    if (!this.is("**")) return base;
    this.take("**");
    const exponent = this.signed();
    return this.between("binary", base, exponent, { word: "**", operands: [base, exponent] });
  }

  primary() {
    let found = this.atom();
    while (this.is("(", ".", "[")) {
      const { word } = this.next;
      if (word === "(") found = this.call(found);
      else if (word === ".") {
        this.take(".");
        if (this.next.kind !== "name") refuse(BAD_SYNTAX, this.next);
        found = this.between("dot", found, this.take());
      } else {
        this.take("[");
        this.list();
        found = this.between("item", found, this.take("]"));
      }
    }
    return found;
  }

  call(called) {
    this.take("(");
    this.deepen();
    const operands = [];
    let isPlain = true;
    while (!this.is(")")) {
      if (this.is("*", "**")) {
        this.take();
        isPlain = false;
      } else if (this.next.kind === "name" && this.tokens[this.at + 1].word === "=") {
        this.take();
        this.take("=");
        isPlain = false;
      }
      operands.push(this.choice());
      if (!this.is(")")) this.take(",");
    }
    this.brackets -= 1;
    return this.between("call", called, this.take(")"), { called, operands, isPlain });
  }

  atom() {
    const token = this.take();
    const { kind, word } = token;
    if (kind === "number") return { ...token, kind: "number", ...valueOf(word) };
    if (kind === "name") return { ...token, kind: "name" };
    if (["None", "True", "False"].includes(word)) return { ...token, kind: "other" };
    if (word !== "(") refuse(BAD_SYNTAX, token);
    this.deepen();
    if (this.is(")")) return this.between("tuple", token, this.take(")"));
    const found = this.list();
    if (this.is(":=")) refuse("a part is named by a statement of its own: c = a*b; c + 1", this.next);
    this.brackets -= 1;
    const last = this.take(")");
    return found.kind === "tuple" ? this.between("tuple", token, last) : { ...found, opened: token.start, closed: last.end };
  }
}

// A whole number stays one where it is an exponent, as nodes show exponents as they are written.
function valueOf(word) {
  const digits = word.replaceAll("_", "");
  const isWhole = !/[.]|^\d[\d]*[eE]/.test(digits) || /^0[xXoObB]/.test(digits);
  return { value: /^0[xXoObB]/.test(digits) ? Number(BigInt(digits)) : Number(digits), isWhole };
}

// -- what is allowed -------------------------------------------------------------------------------

// The expression as {text, names, parts}: its inputs in the order in which they come up, and named parts. Names among
// the given inputs are no constants: e may be one.
function parseExpression(typed, inputs = []) {
  const length = [...typed].length;
  if (length > MOST_CHARACTERS) throw new ExpressionError(`the expression has ${length} characters; ${MOST_CHARACTERS} is the limit`);
  const text = typed.replace(/[\s\x1c-\x1f\x85]/g, (c) => (c === "\ufeff" ? c : " ")).replace(/^ +| +$/g, "");
  const strange = text.search(/[#\\]|(?! )[\p{C}\p{Z}]/u);
  if (strange >= 0) throw new ExpressionError(`${quoted(String.fromCodePoint(text.codePointAt(strange)))} has no meaning here`, strange);
  const statements = text ? new Parser(text).statements() : [];
  if (!statements.length) throw new ExpressionError("the expression is empty");
  const constants = new Set(Object.keys(CONSTANTS).filter((name) => !inputs.includes(name)));
  const [names, parts] = [new Set(), []];
  statements.forEach((statement, i) => {
    const { targets, value } = statement;
    const target = targets.length === 1 && targets[0].kind === "name" ? targets[0].word : "";
    if (targets.length > 1) refuse("that is not a name", statement);
    if (!targets.length && i + 1 < statements.length) refuse("a part before the last one needs a name: c = a*b; c + 1", statement);
    if (!targets.length && value.kind === "tuple") refuse("one expression, please: not several with commas", statement);
    const defined = new Set(parts.map(({ name }) => name));
    if (targets.length && (!target || defined.has(target) || names.has(target))) {
      refuse(target ? `${target} is used before it is named` : "that is not a name", targets[0]);
    }
    for (const name of namesIn(value, constants)) if (!defined.has(name)) names.add(name);
    if (target && names.has(target)) refuse(`${target} is defined by itself`, statement);
    parts.push({ name: target, value });
  });
  return { text, names: [...names], parts };
}

// The names of inputs in a tree, in order.
function namesIn(root, constants) {
  const names = [];
  const pending = [[root, 0]];
  while (pending.length) {
    const [node, depth] = pending.pop();
    if (depth > DEEPEST) refuse(`this is nested deeper than ${DEEPEST} levels`, node);
    checkNode(node);
    if (node.kind === "name" && !constants.has(node.word)) names.push(node.word);
    [...(node.operands ?? [])].reverse().forEach((operand) => {
      const isLeft = node.kind === "binary" && operand === node.operands[0];
      pending.push([operand, isLeft ? depth : depth + 1]);
    });
  }
  return names;
}

function checkNode(node) {
  const { kind, word } = node;
  if (kind === "number") {
    if (node.isWhole && node.value === Infinity) refuse("this number is too large for a float", node);
  } else if (kind === "dot") refuse("a dot has no meaning here: write tanh(a), not a.tanh() or math.tanh(a)", node);
  else if (kind === "item") refuse("there are no lists here, only numbers", node);
  else if (kind === "call") checkCall(node);
  else if (kind === "binary" && word === "^") refuse("powers are written with **", node);
  else if (kind === "binary" && !ALLOWED.has(word)) refuse(ONLY, node);
  else if (kind === "unary" && word === "~") refuse(ONLY, node);
  else if (kind === "compare" && !node.words.every((w) => COMPARING.has(w))) refuse(ONLY, node);
  else if (kind === "tuple" || kind === "other") refuse(ONLY, node);
}

function checkCall(node) {
  const { called, operands } = node;
  if (called.kind === "dot") checkNode(called);
  if (called.kind !== "name") refuse("this is no function; multiplication is written with *", called);
  const name = called.word;
  if (!FUNCTION_NAMES.includes(name)) {
    const near = nearest(name, FUNCTION_NAMES);
    refuse(near ? `unknown name '${name}', did you mean '${near}'?`
      : `there is no function '${name}'; multiplication is written with *`, called);
  }
  if (!node.isPlain) refuse(`the arguments of ${name} are given in order, without names`, node);
  const [least, most] = ARGUMENTS.get(name) ?? Array(2).fill(OPS[OP_BY_FUNCTION.get(name)].rules.length);
  if (least <= operands.length && operands.length <= most) return;
  const takes = least === most ? `${least}` : most > 9 ? `${least} or more` : `${least} to ${most}`;
  refuse(`${name} takes ${takes} argument${least === 1 && most === 1 ? "" : "s"}, not ${operands.length}`, node);
}

// As Python's repr() of a character.
function quoted(c) {
  const code = c.codePointAt(0);
  if (c === "\\") return "'\\\\'";
  if (!/[\p{C}\p{Z}]/u.test(c)) return `'${c}'`;
  const hex = (digits) => code.toString(16).padStart(digits, "0");
  return code < 256 ? `'\\x${hex(2)}'` : code < 65536 ? `'\\u${hex(4)}'` : `'\\U${hex(8)}'`;
}

// The name most like it, if one is: Python's difflib, whose measure is Ratcliff and Obershelp's.
function nearest(name, known) {
  const scored = known.map((other) => [(2 * common(other, name)) / (other.length + name.length), other]);
  const best = scored.filter(([score]) => score >= 0.6).sort(([a, b], [c, d]) => c - a || (b < d ? 1 : -1))[0];
  return best?.[1];
}

function common(a, b) {
  let [size, i, j] = [0, 0, 0];
  for (let x = 0; x < a.length; x++) {
    for (let y = 0; y < b.length; y++) {
      let k = 0;
      while (x + k < a.length && y + k < b.length && a[x + k] === b[y + k]) k += 1;
      if (k > size) [size, i, j] = [k, x, y];
    }
  }
  if (!size) return 0;
  return size + common(a.slice(0, i), b.slice(0, j)) + common(a.slice(i + size), b.slice(j + size));
}
