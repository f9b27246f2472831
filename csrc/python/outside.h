/* outside.h: what Values depend on: inputs of transforms that run, and Values outside a transform, which are none of
 * its inputs and were not made for it alone.
 *
 * Outside is a leaf that was there before the function ran, or that it made and somebody still holds; neither a number
 * that was an operand, nor what only stop_gradient leads to. Marks are put into the grads of a sweep that writes,
 * which gives these back when it is abandoned. */
#ifndef PG_OUTSIDE_H
#define PG_OUTSIDE_H

#include "graph/graph.h"
#include "graph/index.h"
#include "python/object.h"

/* A transform's function that has run. */
typedef struct {
    uint64_t since;        /* leaves born before were there before it ran */
    PyObject *returned; /* borrowed tuple or list of Values, or of tuples of them: what it gave back, which holds no
                            * Value on behalf of others */
    pg_index index; /* their nodes, once they were asked for */
    int indexed, collected;
} pg_run;

/* What a sorted sweep has shown. */
typedef struct {
    int reached; /* the root depends on a Value outside */
    int slopes; /* so may a derivative of it by the inputs */
    int given; /* or one of the partial derivatives given as Values, whose nodes are not in the order */
    int constants; /* no partial derivatives given as numbers depend on a Value outside */
} pg_findings;

/* The run of a function whose inputs record() has made. */
pg_run pg_run_of(pg_node *const *inputs, size_t own, PyObject *returned);
void pg_run_close(pg_run *run);

/* A collection has begun that makes what it leaves the collector's oldest. */
void pg_note_promotion(void);

/* Looks at a sweep that writes, whose first own nodes are the inputs of the run. False with an exception set. */
int pg_find_outside(pg_sweep *s, size_t own, pg_run *run, pg_findings *found);

/* Whether one of the nodes depends on a Value outside; -1 with an exception set. */
int pg_any_outside(pg_node *const *nodes, size_t count, pg_node *const *inputs, size_t own, pg_run *run);

/* rows, a list of tuples of Values, with numbers in the place of those that depend on no Value outside; NULL with an
 * exception set. */
PyObject *pg_settled(PyObject *rows, pg_node *const *inputs, size_t own, pg_run *run);

/* Inputs of transforms that run a function now, in all threads: those that are marked PG_ACTIVE. */
extern int pg_active_inputs;

/* Whether v depends on an input of a transform or trace that runs; -1 with an exception set. */
int pg_depends_on_input(PyObject *v);

/* A leaf for what an op has made of operands (borrowed, or NULL) within no_grad(); NULL without memory, or with an
 * exception set. Caller owns. */
pg_node *pg_detached_leaf(double z, pg_node *const *operands, size_t count);

/* Outside transforms and traces the truth of a Value whose number is 0 was asked for: warns. False with an exception
 * set. */
int pg_warn_of_truth(void);

/* Warns, if NumPy is what compares nan with another number; false with an exception set. */
int pg_warn_of_nan(void);

extern PyMethodDef pg_outside_functions[];

#endif
