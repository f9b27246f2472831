/* compare.h: comparisons of numbers, as guards and operators have them. */
#ifndef PG_COMPARE_H
#define PG_COMPARE_H

#include "pygrad.h"

/* Whether a and b compare so; compare is a pg_comparison. */
static inline int pg_holds(unsigned compare, double a, double b)
{
    switch ((pg_comparison)compare) {
    case PG_LESS:
        return a < b;
    case PG_LESS_EQUAL:
        return a <= b;
    case PG_EQUAL:
        return a == b;
    case PG_UNEQUAL:
        return a != b;
    case PG_GREATER:
        return a > b;
    default:
        return a >= b;
    }
}

#endif
