/* choosing.h: a function for Values and the standard one of plain numbers, as one. */
#ifndef PG_CHOOSING_H
#define PG_CHOOSING_H

#include "python/object.h"

/* What a function gives for the arguments that METH_FASTCALL | METH_KEYWORDS has been given: a new reference. */
PyObject *pg_hand_on(PyObject *function, PyObject *const *args, Py_ssize_t count, PyObject *keywords);

extern PyMethodDef pg_choosing_functions[];

#endif
