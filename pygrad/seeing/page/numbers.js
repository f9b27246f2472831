// numbers.js: C's math for the op table, whose expressions follow this file word for word. First what
// JavaScript's Math lacks or does in another way; then the functions of csrc/ops/scalar.h, gamma.h and normal.h,
// which tools/derive.py has turned into JavaScript.
const { acos, acosh, asin, asinh, atan, atan2, atanh, cbrt, ceil, cos, cosh, exp, expm1 } = Math;
const { floor, log, log10, log1p, log2, sin, sinh, sqrt, tan, tanh, trunc, abs: fabs } = Math;

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
  if (size >= 2) return copysign(1 - erfc(size), x);
  let sum = 0;
  for (let n = 40; n > 0; n--) sum = (sum + 1) * ((2 * x * x) / (2 * n + 1));
  return erf_dx(x) * (x + x * sum);
}

function erfc(x) {
  if (!(x >= 0.5)) return 1 - erf(x);
  if (x > 27.3) return 0;
  let fraction = x;
  for (let n = x < 2 ? 1500 : 60; n > 0; n--) fraction = x + n / 2 / fraction;
  return erf_dx(x) / 2 / fraction;
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
    const two = 2; /* a constant would be clang's reason to call exp2, which has other last bits */
    return pow(two, x);
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

/* x ** (y - 1), with the same care. */
function pow_less(x, y) {
    let p = power(x, y - 1);
    if (fabs(y) < 9007199254740992 && floor(y) === y && (isnormal(p) || x === 0))
        return p;
    let z = pow(x, y);
    return !isnormal(z) || x === 0 ? p : z / x;
}

/* y * (y - 1) * x ** (y - 2). With a tiny y the power alone may be beyond the doubles. */
function pow_dxx(x, y) {
    if (y === 0)
        return 0;
    let slope = pow_dx(x, y - 1), first = y * slope;
    if (isfinite(slope) || x === 0)
        return first;
    let second = (y - 1) * (pow_dx(x, y) / x);
    return isfinite(second) ? second : first;
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

/* Its slope by x, -2 x y / (x*x + y*y)**2, likewise. */
function atan2_dxx(x, y) {
    if (x === 0 && y === 0)
        return 0;
    if (!isfinite(x) || !isfinite(y))
        return -2 * (atan2_dx(x, y) * atan2_dx(y, x));
    let exponent;
    [, exponent] = frexp(fabs(x) > fabs(y) ? x : y);
    let a = ldexp(x, -exponent), b = ldexp(y, -exponent), square = a * a + b * b;
    return ldexp((-2 * (a * b)) / (square * square), -2 * exponent);
}

/* And by y, (x*x - y*y) / (x*x + y*y)**2. */
function atan2_dxy(x, y) {
    if (x === 0 && y === 0)
        return 0;
    if (!isfinite(x) || !isfinite(y))
        return (atan2_dx(y, x) - atan2_dx(x, y)) * (atan2_dx(y, x) + atan2_dx(x, y));
    let exponent;
    [, exponent] = frexp(fabs(x) > fabs(y) ? x : y);
    let a = ldexp(x, -exponent), b = ldexp(y, -exponent);
    let square = a * a + b * b;
    return ldexp(((a - b) * (a + b)) / (square * square), -2 * exponent);
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

/* What the rounded product of x and y has lost, exactly (Dekker 1971). */
function product_lost(x, y) {
    let s = 134217729 * x, t = 134217729 * y;
    let a = s - (s - x), b = t - (t - y);
    let c = x - a, d = y - b;
    return ((a * b - x * y) + (a * d + c * b)) + c * d;
}

/* 1 / (3 * cbrt(x)**2). Some C libraries' cbrt is off by 3 ulp, and its square by twice that: what it misses is
 * found by its cube, scaled so that this neither overflows nor underflows. */
function cbrt_dx(x) {
    let a = fabs(x), scale = 1;
    if (a === 0 || isinf(a))
        return 1 / (a * a);
    if (a < 2.409919865102884e-181) { /* 2**-600 */
        a = a * 4.149515568880993e+180;
        scale = 2.5822498780869086e+120; /* 2**400 */
    }
    if (a > 4.149515568880993e+180) {
        a = a * 2.409919865102884e-181;
        scale = 3.8725919148493183e-121;
    }
    let z = cbrt(a), square = z * z, cube = square * z;
    let lost = product_lost(z, z);
    let excess = (cube - a) + (product_lost(square, z) + lost * z);
    let slope = 0.3333333333333333 / square;
    return scale * (slope + slope * ((2 * excess) / (3 * a) - lost / square));
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

/* lgamma(1 + d) for d from -1/4 to 1/2 */
function lgamma_by_one(d) {
    const c = [
        -0.5772156649015329,   0.8224670334241131,    -0.4006856343865304,  0.27058080842783183,   -0.20738555102909395,
        0.1695571769891583,    -0.14404989670121374,  0.1255096701225694,   -0.11133427134128401,  0.10009943889128511,
        -0.09095377585749281,  0.0833539229301034,    -0.07693834399295793, 0.07144286096823818,   -0.06660002797561868,
        0.06224250004458276,   -0.058977697054169845, 0.05790211255423161,  -0.056518139297869995, 0.04671230819605673,
        -0.025986773971407036, 0.006837511584303814,
    ];
    let sum = 0;
    for (let i = 21; i >= 0; i--)
        sum = sum * d + c[i];
    return d * sum + 0; /* not -0 for lgamma(1) */
}

/* lgamma(2 + d) for d from -0.7 to 1/2 */
function lgamma_by_two(d) {
    const c = [
        0.42278433509846713,     0.32246703342411326,   -0.06735230105319835,    0.020580808427777368,
        -0.007385551028648573,   0.0028905103311887862, -0.0011927539126101192,  0.0005096695118652065,
        -0.0002231547441510555,  9.945771687502075e-05, -4.492632942865244e-05,  2.0505287297670718e-05,
        -9.43958800920945e-06,   4.38594243516515e-06,  -2.0341311256670248e-06, 9.172407111454028e-07,
        -4.797551028825787e-07,  2.817924786762465e-07, -2.0922794638501236e-08, -9.314310697398248e-10,
        -1.0428712512791148e-07,
    ];
    let sum = 0;
    for (let i = 20; i >= 0; i--)
        sum = sum * d + c[i];
    return d * sum;
}

/* lgamma(x) for x from 8 on */
function lgamma_by_stirling(x) {
    const c = [
        0.08333333333333333,    -0.002777777777777778, 0.0007936507936507937,
        -0.0005952380952380953, 0.0008417508417508417, -0.0019175269175269176,
        0.00641025641025641,    -0.029550653594771242, 0.17964437236883057,
    ];
    let r = 1 / x, z = r * r, sum = 0;
    for (let i = 8; i >= 0; i--)
        sum = sum * z + c[i];
    return (x - 0.5) * (log(x) - 1) + (0.4189385332046727 + r * sum);
}

/* lgamma(x) for x > 0 */
function lgamma_above_zero(x) {
    if (x >= 8)
        return lgamma_by_stirling(x);
    if (x < 0.5)
        return lgamma_by_one(x) - log(x);
    if (x < 0.75)
        return lgamma_by_two(x - 1) - log(x);
    if (x < 1.375)
        return lgamma_by_one(x - 1);
    if (x < 2.5)
        return lgamma_by_two(x - 2);
    let product = 1;
    while (x >= 2.5) {
        x -= 1;
        product *= x;
    }
    return log(product) + lgamma_by_two(x - 2);
}

function log_gamma(x) {
    if (!isfinite(x))
        return x * x;
    if (x > 0)
        return lgamma_above_zero(x);
    if (floor(x) === x)
        return Infinity;
    if (x >= -0.25)
        return lgamma_by_one(x) - log(-x);
    let part = x - rint(x);
    return log(3.141592653589793 / fabs(x * sin(3.141592653589793 * part))) - lgamma_above_zero(-x);
}

/* digamma(x) for x from 1 to 2.5 */
function digamma_by_root(x) {
    const c = [
        0.8581832171262995,     -0.3262546278681057,     0.1571201133520356,      -0.08228558635577421,
        0.04479965445346671,    -0.024890048489327913,   0.013985786157589093,    -0.007910468765597353,
        0.004491814230188876,   -0.002556686700917371,   0.0014573685124658021,   -0.0008314950930624974,
        0.000474727616562906,   -0.00027110565826077765, 0.00015459265153371102,  -8.831673837151642e-05,
        5.1398705126837106e-05, -2.9367803644173363e-05, 1.4487003402656893e-05,  -8.277907777699667e-06,
        8.507077411101826e-06,  -4.86113586531963e-06,   -1.2335673403459895e-06, 7.049012638469318e-07,
        2.0776397503965925e-06, -1.1872212713245974e-06,
    ];
    let t = x - 1.75, sum = 0;
    for (let i = 25; i >= 0; i--)
        sum = sum * t + c[i];
    return ((x - 1.4616321449683622) - 9.549995429965697e-17) * sum;
}

/* digamma(x) for x > 0 */
function digamma_above_zero(x) {
    const c = [
        0.08333333333333333,   -0.008333333333333333, 0.003968253968253968, -0.004166666666666667, 0.007575757575757576,
        -0.021092796092796094, 0.08333333333333333,   -0.4432598039215686,  3.0539543302701198,
    ];
    if (x >= 8) {
        let r = 1 / x, z = r * r, sum = 0;
        for (let i = 8; i >= 0; i--)
            sum = sum * z + c[i];
        return log(x) - (0.5 * r + z * sum);
    }
    if (x < 1)
        return digamma_by_root(1 + x) - 1 / x;
    let sum = 0;
    while (x >= 2.5) {
        x -= 1;
        sum += 1 / x;
    }
    return digamma_by_root(x) + sum;
}

function digamma(x) {
    if (x === 0)
        return copysign(Infinity, -x);
    if (!isfinite(x))
        return x < 0 ? NaN : x;
    if (x > 0)
        return digamma_above_zero(x);
    let part = x - rint(x);
    if (part === 0)
        return NaN;
    return digamma_above_zero(1 - x) - 3.141592653589793 / tan(3.141592653589793 * part);
}

/* gamma(1 + d) for d from 0 to 1 */
function gamma_by_unit(d) {
    const c = [
        0.45509229818896796,    -0.12935358979554007,    0.16111537800265782,    -0.08823514092306518,
        0.0658800758336633,     -0.042848354493856045,   0.029079087968008163,   -0.019385675690670352,
        0.01296592934174182,    -0.008652932503980443,   0.005773590041290861,   -0.003850840721538205,
        0.0025686225186555634,  -0.0017127104712047225,  0.0011371126259568285,  -0.0007581226679561294,
        0.0005285388837368686,  -0.0003523668923580547,  0.00016605321589813066, -0.00011070333461605974,
        0.00018977929146376098, -0.00012651977196833709,
    ];
    let t = d - 0.5, sum = 0;
    for (let i = 21; i >= 0; i--)
        sum = sum * t + c[i];
    return 1 + (d * (d - 1)) * sum;
}

/* (x / e) ** (x - 1/2) to the power of part; gamma(x) is that times gamma_beside(x). */
function gamma_power(x, part) {
    return pow(x / 2.718281828459045, (x - 0.5) * part);
}

/* sqrt(2 pi / e) times Stirling's series, and what the power misses since x / e is rounded */
function gamma_beside(x) {
    const c = [
        0.08333333333333334,   0.003472222222220452,    -0.002681327160196758,  -0.00022947211923071966,
        0.000784040511048158,  6.968751228139143e-05,   -0.0005913358558158259, -6.285283289074217e-05,
        0.0009356551939849346, -0.00042845871774290097, -0.0006490690282856402,
    ];
    let q = x / 2.718281828459045, r = 1 / x, sum = 0;
    for (let i = 10; i >= 0; i--)
        sum = sum * r + c[i];
    let left = (x - q * 2.718281828459045) - product_lost(q, 2.718281828459045);
    let missed = (x - 0.5) * ((left - q * 1.4456468917292502e-16) / x);
    return 1.520346901066281 + 1.520346901066281 * (r * sum + (missed - 6.077249945758854e-17));
}

/* gamma(x) for x > 0 */
function gamma_above_zero(x) {
    if (x < 1)
        return gamma_by_unit(x) / x;
    if (x < 8 || (x <= 23 && floor(x) === x)) {
        let product = 1, lost = 0;
        while (x > 2) {
            x -= 1;
            lost = lost * x + product_lost(product, x);
            product *= x;
        }
        let unit = gamma_by_unit(x - 1);
        return product * unit + lost * unit;
    }
    return x > 172 ? Infinity : gamma_power(x, 1) * gamma_beside(x);
}

/* y / gamma(x) for x from 140 on, where gamma(x) may be infinite; |y| below 1e30 */
function over_gamma(y, x) {
    if (x > 200)
        return y * 0;
    let half = gamma_power(x, 0.5);
    return (y / (half * gamma_beside(x))) / half;
}

/* pi / sin(pi x), for an x that is not whole */
function cosecant_of_pi(x) {
    let sine = sin(3.141592653589793 * (x - rint(x)));
    return 3.141592653589793 / (fmod(rint(x), 2) === 0 ? sine : -sine);
}

function gamma_function(x) {
    if (x === 0)
        return 1 / x;
    if (!isfinite(x))
        return x < 0 ? NaN : x;
    if (x > 0)
        return gamma_above_zero(x);
    if (floor(x) === x)
        return NaN;
    if (x > -1)
        return cosecant_of_pi(x) / gamma_by_unit(-x);
    if (x > -140)
        return cosecant_of_pi(x) / (-x * gamma_above_zero(-x));
    return over_gamma(cosecant_of_pi(x) / -x, -x);
}

/* gamma(x) * digamma(x), also where gamma(x) is less than the smallest number: by a pole far below 0. */
function gamma_dx(x) {
    if (x < -140 && isfinite(x) && floor(x) !== x)
        return over_gamma((cosecant_of_pi(x) / -x) * digamma(x), -x);
    return gamma_function(x) * digamma(x);
}

/* What x + y has lost in rounding, exactly (Knuth). */
function sum_lost(x, y) {
    let sum = x + y, part = sum - x;
    return (x - (sum - part)) + (y - part);
}

/* (x + low) ** -n for a whole n > 0, by products and what they lose; where n is that large, by power(). */
function whole_power_below(x, low, n) {
    if (n > 1024)
        return power(x, -n);
    let product = 1, lost = 0;
    while (n > 0) {
        if (fmod(n, 2) === 1) {
            lost = (lost * x + product * low) + product_lost(product, x);
            product *= x;
        }
        low = 2 * (x * low) + product_lost(x, x);
        x *= x;
        n = floor(0.5 * n);
    }
    let over = 1 / product;
    let missed = ((1 - over * product) - product_lost(over, product)) - lost * over;
    return product > 1e-290 && product < 1e290 ? over + over * missed : over;
}

/* times + times_low times Hurwitz's zeta(s, a), the sum of (a + k)**-s over k from 0 on, for a > 0 and a whole s > 1, with a + k
 * in units of a power of two: some terms, the smallest first, and before them the rest by Euler and Maclaurin (Johansson,
 * Numerical Algorithms 69, 2015). */
function hurwitz_zeta(times, times_low, s, a, unit) {
    const c = [
        0.08333333333333333,   -0.001388888888888889,  3.306878306878307e-05,  -8.267195767195768e-07,
        2.08767569878681e-08,  -5.284190138687493e-10, 1.3382536530684679e-11, -3.3896802963225827e-13,
        8.586062056277845e-15, -2.174868698558062e-16, 5.5090028283602295e-18, -1.3954464685812522e-19,
        3.534707039629467e-21, -8.953517427037546e-23,
    ];
    let z = a, terms = 0;
    while (z < 5 + s && terms < 1e3) {
        terms += 1;
        z = a + terms;
    }
    let r = 1 / z, square = r * r, rest = 0.5, term = s * r;
    for (let i = 0; i < 14; i++) {
        rest += c[i] * term;
        term *= ((s + (2 * i + 1)) * (s + (2 * i + 2))) * square;
    }
    let under = s - 1, whole = 1 / under, part = r * (rest - sum_lost(a, terms)), factor = whole + part;
    let missed = ((1 - whole * under) - product_lost(whole, under)) / under + sum_lost(whole, part);
    factor *= unit;
    missed *= unit;
    let first = power(z / unit, 1 - s), sum = first * factor;
    let low = first > 1e-290 ? product_lost(first, factor) + first * missed : 0;
    let more = terms;
    while (more > 0) {
        more -= 1;
        let next = whole_power_below((a + more) / unit, sum_lost(a, more) / unit, s);
        low += sum_lost(next, sum);
        sum += next;
    }
    let product = times * sum, size = fabs(product);
    return size > 1e-290 && size < 1e290 && fabs(times) < 1e290
               ? product + (product_lost(times, sum) + (times * low + times_low * sum))
               : product;
}

/* The slope of digamma, the sum of (x + k)**-2 over k from 0 on, for x > 0: terms as far as x + k is less than 3, the smallest
 * first, before them the rest by a polynomial in the place of the asymptotic series. */
function trigamma_above_zero(x) {
    const c = [
        0.16666666666666663,  -0.033333333333160034, 0.023809523706389883, -0.03333330880144696, 0.07575447786930659,
        -0.25287399814659733, 1.1542975037487164,    -6.639068782706134,   42.586552301671425,   -262.6816398079848,
        1355.617460055766,    -5159.302656872705,    12453.77249775757,    -14074.060850362162,
    ];
    let terms = 0;
    while (x + terms < 3)
        terms++;
    let r = 1 / (x + terms), square = r * r, sum = 0;
    for (let i = 13; i >= 0; i--)
        sum = sum * square + c[i];
    sum = r + square * (0.5 + r * sum);
    for (let k = terms - 1; k > 0; k--)
        sum += 1 / ((x + k) * (x + k));
    return terms === 0 ? sum : sum + (1 / x) / x;
}

/* The same for all x: below 0 it is the sum over all whole k, less that over those below 0. The former has a pole at the
 * whole number next to x; what is left of it is a polynomial in the square of the distance. Poles below 0
 * are nan, as digamma is there. */
function trigamma(x) {
    const c = [
        3.289868133696453,  6.493939402266984,  10.17343061979196,  14.057082993798039,
        18.017901859902814, 22.00543471040072,  26.001017266930415, 30.011401002514283,
        33.85228692419477,  39.444258820260046, 31.732095107417287, 98.87654816408536,
        -143.5305103572228, 537.2241184844659,  -697.9828502895857, 661.1989148278246,
    ];
    if (x > 0)
        return trigamma_above_zero(x);
    if (x < 0 && floor(x) === x)
        return NaN;
    let part = x - rint(x), square = part * part, sum = 0;
    for (let i = 15; i >= 0; i--)
        sum = sum * square + c[i];
    return (1 / part) / part + (sum - trigamma_above_zero(1 - x));
}

/* sign * n! zeta(n + 1, x) for a whole n > 1 and x > 0. In a unit of about x powers are in range where the result is; n! is a sum
 * of two numbers, divided by a power of two once it is large. Orders over 1000 are nan. */
function polygamma_above_zero(sign, n, x) {
    let factorial = sign, lost = 0;
    let exponent;
    if (n > 1000)
        return NaN;
    if (x > 1e200) /* which makes the result less than the smallest number */
        return sign * 0;
    [, exponent] = frexp(1.4 * x); /* x is from 0.7 to 1.4 units */
    exponent -= 1;
    let unit = ldexp(1, exponent);
    let scale = -2 * exponent;
    for (let k = 2; k <= n; k += 1) {
        scale -= exponent;
        lost = lost * k + product_lost(factorial, k);
        factorial *= k;
        if (fabs(factorial) > 1e80) {
            factorial = ldexp(factorial, -256);
            lost = ldexp(lost, -256);
            scale += 256;
        }
    }
    return ldexp(hurwitz_zeta(factorial, lost, n + 1, x, unit), scale);
}

/* The n-th derivative of digamma, for a whole n > 0: n! times the sum of (x + k)**-(n + 1) over k from 0 on, with a
 * sign. Below 0 that sum is one over all whole k, less those below 0, all of them about the whole number next to x. */
function polygamma(n, x) {
    let s = n + 1, odd = fmod(n, 2), factorial = odd === 1 ? 1 : -1;
    if (n === 1)
        return trigamma(x);
    if (!(n >= 1) || (x < 0 && floor(x) === x))
        return NaN;
    if (x === Infinity)
        return odd === 1 ? 0 : -0;
    if (x > 0)
        return polygamma_above_zero(factorial, n, x);
    for (let k = 2; k <= n && k < 180; k += 1)
        factorial *= k;
    let part = x - rint(x);
    let others = hurwitz_zeta(1, 0, s, 1 - part, 1) - hurwitz_zeta(1, 0, s, 1 - x, 1);
    let near = hurwitz_zeta(1, 0, s, 1 + part, 1) + (odd === 1 ? others : -others);
    return factorial * (power(part, -s) + near);
}

/* A cubic in q, given its square. */
function cubic(q, q2, a, b, c, d) {
    return (a + q * b) + q2 * (c + q * d);
}

/* exp(c * x*x) for c = -1/2 or 1, the square split so that its rounding error is not magnified (Veltkamp). */
function exp_of_square(c, x) {
    let a = fabs(x) > 40 ? 40 : fabs(x);
    let t = 134217729 * a;
    let high = t - (t - a);
    let low = a - high;
    return exp(c * (high * high)) * exp(c * (low * (high + a)));
}

/* 2a / (a + k), which is 0 at 0 and 2 at infinity */
function nearness(a, k) {
    let b = a > 1e20 ? 1e20 : a;
    return (2 * b) / (b + k);
}

/* (1 + 2a) erfcx(a) - 1 for an a >= 0, given p = nearness(a, 4) */
function tail_value(p) {
    let q = p - 1, q2 = q * q, q4 = q2 * q2;
    let sum = cubic(q, q2, -1.3719231641787535e-08, 1.1744062379320159e-09, 1.0792871618779656e-09,
                       -1.1374633932967917e-10);
    sum = q4 * sum +
          cubic(q, q2, -7.84358578868263e-07, -3.744348661304143e-08, 1.1126408645222555e-07, -4.42965718477968e-09);
    sum = q4 * sum +
          cubic(q, q2, -8.547204461388966e-06, -1.5850913480690984e-05, 4.627404675296087e-06, 1.0798348983971697e-06);
    sum = q4 * sum +
          cubic(q, q2, 0.005431316917049317, -0.0003993468845006219, -0.0003584266390692838, 0.00015916963494743566);
    sum = q4 * sum + cubic(q, q2, 0.2188597672780038, -0.12512693227935207, 0.05879656646232313, -0.02162905093047994);
    sum = q4 * sum + cubic(q, q2, 0.23299511862555253, -0.372616235466115, 0.3879958875687291, -0.3198988333140429);
    return p * sum;
}

/* (1 + above) / (1 + below), with what the sums lose put back */
function ratio_of_sums(above, below) {
    let bar = 1 + below, over = 1 / bar, value = 1 + above;
    let z = value / bar;
    let lost = ((above - (value - 1)) - z * (below - (bar - 1))) * over;
    return below < 1e18 ? z + lost : z;
}

/* (1 + 2a)**2 (1 - sqrt(pi) a erfcx(a)), likewise: the slope of erfcx but for a factor */
function tail_slope(p) {
    let q = p - 1, q2 = q * q, q4 = q2 * q2;
    let sum = cubic(q, q2, -6.576281289075146e-09, -7.31892151665581e-09, 5.222072176459398e-10,
                       5.981185328195735e-10);
    sum = q4 * sum +
          cubic(q, q2, -2.0110452870009863e-07, -3.279332264941388e-07, 4.488422166511125e-08, 5.285766526863688e-08);
    sum = q4 * sum +
          cubic(q, q2, 1.0328814446692927e-05, -1.271083787338462e-05, 1.7310406868297132e-07, 2.0320996826242784e-06);
    sum = q4 * sum +
          cubic(q, q2, 0.0016617440568588151, -0.0002170567530562692, -0.0001689877869621018, 7.162737993462628e-05);
    sum = q4 * sum +
          cubic(q, q2, -0.11439709292691301, 0.04042079156913282, -0.006139242120282283, -0.0023777289799894294);
    sum = q4 * sum + cubic(q, q2, 0.1855962451647344, 0.16776454301125407, -0.2694761975871314, 0.21357598913441475);
    sum = q4 * sum + cubic(q, q2, 1.3246299383996927, -1.6337031119321852, 1.3558294022503528, -0.7630702419894345);
    return 1 + p * sum;
}

/* exp(x*x) erfc(x) for an x >= 0, and for any */
function scaled_erfc_above_zero(a) {
    return ratio_of_sums(tail_value(nearness(a, 4)), 2 * a);
}

function scaled_erfc(x) {
    let a = fabs(x), z = scaled_erfc_above_zero(a);
    return x < 0 ? 2 * exp_of_square(1, a) - z : z;
}

/* Its slope 2 x erfcx(x) - 2 / sqrt(pi), whose terms cancel for x > 0. */
function scaled_erfc_dx(x) {
    let a = fabs(x), below = 1 + 2 * a, lost = below < 1e18 ? 2 * a - (below - 1) : 0;
    let z = ((1.1283791670955126 * tail_slope(nearness(a, 4))) / below) / below;
    z = z - z * ((2 * lost) / below);
    return x < 0 ? 2 * (x * scaled_erfc(x)) - 1.1283791670955126 : -z;
}

/* The n-th derivative of erfcx for a whole n > 1, which is (-2)**n n! exp(x*x) times the n-th integral of erfc (Abramowitz and
 * Stegun 7.2.9). The recurrence loses digits for large x, where the ratios of neighbours are a continued fraction. */
function scaled_erfc_more(n, x) {
    if (!(n >= 2 && n <= 1000))
        return NaN;
    let last = scaled_erfc_dx(x);
    if (x < 0.8) {
        let before = scaled_erfc(x);
        for (let k = 2; k <= n; k += 1) {
            let next = 2 * (x * last + (k - 1) * before);
            before = last;
            last = next;
        }
        return last;
    }
    let k = floor(n + 20 + 140 / (x * x));
    let ratio = 2 * k / (x + sqrt(x * x + 2 * k));
    for (let i = k; i > 1; i -= 1) {
        ratio = (2 * i) / (2 * x + ratio);
        if (i <= n)
            last *= -ratio;
    }
    return last;
}

/* erfcx(|x| / sqrt(2)) */
function scaled_tail(x) {
    let a = fabs(x);
    return ratio_of_sums(tail_value(nearness(a, 5.656854249492381)), 1.4142135623730951 * a);
}

/* The distribution function. */
function normal_below(x) {
    let z = (0.5 * scaled_tail(x)) * exp_of_square(-0.5, x);
    return x > 0 ? 1 - z : z;
}

/* Its density. */
function normal_density(x) {
    return 0.3989422804014327 * exp_of_square(-0.5, x);
}

/* The logarithm of the distribution function. */
function log_normal_below(x) {
    let tail = 0.5 * scaled_tail(x);
    let z = log1p(-(tail * exp_of_square(-0.5, x)));
    return x > 0 ? z : log(tail) - 0.5 * (x * x);
}

/* The slope of that: the density over the distribution function, which Mills' ratio is for -x. */
function log_normal_dx(x) {
    let tail = scaled_tail(x), e = exp_of_square(-0.5, x);
    let above_zero = (0.3989422804014327 * e) / (1 - (0.5 * tail) * e);
    return x > 0 ? above_zero : 0.7978845608028654 / tail;
}

/* Its second derivative, -m (x + m) with m the first one; for x < 0 what remains of x + m is known without taking it. */
function log_normal_dxx(x) {
    let p = nearness(fabs(x), 5.656854249492381), value = 1 + tail_value(p);
    let m = log_normal_dx(x), b = x > 40 ? 40 : x;
    let below_zero = 0.6366197723675814 * tail_slope(p) / (value * value);
    return x > 0 ? -(m * (b + m)) : -below_zero;
}

/* Its third derivative, m ((x + m)**2 - 1 + m (x + m)): the third cumulant of a normal number that is known to be above -x. */
function log_normal_dxxx(x) {
    let u = x > 0.75 ? 0 : 0.75 - x, below = 1 + u;
    let p = nearness(u, 2.5), q = p - 1, q2 = q * q, q4 = q2 * q2;
    let sum = cubic(q, q2, 0.00015347867298147588, 8.011000120562618e-06, -1.4278071955972096e-05,
                       -2.093244701926139e-06);
    sum = q4 * sum +
          cubic(q, q2, 0.0022371592494145522, -0.0006489395581427633, -0.0007559329714682378, 6.250665118622106e-05);
    sum = q4 * sum +
          cubic(q, q2, 0.005571817204349366, -0.008011917317878018, -0.004355890938561965, 0.0028279047729356122);
    sum = q4 * sum +
          cubic(q, q2, -0.008000141087196768, -0.0326404733485937, -0.003224508730068116, 0.017362633362920578);
    sum = q4 * sum +
          cubic(q, q2, -0.13439865563434256, -0.08750856439691648, 0.043368842629394014, 0.057186293607740614);
    sum = q4 * sum + cubic(q, q2, -0.534682064704639, 0.03689161546692573, 0.30976380365574746, 0.0873410567500962);
    sum = q4 * sum + cubic(q, q2, -0.38547356855640097, 1.0692452471432292, 0.6474885995008361, -0.40820705277242947);
    sum = q4 * sum + cubic(q, q2, 1.7681944030802197, 2.4009351847904403, -0.44805982869604727, -1.8560506608722467);
    sum = q4 * sum + cubic(q, q2, 3.9940058994190215, 1.6425193157115827, -3.144243889101922, -2.3454674311903374);
    sum = q4 * sum + cubic(q, q2, 2.7199194899754926, 0.021857691869101428, -3.8906251975601154, -0.6790007042418519);
    let low = (0.28886167696416104 + p * sum) / below / below / below;
    let m = log_normal_dx(x), b = x > 40 ? 40 : x;
    return x > 0.75 ? m * ((b * b - 1) + m * (3 * b + 2 * m)) : low;
}

/* Where the distribution function is x, by Wichura's rational functions (Applied Statistics 37, 1988, algorithm AS 241), less what is linear in them, less what is linear in them: near
 * the middle, with q = x - 1/2 ... */
function quantile_in_the_middle(q) {
    let r = 0.180625 - q * q;
    let r2 = r * r, r4 = r2 * r2;
    let above = cubic(r, r2, 0.5121328727963667, 11.490842124681757, -4.071696233115044, -1776.6197960866982) +
                   r4 * cubic(r, r2, -15067.704685511591, -45744.42949825784, -49165.54590661246, -12517.092997971835);
    let below = cubic(r, r2, 1, 42.31333070160091, 687.1870074920579, 5394.196021424751) +
                   r4 * cubic(r, r2, 21213.794301586597, 39307.89580009271, 28729.085735721943, 5226.495278852854);
    return q * (2.875 + above / below);
}

/* ... and -x of a small s, that of 1 - s. */
function quantile_in_the_tail(s) {
    let root = sqrt(-log(s)), r = root - 1.6, t = root - 5;
    let r2 = r * r, r4 = r2 * r2, t2 = t * t, t4 = t2 * t2;
    let above = cubic(r, r2, 0.04316367324968358, 0.24461416931102936, 0.2695716221353133, 0.09443753723390318) +
                   r4 * (cubic(r, r2, -0.004317583069042012, -0.009019093049386634, -0.0016166337788165502,
                               -7.518940645985349e-05) +
                         r4 * -1.6305096326591586e-09);
    let below = cubic(r, r2, 1, 2.053191626637759, 1.6763848301838038, 0.6897673349851) +
                   r4 * cubic(r, r2, 0.14810397642748008, 0.015198666563616457, 0.0005475938084995345,
                              1.0507500716444169e-09);
    let far_above = cubic(t, t2, -0.0002984814988962228, 0.04224586399805581, 0.016718518319712345,
                             0.0020178968382126654) +
                       t4 * (cubic(t, t2, 5.499036312457025e-05, -3.710783688798625e-06, -1.9143700672249945e-07,
                                   -1.9206938633983625e-09) +
                             t4 * -2.9186647042539963e-15);
    let far_below = cubic(t, t2, 1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615) +
                       t4 * cubic(t, t2, 0.0007868691311456133, 1.8463183175100548e-05, 1.421511758316446e-07,
                                  2.0442631033899397e-15);
    let z = root > 5 ? (1.427734375 * root - 0.48046875) + far_above / far_below
                          : (1.5517578125 * root - 1.1025390625) + above / below;
    return s === 0 ? Infinity : z;
}

function normal_quantile(x) {
    let q = x - 0.5, tail = quantile_in_the_tail(x < 0.5 ? x : 1 - x);
    return fabs(q) <= 0.425 ? quantile_in_the_middle(q) : x < 0.5 ? -tail : tail;
}

/* The slope: one over the density there, which is what lies beyond over Mills' ratio. */
function normal_quantile_dx(x) {
    let s = x < 0.5 ? x : 1 - x;
    let z = (1.2533141373155003 * scaled_tail(normal_quantile(x))) / s;
    return s === 0 ? Infinity : z;
}

/* Where erf is x. */
function inverse_erf(x) {
    let a = fabs(x), tail = copysign(quantile_in_the_tail(0.5 * (1 - a)), x);
    return 0.7071067811865476 * (a <= 0.85 ? quantile_in_the_middle(0.5 * x) : tail);
}

/* Its slope, sqrt(pi)/2 exp(z*z), likewise. */
function inverse_erf_dx(x) {
    let s = 1 - fabs(x);
    let z = (0.886226925452758 * scaled_erfc_above_zero(fabs(inverse_erf(x)))) / s;
    return s === 0 ? Infinity : z;
}

/* x log(y), and x log(1 + y), 0 where x is 0 and the logarithm is of anything. */
function x_log_y(x, y) {
    return x === 0 && y === y ? 0 : x * log(y);
}

function x_log1p_y(x, y) {
    return x === 0 && y === y ? 0 : x * log1p(y);
}
// derived: end

// The only word of rules that is no op; ONE and ZERO are two of it.
const NUMBER = (c) => c;
const ONE = NUMBER(1);
const ZERO = NUMBER(0);
