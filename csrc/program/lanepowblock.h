/* lanepowblock.h: powers and their slopes on whole blocks, with the bits that the functions of lanepow.h have on one lane.
 *
 * Those decide lane by lane by which way a power is made. A block goes each way that one of its lanes needs, in loops
 * that vectorise; of slopes it makes the one power that nearly always serves, and lanes that it does not serve are done
 * again, one by one. A result may take the place of an operand. Included by lanes.h and lanepack.h once for
 * each set of vector instructions, whose functions they are: inlined wherever they are called they take long to compile. */
#ifndef PG_LIBM_LANES

#include "program/lanepowpass.h"

/* -- x ** y, in passes that vectorise, as so long a chain of steps in one leaves a processor waiting -- */

/* What is no plain power, from what has been found as if it was. */
LANE_TARGET static void LANE_NAME(lanes_power_ends)(const double *x, const double *y, double *found, size_t some)
{
    uint64_t tiny = 0;
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        found[i] = lane_power_ends(x[i], y[i], found[i]);
        tiny |= lane_to_bits(fabs(x[i]) < 0x1p-1022 ? 1.0 : 0.0);
    }
    for (size_t i = 0; tiny && i < some; i++)
        if (fabs(x[i]) < 0x1p-1022)
            found[i] = lane_pow(x[i], y[i]);
}

/* Some lanes; z may be x or y. */
LANE_TARGET static void LANE_NAME(lanes_pow_of_some)(const double *x, const double *y, double *z, size_t some)
{
    double first[LANES_AT_ONCE], second[LANES_AT_ONCE], third[LANES_AT_ONCE];
    double k[LANES_AT_ONCE], m[LANES_AT_ONCE], r[LANES_AT_ONCE], found[LANES_AT_ONCE];
    uint64_t bits[LANES_AT_ONCE] = {0}, ends = 0, beyond = 0;
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        const struct lane_log_place at = lane_log_place(fabs(x[i]));
        k[i] = at.k;
        m[i] = at.m;
        bits[i] = at.row;
        ends |= lane_to_bits(lane_is_plain_power(x[i], y[i]) ? 0.0 : 1.0);
    }
    LANE_NAME(look_up_logs)(bits, first, second, third, some);
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        const struct lane_log_row row = {first[i], second[i], third[i]};
        const struct lane_pair log = lane_log_pair((struct lane_log_place){k[i], m[i], 0}, row);
        const struct lane_power_place to = lane_power_place_amid(y[i], log);
        r[i] = to.r;
        bits[i] = to.bits;
        beyond |= lane_to_bits(fabs(to.product) < LANE_AMID ? 0.0 : 1.0);
    }
    if (beyond) {
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const struct lane_log_row row = {first[i], second[i], third[i]};
            const struct lane_pair log = lane_log_pair((struct lane_log_place){k[i], m[i], 0}, row);
            const struct lane_power_place to = lane_power_place(y[i], log);
            k[i] = to.product;
            r[i] = to.r;
            bits[i] = to.bits;
        }
    }
    LANE_NAME(look_up_powers)(bits, first, second, some);
    if (beyond) {
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const struct lane_exp_row row = {first[i], second[i]};
            found[i] = lane_scaled(lane_power_factor(r[i], row), k[i], bits[i]);
        }
    } else {
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const struct lane_exp_row row = {first[i], second[i]};
            found[i] = lane_scaled_amid(lane_power_factor(r[i], row), bits[i]);
        }
    }
    if (ends)
        LANE_NAME(lanes_power_ends)(x, y, found, some);
    memcpy(z, found, some * sizeof *z);
}

LANE_TARGET static void LANE_NAME(lanes_pow)(const double *x, const double *y, double *z, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE)
        LANE_NAME(lanes_pow_of_some)(x + start, y + start, z + start, lanes_from(start, count));
}

LANE_TARGET static void LANE_NAME(lanes_power_by_logarithms)(const double *x, const double *n, double *z, size_t some)
{
    uint64_t any = 0;
    double found[LANES_AT_ONCE];
    LANE_NAME(lanes_pow_of_some)(x, n, found, some);
    LANE_LOOP
    for (size_t i = 0; i < some; i++)
        any |= lane_to_bits((n[i] >= -1.0) & (n[i] <= 3.0) & lane_is_whole(fabs(n[i])) ? 1.0 : 0.0);
    if (any) {
        LANE_LOOP
        for (size_t i = 0; i < some; i++)
            found[i] = lane_power_of(x[i], n[i], found[i]);
    }
    memcpy(z, found, some * sizeof *z);
}

/* Lanes a, times b, as pairs. */
LANE_TARGET static void LANE_NAME(lanes_multiply)(lanes_pairs *a, const lanes_pairs *b, size_t some)
{
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        const struct lane_pair product = lane_times_pair((struct lane_pair){a->high[i], a->low[i]},
                                                         (struct lane_pair){b->high[i], b->low[i]});
        a->high[i] = product.high;
        a->low[i] = product.low;
    }
}

/* The same where a bit of the exponents is set. */
LANE_TARGET static void LANE_NAME(lanes_multiply_some)(lanes_pairs *a, const lanes_pairs *b, const uint64_t *factors,
                                                       int bit, size_t some)
{
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        const struct lane_pair product = lane_times_pair((struct lane_pair){a->high[i], a->low[i]},
                                                         (struct lane_pair){b->high[i], b->low[i]});
        const uint64_t mask = 0 - (factors[i] >> bit & 1);
        a->high[i] = lane_from_bits((lane_to_bits(product.high) & mask) | (lane_to_bits(a->high[i]) & ~mask));
        a->low[i] = lane_from_bits((lane_to_bits(product.low) & mask) | (lane_to_bits(a->low[i]) & ~mask));
    }
}

/* lane_power_by_products() of all lanes, whatever their exponents: any has the bits that are set in one, all those that
 * are set in each. */
LANE_TARGET static void LANE_NAME(lanes_power_by_products)(const double *x, const uint64_t *factors, uint64_t any,
                                                           uint64_t all, double *z, size_t some)
{
    lanes_pairs square, product;
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        square.high[i] = x[i];
        square.low[i] = 0.0;
        product.high[i] = 1.0;
        product.low[i] = 0.0;
    }
    for (int bit = 0;; bit++) {
        if (all >> bit & 1)
            LANE_NAME(lanes_multiply)(&product, &square, some);
        else if (any >> bit & 1)
            LANE_NAME(lanes_multiply_some)(&product, &square, factors, bit, some);
        if (any >> bit < 2)
            break;
        LANE_NAME(lanes_multiply)(&square, &square, some);
    }
    LANE_LOOP
    for (size_t i = 0; i < some; i++)
        z[i] = product.high[i] + product.low[i];
}

/* Whether all lanes have the same number, which exponents nearly always do. */
LANE_TARGET static int LANE_NAME(lanes_are_one)(const double *y, size_t some)
{
    const uint64_t first = lane_to_bits(y[0]);
    uint64_t differ = 0;
    LANE_LOOP
    for (size_t i = 0; i < some; i++)
        differ |= lane_to_bits(y[i]) ^ first;
    return differ == 0;
}

/* Some lanes to one exponent. z is apart from x. */
LANE_TARGET static void LANE_NAME(lanes_power_to_one)(const double *x, const double *n, double *z, size_t some)
{
    const double one = n[0];
    if (lane_is_root(one)) {
        LANE_LOOP
        for (size_t i = 0; i < some; i++)
            z[i] = lane_root_power(x[i], one);
        return;
    }
    if (!lane_is_of_products(one)) { /* with the exponent said once, compilers make branches of what are selections */
        LANE_NAME(lanes_power_by_logarithms)(x, n, z, some);
        return;
    }
    const uint64_t factors = lane_factors(one);
    double products[LANES_AT_ONCE];
    uint64_t fail = 0;
    LANE_NAME(lanes_power_by_products)(x, NULL, factors, factors, products, some);
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        z[i] = one < 0.0 ? 1.0 / products[i] : products[i];
        fail |= lane_to_bits(lane_is_amid(products[i]) ? 0.0 : 1.0);
    }
    for (size_t i = 0; fail && i < some; i++)
        if (!lane_is_amid(products[i]))
            z[i] = lane_pow(x[i], one);
}

/* Each lane to its own: all by logarithms, then those that are products or roots. */
LANE_TARGET static void LANE_NAME(lanes_power_to_each)(const double *x, const double *n, double *z, size_t some)
{
    uint64_t factors[LANES_AT_ONCE], any = 0, roots = 0;
    double products[LANES_AT_ONCE];
    LANE_NAME(lanes_power_by_logarithms)(x, n, z, some);
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        factors[i] = lane_factors(lane_is_of_products(n[i]) ? n[i] : 0.0);
        any |= factors[i];
        roots |= lane_to_bits(lane_is_root(n[i]) ? 1.0 : 0.0);
    }
    if (any) {
        LANE_NAME(lanes_power_by_products)(x, factors, any, 0, products, some);
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const double over = 1.0 / products[i], power = n[i] < 0.0 ? over : products[i];
            const int serves = lane_is_of_products(n[i]) & lane_is_amid(products[i]);
            z[i] = serves ? power : z[i];
        }
    }
    if (roots) {
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const double root = lane_root_power(x[i], n[i]);
            z[i] = lane_is_root(n[i]) ? root : z[i];
        }
    }
}

LANE_TARGET static void LANE_NAME(lanes_power)(const double *x, const double *n, double *z, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = lanes_from(start, count);
        double found[LANES_AT_ONCE];
        if (LANE_NAME(lanes_are_one)(n + start, some))
            LANE_NAME(lanes_power_to_one)(x + start, n + start, found, some);
        else
            LANE_NAME(lanes_power_to_each)(x + start, n + start, found, some);
        memcpy(z + start, found, some * sizeof *z);
    }
}

/* Slopes by x from powers z: where there is less (see LANE_NAME(lanes_bases)()), x ** (y - 1), elsewhere x ** y. */
LANE_TARGET static void LANE_NAME(lanes_slope_from)(const double *x, const double *y, const double *z, double *slope,
                                                    size_t some)
{
    double found[LANES_AT_ONCE];
    uint64_t any = 0;
    const double one = y[0];
    if (LANE_NAME(lanes_are_one)(y, some) && !lane_has_less(one)) {
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const int serves = lane_is_normal(z[i]) & (x[i] != 0.0);
            found[i] = lane_slope_of_power(x[i], one, z[i]);
            any |= lane_to_bits(serves ? 0.0 : 1.0);
        }
        for (size_t i = 0; any && i < some; i++)
            if (!(lane_is_normal(z[i]) & (x[i] != 0.0)))
                found[i] = lane_pow_dx(x[i], one);
    } else {
        uint64_t fails[LANES_AT_ONCE];
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const int less = lane_has_less(y[i]);
            const int serves = less ? lane_is_normal(z[i]) | (x[i] == 0.0) : lane_is_normal(z[i]) & (x[i] != 0.0);
            const double other = lane_slope_of_power(x[i], y[i], z[i]);
            found[i] = y[i] == 0.0 ? 0.0 : less ? y[i] * z[i] : other;
            fails[i] = lane_to_bits(serves ? 0.0 : 1.0);
            any |= fails[i];
        }
        for (size_t i = 0; any && i < some; i++)
            if (fails[i])
                found[i] = lane_pow_dx(x[i], y[i]);
    }
    memcpy(slope, found, some * sizeof *slope);
}

/* What LANE_NAME(lanes_slope_from)() asks for. */
LANE_TARGET static void LANE_NAME(lanes_bases)(const double *x, const double *y, double *z, size_t some)
{
    double exponents[LANES_AT_ONCE];
    LANE_LOOP
    for (size_t i = 0; i < some; i++)
        exponents[i] = lane_has_less(y[i]) ? y[i] - 1.0 : y[i];
    LANE_NAME(lanes_power)(x, exponents, z, some);
}

LANE_TARGET static void LANE_NAME(lanes_pow_dx)(const double *x, const double *y, double *z, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = lanes_from(start, count);
        double bases[LANES_AT_ONCE];
        LANE_NAME(lanes_bases)(x + start, y + start, bases, some);
        LANE_NAME(lanes_slope_from)(x + start, y + start, bases, z + start, some);
    }
}

LANE_TARGET static void LANE_NAME(lanes_pow_less)(const double *x, const double *y, double *z, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = lanes_from(start, count);
        const double *a = x + start, *b = y + start;
        double found[LANES_AT_ONCE];
        uint64_t fails[LANES_AT_ONCE], any = 0;
        LANE_NAME(lanes_bases)(a, b, found, some);
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const int less = lane_has_less(b[i]), normal = lane_is_normal(found[i]);
            const double over = found[i] / a[i];
            found[i] = less ? found[i] : over;
            fails[i] = lane_to_bits((less ? normal | (a[i] == 0.0) : normal & (a[i] != 0.0)) ? 0.0 : 1.0);
            any |= fails[i];
        }
        for (size_t i = 0; any && i < some; i++)
            if (fails[i])
                found[i] = lane_pow_less(a[i], b[i]);
        memcpy(z + start, found, some * sizeof *z);
    }
}

/* pown, power or pow with pow_dx, as one by one; slopes that are made of the value cost a division. Of these pow
 * makes no roots. Results take no operand's place. */
LANE_TARGET static void LANE_NAME(lanes_power_and_slope)(int op, const double *x, const double *y, double *z,
                                                         double *slope, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = lanes_from(start, count);
        const double *a = x + start, *b = y + start;
        const size_t step = LANE_NAME(lanes_are_one)(b, some) ? some : 1;
        int apart = 0;
        for (size_t i = 0; i < some && !apart; i += step)
            apart = lane_has_less(b[i]) | ((op == PG_OP_pow) & lane_is_root(b[i]));
        if (op == PG_OP_pow)
            LANE_NAME(lanes_pow)(a, b, z + start, some);
        else
            LANE_NAME(lanes_power)(a, b, z + start, some);
        if (apart)
            LANE_NAME(lanes_pow_dx)(a, b, slope + start, some);
        else
            LANE_NAME(lanes_slope_from)(a, b, z + start, slope + start, some);
    }
}

LANE_TARGET static void LANE_NAME(lanes_pow_dy)(const double *x, const double *y, double *z, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = lanes_from(start, count);
        const double *a = x + start, *b = y + start;
        double found[LANES_AT_ONCE];
        LANE_NAME(lanes_pow_of_some)(a, b, found, some);
        LANE_LOOP
        for (size_t i = 0; i < some; i++)
            found[i] = lane_pow_dy_of(a[i], b[i], found[i]);
        memcpy(z + start, found, some * sizeof *z);
    }
}

LANE_TARGET static void LANE_NAME(lanes_pow_dxx)(const double *x, const double *y, double *z, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = lanes_from(start, count);
        const double *a = x + start, *b = y + start;
        double less[LANES_AT_ONCE], slope[LANES_AT_ONCE], found[LANES_AT_ONCE];
        uint64_t any = 0;
        LANE_LOOP
        for (size_t i = 0; i < some; i++)
            less[i] = b[i] - 1.0;
        LANE_NAME(lanes_pow_dx)(a, less, slope, some);
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            found[i] = b[i] == 0.0 ? 0.0 : b[i] * slope[i];
            any |= lane_to_bits(fabs(slope[i]) < LANE_INF ? 0.0 : 1.0);
        }
        for (size_t i = 0; any && i < some; i++)
            if (!(fabs(slope[i]) < LANE_INF))
                found[i] = lane_pow_dxx(a[i], b[i]);
        memcpy(z + start, found, some * sizeof *z);
    }
}

#endif
