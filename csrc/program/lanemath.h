/* lanemath.h: elementary functions written so that a compiler can run one lane per row. Each is a straight line of
 * additions, products, fused multiply-adds, quotients, square roots, selections and operations on bits: no branch, no
 * conversion to an integer, and no table but for powers. So a loop over lanes vectorises, and every build gives the same
 * bits: SSE2, AVX2, AVX-512, or one row at a time (only which nan a nan is may differ). Each is within 2 ulp of the true
 * value, logaddexp apart where its terms cancel, with C99's values at +-0, inf, nan: see tests/ops/test_lane_functions.py.
 *
 * A product and a sum are rounded once where fma() says so, and nowhere else. C99's fma() is correctly rounded, so it has
 * the same bits with an instruction for it and without: one instruction under AVX2, AVX-512 and NEON, and some fifty in
 * what every x86-64 has, which is for processors from before 2013 (see lanefma.h). What a product has rounded away,
 * x * y - p, is fma(x, y, -p), exactly.
 *
 * Compile with -O3 -ffp-contract=off -fno-trapping-math -fno-math-errno. Without contraction other products stay rounded
 * on their own; the last two change no bit, but without them selections stay branches and sqrt stays a call.
 *
 * Methods: range reduction after Cody and Waite, Software Manual for the Elementary Functions (1980); error-free
 * sums and products after Dekker (1971) and Knuth; the rest as in Muller, Elementary Functions (2016). Polynomials
 * are minimax fits by Remez's exchange. */
#ifndef PG_LANEMATH_H
#define PG_LANEMATH_H

#include "program/lanefma.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Always in line, so that each takes its caller's target: what stands by itself has none, and fifty instructions in the place
 * of each fused multiply-add. */
#if defined __GNUC__ && !defined PG_COUNTED
#define LANE_INLINE static inline __attribute__((always_inline))
#else
#define LANE_INLINE static inline
#endif

/* Rows are independent even where a result takes the place of an operand. */
#if defined __clang__
#pragma clang diagnostic ignored "-Wpass-failed" /* of loops that call libm, which stay loops */
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
#define LANE_LN2 0x1.62e42fefa39efp-1 /* all 53, and the rest: a fused multiply-add needs no room for a product */
#define LANE_LN2_REST 0x1.abc9e3b39803fp-56

/* Blocks are gone through in stretches of so many lanes; how many the one from start on has. */
enum { LANES_AT_ONCE = 64 };

LANE_INLINE size_t lanes_from(size_t start, size_t count)
{
    return count - start < LANES_AT_ONCE ? count - start : LANES_AT_ONCE;
}

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
    return fma(t2, fma(t, d, c), fma(t, b, a));
}

/* x within the bounds; nan stays. */
LANE_INLINE double lane_clamp(double x, double low, double high)
{
    double raised = x < low ? low : x;
    return raised > high ? high : raised;
}

/* All bits where something holds, else none. */
LANE_INLINE uint64_t lane_mask(int holds)
{
    return (uint64_t)-(int64_t)holds;
}

/* a where the mask has all bits, b where it has none. SSE2 cannot compare 64-bit whole numbers; a choice would read each under a
 * mask; and choices among choices would be sorted anew by the compiler. */
LANE_INLINE double lane_either(uint64_t mask, double a, double b)
{
    return lane_from_bits((lane_to_bits(a) & mask) | (lane_to_bits(b) & ~mask));
}

/* The larger, the smaller: as in scalar.h, but without branches. Of two zeros the bits that both have, or that one has,
 * are the larger and the smaller. */
LANE_INLINE double lane_maximum(double x, double y)
{
    double larger = x > y ? x : y;
    double tied = lane_from_bits(lane_to_bits(x) & lane_to_bits(y));
    double found = lane_either(lane_mask(x == y), tied, larger);
    return lane_either(lane_mask(x == x), found, x);
}

LANE_INLINE double lane_minimum(double x, double y)
{
    double smaller = x < y ? x : y;
    double tied = lane_from_bits(lane_to_bits(x) | lane_to_bits(y));
    double found = lane_either(lane_mask(x == y), tied, smaller);
    return lane_either(lane_mask(x == x), found, x);
}

/* a + b + c for |a| >= |b| or a = 0: the sum of the first two loses nothing. */
LANE_INLINE double lane_sum(double a, double b, double c)
{
    double sum = a + b;
    return sum + (((a - sum) + b) + c);
}

/* A number in two parts, of which the second is what the first has rounded away, and a little more. */
struct lane_pair { double high, low; };

/* x * y, exactly */
LANE_INLINE struct lane_pair lane_product(double x, double y)
{
    double product = x * y;
    return (struct lane_pair){product, fma(x, y, -product)};
}

/* A number times a pair, and a pair times a pair, good to 2**-100. */
LANE_INLINE struct lane_pair lane_times(double x, struct lane_pair y)
{
    struct lane_pair product = lane_product(x, y.high);
    return (struct lane_pair){product.high, fma(x, y.low, product.low)};
}

LANE_INLINE struct lane_pair lane_times_pair(struct lane_pair x, struct lane_pair y)
{
    struct lane_pair product = lane_product(x.high, y.high);
    return (struct lane_pair){product.high, fma(x.high, y.low, fma(x.low, y.high, product.low))};
}

/* -- exponentials ----------------------------------------------------------------------------- */

/* x = n ln 2 + r + low, |r| < 0.3466, the sum r + low good to 2**-100; n also as the low bits of a word. x and n ln 2 are
 * so near to each other, where n is not 0, that the difference to the 53 bits of ln 2 is exact. */
struct lane_reduced {
    double n, r, low;
    uint64_t bits;
};

LANE_INLINE struct lane_reduced lane_reduce(double x)
{
    double shifted = fma(x, LANE_LOG2E, LANE_SHIFTER);
    double n = shifted - LANE_SHIFTER;
    double high = fma(n, -LANE_LN2, x);
    double r = fma(n, -LANE_LN2_REST, high);
    return (struct lane_reduced){n, r, fma(n, -LANE_LN2_REST, high - r), lane_to_bits(shifted)};
}

/* (exp(r) - 1 - r) / r**2 for |r| < 0.3467 */
LANE_INLINE double lane_exp_tail(double r)
{
    double r2 = r * r, r4 = r2 * r2;
    double p = fma(r2, 0x1.1f9df320d9bcbp-29, fma(r, 0x1.af6cdcfc02bbfp-26, 0x1.27e4bf2b99868p-22));
    p = fma(
        r4, p,
        lane_cubic(r, r2, 0x1.6c16c16c13573p-10, 0x1.a01a01b3bebfcp-13, 0x1.a01a01b459a37p-16, 0x1.71ddef8aa6268p-19));
    return fma(r4, p, lane_cubic(r, r2, 0x1p-1, 0x1.555555555555cp-3, 0x1.555555555555ep-5, 0x1.111111110eba9p-7));
}

/* exp(r) - 1 for a reduced r */
LANE_INLINE double lane_exp_less_one(struct lane_reduced x)
{
    return x.r + fma(x.r * x.r, lane_exp_tail(x.r), x.low);
}

/* exp(r), to which the part of r that is low adds too little to be missed. */
LANE_INLINE double lane_exp_of(double r)
{
    return 1.0 + fma(r * r, lane_exp_tail(r), r);
}

LANE_INLINE double lane_exp(double x)
{
    struct lane_reduced y = lane_reduce(lane_clamp(x, -746.0, 711.0));
    return lane_scale(lane_exp_of(y.r), y.n);
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
    double p = fma(r, 0x1.ea134dae4e03cp-32, 0x1.e61c7c15fb603p-28);
    p = fma(
        r4, p,
        lane_cubic(r, r2, 0x1.4309130f1e68dp-13, 0x1.ffcbfc79846d8p-17, 0x1.62bfc6eda8763p-20, 0x1.b524d22746e1ap-24));
    p = fma(r4, p,
            lane_cubic(r, r2, 0x1.ebfbdff82c5a5p-3, 0x1.c6b08d704a0cfp-5, 0x1.3b2ab6fb9ffcap-7, 0x1.5d87fe78a1bc4p-10));
    return lane_scale(fma(r, fma(r, p, LANE_LN2), 1.0), n);
}

/* What a function comes to, and its slope there. */
struct lane_sloped { double value, slope; };

/* a = n (ln 2)/2 + r for an a >= 0: w = tanh(r), and n as the low bits of a word. exp(2a) is 2**n (1 + w) / (1 - w), so that
 * with s = 2**-n all that follows is quotients over (1 + s) + (1 - s) w, and the polynomial is half as long as that of an
 * exponential. */
struct lane_half {
    double w;
    uint64_t bits;
};

LANE_INLINE struct lane_half lane_half(double a)
{
    double shifted = fma(a, 2.0 * LANE_LOG2E, LANE_SHIFTER);
    double n = shifted - LANE_SHIFTER;
    double r = fma(n, -0.5 * LANE_LN2_REST, fma(n, -0.5 * LANE_LN2, a));
    double z = r * r;
    double p = fma(z, 0x1.c38838fc7055ep-9, -0x1.223c8c4c6041bp-7);
    p = fma(z, p, 0x1.664eca3baf110p-6);
    p = fma(z, p, -0x1.ba1ba11780b64p-5);
    p = fma(z, p, 0x1.11111110e0e61p-3);
    p = fma(z, p, -0x1.55555555554bdp-2);
    return (struct lane_half){fma(r * z, p, r), lane_to_bits(shifted)};
}

/* 2**-n */
LANE_INLINE double lane_half_power(uint64_t bits)
{
    return lane_from_bits((1023 - bits) << 52);
}

/* What is below the bar; what it has rounded away, s_left being by how much the rounded 1 + s is more than 1 + s; and its
 * reciprocal. */
struct lane_below { double d, left, r; };

LANE_INLINE struct lane_below lane_below(double w, double s, double s_left)
{
    double less = 1.0 - s, more = 1.0 + s;
    double d = fma(less, w, more);
    return (struct lane_below){d, fma(less, w, more - d) - s_left, 1.0 / d};
}

/* (above + above_left) / (d + left): the remainder of the quotient q is exact, so that one rounding is nearly all. */
LANE_INLINE double lane_quotient(double above, double above_left, struct lane_below y)
{
    double q = above * y.r;
    return fma(y.r, fma(-q, y.left, fma(-q, y.d, above) + above_left), q);
}

/* tanh(x) and its slope 1 - tanh(x)**2, which gradients want together: of |x| = n (ln 2)/2 + r the first is ((1 - s) +
 * (1 + s) w) over what is below, and the second 4sg (1 - sg) with g = (1 - w) over that. This is tanh of |x|, and the slope
 * times 2**(n - 2). */
LANE_INLINE struct lane_sloped lane_tanh_of(double w, double s, double s_left)
{
    struct lane_below y = lane_below(w, s, s_left);
    double less = 1.0 - s, more = 1.0 + s;
    double above = fma(more, w, less);
    double t = lane_quotient(above, fma(more, w, less - above), y);
    double g = fma(-w, y.r, y.r);
    g = fma(-g, y.left * y.r, g);
    return (struct lane_sloped){t, fma(-g, s * g, g)};
}

/* With the sign of x, for a t that has none. */
LANE_INLINE double lane_signed(double t, double x)
{
    return lane_from_bits(lane_to_bits(t) | (lane_to_bits(x) & 0x8000000000000000));
}

LANE_INLINE struct lane_sloped lane_tanh_and_slope(double x)
{
    double a = fabs(x);
    struct lane_half y = lane_half(a > 376.0 ? 376.0 : a);
    double s = a > 22.0 ? 0x1p-64 : lane_half_power(y.bits); /* less of it nobody would feel */
    struct lane_sloped t = lane_tanh_of(y.w, s, ((1.0 + s) - 1.0) - s);
    int deep = a > 311.0; /* the slope is scaled in two steps, of which only the last can round */
    double up = deep ? 0x1p200 : 1.0, down = deep ? 0x1p-200 : 1.0;
    double scaled = lane_from_bits(lane_to_bits(t.slope * up) - ((y.bits - 2) << 52)) * down;
    return (struct lane_sloped){lane_signed(t.value, x), x == x ? scaled : x};
}

LANE_INLINE double lane_tanh(double x)
{
    return lane_tanh_and_slope(x).value;
}

LANE_INLINE double lane_sech2(double x)
{
    return lane_tanh_and_slope(x).slope;
}

/* sigmoid(x) and its slope sigmoid(x) sigmoid(-x): of |x| = n ln 2 + 2r, with g as above, they are 1 - sg, or sg where x is
 * below 0, and sg (1 - sg). This is sigmoid(-|x|) and the slope, both times 2**n. */
LANE_INLINE struct lane_sloped lane_sigmoid_of(double w, double s, double s_left)
{
    double above = 1.0 - w;
    double g = lane_quotient(above, (1.0 - above) - w, lane_below(w, s, s_left));
    return (struct lane_sloped){g, fma(-g, s * g, g)};
}

LANE_INLINE struct lane_sloped lane_sigmoid_and_slope(double x)
{
    double a = fabs(x);
    struct lane_half y = lane_half(0.5 * (a > 752.0 ? 752.0 : a));
    double s = a > 44.0 ? 0x1p-64 : lane_half_power(y.bits);
    struct lane_sloped t = lane_sigmoid_of(y.w, s, ((1.0 + s) - 1.0) - s);
    int deep = a > 622.0; /* scaled in two steps, of which only the last can round */
    double up = deep ? 0x1p200 : 1.0, down = deep ? 0x1p-200 : 1.0;
    double less = lane_from_bits(lane_to_bits(t.value * up) - (y.bits << 52)) * down;
    double slope = lane_from_bits(lane_to_bits(t.slope * up) - (y.bits << 52)) * down;
    double value = x < 0.0 ? less : 1.0 - less;
    return (struct lane_sloped){x == x ? value : x, x == x ? slope : x};
}

LANE_INLINE double lane_sigmoid(double x)
{
    return lane_sigmoid_and_slope(x).value;
}

LANE_INLINE double lane_sigmoid_dx(double x)
{
    return lane_sigmoid_and_slope(x).slope;
}

/* x = n ln 2 + r, and what cosh(x) and sinh(x) are sums of: s = 2**-n, cosh(r) = 1 + even, sinh(r) = r + odd. */
struct lane_hyperbolic { double n, s, r, even, odd; };

LANE_INLINE struct lane_hyperbolic lane_hyperbolic(double x)
{
    struct lane_reduced y = lane_reduce(x);
    double z = y.r * y.r;
    double z2 = z * z, z4 = z2 * z2;
    double odd = z4 * 0x1.af487c277309cp-26 + lane_cubic(z, z2, 0x1.5555555555555p-3, 0x1.111111111078bp-7,
                                                         0x1.a01a01a9eb71bp-13, 0x1.71de0617106a3p-19);
    double even = fma(z, 0x1.1f8bedfa8460ap-29, 0x1.27e4cc099e01dp-22);
    even = z4 * even + lane_cubic(z, z2, 0x1p-1, 0x1.5555555555558p-5, 0x1.6c16c16c14ffap-10, 0x1.a01a01ad80d39p-16);
    double s = y.n > 64.0 ? 0.0 : lane_power_of_two(-y.n);
    return (struct lane_hyperbolic){y.n, s, y.r, z * even, fma(y.r * z, odd, y.low)};
}

/* 2**(n-1) ((1 - t)(1 + even) + (1 + t)(r + odd)), t = 2**-2n */
LANE_INLINE double lane_sinh(double x)
{
    struct lane_hyperbolic y = lane_hyperbolic(lane_clamp(fabs(x), 0.0, 712.0));
    double t = y.s * y.s;
    double sum = lane_sum(1.0 - t, y.r, fma(1.0 - t, y.even, fma(1.0 + t, y.odd, t * y.r)));
    return copysign(lane_scale(sum, y.n - 1.0), x);
}

/* 2**(n-1) ((1 + t)(1 + even) + (1 - t)(r + odd)) */
LANE_INLINE double lane_cosh(double x)
{
    struct lane_hyperbolic y = lane_hyperbolic(lane_clamp(fabs(x), 0.0, 712.0));
    double t = y.s * y.s;
    double sum = lane_sum(1.0 + t, y.r, fma(1.0 + t, y.even, fma(1.0 - t, y.odd, -(t * y.r))));
    return lane_scale(sum, y.n - 1.0);
}

/* (c + c_low) exp(x + low) */
LANE_INLINE double lane_exp_pair(double c, double c_low, double x, double low)
{
    double high = lane_clamp(x, -1000.0, 1000.0);
    double n = lane_nearest((high + low) * LANE_LOG2E);
    double lead = fma(n, -LANE_LN2, high);
    double rest = fma(n, -LANE_LN2_REST, low);
    double r = lead + rest;
    double p = r + fma(r * r, lane_exp_tail(r), (lead - r) + rest);
    return lane_scale(c + fma(c, p, c_low), n);
}

/* -- the error function ----------------------------------------------------------------------- */

/* erf(x) / x - 1 for z = x*x <= 1 */
LANE_INLINE double lane_erf_near(double z)
{
    double z2 = z * z, z4 = z2 * z2;
    double p = lane_cubic(z, z2, 0x1.b969464c4b5b7p-20, -0x1.5b7de751d042ep-23, 0x1.d36c51d3db041p-27,
                          -0x1.a0c56861b3945p-31);
    p = fma(
        z4, p,
        lane_cubic(z, z2, 0x1.565bccee6d4cfp-8, -0x1.c02daea1b04fep-11, 0x1.f9a294398ddebp-14, -0x1.f4c80135b8e53p-17));
    return fma(
        z4, p,
        lane_cubic(z, z2, 0x1.06eba8214db68p-3, -0x1.812746b03799dp-2, 0x1.ce2f21a03f85bp-4, -0x1.b82ce311a7227p-6));
}

/* x + x q(x*x) up to 1; from there 1 - exp(-x q(x)), which leaves erf one digit for 57 of erfc. */
LANE_INLINE double lane_erf(double x)
{
    double a = lane_clamp(fabs(x), 0.0, 6.0);
    double a2 = a * a, a4 = a2 * a2;
    double q = fma(a, -0x1.a86a21422d1a9p-40, 0x1.26b6dcd12f723p-34);
    q = fma(a4, q,
            lane_cubic(a, a2, 0x1.20501cf8ffaecp-20, -0x1.5c8f92c017d2dp-23, 0x1.35eaefb7107c3p-26,
                       -0x1.7f48958b14b6bp-30));
    q = fma(
        a4, q,
        lane_cubic(a, a2, 0x1.8f23c0f682b0fp-14, -0x1.d4c5fd9f07458p-15, 0x1.547130c5da04p-16, -0x1.6835c1cda1b8p-18));
    q = fma(a4, q,
            lane_cubic(a, a2, -0x1.bdbb07e40754ap-13, 0x1.bbe213c193c6ep-10, -0x1.2da46397c27d7p-11,
                       -0x1.ddf6544749641p-22));
    q = fma(a4, q,
            lane_cubic(a, a2, 0x1.20dd74072bc66p+0, 0x1.45f317cdaf33bp-1, 0x1.a4f2e996ad858p-4, -0x1.3956c0a6904b1p-6));
    return copysign(a < 1.0 ? fma(a, lane_erf_near(a * a), a) : 1.0 - lane_exp(-(a * q)), x);
}

/* exp(-x*x) times a polynomial in (x - 4) / (x + 4), over 1 + 2x (Shepherd and Laframboise, Mathematics of
 * Computation 36, 1981). What the quotient loses goes into the product with the exponential as its second part. */
LANE_INLINE double lane_erfc(double x)
{
    double a = lane_clamp(fabs(x), 0.0, 28.0);
    double q = (a - 4.0) / (a + 4.0);
    double q2 = q * q, q4 = q2 * q2;
    double p = lane_cubic(q, q2, -0x1.3866f4de619dep-26, -0x1.e41a276e46899p-27, 0x1.0a7cf86f44568p-29,
                          0x1.61b7cfc6699ccp-30);
    p = fma(
        q4, p,
        lane_cubic(q, q2, 0x1.3b5310e04330dp-22, -0x1.bb109f7cc4d63p-21, 0x1.41c517b922a77p-24, 0x1.d8301872c9038p-24));
    p = fma(q4, p,
            lane_cubic(q, q2, 0x1.3be06814345eap-13, -0x1.9959a647892bdp-16, -0x1.788c610cecef8p-17,
                       0x1.7f2ab0df7bb7fp-18));
    p = fma(
        q4, p,
        lane_cubic(q, q2, -0x1.0962388275ee7p-6, 0x1.49c6727ef8298p-8, -0x1.8d4a9c4626a70p-11, -0x1.a1df20f90b476p-13));
    p = fma(
        q4, p,
        lane_cubic(q, q2, -0x1.9ddb23c3e87e9p-4, 0x1.7fee004e11958p-4, -0x1.0fb06dfe56bbcp-4, 0x1.3079edf69c8c1p-5));
    double rest = q * fma(q2, fma(q, p, 0x1.16ecefcfa53e0p-4), fma(q, 0x1.f7f5df66fd693p-7, -0x1.1df1ad154a28fp-3));
    double above = 0x1.3ba5916e9fd7fp+0 + rest, above_low = (0x1.3ba5916e9fd7fp+0 - above) + rest;
    double below = 1.0 + 2.0 * a, below_low = 2.0 * a - (below - 1.0);
    double c = above / below;
    double c_low = (fma(-c, below_low, fma(-c, below, above)) + above_low) / below;
    struct lane_pair square = lane_product(a, a);
    double z = lane_exp_pair(c, c_low, -square.high, -square.low);
    z = x < 0.0 ? 2.0 - z : z;
    return fabs(x) < 0.5 ? lane_sum(1.0, -x, -(x * lane_erf_near(x * x))) : z;
}

/* 2/sqrt(pi) exp(-x*x), with what the square rounds away */
LANE_INLINE double lane_erf_dx(double x)
{
    double a = lane_clamp(fabs(x), 0.0, 30.0);
    struct lane_pair square = lane_product(a, a);
    return lane_exp_pair(0x1.20dd750429b6dp+0, 0x1.1ae3a914fed80p-56, -square.high, -square.low);
}

#endif
