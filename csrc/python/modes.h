/* modes.h: what a thread may be in: no_grad, debug_nans, a trace.
 *
 * pg_special_threads counts one for each mode that each thread is in, so that where it is 0 nothing else need be
 * asked. */
#ifndef PG_MODES_H
#define PG_MODES_H

#include "graph/graph.h"
#include "python/object.h"

/* How many modes threads are in, and which this one is in: two tests, the first cheap and common to all. */
extern int pg_special_threads;
extern PG_THREAD_LOCAL int pg_no_grad_depth, pg_watch_depth;
#define PG_SPECIAL PG_UNLIKELY(pg_special_threads != 0)
#define PG_NO_GRAD (PG_SPECIAL && pg_no_grad_depth > 0)
/* Results are to be leaves. In a trace they are not, or a program could not compute them again: see pg_recorded. */
#define PG_DETACHED (PG_NO_GRAD && pg_birth_flags == 0)
#define PG_WATCHED (PG_SPECIAL && pg_watch_depth != 0)

/* made (taken over), once the watcher has seen it if this thread is watched; NULL with an exception set, made
 * given back, if made is NULL or the watcher raised. */
PyObject *pg_watched(PyObject *made);

/* Shows the watcher what has arrived at n (own) and at its operands, and whether these are numbers or the
 * values of nodes; false with an exception set. */
int pg_watch_adjoints(pg_node *n, double own, const double *operands, int as_values, int forward);

extern PyMethodDef pg_mode_functions[];

#endif
