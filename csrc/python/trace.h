/* trace.h: the hooks of a trace, which ops, attributes and sweeps call while their thread traces.
 *
 * A trace is its thread's and there is one at most. It owns its inputs and the nodes of its guards, which are in
 * the order in which the function compared. Hooks do nothing in a thread that does not trace: ask PG_TRACING
 * first. */
#ifndef PG_PYTHON_TRACE_H
#define PG_PYTHON_TRACE_H

#include "graph/graph.h"
#include "python/handlers.h"
#include "python/modes.h"
#include "python/numbers.h"
#include "python/object.h"
#include "python/places.h"

#define PG_TRACING (PG_SPECIAL && pg_birth_flags != 0)

/* What has been noted so far. */
typedef struct {
    PyObject *inputs;      /* tuple of Values, owned */
    PyObject *rows;        /* bytes: of each whether it differs by row; owned, NULL as long as nobody has said so */
    pg_guard *guards;      /* their nodes are owned */
    size_t count, capacity;
    pg_places places;      /* of the guards */
    pg_raised errors;
    int loops;             /* bodies that run, one in the other */
    int bools;             /* comparisons give bools, and are guards at once */
    PyObject *asks;        /* Python's function that says whether they do, owned; NULL once it was asked */
    pg_numbers *numbers;   /* leaves of tables, owned */
} pg_running_trace;

/* This thread traces, and its inputs are these active Values (borrowed); false with an exception set. */
int pg_trace_begin(PyObject *inputs);

/* The trace of this thread ends, if it is the one with these inputs. */
void pg_trace_end(PyObject *inputs);

/* This thread's, or NULL. Borrowed. */
pg_running_trace *pg_trace_running(void);

/* What an op has made (taken over), NULL included: marked in a trace, and there within no_grad() without slope. Caller
 * owns. */
pg_node *pg_recorded(pg_node *n);

/* stop_gradient of n, which it takes over; NULL for want of memory. Caller owns. */
pg_node *pg_stopped(pg_node *n);

/* Whether comparisons give bools in this thread's trace, which is asked at the first of them; -1 with an exception. */
int pg_trace_gives_bools(void);

/* Lets Python raise TraceError with the user's line; always 0. */
int pg_trace_refuse(const char *kind, PyObject *a, PyObject *b);

/* Notes that a and b, or a number where b is NULL, were compared. False with an exception set. */
int pg_trace_comparison(PyObject *a, PyObject *b, double number, pg_comparison compare, int outcome);

/* The same of nodes. */
int pg_trace_guard(pg_node *a, pg_node *b, double number, pg_comparison compare, int outcome);

/* False with TraceError set if v depends on the inputs of the trace: it must not be read, written, made opaque;
 * or if it is to be read and depends on what was there before. */
int pg_trace_access(PyObject *v, const char *what);

/* 1 if another call may have another number in v, 0 if not; -1 with an exception set. */
int pg_trace_depends(PyObject *v);

/* False with TraceError set if v is of the trace and its number has been used: a program would not see another. */
int pg_trace_rewrite(PyObject *v);

/* False with TraceError set if this thread traces: what is done here would be done at the trace only. */
int pg_trace_effect(PyObject *v);

/* False with TraceError set: backward() and zero_grad() on a Value or several, in a trace. */
int pg_trace_sweep(PyObject *of);

extern PyMethodDef pg_trace_functions[];

#endif
