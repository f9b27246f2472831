/* lanepow.h: powers and their slopes on one lane, as scalar.h has them, but with more exponents that need no logarithm:
 * 0.5, -0.5 and 1.5 are roots, and whole ones up to 16 are products of pairs, which lose no digit on the way. */
#ifndef PG_LANEPOW_H
#define PG_LANEPOW_H

#include <stddef.h>

#include "program/lanepowone.h"

#define LANE_MOST_PRODUCTS 16.0 /* the largest whole exponent that is made of products */

LANE_INLINE int lane_is_root(double n)
{
    return (n == 0.5) | (n == -0.5) | (n == 1.5);
}

/* x ** n for such an n: at -0.0 and -inf not what roots are. */
LANE_INLINE double lane_root_power(double x, double n)
{
    const double a = x == -LANE_INF ? LANE_INF : x + 0.0, root = sqrt(a);
    return n == 0.5 ? root : n == 1.5 ? a * root : 1.0 / root;
}

/* Whether a whole n is of products, but for those that power() of scalar.h has. */
LANE_INLINE int lane_is_of_products(double n)
{
    const double a = fabs(n);
    return (a <= LANE_MOST_PRODUCTS) & lane_is_whole(a) & ((n > 3.0) | (n < -1.0));
}

/* n as bits: which of x, x ** 2, x ** 4 ... are factors. */
LANE_INLINE uint64_t lane_factors(double n)
{
    return lane_to_bits(fabs(n) + 0x1p52) & 31;
}

/* Whether all the parts of a product on its way to so large a result were normal, so that it is good to the last digit. */
LANE_INLINE int lane_is_amid(double z)
{
    const double a = fabs(z);
    return (a > 0x1p-800) & (a < 0x1p800);
}

/* x ** |n| for an n of products, where lane_is_amid() */
LANE_INLINE double lane_power_by_products(double x, double n)
{
    const uint64_t factors = lane_factors(n);
    struct lane_pair square = {x, 0.0}, product = {1.0, 0.0};
    for (int bit = 0;; bit++) {
        if (factors >> bit & 1)
            product = lane_times_pair(product, square);
        if (factors >> bit < 2)
            return product.high + product.low;
        square = lane_times_pair(square, square);
    }
}

/* power() of scalar.h. */
LANE_INLINE double lane_power(double x, double n)
{
    if (n == 2.0)
        return x * x;
    if (n == -1.0)
        return 1.0 / x;
    if (n == 1.0)
        return x;
    if (n == 3.0)
        return x * x * x;
    if (lane_is_root(n))
        return lane_root_power(x, n);
    if (lane_is_of_products(n)) {
        const double z = lane_power_by_products(x, n);
        if (lane_is_amid(z))
            return n < 0.0 ? 1.0 / z : z;
    }
    return lane_pow(x, n);
}

LANE_INLINE int lane_is_normal(double z)
{
    const double a = fabs(z);
    return (a >= 0x1p-1022) & (a < LANE_INF);
}

/* Whether the slope by x is y * x ** (y - 1), y - 1 not being rounded. */
LANE_INLINE int lane_has_less(double y)
{
    return (fabs(y) < 0x1p53) & lane_is_whole(fabs(y));
}

/* The slope from z = x ** y, in the order that neither overflows nor underflows. */
LANE_INLINE double lane_slope_of_power(double x, double y, double z)
{
    const int last = (fabs(y) > 1.0) & (z > 1.0);
    const double quotient = (last ? z : y * z) / x;
    return last ? y * quotient : quotient;
}

/* pow_dx(), pow_less() and pow_dxx() of scalar.h, which says why. */
LANE_INLINE double lane_pow_dx(double x, double y)
{
    if (y == 0.0)
        return 0.0;
    if (lane_has_less(y)) {
        const double p = lane_power(x, y - 1.0);
        if (lane_is_normal(p) || x == 0.0)
            return y * p;
    }
    const double z = lane_power(x, y);
    return lane_is_normal(z) && x != 0.0 ? lane_slope_of_power(x, y, z) : y * lane_power(x, y - 1.0);
}

LANE_INLINE double lane_pow_less(double x, double y)
{
    const double p = lane_power(x, y - 1.0);
    if (lane_has_less(y) && (lane_is_normal(p) || x == 0.0))
        return p;
    const double z = lane_power(x, y);
    return lane_is_normal(z) && x != 0.0 ? z / x : p;
}

LANE_INLINE double lane_pow_dxx(double x, double y)
{
    if (y == 0.0)
        return 0.0;
    const double slope = lane_pow_dx(x, y - 1.0), first = y * slope;
    if (fabs(slope) < LANE_INF || x == 0.0)
        return first;
    const double second = (y - 1.0) * (lane_pow_dx(x, y) / x);
    return fabs(second) < LANE_INF ? second : first;
}

/* The slope by y from z = x ** y */
LANE_INLINE double lane_pow_dy_of(double x, double y, double z)
{
    const double slope = z * lane_log(x), at_zero = y >= 0.0 ? 0.0 : y < 0.0 ? -LANE_INF : y;
    return x > 0.0 ? slope : x == 0.0 ? at_zero : LANE_NAN;
}

/* -- for lanepowblock.h -- */

/* lane_power() where z = x ** n is by logarithms, and where the exponent is from -1 to 3 */
LANE_INLINE double lane_power_of(double x, double n, double z)
{
    z = n == 3.0 ? x * x * x : z;
    z = n == 2.0 ? x * x : z;
    z = n == 1.0 ? x : z;
    return n == -1.0 ? 1.0 / x : z;
}

/* What products are made of, of some lanes. */
typedef struct { double high[LANES_AT_ONCE], low[LANES_AT_ONCE]; } lanes_pairs;

#endif
