/* simplify.c: an op on values of a draft, as what costs least and has the same bits. */
#include "program/simplify.h"

#include "program/evaluate.h"

/* x ** n for the exponents that power() of scalar.h makes products; NONE for others. */
static uint32_t small_power(draft *d, uint32_t x, double n)
{
    if (n == 0.0)
        return pg_draft_constant(d, 1.0);
    if (n == 1.0)
        return x;
    if (n == -1.0)
        return pg_simplified(d, PG_OP_div, pg_draft_constant(d, 1.0), x, NONE);
    uint32_t square = n == 2.0 || n == 3.0 ? pg_simplified(d, PG_OP_mul, x, x, NONE) : NONE;
    return n == 3.0 ? pg_simplified(d, PG_OP_mul, square, x, NONE) : square;
}

/* The slope of such a power, whole and not negative: pow_dx() of scalar.h comes to the same bits. */
static uint32_t small_power_slope(draft *d, uint32_t x, double n)
{
    if (n != 0.0 && n != 1.0 && n != 2.0 && n != 3.0 && n != 4.0)
        return NONE;
    return n == 0.0 ? pg_draft_constant(d, 0.0)
                    : pg_simplified(d, PG_OP_mul, pg_draft_constant(d, n), small_power(d, x, n - 1.0), NONE);
}

/* x's slope of that: n times the slope of x ** (n - 1). */
static uint32_t small_power_curvature(draft *d, uint32_t x, double n)
{
    if (n == 0.0)
        return pg_draft_constant(d, 0.0);
    uint32_t slope = small_power_slope(d, x, n - 1.0);
    return slope == NONE ? NONE : pg_simplified(d, PG_OP_mul, pg_draft_constant(d, n), slope, NONE);
}

uint32_t pg_simplified(draft *d, int op, uint32_t a, uint32_t b, uint32_t c)
{
    if (d->failed)
        return 0;
    if (op == PG_OP_identity) /* stop_gradient stays: a loaded program may be differentiated */
        return a;
    if (op != PG_OP_ruled && is_constant(d, a) && is_constant(d, b) && is_constant(d, c))
        return pg_draft_constant(d, pg_evaluate_one(op, number_of(d, a), number_of(d, b), number_of(d, c)));
    if (op == PG_OP_add && pg_is_nothing(d, a))
        return b;
    if (op == PG_OP_add && pg_is_nothing(d, b))
        return a;
    if (op == PG_OP_mul || op == PG_OP_mul0) {
        if (is_number(d, a, 1.0))
            return b;
        if (is_number(d, b, 1.0))
            return a;
    }
    if ((op == PG_OP_pown || op == PG_OP_power || op == PG_OP_pow_dx || op == PG_OP_pow_dxx) && is_constant(d, b)) {
        const double n = number_of(d, b);
        uint32_t product = op == PG_OP_pow_dxx  ? small_power_curvature(d, a, n)
                           : op == PG_OP_pow_dx ? small_power_slope(d, a, n)
                                                : small_power(d, a, n);
        if (product != NONE)
            return product;
    }
    if ((op == PG_OP_add || op == PG_OP_mul || op == PG_OP_mul0) && b < a) {
        uint32_t larger = a;
        a = b;
        b = larger;
    }
    value v = blank(op, a, b, c);
    v.row = (uint8_t)(is_row(d, a) || is_row(d, b) || is_row(d, c));
    return pg_draft_unique(d, &v);
}
