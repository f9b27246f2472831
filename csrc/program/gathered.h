/* gathered.h: ways on lanes of those rows alone that take them.
 *
 * A way that some rows of a block take would work for the others, too, and for nobody. So where it has no loop or call of its
 * own, and what is spared is more than what is moved, its operands are gathered from the lanes that take it into the first
 * ones of a block of as many rows, and its results put back to where they belong. */
#ifndef PG_GATHERED_H
#define PG_GATHERED_H

#include "program/loop.h"

/* Whether a loop is a way that can run so. */
int pg_can_gather(const pg_loop *loop);

/* The lanes of rows whose mask is set, of which there are so many, if that pays; else none. later: the loop that goes back on
 * the same ones, which can run so, too; or NULL. */
void pg_gather_lanes(const pg_loop *loop, const pg_loop *later, const block *rows, const int64_t *mask, size_t count,
                     pg_chosen *chosen);

/* The block of these rows, which keeps what is its own behind a place for the way's results, at the frame's begin. The other
 * block and what was chosen are borrowed. */
block pg_gathered(const pg_loop *loop, const block *rows, const pg_chosen *chosen);

/* Its results to the lanes of the other block; the rest have what those have who pass by. */
void pg_scatter(const pg_loop *loop, const pg_term *operands, block *rows, const block *some, double *results);

#endif
