/* lanegamma.h: the functions of gammas.c, which includes it once for each set of vector instructions. Counts are of whole
 * eights; results stand apart from what they are made of. */

#include "program/lanepowpass.h"
#include "program/lanezeta.h"

/* sum of c[i] * t**i, as Horner has it, for i from degree down to 0, of lanes side by side, as many as keep a processor busy
 * while each waits for its last step. */
LANE_ALWAYS void LANE_NAME(polynomial_of_some)(const double *c, int degree, const double *t, double *sum, int parts)
{
    typedef LANE_NAME(reals) vec;
    vec x[MANY / LANE_WIDTH], y[MANY / LANE_WIDTH];
    for (int k = 0; k < parts; k++) {
        x[k] = ((const vec *)(const void *)t)[k];
        y[k] = 0.0 * x[k];
    }
    for (int i = degree; i >= 0; i--)
        for (int k = 0; k < parts; k++)
            y[k] = y[k] * x[k] + c[i];
    for (int k = 0; k < parts; k++)
        ((vec *)(void *)sum)[k] = y[k];
}

LANE_TARGET static void LANE_NAME(polynomial)(const double *c, int degree, const double *t, double *sum, size_t count)
{
    size_t at = 0;
    for (; at + MANY <= count; at += MANY)
        LANE_NAME(polynomial_of_some)(c, degree, t + at, sum + at, MANY / LANE_WIDTH);
    for (; at < count; at += EIGHT)
        LANE_NAME(polynomial_of_some)(c, degree, t + at, sum + at, EIGHT / LANE_WIDTH);
}

/* The same with c where the mask has all bits, and with other, of no larger degree, where it has none. */
LANE_ALWAYS void LANE_NAME(either_of_some)(const double *c, int degree, const double *other, int other_degree,
                                           const uint64_t *mask, const double *t, double *sum, int parts)
{
    typedef LANE_NAME(reals) vec;
    vec x[MANY / LANE_WIDTH], y[MANY / LANE_WIDTH];
    LANE_NAME(masks) which[MANY / LANE_WIDTH];
    for (int k = 0; k < parts; k++) {
        x[k] = ((const vec *)(const void *)t)[k];
        which[k] = ((const LANE_NAME(masks) *)(const void *)mask)[k];
        y[k] = 0.0 * x[k];
    }
    for (int i = degree; i >= 0; i--) {
        const vec here = c[i] + (vec){0}, there = (i <= other_degree ? other[i] : 0.0) + (vec){0};
        for (int k = 0; k < parts; k++)
            y[k] = y[k] * x[k] + LANE_NAME(chosen)(which[k], here, there);
    }
    for (int k = 0; k < parts; k++)
        ((vec *)(void *)sum)[k] = y[k];
}

LANE_TARGET static void LANE_NAME(either_polynomial)(const double *c, int degree, const double *other, int other_degree,
                                                     const uint64_t *mask, const double *t, double *sum, size_t count)
{
    size_t at = 0;
    for (; at + MANY <= count; at += MANY)
        LANE_NAME(either_of_some)
    (c, degree, other, other_degree, mask + at, t + at, sum + at, MANY / LANE_WIDTH);
    for (; at < count; at += EIGHT)
        LANE_NAME(either_of_some)
    (c, degree, other, other_degree, mask + at, t + at, sum + at, EIGHT / LANE_WIDTH);
}

/* One way to make results z of x, which may read them, too. */
typedef void LANE_NAME(way)(const double *x, double *z, size_t count);

/* Goes it with the lanes that are chosen, where that is 1 and not 0. Unless all are they are put side by side, and behind
 * them the filling up to whole eights. */
LANE_TARGET static void LANE_NAME(go)(LANE_NAME(way) * way, const uint64_t *chosen, double filling, const double *x,
                                      double *z, size_t count)
{
    uint8_t places[LANES_AT_ONCE];
    numbers some = {{0.0}}, found = {{0.0}};
    uint64_t n = 0;
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        n += chosen[i];
    if (n == count)
        way(x, z, count);
    if (n == 0 || n == count)
        return;
    places_of(chosen, count, places);
    for (size_t i = 0; i < n; i++) {
        some.at[i] = x[places[i]];
        found.at[i] = z[places[i]];
    }
    for (size_t i = n; i < whole_eights(n); i++)
        some.at[i] = found.at[i] = filling;
    way(some.at, found.at, whole_eights(n));
    for (size_t i = 0; i < n; i++)
        z[places[i]] = found.at[i];
}

/* Goes the one way with lanes of at least 8 and the other with the rest. */
LANE_TARGET static void LANE_NAME(part)(LANE_NAME(way) * far, LANE_NAME(way) * near, const double *x, double *z,
                                        size_t count)
{
    uint64_t chosen[LANES_AT_ONCE] = {0};
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        chosen[i] = lane_to_bits(x[i] >= 8.0 ? 1.0 : 0.0) >> 61 & 1;
    LANE_NAME(go)(far, chosen, 8.0, x, z, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        chosen[i] ^= 1;
    LANE_NAME(go)(near, chosen, 1.5, x, z, count);
}

/* -- lgamma -------------------------------------------------------------------------------------- */

/* lgamma of a from -1/4 to 8 that is not 0 */
LANE_TARGET static void LANE_NAME(lgamma_near)(const double *a, double *z, size_t count)
{
    numbers d = {{0.0}}, logs = {{0.0}}, tail = {{0.0}};
    uint64_t one[LANES_AT_ONCE] = {0};
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const int first = (a[i] < 0.5) | ((a[i] >= 0.75) & (a[i] < 1.375));
        double t = a[i], product = 1.0;
        for (int k = 0; k < 6; k++) {
            const int on = t >= 2.5;
            t = on ? t - 1.0 : t;
            product = on ? product * t : product;
        }
        logs.at[i] = a[i] < 0.75 ? fabs(a[i]) : product;
        const double near = t < 0.5 ? t : t - 1.0;
        d.at[i] = t < 1.375 ? near : t - 2.0;
        one[i] = first ? ~(uint64_t)0 : 0;
    }
    LANE_NAME(either_polynomial)(SERIES(lgamma_by_one), SERIES(lgamma_by_two), one, d.at, tail.at, count);
    lanes_log(logs.at, logs.at, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const double log = logs.at[i], near = d.at[i] * tail.at[i] + 0.0;
        z[i] = near + (a[i] < 0.75 ? -log : log);
    }
}

LANE_TARGET static void LANE_NAME(lgamma_far)(const double *a, double *z, size_t count)
{
    numbers r, square = {{0.0}}, tail, logs;
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        r.at[i] = 1.0 / a[i];
        square.at[i] = r.at[i] * r.at[i];
    }
    LANE_NAME(polynomial)(SERIES(lgamma_by_stirling), square.at, tail.at, count);
    lanes_log(a, logs.at, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        z[i] = (a[i] - 0.5) * (logs.at[i] - 1.0) + (0.4189385332046727 + r.at[i] * tail.at[i]);
}

/* lgamma of x from z = lgamma(-x) */
LANE_TARGET static void LANE_NAME(lgamma_reflected)(const double *x, double *z, size_t count)
{
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const double part = x[i] - copysign(nearest_of(fabs(x[i])), x[i]);
        const double size = fabs(x[i] * lane_near_sin(3.141592653589793 * part));
        z[i] = lane_log(3.141592653589793 / size) - z[i];
    }
}

LANE_TARGET static void LANE_NAME(lgammas)(const double *x, double *z, size_t count)
{
    numbers a = {{0.0}};
    uint64_t below[LANES_AT_ONCE] = {0};
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        a.at[i] = x[i] < -0.25 ? -x[i] : x[i];
        below[i] = lane_to_bits(x[i] < -0.25 ? 1.0 : 0.0) >> 61 & 1;
    }
    LANE_NAME(part)(LANE_NAME(lgamma_far), LANE_NAME(lgamma_near), a.at, z, count);
    LANE_NAME(go)(LANE_NAME(lgamma_reflected), below, -1.5, x, z, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const int pole = (x[i] <= 0.0) & (nearest_of(fabs(x[i])) == fabs(x[i]));
        const double square = x[i] * x[i], here = pole ? LANE_INF : z[i];
        z[i] = fabs(x[i]) < LANE_INF ? here : square;
    }
}

/* -- digamma ------------------------------------------------------------------------------------- */

/* digamma of a from 0 to 8 */
LANE_TARGET static void LANE_NAME(digamma_near)(const double *a, double *z, size_t count)
{
    numbers t = {{0.0}}, sum = {{0.0}}, from = {{0.0}}, tail = {{0.0}};
    uint64_t any = 0;
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const double over = 1.0 / a[i];
        sum.at[i] = a[i] < 1.0 ? -over : 0.0;
        t.at[i] = a[i] < 1.0 ? 1.0 + a[i] : a[i];
        any |= lane_to_bits(t.at[i] >= 2.5 ? 1.0 : 0.0);
    }
    while (any) {
        any = 0;
        LANE_LOOP
        for (size_t i = 0; i < count; i++) {
            const double less = t.at[i] - 1.0, more = sum.at[i] + 1.0 / less;
            sum.at[i] = t.at[i] >= 2.5 ? more : sum.at[i];
            t.at[i] = t.at[i] >= 2.5 ? less : t.at[i];
            any |= lane_to_bits(t.at[i] >= 2.5 ? 1.0 : 0.0);
        }
    }
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        from.at[i] = t.at[i] - 1.75;
    LANE_NAME(polynomial)(SERIES(digamma_by_root), from.at, tail.at, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        z[i] = ((t.at[i] - 1.4616321449683622) - 9.549995429965697e-17) * tail.at[i] + sum.at[i];
}

LANE_TARGET static void LANE_NAME(digamma_far)(const double *a, double *z, size_t count)
{
    numbers r, square = {{0.0}}, tail, logs;
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        r.at[i] = 1.0 / a[i];
        square.at[i] = r.at[i] * r.at[i];
    }
    LANE_NAME(polynomial)(SERIES(digamma_above_zero), square.at, tail.at, count);
    lanes_log(a, logs.at, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        z[i] = logs.at[i] - (0.5 * r.at[i] + square.at[i] * tail.at[i]);
}

/* digamma of x from z = digamma(1 - x) */
LANE_TARGET static void LANE_NAME(digamma_reflected)(const double *x, double *z, size_t count)
{
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const double near = nearest_of(fabs(x[i])), part = x[i] - copysign(near, x[i]);
        const double reflected = z[i] - 3.141592653589793 / lane_near_tan(3.141592653589793 * part);
        z[i] = near == fabs(x[i]) ? LANE_NAN : reflected;
    }
}

LANE_TARGET static void LANE_NAME(digammas)(const double *x, double *z, size_t count)
{
    numbers a = {{0.0}};
    uint64_t below[LANES_AT_ONCE] = {0};
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        a.at[i] = x[i] < 0.0 ? 1.0 - x[i] : x[i];
        below[i] = lane_to_bits(x[i] < 0.0 ? 1.0 : 0.0) >> 61 & 1;
    }
    LANE_NAME(part)(LANE_NAME(digamma_far), LANE_NAME(digamma_near), a.at, z, count);
    LANE_NAME(go)(LANE_NAME(digamma_reflected), below, -1.5, x, z, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const double end = x[i] < 0.0 ? LANE_NAN : x[i], pole = copysign(LANE_INF, -x[i]);
        const double here = x[i] == 0.0 ? pole : z[i];
        z[i] = fabs(x[i]) < LANE_INF ? here : end;
    }
}

/* -- gamma --------------------------------------------------------------------------------------- */

/* gamma of a >= 1 by the recurrence, of a from 0 to 1 a * gamma(a) */
LANE_TARGET static void LANE_NAME(gamma_near)(const double *a, double *z, size_t count)
{
    numbers t = {{0.0}}, product = {{0.0}}, lost = {{0.0}}, tail = {{0.0}};
    uint64_t any = 0;
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        t.at[i] = a[i];
        product.at[i] = 1.0;
        lost.at[i] = 0.0;
        any |= lane_to_bits(a[i] > 2.0 ? 1.0 : 0.0);
    }
    while (any) {
        any = 0;
        LANE_LOOP
        for (size_t i = 0; i < count; i++) {
            const int on = t.at[i] > 2.0;
            const double less = t.at[i] - 1.0, p = product.at[i];
            const struct lane_pair more = lane_product(p, less);
            const double left = lost.at[i] * less + more.low;
            lost.at[i] = on ? left : lost.at[i];
            product.at[i] = on ? more.high : p;
            t.at[i] = on ? less : t.at[i];
            any |= lane_to_bits(t.at[i] > 2.0 ? 1.0 : 0.0);
        }
    }
    numbers d = {{0.0}};
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        t.at[i] = t.at[i] < 1.0 ? t.at[i] : t.at[i] - 1.0;
        d.at[i] = t.at[i] - 0.5;
    }
    LANE_NAME(polynomial)(SERIES(gamma_by_unit), d.at, tail.at, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const double unit = 1.0 + (t.at[i] * (t.at[i] - 1.0)) * tail.at[i];
        z[i] = product.at[i] * unit + lost.at[i] * unit;
    }
}

/* gamma of a from 8 on by Stirling's series */
LANE_TARGET static void LANE_NAME(gamma_far)(const double *a, double *z, size_t count)
{
    numbers q = {{0.0}}, r = {{0.0}}, tail = {{0.0}};
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        q.at[i] = a[i] / 2.718281828459045;
        r.at[i] = a[i] - 0.5;
    }
    LANE_NAME(lanes_pow)(q.at, r.at, z, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        r.at[i] = 1.0 / a[i];
    LANE_NAME(polynomial)(SERIES(gamma_beside), r.at, tail.at, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const struct lane_pair back = lane_product(q.at[i], 2.718281828459045);
        const double left = (a[i] - back.high) - back.low;
        const double missed = (a[i] - 0.5) * ((left - q.at[i] * 1.4456468917292502e-16) / a[i]);
        const double beside = 1.520346901066281 +
                              1.520346901066281 * (r.at[i] * tail.at[i] + (missed - 6.077249945758854e-17));
        const double found = z[i] * beside;
        z[i] = a[i] > 172.0 ? LANE_INF : found;
    }
}

/* gamma of x below 0 from z = gamma(-x); from z = -x * gamma(-x), where -x is below 1 */
LANE_TARGET static void LANE_NAME(gamma_reflected)(const double *x, double *z, size_t count)
{
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const double a = fabs(x[i]), near = nearest_of(a), half = 0.5 * near;
        const double sine = lane_near_sin(3.141592653589793 * (x[i] - copysign(near, x[i])));
        const double cosecant = 3.141592653589793 / (nearest_of(half) == half ? sine : -sine);
        const double under = a * z[i], reflected = cosecant / (a < 1.0 ? z[i] : under);
        z[i] = near == a ? LANE_NAN : reflected;
    }
}

LANE_TARGET static void LANE_NAME(gamma_functions)(const double *x, double *z, size_t count)
{
    numbers a = {{0.0}};
    uint64_t far[LANES_AT_ONCE] = {0}, near[LANES_AT_ONCE] = {0}, below[LANES_AT_ONCE] = {0}, deep = 0;
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const double size = fabs(x[i]);
        const int beyond = (size >= 8.0) & !((size <= 23.0) & (nearest_of(size) == size));
        a.at[i] = size;
        far[i] = lane_to_bits(beyond ? 1.0 : 0.0) >> 61 & 1;
        near[i] = far[i] ^ 1;
        below[i] = lane_to_bits(x[i] < 0.0 ? 1.0 : 0.0) >> 61 & 1;
        deep |= lane_to_bits(x[i] <= -140.0 ? 1.0 : 0.0);
    }
    LANE_NAME(go)(LANE_NAME(gamma_far), far, 8.0, a.at, z, count);
    LANE_NAME(go)(LANE_NAME(gamma_near), near, 1.5, a.at, z, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const double quotient = z[i] / a.at[i];
        const int here = (x[i] > 0.0) & (x[i] < 1.0);
        z[i] = here ? quotient : z[i];
    }
    LANE_NAME(go)(LANE_NAME(gamma_reflected), below, -1.5, x, z, count);
    for (size_t i = 0; deep && i < count; i++)
        if (x[i] <= -140.0)
            z[i] = gamma_function(x[i]);
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const double over = 1.0 / x[i], end = x[i] < 0.0 ? LANE_NAN : x[i];
        const double here = x[i] == 0.0 ? over : z[i];
        z[i] = fabs(x[i]) < LANE_INF ? here : end;
    }
}

LANE_TARGET static void LANE_NAME(gamma_slopes)(const double *x, double *z, size_t count)
{
    numbers other = {{0.0}};
    uint64_t deep = 0;
    LANE_NAME(gamma_functions)(x, z, count);
    LANE_NAME(digammas)(x, other.at, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        z[i] *= other.at[i];
        deep |= lane_to_bits(x[i] < -140.0 ? 1.0 : 0.0);
    }
    for (size_t i = 0; deep && i < count; i++)
        if (x[i] < -140.0)
            z[i] = gamma_dx(x[i]);
}

/* -- the slope of digamma ------------------------------------------------------------------------ */

/* trigamma_above_zero() of gamma.h, of a > 0 */
LANE_TARGET static void LANE_NAME(trigammas_above)(const double *a, double *z, size_t count)
{
    numbers r = {{0.0}}, square = {{0.0}}, tail = {{0.0}};
    uint64_t any = 0;
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        double terms = 0.0;
        for (int k = 0; k < 3; k++)
            terms += a[i] + k < 3.0 ? 1.0 : 0.0;
        r.at[i] = 1.0 / (a[i] + terms);
        square.at[i] = r.at[i] * r.at[i];
        any |= lane_to_bits(terms);
    }
    LANE_NAME(polynomial)(SERIES(trigamma_above_zero), square.at, tail.at, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        z[i] = r.at[i] + square.at[i] * (0.5 + r.at[i] * tail.at[i]);
    if (!any)
        return;
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const double second = a[i] + 1.0, third = a[i] + 2.0;
        const double with_third = z[i] + 1.0 / (third * third), two = third < 3.0 ? with_third : z[i];
        const double with_second = two + 1.0 / (second * second), one = second < 3.0 ? with_second : two;
        const double with_first = one + (1.0 / a[i]) / a[i];
        z[i] = a[i] < 3.0 ? with_first : one;
    }
}

/* polygamma(1, x) of x from z = polygamma(1, 1 - x) */
LANE_TARGET static void LANE_NAME(trigamma_reflected)(const double *x, double *z, size_t count)
{
    numbers part = {{0.0}}, square = {{0.0}}, tail = {{0.0}};
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        part.at[i] = x[i] - copysign(nearest_of(fabs(x[i])), x[i]);
        square.at[i] = part.at[i] * part.at[i];
    }
    LANE_NAME(polynomial)(SERIES(trigamma), square.at, tail.at, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        z[i] = (1.0 / part.at[i]) / part.at[i] + (tail.at[i] - z[i]);
}

/* polygamma(1, x) */
LANE_TARGET static void LANE_NAME(trigammas)(const double *x, double *z, size_t count)
{
    numbers a = {{0.0}};
    uint64_t below[LANES_AT_ONCE] = {0};
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        a.at[i] = x[i] > 0.0 ? x[i] : 1.0 - x[i];
        below[i] = lane_to_bits(x[i] > 0.0 ? 0.0 : 1.0) >> 61 & 1;
    }
    LANE_NAME(trigammas_above)(a.at, z, count);
    LANE_NAME(go)(LANE_NAME(trigamma_reflected), below, -1.5, x, z, count);
}

/* polygamma(n, x) of x <= 0, or nan, over a factorial with its sign: see polygamma() of gamma.h. */
LANE_TARGET static void LANE_NAME(polygamma_reflected)(double n, const double *x, double *z, size_t count)
{
    numbers above = {{0.0}}, below = {{0.0}}, from = {{0.0}}, part = {{0.0}}, order = {{0.0}};
    const double sign = fmod(n, 2.0) == 1.0 ? 1.0 : -1.0;
    for (size_t i = 0; i < count; i++) {
        part.at[i] = x[i] - copysign(nearest_of(fabs(x[i])), x[i]);
        above.at[i] = 1.0 + part.at[i];
        below.at[i] = 1.0 - part.at[i];
        from.at[i] = 1.0 - x[i];
        order.at[i] = -(n + 1.0);
    }
    LANE_NAME(zetas)(1.0, n + 1.0, above.at, above.at, count);
    LANE_NAME(zetas)(1.0, n + 1.0, below.at, below.at, count);
    LANE_NAME(zetas)(1.0, n + 1.0, from.at, from.at, count);
    LANE_NAME(lanes_pow)(part.at, order.at, z, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        z[i] += above.at[i] + sign * (below.at[i] - from.at[i]);
}

/* The same for all x, n being whole, from 2 to LARGEST_ORDER. */
LANE_TARGET static void LANE_NAME(polygammas_of)(double n, const double *x, double *z, size_t count)
{
    numbers a = {{0.0}}, some = {{0.0}}, found = {{0.0}};
    uint64_t below[LANES_AT_ONCE] = {0}, many = 0;
    uint8_t places[LANES_AT_ONCE];
    double factorial = fmod(n, 2.0) == 1.0 ? 1.0 : -1.0;
    const double end = fmod(n, 2.0) == 1.0 ? 0.0 : -0.0;
    for (double k = 2.0; k <= n; k += 1.0)
        factorial *= k;
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        a.at[i] = x[i] > 0.0 ? x[i] : 300.0; /* without terms */
        below[i] = lane_to_bits(x[i] > 0.0 ? 0.0 : 1.0) >> 61 & 1;
        many += below[i];
    }
    if (many != count)
        LANE_NAME(zetas)(factorial, n + 1.0, a.at, z, count);
    if (many != 0) {
        places_of(below, count, places);
        for (size_t i = 0; i < whole_eights(many); i++)
            some.at[i] = i < many ? x[places[i]] : -1.5;
        LANE_NAME(polygamma_reflected)(n, some.at, found.at, whole_eights(many));
        for (size_t i = 0; i < many; i++)
            z[places[i]] = factorial * found.at[i];
    }
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const double here = x[i] == LANE_INF ? end : z[i];
        z[i] = x[i] == -LANE_INF ? LANE_NAN : here;
    }
}

/* Whether a block has one order, and one for which there are steps that all lanes go. */
LANE_ALWAYS int LANE_NAME(has_one_order)(const double *n, size_t count)
{
    int others = !(n[0] >= 1.0) | !(n[0] <= (double)LARGEST_ORDER) | !lane_is_whole(n[0]);
    for (size_t i = 1; i < count; i++)
        others |= n[i] != n[0];
    return !others;
}

LANE_TARGET void LANE_NAME(pg_polygammas)(const double *n, const double *x, double *z, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = lanes_from(start, count);
        numbers found = {{0.0}};
        if (!LANE_NAME(has_one_order)(n + start, some))
            for (size_t i = 0; i < some; i++)
                found.at[i] = polygamma(n[start + i], x[start + i]);
        else if (n[start] == 1.0)
            LANE_NAME(trigammas)(x + start, found.at, some);
        else
            LANE_NAME(polygammas_of)(n[start], x + start, found.at, some);
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
        numbers found = {{0.0}};
        LANE_NAME(gammas)(op, x + start, found.at, some);
        memcpy(z + start, found.at, some * sizeof *z);
    }
}
