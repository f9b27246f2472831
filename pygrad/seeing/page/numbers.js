// numbers.js: C's math for the op table, whose expressions follow this file word for word. First what
// JavaScript's Math lacks or does in another way; then the functions of csrc/ops/scalar.h, which
// tools/derive.py has turned into JavaScript.
const { acos, acosh, asin, asinh, atan, atan2, atanh, ceil, cos, cosh, exp, expm1, floor } = Math;
const { log, log10, log1p, log2, sin, sinh, sqrt, tan, tanh, trunc, abs: fabs } = Math;

// -- C's math ---------------------------------------------------------------------------------------

const isinf = (x) => fabs(x) === Infinity;
const isfinite = Number.isFinite;
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

const fmod = (x, y) => x % y;

// x as m * 2 ** exponent with 0.5 <= |m| < 1, for finite x other than 0: [m, exponent].
const bits = new DataView(new ArrayBuffer(8));
function frexp(x) {
  bits.setFloat64(0, x);
  const biased = (bits.getUint16(0) >> 4) & 0x7ff;
  const exponent = biased ? biased - 1022 : frexp(x * 2 ** 54)[1] - 54;
  return [ldexp(x, -exponent), exponent];
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

// derived: scalar.h
/* The product of an adjoint and a slope: an exact zero wins, so a branch not taken stays silent. */
function mul0(x, y) {
    let product = x * y;
    if (product !== product && (x === 0 || y === 0))
        return 0;
    return product;
}

function div0(x, y) {
    return x === 0 && y === 0 ? 0 : x / y;
}

function sigmoid(x) {
    if (x >= 0)
        return 1 / (1 + exp(-x));
    let e = exp(x);
    return e / (1 + e);
}

function softplus(x) {
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

function power_of_two(x) {
    return pow(2, x);
}

/* c * e / (1 + e)**2, with the digits that 1 + e has lost put back: the square would double the loss. */
function bell(c, e) {
    let sum = 1 + e;
    let lost = e - (sum - 1);
    let slope = (c * e) / (sum * sum);
    return slope - slope * ((2 * lost) / sum);
}

/* 1 - tanh(x)**2 has no correct digit for |x| > 19; this form keeps all of them. */
function sech2(x) {
    return bell(4, exp(-2 * fabs(x)));
}

function sigmoid_dx(x) {
    return bell(1, exp(-fabs(x)));
}

/* x ** n: whole exponents from -1 to 3 are products, which are faster than pow, and whose bits agree everywhere. */
function power(x, n) {
    if (n === 2)
        return x * x;
    if (n === -1)
        return 1 / x;
    if (n === 1)
        return x;
    if (n === 3)
        return x * x * x;
    if (n === 0)
        return 1;
    return pow(x, n);
}

/* y * x ** (y - 1). Where y - 1 rounds (y not whole, or past 2 ** 53) the power magnifies that, and where
 * x ** (y - 1) is subnormal it has lost digits; the slope is then taken from z = x ** y, in the order that
 * neither overflows nor underflows. */
function pow_dx(x, y) {
    if (y === 0)
        return 0;
    if (fabs(y) < 9007199254740992 && floor(y) === y) {
        let p = power(x, y - 1);
        if (isnormal(p) || x === 0)
            return y * p;
    }
    let z = pow(x, y);
    if (!isnormal(z) || x === 0)
        return y * power(x, y - 1);
    return fabs(y) > 1 && z > 1 ? y * (z / x) : (y * z) / x;
}

function pow_dy(x, y) {
    if (x > 0)
        return pow(x, y) * log(x);
    if (x === 0)
        return y >= 0 ? 0 : y < 0 ? -Infinity : y;
    return NaN;
}

/* Scaled by a power of two, which is exact; Python's math.hypot runs yet another sequence. */
function hypotenuse(x, y) {
    let a = fabs(x), b = fabs(y);
    if (isinf(a) || isinf(b))
        return Infinity;
    if (a !== a || b !== b)
        return NaN;
    if (a < b) {
        let t = a;
        a = b;
        b = t;
    }
    if (b === 0)
        return a;
    let exponent;
    [a, exponent] = frexp(a);
    b = ldexp(b, -exponent);
    return ldexp(sqrt(a * a + b * b), exponent);
}

function hypot_dx(x, y) {
    let h = hypotenuse(x, y);
    if (h === 0)
        return 0;
    if (isinf(h) && isfinite(x) && isfinite(y))
        return (0.25 * x) / hypotenuse(0.25 * x, 0.25 * y);
    return x / h;
}

/* y / (x*x + y*y), scaled by a power of two; 0 at the origin. */
function atan2_dx(x, y) {
    if (x === 0 && y === 0)
        return 0;
    if (!isfinite(x) || !isfinite(y))
        return (y / hypotenuse(x, y)) / hypotenuse(x, y);
    let exponent;
    [, exponent] = frexp(fabs(x) > fabs(y) ? x : y);
    let a = ldexp(x, -exponent), b = ldexp(y, -exponent);
    return ldexp(b / (a * a + b * b), -exponent);
}

function logaddexp(x, y) {
    if (x === y)
        return x + 0.6931471805599453;
    return (x > y ? x : y) + log1p(exp(-fabs(x - y)));
}

/* sigmoid(x - y), the difference split exactly into d + err (Knuth's two-sum). */
function logaddexp_dx(x, y) {
    if (x === y)
        return 0.5;
    let d = x - y;
    if (!isfinite(d))
        return sigmoid(d);
    let t = d - x;
    let err = (x - (d - t)) + (-y - t);
    let s = sigmoid(d);
    return s + (s * sigmoid(-d)) * err;
}

/* 2/sqrt(pi) exp(-x*x), the square split so that its rounding error is not magnified (Veltkamp). */
function erf_dx(x) {
    if (fabs(x) > 28)
        return 0;
    let t = 134217729 * x;
    let hi = t - (t - x);
    let lo = x - hi;
    return (1.1283791670955126 * exp(-(hi * hi))) * exp(-(lo * (hi + x)));
}

function maximum(x, y) {
    return x > y ? x : y > x ? y : x === y ? (signbit(x) ? y : x) : x + y;
}

function minimum(x, y) {
    return x < y ? x : y < x ? y : x === y ? (signbit(x) ? x : y) : x + y;
}

function greater(x, y) {
    return x > y ? 1 : x < y ? 0 : x === y ? 0.5 : x + y;
}

function clip(x, low, high) {
    let raised = x < low ? low : x;
    return high < raised ? high : raised;
}

/* Python's float % and //: the sign of the divisor, and a quotient that is a whole number. */
function python_mod(x, y) {
    let r = fmod(x, y);
    if (r === 0)
        return copysign(0, y);
    return (y < 0) !== (r < 0) ? r + y : r;
}

function python_floordiv(x, y) {
    let r = fmod(x, y);
    let q = (x - r) / y;
    if (r !== 0 && (y < 0) !== (r < 0))
        q -= 1;
    if (q === 0)
        return copysign(0, x / y);
    let whole = floor(q);
    return q - whole > 0.5 ? whole + 1 : whole;
}
// derived: end

// The only word of rules that is no op; ONE and ZERO are two of it.
const NUMBER = (c) => c;
const ONE = NUMBER(1);
const ZERO = NUMBER(0);
