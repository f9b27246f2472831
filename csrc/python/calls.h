/* calls.h: functions of Python's that programs call back.
 *
 * What a call calls is an object: called with the operands of some rows, as bytes, and how many rows they are, it returns
 * the results as bytes, or a tuple of an exception and the first and the last row that it may be of. It has a method
 * on_values, for a program that runs on Values. */
#ifndef PG_PYTHON_CALLS_H
#define PG_PYTHON_CALLS_H

#include "program/call.h"
#include "python/object.h"

/* The results of a call where a program runs on Values, each a node that the caller owns; false with an exception set. */
int pg_call_on_nodes(const pg_call *call, pg_node *const *operands, pg_node **results);

extern PyMethodDef pg_call_functions[];

#endif
