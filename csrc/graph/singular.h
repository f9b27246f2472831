/* singular.h: products of a computed 0 and an infinite slope, in derivatives of second and higher order.
 *
 * Sweeps take 0 * inf to be 0, so that a branch that was not taken stays silent. Where the 0 is no such branch's but
 * was computed, the true product may be any number. In a first derivative 0 is the convention; in a derivative of that
 * the user is told. */
#ifndef PG_SINGULAR_H
#define PG_SINGULAR_H

#include "graph/suppressed.h"

/* Whether derivatives are among what the sweep has sorted: then it computes ones of second or higher order. */
int pg_has_derivatives(const pg_sweep *s);

/* Where a computed 0 met an infinite slope. */
typedef struct {
    pg_node *node;         /* borrowed, NULL if there is none */
    size_t operand;        /* the slope is that by this one */
    double derivative;     /* what arrived there to be multiplied */
    double slope;
} pg_singularity;

/* Goes over a sorted sweep once more and finds out whether a derivative of second or higher order that comes out as a
 * finite number depends on such a product. Of inputs (all leaves for NULL) the reverse way gives derivatives; the
 * forward one starts there. The seeds belong to the operands of the root, or to the root itself if there are none
 * (then the only seed is 1), or to the inputs on the way forward. PG_OK or PG_NO_MEMORY. */
pg_status pg_find_singular(const pg_sweep *s, pg_way way, pg_node *const *inputs, size_t count, const double *seeds,
                           pg_singularity *found);

#endif
