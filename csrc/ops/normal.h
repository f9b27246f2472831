/* normal.h: the functions of ops.def about the tail of the normal distribution, as scalar.h has the others. What shrinks like
 * exp(-x*x) is kept apart from what varies slowly, which is a polynomial in (a - k) / (a + k) over powers of 1 + 2a (Shepherd and
 * Laframboise, Mathematics of Computation 36, 1981), here interpolated at Chebyshev's nodes; so tails keep their digits. Without
 * branches, but where loops are: lanes run the same steps. */
#ifndef PG_NORMAL_H
#define PG_NORMAL_H

#include <math.h>

#include "ops/scalar.h"

/* A cubic in q, given its square. */
static inline double cubic(double q, double q2, double a, double b, double c, double d)
{
    return (a + q * b) + q2 * (c + q * d);
}

#ifndef exp_of_square /* lanes have their own */
/* exp(c * x*x) for c = -1/2 or 1, the square split so that its rounding error is not magnified (Veltkamp). */
static inline double exp_of_square(double c, double x)
{
    double a = fabs(x) > 40.0 ? 40.0 : fabs(x);
    double t = 134217729.0 * a;
    double high = t - (t - a);
    double low = a - high;
    return exp(c * (high * high)) * exp(c * (low * (high + a)));
}
#endif

/* 2a / (a + k), which is 0 at 0 and 2 at infinity */
static inline double nearness(double a, double k)
{
    double b = a > 1e20 ? 1e20 : a;
    return (2.0 * b) / (b + k);
}

/* (1 + 2a) erfcx(a) - 1 for an a >= 0, given p = nearness(a, 4) */
static inline double tail_value(double p)
{
    double q = p - 1.0, q2 = q * q, q4 = q2 * q2;
    double sum = cubic(q, q2, -1.3719231641787535e-08, 1.1744062379320159e-09, 1.0792871618779656e-09,
                       -1.1374633932967917e-10);
    sum = q4 * sum +
          cubic(q, q2, -7.84358578868263e-07, -3.744348661304143e-08, 1.1126408645222555e-07, -4.42965718477968e-09);
    sum = q4 * sum +
          cubic(q, q2, -8.547204461388966e-06, -1.5850913480690984e-05, 4.627404675296087e-06, 1.0798348983971697e-06);
    sum = q4 * sum +
          cubic(q, q2, 0.005431316917049317, -0.0003993468845006219, -0.0003584266390692838, 0.00015916963494743566);
    sum = q4 * sum + cubic(q, q2, 0.2188597672780038, -0.12512693227935207, 0.05879656646232313, -0.02162905093047994);
    sum = q4 * sum + cubic(q, q2, 0.23299511862555253, -0.372616235466115, 0.3879958875687291, -0.3198988333140429);
    return p * sum;
}

/* (1 + above) / (1 + below), with what the sums lose put back */
static inline double ratio_of_sums(double above, double below)
{
    double bar = 1.0 + below, over = 1.0 / bar, value = 1.0 + above;
    double z = value / bar;
    double lost = ((above - (value - 1.0)) - z * (below - (bar - 1.0))) * over;
    return below < 1e18 ? z + lost : z;
}

/* (1 + 2a)**2 (1 - sqrt(pi) a erfcx(a)), likewise: the slope of erfcx but for a factor */
static inline double tail_slope(double p)
{
    double q = p - 1.0, q2 = q * q, q4 = q2 * q2;
    double sum = cubic(q, q2, -6.576281289075146e-09, -7.31892151665581e-09, 5.222072176459398e-10,
                       5.981185328195735e-10);
    sum = q4 * sum +
          cubic(q, q2, -2.0110452870009863e-07, -3.279332264941388e-07, 4.488422166511125e-08, 5.285766526863688e-08);
    sum = q4 * sum +
          cubic(q, q2, 1.0328814446692927e-05, -1.271083787338462e-05, 1.7310406868297132e-07, 2.0320996826242784e-06);
    sum = q4 * sum +
          cubic(q, q2, 0.0016617440568588151, -0.0002170567530562692, -0.0001689877869621018, 7.162737993462628e-05);
    sum = q4 * sum +
          cubic(q, q2, -0.11439709292691301, 0.04042079156913282, -0.006139242120282283, -0.0023777289799894294);
    sum = q4 * sum + cubic(q, q2, 0.1855962451647344, 0.16776454301125407, -0.2694761975871314, 0.21357598913441475);
    sum = q4 * sum + cubic(q, q2, 1.3246299383996927, -1.6337031119321852, 1.3558294022503528, -0.7630702419894345);
    return 1.0 + p * sum;
}

/* exp(x*x) erfc(x) for an x >= 0, and for any */
static inline double scaled_erfc_above_zero(double a)
{
    return ratio_of_sums(tail_value(nearness(a, 4.0)), 2.0 * a);
}

static inline double scaled_erfc(double x)
{
    double a = fabs(x), z = scaled_erfc_above_zero(a);
    return x < 0.0 ? 2.0 * exp_of_square(1.0, a) - z : z;
}

/* Its slope 2 x erfcx(x) - 2 / sqrt(pi), whose terms cancel for x > 0. */
static inline double scaled_erfc_dx(double x)
{
    double a = fabs(x), below = 1.0 + 2.0 * a, lost = below < 1e18 ? 2.0 * a - (below - 1.0) : 0.0;
    double z = ((1.1283791670955126 * tail_slope(nearness(a, 4.0))) / below) / below;
    z = z - z * ((2.0 * lost) / below);
    return x < 0.0 ? 2.0 * (x * scaled_erfc(x)) - 1.1283791670955126 : -z;
}

/* The n-th derivative of erfcx for a whole n > 1, which is (-2)**n n! exp(x*x) times the n-th integral of erfc (Abramowitz and
 * Stegun 7.2.9). The recurrence loses digits for large x, where the ratios of neighbours are a continued fraction. */
static inline double scaled_erfc_more(double n, double x)
{
    if (!(n >= 2.0 && n <= 1000.0))
        return (double)NAN;
    double last = scaled_erfc_dx(x);
    if (x < 0.8) {
        double before = scaled_erfc(x);
        for (double k = 2.0; k <= n; k += 1.0) {
            double next = 2.0 * (x * last + (k - 1.0) * before);
            before = last;
            last = next;
        }
        return last;
    }
    double k = floor(n + 20.0 + 140.0 / (x * x));
    double ratio = 2.0 * k / (x + sqrt(x * x + 2.0 * k));
    for (double i = k; i > 1.0; i -= 1.0) {
        ratio = (2.0 * i) / (2.0 * x + ratio);
        if (i <= n)
            last *= -ratio;
    }
    return last;
}

/* erfcx(|x| / sqrt(2)) */
static inline double scaled_tail(double x)
{
    double a = fabs(x);
    return ratio_of_sums(tail_value(nearness(a, 5.656854249492381)), 1.4142135623730951 * a);
}

/* The distribution function. */
static inline double normal_below(double x)
{
    double z = (0.5 * scaled_tail(x)) * exp_of_square(-0.5, x);
    return x > 0.0 ? 1.0 - z : z;
}

/* Its density. */
static inline double normal_density(double x)
{
    return 0.3989422804014327 * exp_of_square(-0.5, x);
}

/* The logarithm of the distribution function. */
static inline double log_normal_below(double x)
{
    double tail = 0.5 * scaled_tail(x);
    double z = log1p(-(tail * exp_of_square(-0.5, x)));
    return x > 0.0 ? z : log(tail) - 0.5 * (x * x);
}

/* The slope of that: the density over the distribution function, which Mills' ratio is for -x. */
static inline double log_normal_dx(double x)
{
    double tail = scaled_tail(x), e = exp_of_square(-0.5, x);
    double above_zero = (0.3989422804014327 * e) / (1.0 - (0.5 * tail) * e);
    return x > 0.0 ? above_zero : 0.7978845608028654 / tail;
}

/* Its second derivative, -m (x + m) with m the first one; for x < 0 what remains of x + m is known without taking it. */
static inline double log_normal_dxx(double x)
{
    double p = nearness(fabs(x), 5.656854249492381), value = 1.0 + tail_value(p);
    double m = log_normal_dx(x), b = x > 40.0 ? 40.0 : x;
    double below_zero = 0.6366197723675814 * tail_slope(p) / (value * value);
    return x > 0.0 ? -(m * (b + m)) : -below_zero;
}

/* Its third derivative, m ((x + m)**2 - 1 + m (x + m)): the third cumulant of a normal number that is known to be above -x. */
static inline double log_normal_dxxx(double x)
{
    double u = x > 0.75 ? 0.0 : 0.75 - x, below = 1.0 + u;
    double p = nearness(u, 2.5), q = p - 1.0, q2 = q * q, q4 = q2 * q2;
    double sum = cubic(q, q2, 0.00015347867298147588, 8.011000120562618e-06, -1.4278071955972096e-05,
                       -2.093244701926139e-06);
    sum = q4 * sum +
          cubic(q, q2, 0.0022371592494145522, -0.0006489395581427633, -0.0007559329714682378, 6.250665118622106e-05);
    sum = q4 * sum +
          cubic(q, q2, 0.005571817204349366, -0.008011917317878018, -0.004355890938561965, 0.0028279047729356122);
    sum = q4 * sum +
          cubic(q, q2, -0.008000141087196768, -0.0326404733485937, -0.003224508730068116, 0.017362633362920578);
    sum = q4 * sum +
          cubic(q, q2, -0.13439865563434256, -0.08750856439691648, 0.043368842629394014, 0.057186293607740614);
    sum = q4 * sum + cubic(q, q2, -0.534682064704639, 0.03689161546692573, 0.30976380365574746, 0.0873410567500962);
    sum = q4 * sum + cubic(q, q2, -0.38547356855640097, 1.0692452471432292, 0.6474885995008361, -0.40820705277242947);
    sum = q4 * sum + cubic(q, q2, 1.7681944030802197, 2.4009351847904403, -0.44805982869604727, -1.8560506608722467);
    sum = q4 * sum + cubic(q, q2, 3.9940058994190215, 1.6425193157115827, -3.144243889101922, -2.3454674311903374);
    sum = q4 * sum + cubic(q, q2, 2.7199194899754926, 0.021857691869101428, -3.8906251975601154, -0.6790007042418519);
    double low = (0.28886167696416104 + p * sum) / below / below / below;
    double m = log_normal_dx(x), b = x > 40.0 ? 40.0 : x;
    return x > 0.75 ? m * ((b * b - 1.0) + m * (3.0 * b + 2.0 * m)) : low;
}

/* Where the distribution function is x, by Wichura's rational functions (Applied Statistics 37, 1988, algorithm AS 241), less what is linear in them, less what is linear in them: near
 * the middle, with q = x - 1/2 ... */
static inline double quantile_in_the_middle(double q)
{
    double r = 0.180625 - q * q;
    double r2 = r * r, r4 = r2 * r2;
    double above = cubic(r, r2, 0.5121328727963667, 11.490842124681757, -4.071696233115044, -1776.6197960866982) +
                   r4 * cubic(r, r2, -15067.704685511591, -45744.42949825784, -49165.54590661246, -12517.092997971835);
    double below = cubic(r, r2, 1.0, 42.31333070160091, 687.1870074920579, 5394.196021424751) +
                   r4 * cubic(r, r2, 21213.794301586597, 39307.89580009271, 28729.085735721943, 5226.495278852854);
    return q * (2.875 + above / below);
}

/* ... and -x of a small s, that of 1 - s. */
static inline double quantile_in_the_tail(double s)
{
    double root = sqrt(-log(s)), r = root - 1.6, t = root - 5.0;
    double r2 = r * r, r4 = r2 * r2, t2 = t * t, t4 = t2 * t2;
    double above = cubic(r, r2, 0.04316367324968358, 0.24461416931102936, 0.2695716221353133, 0.09443753723390318) +
                   r4 * (cubic(r, r2, -0.004317583069042012, -0.009019093049386634, -0.0016166337788165502,
                               -7.518940645985349e-05) +
                         r4 * -1.6305096326591586e-09);
    double below = cubic(r, r2, 1.0, 2.053191626637759, 1.6763848301838038, 0.6897673349851) +
                   r4 * cubic(r, r2, 0.14810397642748008, 0.015198666563616457, 0.0005475938084995345,
                              1.0507500716444169e-09);
    double far_above = cubic(t, t2, -0.0002984814988962228, 0.04224586399805581, 0.016718518319712345,
                             0.0020178968382126654) +
                       t4 * (cubic(t, t2, 5.499036312457025e-05, -3.710783688798625e-06, -1.9143700672249945e-07,
                                   -1.9206938633983625e-09) +
                             t4 * -2.9186647042539963e-15);
    double far_below = cubic(t, t2, 1.0, 0.599832206555888, 0.1369298809227358, 0.014875361290850615) +
                       t4 * cubic(t, t2, 0.0007868691311456133, 1.8463183175100548e-05, 1.421511758316446e-07,
                                  2.0442631033899397e-15);
    double z = root > 5.0 ? (1.427734375 * root - 0.48046875) + far_above / far_below
                          : (1.5517578125 * root - 1.1025390625) + above / below;
    return s == 0.0 ? (double)INFINITY : z;
}

static inline double normal_quantile(double x)
{
    double q = x - 0.5, tail = quantile_in_the_tail(x < 0.5 ? x : 1.0 - x);
    return fabs(q) <= 0.425 ? quantile_in_the_middle(q) : x < 0.5 ? -tail : tail;
}

/* The slope: one over the density there, which is what lies beyond over Mills' ratio. */
static inline double normal_quantile_dx(double x)
{
    double s = x < 0.5 ? x : 1.0 - x;
    double z = (1.2533141373155003 * scaled_tail(normal_quantile(x))) / s;
    return s == 0.0 ? (double)INFINITY : z;
}

/* Where erf is x. */
static inline double inverse_erf(double x)
{
    double a = fabs(x), tail = copysign(quantile_in_the_tail(0.5 * (1.0 - a)), x);
    return 0.7071067811865476 * (a <= 0.85 ? quantile_in_the_middle(0.5 * x) : tail);
}

/* Its slope, sqrt(pi)/2 exp(z*z), likewise. */
static inline double inverse_erf_dx(double x)
{
    double s = 1.0 - fabs(x);
    double z = (0.886226925452758 * scaled_erfc_above_zero(fabs(inverse_erf(x)))) / s;
    return s == 0.0 ? (double)INFINITY : z;
}

/* x log(y), and x log(1 + y), 0 where x is 0 and the logarithm is of anything. */
static inline double x_log_y(double x, double y)
{
    return x == 0.0 && y == y ? 0.0 : x * log(y);
}

static inline double x_log1p_y(double x, double y)
{
    return x == 0.0 && y == y ? 0.0 : x * log1p(y);
}

#endif
