/* interrupts.h: what Python's signal handlers raise while C works for long.
 *
 * The C library asks by pg_stop_asked(). If a handler raises then, the exception is kept until the work has given
 * back what it had; whoever learns that the work was stopped raises it. */
#ifndef PG_INTERRUPTS_H
#define PG_INTERRUPTS_H

#include "python/object.h"

/* Raises what was kept in this thread; always NULL, with an exception set. */
PyObject *pg_raise_interrupt(void);

extern PyMethodDef pg_interrupt_functions[];

#endif
