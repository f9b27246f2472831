/* singular.h: products of a computed 0 and an infinite slope, in derivatives of second and higher order.
 *
 * Sweeps take 0 * inf to be 0, so that a branch that was not taken stays silent. Where the 0 is no such branch's but
 * was computed, the true product may be any number. In a first derivative 0 is the convention; in a derivative of that
 * the user is told. Which zeros were computed, a sweep does not ask: it notes that it has met one, and only then does
 * pg_find_singular go the way again, with care. */
#ifndef PG_SINGULAR_H
#define PG_SINGULAR_H

#include "graph/node.h"

/* Not 0 if a sweep of this thread has taken 0 * inf, 0 * nan or 0 / 0 to be 0 since somebody last set it to 0. */
extern PG_THREAD_LOCAL int pg_suppressed;

/* Of an op of a rule: whether its 0 at these operands is a convention, as 0 / 0 is and what has no limit. */
PG_INLINE int pg_is_settled(int op, double x, double y)
{
    return x == 0.0 && y == 0.0 && (op == PG_OP_div0 || op == PG_OP_atan2_dxx || op == PG_OP_atan2_dxy);
}

/* A product or a logarithm in a rule, or in the derivative of one: 0 is the limit of its products with 0. */
PG_INLINE int pg_has_limit(const pg_node *n)
{
    return (n->op == PG_OP_mul0 || n->op == PG_OP_log) && (n->flags & PG_BY_OP) != 0;
}

/* What the product x * y, which is nan, counts as in a sweep. */
double pg_settled(double x, double y);

/* mul0 of scalar.h, noting what it suppresses. */
PG_INLINE double pg_strong(double x, double y)
{
    const double product = x * y;
    return PG_UNLIKELY(product != product) ? pg_settled(x, y) : product;
}

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
