/* simplify.h: which value an op on values is.
 *
 * What is constant is computed now, what is trivial or was there before is not computed again. No result changes
 * in any bit but the sign of a nan. */
#ifndef PG_SIMPLIFY_H
#define PG_SIMPLIFY_H

#include "program/draft.h"

/* The value of op on operands, NONE for those that it does not have; a constant exponent is one. Any number if the
 * draft has failed. */
uint32_t pg_simplified(draft *d, int op, uint32_t a, uint32_t b, uint32_t c);

#endif
