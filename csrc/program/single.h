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

/* Whether a loop is a way, and so few rows of a block take it that it runs on the numbers of each: then lanes would mostly
 * work for nobody. Which rows do is in mask. */
int pg_is_taken_by_few(const pg_loop *loop, const pg_term *operands, const block *rows, int64_t *mask);

/* Such a way. False if it was stopped. */
int pg_loop_few(const pg_loop *loop, const pg_term *operands, block *rows, const int64_t *mask, double *results);

#endif
