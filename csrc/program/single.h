/* single.h: loops of a block at work on the numbers of single rows; which rows of a block begin. */
#ifndef PG_SINGLE_H
#define PG_SINGLE_H

#include "program/loop.h"

/* An operand, whose number may be the same for all rows, into lanes, unless they are NULL. */
void pg_put_operand(const block *rows, pg_slot slot, double *into);

/* Which rows begin: those that are on the path, and are told to; how many. Lanes without a row do what the last row does,
 * so that all lanes may begin. */
int pg_mask_begin(const pg_body *body, const block *rows, const double *control, int64_t *mask);

/* The only row of a block, whose numbers are put into all lanes. False if it was stopped. */
int pg_loop_single(const pg_loop *loop, const pg_loop *later, pg_handed *handed, const pg_term *operands, block *rows,
                   double *results);

/* How many rows of a block take a way, and which, in mask; SIZE_MAX if the loop is none, or a scan. */
size_t pg_count_taking(const pg_loop *loop, const pg_term *operands, const block *rows, int64_t *mask);

/* So few rows take a way on the numbers of each, where lanes would mostly work for nobody: a single one, or some of a way that
 * cannot be gathered (gathered.h). */
enum { PG_ALONE = 1, PG_FEW = 4 };

/* The results of rows that do not take a way, into all lanes: what it begins with, forward or back, and 0. */
void pg_pass_by(const pg_loop *loop, const pg_term *operands, const block *rows, double *results);

/* Such a way. False if it was stopped. */
int pg_loop_few(const pg_loop *loop, const pg_term *operands, block *rows, const int64_t *mask, double *results);

#endif
