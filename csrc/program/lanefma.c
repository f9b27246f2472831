/* lanefma.c: see lanefma.h. Boldo and Melquiond, Emulation of FMA and correctly rounded sums: proved algorithms using rounding
 * to odd (IEEE Transactions on Computers 57(4), 2008): products and sums without an error, and the last sum but one rounded to
 * odd, so that the last rounding is as if it were the only one. That is so where nothing is too small or too large for it; what
 * may be is left to the C library. */
#include "program/lanefma.h"

#ifdef PG_SOFT_FMA
#include <emmintrin.h>
#include <stdint.h>

typedef uint64_t words __attribute__((vector_size(16)));

/* A number in two parts, of which the second is what the first has rounded away. */
typedef struct { pg_two high, low; } pair;

/* Veltkamp's: x in 26 bits, and what is left, in 26 and a sign, so that products of such parts are exact. */
static inline pair halves(pg_two x)
{
    const pg_two scaled = x * 0x1.000002p27, high = scaled - (scaled - x);
    return (pair){high, x - high};
}

/* Dekker (1971) */
static inline pair product(pg_two x, pg_two y)
{
    const pg_two p = x * y;
    const pair a = halves(x), b = halves(y);
    return (pair){p, ((a.high * b.high - p) + a.high * b.low + a.low * b.high) + a.low * b.low};
}

/* Knuth */
static inline pair sum(pg_two x, pg_two y)
{
    const pg_two s = x + y, of_y = s - x;
    return (pair){s, (x - (s - of_y)) + (y - of_y)};
}

/* x + y, rounded to the neighbour whose last bit is 1 where it is not exact: towards 0, and that bit set. */
static inline pg_two odd_sum(pg_two x, pg_two y)
{
    const pair s = sum(x, y);
    const words bits = (words)s.high, inexact = (words)(s.low != 0.0) >> 63;
    const words beyond = ((bits ^ (words)s.low) >> 63) & inexact;
    return (pg_two)((bits - beyond) | inexact);
}

/* A product of 2**-960 or more has an error that is a number; 0 has none, and keeps its sign when the sum is rounded. Whatever
 * is too large on the way makes an inf or a nan of the result. */
pg_two pg_fma_of_two(pg_two x, pg_two y, pg_two z)
{
    const words positive = (words){0} + INT64_MAX;
    const pair xy = product(x, y), low = sum(z, xy.low), high = sum(xy.high, low.high);
    const pg_two found = high.high + odd_sum(low.low, high.low);
    const words none = (words)(x == 0.0) | (words)(y == 0.0);
    const words fits = (words)((pg_two)((words)xy.high & positive) >= 0x1p-960);
    const words finite = (words)((pg_two)((words)found & positive) < (double)INFINITY);
    const pg_two result = (pg_two)((none & (words)(xy.high + z)) | (~none & (words)found));
    if (__builtin_expect(_mm_movemask_pd((__m128d)(none | (fits & finite))) == 3, 1))
        return result;
    return (pg_two){pg_fma_of_library(x[0], y[0], z[0]), pg_fma_of_library(x[1], y[1], z[1])};
}

/* The same of one number, which the header calls fma(). */
double pg_fma_of_one(double x, double y, double z);
double pg_fma_of_one(double x, double y, double z)
{
    return pg_fma_of_two((pg_two){x}, (pg_two){y}, (pg_two){z})[0];
}
#endif
