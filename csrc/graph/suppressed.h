/* suppressed.h: the products of sweeps, in which an exact 0 wins, so that a branch that was not taken stays silent.
 *
 * Where the 0 is no such branch's but was computed, the true product may be any number. Which it is, a sweep does not
 * ask: it notes that it has met one, and only then does singular.c go the way again, with care. */
#ifndef PG_SUPPRESSED_H
#define PG_SUPPRESSED_H

#include "graph/node.h"

/* How often sweeps have met 0 * inf, 0 * nan or a slope that is 0 by convention. A counter of all threads: a call would cost
 * more than the product, and who finds it changed looks for himself. */
extern unsigned pg_suppressed;

/* mul0 of scalar.h for sweeps; and for others, with a flag that is set to 1 where that is suppressed. */
PG_INLINE double pg_strong(double x, double y)
{
    const double product = x * y;
    if (product != product && (x == 0.0 || y == 0.0)) {
        pg_suppressed++;
        return 0.0;
    }
    return product;
}

PG_INLINE double pg_strong_noted(double x, double y, int *met)
{
    const double product = x * y;
    if (PG_UNLIKELY(product != product) && (x == 0.0 || y == 0.0)) {
        *met = 1;
        return 0.0;
    }
    return product;
}

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

#endif
