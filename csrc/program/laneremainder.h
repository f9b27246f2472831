/* laneremainder.h: x % y and x // y on whole blocks, with the bits of scalar.h's on one lane: fmod is exact, and so is what
 * the rounded quotient leaves, as long as it is no larger than doubles count. Other lanes are done one by one.
 * A result may take the place of an operand. For evaluate.c and packed.c, after lanewords.h. */
#ifndef PG_LANEREMAINDER_H
#define PG_LANEREMAINDER_H

#ifndef PG_LIBM_LANES

#include <string.h>

#include "program/lanemath.h"

/* The largest whole number not above x, for |x| < 2**51. */
LANE_INLINE double lane_floor(double x)
{
    const double n = lane_nearest(x);
    return n > x ? n - 1.0 : n;
}

/* fmod(x, y), where it serves. */
struct lane_remainder {
    double r;
    uint64_t fails; /* not 0 elsewhere */
};

/* The quotient may be 1 off, the remainder has no more digits than y for all that: both sums are exact. */
LANE_INLINE struct lane_remainder lane_remainder(double x, double y)
{
    const double a = fabs(x), b = fabs(y), quotient = a / b;
    const double near = quotient < 0x1p50 ? quotient : 0.0, q = lane_floor(near), product = q * b;
    const double r = (a - product) - product_lost(q, b);
    const double raised = r < 0.0 ? r + b : r, least = raised >= b ? raised - b : raised;
    const int serves = (quotient < 0x1p50) & (b > 0x1p-900) & (b < 0x1p900);
    return (struct lane_remainder){copysign(least, x), lane_to_bits(serves ? 0.0 : 1.0)};
}

LANE_INLINE double lane_mod_from(double x, double y, double r)
{
    (void)x;
    const double other = (y < 0.0) != (r < 0.0) ? r + y : r;
    return r == 0.0 ? copysign(0.0, y) : other;
}

LANE_INLINE double lane_floordiv_from(double x, double y, double r)
{
    const int apart = (r != 0.0) & ((y < 0.0) != (r < 0.0));
    const double q = (x - r) / y, less = apart ? q - 1.0 : q;
    const double whole = lane_floor(less), next = less - whole > 0.5 ? whole + 1.0 : whole;
    return less == 0.0 ? copysign(0.0, x / y) : next;
}

#define LANES_FROM_REMAINDER(name) \
    LANE_INLINE void lanes_##name(const double *x, const double *y, double *z, size_t count) \
    { \
        for (size_t start = 0; start < count; start += LANES_AT_ONCE) { \
            const size_t some = lanes_from(start, count); \
            const double *a = x + start, *b = y + start; \
            double found[LANES_AT_ONCE]; \
            uint64_t fails[LANES_AT_ONCE], any = 0; \
            LANE_LOOP \
            for (size_t i = 0; i < some; i++) { \
                const struct lane_remainder left = lane_remainder(a[i], b[i]); \
                found[i] = lane_##name##_from(a[i], b[i], left.r); \
                fails[i] = left.fails; \
                any |= left.fails; \
            } \
            for (size_t i = 0; any && i < some; i++) \
                if (fails[i]) \
                    found[i] = python_##name(a[i], b[i]); \
            memcpy(z + start, found, some * sizeof *z); \
        } \
    }
LANES_FROM_REMAINDER(mod)
LANES_FROM_REMAINDER(floordiv)
#undef LANES_FROM_REMAINDER

#endif
#endif
