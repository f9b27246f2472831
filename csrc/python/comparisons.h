/* comparisons.h: comparisons of Values, and their truth. */
#ifndef PG_COMPARISONS_H
#define PG_COMPARISONS_H

#include "python/object.h"

PyObject *pg_value_richcompare(PyObject *self, PyObject *other, int op);
int pg_value_bool(PyObject *x);

#endif
