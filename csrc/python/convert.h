/* convert.h: what C asks of Python's objects: arguments, numbers, tuples of Values; and errors, the other way.
 *
 * What fails has set an exception; where it is another kind of object that was asked for, a TypeError that says
 * so. Any of these may run other people's code, but for exact floats, ints and Values. */
#ifndef PG_CONVERT_H
#define PG_CONVERT_H

#include "graph/graph.h"
#include "python/object.h"

#include <string.h>

#define PG_FAST(function) (PyCFunction)(void (*)(void))(function)

/* What tp_dealloc does for an object of a type that was made of a spec, and that the collector tracks; clear gives back all
 * that it owns, and may run other people's code. */
void pg_end(PyObject *self, int (*clear)(PyObject *self));

/* Sets the exception of a status; always NULL. */
PyObject *pg_raise(pg_status status);

/* Arguments by position or name into out, borrowed; NULL for an optional one that is not given. False with
 * an exception set. */
int pg_arguments(const char *function, const char *const *names, Py_ssize_t required, Py_ssize_t all,
                 PyObject *const *args, Py_ssize_t count, PyObject *keywords, PyObject **out);

/* The number an operand stands for: 1 and *out, 0 if it is no number, -1 with an exception set. */
int pg_number(PyObject *object, double *out);

/* The same, with a TypeError that starts with what for other objects; false with an exception set. */
int pg_require_number(PyObject *object, const char *what, double *out);

/* Whether two numbers are the same, nan and the sign of 0 included. */
static inline int pg_same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* A leaf for a number that is an operand, or NULL. Caller owns. */
PG_INLINE pg_node *pg_number_leaf(double number)
{
    pg_node *n = pg_born(pg_leaf(number));
    if (n != NULL)
        n->flags |= PG_NUMBER;
    return n;
}

/* False with RuntimeError set if the Value was never initialised, or is of a trace that is over or not this thread's. */
int pg_require_built(PyObject *value);

/* Whether a Value that is of a trace, or has outlived one, may be used; false with an exception set. Put there before
 * the first trace. */
extern int (*pg_may_use)(PyObject *value);

/* Raises for PG_RULED; put there before the first trace. */
extern void (*pg_refuse_lost_rule)(void);

/* A node to serve as operand: that of a Value, or a new leaf; NULL with an exception set. Caller owns. */
pg_node *pg_operand_node(PyObject *object, const char *what);

/* A new tuple of what an iterable gives; TypeError that starts with what if it is none. Caller owns. */
PyObject *pg_tuple(PyObject *iterable, const char *what);

/* Whether number i of a tuple is an initialised Value; else false with an exception set, a TypeError that starts with
 * what and says the number. */
int pg_require_value(PyObject *v, const char *what, Py_ssize_t i);

/* Sees that a tuple holds initialised Values only; false with an exception set, a TypeError that starts
 * with what and counts to the item. */
int pg_require_values(PyObject *tuple, const char *what);

/* The nodes of such a tuple, or NULL with an exception set. Caller owns the array; the nodes are borrowed. */
pg_node **pg_nodes_of(PyObject *values, const char *what);

extern PyMethodDef pg_convert_functions[];

#endif
