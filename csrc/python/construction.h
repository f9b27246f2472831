/* construction.h: slots of the type for Value(...). Between pg_value_new and pg_value_init a Value has an unbuilt
 * node, which every use refuses. */
#ifndef PG_CONSTRUCTION_H
#define PG_CONSTRUCTION_H

#include "python/object.h"

PyObject *pg_value_alloc(PyTypeObject *type, Py_ssize_t items);
PyObject *pg_value_new(PyTypeObject *type, PyObject *args, PyObject *kwargs);
int pg_value_init(PyObject *self, PyObject *args, PyObject *kwargs);

extern PyMethodDef pg_construction_functions[];

#endif
