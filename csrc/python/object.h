/* object.h: the Value object: what it is, and the flags that it puts on its node.
 *
 * A Value owns one reference to its node; the node's wrapper field is the way back, borrowed, so a node has one
 * Value at a time and may have none. What few Values have stands in extras. Who keeps whom is told in value.c. */
#ifndef PG_OBJECT_H
#define PG_OBJECT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "graph/node.h"

/* The bits of a node's flags that are ours. */
enum pg_value_flags {
    PG_VISIBLE = PG_FLAGS_OF_WRAPPERS, /* owned by its Value, which holds its parents' Values for the collector */
    PG_CARRIES = PG_FLAGS_OF_WRAPPERS << 1, /* its Value has something to keep: a label, _op, type, attributes */
    PG_UNBUILT = PG_FLAGS_OF_WRAPPERS << 2, /* made by __new__, not yet by __init__ */
    PG_ACTIVE = PG_FLAGS_OF_WRAPPERS << 3, /* an input of a transform that is running the user's function */
    PG_ESCAPED = PG_UNBUILT | PG_ACTIVE, /* both: it has outlived its trace, and every use refuses it */
    PG_WHOLE_EXPONENT = PG_BY_OP, /* x ** n was written with an int */
    PG_NUMBER = PG_BY_OP, /* a leaf: stands for a number that was an operand, such as the 2 of a * 2 */
    PG_ASKED = PG_BY_OP   /* a condition: Python has asked for its truth, and a guard says so */
};

_Static_assert((int)PG_ACTIVE < (int)PG_BY_OP, "flags take one byte");

/* Flags of both enums, as an int, in which a compiler lets them meet. */
#define PG_TRACED_INPUT ((int)PG_TRACED | PG_ACTIVE)
#define PG_UNBUILT_OR_TRACED ((int)PG_UNBUILT | PG_TRACED)

/* Operands with any of these need more than a node made: see the number protocol's slow path. */
#define PG_SLOW (PG_VISIBLE | PG_CARRIES | PG_UNBUILT | PG_TRACED)

/* Whether a node waits for the __init__ of its Value. */
#define PG_WAITING(n) (((n)->flags & PG_ESCAPED) == PG_UNBUILT)

/* Seldom-used parts of a Value, allocated when first needed. All references are strong or NULL. */
typedef struct {
    PyObject *closure;     /* user's _backward, or None to switch the rule off */
    PyObject *parents;     /* tuple: Values of the visible operands, for the collector */
    PyObject *label;       /* str */
    PyObject *op_name;     /* str: the _op given to the constructor */
    PyObject *adjoint;     /* Value: .grad as backward(create_graph=True) left it */
    PyObject *origin;      /* str: where it was made, if debug_nans() was on; of what has escaped, from which trace */
} pg_extras;

typedef struct {
    PyObject_HEAD
    pg_node *node;         /* owns one reference; NULL before pg_ensure_node and while being freed */
    PyObject *dict;
    PyObject *weakrefs;
    pg_extras *extras;
} pg_value;

/* The type, and the one of conditions (see conditions.h); kept in value.c. Static. */
extern PyTypeObject *pg_value_type, *pg_condition_type;

#define PG_NODE(object) (((pg_value *)(object))->node)
#define PG_IS_EXACT(object) PG_LIKELY(Py_TYPE(object) == pg_value_type)
#define PG_IS_VALUE(object) (PG_IS_EXACT(object) || PyObject_TypeCheck(object, pg_value_type))

#define PG_IS_CONDITION(object) (Py_TYPE(object) == pg_condition_type)

/* Puts a new reference, which it takes over, in the place of the old one. */
static inline void pg_set(PyObject **place, PyObject *object)
{
    PyObject *old = *place;
    *place = object;
    Py_XDECREF(old);
}

#endif
