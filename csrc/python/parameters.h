/* parameters.h: the type of a list of Values that an optimiser updates. */
#ifndef PG_PARAMETERS_H
#define PG_PARAMETERS_H

#include "python/object.h"

/* Makes the type and adds it to the module; -1 with an exception set. */
int pg_parameters_init(PyObject *module);

#endif
