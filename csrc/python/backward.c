/* backward.c: sweeps from Python that write grads: backward, with numbers or with Values as grads; zero_grad. */
#include "python/backward.h"

#include "python/constants.h"
#include "python/convert.h"
#include "python/rules.h"
#include "python/singular.h"
#include "python/sweeping.h"
#include "python/trace.h"
#include "python/value.h"

/* -- backward ----------------------------------------------------------------------------------- */

static int backward_by_nodes(pg_node *root, double seed);

int pg_backward(PyObject *root, double seed)
{
    if (PG_TRACING && pg_require_built(root) && !pg_trace_sweep(root))
        return 0;
    pg_sweep *s = pg_require_built(root) ? pg_sorted(PG_NODE(root), 1, NULL, 0) : NULL;
    if (s == NULL)
        return 0;
    if (PG_UNLIKELY(pg_meets_rules(s))) {
        pg_give_up(s);
        return backward_by_nodes(PG_NODE(root), seed);
    }
    pg_sweep_begin(s, seed);
    const unsigned before = pg_suppressed;
    int told = 0;
    if (!pg_go_back(s) || !pg_tell_singular(before, s, PG_REVERSE, NULL, 0, NULL, &told)) {
        pg_give_up(s);
        return 0;
    }
    pg_spare_constants(s);
    pg_sweep_commit(s);
    return 1;
}

static PyObject *backward(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *root, *number;
    double seed;
    if (!PyArg_ParseTuple(args, "O!O:backward", pg_value_type, &root, &number) ||
        !pg_require_number(number, "seed", &seed) || !pg_backward(root, seed))
        return NULL;
    Py_RETURN_NONE;
}

/* -- backward with Values as grads -------------------------------------------------------------- */

/* What a leaf's .grad shall be: the one it had, as a Value if it was one, plus the new adjoint (taken over).
 * NULL for want of memory. */
static pg_node *accumulated(const pg_value *v, double old, pg_node *adjoint)
{
    if (adjoint == NULL || PG_NODE(v)->op != PG_LEAF || old == 0.0)
        return adjoint;
    PyObject *before = v->extras->adjoint;
    pg_node *first = before != NULL && pg_same_bits(PG_NODE(before)->value, old) ? pg_retain(PG_NODE(before))
                                                                                 : pg_leaf(old);
    pg_node *total = first == NULL ? NULL : pg_compute(PG_OP_add, first, adjoint, old + adjoint->value);
    if (first != NULL)
        pg_release(first);
    pg_release(adjoint);
    return total;
}

/* The grads, as Values, of every node of the order that has a Value, in a list of pairs (Value, grad). */
static PyObject *adjoint_values(const pg_sweep *s, pg_adjoint *a)
{
    PyObject *pairs = PyList_New(0);
    for (size_t i = 0; pairs != NULL && i + 1 < pg_sweep_count(s); i++) {
        pg_node *n = pg_sweep_node(s, i);
        pg_value *v = n->wrapper;
        if (i % PG_STEP_BUDGET == 0 && PyErr_CheckSignals() < 0) {
            Py_CLEAR(pairs);
            break;
        }
        if (v == NULL || PG_IS_CONSTANT(n))
            continue;
        Py_INCREF(v);
        PyObject *grad = pg_extras_of(v) == NULL
                             ? NULL
                             : pg_wrap(accumulated(v, pg_sweep_old_grad(s, i), pg_adjoint_at(a, n)));
        PyObject *pair = grad == NULL ? NULL : PyTuple_Pack(2, v, grad);
        if (pair == NULL || PyList_Append(pairs, pair) < 0)
            Py_CLEAR(pairs);
        Py_XDECREF(pair);
        Py_XDECREF(grad);
        Py_DECREF(v);
    }
    return pairs;
}

/* Fails no more: the grads as numbers, then as Values where there is somebody to ask for them, if there are pairs. */
static void write_adjoints(const pg_sweep *s, const pg_adjoint *a, PyObject *pairs)
{
    for (size_t i = 0; i + 1 < pg_sweep_count(s); i++) {
        pg_node *n = pg_sweep_node(s, i);
        n->grad = (n->op == PG_LEAF ? pg_sweep_old_grad(s, i) : 0.0) + pg_adjoint_value_at(a, n);
    }
    pg_spare_constants(s);
    for (Py_ssize_t i = 0; pairs != NULL && i < PyList_Size(pairs); i++) {
        PyObject *pair = PyList_GetItem(pairs, i), *grad = PyTuple_GetItem(pair, 1);
        pg_value *v = (pg_value *)PyTuple_GetItem(pair, 0);
        if (v->extras != NULL) { /* always, unless the collector has cleared v */
            pg_set(&v->extras->adjoint, Py_NewRef(grad));
            pg_carry(v, grad);
        }
    }
}

/* Every adjoint, or an exception. */
static int adjoints(const pg_sweep *s, pg_adjoint *a, double seed)
{
    int told = 0;
    const unsigned before = pg_suppressed;
    pg_status status = pg_adjoint_begin(a, PG_REVERSE, &seed, NULL);
    if (status != PG_OK)
        return pg_raise(status) != NULL;
    return pg_go_on(a) && (pg_meets_rules(s) || pg_tell_singular(before, s, PG_REVERSE, NULL, 0, &seed, &told));
}

/* A sweep with numbers that has met a rule of the user's, which gives nodes: so all it computes are nodes, and what is
 * kept of them are their numbers. False with an exception set. */
static int backward_by_nodes(pg_node *root, double seed)
{
    int done = 0;
    pg_node *above = pg_compute_many(PG_SUM, &root, 1, root->value, NULL, NULL);
    pg_sweep *s = above == NULL ? (pg_sweep *)(void *)PyErr_NoMemory() : pg_sorted(above, 1, NULL, 0);
    if (s != NULL) {
        pg_adjoint *a = pg_ready_adjoint(s, NULL, 0);
        if (a != NULL) {
            pg_adjoint_take_constants(a);
            pg_numbers_alone++;
            done = adjoints(s, a, seed);
            pg_numbers_alone--;
        }
        if (done)
            write_adjoints(s, a, NULL);
        pg_adjoint_close(a);
        if (done)
            pg_sweep_commit(s);
        else
            pg_give_up(s);
    }
    if (above != NULL)
        pg_release(above);
    return done;
}

static PyObject *backward_graph(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *root, *number, *pairs = NULL;
    double seed;
    if (!PyArg_ParseTuple(args, "O!O:backward_graph", pg_value_type, &root, &number) ||
        !pg_require_number(number, "seed", &seed) || !pg_require_built(root) || (PG_TRACING && !pg_trace_sweep(root)))
        return NULL;
    pg_node *node = PG_NODE(root), *above = pg_compute_many(PG_SUM, &node, 1, node->value, NULL, NULL);
    if (above == NULL)
        return PyErr_NoMemory();
    pg_adjoint *a = NULL;
    pg_sweep *s = pg_sorted(above, 1, NULL, 0);
    if (s != NULL) {
        a = pg_ready_adjoint(s, NULL, 0);
        if (a != NULL && adjoints(s, a, seed))
            pairs = adjoint_values(s, a);
        if (pairs != NULL) {
            write_adjoints(s, a, pairs);
            pg_keep_graph(s);
        }
        pg_adjoint_close(a);
        if (pairs != NULL)
            pg_sweep_commit(s);
        else
            pg_give_up(s);
    }
    pg_release(above);
    if (pairs == NULL)
        return NULL;
    Py_DECREF(pairs);
    Py_RETURN_NONE;
}

/* -- zero_grad: a whole graph, or Values ------------------------------------------------------- */

static PyObject *zero_graph(PyObject *root)
{
    pg_sweep *s = pg_require_built(root) ? pg_sorted_whole(PG_NODE(root)) : NULL;
    if (s == NULL)
        return NULL;
    pg_status status = PG_OK;
    for (size_t i = 0; status == PG_OK && i < pg_sweep_count(s); i++)
        status = pg_clear_grad(pg_sweep_node(s, i));
    if (status != PG_OK) {
        pg_raise(status);
        pg_give_up(s);
        return NULL;
    }
    pg_sweep_abandon(s); /* it only looked, so there is nothing it restores */
    Py_RETURN_NONE;
}

static PyObject *zero_grad(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"values_or_root"};
    PyObject *target;
    if (!pg_arguments("zero_grad", names, 1, 1, args, count, keywords, &target) ||
        (PG_TRACING && !pg_trace_sweep(target)))
        return NULL;
    if (PG_IS_VALUE(target))
        return zero_graph(target);
    PyObject *values = pg_tuple(target, "zero_grad()'s argument, unless it is a Value,");
    if (values == NULL)
        return NULL;
    if (!pg_require_values(values, "zero_grad() takes")) { /* all are looked at before one is changed */
        Py_DECREF(values);
        return NULL;
    }
    pg_status status = PG_OK;
    for (Py_ssize_t i = 0; status == PG_OK && i < PyTuple_Size(values); i++)
        status = pg_clear_grad(PG_NODE(PyTuple_GetItem(values, i)));
    Py_DECREF(values);
    if (status != PG_OK)
        return pg_raise(status);
    Py_RETURN_NONE;
}

PyMethodDef pg_backward_functions[] = {
    {"backward", backward, METH_VARARGS, "backward(root, seed, /)\n--\n\nOne reverse sweep from root."},
    {"backward_graph", backward_graph, METH_VARARGS,
     "backward_graph(root, seed, /)\n--\n\nThe same with Values as grads."},
    {"zero_grad", PG_FAST(zero_grad), METH_FASTCALL | METH_KEYWORDS,
     "zero_grad(values_or_root)\n--\n\n"
     "Set .grad to 0.0 on every Value given, or on everything a single Value was computed from."},
    {NULL, NULL, 0, NULL},
};
