/* construction.c: Value(...): what __new__ and __init__ make of their arguments. Between the two a Value has
 * an unbuilt node, which every use refuses. */
#include "python/construction.h"

#include "graph/several.h"
#include "python/attributes.h"
#include "python/convert.h"
#include "python/modes.h"
#include "python/recording.h"
#include "python/rules.h"
#include "python/trace.h"
#include "python/value.h"
#include "python/watching.h"

/* tp_alloc of the exact type, so that even object.__new__, which a patched __new__ may call, makes a node.
 * Python gives subclasses an allocator of its own. */
PyObject *pg_value_alloc(PyTypeObject *type, Py_ssize_t items)
{
    if (type != pg_value_type) /* a subclass made in C inherits this */
        return PyType_GenericAlloc(type, items);
    pg_node *n = pg_leaf(0.0);
    if (n != NULL)
        n->flags = PG_UNBUILT;
    return pg_wrap(n);
}

PyObject *pg_value_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args, (void)kwargs;
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    PyObject *v = alloc(type, 0);
    if (v != NULL && !pg_ensure_node((pg_value *)v))
        Py_CLEAR(v);
    return v;
}

/* Gives v, which waits for its contents, those of the new node n, which is used up. */
static void fill(pg_value *v, pg_node *n)
{
    pg_become(v->node, n);
    v->node->flags &= (uint8_t)~PG_UNBUILT;
}

/* 1 if v still waits for its contents: user code that ran meanwhile may have initialised it. */
static int require_unbuilt(const pg_value *v)
{
    if (PG_WAITING(v->node))
        return 1;
    PyErr_SetString(PyExc_RuntimeError, "this Value is initialised already; assign to .data");
    return 0;
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
    pg_node **nodes = pg_nodes_of(children, "children must be");
    if (nodes == NULL)
        return NULL;
    double *partials = NULL;
    pg_node **given = NULL;
    if (grads != NULL && !partials_of(grads, count, &partials, &given)) {
        pg_free(nodes);
        return NULL;
    }
    pg_node *n = pg_compute_many(grads == NULL ? PG_CUSTOM : PG_PARTIALS, nodes, count, data, partials, given);
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
        PyErr_Format(PyExc_ValueError, "%zd children but %zd local gradients", count, PyTuple_Size(grads));
        return -1;
    }
    pg_node *n = declared_node(data, children, grads);
    if (n == NULL)
        return -1;
    if (PG_SPECIAL && count == 0)
        pg_born(n);
    for (Py_ssize_t i = 0; PG_TRACING && i < count; i++)
        if (!pg_trace_access(PyTuple_GetItem(children, i), "opaque")) {
            pg_release(n);
            return -1;
        }
    if (PG_NO_GRAD) { /* after every check that recording would make */
        pg_release(n);
        n = pg_born(pg_leaf(data));
        if (n == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    if (!require_unbuilt(v)) {
        pg_release(n);
        return -1;
    }
    fill(v, n);
    if (PG_NO_GRAD)
        return 0;
    if (op_name != NULL && PyUnicode_GetLength(op_name) != 0 && !pg_name_op(v, op_name))
        return -1;
    if (count == 0)
        return 0;
    return keep_declared(v, children, grads) && pg_forget_reads(children) ? 0 : -1;
}

static int watch(PyObject *self)
{
    PyObject *watched = pg_watched(Py_NewRef(self));
    Py_XDECREF(watched);
    return watched == NULL ? -1 : 0;
}

/* -- arguments ------------------------------------------------------------------------------------ */

/* What Value() takes, the first four by position, too. */
enum { DATA, CHILDREN, OP, LABEL, LOCAL_GRADS, ARGUMENTS };

/* By which names; those of micrograd's and its descendants' classes. */
static const struct {
    const char *name;
    int argument;
} keywords[] = {
    {"data", DATA},      {"_children", CHILDREN}, {"children", CHILDREN},
    {"_prev", CHILDREN}, {"prev", CHILDREN},      {"_op", OP},
    {"op", OP},          {"label", LABEL},        {"local_grads", LOCAL_GRADS},
};

static PyObject *set_further; /* Python's function that gives a Value the attributes in a dict */

static int same_argument_twice(void)
{
    PyErr_SetString(PyExc_TypeError, "Value() got the same argument under two names");
    return -1;
}

/* Sorts keyword arguments into given; others, if there are any, go to the new dict *further. -1 with an exception. */
static int take_keywords(PyObject *kwargs, PyObject **given, PyObject **further)
{
    PyObject *name, *content;
    Py_ssize_t at = 0;
    while (PyDict_Next(kwargs, &at, &name, &content)) {
        size_t k = 0, count = sizeof keywords / sizeof *keywords;
        while (k < count && PyUnicode_CompareWithASCIIString(name, keywords[k].name) != 0)
            k++;
        if (k < count && given[keywords[k].argument] != NULL)
            return same_argument_twice();
        if (k < count)
            given[keywords[k].argument] = content;
        else if ((*further == NULL && (*further = PyDict_New()) == NULL) || PyDict_SetItem(*further, name, content) < 0)
            return -1;
    }
    return 0;
}

static int initialise(PyObject *self, PyObject **given);

int pg_value_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *given[ARGUMENTS] = {NULL}, *further = NULL;
    const Py_ssize_t count = PyTuple_Size(args);
    if (count > LABEL + 1) {
        PyErr_Format(PyExc_TypeError, "Value() takes at most %d positional arguments (%zd given)", LABEL + 1, count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        given[i] = PyTuple_GetItem(args, i);
    int result = kwargs == NULL ? 0 : take_keywords(kwargs, given, &further);
    if (result == 0 && given[DATA] == NULL) {
        PyErr_SetString(PyExc_TypeError, "Value() missing required argument 'data'");
        result = -1;
    }
    if (result == 0)
        result = initialise(self, given);
    if (result == 0 && further != NULL) {
        PyObject *done = PyObject_CallFunctionObjArgs(set_further, self, further, NULL);
        Py_XDECREF(done);
        result = done == NULL ? -1 : 0;
    }
    Py_XDECREF(further);
    return result;
}

static PyObject *set_set_further(PyObject *module, PyObject *function)
{
    (void)module;
    pg_set(&set_further, Py_NewRef(function));
    Py_RETURN_NONE;
}

static int initialise(PyObject *self, PyObject **given)
{
    pg_value *v = (pg_value *)self;
    if (!pg_ensure_node(v))
        return -1;
    PyObject *data = given[DATA], *children = given[CHILDREN], *label = given[LABEL], *grads = given[LOCAL_GRADS];
    PyObject *op_name = given[OP] != NULL && PyUnicode_Check(given[OP]) ? given[OP] : NULL;
    if (given[OP] != NULL && op_name == NULL) {
        if (grads != NULL)
            return same_argument_twice();
        grads = given[OP];
    }
    if (PG_IS_VALUE(data)) {
        PyErr_SetString(PyExc_TypeError, "data must be a real number, not a Value; pass v.data, or use v itself");
        return -1;
    }
    double number;
    if (!pg_require_number(data, "data", &number) || !require_unbuilt(v))
        return -1;
    if (label != NULL && pg_set_label(self, label, NULL) < 0)
        return -1;
    if (children == NULL && op_name == NULL && grads == NULL) {
        v->node->value = number;
        v->node->flags &= (uint8_t)~PG_UNBUILT;
        if (PG_SPECIAL)
            pg_born(v->node);
        return PG_WATCHED ? watch(self) : 0;
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
    return result == 0 && PG_WATCHED ? watch(self) : result;
}

/* -- copies ------------------------------------------------------------------------------------- */

/* A new node with the op and value of n on other operands; NULL for want of memory. Caller owns. */
static pg_node *same_op(const pg_node *n, pg_node *const *operands)
{
    if (n->op == PG_OP_pown)
        return pg_compute_pown(operands[0], n->of.constant.k, n->value);
    if (n->op == PG_ITEM)
        return pg_compute_item(operands[0], (size_t)n->of.constant.k, n->value);
    if (pg_shapes[n->op] == PG_MANY) {
        pg_node *copy = pg_compute_many(n->op, operands, n->of.many->count, n->value, NULL, NULL);
        if (copy != NULL) {
            copy->of.many->start = n->of.many->start;
            copy->of.many->leads = n->of.many->leads;
        }
        return copy;
    }
    return pg_compute(n->op, operands[0], pg_operand_count(n) == 2 ? operands[1] : NULL, n->value);
}

/* become(unbuilt, v, children): makes of unbuilt a node with v's op and data on other children. */
static PyObject *become(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *unbuilt, *v, *children;
    if (!PyArg_ParseTuple(args, "O!O!O!:become", pg_value_type, &unbuilt, pg_value_type, &v, &PyTuple_Type,
                          &children) ||
        !pg_require_built(v) || !pg_ensure_node((pg_value *)unbuilt))
        return NULL;
    const pg_node *n = PG_NODE(v);
    size_t count = pg_operand_count(n);
    const int has_rule = pg_rule_inputs(n, &count) != NULL;
    if (!PG_WAITING(PG_NODE(unbuilt)) || n->op < PG_SUM || (size_t)PyTuple_Size(children) != count) {
        PyErr_SetString(PyExc_ValueError, "become() takes a new Value, one made by an op, and its operands");
        return NULL;
    }
    pg_node **nodes = pg_nodes_of(children, "children must be");
    PyObject *several = nodes != NULL && has_rule ? pg_rule_again(n, children) : NULL;
    if (nodes == NULL || (has_rule && several == NULL)) {
        pg_free(nodes);
        return NULL;
    }
    pg_node *const of_rule = several == NULL ? NULL : PG_NODE(several);
    pg_node *copy = same_op(n, several == NULL ? nodes : &of_rule);
    pg_free(nodes);
    if (copy == NULL) {
        Py_XDECREF(several);
        return PyErr_NoMemory();
    }
    copy->flags = n->flags & PG_WHOLE_EXPONENT;
    pg_born(copy);
    fill((pg_value *)unbuilt, copy);
    const int kept = several == NULL ? keep_declared((pg_value *)unbuilt, children, NULL)
                                     : pg_keep_operands(unbuilt, &several, 1);
    Py_XDECREF(several);
    if (!kept)
        return NULL;
    Py_RETURN_NONE;
}

/* The op by which a copy of v has to lead on to v, or 0: so that an input of a transform that runs is not lost in it,
 * and in a trace a Value that was there before is read anew, as the number that a copy of it starts with. */
static int leading_op(PyObject *v, int deep)
{
    const pg_node *n = PG_NODE(v);
    if (PG_DETACHED)
        return 0;
    if (n->flags & PG_ACTIVE)
        return PG_OP_identity;
    return PG_TRACING && !(n->flags & PG_TRACED) && (deep || n->op == PG_LEAF) ? PG_OP_stop_gradient : 0;
}

static PyObject *leads_on(PyObject *module, PyObject *v)
{
    (void)module;
    if (!PG_IS_VALUE(v))
        return PyErr_Format(PyExc_TypeError, "leads_on() takes a Value, not %R", Py_TYPE(v));
    return pg_require_built(v) ? PyBool_FromLong(leading_op(v, 1) != 0) : NULL;
}

/* link(unbuilt, v, deep): makes of unbuilt a copy of v that leads on to it, if copies of v have to. */
static PyObject *link_copy(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *unbuilt, *v;
    int deep;
    if (!PyArg_ParseTuple(args, "O!O!p:link", pg_value_type, &unbuilt, pg_value_type, &v, &deep) ||
        !pg_require_built(v) || !pg_ensure_node((pg_value *)unbuilt))
        return NULL;
    const int op = leading_op(v, deep);
    if (op == 0)
        Py_RETURN_FALSE;
    if (!PG_WAITING(PG_NODE(unbuilt)))
        return PyErr_Format(PyExc_ValueError, "link() takes a new Value and one to copy");
    pg_node *n = pg_recorded(pg_compute(op, PG_NODE(v), NULL, PG_NODE(v)->value));
    if (n == NULL)
        return PyErr_NoMemory();
    fill((pg_value *)unbuilt, n);
    if (!pg_keep_operands(unbuilt, &v, 1))
        return NULL;
    Py_RETURN_TRUE;
}

PyMethodDef pg_construction_functions[] = {
    {"leads_on", leads_on, METH_O, "leads_on(v, /)\n--\n\nWhether a deep copy of v has to lead on to v."},
    {"link", link_copy, METH_VARARGS,
     "link(unbuilt, v, deep, /)\n--\n\nMake of a new Value a copy of v that leads on to it, if one has to; or return False."},
    {"set_further", set_set_further, METH_O,
     "set_further(function, /)\n--\n\nSet what gives a Value further attributes, in a dict, after it was made."},
    {"become", become, METH_VARARGS,
     "become(unbuilt, v, children, /)\n--\n\nFill a new Value with v's op on other children."},
    {NULL, NULL, 0, NULL},
};
