/* fuse.h: which values of a draft are computed, and which go into others.
 *
 * To be asked for once all values are there: uses are counted first, then sums and products fused. A value is
 * needed if something needed uses it and it has not become a term of that.
 *
 * In a draft that contracts, which products join sums does not depend on what is uniform: so a program for numbers and one for
 * rows round alike. */
#ifndef PG_FUSE_H
#define PG_FUSE_H

#include "program/draft.h"

/* Counts uses, from the last value back; only those count that lead to a root. */
void pg_count_uses(draft *d, const uint32_t *roots, size_t count);

/* Lets products used once join the sums that use them, sums the sums, and signs their terms. body: it is a loop's, which also
 * runs on numbers. */
void pg_fuse(draft *d, int body);

#endif
