/* lanegammaone.h: gamma, its logarithm and their derivatives on one lane, by the rules of lanemath.h, in the parts that whole
 * blocks go through one after the other (see lanegamma.h).
 *
 * The sequences are not those of gamma.h, which go one step of a recurrence after the other until a series serves: here all
 * lanes go the same few steps. A polynomial serves amid the zeros of lgamma and digamma, one step of the recurrence on either
 * side of it, and Stirling's series from so near on that it has to be an interpolating polynomial. gamma is an exponential of
 * that series, and below it there are eight steps, which make one product. Below 0 are the reflections. */
#ifndef PG_LANEGAMMAONE_H
#define PG_LANEGAMMAONE_H

#include "program/lanegammaseries.h"
#include "program/lanelog.h"
#include "program/lanepowone.h"

#define LANE_GAMMAS_LOW 0.75 /* below it a step up, to what is amid; from LANE_GAMMAS_HIGH on one down */
#define LANE_GAMMAS_HIGH 2.5
#define LANE_GAMMAS_FAR 3.5
#define LANE_GAMMAS_MIDDLE 1.625
#define LANE_GAMMAS_BELOW -0.25 /* below it is the reflection */

/* The constants of the polynomials amid, of which the rest is kept, as they are the most of the sum. */
#define LANE_LGAMMA_AMID 0x1.dcfd339a88006p-2
#define LANE_LGAMMA_AMID_REST -0x1.9b8c95977dd11p-56
#define LANE_DIGAMMA_AMID 0x1.cd9d88c399e19p-1
#define LANE_DIGAMMA_AMID_REST -0x1.b7a73fb1daf36p-60

/* The nearest whole number, halves to even, of an a >= 0. */
LANE_INLINE double lane_whole_near(double a)
{
    return a < 0x1p52 ? (a + 0x1p52) - 0x1p52 : a;
}

/* x less the nearest whole number */
LANE_INLINE double lane_part_of(double x)
{
    return x - copysign(lane_whole_near(fabs(x)), x);
}

/* Whether x is one of -1, -2, ..., which all far below 0 are; nan is none. */
LANE_INLINE int lane_is_pole(double x)
{
    return (x < 0.0) & (lane_whole_near(fabs(x)) == fabs(x));
}

/* How far from 1 the number amid is that an a > -1/4 leads to; 0 where a is far, which leads to none. */
LANE_INLINE double lane_gammas_from_one(double a)
{
    double above = a < LANE_GAMMAS_HIGH ? a - 1.0 : a - 2.0;
    double near = a < LANE_GAMMAS_LOW ? a : above;
    return a < LANE_GAMMAS_FAR ? near : 0.0;
}

/* -- lgamma -------------------------------------------------------------------------------------- */

/* What lgamma of an a > -1/4 takes the logarithm of: a, or the factor of the step. */
LANE_INLINE double lane_lgamma_factor(double a)
{
    double step = a < LANE_GAMMAS_HIGH ? 1.0 : a - 1.0;
    double near = a < LANE_GAMMAS_LOW ? fabs(a) : step;
    return a < LANE_GAMMAS_FAR ? near : a;
}

/* (x - 1) (x - 2) times its factor, d = x - 1, with what all of that rounds away, and the logarithm of the step. */
LANE_INLINE double lane_lgamma_near(double d, struct lane_pair log)
{
    const double c = LANE_LGAMMA_AMID, t = d - (LANE_GAMMAS_MIDDLE - 1.0), p = lane_lgamma_amid(t);
    double add = t * p, q = c + add;
    double q_low = ((c - q) + add) + (fma(t, p, -add) + LANE_LGAMMA_AMID_REST);
    double less = d - 1.0, product = d * less, product_low = fma(d, less, -product) + d * (d - (less + 1.0));
    return fma(product, q, fma(product, q_low, fma(product_low, q, log.low))) + log.high;
}

/* What lgamma and digamma of an a > -1/4 take the reciprocal of: a, or what a step down leads to. */
LANE_INLINE double lane_gammas_step(double a)
{
    return (a < LANE_GAMMAS_HIGH) | (a >= LANE_GAMMAS_FAR) ? a : a - 1.0;
}

/* lgamma of an a > -1/4 that is not 0, from the reciprocal of its step and the logarithm of its factor */
LANE_INLINE double lane_lgamma_above(double a, double r, struct lane_pair log)
{
    const int far = a >= LANE_GAMMAS_FAR;
    double half = a - 0.5;
    double series = fma(r, lane_lgamma_far(far ? r * r : 0.0), 0x1.acfe390c97d69p-2); /* log(2 pi)/2 - 1/2 */
    double by_series = fma(half, log.high - 1.0, fma(half, log.low, series));
    log.high = a < LANE_GAMMAS_LOW ? -log.high : log.high;
    log.low = a < LANE_GAMMAS_LOW ? -log.low : log.low;
    double near = lane_lgamma_near(lane_gammas_from_one(a), log);
    return far ? by_series : near;
}

/* a |sin(pi a)| / pi for a > 0 */
LANE_INLINE double lane_lgamma_sine(double a)
{
    double part = fabs(a - lane_whole_near(a)), square = part * part, product = part * a;
    return fma(product * square, lane_sine_of_pi(square), product);
}

LANE_INLINE struct lane_pair lane_log_twice_of(double x)
{
    struct lane_split y = lane_split(x);
    return lane_log_twice(y.k, y.f, y.f / (2.0 + y.f));
}

/* lgamma of x from z = lgamma(-x) and the logarithm of that sine */
LANE_INLINE double lane_lgamma_reflected(double z, struct lane_pair log)
{
    return (-log.high - z) - log.low;
}

LANE_INLINE double lane_lgamma_ends(double x, double z)
{
    const int pole = lane_is_pole(x) | (x == 0.0);
    double here = pole ? LANE_INF : z, square = x * x;
    return fabs(x) < LANE_INF ? here : square;
}

static inline double lane_lgamma(double x)
{
    const double a = x < LANE_GAMMAS_BELOW ? -x : x;
    double z = lane_lgamma_above(a, 1.0 / lane_gammas_step(a), lane_log_twice_of(lane_lgamma_factor(a)));
    if (x < LANE_GAMMAS_BELOW)
        z = lane_lgamma_reflected(z, lane_log_twice_of(lane_lgamma_sine(a)));
    return lane_lgamma_ends(x, z);
}

/* -- digamma ------------------------------------------------------------------------------------- */

/* The distance of 1 + d from the root times its factor, with what all of that rounds away, and what the step adds. */
LANE_INLINE double lane_digamma_near(double d, double step)
{
    const double root = 0x1.d8b618d5af8fep-2, root_rest = -0x1.1e563779a1f5bp-56; /* less 1 */
    const double c = LANE_DIGAMMA_AMID, t = d - (LANE_GAMMAS_MIDDLE - 1.0), p = lane_digamma_amid(t);
    double add = t * p, q = c + add;
    double q_low = ((c - q) + add) + (fma(t, p, -add) + LANE_DIGAMMA_AMID_REST);
    double from = d - root, from_low = ((d - from) - root) - root_rest;
    return fma(from, q, fma(from, q_low, fma(from_low, q, step)));
}

/* digamma of an a > -1/4 that is not 0, from the same; its logarithm is that of a where one is asked for. */
LANE_INLINE double lane_digamma_above(double a, double r, struct lane_pair log)
{
    const int far = a >= LANE_GAMMAS_FAR;
    double z = far ? r * r : 0.0;
    double by_series = log.high - fma(0.5, r, z * lane_digamma_far(z));
    double up = a < LANE_GAMMAS_HIGH ? 0.0 : r;
    double near = lane_digamma_near(lane_gammas_from_one(a), a < LANE_GAMMAS_LOW ? -r : up);
    return far ? by_series : near;
}

/* digamma of x from z = digamma(1 - x), less pi / tan(pi x) */
LANE_INLINE double lane_digamma_reflected(double x, double z)
{
    double part = lane_part_of(x), r = 1.0 / part;
    double rest = fma(-r, part, 1.0) * r;
    return fma(-part, lane_cotangent_of_pi(part * part), z - rest) - r;
}

LANE_INLINE double lane_digamma_ends(double x, double z)
{
    double end = x < 0.0 ? LANE_NAN : x, pole = copysign(LANE_INF, -x);
    double inner = lane_is_pole(x) ? LANE_NAN : z, here = x == 0.0 ? pole : inner;
    return fabs(x) < LANE_INF ? here : end;
}

static inline double lane_digamma(double x)
{
    const double a = x < LANE_GAMMAS_BELOW ? 1.0 - x : x;
    double z = lane_digamma_above(a, 1.0 / lane_gammas_step(a), lane_log_twice_of(a));
    if (x < LANE_GAMMAS_BELOW)
        z = lane_digamma_reflected(x, z);
    return lane_digamma_ends(x, z);
}

/* -- gamma --------------------------------------------------------------------------------------- */

#define LANE_GAMMA_FAR 7.5
#define LANE_GAMMA_BELOW -0.5
#define LANE_GAMMA_MOST 200.0 /* gamma of it is far beyond the range, and gamma of minus it below */

/* |x| or, where x is a little below 0, x */
LANE_INLINE double lane_gamma_size(double x)
{
    return x < LANE_GAMMA_BELOW ? -x : x;
}

/* Where Stirling's series is taken for an a that is not far: eight steps up. */
LANE_INLINE double lane_gamma_place(double a)
{
    double y = a < LANE_GAMMA_FAR ? a + 8.0 : a;
    return y < LANE_GAMMA_MOST ? y : LANE_GAMMA_MOST;
}

/* What is to be raised to: log(gamma(y)) of y = lane_gamma_place(a), and what y has rounded away of a + 8, for an x that is
 * not below; minus that for one that is. */
LANE_INLINE struct lane_power_place lane_gamma_power(double x, double a, double y, struct lane_pair log)
{
    const double c = 0x1.d67f1c864beb5p-1, c_rest = -0x1.65b5a1b7ff5dfp-55; /* log(2 pi)/2 */
    double r = 1.0 / y, series = lane_gamma_far(r * r);
    struct lane_pair t = lane_times(y - 0.5, log);
    double first = t.high - y, beside = fma(r, series, c), sum = first + beside;
    double low = ((t.high - first) - y) + ((first - sum) + beside);
    low += t.low + (fma(r, series, c - beside) + c_rest);
    double lost = a < LANE_GAMMA_FAR ? a - (y - 8.0) : 0.0;
    low = fma(lost, fma(-0.5, r, log.high), low);
    return lane_power_place_of(x < LANE_GAMMA_BELOW ? -sum : sum, x < LANE_GAMMA_BELOW ? -low : low);
}

/* a (a + 1) ... (a + 7), as u (u + 6) (u + 10) (u + 12) with u = a (a + 7) */
LANE_INLINE struct lane_pair lane_gamma_steps(double a)
{
    double last = a + 7.0, u = a * last, low = fma(a, last, -u) + a * (a - (last - 7.0));
    double second = u + 6.0, third = u + 10.0, fourth = u + 12.0;
    const struct lane_pair p = {u, low}, q = {second, low + (u - (second - 6.0))};
    const struct lane_pair r = {third, low + (u - (third - 10.0))}, s = {fourth, low + (u - (fourth - 12.0))};
    return lane_times_pair(lane_times_pair(p, q), lane_times_pair(r, s));
}

/* gamma of x over a power of two, from the power's factor: that times 1, over the steps where a is near; and for an x that is
 * below, gamma(x) gamma(a) being pi / (a sin(pi x)), times the steps over a sin(pi x) / pi. */
LANE_INLINE struct lane_pair lane_gamma_factor(double x, double a, struct lane_pair factor)
{
    const int below = x < LANE_GAMMA_BELOW, near = a < LANE_GAMMA_FAR;
    struct lane_pair steps = lane_gamma_steps(a);
    steps.high = near ? steps.high : 1.0;
    steps.low = near ? steps.low : 0.0;
    double part = a - lane_whole_near(a), square = part * part, product = part * a;
    double sine = fma(product * square, lane_sine_of_pi(square), product);
    sine = lane_from_bits(lane_to_bits(sine) ^ ~lane_to_bits(a + 0x1p52) << 63); /* less from an even number on */
    double above = below ? steps.high : 1.0, above_left = below ? steps.low : 0.0;
    double under = below ? sine : steps.high, under_left = below ? 0.0 : steps.low;
    double r = 1.0 / under, q = above * r;
    double left = fma(-q, under_left, fma(-q, under, above) + above_left);
    double low = fma(factor.low, q, factor.high * (r * left)), high = fma(factor.high, q, low);
    return (struct lane_pair){high, fma(factor.high, q, -high) + low};
}

/* At a pole below 0 z is nan already. By 0 gamma is 1 / x, which is too large from 2**-1024 on, where the steps' reciprocal may
 * be, too. */
LANE_INLINE double lane_gamma_ends(double x, double z)
{
    double end = x < 0.0 ? LANE_NAN : x, here = fabs(x) <= 0x1p-1024 ? copysign(LANE_INF, x) : z;
    return fabs(x) < LANE_INF ? here : end;
}

/* Factorials are exact: whether gamma(x) is one that a double holds, and which. */
LANE_INLINE int lane_is_factorial(double x)
{
    return (x >= 1.0) & (x <= 23.0) & (lane_whole_near(fabs(x)) == x);
}

static inline double lane_factorial(double x)
{
    double product = 1.0;
    for (double k = 2.0; k < x; k += 1.0)
        product *= k;
    return product;
}

struct lane_scaled_pair {
    struct lane_pair factor;
    double product;
    uint64_t bits;
};

static inline struct lane_scaled_pair lane_gamma_parts(double x)
{
    const double a = lane_gamma_size(x), y = lane_gamma_place(a);
    struct lane_log_place at = lane_log_place(y);
    struct lane_power_place to = lane_gamma_power(x, a, y, lane_log_pair(at, lane_log_rows[at.row]));
    const struct lane_pair power = lane_power_pair(to.r, lane_exp_rows[to.bits & 127]);
    return (struct lane_scaled_pair){lane_gamma_factor(x, a, power), to.product, to.bits};
}

static inline double lane_gamma(double x)
{
    if (lane_is_factorial(x))
        return lane_factorial(x);
    const struct lane_scaled_pair z = lane_gamma_parts(x);
    return lane_gamma_ends(x, lane_scaled(z.factor.high, z.product, z.bits));
}

/* A number times a pair, rounded once. */
LANE_INLINE double lane_of_pair(double x, struct lane_pair y)
{
    return fma(x, y.high, x * y.low);
}

/* gamma(x) digamma(x), scaled last: by a pole far below 0 gamma(x) is less than the smallest number. By 0 it is -1 / x**2. */
LANE_INLINE double lane_gamma_dx_ends(double x, double z)
{
    double end = x < 0.0 ? LANE_NAN : x, here = fabs(x) <= 0x1p-512 ? -LANE_INF : z;
    return fabs(x) < LANE_INF ? here : end;
}

static inline double lane_gamma_dx(double x)
{
    const struct lane_scaled_pair z = lane_gamma_parts(x);
    return lane_gamma_dx_ends(x, lane_scaled(lane_of_pair(lane_digamma(x), z.factor), z.product, z.bits));
}

/* -- polygamma of the first orders --------------------------------------------------------------- */

enum { LANE_ORDERS = 3 };

#define LANE_POLYGAMMA_FAR 3.0

/* (n - 1)!, n! / 2 and n!, by which it begins far out, and its terms are made */
LANE_INLINE double lane_factorial_below(const int n)
{
    return n == 3 ? 2.0 : 1.0;
}

LANE_INLINE double lane_factorial_of(const int n)
{
    return n == 3 ? 6.0 : n == 2 ? 2.0 : 1.0;
}

/* r**n and what it rounds away, n from 1 to 4 */
LANE_INLINE struct lane_pair lane_small_power(double r, const int n)
{
    struct lane_pair square = lane_product(r, r);
    if (n == 1)
        return (struct lane_pair){r, 0.0};
    if (n == 3)
        return lane_times(r, square);
    return n == 2 ? square : lane_times_pair(square, square);
}

/* (x + left) ** -n, infinite where it is too large */
LANE_INLINE struct lane_pair lane_small_power_below(double x, double left, const int n)
{
    double r = 1.0 / x, missed = n * fma(-r, left, fma(-r, x, 1.0));
    struct lane_pair z = lane_small_power(r, n);
    double low = fma(z.high, missed, z.low);
    return (struct lane_pair){z.high, fabs(z.high) < LANE_INF ? low : 0.0};
}

LANE_INLINE double lane_polygamma_series(double z, const int n)
{
    return n == 1 ? lane_polygamma_1_far(z) : n == 2 ? lane_polygamma_2_far(z) : lane_polygamma_3_far(z);
}

/* |polygamma(n, x)| of x > 0: the first three terms of its sum where x is not far, and the rest by the series. */
LANE_INLINE double lane_polygamma_above(double x, const int n)
{
    const int near = x < LANE_POLYGAMMA_FAR;
    const double lead = lane_factorial_below(n), all = lane_factorial_of(n);
    double y = near ? x + 3.0 : x, r = 1.0 / y, missed = n * fma(-r, y, 1.0);
    struct lane_pair p = lane_small_power(r, n);
    double t = r * fma(r, lane_polygamma_series(r * r, n), 0.5 * all);
    double rest = fma(lead, p.high, fma(p.high, t, lead * fma(p.high, missed, p.low)));
    double second = x + 1.0, third = x + 2.0;
    double b = lane_small_power(second, n + 1).high, c = lane_small_power(third, n + 1).high;
    struct lane_pair first = lane_small_power_below(x, 0.0, n + 1);
    double others = fma(all, (b + c) / (b * c), rest);
    double sum = fma(all, first.high, fma(all, first.low, others));
    return near ? sum : rest;
}

/* That of cubes over all whole numbers is 0 amid two of them: with q the distance of the next one, q**-3 - (1 - q)**-3 as pairs,
 * and a multiple of 1 - 2 q. */
LANE_INLINE double lane_polygamma_2_below(double part, double z)
{
    double q = fabs(part), away = 1.0 - q, distance = fma(-2.0, q, 1.0), sign = copysign(1.0, part);
    struct lane_pair first = lane_small_power_below(q, 0.0, 3);
    struct lane_pair second = lane_small_power_below(away, (1.0 - away) - q, 3);
    double about = first.high - second.high, low = ((first.high - about) - second.high) + (first.low - second.low);
    double rest = fma(distance, lane_polygamma_2_apart(distance * distance), about < LANE_INF ? 2.0 * low : 0.0);
    return fma(2.0 * sign, about, z) + sign * rest;
}

/* Of x <= 0, or nan, from z of 1 - x: a sum over all whole numbers, less what stands below 0. */
LANE_INLINE double lane_polygamma_below(double x, double z, const int n)
{
    const double all = lane_factorial_of(n);
    double part = lane_part_of(x), square = part * part;
    if (n == 2)
        return lane_polygamma_2_below(part, z);
    struct lane_pair first = lane_small_power_below(part, 0.0, n + 1);
    double beside = n == 1 ? lane_polygamma_1_beside(square) : lane_polygamma_3_beside(square);
    return fma(all, first.high, fma(all, first.low, beside - z));
}

/* Poles below 0 are nan, as digamma is there. */
LANE_INLINE double lane_polygamma_reflected(double x, double z, const int n)
{
    double found = lane_polygamma_below(x, z, n);
    return lane_is_pole(x) ? LANE_NAN : found;
}

LANE_INLINE double lane_polygamma_ends(double x, double z, const int n)
{
    double here = x == LANE_INF ? 0.0 : z;
    return n == 2 ? -here : here;
}

LANE_INLINE double lane_polygamma_of(double x, const int n)
{
    const int above = x > 0.0;
    double z = lane_polygamma_above(above ? x : 1.0 - x, n);
    if (!above)
        z = lane_polygamma_reflected(x, z, n);
    return lane_polygamma_ends(x, z, n);
}

#endif
