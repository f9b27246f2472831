/* standing.h: columns of scans that are read where they stand, in the rows of the arguments.
 *
 * A block's rows are otherwise read into lanes before its first instruction. Of a scan of a thousand trips these are more than
 * the nearer memory holds, to be written and read again. So inputs that nobody reads but scans, as items of columns that
 * stand side by side in each row, are left where they are, and the scan reads a tile of them for some trips. */
#ifndef PG_STANDING_H
#define PG_STANDING_H

#include "program/block.h"

/* How many numbers of memory what is found needs. */
size_t pg_standing_numbers(const pg_program *p);

/* For each slot of lanes 1 + the input that is not to be loaded into it, or 0; in that memory. NULL if there is none. */
const uint32_t *pg_find_standing(const pg_program *p, const pg_batch *batch, void *memory);

/* 1 + the input that is the first item of a column, if that stands, or 0. */
static inline uint32_t pg_input_standing(const block *rows, pg_slot first_item)
{
    return rows->standing != NULL && first_item & PG_ROW ? rows->standing[first_item & ~PG_ROW] : 0;
}

/* So many items, a tile at most, of a column that stands, from item number at of the input that is its first one on: lanes
 * for each into tile. Lanes without a row repeat the last one. Those that stand next items further on, unless that is 0, are
 * fetched meanwhile. */
void pg_read_tile(const block *rows, size_t input, size_t at, size_t items, ptrdiff_t next, double *tile);

#endif
