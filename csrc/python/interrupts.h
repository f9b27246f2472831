/* interrupts.h: what Python's signal handlers raise while C works for long.
 *
 * The C library asks by pg_stop_asked(). If a handler raises then, the exception is kept until the work has given
 * back what it had; whoever learns that the work was stopped raises it. */
#ifndef PG_INTERRUPTS_H
#define PG_INTERRUPTS_H

#include "python/object.h"

/* The exception that is set, as an object, no longer set; NULL with none. Caller owns. */
PyObject *pg_fetched(void);

/* Gives back an object that C has owned: in any thread, and perhaps after Python has ended. */
void pg_drop_object(void *object);

/* Raises what was kept in this thread; always NULL, with an exception set. */
PyObject *pg_raise_interrupt(void);

/* Keeps an exception that has stopped a run in this thread, for that one to raise. */
void pg_keep_interrupt(PyObject *error);

/* The same of what a call has failed with, which matters only if the run says so: see pg_loop_failure(). */
void pg_keep_failure(PyObject *error);

extern PyMethodDef pg_interrupt_functions[];

#endif
