/* lookup.h: PG_CODE_SEARCH and PG_CODE_TAKE on one number.
 *
 * Whatever the numbers, nothing is read but items that the instruction has: an index that is none of theirs gives nan. */
#ifndef PG_LOOKUP_H
#define PG_LOOKUP_H

#include "pygrad.h"

/* The result of an instruction among the uniform ones. */
double pg_table_once(const pg_program *p, const pg_instruction *in, const double *uniforms);

/* The result in one of the lanes, for numbers in any slots. */
double pg_table_in_lane(const pg_program *p, const pg_instruction *in, const double *uniforms, const double *lanes,
                        size_t lane);

#endif
