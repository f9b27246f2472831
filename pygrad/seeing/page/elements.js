// elements.js: elements of the page made, and numbers as it shows them.

const SVG = "http://www.w3.org/2000/svg";

const find = (id) => document.getElementById(id);

function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

// A new element within another one. Text is text: it is never read as HTML.
function add(parent, name, attributes = {}, text = "") {
  const element = document.createElement(name);
  setAll(element, attributes);
  element.textContent = text;
  return parent.appendChild(element);
}

function addShape(parent, name, attributes = {}, text = "") {
  const element = document.createElementNS(SVG, name);
  setAll(element, attributes);
  element.textContent = text;
  return parent.appendChild(element);
}

// A text that stays as it is costs no new layout.
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// A number in so many significant digits, with a minus sign that is as wide as a plus.
function shown(x, digits = 6) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "−inf";
  const size = fabs(x);
  const plain = size === 0 || (size >= 1e-3 && size < 10 ** digits);
  const text = plain ? String(Number(x.toPrecision(digits))) : x.toExponential(digits - 3);
  return text.replace(/\.?0*e\+?/, "e").replaceAll("-", "−");
}

// All digits that tell it from every other number.
function exact(x) {
  if (!Number.isFinite(x)) return shown(x).replace("−", "-");
  if (Object.is(x, -0)) return "-0.0";
  return Number.isInteger(x) && fabs(x) < 1e16 ? x.toFixed(1) : String(x);
}

const counted = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

// The page around this one may say which colours it has.
function followTheme(onChange = () => {}) {
  addEventListener("message", ({ source, data }) => {
    const theme = source === parent ? data?.theme : undefined;
    if (!["light", "dark", "auto"].includes(theme)) return;
    document.documentElement.dataset.theme = theme;
    onChange();
  });
}
