/* singular.h: the user is told of derivatives of second and higher order that are not to be relied on. */
#ifndef PG_PYTHON_SINGULAR_H
#define PG_PYTHON_SINGULAR_H

#include "graph/singular.h"
#include "python/object.h"

/* After a sweep, with what pg_suppressed was before it: tells Python's function if that matters, and
 * sets *told then. False with an exception set. */
int pg_tell_singular(unsigned before, const pg_sweep *s, pg_way way, pg_node *const *inputs, size_t count,
                     const double *seeds, int *told);

/* Whether this thread's trace has computed derivatives of second or higher order. */
extern PG_THREAD_LOCAL int pg_higher_orders;

extern PyMethodDef pg_singular_functions[];

#endif
