/* bound.h: calls of a program on memory that stays where it is: what a Buffer does at most of its calls. */
#ifndef PG_BOUND_H
#define PG_BOUND_H

#include "python/object.h"

/* Adds the type; -1 with an exception set. */
int pg_bound_init(PyObject *module);

#endif
