/* watching.h: what debug_nans is shown, while this thread is watched: PG_WATCHED. */
#ifndef PG_WATCHING_H
#define PG_WATCHING_H

#include "python/object.h"

/* made (taken over), once the watcher has seen it if this thread is watched; NULL with an exception set, made
 * given back, if made is NULL or the watcher raised. */
PyObject *pg_watched(PyObject *made);

/* Shows the watcher what has arrived at n (own) and at its operands, and whether these are numbers or the
 * values of nodes; false with an exception set. */
int pg_watch_adjoints(pg_node *n, double own, const double *operands, int as_values, int forward);

extern PyMethodDef pg_watching_functions[];

#endif
