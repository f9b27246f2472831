/* loops.h: loops of a trace, whose bodies are traced once. */
#ifndef PG_PYTHON_LOOPS_H
#define PG_PYTHON_LOOPS_H

#include "program/derived.h"
#include "python/object.h"

/* The results of a loop with this body, which it takes over, as Values; NULL with an exception set. */
PyObject *pg_loop_values(pg_body *body, pg_node *const *operands);

/* False with TraceError set if a node is the state of a loop that has ended. */
int pg_require_alive(pg_node *n);

/* NULL, with the exception set that says why there is no body. */
PyObject *pg_loop_refused(pg_status status, pg_node *opaque);

extern PyMethodDef pg_loop_functions[];

#endif
