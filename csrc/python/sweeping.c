/* sweeping.c: sweeps and adjoints, step by step: between two steps signals are looked for, closures called and the
 * watcher shown what has arrived. */
#include "python/sweeping.h"

#include "python/convert.h"
#include "python/modes.h"
#include "python/value.h"
#include "python/watching.h"

/* -- a sweep ------------------------------------------------------------------------------------ */

void pg_give_up(pg_sweep *s)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    pg_sweep_abandon(s);
    PyErr_Restore(type, error, traceback);
}

int pg_sort_fully(pg_sweep *s, pg_node *const *stops, size_t count)
{
    pg_status status = pg_sweep_stop_at(s, stops, count);
    while (status == PG_OK && (status = pg_sweep_sort(s, PG_STEP_BUDGET)) == PG_MORE) {
        if (PyErr_CheckSignals() < 0)
            return 0;
        status = PG_OK;
    }
    if (status != PG_OK)
        pg_raise(status);
    return status == PG_OK;
}

static pg_sweep *opened(pg_node *root, int writes)
{
    pg_sweep *s;
    pg_status status = pg_sweep_open(root, writes, &s);
    return status == PG_OK ? s : (pg_sweep *)(void *)pg_raise(status);
}

static pg_sweep *sorted(pg_sweep *s, pg_node *const *stops, size_t count)
{
    if (s == NULL || pg_sort_fully(s, stops, count))
        return s;
    pg_give_up(s);
    return NULL;
}

pg_sweep *pg_sorted(pg_node *root, int writes, pg_node *const *stops, size_t count)
{
    return sorted(opened(root, writes), stops, count);
}

pg_sweep *pg_sorted_whole(pg_node *root)
{
    pg_sweep *s = opened(root, 0);
    if (s != NULL)
        pg_sweep_through_conditions(s);
    return sorted(s, NULL, 0);
}

/* Calls the user's closure of n; 0 with an exception set if it raised. */
static int call_closure(const pg_node *n)
{
    const pg_value *v = n->wrapper;
    if (v == NULL || v->extras == NULL || v->extras->closure == NULL) {
        PyErr_SetString(PyExc_SystemError, "pygrad: a node has lost its _backward; please report this");
        return 0;
    }
    if (v->extras->closure == Py_None)
        return 1;
    PyObject *closure = Py_NewRef(v->extras->closure);
    PyObject *result = PyObject_CallObject(closure, NULL);
    Py_DECREF(closure);
    Py_XDECREF(result);
    return result != NULL;
}

/* Shows the watcher the grads of n and its operands; false with an exception set. */
static int show_grads(pg_node *n, int forward)
{
    size_t count = pg_operand_count(n);
    double *grads = pg_alloc(count, sizeof *grads);
    if (grads == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        grads[i] = pg_operand(n, i)->grad;
    int shown = pg_watch_adjoints(n, n->grad, grads, 0, forward);
    pg_free(grads);
    return shown;
}

int pg_go_back(pg_sweep *s)
{
    for (;;) {
        pg_node *due, *next = PG_WATCHED ? pg_sweep_next(s) : NULL;
        pg_status status = pg_sweep_step(s, next != NULL ? 1 : PG_STEP_BUDGET, &due);
        if (next != NULL && status != PG_CLOSURE && !show_grads(next, 0))
            return 0;
        if (status == PG_OK)
            return 1;
        if ((status == PG_CLOSURE && !call_closure(due)) || PyErr_CheckSignals() < 0)
            return 0;
    }
}

int pg_go_forward(pg_sweep *s)
{
    pg_node *closure, *next;
    pg_status status;
    do {
        next = PG_WATCHED ? pg_sweep_next_forward(s) : NULL;
        status = pg_sweep_step_forward(s, next != NULL ? 1 : PG_STEP_BUDGET, &closure);
        if ((next != NULL && status != PG_CLOSURE && !show_grads(next, 1)) || PyErr_CheckSignals() < 0)
            return 0;
    } while (status == PG_MORE);
    if (status == PG_CLOSURE) {
        PyObject *v = pg_value_of(closure);
        if (v != NULL)
            PyErr_Format(PyExc_TypeError,
                         "%R has a _backward of its own, which says nothing about the forward direction. Use a "
                         "reverse transform (grad, vjp, jacrev), or give local_grads",
                         v);
        Py_XDECREF(v);
    }
    return status == PG_OK;
}

PG_THREAD_LOCAL int pg_numbers_alone;

/* -- derivatives as nodes ------------------------------------------------------------------------ */

pg_adjoint *pg_ready_adjoint(const pg_sweep *s, pg_node *const *inputs, size_t count)
{
    pg_adjoint *a;
    pg_status status = pg_adjoint_open(s, inputs, count, &a);
    if (status != PG_OK)
        return (pg_adjoint *)(void *)pg_raise(status);
    while (pg_adjoint_prepare(a, PG_STEP_BUDGET) == PG_MORE)
        if (PyErr_CheckSignals() < 0) {
            pg_adjoint_close(a);
            return NULL;
        }
    return a;
}

/* Shows what stands at the node that was done last. */
static int show_terms(const pg_adjoint *a, pg_node *n)
{
    size_t count = pg_operand_count(n);
    double *numbers = pg_alloc(count, sizeof *numbers);
    if (numbers == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        numbers[i] = pg_adjoint_value_at(a, pg_operand(n, i));
    int shown = pg_watch_adjoints(n, pg_adjoint_value_at(a, n), numbers, 1, pg_adjoint_way(a) == PG_FORWARD);
    pg_free(numbers);
    return shown;
}

int pg_go_on(pg_adjoint *a)
{
    pg_node *opaque, *next;
    pg_status status;
    do {
        next = PG_WATCHED ? pg_adjoint_next(a) : NULL;
        status = pg_adjoint_step(a, next != NULL ? 1 : PG_STEP_BUDGET, &opaque);
        if ((next != NULL && (status == PG_OK || status == PG_MORE) && !show_terms(a, next)) ||
            PyErr_CheckSignals() < 0)
            return 0;
    } while (status == PG_MORE);
    if (status != PG_OPAQUE)
        return status == PG_OK ? 1 : (pg_raise(status), 0);
    PyObject *v = pg_value_of(opaque);
    PyObject *op = v == NULL ? NULL : PyObject_GetAttrString(v, "_op");
    if (op != NULL)
        PyErr_Format(PyExc_TypeError,
                     pg_numbers_alone != 0
                         ? "%R, with _op %R, has a _backward of its own, which works on numbers: it does not go with "
                           "functions that have rules of their own in one graph. Make it such a function, by custom_vjp"
                     : opaque->flags & PG_HAS_CLOSURE
                         ? "%R, with _op %R, has a _backward of its own, which works on numbers: it can be "
                           "differentiated once, in reverse. Build it from differentiable ops, or give "
                           "Value(data, children, local_grads) with local_grads that are Values"
                         : "%R, with _op %R, was given partial derivatives that are plain numbers, so it can be "
                           "differentiated only once. Give local_grads that are Values",
                     v, op);
    Py_XDECREF(op);
    Py_XDECREF(v);
    return 0;
}

void pg_keep_graph(const pg_sweep *s)
{
    for (size_t i = 0; i < pg_sweep_count(s); i++) {
        pg_node *n = pg_sweep_node(s, i);
        pg_keep(n);
        for (size_t k = 0; n->op == PG_PARTIALS && k < pg_operand_count(n); k++)
            if (pg_given_partial(n, k) != NULL)
                pg_keep(pg_given_partial(n, k));
    }
}
