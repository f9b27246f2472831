/* constants.h: leaves that are to have no grad: those with requires_grad False.
 *
 * Sweeps know nothing of them, so that they cost nothing where there are none: a backward() puts their grads back
 * before it ends, and optimisers pass them over. */
#ifndef PG_CONSTANTS_H
#define PG_CONSTANTS_H

#include "python/object.h"

/* Not 0 once there has been one in this process. */
extern int pg_constants;

#define PG_IS_CONSTANT(n) (PG_UNLIKELY(pg_constants) && (n)->op == PG_LEAF && (n)->of.leaf.constant)

/* Gives constants of the sorted sweep the grads back that they had before it. */
void pg_spare_constants(const pg_sweep *s);

/* Getter and setter of requires_grad; closure is not used. NULL and -1 with an exception set. */
PyObject *pg_get_requires_grad(PyObject *self, void *closure);
int pg_set_requires_grad(PyObject *self, PyObject *content, void *closure);

#endif
