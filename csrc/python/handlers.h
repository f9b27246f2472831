/* handlers.h: exceptions that a traced function may catch.
 *
 * In a program nothing raises. But where the function, or one that has called it on the way, has a handler, what an
 * operation would raise decides which way the function takes: so it is raised in the trace, too, and whether it was is
 * a guard. An exception that nobody catches is none of a program: the function is traced again, up to that one. */
#ifndef PG_PYTHON_HANDLERS_H
#define PG_PYTHON_HANDLERS_H

#include "python/object.h"

/* What a trace knows of exceptions. */
typedef struct {
    PyObject *frame, *caller; /* of the last operation that could raise, owned, or NULL; */
    int guarded, caller_guarded; /* whether they, or their callers, have handlers */
    PyObject *list; /* the exceptions raised so far, owned, or NULL */
    Py_ssize_t limit; /* how many may be; then operations are as in a program */
    int over; /* that is where it has come to */
} pg_raised;

void pg_errors_forget(pg_raised *errors);

/* Whether an exception of the operation that runs now might be caught; -1 with an exception set. */
int pg_errors_guarded(pg_raised *errors);

/* Takes the exception that is set, if one more may be raised. False, and it is cleared, if not; -1 with another one
 * set. */
int pg_errors_take(pg_raised *errors);

/* In the body of a loop, which is traced once and where nothing raises: false, with TraceError set, where a handler
 * around the operation that runs now would catch one of these exceptions: names, with blanks between. */
int pg_errors_unheard(pg_raised *errors, const char *names);

extern PyMethodDef pg_handler_functions[];

#endif
