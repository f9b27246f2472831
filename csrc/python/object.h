/* value.h: what the files that include Python.h share: the Value object and how nodes get one. */
#ifndef PG_VALUE_H
#define PG_VALUE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include "graph/node.h"

#include <string.h>

/* Seldom-used parts of a Value, allocated when first needed. All references are strong or NULL. */
typedef struct {
    PyObject *closure;     /* user's _backward, or None to switch the rule off */
    PyObject *parents;     /* tuple: wrappers of the visible operands, for the collector */
    PyObject *label;       /* str */
    PyObject *op_name;     /* str: the _op given to the constructor */
    PyObject *adjoint;     /* Value: .grad as backward(create_graph=True) left it */
    PyObject *origin;      /* str: where it was made, if debug_nans() was on */
} pg_extras;

typedef struct {
    PyObject_HEAD
    pg_node *node;         /* owns one reference; NULL before pg_ensure_node and while being freed */
    PyObject *dict;
    PyObject *weakrefs;
    pg_extras *extras;
} pg_value;

extern PyTypeObject *pg_value_type;

#define PG_NODE(object) (((pg_value *)(object))->node)
#define PG_IS_EXACT(object) PG_LIKELY(Py_TYPE(object) == pg_value_type)
#define PG_IS_VALUE(object) (PG_IS_EXACT(object) || PyObject_TypeCheck(object, pg_value_type))

/* Puts a new reference, which it takes over, in the place of the old one. */
static inline void pg_set(PyObject **place, PyObject *object)
{
    PyObject *old = *place;
    *place = object;
    Py_XDECREF(old);
}

/* Whether two numbers are the same, nan and the sign of 0 included. */
static inline int pg_same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* -- value.c -- */

/* The type, made once. */
int pg_value_type_init(PyObject *module);

/* A new Value for a node that has none; takes over the caller's reference, even when it fails. NULL with
 * MemoryError set for NULL, so that what makes a node need not be checked. */
PyObject *pg_wrap(pg_node *n);

/* A new reference to the Value of n, made if there is none and then kept as long as n is referred to. */
PyObject *pg_value_of(pg_node *n);

/* Sees that what the operands of the new Value made carry stays alive as long as made needs it (see
 * PG_SLOW). False with an exception set. */
int pg_keep_operands(PyObject *made, PyObject *const *operands, size_t count);

/* v's extras, made if there are none; NULL with an exception set. Borrowed. */
pg_extras *pg_extras_of(pg_value *v);

/* Makes v visible to the collector, for good: see value.c. */
void pg_make_visible(pg_value *v);

/* v was given content (or NULL for content without references) that is to be kept with it. */
void pg_carry(pg_value *v, PyObject *content);

/* n has got a user in C: what its Value carries, if it has one, is kept as long as n is in use. */
void pg_keep(pg_node *n);

/* Gives v an _op of its own and sees that it is kept. False with an exception set. */
int pg_name_op(pg_value *v, PyObject *op_name);

/* False with RuntimeError set if the object was never initialised. */
int pg_require_built(PyObject *value);

/* Sets the exception of a status; always NULL. */
PyObject *pg_raise(pg_status status);

/* The number an operand stands for: 1 and *out, 0 if it is no number, -1 with an exception set. */
int pg_number(PyObject *object, double *out);

/* The same, with a TypeError that starts with what for other objects; false with an exception set. */
int pg_require_number(PyObject *object, const char *what, double *out);

/* A new tuple of what an iterable gives; TypeError that starts with what if it is none. */
PyObject *pg_tuple(PyObject *iterable, const char *what);

/* Sees that a tuple holds initialised Values only; false with an exception set, a TypeError that starts
 * with what and counts to the item. */
int pg_require_values(PyObject *tuple, const char *what);

/* Python's half of pg_number, for NumPy scalars and numbers.Real: object -> float or NotImplemented. */
extern PyObject *pg_exotic_number;

/* A node to serve as operand: that of a Value, or a new leaf; the caller owns one reference. */
pg_node *pg_operand_node(PyObject *object, const char *what);

/* -- modes.c -- */
/* How many modes threads are in, and which this one is in: two tests, the first cheap and common to all. */
extern int pg_special_threads;
extern PG_THREAD_LOCAL int pg_no_grad_depth, pg_watch_depth;
#define PG_SPECIAL PG_UNLIKELY(pg_special_threads != 0)
#define PG_DETACHED (PG_SPECIAL && pg_no_grad_depth > 0)
#define PG_WATCHED (PG_SPECIAL && pg_watch_depth != 0)

/* made, once the watcher has seen it if this thread is watched; NULL with an exception set, made given back,
 * if made is NULL or the watcher raised. */
PyObject *pg_watched(PyObject *made);

/* Shows the watcher what has arrived at n (own) and at its operands, and whether these are numbers or the
 * values of nodes; false with an exception set. */
int pg_watch_adjoints(pg_node *n, double own, const double *operands, int as_values, int forward);

extern PyMethodDef pg_mode_functions[];

/* -- tracing.c -- */
#define PG_TRACING (PG_SPECIAL && pg_birth_flags != 0)

/* Notes that a and b, or a number where b is NULL, were compared. False with an exception set. */
int pg_trace_comparison(PyObject *a, PyObject *b, double number, pg_comparison compare, int outcome);

/* False with TraceError set if == of these two Values would hide a comparison of numbers. */
int pg_trace_identity(PyObject *a, PyObject *b);

/* False with TraceError set if v depends on the inputs of the trace: it must not be read, written, made opaque. */
int pg_trace_access(PyObject *v, const char *what);

/* False with TraceError set if this thread traces: what is done here would be done at the trace only. */
int pg_trace_effect(PyObject *v);

/* False with TraceError set: backward() and zero_grad() on a Value or several, in a trace. */
int pg_trace_sweep(PyObject *of);

extern PyMethodDef pg_tracing_functions[];

/* -- replay.c -- */
extern PyMethodDef pg_replay_functions[];

/* -- construction.c -- */
/* Sees that v has a node: object.__new__, let in by a patched __new__, makes an instance of a subclass without
 * one. False with an exception set. */
int pg_ensure_node(pg_value *v);
PyObject *pg_value_alloc(PyTypeObject *type, Py_ssize_t items);
PyObject *pg_value_new(PyTypeObject *type, PyObject *args, PyObject *kwargs);
int pg_value_init(PyObject *self, PyObject *args, PyObject *kwargs);

/* -- attributes.c -- */
extern PyGetSetDef pg_attributes[];
extern PyMemberDef pg_offsets[];
int pg_set_label(PyObject *self, PyObject *content, void *closure);
int pg_value_setattro(PyObject *self, PyObject *name, PyObject *content);
PyObject *pg_value_richcompare(PyObject *self, PyObject *other, int op);
Py_hash_t pg_value_hash(PyObject *self);
PyObject *pg_value_repr(PyObject *self);

/* -- exposure.c -- */

/* Not 0 if a Value became visible while other nodes used it, since the last pg_expose. */
extern int pg_late;

/* Makes the users of such Values visible, too. If that cannot be had now, the next call tries again. */
void pg_expose(void);

/* -- operators.c -- */
extern PyType_Slot pg_number_slots[];
extern PyMethodDef pg_op_methods[];
extern PyMethodDef pg_op_functions[];
int pg_operators_init(void);

/* Text of _op for a node of the table. New reference. */
PyObject *pg_op_text(const pg_node *n);

/* -- backward.c -- */
enum { PG_STEP_BUDGET = 1 << 15 }; /* nodes between two looks for a signal: about a millisecond */

/* Sorts it down to the stops; false with an exception set. */
int pg_sort_fully(pg_sweep *s, pg_node *const *stops, size_t count);

/* A sweep from root, sorted down to the stops, or NULL with an exception set. Caller owns. */
pg_sweep *pg_sorted(pg_node *root, int writes, pg_node *const *stops, size_t count);

/* The way back of a sweep that has begun, closures called; false with an exception set. */
int pg_go_back(pg_sweep *s);

/* Shows the watcher the grads of n and its operands; false with an exception set. */
int pg_show_grads(pg_node *n, int forward);

/* Ends a sweep with the grads it found; an exception that is set stays as it is. */
void pg_give_up(pg_sweep *s);

/* Takes the adjoint that backward(create_graph=True) left from the Value of n, if it has one. */
void pg_forget_adjoint(const pg_node *n);

/* Sets the grad to 0 and forgets that adjoint. */
pg_status pg_clear_grad(pg_node *n);

extern PyMethodDef pg_backward_functions[];

/* -- recording.c -- */
extern PyMethodDef pg_recording_functions[];

/* A prepared adjoint over a sorted sweep, or NULL with an exception set. Caller owns. */
pg_adjoint *pg_ready_adjoint(const pg_sweep *s, pg_node *const *inputs, size_t count);
/* The nodes of a tuple of Values, or NULL with an exception set. Caller owns the array, not the nodes. */
pg_node **pg_nodes_of(PyObject *values, const char *what);

/* Every node of one way of a; false with an exception set. */
int pg_go_on(pg_adjoint *a);

/* Nodes were made in C that use nodes of the sweep: keeps what the Values of these carry. */
void pg_keep_graph(const pg_sweep *s);

/* -- many.c -- */
extern PyMethodDef pg_many_functions[];

/* -- module.c -- */
#define PG_FAST(function) (PyCFunction)(void (*)(void))function

/* Arguments by position or name into out, borrowed; NULL for an optional one that is not given. False with
 * an exception set. */
int pg_arguments(const char *function, const char *const *names, Py_ssize_t required, Py_ssize_t all,
                 PyObject *const *args, Py_ssize_t count, PyObject *keywords, PyObject **out);

/* -- parameters.c -- */
int pg_parameters_init(PyObject *module);

#endif
