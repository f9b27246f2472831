/* lanemath.h: elementary functions written so that a compiler can run one lane per row. Each is a
 * straight line of additions, products, quotients, square roots, selections and operations on bits:
 * no table, no branch, no conversion to an integer, no fused multiply-add. So a loop over lanes
 * vectorises, and every build gives the same bits: SSE2, AVX2, AVX-512, or one row at a time (only which nan a nan
 * is may differ). Each is within 2 ulp of the true value, logaddexp apart where its terms cancel, with C99's values
 * at +-0, inf, nan: see tests/ops/test_lane_functions.py.
 *
 * Compile with -O3 -ffp-contract=off -fno-trapping-math -fno-math-errno. Without contraction products stay
 * rounded on their own; the last two change no bit, but without them selections stay branches and sqrt stays a call.
 *
 * Methods: range reduction after Cody and Waite, Software Manual for the Elementary Functions (1980);
 * error-free sums and products after Dekker (1971) and Knuth; the rest as in Muller, Elementary
 * Functions (2016). Polynomials are minimax fits by Remez's exchange. */
#ifndef PG_LANEMATH_H
#define PG_LANEMATH_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __GNUC__
#define LANE_INLINE static inline __attribute__((always_inline)) /* so that each takes its caller's target */
#else
#define LANE_INLINE static inline
#endif

/* Rows are independent even where a result takes the place of an operand. */
#if defined __clang__
#define LANE_LOOP _Pragma("clang loop vectorize(assume_safety)")
#elif defined __GNUC__
#define LANE_LOOP _Pragma("GCC ivdep")
#else
#define LANE_LOOP
#endif

/* -- bits and exact steps --------------------------------------------------------------------- */

#define LANE_INF ((double)INFINITY)
#define LANE_NAN ((double)NAN)
#define LANE_SHIFTER 0x1.8p52 /* adding it leaves a whole number in the low bits of the sum */

#define LANE_LOG2E 0x1.71547652b82fep+0
#define LANE_LN2_HI 0x1.62e42fefa38p-1 /* 42 bits: a product with an exponent is exact */
#define LANE_LN2_LO 0x1.ef35793c7673p-45

LANE_INLINE uint64_t lane_to_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

LANE_INLINE double lane_from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The nearest whole number, for |x| < 2**51. */
LANE_INLINE double lane_nearest(double x)
{
    return (x + LANE_SHIFTER) - LANE_SHIFTER;
}

/* 2**k for a whole k from -1022 to 1023. */
LANE_INLINE double lane_power_of_two(double k)
{
    return lane_from_bits((lane_to_bits(k + LANE_SHIFTER) + 1023) << 52);
}

/* y * 2**k for |y| < 2**500 and a whole |k| < 1500: two steps, of which only the last can round. */
LANE_INLINE double lane_scale(double y, double k)
{
    double step = k > 0.0 ? 512.0 : -512.0;
    double last = k > 0.0 ? 0x1p512 : 0x1p-512;
    return (y * lane_power_of_two(k - step)) * last;
}

/* A cubic by Estrin's scheme: chains of dependent steps are what bounds the longer functions. */
LANE_INLINE double lane_cubic(double t, double t2, double a, double b, double c, double d)
{
    return (a + t * b) + t2 * (c + t * d);
}

/* x within the bounds; nan stays. */
LANE_INLINE double lane_clamp(double x, double low, double high)
{
    double raised = x < low ? low : x;
    return raised > high ? high : raised;
}

/* a + b + c for |a| >= |b| or a = 0: the sum of the first two loses nothing. */
LANE_INLINE double lane_sum(double a, double b, double c)
{
    double sum = a + b;
    return sum + (((a - sum) + b) + c);
}

/* A number in two parts, the first of 26 bits, so that products of first parts are exact. */
struct lane_pair { double high, low; };

/* high + low, where low is the smaller and at most some 2**-20 of high */
LANE_INLINE struct lane_pair lane_pair(double high, double low)
{
    double cut = lane_from_bits(lane_to_bits(high + low) & 0xfffffffff8000000);
    return (struct lane_pair){cut, (high - cut) + low};
}

/* The product as an exact leading part and the rest, good to 2**-76; not itself a pair yet. */
LANE_INLINE struct lane_pair lane_times(struct lane_pair a, struct lane_pair b)
{
    return (struct lane_pair){a.high * b.high, a.high * b.low + a.low * (b.high + b.low)};
}

/* -- exponentials ----------------------------------------------------------------------------- */

/* x = n ln 2 + r + low, |r| < 0.3466, the sum r + low good to 2**-100; n also as the low bits of a word. */
struct lane_reduced { double n, r, low; uint64_t bits; };

LANE_INLINE struct lane_reduced lane_reduce(double x)
{
    double shifted = x * LANE_LOG2E + LANE_SHIFTER;
    double n = shifted - LANE_SHIFTER;
    double high = x - n * LANE_LN2_HI;
    double rest = n * LANE_LN2_LO;
    double r = high - rest;
    return (struct lane_reduced){n, r, (high - r) - rest, lane_to_bits(shifted)};
}

/* (exp(r) - 1 - r) / r**2 for |r| < 0.3467 */
LANE_INLINE double lane_exp_tail(double r)
{
    double r2 = r * r, r4 = r2 * r2;
    double p = (0x1.27e4bf2b99868p-22 + r * 0x1.af6cdcfc02bbfp-26) + r2 * 0x1.1f9df320d9bcbp-29;
    p = lane_cubic(r, r2, 0x1.6c16c16c13573p-10, 0x1.a01a01b3bebfcp-13, 0x1.a01a01b459a37p-16, 0x1.71ddef8aa6268p-19) + r4 * p;
    p = lane_cubic(r, r2, 0x1p-1, 0x1.555555555555cp-3, 0x1.555555555555ep-5, 0x1.111111110eba9p-7) + r4 * p;
    return p;
}

/* exp(r) - 1 for a reduced r */
LANE_INLINE double lane_exp_less_one(struct lane_reduced x)
{
    return x.r + (x.r * x.r * lane_exp_tail(x.r) + x.low);
}

LANE_INLINE double lane_exp(double x)
{
    struct lane_reduced y = lane_reduce(lane_clamp(x, -746.0, 711.0));
    return lane_scale(1.0 + lane_exp_less_one(y), y.n);
}

/* exp(x) - 1 = 2**n (p + (1 - 2**-n)) with p = exp(r) - 1 */
LANE_INLINE double lane_expm1(double x)
{
    struct lane_reduced y = lane_reduce(lane_clamp(x, -45.0, 711.0));
    double s = y.n > 64.0 ? 0.0 : lane_power_of_two(-y.n);
    double p = lane_exp_less_one(y);
    return copysign(lane_scale(p + (1.0 - s), y.n), x);
}

/* Muller's reduction for 2**x is exact: r = x - n, then exp(r ln 2). */
LANE_INLINE double lane_exp2(double x)
{
    double y = lane_clamp(x, -1076.0, 1025.0);
    double n = lane_nearest(y);
    double r = y - n;
    double r2 = r * r, r4 = r2 * r2;
    double p = 0x1.e61c7c15fb603p-28 + r * 0x1.ea134dae4e03cp-32;
    p = lane_cubic(r, r2, 0x1.4309130f1e68dp-13, 0x1.ffcbfc79846d8p-17, 0x1.62bfc6eda8763p-20, 0x1.b524d22746e1ap-24) + r4 * p;
    p = lane_cubic(r, r2, 0x1.ebfbdff82c5a5p-3, 0x1.c6b08d704a0cfp-5, 0x1.3b2ab6fb9ffcap-7, 0x1.5d87fe78a1bc4p-10) + r4 * p;
    return lane_scale(1.0 + r * (0x1.62e42fefa39efp-1 + r * p), n);
}

/* tanh(x) and its slope 1 - tanh(x)**2, which gradients want together. With exp(2|x|) = 2**n (1 + p), s = 2**-n and
 * r = 1 / (1 + p + s) they are (1 + p - s) r, from n = 3 on 1 - 2sr, which has no digit to lose, and 4sr (1 - sr).
 * What the sums above and below the bar have rounded away is put back to first order. */
struct lane_tanh { double value, slope; };

LANE_INLINE struct lane_tanh lane_tanh_and_slope(double x)
{
    double a = fabs(x);
    struct lane_reduced y = lane_reduce(2.0 * (a > 376.0 ? 376.0 : a));
    double s = y.n > 64.0 ? 0x1p-64 : lane_from_bits((1023 - y.bits) << 52);
    double tail = y.r * y.r * lane_exp_tail(y.r) + y.low;
    double p = y.r + tail;
    double p_left = (y.r - p) + tail;
    double less = 1.0 - s, more = 1.0 + s;
    double above = less + p, below = more + p;
    double above_left = ((less - above) + p) + p_left;
    double below_left = ((more - below) + p) + (p_left + (s - (more - 1.0)));
    double r = 1.0 / below;
    double q = above * r, lost = below_left * r, sr = s * r;
    double t = y.n > 2.0 ? 1.0 - 2.0 * sr : q + (above_left * r - q * lost);
    double slope = r - r * (sr + lost * t);
    int deep = y.n > 900.0; /* the slope is scaled in two steps, of which only the last can round */
    double up = deep ? 0x1p200 : 1.0, down = deep ? 0x1p-200 : 1.0;
    double scaled = lane_from_bits(lane_to_bits(slope * up) - ((y.bits - 2) << 52)) * down;
    return (struct lane_tanh){copysign(t, x), x == x ? scaled : x};
}

LANE_INLINE double lane_tanh(double x)
{
    return lane_tanh_and_slope(x).value;
}

LANE_INLINE double lane_sech2(double x)
{
    return lane_tanh_and_slope(x).slope;
}

/* 1 / (1 + exp(-x)); where exp(-x) = 2**n (1 + p) is above 1, above and below the bar divided by 2**n */
LANE_INLINE double lane_sigmoid(double x)
{
    struct lane_reduced y = lane_reduce(lane_clamp(-x, -60.0, 746.0));
    double s = fabs(y.n) > 64.0 ? 0.0 : lane_power_of_two(-fabs(y.n));
    double p = lane_exp_less_one(y);
    double whole = 1.0 + s;
    double below = whole + ((s - (whole - 1.0)) + (y.n > 0.0 ? p : s * p));
    return lane_scale(1.0 / below, y.n > 0.0 ? -y.n : 0.0);
}

/* x = n ln 2 + r, and what cosh(x) and sinh(x) are sums of: s = 2**-n, cosh(r) = 1 + even, sinh(r) = r + odd. */
struct lane_hyperbolic { double n, s, r, even, odd; };

LANE_INLINE struct lane_hyperbolic lane_hyperbolic(double x)
{
    struct lane_reduced y = lane_reduce(x);
    double z = y.r * y.r;
    double z2 = z * z, z4 = z2 * z2;
    double odd = lane_cubic(z, z2, 0x1.5555555555555p-3, 0x1.111111111078bp-7, 0x1.a01a01a9eb71bp-13, 0x1.71de0617106a3p-19) + z4 * 0x1.af487c277309cp-26;
    double even = 0x1.27e4cc099e01dp-22 + z * 0x1.1f8bedfa8460ap-29;
    even = lane_cubic(z, z2, 0x1p-1, 0x1.5555555555558p-5, 0x1.6c16c16c14ffap-10, 0x1.a01a01ad80d39p-16) + z4 * even;
    double s = y.n > 64.0 ? 0.0 : lane_power_of_two(-y.n);
    return (struct lane_hyperbolic){y.n, s, y.r, z * even, y.r * (z * odd) + y.low};
}

/* 2**(n-1) ((1 - t)(1 + even) + (1 + t)(r + odd)), t = 2**-2n */
LANE_INLINE double lane_sinh(double x)
{
    struct lane_hyperbolic y = lane_hyperbolic(lane_clamp(fabs(x), 0.0, 712.0));
    double t = y.s * y.s;
    double sum = lane_sum(1.0 - t, y.r, (1.0 - t) * y.even + (t * y.r + (1.0 + t) * y.odd));
    return copysign(lane_scale(sum, y.n - 1.0), x);
}

/* 2**(n-1) ((1 + t)(1 + even) + (1 - t)(r + odd)) */
LANE_INLINE double lane_cosh(double x)
{
    struct lane_hyperbolic y = lane_hyperbolic(lane_clamp(fabs(x), 0.0, 712.0));
    double t = y.s * y.s;
    double sum = lane_sum(1.0 + t, y.r, (1.0 + t) * y.even - (t * y.r - (1.0 - t) * y.odd));
    return lane_scale(sum, y.n - 1.0);
}

/* sigmoid(x) * sigmoid(-x) = 1 / (2 + 2 cosh x): no digit is lost, near 0 or in the tail. */
LANE_INLINE double lane_sigmoid_dx(double x)
{
    struct lane_hyperbolic y = lane_hyperbolic(lane_clamp(fabs(x), 0.0, 750.0));
    double t = y.s * y.s;
    double two = 2.0 * y.s + t;
    double whole = 1.0 + two;
    double rest = (two - (whole - 1.0)) + ((1.0 + t) * y.even - (t * y.r - (1.0 - t) * y.odd));
    return lane_scale(1.0 / lane_sum(whole, y.r, rest), -y.n);
}

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

/* log(1 + f) = f - (h - g), h = f*f/2: with s = f / (2 + f) it is 2 atanh(s), a series in s*s. */
LANE_INLINE double lane_log_tail(double f, double h)
{
    double s = f / (2.0 + f);
    double z = s * s;
    double z2 = z * z, z4 = z2 * z2;
    double p = (0x1.746649acf0e98p-3 + z * 0x1.39a095d6668b7p-3) + z2 * 0x1.2f117c39a8137p-3;
    p = lane_cubic(z, z2, 0x1.5555555555593p-1, 0x1.999999997f9f8p-2, 0x1.249249422a3b6p-2, 0x1.c71c51d7d9ec5p-3) + z4 * p;
    return s * (h + z * p);
}

/* k ln 2 + log(1 + f) + low */
LANE_INLINE double lane_log_sum(double k, double f, double low)
{
    double h = 0.5 * f * f;
    double g = lane_log_tail(f, h);
    return k * LANE_LN2_HI + (f - (h - (g + (k * LANE_LN2_LO + low))));
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
    return lane_log_ends(x, lane_log_sum(y.k, y.f, 0.0));
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
    return lane_log_ends(sum, lane_log_sum(k + y.k, f, rest - rest * f));
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
    double g = lane_log_tail(y.f, h);
    double high = lane_from_bits(lane_to_bits(y.f - h) & 0xffffffff00000000);
    return (struct lane_log_parts){y.k, high, ((y.f - high) - h) + g};
}

LANE_INLINE double lane_log2(double x)
{
    const double c_high = 0x1.71547652p+0, c_low = 0x1.705fc2eefa2p-33;
    struct lane_log_parts y = lane_log_parts(x);
    double lead = y.high * c_high;
    double rest = y.high * c_low + y.low * (c_high + c_low);
    double sum = y.k + lead;
    return lane_log_ends(x, sum + (((y.k - sum) + lead) + rest));
}

LANE_INLINE double lane_log10(double x)
{
    const double c_high = 0x1.bcb7b152p-2, c_low = 0x1.b9438ca9aadd5p-36;
    const double log2_high = 0x1.34413509f78p-2, log2_low = 0x1.fef311f12b358p-46;
    struct lane_log_parts y = lane_log_parts(x);
    double lead = y.high * c_high;
    double rest = y.high * c_low + y.low * (c_high + c_low) + y.k * log2_low;
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
    double p = (0x1.c1011e7d92531p-4 + z * 0x1.200dc2fd52e51p-4) + z2 * 0x1.5005210591aaap-3;
    p = lane_cubic(z, z2, 0x1.745d1d71e4b92p-3, 0x1.3b12e39a53354p-3, 0x1.11226cfdfd55bp-3, 0x1.dff3f322cbb88p-4) + z4 * p;
    p = lane_cubic(z, z2, 0x1.5555555555556p-1, 0x1.9999999999656p-2, 0x1.24924924ba565p-2, 0x1.c71c71a9a771fp-3) + z4 * p;
    return f - (s * (f - z * p) - low * ((1.0 - s) * (1.0 - s)));
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

/* log(a + sqrt(a*a + 1)), less 1 behind the log: a + a*a / (1 + sqrt(a*a + 1)); log(2a) far out */
LANE_INLINE double lane_asinh(double x)
{
    double a = fabs(x);
    int far = a > 0x1p60;
    double b = far ? 0.0 : a * a / (1.0 + sqrt(a * a + 1.0));
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
    double v = 2.0 * t + square;
    double b = sqrt(v);
    struct lane_pair back = lane_times(lane_pair(b, 0.0), lane_pair(b, 0.0));
    double left = ((v - back.high) - back.low) + ((2.0 * t - v) + square);
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

/* -- powers and lengths ----------------------------------------------------------------------- */

/* log(x) for x > 0 as a pair good to 2**-66: with s = f / (2 + f), z = s*s, it is
 * k ln 2 + 2s + 2s (z/3 + z*z/5 + ...), where only the terms from z*z/5 on are left to one double. */
LANE_INLINE struct lane_pair lane_log_pair(double x)
{
    struct lane_split y = lane_split(x);
    double below = 2.0 + y.f;
    double below_lost = y.f - (below - 2.0);
    double one_over = 1.0 / below;
    struct lane_pair b = lane_pair(below, below_lost);
    double s_high = lane_pair(y.f * one_over, 0.0).high;
    double s_low = ((y.f - s_high * b.high) - s_high * b.low) * one_over;
    struct lane_pair s = {s_high, s_low};
    struct lane_pair square = lane_times(s, s);
    double z = square.high + square.low;
    double z2 = z * z, z4 = z2 * z2;
    double p = lane_cubic(z, z2, 0x1.3b13649c07216p-4, 0x1.112076b3025ep-4, 0x1.de3c2839def3bp-5, 0x1.ead109174b195p-5);
    p = lane_cubic(z, z2, 0x1.9999999999996p-3, 0x1.2492492492f56p-3, 0x1.c71c71c595a01p-4, 0x1.745d1829e8ff4p-4) + z4 * p;
    const struct lane_pair third = {0x1.555555p-2, 0x1.5555555555555p-28};
    struct lane_pair w = lane_times(lane_pair(square.high, square.low), third);
    struct lane_pair sw = lane_times(s, lane_pair(w.high, w.low + z2 * p));
    double lead = y.k * LANE_LN2_HI;
    double half = s.high + sw.high;
    double rest = ((s.high - half) + sw.high) + (s.low + sw.low);
    double sum = lead + 2.0 * half;
    return lane_pair(sum, ((lead - sum) + 2.0 * half) + (2.0 * rest + y.k * LANE_LN2_LO));
}

/* (c + c_low) exp(x + low) for an x + low whose first part has few enough bits for exact reduction */
LANE_INLINE double lane_exp_pair(double c, double c_low, double x, double low)
{
    double high = lane_clamp(x, -1000.0, 1000.0);
    double n = lane_nearest((high + low) * LANE_LOG2E);
    double lead = high - n * LANE_LN2_HI;
    double rest = low - n * LANE_LN2_LO;
    double r = lead + rest;
    double p = r + (r * r * lane_exp_tail(r) + ((lead - r) + rest));
    return lane_scale(c + (c * p + c_low), n);
}

LANE_INLINE int lane_is_whole(double a)
{
    return a >= 0x1p52 || (a + 0x1p52) - 0x1p52 == a;
}

/* x**y, given log|x| */
LANE_INLINE double lane_pow_of(double x, double y, struct lane_pair log)
{
    double a = fabs(x), b = fabs(y);
    log.high = a == 0.0 ? -LANE_INF : a < LANE_INF ? log.high : a;
    double safe = b < 0x1p-900 ? copysign(0x1p-900, y) : y; /* not 0, which times inf is nan */
    struct lane_pair t = lane_times(lane_pair(safe, 0.0), log);
    double low = fabs(t.high) < 1000.0 ? t.low : 0.0;
    double z = lane_exp_pair(1.0, 0.0, t.high, low);
    int whole = lane_is_whole(b);
    int odd = whole && !lane_is_whole(0.5 * b);
    z = x < 0.0 && a < LANE_INF && !whole ? LANE_NAN : z;
    z = odd ? copysign(z, x) : z;
    return y == 0.0 || x == 1.0 || (a == 1.0 && b == LANE_INF) ? 1.0 : z;
}

LANE_INLINE double lane_pow(double x, double y)
{
    return lane_pow_of(x, y, lane_log_pair(fabs(x)));
}

/* As lane_pow in a loop, in two passes: so long a chain of steps leaves a processor waiting. z may be x or y. */
LANE_INLINE void lanes_pow(const double *x, const double *y, double *z, size_t count)
{
    double high[64], low[64];
    for (size_t start = 0; start < count; start += 64) {
        size_t some = count - start < 64 ? count - start : 64;
        for (size_t i = 0; i < some; i++) {
            struct lane_pair log = lane_log_pair(fabs(x[start + i]));
            high[i] = log.high;
            low[i] = log.low;
        }
        LANE_LOOP
        for (size_t i = 0; i < some; i++)
            z[start + i] = lane_pow_of(x[start + i], y[start + i], (struct lane_pair){high[i], low[i]});
    }
}

/* Whole exponents from -1 to 3 by products, as power() in scalar.h. */
LANE_INLINE double lane_power(double x, double n)
{
    double z = lane_pow(x, n);
    z = n == 3.0 ? x * x * x : z;
    z = n == 2.0 ? x * x : z;
    z = n == 1.0 ? x : z;
    return n == -1.0 ? 1.0 / x : z;
}

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

/* -- the error function ----------------------------------------------------------------------- */

/* erf(x) / x - 1 for z = x*x <= 1 */
LANE_INLINE double lane_erf_near(double z)
{
    double z2 = z * z, z4 = z2 * z2;
    double p = lane_cubic(z, z2, 0x1.b969464c4b5b7p-20, -0x1.5b7de751d042ep-23, 0x1.d36c51d3db041p-27, -0x1.a0c56861b3945p-31);
    p = lane_cubic(z, z2, 0x1.565bccee6d4cfp-8, -0x1.c02daea1b04fep-11, 0x1.f9a294398ddebp-14, -0x1.f4c80135b8e53p-17) + z4 * p;
    return lane_cubic(z, z2, 0x1.06eba8214db68p-3, -0x1.812746b03799dp-2, 0x1.ce2f21a03f85bp-4, -0x1.b82ce311a7227p-6) + z4 * p;
}

/* x + x q(x*x) up to 1; from there 1 - exp(-x q(x)), which leaves erf one digit for 57 of erfc. */
LANE_INLINE double lane_erf(double x)
{
    double a = lane_clamp(fabs(x), 0.0, 6.0);
    double a2 = a * a, a4 = a2 * a2;
    double q = 0x1.26b6dcd12f723p-34 + a * -0x1.a86a21422d1a9p-40;
    q = lane_cubic(a, a2, 0x1.20501cf8ffaecp-20, -0x1.5c8f92c017d2dp-23, 0x1.35eaefb7107c3p-26, -0x1.7f48958b14b6bp-30) + a4 * q;
    q = lane_cubic(a, a2, 0x1.8f23c0f682b0fp-14, -0x1.d4c5fd9f07458p-15, 0x1.547130c5da04p-16, -0x1.6835c1cda1b8p-18) + a4 * q;
    q = lane_cubic(a, a2, -0x1.bdbb07e40754ap-13, 0x1.bbe213c193c6ep-10, -0x1.2da46397c27d7p-11, -0x1.ddf6544749641p-22) + a4 * q;
    q = lane_cubic(a, a2, 0x1.20dd74072bc66p+0, 0x1.45f317cdaf33bp-1, 0x1.a4f2e996ad858p-4, -0x1.3956c0a6904b1p-6) + a4 * q;
    return copysign(a < 1.0 ? a + a * lane_erf_near(a * a) : 1.0 - lane_exp(-(a * q)), x);
}

/* exp(-x*x) times a polynomial in (x - 4) / (x + 4), over 1 + 2x (Shepherd and Laframboise, Mathematics of
 * Computation 36, 1981). What the quotient loses goes into the product with the exponential as its second part. */
LANE_INLINE double lane_erfc(double x)
{
    double a = lane_clamp(fabs(x), 0.0, 28.0);
    double q = (a - 4.0) / (a + 4.0);
    double q2 = q * q, q4 = q2 * q2;
    double p = lane_cubic(q, q2, -0x1.3866f4de619dep-26, -0x1.e41a276e46899p-27, 0x1.0a7cf86f44568p-29, 0x1.61b7cfc6699ccp-30);
    p = lane_cubic(q, q2, 0x1.3b5310e04330dp-22, -0x1.bb109f7cc4d63p-21, 0x1.41c517b922a77p-24, 0x1.d8301872c9038p-24) + q4 * p;
    p = lane_cubic(q, q2, 0x1.3be06814345eap-13, -0x1.9959a647892bdp-16, -0x1.788c610cecef8p-17, 0x1.7f2ab0df7bb7fp-18) + q4 * p;
    p = lane_cubic(q, q2, -0x1.0962388275ee7p-6, 0x1.49c6727ef8298p-8, -0x1.8d4a9c4626a70p-11, -0x1.a1df20f90b476p-13) + q4 * p;
    p = lane_cubic(q, q2, -0x1.9ddb23c3e87e9p-4, 0x1.7fee004e11958p-4, -0x1.0fb06dfe56bbcp-4, 0x1.3079edf69c8c1p-5) + q4 * p;
    double rest = q * ((-0x1.1df1ad154a28fp-3 + q * 0x1.f7f5df66fd693p-7) + q2 * (0x1.16ecefcfa53e0p-4 + q * p));
    double above = 0x1.3ba5916e9fd7fp+0 + rest, above_low = (0x1.3ba5916e9fd7fp+0 - above) + rest;
    double below = 1.0 + 2.0 * a, below_low = 2.0 * a - (below - 1.0);
    double c = above / below;
    struct lane_pair back = lane_times(lane_pair(c, 0.0), lane_pair(below, below_low));
    double c_low = (((above - back.high) - back.low) + above_low) / below;
    struct lane_pair square = lane_times(lane_pair(a, 0.0), lane_pair(a, 0.0));
    double z = lane_exp_pair(c, c_low, -square.high, -square.low);
    z = x < 0.0 ? 2.0 - z : z;
    return fabs(x) < 0.5 ? lane_sum(1.0, -x, -(x * lane_erf_near(x * x))) : z;
}

/* 2/sqrt(pi) exp(-x*x), the square taken as an exact leading part and the rest */
LANE_INLINE double lane_erf_dx(double x)
{
    double a = lane_clamp(fabs(x), 0.0, 30.0);
    struct lane_pair square = lane_times(lane_pair(a, 0.0), lane_pair(a, 0.0));
    return lane_exp_pair(0x1.20dd750429b6dp+0, 0x1.1ae3a914fed80p-56, -square.high, -square.low);
}

#endif
