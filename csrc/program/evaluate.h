/* evaluate.h: one op of the table on its own, as programs compute it; and programs without rows, step by step.
 *
 * Runs of whole programs are in pygrad.h. The first is for those who have to get the same bits without a program. */
#ifndef PG_EVALUATE_H
#define PG_EVALUATE_H

#include "pygrad.h"

/* One op of the table on numbers, by the functions that lanes use: so a constant computed beforehand has the bits
 * it would have had at run time. Operands that the op does not have are ignored. */
double pg_evaluate_one(int op, double x, double y, double w);

/* Which instructions are in use: 0, 1 or 2 as for pg_choose_lanes. */
int pg_lane_level(void);

/* pg_program_run_once for those who put numbers into the uniform slots themselves: first pg_place_constants, then
 * theirs, lives into the first slots and inputs into their own. As there; -1 if a loop was stopped. */
int pg_uniforms_run(const pg_program *p, double *uniforms, uint32_t *guard);

#endif
