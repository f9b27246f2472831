/* tracing.c: the program of a trace, made and handed to Python. */
#include "python/tracing.h"

#include "program/made.h"
#include "python/convert.h"
#include "python/singular.h"
#include "python/sweeping.h"
#include "python/trace.h"
#include "python/unwrapped.h"
#include "python/value.h"

static void delete_program(PyObject *capsule)
{
    pg_program_free(PyCapsule_GetPointer(capsule, "pg_program"));
}

/* Values of the nodes that the sweep took for leaves: what the program reads at each call. */
static PyObject *live_values(const pg_sweep *s, size_t inputs)
{
    const size_t end = pg_sweep_count(s);
    size_t count = 0, found = 0;
    for (size_t i = inputs; i < end; i++)
        count += !(pg_sweep_node(s, i)->flags & PG_TRACED);
    PyObject *values = PyTuple_New((Py_ssize_t)count);
    for (size_t i = inputs; values != NULL && found < count; i++) {
        pg_node *n = pg_sweep_node(s, i);
        if (n->flags & PG_TRACED)
            continue;
        PyObject *v = pg_value_of(n);
        if (v == NULL)
            Py_CLEAR(values);
        else
            PyTuple_SetItem(values, (Py_ssize_t)found++, v);
    }
    return values;
}

static PyObject *outcomes_of(const pg_running_trace *t)
{
    PyObject *outcomes = PyTuple_New((Py_ssize_t)t->count);
    for (size_t i = 0; outcomes != NULL && i < t->count; i++)
        PyTuple_SetItem(outcomes, (Py_ssize_t)i, PyBool_FromLong(t->guards[i].outcome));
    return outcomes;
}

static PyObject *program_of(pg_trace *trace)
{
    pg_node *opaque;
    pg_program *program;
    pg_status status = pg_program_make(trace, &opaque, &program);
    if (status == PG_OPAQUE) {
        PyObject *v = pg_value_of(opaque);
        if (v != NULL)
            pg_trace_refuse("opaque", v, Py_None);
        Py_XDECREF(v);
        return NULL;
    }
    if (status != PG_OK)
        return pg_raise(status);
    PyObject *capsule = PyCapsule_New(program, "pg_program", delete_program);
    if (capsule == NULL)
        pg_program_free(program);
    return capsule;
}

/* False with TraceError set if the order, its own inputs in front, has an input of a trace in another thread. */
static int only_own_inputs(const pg_sweep *s, size_t own)
{
    const size_t count = pg_sweep_count(s);
    for (size_t i = own; i < count; i++) {
        pg_node *n = pg_sweep_node(s, i);
        if ((n->flags & PG_TRACED_INPUT) != PG_TRACED_INPUT)
            continue;
        PyObject *v = pg_value_of(n);
        if (v != NULL)
            pg_trace_refuse((n->flags & PG_ESCAPED) == PG_ESCAPED ? "of a loop" : "thread", v, Py_None);
        Py_XDECREF(v);
        return 0;
    }
    return 1;
}

/* The guards' sides and the outputs under one root, sorted. */
static pg_sweep *sorted_trace(const pg_running_trace *t, pg_node *const *outputs, size_t count, pg_node *const *inputs,
                              size_t input_count, pg_node **root)
{
    size_t all = 2 * t->count + count;
    pg_node **nodes = pg_alloc(all, sizeof *nodes);
    if (nodes == NULL)
        return (pg_sweep *)(void *)PyErr_NoMemory();
    for (size_t i = 0; i < all; i++)
        nodes[i] = i >= 2 * t->count ? outputs[i - 2 * t->count] : i % 2 == 0 ? t->guards[i / 2].a : t->guards[i / 2].b;
    *root = pg_compute_many(PG_SUM, nodes, all, 0.0, NULL, NULL);
    pg_free(nodes);
    if (*root == NULL)
        return (pg_sweep *)(void *)PyErr_NoMemory();
    pg_sweep *s;
    pg_status status = pg_sweep_open(*root, 0, &s);
    if (status != PG_OK)
        return (pg_sweep *)(void *)pg_raise(status);
    pg_mark_traced(*root);
    pg_sweep_within_trace(s);
    if (pg_sort_fully(s, inputs, input_count) && only_own_inputs(s, input_count))
        return s;
    pg_give_up(s);
    return NULL;
}

static PyObject *traced_program(const pg_running_trace *t, pg_node *const *outputs, size_t count, const uint8_t *rows,
                                const uint8_t *totals, int optimise)
{
    pg_node **inputs = pg_nodes_of(t->inputs, "inputs must be"), *root = NULL;
    if (inputs == NULL)
        return NULL;
    size_t input_count = (size_t)PyTuple_Size(t->inputs);
    PyObject *program = NULL, *lives = NULL, *outcomes = NULL, *result = NULL;
    pg_sweep *s = sorted_trace(t, outputs, count, inputs, input_count, &root);
    if (s != NULL) {
        pg_trace trace = {.sweep = s,
                          .rows = rows,
                          .guards = t->guards,
                          .guard_count = t->count,
                          .outputs = outputs,
                          .output_count = count,
                          .totals = totals,
                          .optimise = optimise,
                          .tells = pg_higher_orders,
                          .contract = pg_contracts};
        program = program_of(&trace);
        lives = program == NULL ? NULL : live_values(s, input_count);
        outcomes = lives == NULL ? NULL : outcomes_of(t);
        if (outcomes != NULL)
            result = PyTuple_Pack(3, program, lives, outcomes);
        pg_give_up(s);
    }
    Py_XDECREF(program);
    Py_XDECREF(lives);
    Py_XDECREF(outcomes);
    if (root != NULL)
        pg_release(root);
    pg_free(inputs);
    return result;
}

static PyObject *trace_program(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *outputs, *rows, *totals;
    int optimise;
    if (!PyArg_ParseTuple(args, "O!SSp:trace_program", &PyTuple_Type, &outputs, &rows, &totals, &optimise))
        return NULL;
    const pg_running_trace *current = pg_trace_running();
    if (current == NULL)
        return PyErr_Format(PyExc_RuntimeError, "this thread is not tracing");
    size_t count;
    pg_node **nodes = pg_all_nodes_of(outputs, "outputs must be", &count);
    if (nodes == NULL)
        return NULL;
    PyObject *result = NULL;
    if (PyBytes_Size(rows) != PyTuple_Size(current->inputs) || (size_t)PyBytes_Size(totals) != count)
        PyErr_SetString(PyExc_ValueError, "a byte for each input, and one for each output");
    else
        result = traced_program(current, nodes, count, (const uint8_t *)PyBytes_AsString(rows),
                                (const uint8_t *)PyBytes_AsString(totals), optimise);
    pg_free(nodes);
    return result;
}

static PyObject *program_address(PyObject *module, PyObject *capsule)
{
    (void)module;
    return PyLong_FromVoidPtr(PyCapsule_GetPointer(capsule, "pg_program"));
}

/* The data of Values into an array of doubles at an address. */
static PyObject *read_data(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *values;
    Py_ssize_t address;
    if (!PyArg_ParseTuple(args, "O!n:read_data", &PyTuple_Type, &values, &address) ||
        !pg_require_values(values, "read_data() takes"))
        return NULL;
    if (PG_TRACING && PyTuple_Size(values) != 0 && !pg_trace_access(PyTuple_GetItem(values, 0), "read"))
        return NULL;
    double *out = (double *)(intptr_t)address;
    for (Py_ssize_t i = 0; i < PyTuple_Size(values); i++)
        out[i] = PG_NODE(PyTuple_GetItem(values, i))->value;
    Py_RETURN_NONE;
}

PyMethodDef pg_tracing_functions[] = {
    {"trace_program", trace_program, METH_VARARGS,
     "trace_program(outputs, rows, totals, optimise, /)\n--\n\n"
     "The program of the trace up to here, the Values it reads at each call, and the outcomes of its guards.\n"
     "Outputs are Values and what reverse() gives for Kind.UNWRAPPED."},
    {"program_address", program_address, METH_O, "program_address(program, /)\n--\n\nFor cffi, borrowed."},
    {"read_data", read_data, METH_VARARGS,
     "read_data(values, address, /)\n--\n\nThe data of Values into an array of doubles."},
    {NULL, NULL, 0, NULL},
};
