/* contracted.h: sums term by term, among them contracted ones, in which a product and the addition behind it are rounded
 * once: sum = fma(x, y, sum).
 *
 * fma() of C99 is correctly rounded, so all machines have the same bits: those with an instruction for it fast, the others by
 * the C library's way, slowly. */
#ifndef PG_CONTRACTED_H
#define PG_CONTRACTED_H

#include "graph/suppressed.h"
#include "program/lanefma.h"
#include "program/program.h"

/* x, with the other sign where the term is subtracted. */
static inline double pg_with_sign(const pg_term *t, double x)
{
    return t->subtracted ? -x : x;
}

/* The sum with one more term: x, or x * y where the term has two factors, rounded or not; 0 * inf is 0 where the term is
 * absorbing. */
static inline double pg_with_term(double sum, const pg_term *t, double x, double y, int contracts, int *met)
{
    const double signed_x = pg_with_sign(t, x);
    if (t->b == PG_NO_SLOT)
        return sum + signed_x;
    const double product = signed_x * y;
    if (PG_UNLIKELY(product != product) && t->absorbing)
        return sum + pg_strong_noted(signed_x, y, met);
    return contracts ? pg_fma_of_library(signed_x, y, sum) : sum + product;
}

#endif
