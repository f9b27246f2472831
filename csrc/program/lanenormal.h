/* lanenormal.h: what normal.h needs to be lanes: its functions are straight lines already, but for the exponential of a square. */
#ifndef PG_LANENORMAL_H
#define PG_LANENORMAL_H

#include "program/lanemath.h"

/* exp(c * x*x) for c = -1/2 or 1, with what the square rounds away */
LANE_INLINE double lane_exp_of_square(double c, double x)
{
    double a = lane_clamp(fabs(x), 0.0, 40.0);
    struct lane_pair square = lane_product(a, a);
    return lane_exp_pair(1.0, 0.0, c * square.high, c * square.low);
}

/* Functions of normal.h, so that each takes its caller's target. */
#ifndef PG_LIBM_LANES
LANE_INLINE double cubic(double q, double q2, double a, double b, double c, double d);
LANE_INLINE double nearness(double a, double k);
LANE_INLINE double tail_value(double p);
LANE_INLINE double tail_slope(double p);
LANE_INLINE double ratio_of_sums(double above, double below);
LANE_INLINE double scaled_erfc_above_zero(double a);
LANE_INLINE double scaled_erfc(double x);
LANE_INLINE double scaled_erfc_dx(double x);
LANE_INLINE double scaled_tail(double x);
LANE_INLINE double normal_below(double x);
LANE_INLINE double normal_density(double x);
LANE_INLINE double log_normal_below(double x);
LANE_INLINE double log_normal_dx(double x);
LANE_INLINE double log_normal_dxx(double x);
LANE_INLINE double log_normal_dxxx(double x);
LANE_INLINE double quantile_in_the_middle(double q);
LANE_INLINE double quantile_in_the_tail(double s);
LANE_INLINE double normal_quantile(double x);
LANE_INLINE double normal_quantile_dx(double x);
LANE_INLINE double inverse_erf(double x);
LANE_INLINE double inverse_erf_dx(double x);
#endif

#endif
