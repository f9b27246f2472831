/* rounding.h: whole numbers of so many digits that they carry a number on, and not its derivative. */
#ifndef PG_ROUNDING_H
#define PG_ROUNDING_H

#include "python/object.h"

/* From here on a whole number is told of; fewer digits are what rounding is for. */
#define PG_LARGE_WHOLE 0x1p31

/* Lets Python refuse that x was rounded to z, in lifted code alone. False with an exception set. */
int pg_may_round(PyObject *x, double z);

extern PyMethodDef pg_rounding_functions[];

#endif
