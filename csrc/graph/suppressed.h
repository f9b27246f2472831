/* suppressed.h: the products of sweeps, in which an exact 0 wins, so that a branch that was not taken stays silent.
 *
 * Where the 0 is no such branch's but was computed, the true product may be any number. Which it is, a sweep does not
 * ask: it notes that it has met one, and only then does singular.c go the way again, with care. */
#ifndef PG_SUPPRESSED_H
#define PG_SUPPRESSED_H

#include "graph/node.h"

/* Not 0 if 0 * inf, 0 * nan or a slope that is 0 by convention was met by this thread's sweeps, or programs, since
 * somebody last set it to 0. */
extern PG_THREAD_LOCAL int pg_suppressed;

/* What the product x * y, which is nan, counts as in a sweep. */
double pg_suppressed_product(double x, double y);

/* mul0 of scalar.h, noting what it suppresses. */
PG_INLINE double pg_strong(double x, double y)
{
    const double product = x * y;
    return PG_UNLIKELY(product != product) ? pg_suppressed_product(x, y) : product;
}

/* Of an op of a rule: whether its 0 at these operands is a convention, as 0 / 0 is and what has no limit. */
PG_INLINE int pg_is_convention(int op, double x, double y)
{
    return x == 0.0 && y == 0.0 && (op == PG_OP_div0 || op == PG_OP_atan2_dxx || op == PG_OP_atan2_dxy);
}

/* A product or a logarithm in a rule, or in the derivative of one: 0 is the limit of its products with 0. */
PG_INLINE int pg_has_limit(const pg_node *n)
{
    return (n->op == PG_OP_mul0 || n->op == PG_OP_log) && (n->flags & PG_BY_OP) != 0;
}

#endif
