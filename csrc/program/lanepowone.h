/* lanepowone.h: x ** y on one lane, in the parts that whole blocks go through one after the other (see lanepowblock.h).
 *
 * By the rules of lanemath.h but for two rows that are looked up, of a logarithm and of a power of two: what is
 * left to polynomials is so small that few terms do. */
#ifndef PG_LANEPOWONE_H
#define PG_LANEPOWONE_H

#include "program/lanelog.h"
#include "program/lanepowrows.h"

/* x = 2**k m, and the row for m, for x from the least normal number on. */
struct lane_log_place {
    double k, m;
    uint64_t row;
};

LANE_INLINE struct lane_log_place lane_log_place(double x)
{
    const uint64_t one = 0x3ff0000000000000;
    uint64_t bits = lane_to_bits(x) + (one - LANE_LOG_FIRST);
    double k = lane_from_bits((bits >> 52) | 0x4330000000000000) - (0x1p52 + 1023.0);
    double m = lane_from_bits((bits & 0x000fffffffffffff) + LANE_LOG_FIRST);
    return (struct lane_log_place){k, m, bits >> 45 & 127};
}

/* log(x) as a pair good to 2**-66: k ln 2 - log(inverse) + log(1 + r), r = m * inverse - 1, which is exact, as are the
 * sum of its first two terms and the pair of its square (ARM's Optimized Routines have powers so). */
LANE_INLINE struct lane_pair lane_log_pair(struct lane_log_place x, struct lane_log_row row)
{
    double r = fma(x.m, row.inverse, -1.0);
    double lead = fma(x.k, LANE_LN2_HI, row.log);
    double first = lead + r;
    double rest = fma(x.k, LANE_LN2_LO, row.low) + ((lead - first) + r);
    double r2 = r * r;
    struct lane_pair half = lane_product(r, -0.5 * r);
    double p = fma(r2, fma(r, -0x1.0002980237037p-3, 0x1.24952aee09901p-3),
                   fma(r, -0x1.555555533b20dp-3, 0x1.9999999743984p-3));
    p = fma(r2, p, fma(r, -0x1.0000000000002p-2, 0x1.5555555555558p-2));
    double sum = first + half.high;
    rest = rest + ((first - sum) + half.high) + half.low;
    return (struct lane_pair){sum, fma(r * r2, p, rest)};
}

/* x**y = 2**(n / 128) exp(r), of x y's product with log(x), n as the low bits of a word. */
struct lane_power_place {
    double product, r;
    uint64_t bits;
};

LANE_INLINE struct lane_power_place lane_power_place_of(double high, double low)
{
    double shifted = fma(high, 0x1.71547652b82fep+7, LANE_SHIFTER);
    double n = shifted - LANE_SHIFTER;
    double r = fma(n, -0x1p-7 * LANE_LN2, high) + fma(n, -0x1p-7 * LANE_LN2_REST, low);
    return (struct lane_power_place){high, r, lane_to_bits(shifted)};
}

/* Within that the product serves as it is, and what is made of it is scaled in one step. */
#define LANE_AMID 700.0

LANE_INLINE struct lane_power_place lane_power_place_amid(double y, struct lane_pair log)
{
    struct lane_pair t = lane_times(y, log);
    return lane_power_place_of(t.high, t.low);
}

/* Beyond that no further than the least and the largest power. */
LANE_INLINE struct lane_power_place lane_power_place(double y, struct lane_pair log)
{
    struct lane_pair t = lane_times(y, log);
    double low = fabs(t.high) < 1000.0 ? t.low : 0.0;
    return lane_power_place_of(lane_clamp(t.high, -1000.0, 1000.0), low);
}

/* exp(r) times the row's power of two */
LANE_INLINE double lane_power_beside(double r, struct lane_exp_row row)
{
    double r2 = r * r;
    double p = lane_cubic(r, r2, 0x1.fffffffffff51p-2, 0x1.5555555555523p-3, 0x1.55555ae8e1f8p-5, 0x1.11111440cf238p-7);
    return row.low + fma(r2, p, r);
}

LANE_INLINE double lane_power_factor(double r, struct lane_exp_row row)
{
    return fma(row.value, lane_power_beside(r, row), row.value);
}

LANE_INLINE struct lane_pair lane_power_pair(double r, struct lane_exp_row row)
{
    double beside = lane_power_beside(r, row), factor = fma(row.value, beside, row.value);
    return (struct lane_pair){factor, fma(row.value, beside, row.value - factor)};
}

LANE_INLINE double lane_scaled_amid(double factor, uint64_t bits)
{
    return lane_from_bits(lane_to_bits(factor) + (bits >> 7 << 52));
}

LANE_INLINE double lane_scaled(double factor, double product, uint64_t bits)
{
    double last = product > 0.0 ? 0x1p512 : 0x1p-512;
    uint64_t bias = product > 0.0 ? 1023 - 512 : 1023 + 512;
    return (factor * lane_from_bits(((bits >> 7) + bias) << 52)) * last;
}

LANE_INLINE int lane_is_whole(double a)
{
    return a >= 0x1p52 || (a + 0x1p52) - 0x1p52 == a;
}

/* Whether |x|**y is all that x**y is, and x is normal. */
LANE_INLINE int lane_is_plain_power(double x, double y)
{
    return (x >= 0x1p-1022) & (x < LANE_INF) & (fabs(y) < LANE_INF);
}

/* x**y from |x|**y, which may be anything where x or y is an end */
LANE_INLINE double lane_power_ends(double x, double y, double z)
{
    double a = fabs(x), b = fabs(y);
    double end = (a == 0.0) == (y > 0.0) ? 0.0 : LANE_INF;
    int whole = lane_is_whole(b);
    int odd = whole && !lane_is_whole(0.5 * b);
    z = (a == 0.0 || a == LANE_INF) && b >= 0.0 ? end : z;
    z = x < 0.0 && a < LANE_INF && !whole ? LANE_NAN : z;
    z = odd ? copysign(z, x) : z;
    z = a >= 0.0 ? z : x;
    return y == 0.0 || x == 1.0 || (a == 1.0 && b == LANE_INF) ? 1.0 : z;
}

LANE_INLINE double lane_pow(double x, double y)
{
    const int tiny = fabs(x) < 0x1p-1022;
    struct lane_log_place at = lane_log_place(fabs(tiny ? x * 0x1p54 : x));
    at.k -= tiny ? 54.0 : 0.0;
    struct lane_power_place to = lane_power_place(y, lane_log_pair(at, lane_log_rows[at.row]));
    double factor = lane_power_factor(to.r, lane_exp_rows[to.bits & 127]);
    return lane_power_ends(x, y, lane_scaled(factor, to.product, to.bits));
}

#endif
