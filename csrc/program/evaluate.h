/* evaluate.h: one op of the table on its own, as programs compute it.
 *
 * Runs of whole programs are in pygrad.h. This is for those who have to get the same bits without a program. */
#ifndef PG_EVALUATE_H
#define PG_EVALUATE_H

/* One op of the table on numbers, by the functions that lanes use: so a constant computed beforehand has the bits
 * it would have had at run time. Operands that the op does not have are ignored. */
double pg_evaluate_one(int op, double x, double y, double w);

#endif
