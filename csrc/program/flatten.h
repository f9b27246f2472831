/* flatten.h: a body's program for lanes as its program for numbers.
 *
 * The two are the same instructions. On lanes a slot is used again once its number is not needed any more, and uniforms
 * are spread; on numbers each result has a slot of its own. So a file has the one for lanes alone. */
#ifndef PG_FLATTEN_H
#define PG_FLATTEN_H

#include "program/program.h"

/* The program for numbers of a body whose program for lanes is sound (see bodies.h), or NULL for want of memory. It has
 * the same loops. Caller owns. */
pg_program *pg_flattened(const pg_program *wide);

#endif
