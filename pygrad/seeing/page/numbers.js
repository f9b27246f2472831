// numbers.js: C's math for the op table, whose expressions follow this file word for word. First what
// JavaScript's Math lacks or does in another way, then the functions of csrc/ops/scalar.h: the reasons for
// their forms stand there.
const { acos, acosh, asin, asinh, atan, atan2, atanh, ceil, cos, cosh, exp, expm1, floor } = Math;
const { log, log10, log1p, log2, sin, sinh, sqrt, tan, tanh, trunc, abs: fabs } = Math;

// -- C's math ---------------------------------------------------------------------------------------

const isinf = (x) => fabs(x) === Infinity;
const isnormal = (x) => fabs(x) >= 2.2250738585072014e-308 && fabs(x) < Infinity;
const signbit = (x) => x < 0 || Object.is(x, -0);
const copysign = (x, y) => (signbit(y) ? -fabs(x) : fabs(x));

// Math.pow says nan for 1 ** nan and (-1) ** inf.
const pow = (x, y) => (x === 1 || (x === -1 && isinf(y)) ? 1 : Math.pow(x, y));

// To the nearest whole number, ties to even: above 2 ** 52 there is nothing but whole numbers.
function rint(x) {
  const big = 4503599627370496;
  return fabs(x) < big ? copysign(fabs(x) + big - big, x) : x;
}

// The exponent that frexp finds: x is m * 2 ** exponent with 0.5 <= |m| < 1. For finite x other than 0.
const bits = new DataView(new ArrayBuffer(8));
function exponentOf(x) {
  bits.setFloat64(0, x);
  const biased = (bits.getUint16(0) >> 4) & 0x7ff;
  return biased ? biased - 1022 : exponentOf(x * 2 ** 54) - 54;
}

// In two factors, as 2 ** exponent may be out of range where the result is not.
function ldexp(x, exponent) {
  const half = trunc(exponent / 2);
  return x * 2 ** half * 2 ** (exponent - half);
}

// The series in x of exp(x * x) erf(x), all of whose terms have one sign; beyond 2, where erfc is small
// enough to hide its error, the continued fraction of erfc (Abramowitz and Stegun 7.1.6, 7.1.14).
function erf(x) {
  const size = fabs(x);
  if (!(size < 6)) return size >= 6 ? copysign(1, x) : x;
  if (size < 2) {
    let sum = 0;
    for (let n = 40; n > 0; n--) sum = (sum + 1) * ((2 * x * x) / (2 * n + 1));
    return erf_dx(x) * (x + x * sum);
  }
  let fraction = size;
  for (let n = 60; n > 0; n--) fraction = size + n / 2 / fraction;
  return copysign(1 - erf_dx(x) / 2 / fraction, x);
}

// -- csrc/ops/scalar.h ----------------------------------------------------------------------------------

function mul0(x, y) {
  const product = x * y;
  return Number.isNaN(product) && (x === 0 || y === 0) ? 0 : product;
}

const div0 = (x, y) => (x === 0 && y === 0 ? 0 : x / y);

function sigmoid(x) {
  if (x >= 0) return 1 / (1 + exp(-x));
  const e = exp(x);
  return e / (1 + e);
}

const softplus = (x) => (x > 0 ? x : 0) + log1p(exp(-fabs(x)));

const power_of_two = (x) => pow(2, x);

function bell(c, e) {
  const sum = 1 + e;
  const lost = e - (sum - 1);
  const slope = (c * e) / (sum * sum);
  return slope - slope * ((2 * lost) / sum);
}

const sech2 = (x) => bell(4, exp(-2 * fabs(x)));
const sigmoid_dx = (x) => bell(1, exp(-fabs(x)));

function power(x, n) {
  if (n === 2) return x * x;
  if (n === -1) return 1 / x;
  if (n === 1) return x;
  if (n === 3) return x * x * x;
  if (n === 0) return 1;
  return pow(x, n);
}

function pow_dx(x, y) {
  if (y === 0) return 0;
  if (fabs(y) < 9007199254740992 && floor(y) === y) {
    const p = power(x, y - 1);
    if (isnormal(p) || x === 0) return y * p;
  }
  const z = pow(x, y);
  if (!isnormal(z) || x === 0) return y * power(x, y - 1);
  return fabs(y) > 1 && z > 1 ? y * (z / x) : (y * z) / x;
}

function pow_dy(x, y) {
  if (x > 0) return pow(x, y) * log(x);
  if (x === 0) return y >= 0 ? 0 : y < 0 ? -Infinity : y;
  return NaN;
}

function hypotenuse(x, y) {
  const a = Math.max(fabs(x), fabs(y));
  const b = Math.min(fabs(x), fabs(y));
  if (isinf(x) || isinf(y)) return Infinity;
  if (b === 0 || Number.isNaN(a)) return a;
  const exponent = exponentOf(a);
  const [p, q] = [ldexp(a, -exponent), ldexp(b, -exponent)];
  return ldexp(sqrt(p * p + q * q), exponent);
}

function hypot_dx(x, y) {
  const h = hypotenuse(x, y);
  if (h === 0) return 0;
  if (isinf(h) && Number.isFinite(x) && Number.isFinite(y)) {
    return (0.25 * x) / hypotenuse(0.25 * x, 0.25 * y);
  }
  return x / h;
}

function atan2_dx(x, y) {
  if (x === 0 && y === 0) return 0;
  if (!Number.isFinite(x) || !Number.isFinite(y)) return y / hypotenuse(x, y) / hypotenuse(x, y);
  const exponent = exponentOf(fabs(x) > fabs(y) ? x : y);
  const [a, b] = [ldexp(x, -exponent), ldexp(y, -exponent)];
  return ldexp(b / (a * a + b * b), -exponent);
}

function logaddexp(x, y) {
  if (x === y) return x + 0.6931471805599453;
  return (x > y ? x : y) + log1p(exp(-fabs(x - y)));
}

function logaddexp_dx(x, y) {
  if (x === y) return 0.5;
  const d = x - y;
  if (!Number.isFinite(d)) return sigmoid(d);
  const t = d - x;
  const error = x - (d - t) + (-y - t);
  const s = sigmoid(d);
  return s + s * sigmoid(-d) * error;
}

function erf_dx(x) {
  if (fabs(x) > 28) return 0;
  const t = 134217729 * x;
  const high = t - (t - x);
  const low = x - high;
  return 1.1283791670955126 * exp(-(high * high)) * exp(-(low * (high + x)));
}

const maximum = (x, y) => (x > y ? x : y > x ? y : x === y ? (signbit(x) ? y : x) : x + y);
const minimum = (x, y) => (x < y ? x : y < x ? y : x === y ? (signbit(x) ? x : y) : x + y);
const greater = (x, y) => (x > y ? 1 : x < y ? 0 : x === y ? 0.5 : x + y);

function clip(x, low, high) {
  const raised = x < low ? low : x;
  return high < raised ? high : raised;
}

function python_mod(x, y) {
  const r = x % y; // as C's fmod
  if (r === 0) return copysign(0, y);
  return y < 0 !== r < 0 ? r + y : r;
}

function python_floordiv(x, y) {
  const r = x % y;
  let q = (x - r) / y;
  if (r !== 0 && y < 0 !== r < 0) q -= 1;
  if (q === 0) return copysign(0, x / y);
  const whole = floor(q);
  return q - whole > 0.5 ? whole + 1 : whole;
}

// The only word of csrc/ops/algebra.h that is no op; ONE and ZERO are two of it.
const NUMBER = (c) => c;
const ONE = NUMBER(1);
const ZERO = NUMBER(0);
