/* unfold.h: a body's program as nodes again, so that it can be differentiated. */
#ifndef PG_UNFOLD_H
#define PG_UNFOLD_H

#include "program/loop.h"

/* The results of a program without rows, guards and lives on these inputs, each of which the caller owns. */
pg_status pg_unfold(const pg_program *p, pg_node *const *inputs, pg_node **results);

#endif
