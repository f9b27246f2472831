/* lanegamma.h: the functions of gammas.c, which includes it once for each set of vector instructions. Counts are of whole
 * eights; results stand apart from what they are made of. Each part of the work is done by all lanes before the next one begins,
 * as in laneexp.h. */

#include "program/lanepowpass.h"

/* Whether one is less than a bound. */
LANE_ALWAYS int LANE_NAME(some_are_below)(const double *x, size_t count, double bound)
{
    uint64_t some = 0;
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        some |= lane_to_bits(x[i] < bound ? 1.0 : 0.0);
    return some != 0;
}

#include "program/lanepolygamma.h"

/* Numbers as logarithms begin with them. */
struct LANE_NAME(splits) { numbers k, f, s; };

LANE_ALWAYS void LANE_NAME(split)(struct LANE_NAME(splits) * to, double x, size_t i)
{
    const struct lane_split y = lane_split(x);
    to->k.at[i] = y.k;
    to->f.at[i] = y.f;
    to->s.at[i] = y.f / (2.0 + y.f);
}

LANE_ALWAYS struct lane_pair LANE_NAME(log_of)(const struct LANE_NAME(splits) * of, size_t i)
{
    return lane_log_twice(of->k.at[i], of->f.at[i], of->s.at[i]);
}

/* -- lgamma -------------------------------------------------------------------------------------- */

LANE_TARGET static void LANE_NAME(lgammas_reflected)(const double *x, double *z, size_t count)
{
    struct LANE_NAME(splits) of;
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        LANE_NAME(split)(&of, lane_lgamma_sine(fabs(x[i])), i);
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const double found = lane_lgamma_reflected(z[i], LANE_NAME(log_of)(&of, i));
        z[i] = x[i] < LANE_GAMMAS_BELOW ? found : z[i];
    }
}

/* What lgamma and digamma of the same numbers both begin with. */
struct LANE_NAME(begun) {
    struct LANE_NAME(splits) of;
    numbers a, r;
};

LANE_TARGET static void LANE_NAME(lgammas)(const double *x, double *z, size_t count)
{
    struct LANE_NAME(begun) y;
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        y.a.at[i] = x[i] < LANE_GAMMAS_BELOW ? -x[i] : x[i];
        y.r.at[i] = 1.0 / lane_gammas_step(y.a.at[i]);
        LANE_NAME(split)(&y.of, lane_lgamma_factor(y.a.at[i]), i);
    }
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        z[i] = lane_lgamma_above(y.a.at[i], y.r.at[i], LANE_NAME(log_of)(&y.of, i));
    if (LANE_NAME(some_are_below)(x, count, LANE_GAMMAS_BELOW))
        LANE_NAME(lgammas_reflected)(x, z, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        z[i] = lane_lgamma_ends(x[i], z[i]);
}

/* -- digamma ------------------------------------------------------------------------------------- */

LANE_TARGET static void LANE_NAME(digammas)(const double *x, double *z, size_t count)
{
    struct LANE_NAME(begun) y;
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        y.a.at[i] = x[i] < LANE_GAMMAS_BELOW ? 1.0 - x[i] : x[i];
        y.r.at[i] = 1.0 / lane_gammas_step(y.a.at[i]);
        LANE_NAME(split)(&y.of, y.a.at[i], i);
    }
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        z[i] = lane_digamma_above(y.a.at[i], y.r.at[i], LANE_NAME(log_of)(&y.of, i));
    if (LANE_NAME(some_are_below)(x, count, LANE_GAMMAS_BELOW)) {
        LANE_LOOP
        for (size_t i = 0; i < count; i++) {
            const double found = lane_digamma_reflected(x[i], z[i]);
            z[i] = x[i] < LANE_GAMMAS_BELOW ? found : z[i];
        }
    }
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        z[i] = lane_digamma_ends(x[i], z[i]);
}

/* lgamma and digamma: where none is reflected one logarithm and one reciprocal serve both. */
LANE_TARGET static void LANE_NAME(lgammas_and_slopes)(const double *x, double *z, double *slope, size_t count)
{
    struct LANE_NAME(begun) y;
    if (LANE_NAME(some_are_below)(x, count, LANE_GAMMAS_BELOW)) {
        LANE_NAME(lgammas)(x, z, count);
        LANE_NAME(digammas)(x, slope, count);
        return;
    }
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        y.r.at[i] = 1.0 / lane_gammas_step(x[i]);
        LANE_NAME(split)(&y.of, lane_lgamma_factor(x[i]), i);
    }
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const struct lane_pair log = LANE_NAME(log_of)(&y.of, i);
        z[i] = lane_lgamma_ends(x[i], lane_lgamma_above(x[i], y.r.at[i], log));
        slope[i] = lane_digamma_above(x[i], y.r.at[i], log);
    }
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        slope[i] = lane_digamma_ends(x[i], slope[i]);
}

/* -- gamma --------------------------------------------------------------------------------------- */

/* gamma before it is scaled. */
struct LANE_NAME(gamma_parts) {
    numbers high, low, product;
    uint64_t bits[LANES_AT_ONCE];
};

LANE_TARGET static void LANE_NAME(gammas_unscaled)(const double *x, struct LANE_NAME(gamma_parts) * to, size_t count)
{
    numbers y, k, m, r, first, second, third;
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        y.at[i] = lane_gamma_place(lane_gamma_size(x[i]));
        const struct lane_log_place at = lane_log_place(y.at[i]);
        k.at[i] = at.k;
        m.at[i] = at.m;
        to->bits[i] = at.row;
    }
    LANE_NAME(look_up_logs)(to->bits, first.at, second.at, third.at, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const struct lane_log_row row = {first.at[i], second.at[i], third.at[i]};
        const struct lane_pair log = lane_log_pair((struct lane_log_place){k.at[i], m.at[i], 0}, row);
        const struct lane_power_place at = lane_gamma_power(x[i], lane_gamma_size(x[i]), y.at[i], log);
        to->product.at[i] = at.product;
        r.at[i] = at.r;
        to->bits[i] = at.bits;
    }
    LANE_NAME(look_up_powers)(to->bits, first.at, second.at, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const struct lane_exp_row row = {first.at[i], second.at[i]};
        const struct lane_pair power = lane_power_pair(r.at[i], row);
        const struct lane_pair factor = lane_gamma_factor(x[i], lane_gamma_size(x[i]), power);
        to->high.at[i] = factor.high;
        to->low.at[i] = factor.low;
    }
}

LANE_ALWAYS void LANE_NAME(gammas_scaled)(const double *x, const struct LANE_NAME(gamma_parts) * of, double *z,
                                          size_t count)
{
    uint64_t factorials = 0;
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        z[i] = lane_gamma_ends(x[i], lane_scaled(of->high.at[i], of->product.at[i], of->bits[i]));
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        factorials |= lane_to_bits(lane_is_factorial(x[i]) ? 1.0 : 0.0);
    for (size_t i = 0; factorials && i < count; i++)
        if (lane_is_factorial(x[i]))
            z[i] = lane_factorial(x[i]);
}

LANE_ALWAYS void LANE_NAME(gamma_slopes_scaled)(const double *x, const struct LANE_NAME(gamma_parts) * of,
                                                double *slope, size_t count)
{
    LANE_NAME(digammas)(x, slope, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const struct lane_pair factor = {of->high.at[i], of->low.at[i]};
        const double product = lane_of_pair(slope[i], factor);
        slope[i] = lane_gamma_dx_ends(x[i], lane_scaled(product, of->product.at[i], of->bits[i]));
    }
}

LANE_TARGET static void LANE_NAME(gamma_functions)(const double *x, double *z, size_t count)
{
    struct LANE_NAME(gamma_parts) of;
    LANE_NAME(gammas_unscaled)(x, &of, count);
    LANE_NAME(gammas_scaled)(x, &of, z, count);
}

LANE_TARGET static void LANE_NAME(gamma_slopes)(const double *x, double *slope, size_t count)
{
    struct LANE_NAME(gamma_parts) of;
    LANE_NAME(gammas_unscaled)(x, &of, count);
    LANE_NAME(gamma_slopes_scaled)(x, &of, slope, count);
}

LANE_TARGET static void LANE_NAME(gammas_and_slopes)(const double *x, double *z, double *slope, size_t count)
{
    struct LANE_NAME(gamma_parts) of;
    LANE_NAME(gammas_unscaled)(x, &of, count);
    LANE_NAME(gammas_scaled)(x, &of, z, count);
    LANE_NAME(gamma_slopes_scaled)(x, &of, slope, count);
}

/* -- polygamma ----------------------------------------------------------------------------------- */

/* Of one of the first orders. */
LANE_ALWAYS void LANE_NAME(polygammas_first)(const double *x, double *z, size_t count, const int n)
{
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        z[i] = lane_polygamma_above(x[i] > 0.0 ? x[i] : 1.0 - x[i], n);
    if (LANE_NAME(some_are_below)(x, count, 0x1p-1074)) {
        LANE_LOOP
        for (size_t i = 0; i < count; i++) {
            const double found = lane_polygamma_reflected(x[i], z[i], n);
            z[i] = x[i] > 0.0 ? z[i] : found;
        }
    }
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        z[i] = lane_polygamma_ends(x[i], z[i], n);
}

/* No case of a switch has a whole such loop. */
#define FIRST_ORDER(n) \
    LANE_TARGET static void LANE_NAME(polygammas_##n)(const double *x, double *z, size_t count) \
    { \
        LANE_NAME(polygammas_first)(x, z, count, n); \
    }
FIRST_ORDER(1)
FIRST_ORDER(2)
FIRST_ORDER(3)
#undef FIRST_ORDER

/* Whether a block has one order, and one for which there are steps that all lanes go. */
LANE_ALWAYS int LANE_NAME(has_one_order)(const double *n, size_t count)
{
    int others = !(n[0] >= 1.0) | !(n[0] <= (double)LANE_ORDERS_LAST) | !lane_is_whole(n[0]);
    for (size_t i = 1; i < count; i++)
        others |= n[i] != n[0];
    return !others;
}

LANE_TARGET static void LANE_NAME(polygammas)(const double *n, const double *x, double *z, size_t count)
{
    if (!LANE_NAME(has_one_order)(n, count))
        for (size_t i = 0; i < count; i++)
            z[i] = polygamma(n[i], x[i]);
    else if (n[0] == 1.0)
        LANE_NAME(polygammas_1)(x, z, count);
    else if (n[0] == 2.0)
        LANE_NAME(polygammas_2)(x, z, count);
    else if (n[0] == 3.0)
        LANE_NAME(polygammas_3)(x, z, count);
    else
        LANE_NAME(polygammas_of_order)(n[0], x, z, count);
}

LANE_TARGET void LANE_NAME(pg_polygammas)(const double *n, const double *x, double *z, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = lanes_from(start, count);
        numbers found;
        LANE_NAME(polygammas)(n + start, x + start, found.at, some);
        memcpy(z + start, found.at, some * sizeof *z);
    }
}

/* -- by op --------------------------------------------------------------------------------------- */

LANE_TARGET static void LANE_NAME(gammas)(int op, const double *x, double *z, size_t count)
{
    switch (op) {
    case PG_OP_lgamma:
        LANE_NAME(lgammas)(x, z, count);
        break;
    case PG_OP_digamma:
        LANE_NAME(digammas)(x, z, count);
        break;
    case PG_OP_gamma:
        LANE_NAME(gamma_functions)(x, z, count);
        break;
    default: /* gamma_dx */
        LANE_NAME(gamma_slopes)(x, z, count);
    }
}

LANE_TARGET void LANE_NAME(pg_gammas)(int op, const double *x, double *z, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = lanes_from(start, count);
        numbers found;
        LANE_NAME(gammas)(op, x + start, found.at, some);
        memcpy(z + start, found.at, some * sizeof *z);
    }
}

/* gamma with gamma_dx, or lgamma with digamma */
LANE_TARGET void LANE_NAME(pg_gammas_and_slopes)(int op, const double *x, double *z, double *slope, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = lanes_from(start, count);
        if (op == PG_OP_gamma)
            LANE_NAME(gammas_and_slopes)(x + start, z + start, slope + start, some);
        else
            LANE_NAME(lgammas_and_slopes)(x + start, z + start, slope + start, some);
    }
}
