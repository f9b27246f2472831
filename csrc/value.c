/* value.c: Value, the Python object of a node: its life, the collector, construction, attributes.
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
#include "value.h"

PyTypeObject *pg_value_type;
PyObject *pg_exotic_number;
int pg_no_grad_threads;
_Thread_local int pg_no_grad_depth;

/* -- errors and numbers ------------------------------------------------------------------------- */

PyObject *pg_raise(pg_status status)
{
    switch (status) {
    case PG_NO_MEMORY:
        return PyErr_NoMemory();
    case PG_BUSY:
        PyErr_SetString(PyExc_RuntimeError,
                        "backward() met a node of a backward() that is still running; "
                        "call it on a graph of its own, or after the running one has ended");
        break;
    case PG_TOO_DEEP:
        PyErr_SetString(PyExc_RecursionError, "too many backward() calls inside one another");
        break;
    case PG_DOMAIN_ERROR:
        PyErr_SetString(PyExc_ValueError, "math domain error");
        break;
    case PG_RANGE_ERROR:
        PyErr_SetString(PyExc_OverflowError, "math range error");
        break;
    case PG_DIVISION_BY_ZERO:
        PyErr_SetString(PyExc_ZeroDivisionError, "float division by zero");
        break;
    case PG_INFINITE:
        PyErr_SetString(PyExc_OverflowError, "cannot convert float infinity to integer");
        break;
    case PG_NOT_A_NUMBER:
        PyErr_SetString(PyExc_ValueError, "cannot convert float NaN to integer");
        break;
    default:
        PyErr_SetString(PyExc_SystemError, "pygrad: a status that is no error was raised");
    }
    return NULL;
}

int pg_require_built(PyObject *value)
{
    if (PG_LIKELY(!(PG_NODE(value)->flags & PG_UNBUILT)))
        return 1;
    PyErr_Format(PyExc_RuntimeError,
                 "this %R was never initialised: call Value.__init__(self, data) "
                 "(super().__init__ in a subclass) before using it",
                 Py_TYPE(value));
    return 0;
}

int pg_number(PyObject *object, double *out)
{
    if (PyFloat_Check(object)) {
        *out = PyFloat_AsDouble(object);
        return 1;
    }
    if (PyLong_Check(object)) {
        *out = PyLong_AsDouble(object);
        return *out == -1.0 && PyErr_Occurred() ? -1 : 1;
    }
    if (object == Py_None || PyUnicode_Check(object) || pg_exotic_number == NULL)
        return 0;
    PyObject *number = PyObject_CallFunctionObjArgs(pg_exotic_number, object, NULL);
    if (number == NULL)
        return -1;
    int known = PyFloat_Check(number);
    if (known)
        *out = PyFloat_AsDouble(number);
    Py_DECREF(number);
    return known;
}

int pg_require_number(PyObject *object, const char *what, double *out)
{
    int known = pg_number(object, out);
    if (known == 0)
        PyErr_Format(PyExc_TypeError, "%s must be a real number, not %R", what, Py_TYPE(object));
    return known == 1;
}

PyObject *pg_tuple(PyObject *iterable, const char *what)
{
    if (PyTuple_CheckExact(iterable))
        return Py_NewRef(iterable);
    if (PyList_CheckExact(iterable))
        return PyList_AsTuple(iterable);
    PyObject *iterator = PyObject_GetIter(iterable);
    if (iterator == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            PyErr_Format(PyExc_TypeError, "%s must be an iterable, not %R", what, Py_TYPE(iterable));
        return NULL;
    }
    PyObject *tuple = PySequence_Tuple(iterator);
    Py_DECREF(iterator);
    return tuple;
}

pg_node *pg_operand_node(PyObject *object, const char *what)
{
    if (PG_IS_VALUE(object))
        return pg_require_built(object) ? pg_retain(PG_NODE(object)) : NULL;
    double number;
    if (!pg_require_number(object, what, &number))
        return NULL;
    pg_node *leaf = pg_leaf(number);
    if (leaf == NULL)
        PyErr_NoMemory();
    return leaf;
}

/* -- life --------------------------------------------------------------------------------------- */

/* Freed Values of the exact type wait here with their reference to it, linked through their node fields. */
enum { SPARE_LIMIT = 1024 };
static pg_value *spares;
static int spare_count;

PG_INLINE pg_value *allocate(void)
{
    if (PG_LIKELY(spares != NULL)) {
        pg_value *v = spares;
        spares = (pg_value *)(void *)v->node;
        spare_count--;
        Py_SET_REFCNT((PyObject *)v, 1);
        return v;
    }
    pg_value *v = PyObject_GC_New(pg_value, pg_value_type);
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
    if (PG_LIKELY(type == pg_value_type && spare_count < SPARE_LIMIT)) {
        v->node = (pg_node *)(void *)spares;
        spares = v;
        spare_count++;
        return;
    }
#endif
    freefunc free_object = (freefunc)PyType_GetSlot(type, Py_tp_free);
    free_object(v);
    Py_DECREF(type);
}

PyObject *pg_wrap(pg_node *n)
{
    if (PG_UNLIKELY(n == NULL))
        return PyErr_NoMemory();
    pg_value *v = allocate();
    if (PG_UNLIKELY(v == NULL)) {
        pg_release(n);
        return NULL;
    }
    v->node = n;
    n->wrapper = v;
    return (PyObject *)v;
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

PyObject *pg_value_of(pg_node *n)
{
    if (n->wrapper != NULL)
        return Py_NewRef((PyObject *)n->wrapper);
    pg_value *v = allocate(); /* may run the collector, and with it code that asks for the same Value */
    if (v == NULL)
        return NULL;
    if (n->wrapper != NULL) {
        give_back(v);
        return Py_NewRef((PyObject *)n->wrapper);
    }
    v->node = pg_retain(n);
    n->wrapper = v;
    /* Kept while the node is in use, so that identity and id() stay as they are once seen. */
    if (n->refs > 1)
        pin(v);
    return (PyObject *)v;
}

static pg_extras *extras_of(pg_value *v)
{
    if (v->extras == NULL) {
        v->extras = pg_alloc(1, sizeof *v->extras);
        if (v->extras == NULL)
            PyErr_NoMemory();
        else
            *v->extras = (pg_extras){NULL, NULL, NULL, NULL};
    }
    return v->extras;
}

static void clear_extras(pg_extras *extras)
{
    Py_CLEAR(extras->closure);
    Py_CLEAR(extras->parents);
    Py_CLEAR(extras->label);
    Py_CLEAR(extras->op_name);
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
    if (n->wrapper == v)
        n->wrapper = NULL;
    give_back(v);
    pg_release(n);
    Py_XDECREF(dict);
    if (extras != NULL) {
        clear_extras(extras);
        pg_free(extras);
    }
}

/* Values that hold others are destroyed one after the other, never one inside the other: a chain of a
 * million closures must not need a million C frames. They wait linked through their weakrefs fields. */
static pg_value *waiting;
static int destroying;

static void value_dealloc(PyObject *self)
{
    pg_value *v = (pg_value *)self;
    if (PG_LIKELY(v->extras == NULL && v->dict == NULL && v->weakrefs == NULL &&
                  Py_TYPE(self) == pg_value_type && !(v->node->flags & PG_VISIBLE))) {
        destroy(v);
        return;
    }
    PyObject_GC_UnTrack(self);
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

static int value_traverse(PyObject *self, visitproc visit, void *arg)
{
    const pg_value *v = (const pg_value *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(v->dict);
    if (v->extras != NULL) {
        Py_VISIT(v->extras->closure);
        Py_VISIT(v->extras->parents);
        Py_VISIT(v->extras->label);
    }
    return 0;
}

static int value_clear(PyObject *self)
{
    pg_value *v = (pg_value *)self;
    Py_CLEAR(v->dict);
    if (v->extras != NULL) {
        Py_CLEAR(v->extras->closure);
        Py_CLEAR(v->extras->parents);
        Py_CLEAR(v->extras->label);
    }
    return 0;
}

static void make_visible(pg_value *v)
{
    if (v->node->flags & PG_VISIBLE)
        return;
    v->node->flags |= PG_VISIBLE;
    if (v->node->refs > 1)
        pin(v);
    if (!PyObject_GC_IsTracked((PyObject *)v))
        PyObject_GC_Track(v);
}

/* v has been given content to keep; what can be part of a cycle makes it visible. */
static void carry(pg_value *v, PyObject *content)
{
    if (content != NULL && PyType_GetFlags(Py_TYPE(content)) & Py_TPFLAGS_HAVE_GC) {
        make_visible(v);
        return;
    }
    v->node->flags |= PG_CARRIES;
    if (v->node->refs > 1 && !(v->node->flags & PG_VISIBLE))
        pin(v);
}

int pg_name_op(pg_value *v, PyObject *op_name)
{
    pg_extras *extras = extras_of(v);
    if (extras == NULL)
        return 0;
    pg_set(&extras->op_name, Py_NewRef(op_name));
    carry(v, NULL);
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
    pg_extras *extras = extras_of((pg_value *)made);
    if (extras == NULL)
        return 0;
    PyObject *parents = PyTuple_New(visible);
    if (parents == NULL)
        return 0;
    for (size_t i = count; visible != 0; ) {
        i--;
        if (PG_IS_VALUE(operands[i]) && PG_NODE(operands[i])->flags & PG_VISIBLE)
            PyTuple_SetItem(parents, --visible, Py_NewRef(operands[i]));
    }
    pg_set(&extras->parents, parents);
    make_visible((pg_value *)made);
    return 1;
}

static int set_label(PyObject *self, PyObject *content, void *closure);

/* -- construction ------------------------------------------------------------------------------- */

static PyObject *value_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args, (void)kwargs;
    pg_node *n = pg_leaf(0.0);
    if (n == NULL)
        return PyErr_NoMemory();
    n->flags = PG_UNBUILT;
    if (type == pg_value_type)
        return pg_wrap(n);
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    pg_value *v = (pg_value *)alloc(type, 0);
    if (v == NULL) {
        pg_release(n);
        return NULL;
    }
    v->node = n;
    n->wrapper = v;
    n->flags |= PG_CARRIES; /* its type */
    return (PyObject *)v;
}

/* 1 if v still waits for its contents: user code that ran meanwhile may have initialised it. */
static int require_unbuilt(const pg_value *v)
{
    if (v->node->flags & PG_UNBUILT)
        return 1;
    PyErr_SetString(PyExc_RuntimeError, "this Value is initialised already; assign to .data");
    return 0;
}

/* The tuple's nodes, borrowed; NULL with an exception set if an item is no Value. Caller owns the array. */
static pg_node **nodes_of(PyObject *children)
{
    size_t count = (size_t)PyTuple_Size(children);
    pg_node **nodes = pg_alloc(count, sizeof *nodes);
    if (nodes == NULL)
        return (pg_node **)(void *)PyErr_NoMemory();
    for (size_t i = 0; i < count; i++) {
        PyObject *child = PyTuple_GetItem(children, (Py_ssize_t)i);
        if (!PG_IS_VALUE(child)) {
            PyErr_Format(PyExc_TypeError, "children must be Values; number %zu is %R", i,
                         Py_TYPE(child));
        } else if (pg_require_built(child)) {
            nodes[i] = PG_NODE(child);
            continue;
        }
        pg_free(nodes);
        return NULL;
    }
    return nodes;
}

/* Partials from the tuple grads: numbers, and Values whose nodes go to *given (NULL if there is none). */
static int partials_of(PyObject *grads, size_t count, double **partials, pg_node ***given)
{
    *given = NULL;
    *partials = pg_alloc(count, sizeof **partials);
    if (*partials == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GetItem(grads, (Py_ssize_t)i);
        if (PG_IS_VALUE(item)) {
            if (!pg_require_built(item))
                goto fail;
            if (*given == NULL) {
                *given = pg_alloc(count, sizeof **given);
                if (*given == NULL) {
                    PyErr_NoMemory();
                    goto fail;
                }
                for (size_t j = 0; j < count; j++)
                    (*given)[j] = NULL;
            }
            (*given)[i] = PG_NODE(item);
            (*partials)[i] = PG_NODE(item)->value;
        } else if (!pg_require_number(item, "a local gradient", &(*partials)[i])) {
            goto fail;
        }
    }
    return 1;
fail:
    pg_free(*partials);
    pg_free(*given);
    return 0;
}

/* A node with declared children: with local gradients, or without a rule until _backward is assigned. */
static pg_node *declared_node(double data, PyObject *children, PyObject *grads)
{
    size_t count = (size_t)PyTuple_Size(children);
    if (count == 0) {
        pg_node *leaf = pg_leaf(data);
        if (leaf == NULL)
            PyErr_NoMemory();
        return leaf;
    }
    pg_node **nodes = nodes_of(children);
    if (nodes == NULL)
        return NULL;
    double *partials = NULL;
    pg_node **given = NULL;
    if (grads != NULL && !partials_of(grads, count, &partials, &given)) {
        pg_free(nodes);
        return NULL;
    }
    pg_node *n = pg_compute_many(grads == NULL ? PG_CUSTOM : PG_PARTIALS, nodes, count, data, partials,
                                 given);
    if (n == NULL)
        PyErr_NoMemory();
    pg_free(nodes);
    pg_free(partials);
    pg_free(given);
    return n;
}

/* What v is computed from: its children and the Values among its local gradients, kept as need be. */
static int keep_declared(pg_value *v, PyObject *children, PyObject *grads)
{
    size_t count = (size_t)PyTuple_Size(children), all = grads == NULL ? count : 2 * count;
    PyObject **operands = pg_alloc(all, sizeof *operands);
    if (operands == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    for (size_t i = 0; i < all; i++)
        operands[i] = i < count ? PyTuple_GetItem(children, (Py_ssize_t)i)
                                : PyTuple_GetItem(grads, (Py_ssize_t)(i - count));
    int kept = pg_keep_operands((PyObject *)v, operands, all);
    pg_free(operands);
    return kept;
}

/* Fills v from children (a tuple), op_name (str or NULL) and grads (a tuple or NULL). */
static int build(pg_value *v, double data, PyObject *children, PyObject *op_name, PyObject *grads)
{
    Py_ssize_t count = PyTuple_Size(children);
    if (grads != NULL && PyTuple_Size(grads) != count) {
        PyErr_Format(PyExc_ValueError, "%zd children but %zd local gradients", count,
                     PyTuple_Size(grads));
        return -1;
    }
    pg_node *n = declared_node(data, children, grads);
    if (n == NULL)
        return -1;
    if (PG_DETACHED) { /* after every check that recording would make */
        pg_release(n);
        n = pg_leaf(data);
        if (n == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    if (!require_unbuilt(v)) {
        pg_release(n);
        return -1;
    }
    pg_become(v->node, n);
    if (PG_DETACHED)
        return 0;
    if (op_name != NULL && PyUnicode_GetLength(op_name) != 0 && !pg_name_op(v, op_name))
        return -1;
    return count == 0 || keep_declared(v, children, grads) ? 0 : -1;
}

static int value_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"data", "_children", "_op", "label", "children", "local_grads", NULL};
    PyObject *data, *children = NULL, *third = NULL, *label = NULL, *other = NULL, *grads = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OOO$OO:Value", names, &data, &children, &third,
                                     &label, &other, &grads))
        return -1;
    pg_value *v = (pg_value *)self;
    PyObject *op_name = NULL;
    if (third != NULL && PyUnicode_Check(third))
        op_name = third;
    if ((children != NULL && other != NULL) || (third != NULL && op_name == NULL && grads != NULL)) {
        PyErr_SetString(PyExc_TypeError, "Value() got the same argument under two names");
        return -1;
    }
    if (third != NULL && op_name == NULL)
        grads = third;
    if (children == NULL)
        children = other;
    if (PG_IS_VALUE(data)) {
        PyErr_SetString(PyExc_TypeError,
                        "data must be a real number, not a Value; pass v.data, or use v itself");
        return -1;
    }
    double number;
    if (!pg_require_number(data, "data", &number) || !require_unbuilt(v))
        return -1;
    if (label != NULL && set_label(self, label, NULL) < 0)
        return -1;
    if (children == NULL && op_name == NULL && grads == NULL) {
        v->node->value = number;
        v->node->flags &= (uint8_t)~PG_UNBUILT;
        return 0;
    }
    PyObject *child_tuple = children == NULL ? PyTuple_New(0) : pg_tuple(children, "children");
    if (child_tuple == NULL)
        return -1;
    PyObject *grad_tuple = NULL;
    if (grads != NULL && (grad_tuple = pg_tuple(grads, "local_grads")) == NULL) {
        Py_DECREF(child_tuple);
        return -1;
    }
    int result = build(v, number, child_tuple, op_name, grad_tuple);
    Py_DECREF(child_tuple);
    Py_XDECREF(grad_tuple);
    return result;
}

/* -- attributes --------------------------------------------------------------------------------- */

static int value_setattro(PyObject *self, PyObject *name, PyObject *content)
{
    if (PyObject_GenericSetAttr(self, name, content) < 0)
        return -1;
    pg_value *v = (pg_value *)self;
    if (v->dict != NULL || Py_TYPE(self) != pg_value_type)
        carry(v, content);
    return 0;
}

static PyObject *get_dict(PyObject *self, void *closure)
{
    PyObject *dict = PyObject_GenericGetDict(self, closure);
    if (dict != NULL)
        make_visible((pg_value *)self); /* whoever has it may store anything */
    return dict;
}

static int set_dict(PyObject *self, PyObject *dict, void *closure)
{
    if (PyObject_GenericSetDict(self, dict, closure) < 0)
        return -1;
    make_visible((pg_value *)self);
    return 0;
}

static int number_for(PyObject *self, PyObject *content, const char *what, double *out)
{
    if (content == NULL) {
        PyErr_Format(PyExc_AttributeError, "%s cannot be deleted", what);
        return 0;
    }
    return pg_require_built(self) && pg_require_number(content, what, out);
}

static PyObject *get_data(PyObject *self, void *closure)
{
    (void)closure;
    return pg_require_built(self) ? PyFloat_FromDouble(PG_NODE(self)->value) : NULL;
}

static int set_data(PyObject *self, PyObject *content, void *closure)
{
    (void)closure;
    double number;
    if (!number_for(self, content, "data", &number))
        return -1;
    PG_NODE(self)->value = number;
    return 0;
}

static PyObject *get_grad(PyObject *self, void *closure)
{
    (void)closure;
    return pg_require_built(self) ? PyFloat_FromDouble(PG_NODE(self)->grad) : NULL;
}

static int set_grad(PyObject *self, PyObject *content, void *closure)
{
    (void)closure;
    double number;
    if (!number_for(self, content, "grad", &number))
        return -1;
    pg_status status = pg_write_grad(PG_NODE(self), number);
    if (status != PG_OK)
        pg_raise(status);
    return status == PG_OK ? 0 : -1;
}

static PyObject *get_label(PyObject *self, void *closure)
{
    (void)closure;
    const pg_extras *extras = ((pg_value *)self)->extras;
    if (extras != NULL && extras->label != NULL)
        return Py_NewRef(extras->label);
    return PyUnicode_FromString("");
}

static int set_label(PyObject *self, PyObject *content, void *closure)
{
    (void)closure;
    if (content == NULL || !PyUnicode_Check(content)) {
        if (content == NULL)
            PyErr_SetString(PyExc_AttributeError, "label cannot be deleted; set it to ''");
        else
            PyErr_Format(PyExc_TypeError, "label must be a str, not %R", Py_TYPE(content));
        return -1;
    }
    pg_extras *extras = extras_of((pg_value *)self);
    if (extras == NULL)
        return -1;
    pg_set(&extras->label, Py_NewRef(content));
    carry((pg_value *)self, PyUnicode_CheckExact(content) ? NULL : content);
    return 0;
}

static PyObject *get_op(PyObject *self, void *closure)
{
    (void)closure;
    if (!pg_require_built(self))
        return NULL;
    const pg_extras *extras = ((pg_value *)self)->extras;
    if (extras != NULL && extras->op_name != NULL)
        return Py_NewRef(extras->op_name);
    return pg_op_text(PG_NODE(self));
}

static PyObject *get_children(PyObject *self, void *closure)
{
    (void)closure;
    if (!pg_require_built(self))
        return NULL;
    pg_node *n = PG_NODE(self);
    size_t count = pg_operand_count(n);
    PyObject *children = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; children != NULL && i < count; i++) {
        PyObject *child = pg_value_of(pg_operand(n, i));
        if (child == NULL)
            Py_CLEAR(children);
        else
            PyTuple_SetItem(children, (Py_ssize_t)i, child);
    }
    return children;
}

static PyObject *get_prev(PyObject *self, void *closure)
{
    PyObject *children = get_children(self, closure);
    if (children == NULL)
        return NULL;
    PyObject *set = PySet_New(children);
    Py_DECREF(children);
    return set;
}

static PyObject *get_local_derivatives(PyObject *self, void *closure)
{
    pg_node *n = PG_NODE(self);
    if (!pg_require_built(self))
        return NULL;
    if (n->op == PG_CUSTOM) {
        PyObject *op = get_op(self, NULL);
        if (op != NULL)
            PyErr_Format(PyExc_TypeError,
                         "the node %R has only a _backward of its own; its local derivatives are not "
                         "stated (give local_grads to state them)",
                         op);
        Py_XDECREF(op);
        return NULL;
    }
    size_t count = pg_operand_count(n);
    double *slopes = pg_alloc(count, sizeof *slopes);
    if (slopes == NULL)
        return PyErr_NoMemory();
    pg_local_derivatives(n, slopes);
    PyObject *result = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; result != NULL && i < count; i++) {
        pg_node *given = closure == NULL ? NULL : pg_given_partial(n, i);
        PyObject *item = given != NULL ? pg_value_of(given) : PyFloat_FromDouble(slopes[i]);
        if (item == NULL)
            Py_CLEAR(result);
        else
            PyTuple_SetItem(result, (Py_ssize_t)i, item);
    }
    pg_free(slopes);
    return result;
}

/* The callable that stands for the rule of a node without a closure. */
static PyObject *propagate(PyObject *self, PyObject *ignored)
{
    (void)ignored;
    pg_node *n = PG_NODE(self);
    if (!pg_require_built(self))
        return NULL;
    double *slopes = pg_alloc(pg_operand_count(n), sizeof *slopes);
    if (slopes == NULL)
        return PyErr_NoMemory();
    pg_status status = n->op == PG_CUSTOM ? PG_OK : pg_propagate(n, slopes);
    pg_free(slopes);
    if (status != PG_OK)
        return pg_raise(status);
    Py_RETURN_NONE;
}

/* What stands for a rule that was switched off by assigning None. */
static PyObject *nothing(PyObject *self, PyObject *ignored)
{
    (void)self, (void)ignored;
    Py_RETURN_NONE;
}

static PyMethodDef nothing_def = {"_backward", nothing, METH_NOARGS, "Do nothing."};

static PyMethodDef propagate_def = {
    "_backward", propagate, METH_NOARGS,
    "Add this node's contributions to its operands' grads, once."};

static PyObject *get_backward(PyObject *self, void *closure)
{
    (void)closure;
    if (!pg_require_built(self))
        return NULL;
    const pg_extras *extras = ((pg_value *)self)->extras;
    if (extras == NULL || extras->closure == NULL)
        return PyCFunction_NewEx(&propagate_def, self, NULL);
    return extras->closure == Py_None ? PyCFunction_NewEx(&nothing_def, NULL, NULL)
                                      : Py_NewRef(extras->closure);
}

static int set_backward(PyObject *self, PyObject *content, void *closure)
{
    (void)closure;
    if (!pg_require_built(self))
        return -1;
    if (content != NULL && content != Py_None && !PyCallable_Check(content)) {
        PyErr_Format(PyExc_TypeError, "_backward must be callable or None, not %R", Py_TYPE(content));
        return -1;
    }
    pg_value *v = (pg_value *)self;
    pg_extras *extras = extras_of(v);
    if (extras == NULL)
        return -1;
    Py_XINCREF(content);
    pg_set(&extras->closure, content);
    if (content == NULL)
        v->node->flags &= (uint8_t)~PG_HAS_CLOSURE; /* deleted: the rule is back */
    else
        v->node->flags |= PG_HAS_CLOSURE;
    carry(v, content);
    return 0;
}

static PyGetSetDef attributes[] = {
    {"data", get_data, set_data, "The value, a float.", NULL},
    {"grad", get_grad, set_grad, "The adjoint of the last backward(); leaves accumulate.", NULL},
    {"label", get_label, set_label, "A name for pictures and messages; '' if none was given.", NULL},
    {"_op", get_op, NULL, "The op that made this node, '' for a leaf.", NULL},
    {"_children", get_children, NULL, "The operands, in order.", NULL},
    {"_prev", get_prev, NULL, "The set of operands.", NULL},
    {"local_derivatives", get_local_derivatives, NULL,
     "The derivative by each direct operand at the operands' present values, in operand order.", NULL},
    {"_local_grads", get_local_derivatives, NULL,
     "local_derivatives, or the local_grads as they were given.", "as given"},
    {"_backward", get_backward, set_backward,
     "A callable that adds this node's contributions to its operands' grads; assignable.", NULL},
    {"__dict__", get_dict, set_dict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef offsets[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(pg_value, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(pg_value, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

/* -- comparison and text ------------------------------------------------------------------------ */

static PyObject *value_richcompare(PyObject *self, PyObject *other, int op)
{
    if (!pg_require_built(self))
        return NULL;
    double a = PG_NODE(self)->value, b;
    if (PG_IS_VALUE(other)) {
        if (op == Py_EQ || op == Py_NE)
            return PyBool_FromLong((self == other) == (op == Py_EQ));
        if (!pg_require_built(other))
            return NULL;
        b = PG_NODE(other)->value;
    } else {
        int known = pg_number(other, &b);
        if (known < 0)
            return NULL;
        if (known == 0)
            return Py_NewRef(Py_NotImplemented);
    }
    switch (op) {
    case Py_LT:
        return PyBool_FromLong(a < b);
    case Py_LE:
        return PyBool_FromLong(a <= b);
    case Py_GT:
        return PyBool_FromLong(a > b);
    case Py_GE:
        return PyBool_FromLong(a >= b);
    case Py_EQ:
        return PyBool_FromLong(a == b);
    default:
        return PyBool_FromLong(a != b);
    }
}

/* Identity, as for any object; the low bits are alignment. */
static Py_hash_t value_hash(PyObject *self)
{
    size_t bits = (size_t)self;
    Py_hash_t hash = (Py_hash_t)((bits >> 4) | (bits << (8 * sizeof bits - 4)));
    return hash == -1 ? -2 : hash;
}

static PyObject *value_repr(PyObject *self)
{
    if (PG_NODE(self)->flags & PG_UNBUILT)
        return PyUnicode_FromFormat("<%R, not initialised>", Py_TYPE(self));
    PyObject *data = PyFloat_FromDouble(PG_NODE(self)->value);
    PyObject *grad = PyFloat_FromDouble(PG_NODE(self)->grad);
    PyObject *text = NULL;
    if (data != NULL && grad != NULL)
        text = PyUnicode_FromFormat("Value(data=%R, grad=%R)", data, grad);
    Py_XDECREF(data);
    Py_XDECREF(grad);
    return text;
}

/* -- the type ----------------------------------------------------------------------------------- */

static const char value_doc[] =
    "Value(data, _children=(), _op='', label='')\n--\n\n"
    "A number that remembers how it was computed.\n\n"
    "data is any real number and kept as a float. Arithmetic on Values builds a graph; backward() on a\n"
    "result fills .grad of everything it was computed from. Value(data, children, local_grads) makes a\n"
    "node with partial derivatives of your own; a callable assigned to ._backward replaces a node's rule.\n\n"
    ">>> from pygrad import Value\n"
    ">>> a, b = Value(2.0), Value(-3.0)\n"
    ">>> c = a * b\n"
    ">>> c.backward()\n"
    ">>> c.data, a.grad, b.grad\n"
    "(-6.0, -3.0, 2.0)\n";

int pg_value_init(PyObject *module)
{
    static PyType_Slot slots[64] = {
        {Py_tp_doc, (void *)value_doc},
        {Py_tp_new, (void *)value_new},
        {Py_tp_init, (void *)value_init},
        {Py_tp_dealloc, (void *)value_dealloc},
        {Py_tp_traverse, (void *)value_traverse},
        {Py_tp_clear, (void *)value_clear},
        {Py_tp_setattro, (void *)value_setattro},
        {Py_tp_richcompare, (void *)value_richcompare},
        {Py_tp_hash, (void *)value_hash},
        {Py_tp_repr, (void *)value_repr},
        {Py_tp_getset, attributes},
        {Py_tp_members, offsets},
        {Py_tp_methods, pg_op_methods},
    };
    size_t used = 13;
    for (const PyType_Slot *slot = pg_number_slots; slot->slot != 0; slot++)
        slots[used++] = *slot;
    static PyType_Spec spec = {
        .name = "pygrad.Value",
        .basicsize = sizeof(pg_value),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    PyObject *type = PyType_FromSpec(&spec);
    if (type == NULL)
        return -1;
    pg_value_type = (PyTypeObject *)type;
    pg_unpin = unpin;
    return PyModule_AddObjectRef(module, "Value", type);
}
