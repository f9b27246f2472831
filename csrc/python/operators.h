/* operators.h: slots of the type for operators, and the ops as methods and functions. */
#ifndef PG_OPERATORS_H
#define PG_OPERATORS_H

#include "python/object.h"

extern PyType_Slot pg_number_slots[];

extern PyMethodDef pg_op_methods[];
extern PyMethodDef pg_op_functions[];

/* Finds the standard math module's functions, once; -1 with an exception set. */
int pg_operators_init(void);

#endif
