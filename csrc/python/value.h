/* value.h: the life of Values: how nodes get one, and how long it stays.
 *
 * A node's wrapper is its Value or NULL. A pinned node holds a reference to its Value as long as anything else
 * refers to the node; a visible one is tracked by the collector and holds the Values of its visible operands.
 * Neither ends before the Value, but for pg_expose, which takes off pins that are not needed any more. */
#ifndef PG_VALUE_H
#define PG_VALUE_H

#include "python/object.h"

/* Says which type Values are of, once. The type is static from then on. */
void pg_value_use_type(PyTypeObject *type);

/* A new Value for a node that has none (else that one); takes over the caller's reference, even when it fails. NULL with
 * MemoryError set for NULL, so that what makes a node need not be checked. */
PyObject *pg_wrap(pg_node *n);

/* The same of the type of conditions. */
PyObject *pg_wrap_condition(pg_node *n);

/* A new reference to the Value of n, made if there is none and then kept as long as n is referred to. */
PyObject *pg_value_of(pg_node *n);

/* Sees that v has a node: object.__new__, let in by a patched __new__, makes an instance of a subclass without
 * one. False with an exception set. */
int pg_ensure_node(pg_value *v);

/* v's extras, made if there are none; NULL with an exception set. Borrowed. */
pg_extras *pg_extras_of(pg_value *v);

/* -- what is kept */

/* Makes v visible to the collector, for good. */
void pg_make_visible(pg_value *v);

/* Not 0 if a Value became visible while other nodes used it, since the last pg_expose. */
extern int pg_late;

/* v was given content (borrowed; NULL for content without references) that is to be kept with it. */
void pg_carry(pg_value *v, PyObject *content);

/* n has got a user in C: what its Value carries, if it has one, is kept as long as n is in use. */
void pg_keep(pg_node *n);

/* Sees that what the operands (borrowed) of the new Value made carry stays alive as long as made needs it (see
 * PG_SLOW). False with an exception set. */
int pg_keep_operands(PyObject *made, PyObject *const *operands, size_t count);

/* Gives v an _op of its own and sees that it is kept. False with an exception set. */
int pg_name_op(pg_value *v, PyObject *op_name);

/* -- grads that are Values */

/* Takes the adjoint that backward(create_graph=True) left from the Value of n, if it has one. */
void pg_forget_adjoint(const pg_node *n);

/* Sets the grad to 0 and forgets that adjoint. */
pg_status pg_clear_grad(pg_node *n);

/* -- slots of the type */
void pg_value_dealloc(PyObject *self);
int pg_value_traverse(PyObject *self, visitproc visit, void *arg);
int pg_value_clear(PyObject *self);

#endif
