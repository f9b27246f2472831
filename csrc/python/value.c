/* value.c: the life of a Value, the Python object of a node, and what the collector is told of it.
 *
 * Who keeps whom. A Value owns one reference to its node; the node's back pointer to it is borrowed, so
 * a node has one Value at a time and may have none. That suffices for most nodes, and the collector never
 * hears of them. Two kinds need more:
 *   visible  The Value holds something that can form a cycle (a closure, attributes), or an operand's
 *            Value does. It is tracked and holds the Values of its visible operands, so the collector sees
 *            every path that leads round.
 *   pinned   The Value carries something to keep (a label, a subclass, plain attributes) or became visible
 *            after other nodes had come to use it. The node then holds a reference to the Value for as
 *            long as anything else refers to the node. */
#include "python/value.h"

#include "python/convert.h"

PyTypeObject *pg_value_type, *pg_condition_type;
int pg_late;

/* -- life --------------------------------------------------------------------------------------- */

/* Freed Values of the exact type, and conditions, wait here with their reference to it, linked through their node
 * fields. */
enum { SPARE_LIMIT = 1024 };
typedef struct {
    pg_value *first;
    int count;
} spare_values;
static spare_values spares, spare_conditions;

/* Runs no code of others: up to Python 3.11 any allocation could, through the collector, at a time when a new
 * node does not keep yet what its operands carry. */
PG_INLINE pg_value *allocate(PyTypeObject *type, spare_values *spare)
{
    if (PG_LIKELY(spare->first != NULL)) {
        pg_value *v = spare->first;
        spare->first = (pg_value *)(void *)v->node;
        spare->count--;
        Py_SET_REFCNT((PyObject *)v, 1);
        return v;
    }
    int collects = PyGC_Disable();
    pg_value *v = PyObject_GC_New(pg_value, type);
    if (collects)
        PyGC_Enable();
    if (v != NULL) {
        v->dict = NULL;
        v->weakrefs = NULL;
        v->extras = NULL;
    }
    return v;
}

/* Takes back the memory of a Value that holds nothing. */
PG_INLINE void give_back(pg_value *v)
{
    PyTypeObject *type = Py_TYPE(v);
#ifndef PG_HOSTILE
    spare_values *spare = PG_LIKELY(type == pg_value_type) ? &spares : &spare_conditions;
    if (PG_LIKELY((type == pg_value_type || type == pg_condition_type) && spare->count < SPARE_LIMIT)) {
        v->node = (pg_node *)(void *)spare->first;
        spare->first = v;
        spare->count++;
        return;
    }
#endif
    freefunc free_object = (freefunc)PyType_GetSlot(type, Py_tp_free);
    free_object(v);
    Py_DECREF(type);
}

PG_INLINE PyObject *wrap(pg_node *n, PyTypeObject *type, spare_values *spare)
{
    if (PG_UNLIKELY(n == NULL))
        return PyErr_NoMemory();
    if (PG_UNLIKELY(n->wrapper != NULL)) { /* a collection has come between, and made it visible: see exposure.c */
        PyObject *made = Py_NewRef((PyObject *)n->wrapper);
        pg_release(n);
        return made;
    }
    pg_value *v = allocate(type, spare);
    if (PG_UNLIKELY(v == NULL)) {
        pg_release(n);
        return NULL;
    }
    v->node = n;
    n->wrapper = v;
    return (PyObject *)v;
}

PyObject *pg_wrap(pg_node *n)
{
    return wrap(n, pg_value_type, &spares);
}

PyObject *pg_wrap_condition(pg_node *n)
{
    return wrap(n, pg_condition_type, &spare_conditions);
}

int pg_ensure_node(pg_value *v)
{
    if (PG_LIKELY(v->node != NULL))
        return 1;
    v->node = pg_leaf(0.0);
    if (v->node == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    v->node->wrapper = v;
    v->node->flags = PG_UNBUILT | PG_CARRIES; /* its type */
    return 1;
}

static void pin(pg_value *v)
{
    if (!(v->node->flags & PG_PINNED)) {
        v->node->flags |= PG_PINNED;
        Py_INCREF(v);
    }
}

static void unpin(void *wrapper)
{
    Py_DECREF((PyObject *)wrapper);
}

void pg_value_use_type(PyTypeObject *type)
{
    pg_value_type = type;
    pg_unpin = unpin;
}

PyObject *pg_value_of(pg_node *n)
{
    if (n->wrapper != NULL)
        return Py_NewRef((PyObject *)n->wrapper);
    pg_value *v = allocate(pg_value_type, &spares);
    if (v == NULL)
        return NULL;
    v->node = pg_retain(n);
    n->wrapper = v;
    /* Kept while the node is in use, so that identity and id() stay as they are once seen. */
    if (n->refs > 1)
        pin(v);
    return (PyObject *)v;
}

pg_extras *pg_extras_of(pg_value *v)
{
    if (v->extras == NULL) {
        v->extras = pg_alloc(1, sizeof *v->extras);
        if (v->extras == NULL)
            PyErr_NoMemory();
        else
            *v->extras = (pg_extras){NULL, NULL, NULL, NULL, NULL, NULL};
    }
    return v->extras;
}

/* Lets go of all that could be part of a cycle; op_name and origin, plain text, never are. */
static void clear_extras(pg_extras *extras)
{
    Py_CLEAR(extras->closure);
    Py_CLEAR(extras->parents);
    Py_CLEAR(extras->label);
    Py_CLEAR(extras->adjoint);
}

PG_INLINE void destroy(pg_value *v)
{
    pg_node *n = v->node;
    PyObject *dict = v->dict;
    pg_extras *extras = v->extras;
    v->node = NULL;
    v->dict = NULL;
    v->extras = NULL;
    v->weakrefs = NULL;
    if (n != NULL && n->wrapper == v)
        n->wrapper = NULL;
    give_back(v);
    if (n != NULL)
        pg_release(n);
    Py_XDECREF(dict);
    if (extras != NULL) {
        clear_extras(extras);
        Py_XDECREF(extras->op_name);
        Py_XDECREF(extras->origin);
        pg_free(extras);
    }
}

/* Values that hold others are destroyed one after the other, never one inside the other: a chain of a
 * million closures must not need a million C frames. They wait linked through their weakrefs fields. */
static pg_value *waiting;
static int destroying;

void pg_value_dealloc(PyObject *self)
{
    pg_value *v = (pg_value *)self;
    if (PG_LIKELY(v->extras == NULL && v->dict == NULL && v->weakrefs == NULL &&
                  (Py_TYPE(self) == pg_value_type || Py_TYPE(self) == pg_condition_type) &&
                  !(v->node->flags & (PG_VISIBLE | PG_CARRIES)))) { /* so it was never tracked */
        destroy(v);
        return;
    }
    PyObject_GC_UnTrack(self);
    if (v->node != NULL)
        v->node->wrapper = NULL; /* from here on other code may run: nobody is to find the dying Value */
    if (v->weakrefs != NULL)
        PyObject_ClearWeakRefs(self);
    v->weakrefs = (PyObject *)waiting;
    waiting = v;
    if (destroying)
        return;
    destroying = 1;
    while (waiting != NULL) {
        pg_value *next = waiting;
        waiting = (pg_value *)(void *)next->weakrefs;
        destroy(next);
    }
    destroying = 0;
}

int pg_value_traverse(PyObject *self, visitproc visit, void *arg)
{
    const pg_value *v = (const pg_value *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(v->dict);
    if (v->extras != NULL) {
        Py_VISIT(v->extras->closure);
        Py_VISIT(v->extras->parents);
        Py_VISIT(v->extras->label);
        Py_VISIT(v->extras->adjoint);
    }
    return 0;
}

int pg_value_clear(PyObject *self)
{
    pg_value *v = (pg_value *)self;
    Py_CLEAR(v->dict);
    if (v->extras != NULL)
        clear_extras(v->extras);
    return 0;
}

/* -- what is kept ------------------------------------------------------------------------------- */

void pg_make_visible(pg_value *v)
{
    if (v->node->flags & PG_VISIBLE)
        return;
    v->node->flags |= PG_VISIBLE;
    if (v->node->refs > 1) {
        pin(v);
        pg_late = 1;
    }
    if (!PyObject_GC_IsTracked((PyObject *)v))
        PyObject_GC_Track(v);
}

/* v has been given content to keep; what can be part of a cycle makes it visible. */
void pg_carry(pg_value *v, PyObject *content)
{
    if (content != NULL && PyType_GetFlags(Py_TYPE(content)) & Py_TPFLAGS_HAVE_GC) {
        pg_make_visible(v);
        return;
    }
    v->node->flags |= PG_CARRIES;
    if (v->node->refs > 1 && !(v->node->flags & PG_VISIBLE))
        pin(v);
}

void pg_keep(pg_node *n)
{
    if (!(n->flags & (PG_VISIBLE | PG_CARRIES)) || n->wrapper == NULL)
        return;
    if (n->refs == 1)
        return; /* its Value's reference: it has no user after all */
    pin(n->wrapper);
    if (n->flags & PG_VISIBLE)
        pg_late = 1;
}

int pg_name_op(pg_value *v, PyObject *op_name)
{
    pg_extras *extras = pg_extras_of(v);
    if (extras == NULL)
        return 0;
    PyObject *text = PyUnicode_FromObject(op_name); /* a plain str: the collector need not see it */
    if (text == NULL)
        return 0;
    pg_set(&extras->op_name, text);
    pg_carry(v, NULL);
    return 1;
}

int pg_keep_operands(PyObject *made, PyObject *const *operands, size_t count)
{
    Py_ssize_t visible = 0;
    for (size_t i = 0; i < count; i++) {
        if (!PG_IS_VALUE(operands[i]))
            continue;
        if (!pg_require_built(operands[i]))
            return 0;
        uint8_t flags = PG_NODE(operands[i])->flags;
        if (flags & PG_VISIBLE)
            visible++;
        else if (flags & PG_CARRIES && PG_NODE(operands[i])->refs > 1)
            pin((pg_value *)operands[i]);
    }
    if (visible == 0)
        return 1;
    pg_extras *extras = pg_extras_of((pg_value *)made);
    if (extras == NULL)
        return 0;
    int collects = PyGC_Disable(); /* so that the count stays true: see allocate() */
    PyObject *parents = PyTuple_New(visible);
    if (collects)
        PyGC_Enable();
    if (parents == NULL)
        return 0;
    for (size_t i = count; visible != 0;) {
        i--;
        if (PG_IS_VALUE(operands[i]) && PG_NODE(operands[i])->flags & PG_VISIBLE)
            PyTuple_SetItem(parents, --visible, Py_NewRef(operands[i]));
    }
    pg_set(&extras->parents, parents);
    pg_make_visible((pg_value *)made);
    return 1;
}

/* -- grads that are Values ---------------------------------------------------------------------- */

void pg_forget_adjoint(const pg_node *n)
{
    const pg_value *v = n->wrapper;
    if (v != NULL && v->extras != NULL)
        pg_set(&v->extras->adjoint, NULL);
}

pg_status pg_clear_grad(pg_node *n)
{
    pg_status status = pg_write_grad(n, 0.0);
    if (status == PG_OK)
        pg_forget_adjoint(n);
    return status;
}
