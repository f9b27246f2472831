/* gamma.h: the functions of ops.def about the gamma function, as scalar.h has the others. Series and recurrences are those
 * of Abramowitz and Stegun, chapter 6; polynomials interpolate at Chebyshev's nodes. */
#ifndef PG_GAMMA_H
#define PG_GAMMA_H

#include <math.h>

#include "ops/scalar.h"

/* lgamma(1 + d) for d from -1/4 to 1/2 */
static inline double lgamma_by_one(double d)
{
    static const double c[] = {
        -0.5772156649015329,   0.8224670334241131,    -0.4006856343865304,  0.27058080842783183,   -0.20738555102909395,
        0.1695571769891583,    -0.14404989670121374,  0.1255096701225694,   -0.11133427134128401,  0.10009943889128511,
        -0.09095377585749281,  0.0833539229301034,    -0.07693834399295793, 0.07144286096823818,   -0.06660002797561868,
        0.06224250004458276,   -0.058977697054169845, 0.05790211255423161,  -0.056518139297869995, 0.04671230819605673,
        -0.025986773971407036, 0.006837511584303814,
    };
    double sum = 0.0;
    for (int i = 21; i >= 0; i--)
        sum = sum * d + c[i];
    return d * sum + 0.0; /* not -0.0 for lgamma(1) */
}

/* lgamma(2 + d) for d from -0.7 to 1/2 */
static inline double lgamma_by_two(double d)
{
    static const double c[] = {
        0.42278433509846713,     0.32246703342411326,   -0.06735230105319835,    0.020580808427777368,
        -0.007385551028648573,   0.0028905103311887862, -0.0011927539126101192,  0.0005096695118652065,
        -0.0002231547441510555,  9.945771687502075e-05, -4.492632942865244e-05,  2.0505287297670718e-05,
        -9.43958800920945e-06,   4.38594243516515e-06,  -2.0341311256670248e-06, 9.172407111454028e-07,
        -4.797551028825787e-07,  2.817924786762465e-07, -2.0922794638501236e-08, -9.314310697398248e-10,
        -1.0428712512791148e-07,
    };
    double sum = 0.0;
    for (int i = 20; i >= 0; i--)
        sum = sum * d + c[i];
    return d * sum;
}

/* lgamma(x) for x from 8 on */
static inline double lgamma_by_stirling(double x)
{
    static const double c[] = {
        0.08333333333333333,    -0.002777777777777778, 0.0007936507936507937,
        -0.0005952380952380953, 0.0008417508417508417, -0.0019175269175269176,
        0.00641025641025641,    -0.029550653594771242, 0.17964437236883057,
    };
    double r = 1.0 / x, z = r * r, sum = 0.0;
    for (int i = 8; i >= 0; i--)
        sum = sum * z + c[i];
    return (x - 0.5) * (log(x) - 1.0) + (0.4189385332046727 + r * sum);
}

/* lgamma(x) for x > 0 */
static inline double lgamma_above_zero(double x)
{
    if (x >= 8.0)
        return lgamma_by_stirling(x);
    if (x < 0.5)
        return lgamma_by_one(x) - log(x);
    if (x < 0.75)
        return lgamma_by_two(x - 1.0) - log(x);
    if (x < 1.375)
        return lgamma_by_one(x - 1.0);
    if (x < 2.5)
        return lgamma_by_two(x - 2.0);
    double product = 1.0;
    while (x >= 2.5) {
        x -= 1.0;
        product *= x;
    }
    return log(product) + lgamma_by_two(x - 2.0);
}

static inline double log_gamma(double x)
{
    if (!isfinite(x))
        return x * x;
    if (x > 0.0)
        return lgamma_above_zero(x);
    if (floor(x) == x)
        return (double)INFINITY;
    if (x >= -0.25)
        return lgamma_by_one(x) - log(-x);
    double part = x - rint(x);
    return log(3.141592653589793 / fabs(x * sin(3.141592653589793 * part))) - lgamma_above_zero(-x);
}

/* The slope of that. The root at 1.4616... is a factor beside the polynomial, in two parts; the series is Abramowitz
 * and Stegun 6.3.18, recurrence and reflection are 6.3.5 and 6.3.7. */

/* digamma(x) for x from 1 to 2.5 */
static inline double digamma_by_root(double x)
{
    static const double c[] = {
        0.8581832171262995,     -0.3262546278681057,     0.1571201133520356,      -0.08228558635577421,
        0.04479965445346671,    -0.024890048489327913,   0.013985786157589093,    -0.007910468765597353,
        0.004491814230188876,   -0.002556686700917371,   0.0014573685124658021,   -0.0008314950930624974,
        0.000474727616562906,   -0.00027110565826077765, 0.00015459265153371102,  -8.831673837151642e-05,
        5.1398705126837106e-05, -2.9367803644173363e-05, 1.4487003402656893e-05,  -8.277907777699667e-06,
        8.507077411101826e-06,  -4.86113586531963e-06,   -1.2335673403459895e-06, 7.049012638469318e-07,
        2.0776397503965925e-06, -1.1872212713245974e-06,
    };
    double t = x - 1.75, sum = 0.0;
    for (int i = 25; i >= 0; i--)
        sum = sum * t + c[i];
    return ((x - 1.4616321449683622) - 9.549995429965697e-17) * sum;
}

/* digamma(x) for x > 0 */
static inline double digamma_above_zero(double x)
{
    static const double c[] = {
        0.08333333333333333,   -0.008333333333333333, 0.003968253968253968, -0.004166666666666667, 0.007575757575757576,
        -0.021092796092796094, 0.08333333333333333,   -0.4432598039215686,  3.0539543302701198,
    };
    if (x >= 8.0) {
        double r = 1.0 / x, z = r * r, sum = 0.0;
        for (int i = 8; i >= 0; i--)
            sum = sum * z + c[i];
        return log(x) - (0.5 * r + z * sum);
    }
    if (x < 1.0)
        return digamma_by_root(1.0 + x) - 1.0 / x;
    double sum = 0.0;
    while (x >= 2.5) {
        x -= 1.0;
        sum += 1.0 / x;
    }
    return digamma_by_root(x) + sum;
}

static inline double digamma(double x)
{
    if (x == 0.0)
        return copysign((double)INFINITY, -x);
    if (!isfinite(x))
        return x < 0.0 ? (double)NAN : x;
    if (x > 0.0)
        return digamma_above_zero(x);
    double part = x - rint(x);
    if (part == 0.0)
        return (double)NAN;
    return digamma_above_zero(1.0 - x) - 3.141592653589793 / tan(3.141592653589793 * part);
}

/* The gamma function. From 1 to 2 it is 1 plus a polynomial times the distances from both, so that factorials are exact;
 * Stirling's series serves from 8 on, the recurrence in between, and the reflection below 0 (Abramowitz and Stegun
 * 6.1.15, 6.1.17, 6.1.37; the polynomials interpolate at Chebyshev's nodes). */

/* gamma(1 + d) for d from 0 to 1 */
static inline double gamma_by_unit(double d)
{
    static const double c[] = {
        0.45509229818896796,    -0.12935358979554007,    0.16111537800265782,    -0.08823514092306518,
        0.0658800758336633,     -0.042848354493856045,   0.029079087968008163,   -0.019385675690670352,
        0.01296592934174182,    -0.008652932503980443,   0.005773590041290861,   -0.003850840721538205,
        0.0025686225186555634,  -0.0017127104712047225,  0.0011371126259568285,  -0.0007581226679561294,
        0.0005285388837368686,  -0.0003523668923580547,  0.00016605321589813066, -0.00011070333461605974,
        0.00018977929146376098, -0.00012651977196833709,
    };
    double t = d - 0.5, sum = 0.0;
    for (int i = 21; i >= 0; i--)
        sum = sum * t + c[i];
    return 1.0 + (d * (d - 1.0)) * sum;
}

/* (x / e) ** (x - 1/2) to the power of part; gamma(x) is that times gamma_beside(x). */
static inline double gamma_power(double x, double part)
{
    return pow(x / 2.718281828459045, (x - 0.5) * part);
}

/* sqrt(2 pi / e) times Stirling's series, and what the power misses since x / e is rounded */
static inline double gamma_beside(double x)
{
    static const double c[] = {
        0.08333333333333334,   0.003472222222220452,    -0.002681327160196758,  -0.00022947211923071966,
        0.000784040511048158,  6.968751228139143e-05,   -0.0005913358558158259, -6.285283289074217e-05,
        0.0009356551939849346, -0.00042845871774290097, -0.0006490690282856402,
    };
    double q = x / 2.718281828459045, r = 1.0 / x, sum = 0.0;
    for (int i = 10; i >= 0; i--)
        sum = sum * r + c[i];
    double left = (x - q * 2.718281828459045) - product_lost(q, 2.718281828459045);
    double missed = (x - 0.5) * ((left - q * 1.4456468917292502e-16) / x);
    return 1.520346901066281 + 1.520346901066281 * (r * sum + (missed - 6.077249945758854e-17));
}

/* gamma(x) for x > 0 */
static inline double gamma_above_zero(double x)
{
    if (x < 1.0)
        return gamma_by_unit(x) / x;
    if (x < 8.0 || (x <= 23.0 && floor(x) == x)) {
        double product = 1.0, lost = 0.0;
        while (x > 2.0) {
            x -= 1.0;
            lost = lost * x + product_lost(product, x);
            product *= x;
        }
        double unit = gamma_by_unit(x - 1.0);
        return product * unit + lost * unit;
    }
    return x > 172.0 ? (double)INFINITY : gamma_power(x, 1.0) * gamma_beside(x);
}

/* y / gamma(x) for x from 140 on, where gamma(x) may be infinite; |y| below 1e30 */
static inline double over_gamma(double y, double x)
{
    if (x > 200.0)
        return y * 0.0;
    double half = gamma_power(x, 0.5);
    return (y / (half * gamma_beside(x))) / half;
}

/* pi / sin(pi x), for an x that is not whole */
static inline double cosecant_of_pi(double x)
{
    double sine = sin(3.141592653589793 * (x - rint(x)));
    return 3.141592653589793 / (fmod(rint(x), 2.0) == 0.0 ? sine : -sine);
}

static inline double gamma_function(double x)
{
    if (x == 0.0)
        return 1.0 / x;
    if (!isfinite(x))
        return x < 0.0 ? (double)NAN : x;
    if (x > 0.0)
        return gamma_above_zero(x);
    if (floor(x) == x)
        return (double)NAN;
    if (x > -1.0)
        return cosecant_of_pi(x) / gamma_by_unit(-x);
    if (x > -140.0)
        return cosecant_of_pi(x) / (-x * gamma_above_zero(-x));
    return over_gamma(cosecant_of_pi(x) / -x, -x);
}

/* gamma(x) * digamma(x), also where gamma(x) is less than the smallest number: by a pole far below 0. */
static inline double gamma_dx(double x)
{
    if (x < -140.0 && isfinite(x) && floor(x) != x)
        return over_gamma((cosecant_of_pi(x) / -x) * digamma(x), -x);
    return gamma_function(x) * digamma(x);
}

/* What x + y has lost in rounding, exactly (Knuth). */
static inline double sum_lost(double x, double y)
{
    double sum = x + y, part = sum - x;
    return (x - (sum - part)) + (y - part);
}

/* (x + low) ** -n for a whole n > 0, by products and what they lose; where n is that large, by power(). */
static inline double whole_power_below(double x, double low, double n)
{
    if (n > 1024.0)
        return power(x, -n);
    double product = 1.0, lost = 0.0;
    while (n > 0.0) {
        if (fmod(n, 2.0) == 1.0) {
            lost = (lost * x + product * low) + product_lost(product, x);
            product *= x;
        }
        low = 2.0 * (x * low) + product_lost(x, x);
        x *= x;
        n = floor(0.5 * n);
    }
    double over = 1.0 / product;
    double missed = ((1.0 - over * product) - product_lost(over, product)) - lost * over;
    return product > 1e-290 && product < 1e290 ? over + over * missed : over;
}

/* times + times_low times Hurwitz's zeta(s, a), the sum of (a + k)**-s over k from 0 on, for a > 0 and a whole s > 1, with a + k
 * in units of a power of two: some terms, the smallest first, and before them the rest by Euler and Maclaurin (Johansson,
 * Numerical Algorithms 69, 2015). */
static inline double hurwitz_zeta(double times, double times_low, double s, double a, double unit)
{
    static const double c[] = {
        0.08333333333333333,   -0.001388888888888889,  3.306878306878307e-05,  -8.267195767195768e-07,
        2.08767569878681e-08,  -5.284190138687493e-10, 1.3382536530684679e-11, -3.3896802963225827e-13,
        8.586062056277845e-15, -2.174868698558062e-16, 5.5090028283602295e-18, -1.3954464685812522e-19,
        3.534707039629467e-21, -8.953517427037546e-23,
    };
    double z = a, terms = 0.0;
    while (z < 5.0 + s && terms < 1e3) {
        terms += 1.0;
        z = a + terms;
    }
    double r = 1.0 / z, square = r * r, rest = 0.5, term = s * r;
    for (int i = 0; i < 14; i++) {
        rest += c[i] * term;
        term *= ((s + (2.0 * i + 1.0)) * (s + (2.0 * i + 2.0))) * square;
    }
    double under = s - 1.0, whole = 1.0 / under, part = r * (rest - sum_lost(a, terms)), factor = whole + part;
    double missed = ((1.0 - whole * under) - product_lost(whole, under)) / under + sum_lost(whole, part);
    factor *= unit;
    missed *= unit;
    double first = power(z / unit, 1.0 - s), sum = first * factor;
    double low = first > 1e-290 ? product_lost(first, factor) + first * missed : 0.0;
    double more = terms;
    while (more > 0.0) {
        more -= 1.0;
        double next = whole_power_below((a + more) / unit, sum_lost(a, more) / unit, s);
        low += sum_lost(next, sum);
        sum += next;
    }
    double product = times * sum, size = fabs(product);
    return size > 1e-290 && size < 1e290 && fabs(times) < 1e290
               ? product + (product_lost(times, sum) + (times * low + times_low * sum))
               : product;
}

/* The slope of digamma, the sum of (x + k)**-2 over k from 0 on, for x > 0: terms as far as x + k is less than 3, the smallest
 * first, before them the rest by a polynomial in the place of the asymptotic series. */
static inline double trigamma_above_zero(double x)
{
    static const double c[] = {
        0.16666666666666663,  -0.033333333333160034, 0.023809523706389883, -0.03333330880144696, 0.07575447786930659,
        -0.25287399814659733, 1.1542975037487164,    -6.639068782706134,   42.586552301671425,   -262.6816398079848,
        1355.617460055766,    -5159.302656872705,    12453.77249775757,    -14074.060850362162,
    };
    int terms = 0;
    while (x + terms < 3.0)
        terms++;
    double r = 1.0 / (x + terms), square = r * r, sum = 0.0;
    for (int i = 13; i >= 0; i--)
        sum = sum * square + c[i];
    sum = r + square * (0.5 + r * sum);
    for (int k = terms - 1; k > 0; k--)
        sum += 1.0 / ((x + k) * (x + k));
    return terms == 0 ? sum : sum + (1.0 / x) / x;
}

/* The same for all x: below 0 it is the sum over all whole k, less that over those below 0. The former has a pole at the
 * whole number next to x; what is left of it is a polynomial in the square of the distance. Poles below 0
 * are nan, as digamma is there. */
static inline double trigamma(double x)
{
    static const double c[] = {
        3.289868133696453,  6.493939402266984,  10.17343061979196,  14.057082993798039,
        18.017901859902814, 22.00543471040072,  26.001017266930415, 30.011401002514283,
        33.85228692419477,  39.444258820260046, 31.732095107417287, 98.87654816408536,
        -143.5305103572228, 537.2241184844659,  -697.9828502895857, 661.1989148278246,
    };
    if (x > 0.0)
        return trigamma_above_zero(x);
    if (x < 0.0 && floor(x) == x)
        return (double)NAN;
    double part = x - rint(x), square = part * part, sum = 0.0;
    for (int i = 15; i >= 0; i--)
        sum = sum * square + c[i];
    return (1.0 / part) / part + (sum - trigamma_above_zero(1.0 - x));
}

/* sign * n! zeta(n + 1, x) for a whole n > 1 and x > 0. In a unit of about x powers are in range where the result is; n! is a sum
 * of two numbers, divided by a power of two once it is large. Orders over 1000 are nan. */
static inline double polygamma_above_zero(double sign, double n, double x)
{
    double factorial = sign, lost = 0.0;
    int exponent;
    if (n > 1000.0)
        return (double)NAN;
    if (x > 1e200) /* which makes the result less than the smallest number */
        return sign * 0.0;
    (void)frexp(1.4 * x, &exponent); /* x is from 0.7 to 1.4 units */
    exponent -= 1;
    double unit = ldexp(1.0, exponent);
    int scale = -2 * exponent;
    for (double k = 2.0; k <= n; k += 1.0) {
        scale -= exponent;
        lost = lost * k + product_lost(factorial, k);
        factorial *= k;
        if (fabs(factorial) > 1e80) {
            factorial = ldexp(factorial, -256);
            lost = ldexp(lost, -256);
            scale += 256;
        }
    }
    return ldexp(hurwitz_zeta(factorial, lost, n + 1.0, x, unit), scale);
}

/* The n-th derivative of digamma, for a whole n > 0: n! times the sum of (x + k)**-(n + 1) over k from 0 on, with a
 * sign. Below 0 that sum is one over all whole k, less those below 0, all of them about the whole number next to x. */
static inline double polygamma(double n, double x)
{
    double s = n + 1.0, odd = fmod(n, 2.0), factorial = odd == 1.0 ? 1.0 : -1.0;
    if (n == 1.0)
        return trigamma(x);
    if (!(n >= 1.0) || (x < 0.0 && floor(x) == x))
        return (double)NAN;
    if (x == (double)INFINITY)
        return odd == 1.0 ? 0.0 : -0.0;
    if (x > 0.0)
        return polygamma_above_zero(factorial, n, x);
    for (double k = 2.0; k <= n && k < 180.0; k += 1.0)
        factorial *= k;
    double part = x - rint(x);
    double others = hurwitz_zeta(1.0, 0.0, s, 1.0 - part, 1.0) - hurwitz_zeta(1.0, 0.0, s, 1.0 - x, 1.0);
    double near = hurwitz_zeta(1.0, 0.0, s, 1.0 + part, 1.0) + (odd == 1.0 ? others : -others);
    return factorial * (power(part, -s) + near);
}

#endif
