/* scalar.h: the functions of ops.def's forward expressions that libm lacks, or that Python's math
 * computes by another sequence. Each is a stated sequence of IEEE operations and libm calls, repeated
 * by pygrad/reference, so that both give the same bits. Compiled with -ffp-contract=off.
 * What errors they keep to: "numerical conventions" in the README. */
#ifndef PG_SCALAR_H
#define PG_SCALAR_H

#include <float.h>
#include <math.h>

/* The product of an adjoint and a slope: an exact zero wins, so a branch not taken stays silent. */
static inline double mul0(double x, double y)
{
    double product = x * y;
    if (product != product && (x == 0.0 || y == 0.0))
        return 0.0;
    return product;
}

static inline double div0(double x, double y)
{
    return x == 0.0 && y == 0.0 ? 0.0 : x / y;
}

static inline double sigmoid(double x)
{
    if (x >= 0.0)
        return 1.0 / (1.0 + exp(-x));
    double e = exp(x);
    return e / (1.0 + e);
}

static inline double softplus(double x)
{
    return (x > 0 ? x : 0.0) + log1p(exp(-fabs(x)));
}

static inline double power_of_two(double x)
{
    const volatile double two = 2.0; /* a constant would be clang's reason to call exp2, which has other last bits */
    return pow(two, x);
}

/* c * e / (1 + e)**2, with the digits that 1 + e has lost put back: the square would double the loss. */
static inline double bell(double c, double e)
{
    double sum = 1.0 + e;
    double lost = e - (sum - 1.0);
    double slope = (c * e) / (sum * sum);
    return slope - slope * ((2.0 * lost) / sum);
}

/* 1 - tanh(x)**2 has no correct digit for |x| > 19; this form keeps all of them. */
static inline double sech2(double x)
{
    return bell(4.0, exp(-2.0 * fabs(x)));
}

static inline double sigmoid_dx(double x)
{
    return bell(1.0, exp(-fabs(x)));
}

/* x ** n: whole exponents from -1 to 3 are products, which are faster than pow, and whose bits agree everywhere. */
static inline double power(double x, double n)
{
    if (n == 2.0)
        return x * x;
    if (n == -1.0)
        return 1.0 / x;
    if (n == 1.0)
        return x;
    if (n == 3.0)
        return x * x * x;
    if (n == 0.0)
        return 1.0;
    return pow(x, n);
}

/* y * x ** (y - 1). Where y - 1 rounds (y not whole, or past 2 ** 53) the power magnifies that, and where
 * x ** (y - 1) is subnormal it has lost digits; the slope is then taken from z = x ** y, in the order that
 * neither overflows nor underflows. */
static inline double pow_dx(double x, double y)
{
    if (y == 0.0)
        return 0.0;
    if (fabs(y) < 9007199254740992.0 && floor(y) == y) {
        double p = power(x, y - 1.0);
        if (isnormal(p) || x == 0.0)
            return y * p;
    }
    double z = pow(x, y);
    if (!isnormal(z) || x == 0.0)
        return y * power(x, y - 1.0);
    return fabs(y) > 1.0 && z > 1.0 ? y * (z / x) : (y * z) / x;
}

/* x ** (y - 1), with the same care. */
static inline double pow_less(double x, double y)
{
    double p = power(x, y - 1.0);
    if (fabs(y) < 9007199254740992.0 && floor(y) == y && (isnormal(p) || x == 0.0))
        return p;
    double z = pow(x, y);
    return !isnormal(z) || x == 0.0 ? p : z / x;
}

/* y * (y - 1) * x ** (y - 2). With a tiny y the power alone may be beyond the doubles. */
static inline double pow_dxx(double x, double y)
{
    if (y == 0.0)
        return 0.0;
    double slope = pow_dx(x, y - 1.0), first = y * slope;
    if (isfinite(slope) || x == 0.0)
        return first;
    double second = (y - 1.0) * (pow_dx(x, y) / x);
    return isfinite(second) ? second : first;
}

static inline double pow_dy(double x, double y)
{
    if (x > 0.0)
        return pow(x, y) * log(x);
    if (x == 0.0)
        return y >= 0.0 ? 0.0 : y < 0.0 ? -(double)INFINITY : y;
    return (double)NAN;
}

/* Scaled by a power of two, which is exact; Python's math.hypot runs yet another sequence. */
static inline double hypotenuse(double x, double y)
{
    double a = fabs(x), b = fabs(y);
    if (isinf(a) || isinf(b))
        return (double)INFINITY;
    if (a != a || b != b)
        return (double)NAN;
    if (a < b) {
        double t = a;
        a = b;
        b = t;
    }
    if (b == 0.0)
        return a;
    int exponent;
    a = frexp(a, &exponent);
    b = ldexp(b, -exponent);
    return ldexp(sqrt(a * a + b * b), exponent);
}

static inline double hypot_dx(double x, double y)
{
    double h = hypotenuse(x, y);
    if (h == 0.0)
        return 0.0;
    if (isinf(h) && isfinite(x) && isfinite(y))
        return (0.25 * x) / hypotenuse(0.25 * x, 0.25 * y);
    return x / h;
}

/* y / (x*x + y*y), scaled by a power of two; 0 at the origin. */
static inline double atan2_dx(double x, double y)
{
    if (x == 0.0 && y == 0.0)
        return 0.0;
    if (!isfinite(x) || !isfinite(y))
        return (y / hypotenuse(x, y)) / hypotenuse(x, y);
    int exponent;
    (void)frexp(fabs(x) > fabs(y) ? x : y, &exponent);
    double a = ldexp(x, -exponent), b = ldexp(y, -exponent);
    return ldexp(b / (a * a + b * b), -exponent);
}

/* Its slope by x, -2 x y / (x*x + y*y)**2, likewise. */
static inline double atan2_dxx(double x, double y)
{
    if (x == 0.0 && y == 0.0)
        return 0.0;
    if (!isfinite(x) || !isfinite(y))
        return -2.0 * (atan2_dx(x, y) * atan2_dx(y, x));
    int exponent;
    (void)frexp(fabs(x) > fabs(y) ? x : y, &exponent);
    double a = ldexp(x, -exponent), b = ldexp(y, -exponent), square = a * a + b * b;
    return ldexp((-2.0 * (a * b)) / (square * square), -2 * exponent);
}

/* And by y, (x*x - y*y) / (x*x + y*y)**2. */
static inline double atan2_dxy(double x, double y)
{
    if (x == 0.0 && y == 0.0)
        return 0.0;
    if (!isfinite(x) || !isfinite(y))
        return (atan2_dx(y, x) - atan2_dx(x, y)) * (atan2_dx(y, x) + atan2_dx(x, y));
    int exponent;
    (void)frexp(fabs(x) > fabs(y) ? x : y, &exponent);
    double a = ldexp(x, -exponent), b = ldexp(y, -exponent);
    double square = a * a + b * b;
    return ldexp(((a - b) * (a + b)) / (square * square), -2 * exponent);
}

static inline double logaddexp(double x, double y)
{
    if (x == y)
        return x + 0.6931471805599453;
    return (x > y ? x : y) + log1p(exp(-fabs(x - y)));
}

/* sigmoid(x - y), the difference split exactly into d + err (Knuth's two-sum). */
static inline double logaddexp_dx(double x, double y)
{
    if (x == y)
        return 0.5;
    double d = x - y;
    if (!isfinite(d))
        return sigmoid(d);
    double t = d - x;
    double err = (x - (d - t)) + (-y - t);
    double s = sigmoid(d);
    return s + (s * sigmoid(-d)) * err;
}

/* 2/sqrt(pi) exp(-x*x), the square split so that its rounding error is not magnified (Veltkamp). */
static inline double erf_dx(double x)
{
    if (fabs(x) > 28.0)
        return 0.0;
    double t = 134217729.0 * x;
    double hi = t - (t - x);
    double lo = x - hi;
    return (1.1283791670955126 * exp(-(hi * hi))) * exp(-(lo * (hi + x)));
}

/* What the rounded product of x and y has lost, exactly (Dekker 1971). */
static inline double product_lost(double x, double y)
{
    double s = 134217729.0 * x, t = 134217729.0 * y;
    double a = s - (s - x), b = t - (t - y);
    double c = x - a, d = y - b;
    return ((a * b - x * y) + (a * d + c * b)) + c * d;
}

/* 1 / (3 * cbrt(x)**2). Some C libraries' cbrt is off by 3 ulp, and its square by twice that: what it misses is
 * found by its cube, scaled so that this neither overflows nor underflows. */
static inline double cbrt_dx(double x)
{
    double a = fabs(x), scale = 1.0;
    if (a == 0.0 || isinf(a))
        return 1.0 / (a * a);
    if (a < 2.409919865102884e-181) { /* 2**-600 */
        a = a * 4.149515568880993e+180;
        scale = 2.5822498780869086e+120; /* 2**400 */
    }
    if (a > 4.149515568880993e+180) {
        a = a * 2.409919865102884e-181;
        scale = 3.8725919148493183e-121;
    }
    double z = cbrt(a), square = z * z, cube = square * z;
    double lost = product_lost(z, z);
    double excess = (cube - a) + (product_lost(square, z) + lost * z);
    double slope = 0.3333333333333333 / square;
    return scale * (slope + slope * ((2.0 * excess) / (3.0 * a) - lost / square));
}

/* The logarithm of |gamma|, as libm's lgamma writes to a global. Near its zeros 1 and 2 it is a polynomial times the
 * distance from the zero; the series of Stirling serves from 8 on, the recurrence in between and near 0, and the
 * reflection below (Abramowitz and Stegun 6.1.15, 6.1.17, 6.1.40; the polynomials interpolate at Chebyshev's nodes). */

static inline double maximum(double x, double y)
{
    return x > y ? x : y > x ? y : x == y ? (signbit(x) ? y : x) : x + y;
}

static inline double minimum(double x, double y)
{
    return x < y ? x : y < x ? y : x == y ? (signbit(x) ? x : y) : x + y;
}

static inline double greater(double x, double y)
{
    return x > y ? 1.0 : x < y ? 0.0 : x == y ? 0.5 : x + y;
}

static inline double clip(double x, double low, double high)
{
    double raised = x < low ? low : x;
    return high < raised ? high : raised;
}

/* Python's float % and //: the sign of the divisor, and a quotient that is a whole number. */
static inline double python_mod(double x, double y)
{
    double r = fmod(x, y);
    if (r == 0.0)
        return copysign(0.0, y);
    return (y < 0.0) != (r < 0.0) ? r + y : r;
}

static inline double python_floordiv(double x, double y)
{
    double r = fmod(x, y);
    double q = (x - r) / y;
    if (r != 0.0 && (y < 0.0) != (r < 0.0))
        q -= 1.0;
    if (q == 0.0)
        return copysign(0.0, x / y);
    double whole = floor(q);
    return q - whole > 0.5 ? whole + 1.0 : whole;
}

#endif
