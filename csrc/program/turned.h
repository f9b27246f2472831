/* turned.h: the body of a loop for lanes once more, with what the next trip begins with where the last one has ended.
 *
 * One after the other leave nothing to be copied: what is a result's place in the one is that of a number of the state in
 * the other, and the other way round. All else stands where it stood. */
#ifndef PG_TURNED_H
#define PG_TURNED_H

#include "program/program.h"

/* A copy without loops. NULL for want of memory. Caller owns. */
pg_program *pg_program_copy(const pg_program *p);

/* The other one of a body with a state of n numbers; *out is NULL if it has none, since results are to be copied. False
 * for want of memory. Caller owns. */
int pg_program_turn(const pg_program *p, size_t n, pg_program **out);

#endif
