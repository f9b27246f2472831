/* table.h: tables in drafts, and where their items stand.
 *
 * A table is in a draft once, whoever reads from it: a list of terms of one factor. Items that are constants are there
 * as values of their own, in order, so that they stand in a row once they have slots; any uniforms that happen to do
 * so are read like that, too, and others by their terms: see lookup.h. */
#ifndef PG_PROGRAM_TABLE_H
#define PG_PROGRAM_TABLE_H

#include "program/draft.h"

/* The value of a node PG_SEARCH or PG_TAKE, whose operands' values are given. Any number if the draft has failed. */
uint32_t pg_value_of_table(draft *d, const pg_node *n, const uint32_t *operands);

/* Whether the items of a value are uniforms in a row, which the instruction then says. */
int pg_stands_in_a_row(const draft *d, const value *v, pg_instruction *in);

#endif
