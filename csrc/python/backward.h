/* backward.h: backward() and zero_grad(), as functions of the module, and for other files. */
#ifndef PG_BACKWARD_H
#define PG_BACKWARD_H

#include "python/object.h"

/* One reverse sweep from a Value: every grad of what it was computed from, or none and false with an exception set. */
int pg_backward(PyObject *root, double seed);

extern PyMethodDef pg_backward_functions[];

#endif
