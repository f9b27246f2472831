/* lanewords.h: forward.h once more, with the functions of lanemath.h, lanelog.h, lanepow.h and lanetrig.h in the place of
 * libm's. Their bits do not depend on the processor, and loops over them vectorise. For evaluate.c only, in place of scalar.h.
 * PG_LIBM_LANES, a build for tests, leaves everything as it is: rows equal eager results bit for bit. */
#ifndef PG_LANEWORDS_H
#define PG_LANEWORDS_H

#include <math.h>

#include "program/laneexp.h"
#include "program/lanegammaone.h"
#include "program/lanelog.h"
#include "program/lanemath.h"
#include "program/lanenormal.h"
#include "program/lanepolygammaone.h"
#include "program/lanepow.h"
#include "program/lanetrig.h"

#ifdef PG_LIBM_LANES
#include "ops/forward.h"
#else

/* what scalar.h is written with */
#define exp(x) lane_exp(x)
#define expm1(x) lane_expm1(x)
#define log(x) lane_log(x)
#define log2(x) lane_log2(x)
#define log10(x) lane_log10(x)
#define log1p(x) lane_log1p(x)
#define pow(x, y) lane_pow(x, y)
#define cbrt(x) lane_cbrt(x)
#define tanh(x) lane_tanh(x)
#define sinh(x) lane_sinh(x)
#define cosh(x) lane_cosh(x)
#define asinh(x) lane_asinh(x)
#define acosh(x) lane_acosh(x)
#define atanh(x) lane_atanh(x)
#define sin(x) lane_sin(x)
#define cos(x) lane_cos(x)
#define tan(x) lane_tan(x)
#define asin(x) lane_asin(x)
#define acos(x) lane_acos(x)
#define atan(x) lane_atan(x)
#define atan2(x, y) lane_atan2(x, y)
#define erf(x) lane_erf(x)
#define erfc(x) lane_erfc(x)

#include "ops/gamma.h"
#include "ops/scalar.h"

/* For orders that have no sequence of their own gamma.h's, made of the above. */
static inline double lane_polygamma(double n, double x)
{
    if (n == 1.0)
        return lane_polygamma_of(x, 1);
    if (n == 2.0)
        return lane_polygamma_of(x, 2);
    if (n == 3.0)
        return lane_polygamma_of(x, 3);
    return lane_is_order(n) ? lane_polygamma_of_order(n, x) : polygamma(n, x);
}

/* what these define, and what is better for lanes */
#define maximum(x, y) lane_maximum(x, y)
#define minimum(x, y) lane_minimum(x, y)
#define power_of_two(x) lane_exp2(x)
#define sigmoid(x) lane_sigmoid(x)
#define sigmoid_dx(x) lane_sigmoid_dx(x)
#define softplus(x) lane_softplus(x)
#define sech2(x) lane_sech2(x)
#define hypotenuse(x, y) lane_hypot(x, y)
#define erf_dx(x) lane_erf_dx(x)
#define logaddexp(x, y) lane_logaddexp(x, y)
#define logaddexp_dx(x, y) lane_logaddexp_dx(x, y)
#define hypot_dx(x, y) lane_hypot_dx(x, y)
#define atan2_dx(x, y) lane_atan2_dx(x, y)
#define power(x, n) lane_power(x, n)
#define pow_dx(x, y) lane_pow_dx(x, y)
#define pow_less(x, y) lane_pow_less(x, y)
#define pow_dxx(x, y) lane_pow_dxx(x, y)
#define exp_of_square(c, x) lane_exp_of_square(c, x)
#define log_gamma(x) lane_lgamma(x)
#define digamma(x) lane_digamma(x)
#define gamma_function(x) lane_gamma(x)
#define gamma_dx(x) lane_gamma_dx(x)
#define polygamma(n, x) lane_polygamma(n, x)

#include "ops/forward.h"

#endif
#endif
