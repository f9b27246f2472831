/* lanezeta.h: hurwitz_zeta() of gamma.h on whole eights of lanes, with its bits, for one s that all of them have. Included
 * by lanegamma.h, once for each set of vector instructions. */

typedef double LANE_NAME(reals) __attribute__((vector_size(LANE_WIDTH * sizeof(double)), aligned(sizeof(double))));
typedef int64_t LANE_NAME(masks) __attribute__((vector_size(LANE_WIDTH * sizeof(double)), aligned(sizeof(double))));

/* One where the mask has all bits, the other where it has none. */
LANE_ALWAYS LANE_NAME(reals) LANE_NAME(chosen)(LANE_NAME(masks) mask, LANE_NAME(reals) yes, LANE_NAME(reals) no)
{
    return (LANE_NAME(reals))((mask & (LANE_NAME(masks))yes) | (~mask & (LANE_NAME(masks))no));
}

LANE_ALWAYS LANE_NAME(reals) LANE_NAME(sums_lost)(LANE_NAME(reals) x, LANE_NAME(reals) y)
{
    const LANE_NAME(reals) sum = x + y, part = sum - x;
    return (x - (sum - part)) + (y - part);
}

/* product_lost() of scalar.h: the same bits, as it is exact wherever its result is used. */
LANE_ALWAYS LANE_NAME(reals) LANE_NAME(products_lost)(LANE_NAME(reals) x, LANE_NAME(reals) y)
{
#if LANE_WIDTH == 2 && !defined(__aarch64__) /* without the instruction */
    const LANE_NAME(reals) s = 134217729.0 * x, t = 134217729.0 * y, a = s - (s - x), b = t - (t - y), c = x - a,
                           d = y - b;
    return ((a * b - x * y) + (a * d + c * b)) + c * d;
#else
    return LANE_FMA(x, y, -(x * y));
#endif
}

/* (x + low) ** -n for a whole n > 0 */
LANE_ALWAYS LANE_NAME(reals) LANE_NAME(whole_powers_below)(LANE_NAME(reals) x, LANE_NAME(reals) low, unsigned n)
{
    typedef LANE_NAME(reals) vec;
    vec product = 1.0 + (vec){0}, lost = {0};
    for (;; n >>= 1) {
        if (n & 1) {
            lost = (lost * x + product * low) + LANE_NAME(products_lost)(product, x);
            product *= x;
        }
        if (n < 2)
            break;
        low = 2.0 * (x * low) + LANE_NAME(products_lost)(x, x);
        x *= x;
    }
    const vec over = 1.0 / product;
    const vec missed = ((1.0 - over * product) - LANE_NAME(products_lost)(over, product)) - lost * over;
    return LANE_NAME(chosen)((product > 1e-290) & (product < 1e290), over + over * missed, over);
}

/* Where Euler's and Maclaurin's rest begins, the terms before it, and by what (z ** (1 - s)) is to be multiplied. */
struct LANE_NAME(rest) { numbers z, terms, factor, missed; };

LANE_TARGET static void LANE_NAME(zeta_rest)(double s, const double *a, struct LANE_NAME(rest) * rest, size_t count)
{
    typedef LANE_NAME(reals) vec;
    double steps[sizeof hurwitz_zeta_series / sizeof *hurwitz_zeta_series];
    for (int i = 0; i <= LAST_OF(hurwitz_zeta_series); i++)
        steps[i] = (s + (2.0 * i + 1.0)) * (s + (2.0 * i + 2.0));
    const double under = s - 1.0, whole = 1.0 / under;
    const double whole_missed = ((1.0 - whole * under) - product_lost(whole, under)) / under;
    for (size_t at = 0; at < count; at += LANE_WIDTH) {
        const vec x = *(const vec *)(const void *)(a + at), zero = {0};
        /* as many terms as x is below that, or one less or two more: the sum is rounded */
        const vec away = (5.0 + s) - x, near = (away + 0x1p52) - 0x1p52 - 1.0;
        vec terms = LANE_NAME(chosen)(near > 0.0, near, zero), z = x + terms;
        for (int k = 0; k < 3; k++) {
            terms = LANE_NAME(chosen)(z < 5.0 + s, terms + 1.0, terms);
            z = x + terms;
        }
        const vec r = 1.0 / z, square = r * r;
        vec sum = zero + 0.5, term = s * r;
        for (int i = 0; i <= LAST_OF(hurwitz_zeta_series); i++) {
            sum += hurwitz_zeta_series[i] * term;
            term *= steps[i] * square;
        }
        const vec part = r * (sum - LANE_NAME(sums_lost)(x, terms));
        *(vec *)(void *)(rest->z.at + at) = z;
        *(vec *)(void *)(rest->terms.at + at) = terms;
        *(vec *)(void *)(rest->factor.at + at) = whole + part;
        *(vec *)(void *)(rest->missed.at + at) = whole_missed + LANE_NAME(sums_lost)(zero + whole, part);
    }
}

/* Some times zeta(s, a) of a > 0, for a whole s from 3 to LARGEST_ORDER + 1 */
LANE_TARGET static void LANE_NAME(zetas)(double times, double s, const double *a, double *z, size_t count)
{
    typedef LANE_NAME(reals) vec;
    struct LANE_NAME(rest) rest = {0};
    numbers exponents = {{0.0}}, first = {{0.0}};
    LANE_NAME(zeta_rest)(s, a, &rest, count);
    for (size_t i = 0; i < count; i++)
        exponents.at[i] = 1.0 - s;
    LANE_NAME(lanes_pow)(rest.z.at, exponents.at, first.at, count);
    for (size_t at = 0; at < count; at += LANE_WIDTH) {
        const vec x = *(const vec *)(const void *)(a + at), terms = *(const vec *)(const void *)(rest.terms.at + at);
        const vec power = *(const vec *)(const void *)(first.at + at), zero = {0};
        const vec factor = *(const vec *)(const void *)(rest.factor.at + at);
        const vec missed = *(const vec *)(const void *)(rest.missed.at + at);
        vec sum = power * factor;
        vec low = LANE_NAME(chosen)(power > 1e-290, LANE_NAME(products_lost)(power, factor) + power * missed, zero);
        double most = 0.0;
        for (int i = 0; i < LANE_WIDTH; i++)
            most = terms[i] > most ? terms[i] : most;
        for (double more = most - 1.0; more >= 0.0; more -= 1.0) {
            const vec next = LANE_NAME(whole_powers_below)(x + more, LANE_NAME(sums_lost)(x, zero + more), (unsigned)s);
            low = LANE_NAME(chosen)(terms > more, low + LANE_NAME(sums_lost)(next, sum), low);
            sum = LANE_NAME(chosen)(terms > more, sum + next, sum);
        }
        const vec product = times * sum, size = LANE_NAME(chosen)(product < 0.0, -product, product);
        const vec good = product + (LANE_NAME(products_lost)(zero + times, sum) + times * low);
        *(vec *)(void *)(z + at) = LANE_NAME(chosen)((size > 1e-290) & (size < 1e290), good, product);
    }
}
