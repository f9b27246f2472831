/* zeros.h: products with a constant 0 that are 0 whatever the other factor is, and what comes of them.
 *
 * In the products of sweeps an exact 0 wins over inf and nan, so that with a constant 0 they are 0.0 or -0.0, as the other
 * factor's sign has it. Where nobody sees that sign, as in a derivative that is added up from 0.0, the product is the constant
 * 0.0, and goes out of sums without changing a bit of what the program gives. */
#ifndef PG_ZEROS_H
#define PG_ZEROS_H

#include "program/draft.h"

/* To be asked for before uses are counted. roots: so many values that are given out, which are changed, too; of root i only
 * whoever adds up rows sees the number if added[i] is not 0; the first of them, guards, come before added[0]. Not for a draft
 * whose program tells of 0 * inf. */
void pg_drop_zeros(draft *d, uint32_t *roots, size_t guards, size_t count, const uint8_t *added);

#endif
