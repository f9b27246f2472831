/* costs.h: how long an op takes on a lane, in halves of the time that an addition takes. */
#ifndef PG_COSTS_H
#define PG_COSTS_H

#include "graph/node.h"

enum { PG_COST_STEP = 2, PG_COST_DIVISION = 4, PG_COST_FUNCTION = 12 };

/* One or two instructions of the processor, a division or a root, or a function. */
static inline unsigned pg_cost_of_op(int op)
{
    switch (op) {
    case PG_OP_add:
    case PG_OP_sub:
    case PG_OP_mul:
    case PG_OP_neg:
    case PG_OP_relu:
    case PG_OP_abs:
    case PG_OP_step:
    case PG_OP_where:
    case PG_OP_maximum:
    case PG_OP_minimum:
    case PG_OP_less:
    case PG_OP_below:
    case PG_OP_at_most:
    case PG_OP_equal:
    case PG_OP_unequal:
    case PG_OP_both:
    case PG_OP_either:
        return PG_COST_STEP;
    case PG_OP_div:
    case PG_OP_sqrt:
        return PG_COST_DIVISION;
    default:
        return PG_COST_FUNCTION;
    }
}

#endif
