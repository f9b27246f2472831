/* trace.c: a thread's trace: when it begins and ends, and what ops, attributes and sweeps tell it or ask it
 * meanwhile.
 *
 * While a thread traces, what its ops make is marked PG_TRACED, values are those that the program's lanes would
 * compute, no op raises for a numeric reason, and comparisons are noted as guards. What was there before the trace
 * is a live input of the program, read again at each call. */
#include "python/trace.h"

#include "graph/memory.h"
#include "program/kept.h"
#include "program/made.h"
#include "python/convert.h"
#include "python/singular.h"
#include "python/sweeping.h"
#include "python/value.h"
#include "program/made.h"

#include <stdint.h>
#include <string.h>

static PG_THREAD_LOCAL pg_running_trace *current;
static PyObject *raise_error; /* Python's function that raises TraceError, set once */

/* -- begin and end ------------------------------------------------------------------------------ */

int pg_trace_refuse(const char *kind, PyObject *a, PyObject *b)
{
    PyObject *result = PyObject_CallFunction(raise_error, "sOO", kind, a, b);
    Py_XDECREF(result);
    return 0;
}

/* False with TraceError set if v belongs to a trace that is over, or that another thread runs. Where nobody traces it
 * is over, though an interrupt may have come before v was marked. */
static int may_use(PyObject *v)
{
    if ((PG_NODE(v)->flags & PG_ESCAPED) == PG_ESCAPED || pg_tracing_threads == 0) {
        const pg_extras *extras = ((pg_value *)v)->extras;
        PyObject *name = extras == NULL ? NULL : extras->origin;
        return pg_trace_refuse(name == NULL ? "escaped, nameless" : "escaped", v, name == NULL ? Py_None : name);
    }
    return current != NULL ? 1 : pg_trace_refuse("thread", v, Py_None);
}

static void refuse_lost_rule(void)
{
    pg_trace_refuse("ruled", Py_None, Py_None);
}

static PyObject *set_trace_error(PyObject *module, PyObject *function)
{
    (void)module;
    pg_may_use = may_use;
    pg_refuse_lost_rule = refuse_lost_rule;
    pg_flags_of_inputs = PG_ACTIVE;
    pg_set(&raise_error, Py_NewRef(function));
    Py_RETURN_NONE;
}

pg_node *pg_stopped(pg_node *n)
{
    if (n == NULL)
        return NULL;
    pg_node *stopped = pg_born(pg_compute(PG_OP_stop_gradient, n, NULL, n->value));
    pg_release(n);
    return stopped;
}

pg_node *pg_recorded(pg_node *n)
{
    n = pg_born(n);
    return PG_NO_GRAD && pg_birth_flags != 0 ? pg_stopped(n) : n;
}

/* n has outlived its trace, and context says whose it was. A leaf that is no input was made of a number, and stays. */
static void mark_escaped(pg_node *n, void *context)
{
    if (!(n->flags & PG_TRACED))
        return;
    n->flags = (uint8_t)(n->flags & ~PG_TRACED);
    if (n->op == PG_LEAF && (n->flags & PG_ESCAPED) != PG_ESCAPED)
        return;
    n->flags |= PG_ESCAPED;
    pg_extras *extras = n->wrapper == NULL ? NULL : pg_extras_of(n->wrapper);
    if (context != NULL && extras != NULL)
        pg_set(&extras->origin, Py_NewRef((PyObject *)context));
    else
        PyErr_Clear(); /* it is refused without a name */
}

/* What was computed in a trace and outlives it is of no use: its number was that of one call. While another thread
 * traces, whose a node is cannot be told: the last one to end sees to it. */
static void forget(PyObject *name)
{
    if (pg_tracing_threads != 0 || pg_traced_nodes == 0)
        return;
    pg_pool_each(mark_escaped, name);
    pg_traced_nodes = 0;
}

static PyObject *trace_forget(PyObject *module, PyObject *name)
{
    (void)module;
    forget(name);
    Py_RETURN_NONE;
}

int pg_trace_begin(PyObject *inputs)
{
    if (current != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "this thread is tracing a function already");
        return 0;
    }
    forget(NULL); /* what an interrupt has kept from being forgotten */
    current = pg_alloc(1, sizeof *current);
    if (current == NULL)
        return PyErr_NoMemory() != NULL;
    *current = (pg_running_trace){.inputs = Py_NewRef(inputs), .errors.limit = PTRDIFF_MAX};
    for (Py_ssize_t i = 0; i < PyTuple_Size(inputs); i++)
        pg_mark_traced(PG_NODE(PyTuple_GetItem(inputs, i)));
    pg_birth_flags = PG_TRACED;
    pg_higher_orders = 0;
    pg_contracts = 0;
    pg_tracing_threads++;
    pg_special_threads++;
    return 1;
}

void pg_trace_end(PyObject *inputs)
{
    pg_running_trace *t = current;
    if (t == NULL || t->inputs != inputs)
        return;
    current = NULL;
    Py_XDECREF(t->asks);
    Py_XDECREF(t->rows);
    pg_birth_flags = 0;
    pg_contracts = 0;
    pg_births_forget();
    pg_forget_bodies();
    pg_tracing_threads--;
    pg_special_threads--;
    for (Py_ssize_t i = 0; i < PyTuple_Size(inputs); i++)
        PG_NODE(PyTuple_GetItem(inputs, i))->flags |= PG_ESCAPED;
    for (size_t i = 0; i < t->count; i++) {
        pg_release(t->guards[i].a);
        pg_release(t->guards[i].b);
    }
    pg_free(t->guards);
    pg_forget_numbers(t->numbers);
    pg_places_forget(&t->places);
    pg_errors_forget(&t->errors);
    Py_DECREF(t->inputs);
    pg_free(t);
}

static PyObject *trace_refuse(PyObject *module, PyObject *args)
{
    (void)module;
    const char *kind;
    PyObject *what;
    if (PyArg_ParseTuple(args, "sO:trace_refuse", &kind, &what))
        pg_trace_refuse(kind, what, Py_None);
    return NULL;
}

static PyObject *trace_places(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    if (current == NULL)
        return PyErr_Format(PyExc_RuntimeError, "this thread is not tracing");
    return pg_places_told(&current->places, current->count);
}

static PyObject *trace_active(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    return PyBool_FromLong(current != NULL);
}

static PyObject *trace_raised(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    return current == NULL || current->errors.list == NULL ? PyList_New(0) : Py_NewRef(current->errors.list);
}

static PyObject *trace_limit(PyObject *module, PyObject *number)
{
    (void)module;
    const Py_ssize_t limit = PyLong_AsSsize_t(number);
    if (current == NULL || (limit == -1 && PyErr_Occurred()))
        return current != NULL ? NULL : PyErr_Format(PyExc_RuntimeError, "this thread is not tracing");
    pg_errors_forget(&current->errors);
    current->errors = (pg_raised){.limit = limit};
    Py_RETURN_NONE;
}

static PyObject *trace_contracts(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    if (current == NULL)
        return PyErr_Format(PyExc_RuntimeError, "this thread is not tracing");
    pg_contracts = 1;
    Py_RETURN_NONE;
}

static PyObject *trace_rows(PyObject *module, PyObject *rows)
{
    (void)module;
    if (current == NULL)
        return PyErr_Format(PyExc_RuntimeError, "this thread is not tracing");
    if (!PyBytes_Check(rows) || PyBytes_Size(rows) != PyTuple_Size(current->inputs))
        return PyErr_Format(PyExc_ValueError, "a byte for each input");
    pg_set(&current->rows, Py_NewRef(rows));
    Py_RETURN_NONE;
}

static PyObject *trace_bools(PyObject *module, PyObject *asks)
{
    (void)module;
    if (current == NULL)
        return PyErr_Format(PyExc_RuntimeError, "this thread is not tracing");
    pg_set(&current->asks, Py_NewRef(asks));
    Py_RETURN_NONE;
}

int pg_trace_gives_bools(void)
{
    PyObject *asks = current == NULL ? NULL : current->asks;
    if (asks == NULL)
        return current != NULL && current->bools;
    current->asks = NULL;
    PyObject *found = PyObject_CallFunctionObjArgs(asks, NULL);
    Py_DECREF(asks);
    const int bools = found == NULL ? -1 : PyObject_IsTrue(found);
    Py_XDECREF(found);
    if (current != NULL)
        current->bools = bools != 0;
    return bools;
}

pg_running_trace *pg_trace_running(void)
{
    return current;
}

/* -- what the function does --------------------------------------------------------------------- */

/* Whether n was computed from the state of a loop whose body runs: -1 with an exception set. */
static int depends_on_state(const pg_running_trace *t, pg_node *n)
{
    if (!(n->flags & PG_TRACED))
        return 0;
    pg_sweep *s;
    pg_status status = pg_sweep_open(n, 0, &s);
    if (status != PG_OK)
        return pg_raise(status) != NULL ? 0 : -1;
    pg_sweep_within_trace(s);
    status = pg_sweep_sort(s, SIZE_MAX);
    int found = status == PG_OK ? 0 : (pg_raise(status), -1);
    for (size_t i = 0; found == 0 && i < pg_sweep_count(s); i++) {
        const pg_node *leaf = pg_sweep_node(s, i);
        if ((leaf->flags & (PG_TRACED | PG_ACTIVE)) != (PG_TRACED | PG_ACTIVE) || leaf->op != PG_LEAF)
            continue;
        found = 1;
        for (Py_ssize_t k = 0; found && k < PyTuple_Size(t->inputs); k++)
            found = PG_NODE(PyTuple_GetItem(t->inputs, k)) != leaf;
    }
    pg_give_up(s);
    return found;
}

/* False with TraceError set if a guard between a and b (NULL for a number) stands in the body of a loop and depends on
 * its state, which has other numbers at each trip. */
static int loops_allow(const pg_running_trace *t, pg_node *a, pg_node *b)
{
    if (t->loops == 0)
        return 1;
    int found = depends_on_state(t, a);
    if (found == 0 && b != NULL)
        found = depends_on_state(t, b);
    if (found <= 0)
        return found == 0;
    PyObject *v = pg_value_of(a);
    if (v != NULL)
        pg_trace_refuse("in a loop", v, Py_None);
    Py_XDECREF(v);
    return 0;
}

int pg_trace_guard(pg_node *a, pg_node *b, double number, pg_comparison compare, int outcome)
{
    pg_running_trace *t = current;
    if (t == NULL)
        return 1;
    if (!loops_allow(t, a, b))
        return 0;
    if (t->count == t->capacity) {
        size_t larger = t->capacity == 0 ? 16 : 2 * t->capacity;
        pg_guard *grown = t->guards == NULL ? pg_alloc(larger, sizeof *grown)
                                            : pg_resize(t->guards, t->count, larger, sizeof *grown);
        if (grown == NULL)
            return PyErr_NoMemory() != NULL;
        t->guards = grown;
        t->capacity = larger;
    }
    pg_node *right = b != NULL ? pg_retain(b) : pg_born(pg_leaf(number));
    if (right == NULL)
        return PyErr_NoMemory() != NULL;
    pg_places_note(&t->places, t->count);
    t->guards[t->count++] = (pg_guard){pg_retain(a), right, compare, outcome};
    return 1;
}

int pg_trace_comparison(PyObject *a, PyObject *b, double number, pg_comparison compare, int outcome)
{
    return pg_trace_guard(PG_NODE(a), b == NULL ? NULL : PG_NODE(b), number, compare, outcome);
}

/* What a Value was computed from: numbers alone, what was there before the trace, inputs of the trace. */
enum origin { FAILED = -1, CONSTANT, LIVE, INPUT };

/* The last of these that v was computed from; FAILED with an exception set. */
static enum origin depends(PyObject *v)
{
    if (!(PG_NODE(v)->flags & PG_TRACED))
        return LIVE;
    pg_sweep *s;
    pg_status status = pg_sweep_open(PG_NODE(v), 0, &s);
    if (status != PG_OK)
        return pg_raise(status), FAILED;
    pg_sweep_within_trace(s);
    status = pg_sweep_sort(s, SIZE_MAX);
    enum origin found = status == PG_OK ? CONSTANT : (pg_raise(status), FAILED);
    for (size_t i = 0; found != FAILED && found != INPUT && i < pg_sweep_count(s); i++) {
        const unsigned flags = pg_sweep_node(s, i)->flags;
        if (!(flags & PG_TRACED))
            found = LIVE;
        else if (flags & PG_ACTIVE)
            found = INPUT;
    }
    pg_give_up(s);
    return found;
}

int pg_trace_access(PyObject *v, const char *what)
{
    if (current == NULL)
        return 1;
    enum origin found = depends(v);
    if (found == INPUT)
        return pg_trace_refuse(what, v, Py_None);
    if (found == LIVE && strcmp(what, "read") == 0) /* it is read anew at each call, but not as a number */
        return pg_trace_refuse(PG_NODE(v)->flags & PG_TRACED ? "of live" : "live", v, Py_None);
    return found != FAILED;
}

int pg_trace_depends(PyObject *v)
{
    const enum origin found = current == NULL ? CONSTANT : depends(v);
    return found == FAILED ? -1 : found != CONSTANT;
}

int pg_trace_rewrite(PyObject *v)
{
    const pg_node *n = PG_NODE(v);
    if (current == NULL || !(n->flags & PG_TRACED) || (n->op == PG_LEAF && n->refs == 1))
        return 1; /* nobody else has it */
    return pg_trace_refuse("rewritten", v, Py_None);
}

int pg_trace_effect(PyObject *v)
{
    if (current == NULL || (PG_NODE(v)->flags & (PG_TRACED | PG_ACTIVE)) == PG_TRACED)
        return 1; /* the trace's own, and no input */
    return pg_trace_refuse("effect", v, Py_None);
}

int pg_trace_sweep(PyObject *of)
{
    return current == NULL ? 1 : pg_trace_refuse("sweep", of, Py_None);
}

PyMethodDef pg_trace_functions[] = {
    {"set_trace_error", set_trace_error, METH_O,
     "set_trace_error(function, /)\n--\n\nSet what raises TraceError for a kind of mistake and up to two Values."},
    {"trace_forget", trace_forget, METH_O,
     "trace_forget(name, /)\n--\n\nValues that have outlived their trace, of the function of that name, are refused from now on."},
    {"trace_refuse", trace_refuse, METH_VARARGS,
     "trace_refuse(kind, what, /)\n--\n\nRaise TraceError for a kind of mistake."},
    {"trace_raised", trace_raised, METH_NOARGS,
     "trace_raised()\n--\n\nThe exceptions that operations have raised in this thread's trace."},
    {"trace_limit", trace_limit, METH_O,
     "trace_limit(number, /)\n--\n\nThe function is run again in its trace, and so many operations may raise."},
    {"trace_contracts", trace_contracts, METH_NOARGS,
     "trace_contracts()\n--\n\nPrograms and bodies of this thread's trace have contracted sums."},
    {"trace_rows", trace_rows, METH_O,
     "trace_rows(rows, /)\n--\n\nA byte for each input of this thread's trace: whether it differs by row."},
    {"trace_bools", trace_bools, METH_O,
     "trace_bools(asks, /)\n--\n\n"
     "From here on comparisons in this thread's trace give bools, and are guards at once, if asks() says so. It is\n"
     "called at the first of them."},
    {"trace_places", trace_places, METH_NOARGS,
     "trace_places()\n--\n\nOf each guard up to here the number of its line, a byte, and the lines: code and number."},
    {"trace_active", trace_active, METH_NOARGS, "trace_active()\n--\n\nWhether this thread traces."},
    {NULL, NULL, 0, NULL},
};
