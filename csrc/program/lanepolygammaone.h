/* lanepolygammaone.h: polygamma of the orders from 4 on, on one lane, by the rules of lanemath.h, in the parts that whole blocks
 * go through one after the other (see lanepolygamma.h).
 *
 * polygamma(n, x) is n! zeta(n + 1, x) with a sign, zeta being Hurwitz's. No term of its sum but the first is computed. Near 0
 * all others are a polynomial, of x / (x + c) as that takes the poles at -1, -2, ... far away. From lane_order.far on the whole
 * sum is (n - 1)! a**-n with a factor, which is a polynomial of 1 / a**2 for a = x - 1/2: the midpoint form of Euler's and
 * Maclaurin's sum, which has even powers only. Coefficients depend on the order; lanes of one block share them.
 *
 * Below 0 it is the sum over all whole numbers less that above, with q the distance of the next whole number:
 * q**-s +- (1 - q)**-s, to twice a double's digits as the two cancel amid whole numbers where the sign is minus, and what is
 * farther apart: Taylor's series amid, a polynomial of (1 - 2 q)**2 without a change of sign.
 *
 * Powers are those of a reciprocal's significand, so that no step is too large or too small where the result is not. */
#ifndef PG_LANEPOLYGAMMAONE_H
#define PG_LANEPOLYGAMMAONE_H

#include "program/lanegammaone.h"
#include "program/lanepolygammaseries.h"

/* What lanes of one order share. */
struct lane_order {
    unsigned n;
    double far; /* where the polynomial of 1 / a**2 begins */
    double beside, near_factor; /* c, and what makes 1 - t of (far - x) / (x + c) */
    double far_factor; /* the first a */
    double exponent; /* of factorials, which are over 2**exponent */
    struct lane_pair factorial, factorial_below; /* n!, (n - 1)! */
    double near[LANE_NEAR_TERMS], far_terms[LANE_FAR_TERMS];
};

LANE_INLINE int lane_is_order(double n)
{
    return n >= (double)LANE_ORDERS_FIRST && n <= (double)LANE_ORDERS_LAST && (n + 0x1p52) - 0x1p52 == n;
}

/* Chebyshev's polynomials of the place of an order among those from the first on: from 1 to -1, linear in 1 / (n + 3) */
LANE_INLINE void lane_order_weights(double n, double first, double *weights)
{
    const double last = LANE_ORDERS_LAST;
    const double place = 2.0 * ((last - n) * (first + 3.0)) / ((last - first) * (n + 3.0)) - 1.0;
    weights[0] = 1.0;
    weights[1] = place;
    for (int i = 2; i < LANE_ORDER_TERMS; i += 2) {
        const double half = weights[i / 2], next = i == 2 ? 2.0 * place * place - 1.0 : weights[i / 2 + 1];
        weights[i] = 2.0 * half * half - 1.0;
        weights[i + 1] = 2.0 * half * next - place;
    }
}

LANE_INLINE double lane_exponent_of(double x)
{
    return lane_from_bits((lane_to_bits(x) >> 52 & 0x7ff) | 0x4330000000000000) - (0x1p52 + 1023.0);
}

LANE_INLINE void lane_order_factorials(struct lane_order *of)
{
    struct lane_pair product = {1.0, 0.0};
    for (unsigned k = 2; k < of->n; k++) {
        const struct lane_pair next = {product.high * k, product.low * k};
        product = k < 23 ? next : lane_times(k, product); /* 22! is exact */
    }
    of->exponent = lane_exponent_of(product.high);
    const double over = lane_power_of_two(-of->exponent);
    of->factorial_below = (struct lane_pair){product.high * over, product.low * over};
    of->factorial = lane_times(of->n, of->factorial_below);
}

/* All but the coefficients */
LANE_INLINE void lane_order_begin(struct lane_order *of, double n)
{
    const int smooth = n >= (double)LANE_ORDERS_SMOOTH;
    const double least = smooth ? (n - 8.0) / 72.0 : 0.0; /* below it the other terms are too small to count */
    of->n = (unsigned)n;
    of->far = 0.375 * n + 2.5;
    of->far_factor = of->far - 0.5;
    of->beside = smooth ? 0.1875 * n : 2.5;
    of->near_factor = 2.0 * (least + of->beside) / (of->far - least);
    lane_order_factorials(of);
}

/* The coefficients of what is farther apart than q and 1 - q, of n!: 2 (2/3)**s n! times those of Taylor's series about 3/2, in
 * powers of (1 - 2 q)**2. From LANE_ORDERS_ALONE on they are nothing beside q**-s. */
LANE_INLINE void lane_order_apart(const struct lane_order *of, double *apart)
{
    const unsigned odd = of->n % 2 == 0; /* s is, and so are the powers */
    const double s = of->n + 1.0;
    const size_t from = of->n + odd - LANE_ORDERS_FIRST;
    double factor = of->n < LANE_ORDERS_ALONE ? 4.0 / 3.0 : 0.0, steps[LANE_APART_TERMS];
    for (int i = 0; i < LANE_APART_TERMS; i++) {
        const double j = odd + 2.0 * i;
        steps[i] = ((s + j) * (s + j + 1.0)) / (9.0 * (j + 1.0) * (j + 2.0));
    }
    for (unsigned k = 1; k <= of->n && k < LANE_ORDERS_ALONE; k++)
        factor *= k * (2.0 / 3.0);
    factor *= odd ? s / 3.0 : 1.0;
    for (size_t i = 0; i < LANE_APART_TERMS; i++) {
        apart[i] = factor * (of->n < LANE_ORDERS_ALONE ? lane_zeta_of_halves[from + 2 * i] : 0.0);
        factor *= steps[i];
    }
}

/* -- parts of one lane --------------------------------------------------------------------------- */

/* 1 / x = r, or to more digits 2**k times the pair, for an x >= 0 */
struct lane_reciprocal {
    double r, k;
    struct lane_pair part;
};

/* Of x + low. Where r is infinite, or less than a normal number, its powers are beyond the range whatever the pair is. */
LANE_INLINE struct lane_reciprocal lane_reciprocal(double x, double low)
{
    double r = 1.0 / x, missed = fma(-r, low, fma(-r, x, 1.0));
    double m = lane_from_bits((lane_to_bits(r) & 0x000fffffffffffff) | 0x3ff0000000000000);
    double rest = r < LANE_INF ? m * missed : 0.0;
    return (struct lane_reciprocal){r, lane_exponent_of(r), {m, rest}};
}

/* What a sum over x + low + k, k = 0, 1, ..., begins with: 1 / x or, far, 1 / a, and where the polynomials are taken. */
struct lane_sum_place {
    struct lane_reciprocal over;
    double near, far;
};

LANE_INLINE struct lane_sum_place lane_sum_place(const struct lane_order *of, double x, double low)
{
    const int far = x >= of->far;
    double a = x - 0.5, left = (x - a) - 0.5;
    struct lane_reciprocal over = lane_reciprocal(far ? a : x, low + (far ? left : 0.0));
    double near = fma(-of->near_factor, (of->far - x) / (x + of->beside), 1.0), part = of->far_factor * over.r;
    return (struct lane_sum_place){over, near < -1.0 ? -1.0 : near, fma(part, 2.0 * part, -1.0)};
}

/* A number, which is a sum, times a power of two. */
struct lane_scaled_sum {
    struct lane_pair sum;
    double exponent;
};

/* n! times the sum, from the n-th power of the pair and the two polynomials */
LANE_INLINE struct lane_scaled_sum lane_sum_above(const struct lane_order *of, double x,
                                                  const struct lane_reciprocal over, struct lane_pair power,
                                                  double near, double far_value)
{
    const int far = x >= of->far;
    struct lane_pair step = {far ? 1.0 : over.part.high, far ? 0.0 : over.part.low};
    struct lane_pair factor = {far ? of->factorial_below.high : of->factorial.high,
                               far ? of->factorial_below.low : of->factorial.low};
    struct lane_pair first = lane_times_pair(power, lane_times_pair(step, factor));
    double more = far ? far_value : near, others = fma(first.high, more, fma(first.low, more, first.low));
    double sum = first.high + others;
    double times = far ? (double)of->n : (double)of->n + 1.0;
    return (struct lane_scaled_sum){{sum, (first.high - sum) + others}, fma(over.k, times, of->exponent)};
}

LANE_INLINE double lane_scaled_by(double x, double exponent)
{
    return lane_scale(x, lane_clamp(exponent, -1400.0, 1400.0));
}

/* 1 - x, and what the difference has rounded away (Knuth). */
LANE_INLINE struct lane_pair lane_one_less(double x)
{
    double sum = 1.0 - x, part = sum - 1.0;
    return (struct lane_pair){sum, (1.0 - (sum - part)) - (x + part)};
}

/* n! (q**-s +- (1 - q)**-s) from the powers of both, plus for an odd n */
LANE_INLINE struct lane_scaled_sum lane_sum_about(const struct lane_order *of, double k, double k_other,
                                                  struct lane_pair power, struct lane_pair other)
{
    const double s = of->n + 1.0, down = lane_power_of_two(lane_clamp((k_other - k) * s, -1000.0, 0.0));
    const double factor = of->n % 2 ? down : -down, second = other.high * factor, sum = power.high + second;
    const struct lane_pair both = {sum, ((power.high - sum) + second) + fma(other.low, factor, power.low)};
    return (struct lane_scaled_sum){lane_times_pair(both, of->factorial), fma(k, s, of->exponent)};
}

/* polygamma of an x <= 0, or nan, from the part of x beside a whole number, the sum about it, the polynomial of what is farther
 * apart, and the sum above: both sums scaled, as pairs */
LANE_INLINE double lane_sum_below(const struct lane_order *of, double part, struct lane_pair about, double apart,
                                  struct lane_pair above)
{
    const double distance = fma(-2.0, fabs(part), 1.0), beside = of->n % 2 ? apart : apart * distance;
    const double sign = of->n % 2 ? 1.0 : -copysign(1.0, part);
    double rest = (fabs(about.high) < LANE_INF ? about.low : 0.0) + beside;
    return fma(sign, about.high, -above.high) + fma(sign, rest, -above.low);
}

LANE_INLINE double lane_polygamma_order_ends(const struct lane_order *of, double x, double z)
{
    double here = x == LANE_INF ? 0.0 : z, signed_here = of->n % 2 || x <= 0.0 ? here : -here;
    return lane_is_pole(x) ? LANE_NAN : signed_here;
}

/* -- one lane ------------------------------------------------------------------------------------ */

/* A whole power, from 1 on */
static inline struct lane_pair lane_whole_power(struct lane_pair x, unsigned n)
{
    for (; n % 2 == 0; n /= 2)
        x = lane_times_pair(x, x);
    struct lane_pair product = x;
    while (n /= 2) {
        x = lane_times_pair(x, x);
        if (n % 2)
            product = lane_times_pair(product, x);
    }
    return product;
}

static inline void lane_order_terms(const double *weights, const double *table, int width, double *terms)
{
    for (int k = 0; k < width; k++) {
        double sum = 0.0;
        for (int i = 0; i < LANE_ORDER_TERMS; i++)
            sum += weights[i] * table[i * width + k];
        terms[k] = sum;
    }
}

/* How many there are near 0: the first orders need fewer. */
LANE_INLINE int lane_near_count(const struct lane_order *of)
{
    return of->n < LANE_ORDERS_SMOOTH ? LANE_FIRST_NEAR_TERMS : LANE_NEAR_TERMS;
}

/* The coefficients near 0, and far. */
static inline void lane_near_terms(struct lane_order *of)
{
    double weights[LANE_ORDER_TERMS];
    if (of->n < LANE_ORDERS_SMOOTH) {
        memcpy(of->near, lane_near_of_first_orders[of->n - LANE_ORDERS_FIRST], sizeof *lane_near_of_first_orders);
        return;
    }
    lane_order_weights(of->n, LANE_ORDERS_SMOOTH, weights);
    lane_order_terms(weights, lane_near_of_orders[0], LANE_NEAR_TERMS, of->near);
}

static inline void lane_far_terms(struct lane_order *of)
{
    double weights[LANE_ORDER_TERMS];
    lane_order_weights(of->n, LANE_ORDERS_FIRST, weights);
    lane_order_terms(weights, lane_far_of_orders[0], LANE_FAR_TERMS, of->far_terms);
}

/* A polynomial of so many terms, whole fours. */
static inline double lane_terms_at(const double *terms, int count, double t)
{
    double t2 = t * t, t4 = t2 * t2, sum = 0.0;
    for (int k = count - 4; k >= 0; k -= 4)
        sum = fma(t4, sum, lane_cubic(t, t2, terms[k], terms[k + 1], terms[k + 2], terms[k + 3]));
    return sum;
}

LANE_INLINE struct lane_pair lane_scaled_pair_by(struct lane_scaled_sum x)
{
    return (struct lane_pair){lane_scaled_by(x.sum.high, x.exponent), lane_scaled_by(x.sum.low, x.exponent)};
}

static inline double lane_polygamma_of_order(double n, double x)
{
    struct lane_order of;
    lane_order_begin(&of, n);
    const struct lane_pair less = lane_one_less(x);
    const double a = x > 0.0 ? x : less.high;
    const struct lane_sum_place at = lane_sum_place(&of, a, x > 0.0 ? 0.0 : less.low);
    double near = 0.0, far = 0.0;
    if (a >= of.far) {
        lane_far_terms(&of);
        far = lane_terms_at(of.far_terms, LANE_FAR_TERMS, at.far);
    } else {
        lane_near_terms(&of);
        near = lane_terms_at(of.near, lane_near_count(&of), at.near);
    }
    const struct lane_scaled_sum above = lane_sum_above(&of, a, at.over, lane_whole_power(at.over.part, of.n), near,
                                                        far);
    double z = lane_scaled_by(above.sum.high, above.exponent);
    if (!(x > 0.0)) {
        double apart[LANE_APART_TERMS];
        lane_order_apart(&of, apart);
        const double part = lane_part_of(x), q = fabs(part), distance = fma(-2.0, q, 1.0);
        const struct lane_pair other = lane_one_less(q);
        const struct lane_reciprocal first = lane_reciprocal(q, 0.0), second = lane_reciprocal(other.high, other.low);
        const struct lane_scaled_sum about = lane_sum_about(
            &of, first.k, second.k, lane_whole_power(first.part, of.n + 1), lane_whole_power(second.part, of.n + 1));
        z = lane_sum_below(&of, part, lane_scaled_pair_by(about),
                           lane_terms_at(apart, LANE_APART_TERMS, distance * distance), lane_scaled_pair_by(above));
    }
    return lane_polygamma_order_ends(&of, x, z);
}

#endif
