// typed.js: the form in which expressions are typed, with the values of their names.

// What stands in a text such as "a=2 b = -pi/4", by name.
function assignmentsOf(text) {
  const found = new Map();
  for (const part of text.replace(/\s*=\s*/g, "=").split(/[\s,]+(?=[^=\s]+=)|[\s,]+$/).filter((part) => part.trim())) {
    const [, name, value] = /^([\p{XID_Start}_]\p{XID_Continue}*)=([^=].*)$/u.exec(part.trim()) ?? [];
    if (name === undefined || KEYWORDS.has(name)) {
      throw new ExpressionError(`'${part.trim()}' is not of the form NAME=NUMBER, such as a=2`);
    }
    if (found.has(name)) throw new ExpressionError(`${name} is given twice`);
    found.set(name.normalize("NFKC"), numberOf(value));
  }
  return found;
}

// An expression without names.
function numberOf(text) {
  const expression = parseExpression(text);
  for (const name of expression.names) throw new ExpressionError(`${name} has no value`);
  return new Builder(expression, new Map()).build(expression.parts).value;
}

class Typed {
  // known: what names without a value are, where they are known.
  constructor(known, onGraph) {
    this.known = known;
    this.onGraph = onGraph;
    find("typed").addEventListener("submit", (event) => {
      event.preventDefault();
      this.show();
    });
  }

  show() {
    const field = find("expression");
    write(find("typed-error"), "");
    try {
      this.onGraph(this.graph(field.value, find("where").value));
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      write(find("typed-error"), error.message);
      field.focus();
      const blanks = field.value.length - field.value.trimStart().length;
      field.setSelectionRange(blanks + error.start, blanks + error.end);
    }
  }

  graph(text, at) {
    const given = assignmentsOf(at);
    const expression = parseExpression(text, [...given.keys()]);
    for (const name of given.keys()) {
      if (!expression.names.includes(name)) throw new ExpressionError(`${name} is not in the expression`);
    }
    return graphOf(expression, new Map(expression.names.map((name) => [name, given.get(name) ?? this.known(name) ?? 1])));
  }
}
