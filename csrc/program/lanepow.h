/* lanepow.h: powers and their slopes on whole blocks, with the bits that the functions of scalar.h have on one lane.
 *
 * These decide lane by lane which of two powers serves, x ** y or x ** (y - 1), whole y apart from others. A block
 * computes the one that nearly always does, in loops that vectorise; lanes that it does not serve are done again,
 * one by one. A result may take the place of an operand. For evaluate.c, after lanewords.h. */
#ifndef PG_LANEPOW_H
#define PG_LANEPOW_H

#ifndef PG_LIBM_LANES

#include <string.h>

#include "program/lanelog.h"

enum { LANES_AT_ONCE = 64 };

/* log|x| of some lanes: in a pass of its own, as so long a chain of steps leaves a processor waiting. */
typedef struct { double high[LANES_AT_ONCE], low[LANES_AT_ONCE]; } lanes_log;

LANE_INLINE void lanes_log_pairs(const double *x, lanes_log *logs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct lane_pair log = lane_log_pair(fabs(x[i]));
        logs->high[i] = log.high;
        logs->low[i] = log.low;
    }
}

/* power() of scalar.h. */
LANE_INLINE double lane_power_of(double x, double n, struct lane_pair log)
{
    double z = lane_pow_of(x, n, log);
    z = n == 3.0 ? x * x * x : z;
    z = n == 2.0 ? x * x : z;
    z = n == 1.0 ? x : z;
    return n == -1.0 ? 1.0 / x : z;
}

LANE_INLINE int lane_is_normal(double z)
{
    const double a = fabs(z);
    return (a >= 0x1p-1022) & (a < LANE_INF);
}

/* What pow_dx() and pow_less() take their result from: x ** (y - 1) for whole y, x ** y for others. */
struct lane_base {
    double z;
    int whole;
    uint64_t fails; /* not 0 where the other power is to be asked */
};

LANE_INLINE struct lane_base lane_base_of(double x, double y, struct lane_pair log)
{
    const int whole = (fabs(y) < 0x1p53) & lane_is_whole(fabs(y));
    const double z = lane_power_of(x, whole ? y - 1.0 : y, log);
    const int serves = whole ? lane_is_normal(z) | (x == 0.0) : lane_is_normal(z) & (x != 0.0);
    return (struct lane_base){z, whole, lane_to_bits(serves ? 0.0 : 1.0)};
}

LANE_INLINE double lane_pow_dx_from(double x, double y, struct lane_base base)
{
    const double z = base.z, slope = fabs(y) > 1.0 && z > 1.0 ? y * (z / x) : (y * z) / x;
    return y == 0.0 ? 0.0 : base.whole ? y * z : slope;
}

LANE_INLINE double lane_pow_less_from(double x, double y, struct lane_base base)
{
    (void)y;
    return base.whole ? base.z : base.z / x;
}

/* A function on blocks: lane_NAME_from() where that serves, NAME() where it does not. z may be x or y. */
#define LANES_FROM_BASE(name) \
    LANE_INLINE void lanes_##name(const double *x, const double *y, double *z, size_t count) \
    { \
        for (size_t start = 0; start < count; start += LANES_AT_ONCE) { \
            const size_t some = count - start < LANES_AT_ONCE ? count - start : LANES_AT_ONCE; \
            const double *a = x + start, *b = y + start; \
            double found[LANES_AT_ONCE]; \
            uint64_t fails[LANES_AT_ONCE], any = 0; \
            lanes_log logs; \
            lanes_log_pairs(a, &logs, some); \
            LANE_LOOP \
            for (size_t i = 0; i < some; i++) { \
                const struct lane_base base = lane_base_of(a[i], b[i], (struct lane_pair){logs.high[i], logs.low[i]}); \
                found[i] = lane_##name##_from(a[i], b[i], base); \
                fails[i] = base.fails; \
                any |= base.fails; \
            } \
            for (size_t i = 0; any && i < some; i++) \
                if (fails[i]) \
                    found[i] = name(a[i], b[i]); \
            memcpy(z + start, found, some * sizeof *z); \
        } \
    }
LANES_FROM_BASE(pow_dx)
LANES_FROM_BASE(pow_less)
#undef LANES_FROM_BASE

/* power() and pow_dy(), which need one power for every x and y. z may be x or y. */
#define LANES_OF_ONE_POWER(name, of) \
    LANE_INLINE void lanes_##name(const double *x, const double *y, double *z, size_t count) \
    { \
        for (size_t start = 0; start < count; start += LANES_AT_ONCE) { \
            const size_t some = count - start < LANES_AT_ONCE ? count - start : LANES_AT_ONCE; \
            lanes_log logs; \
            lanes_log_pairs(x + start, &logs, some); \
            LANE_LOOP \
            for (size_t i = 0; i < some; i++) { \
                const double a = x[start + i], b = y[start + i]; \
                z[start + i] = of(a, b, (struct lane_pair){logs.high[i], logs.low[i]}); \
            } \
        } \
    }

LANE_INLINE double lane_pow_dy_of(double x, double y, struct lane_pair log)
{
    const double slope = lane_pow_of(x, y, log) * lane_log(x), at_zero = y >= 0.0 ? 0.0 : y < 0.0 ? -LANE_INF : y;
    return x > 0.0 ? slope : x == 0.0 ? at_zero : LANE_NAN;
}

LANES_OF_ONE_POWER(power, lane_power_of)
LANES_OF_ONE_POWER(pow_dy, lane_pow_dy_of)
#undef LANES_OF_ONE_POWER

/* pow_dxx() on blocks. z may be x or y. */
LANE_INLINE void lanes_pow_dxx(const double *x, const double *y, double *z, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = count - start < LANES_AT_ONCE ? count - start : LANES_AT_ONCE;
        const double *a = x + start, *b = y + start;
        double less[LANES_AT_ONCE], slope[LANES_AT_ONCE], found[LANES_AT_ONCE];
        uint64_t any = 0;
        for (size_t i = 0; i < some; i++)
            less[i] = b[i] - 1.0;
        lanes_pow_dx(a, less, slope, some);
        for (size_t i = 0; i < some; i++) {
            found[i] = b[i] == 0.0 ? 0.0 : b[i] * slope[i];
            any |= lane_to_bits(fabs(slope[i]) < LANE_INF ? 0.0 : 1.0);
        }
        for (size_t i = 0; any && i < some; i++)
            if (!(fabs(slope[i]) < LANE_INF))
                found[i] = pow_dxx(a[i], b[i]);
        memcpy(z + start, found, some * sizeof *z);
    }
}

#endif
#endif
