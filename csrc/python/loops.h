/* loops.h: loops of a trace, whose bodies are traced once. */
#ifndef PG_PYTHON_LOOPS_H
#define PG_PYTHON_LOOPS_H

#include "python/trace.h"

/* False with TraceError set if a guard between a and b (NULL for a number) stands in the body of a loop and depends on its
 * state, which has other numbers at each trip. */
int pg_loop_allows(const pg_running_trace *t, pg_node *a, pg_node *b);

extern PyMethodDef pg_loop_functions[];

#endif
