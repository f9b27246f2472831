/* captures.h: whether what a function reads from elsewhere is what it was when its programs were traced. */
#ifndef PG_PYTHON_CAPTURES_H
#define PG_PYTHON_CAPTURES_H

#include "python/object.h"

/* Whether this thread traces nothing, and all that was captured (see pygrad/programs/captures.py) is there as it was.
 * Attributes that are asked for may run any code. */
int pg_may_run(PyObject *captures);

extern PyMethodDef pg_capture_functions[];

/* -1 with an exception set if Python lacks something. */
int pg_captures_init(void);

#endif
