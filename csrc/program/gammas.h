/* gammas.h: gamma, lgamma, digamma and their kin on whole blocks, with the bits that lanegammaone.h's have on one lane. */
#ifndef PG_GAMMAS_H
#define PG_GAMMAS_H

#include <stddef.h>

#include "graph/node.h"

#ifndef PG_LIBM_LANES
/* Whether an op is one of them. */
static inline int pg_is_of_gammas(int op)
{
    return op == PG_OP_lgamma || op == PG_OP_gamma || op == PG_OP_gamma_dx || op == PG_OP_digamma ||
           op == PG_OP_polygamma;
}

/* Such an op of some lanes, whole eights, for each set of vector instructions; z may be x. */
typedef void pg_gammas_function(int op, const double *x, double *z, size_t count);

pg_gammas_function pg_gammas_baseline, pg_gammas_avx2, pg_gammas_avx512;

/* gamma or lgamma and its slope; neither result may take the place of x. */
typedef void pg_gammas_and_slopes_function(int op, const double *x, double *z, double *slope, size_t count);

pg_gammas_and_slopes_function pg_gammas_and_slopes_baseline, pg_gammas_and_slopes_avx2, pg_gammas_and_slopes_avx512;

/* polygamma of orders and some lanes, whole eights; z may be n or x. */
typedef void pg_polygammas_function(const double *n, const double *x, double *z, size_t count);

pg_polygammas_function pg_polygammas_baseline, pg_polygammas_avx2, pg_polygammas_avx512;
#endif

#endif
