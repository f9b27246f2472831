/* conditions.h: what a comparison gives in a trace: a Value of 0 or 1, of a type of its own.
 *
 * Where eager code has a bool, a trace has a condition: an op of the program, without a slope. Arithmetic, where(), &,
 * | and ^ take it as it is. Whatever needs to know (if, while, and, or, not, an index, text ...) asks for its truth,
 * which becomes a guard, once: from there on the path is one on which the truth is known. */
#ifndef PG_CONDITIONS_H
#define PG_CONDITIONS_H

#include "graph/graph.h"
#include "python/object.h"

/* Whether a compares so with b, or with a number where b is NULL. New reference; NULL with an exception set. */
PyObject *pg_compared(PyObject *a, PyObject *b, double number, pg_comparison compare, int outcome);

/* The truth of a condition as a bool, from here on noted as a guard; NULL with an exception set. */
PyObject *pg_condition_bool(PyObject *condition);

/* Puts the type into the module; -1 with an exception set. After the type of Values. */
int pg_conditions_init(PyObject *module);

#endif
