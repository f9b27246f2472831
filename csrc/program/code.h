/* code.h: the last step of compiling: instructions for a draft.
 *
 * Operands are computed before their users; uniform instructions come before those of lanes, and results after all
 * guards of rows. A slot of lanes is used again only after the last user of its number. */
#ifndef PG_CODE_H
#define PG_CODE_H

#include "program/draft.h"

/* The program for a draft whose uses are counted. guards has two values for each guard, results one for each
 * output; both are borrowed. Caller owns *out, until pg_program_free. */
pg_status pg_write_program(draft *d, const pg_trace *t, const uint32_t *guards, const uint32_t *results,
                           pg_program **out);

#endif
