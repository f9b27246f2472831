/* unfold.h: a body's program as nodes again, so that it can be differentiated. */
#ifndef PG_UNFOLD_H
#define PG_UNFOLD_H

#include "program/kept.h"

/* A node of an op of the table on count operands, a constant exponent among them, or NULL for want of memory. Caller
 * owns. */
pg_node *pg_applied(int op, pg_node *const *x, int count);

/* The results of a program without rows, guards and lives on these inputs, each of which the caller owns. */
pg_status pg_unfold(const pg_program *p, pg_node *const *inputs, pg_node **results);

/* The results of a body that was kept, on these inputs, each of which the caller owns. They are there to be differentiated:
 * no loop of theirs runs. PG_OK or what has kept it. */
pg_status pg_unfold_kept(const pg_kept *k, pg_node *const *inputs, pg_node **results);

#endif
