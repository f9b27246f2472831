/* training.h: a step of a training loop: derivatives by captured Values, added to their grads, and a step of an optimiser.
 *
 * All that can fail is done before anything is changed: grads, numbers and what an optimiser keeps are those of before, or
 * those after the whole step. A Training does it from the rows on: it is for one path of a program whose rows are added
 * up, and for arguments of certain shapes, and has the memory of one call at a time. What it cannot do it leaves to Python,
 * with nothing done. */
#ifndef PG_TRAINING_H
#define PG_TRAINING_H

#include "python/object.h"

extern PyMethodDef pg_training_functions[];

/* Adds the type; -1 with an exception set. */
int pg_training_init(PyObject *module);

#endif
