/* lanelog.h: logarithms, inverse hyperbolic functions, lengths and cube roots, by the rules of lanemath.h. */
#ifndef PG_LANELOG_H
#define PG_LANELOG_H

#include "program/lanemath.h"

/* -- logarithms ------------------------------------------------------------------------------- */

/* x = 2**k (1 + f), 1 + f from sqrt(1/2) to sqrt(2), for x > 0. */
struct lane_split { double k, f; };

LANE_INLINE struct lane_split lane_split(double x)
{
    const uint64_t root = 0x3fe6a09e667f3bcd, one = 0x3ff0000000000000;
    int tiny = x < 0x1p-1022;
    uint64_t bits = lane_to_bits(tiny ? x * 0x1p54 : x) + (one - root);
    double k = lane_from_bits((bits >> 52) | 0x4330000000000000) - (tiny ? 0x1p52 + 1077.0 : 0x1p52 + 1023.0);
    double m = lane_from_bits((bits & 0x000fffffffffffff) + root);
    return (struct lane_split){k, m - 1.0};
}

/* log(1 + f) = f - (h - g), h = f*f/2: with s = f / (2 + f) it is 2 atanh(s), a series in s*s. This is g. */
LANE_INLINE double lane_log_tail(double s, double h)
{
    double z = s * s;
    double z2 = z * z, z4 = z2 * z2;
    double p = fma(z2, 0x1.2f117c39a8137p-3, fma(z, 0x1.39a095d6668b7p-3, 0x1.746649acf0e98p-3));
    p = fma(z4, p,
            lane_cubic(z, z2, 0x1.5555555555593p-1, 0x1.999999997f9f8p-2, 0x1.249249422a3b6p-2, 0x1.c71c51d7d9ec5p-3));
    return s * fma(z, p, h);
}

/* k ln 2 + log(1 + f) + low, with s = f / (2 + f) */
LANE_INLINE double lane_log_sum(double k, double f, double s, double low)
{
    double h = 0.5 * f * f;
    double g = lane_log_tail(s, h);
    return fma(k, LANE_LN2_HI, f - (h - (g + fma(k, LANE_LN2_LO, low))));
}

/* The same without low, as a pair good to 2**-55. */
LANE_INLINE struct lane_pair lane_log_twice(double k, double f, double s)
{
    double h = 0.5 * f * f;
    double g = lane_log_tail(s, h);
    double lead = k * LANE_LN2_HI, rest = f - (h - fma(k, LANE_LN2_LO, g));
    double sum = lead + rest;
    return (struct lane_pair){sum, (lead - sum) + rest};
}

/* What every logarithm says at and beyond the ends of its domain. */
LANE_INLINE double lane_log_ends(double x, double y)
{
    double end = x == 0.0 ? -LANE_INF : x < 0.0 ? LANE_NAN : x;
    return x > 0.0 && x < LANE_INF ? y : end;
}

LANE_INLINE double lane_log(double x)
{
    struct lane_split y = lane_split(x);
    return lane_log_ends(x, lane_log_sum(y.k, y.f, y.f / (2.0 + y.f), 0.0));
}

/* Of a whole block, in two parts, as a long chain of steps leaves a processor waiting; z may be x. */
LANE_INLINE void lanes_log(const double *x, double *z, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = lanes_from(start, count);
        double k[LANES_AT_ONCE], f[LANES_AT_ONCE], s[LANES_AT_ONCE];
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const struct lane_split y = lane_split(x[start + i]);
            k[i] = y.k;
            f[i] = y.f;
            s[i] = y.f / (2.0 + y.f);
        }
        LANE_LOOP
        for (size_t i = 0; i < some; i++)
            z[start + i] = lane_log_ends(x[start + i], lane_log_sum(k[i], f[i], s[i], 0.0));
    }
}

/* k ln 2 + log(1 + x + low): what 1 + x rounds away is kept, scaled as its leading part is. */
LANE_INLINE double lane_log_beside(double k, double x, double low)
{
    double sum = 1.0 + x;
    double back = sum - 1.0;
    double lost = ((1.0 - (sum - back)) + (x - back)) + low;
    struct lane_split y = lane_split(sum);
    double part = x < 0x1p60 ? lost * lane_power_of_two(-y.k) : 0.0;
    double f = y.f + part;
    double rest = part - (f - y.f);
    return lane_log_ends(sum, lane_log_sum(k + y.k, f, f / (2.0 + f), fma(-rest, f, rest)));
}

LANE_INLINE double lane_log1p(double x)
{
    double z = lane_log_beside(0.0, x, 0.0);
    return fabs(x) < 0x1p-54 ? x : z;
}

/* log(x) = high + low, high cut to 21 bits, so that its product with 32 bits of a constant is exact. */
struct lane_log_parts { double k, high, low; };

LANE_INLINE struct lane_log_parts lane_log_parts(double x)
{
    struct lane_split y = lane_split(x);
    double h = 0.5 * y.f * y.f;
    double g = lane_log_tail(y.f / (2.0 + y.f), h);
    double high = lane_from_bits(lane_to_bits(y.f - h) & 0xffffffff00000000);
    return (struct lane_log_parts){y.k, high, ((y.f - high) - h) + g};
}

LANE_INLINE double lane_log2(double x)
{
    const double c_high = 0x1.71547652p+0, c_low = 0x1.705fc2eefa2p-33;
    struct lane_log_parts y = lane_log_parts(x);
    double lead = y.high * c_high;
    double rest = fma(y.high, c_low, y.low * (c_high + c_low));
    double sum = y.k + lead;
    return lane_log_ends(x, sum + (((y.k - sum) + lead) + rest));
}

LANE_INLINE double lane_log10(double x)
{
    const double c_high = 0x1.bcb7b152p-2, c_low = 0x1.b9438ca9aadd5p-36;
    const double log2_high = 0x1.34413509f78p-2, log2_low = 0x1.fef311f12b358p-46;
    struct lane_log_parts y = lane_log_parts(x);
    double lead = y.high * c_high;
    double rest = fma(y.k, log2_low, fma(y.high, c_low, y.low * (c_high + c_low)));
    double whole = y.k * log2_high;
    double sum = whole + lead;
    return lane_log_ends(x, sum + (((whole - sum) + lead) + rest));
}

/* log(1 + exp(x)) for x <= 0: with f = exp(x), s = f / (2 + f), it is 2 atanh(s); the digits that f = 2**n (1 + p)
 * has rounded away count as low / (1 + f), or nearly low (1 - s)**2. */
LANE_INLINE double lane_log_one_and_exp(double x)
{
    struct lane_reduced y = lane_reduce(lane_clamp(x, -746.0, 0.0));
    double less_one = lane_exp_less_one(y);
    double whole = 1.0 + less_one;
    double f = lane_scale(whole, y.n);
    double low = ((1.0 - whole) + less_one) * (y.n < -64.0 ? 0.0 : lane_power_of_two(y.n));
    double s = f / (2.0 + f);
    double z = s * s;
    double z2 = z * z, z4 = z2 * z2;
    double p = fma(z2, 0x1.5005210591aaap-3, fma(z, 0x1.200dc2fd52e51p-4, 0x1.c1011e7d92531p-4));
    p = fma(z4, p,
            lane_cubic(z, z2, 0x1.745d1d71e4b92p-3, 0x1.3b12e39a53354p-3, 0x1.11226cfdfd55bp-3, 0x1.dff3f322cbb88p-4));
    p = fma(z4, p,
            lane_cubic(z, z2, 0x1.5555555555556p-1, 0x1.9999999999656p-2, 0x1.24924924ba565p-2, 0x1.c71c71a9a771fp-3));
    return f - fma(-low, (1.0 - s) * (1.0 - s), s * fma(-z, p, f));
}

LANE_INLINE double lane_softplus(double x)
{
    return (x > 0.0 ? x : 0.0) + lane_log_one_and_exp(-fabs(x));
}

/* Within 2 ulp of the larger of |x|, |y| and the result: where the two terms cancel, digits are lost. */
LANE_INLINE double lane_logaddexp(double x, double y)
{
    double z = (x > y ? x : y) + lane_log_one_and_exp(-fabs(x - y));
    return x == y ? x + 0x1.62e42fefa39efp-1 : z;
}

/* sigmoid(x - y), the difference split exactly. */
LANE_INLINE double lane_logaddexp_dx(double x, double y)
{
    const double d = x - y, t = d - x;
    const double lost = (x - (d - t)) + (-y - t);
    const struct lane_sloped s = lane_sigmoid_and_slope(d);
    const double slope = fma(s.slope, lost, s.value);
    const double found = fabs(d) < LANE_INF ? slope : s.value;
    return x == y ? 0.5 : found;
}

/* log(a + sqrt(a*a + 1)), less 1 behind the log: a + a*a / (1 + sqrt(a*a + 1)); log(2a) far out */
LANE_INLINE double lane_asinh(double x)
{
    double a = fabs(x);
    int far = a > 0x1p60;
    double b = far ? 0.0 : a * a / (1.0 + sqrt(fma(a, a, 1.0)));
    double sum = a + b;
    double z = lane_log_beside(far ? 1.0 : 0.0, sum, (a - sum) + b);
    return copysign(a < 0x1p-54 ? a : z, x);
}

/* log(x + sqrt(x*x - 1)) = log(1 + t + b), t = x - 1, b = sqrt(v), v = 2t + t*t; near 1 b is most of it,
 * so what it lacks, (v - b*b) / 2b, is added. */
LANE_INLINE double lane_acosh(double x)
{
    int far = x > 0x1p60;
    double t = x - 1.0;
    double square = t * t;
    double v = fma(2.0, t, square);
    double b = sqrt(v);
    double left = fma(-b, b, v) + (fma(2.0, t, -v) + square);
    double b_low = b > 0.0 ? left / (2.0 * b) : 0.0;
    double sum = far ? x : b + t;
    double low = far ? 0.0 : ((b - sum) + t) + b_low;
    double z = lane_log_beside(far ? 1.0 : 0.0, sum, low);
    return x < 1.0 ? LANE_NAN : z;
}

/* log((1 + a) / (1 - a)) / 2 = log(1 + 2a + 2a*a / (1 - a)) / 2 */
LANE_INLINE double lane_atanh(double x)
{
    double a = fabs(x);
    double b = 2.0 * a * a / (1.0 - a);
    double sum = 2.0 * a + b;
    double back = sum - 2.0 * a;
    double lost = (2.0 * a - (sum - back)) + (b - back);
    double z = 0.5 * lane_log_beside(0.0, sum, lost);
    z = a < 0x1p-54 ? a : z;
    z = a < 1.0 ? z : a == 1.0 ? LANE_INF : LANE_NAN;
    return copysign(z, x);
}

/* -- lengths ---------------------------------------------------------------------------------- */

/* sqrt(x*x + y*y), the same bits as hypotenuse() in scalar.h: scaling by a power of two changes none. */
LANE_INLINE double lane_hypot(double x, double y)
{
    double a = fabs(x) > fabs(y) ? fabs(x) : fabs(y);
    double scale = a > 0x1p400 ? 0x1p-600 : a < 0x1p-400 ? 0x1p600 : 1.0;
    double back = a > 0x1p400 ? 0x1p600 : a < 0x1p-400 ? 0x1p-600 : 1.0;
    double u = x * scale, v = y * scale;
    double z = sqrt(u * u + v * v) * back;
    return fabs(x) == LANE_INF || fabs(y) == LANE_INF ? LANE_INF : z;
}

/* The slope by x, x over that, with a quarter of both where the length would overflow. */
LANE_INLINE double lane_hypot_dx(double x, double y)
{
    const double a = fabs(x) > fabs(y) ? fabs(x) : fabs(y), scale = a > 0x1p1020 ? 0.25 : 1.0;
    const double h = lane_hypot(scale * x, scale * y), slope = (scale * x) / h;
    return h == 0.0 ? 0.0 : slope;
}

/* -- the cube root ---------------------------------------------------------------------------- */

/* x = 8**n m with m from 0.35 to 2.83; a polynomial, a step of Newton's, and one that takes the cube exactly. */
LANE_INLINE double lane_cbrt(double x)
{
    double a = fabs(x);
    struct lane_split y = lane_split(a);
    double n = lane_nearest(y.k * 0x1.5555555555555p-2);
    double k = y.k - 3.0 * n, f = y.f, f2 = f * f;
    double m = (1.0 + f) * (k > 0.0 ? 2.0 : k < 0.0 ? 0.5 : 1.0);
    double root = k > 0.0 ? 0x1.428a2f98d728bp+0 : k < 0.0 ? 0x1.965fea53d6e3dp-1 : 1.0;
    double p = lane_cubic(f, f2, 0x1.fffffabc91eddp-1, 0x1.5555aea4953e5p-2, -0x1.c6fcb4d31f4d6p-4,
                          0x1.f8b22e20162e7p-5);
    double inverse = 0x1.5555555555555p-2 / m;
    double z = root *
               fma(f2 * f2, fma(f2, -0x1.3bac61f398ad9p-6, fma(f, 0x1.0ec10a9e54523p-5, -0x1.57c1ea6c70f03p-5)), p);
    z = fma(-z, fma(z * z, z, -m) * inverse, z);
    struct lane_pair square = lane_product(z, z);
    z = fma(-z, fma(square.low, z, fma(square.high, z, -m)) * inverse, z);
    return a > 0.0 && a < LANE_INF ? copysign(z * lane_power_of_two(n), x) : x;
}

#endif
