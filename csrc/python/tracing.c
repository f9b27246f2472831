/* tracing.c: a function run once on Values to become a program.
 *
 * While a thread traces, what its ops make is marked PG_TRACED, values are those that the program's lanes would
 * compute, no op raises for a numeric reason, and comparisons are noted as guards. What was there before the
 * trace is a live input of the program, read again at each call. */
#include "python/object.h"

#include <string.h>

typedef struct tracing {
    PyObject *inputs;      /* tuple of Values, owned */
    pg_guard *guards;      /* their nodes are owned */
    size_t count, capacity;
} tracing;

static PG_THREAD_LOCAL tracing *current;
static PyObject *raise_error; /* Python's function that raises TraceError, set once */

/* -- begin and end ------------------------------------------------------------------------------ */

static PyObject *set_trace_error(PyObject *module, PyObject *function)
{
    (void)module;
    pg_set(&raise_error, Py_NewRef(function));
    Py_RETURN_NONE;
}

/* Lets Python raise TraceError with the user's line; always 0. */
static int refuse(const char *kind, PyObject *a, PyObject *b)
{
    PyObject *result = PyObject_CallFunction(raise_error, "sOO", kind, a, b);
    Py_XDECREF(result);
    return 0;
}

static PyObject *trace_begin(PyObject *module, PyObject *inputs)
{
    (void)module;
    if (!PyTuple_Check(inputs) || !pg_require_values(inputs, "inputs must be"))
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "trace_begin() takes a tuple");
    if (current != NULL)
        return PyErr_Format(PyExc_RuntimeError, "this thread is tracing a function already");
    current = pg_alloc(1, sizeof *current);
    if (current == NULL)
        return PyErr_NoMemory();
    *current = (tracing){.inputs = Py_NewRef(inputs)};
    for (Py_ssize_t i = 0; i < PyTuple_Size(inputs); i++)
        pg_mark_traced(PG_NODE(PyTuple_GetItem(inputs, i)));
    pg_birth_flags = PG_TRACED;
    pg_tracing_threads++;
    pg_special_threads++;
    Py_RETURN_NONE;
}

/* Of this thread's trace, if it is the one with these inputs: so it may be called in any case. */
static PyObject *trace_end(PyObject *module, PyObject *inputs)
{
    (void)module;
    tracing *t = current;
    if (t == NULL || t->inputs != inputs)
        Py_RETURN_NONE;
    current = NULL;
    pg_birth_flags = 0;
    pg_tracing_threads--;
    pg_special_threads--;
    for (size_t i = 0; i < t->count; i++) {
        pg_release(t->guards[i].a);
        pg_release(t->guards[i].b);
    }
    pg_free(t->guards);
    Py_DECREF(t->inputs);
    pg_free(t);
    Py_RETURN_NONE;
}

static void clear_trace(pg_node *n, void *context)
{
    (void)context;
    n->flags = (uint8_t)(n->flags & ~PG_TRACED);
}

/* What outlives the trace that made it is to be like any other Value for the next. While another thread traces, whose
 * a node is cannot be told: the last one to end sees to it. */
static PyObject *trace_forget(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    if (pg_tracing_threads == 0 && pg_traced_nodes != 0) {
        pg_pool_each(clear_trace, NULL);
        pg_traced_nodes = 0;
    }
    Py_RETURN_NONE;
}

static PyObject *trace_active(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    return PyBool_FromLong(current != NULL);
}

/* -- what the function does --------------------------------------------------------------------- */

int pg_trace_comparison(PyObject *a, PyObject *b, double number, pg_comparison compare, int outcome)
{
    tracing *t = current;
    if (t == NULL)
        return 1;
    if (t->count == t->capacity) {
        size_t larger = t->capacity == 0 ? 16 : 2 * t->capacity;
        pg_guard *grown = t->guards == NULL ? pg_alloc(larger, sizeof *grown)
                                            : pg_resize(t->guards, t->count, larger, sizeof *grown);
        if (grown == NULL)
            return PyErr_NoMemory() != NULL;
        t->guards = grown;
        t->capacity = larger;
    }
    pg_node *right = b != NULL ? pg_retain(PG_NODE(b)) : pg_born(pg_leaf(number));
    if (right == NULL)
        return PyErr_NoMemory() != NULL;
    t->guards[t->count++] = (pg_guard){pg_retain(PG_NODE(a)), right, compare, outcome};
    return 1;
}

/* 1 if v was computed from an input of the trace, 0 if not, -1 with an exception set. */
static int depends(PyObject *v)
{
    if (!(PG_NODE(v)->flags & PG_TRACED))
        return 0;
    pg_sweep *s;
    pg_status status = pg_sweep_open(PG_NODE(v), 0, &s);
    if (status != PG_OK)
        return pg_raise(status), -1;
    pg_sweep_within_trace(s);
    status = pg_sweep_sort(s, SIZE_MAX);
    int found = status == PG_OK ? 0 : (pg_raise(status), -1);
    for (size_t i = 0; found == 0 && i < pg_sweep_count(s); i++)
        found = (pg_sweep_node(s, i)->flags & (PG_TRACED | PG_ACTIVE)) == (PG_TRACED | PG_ACTIVE);
    pg_give_up(s);
    return found;
}

int pg_trace_identity(PyObject *a, PyObject *b)
{
    if (a == b || current == NULL)
        return 1;
    int left = depends(a), right = left < 0 ? -1 : depends(b);
    if (left < 0 || right < 0)
        return 0;
    return left && right ? refuse("equal", a, b) : 1;
}

int pg_trace_access(PyObject *v, const char *what)
{
    if (current == NULL)
        return 1;
    int found = depends(v);
    if (found < 0)
        return 0;
    if (found == 0) /* what was there before is read anew at each call, but not as a number */
        return PG_NODE(v)->flags & PG_TRACED || strcmp(what, "read") != 0 ? 1 : refuse("live", v, Py_None);
    return refuse(what, v, Py_None);
}

int pg_trace_effect(PyObject *v)
{
    if (current == NULL || (PG_NODE(v)->flags & (PG_TRACED | PG_ACTIVE)) == PG_TRACED)
        return 1; /* the trace's own, and no input */
    return refuse("effect", v, Py_None);
}

int pg_trace_sweep(PyObject *of)
{
    return current == NULL ? 1 : refuse("sweep", of, Py_None);
}

/* -- the program -------------------------------------------------------------------------------- */

static void delete_program(PyObject *capsule)
{
    pg_program_free(PyCapsule_GetPointer(capsule, "pg_program"));
}

/* Values of the nodes that the sweep took for leaves: what the program reads at each call. */
static PyObject *live_values(const pg_sweep *s, size_t inputs)
{
    PyObject *values = PyList_New(0);
    for (size_t i = inputs; values != NULL && i < pg_sweep_count(s); i++) {
        pg_node *n = pg_sweep_node(s, i);
        if (n->flags & PG_TRACED)
            continue;
        PyObject *v = pg_value_of(n);
        if (v == NULL || PyList_Append(values, v) < 0)
            Py_CLEAR(values);
        Py_XDECREF(v);
    }
    PyObject *tuple = values == NULL ? NULL : PyList_AsTuple(values);
    Py_XDECREF(values);
    return tuple;
}

static PyObject *outcomes_of(const tracing *t)
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
            refuse("opaque", v, Py_None);
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

/* The guards' sides and the outputs under one root, sorted. */
static pg_sweep *sorted_trace(const tracing *t, pg_node *const *outputs, size_t count, pg_node *const *inputs,
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
    if (pg_sort_fully(s, inputs, input_count))
        return s;
    pg_give_up(s);
    return NULL;
}

static PyObject *traced_program(const tracing *t, pg_node *const *outputs, size_t count, const uint8_t *rows,
                                const uint8_t *totals, int optimise)
{
    pg_node **inputs = pg_nodes_of(t->inputs, "inputs must be"), *root = NULL;
    if (inputs == NULL)
        return NULL;
    size_t input_count = (size_t)PyTuple_Size(t->inputs);
    PyObject *program = NULL, *lives = NULL, *outcomes = NULL, *result = NULL;
    pg_sweep *s = sorted_trace(t, outputs, count, inputs, input_count, &root);
    if (s != NULL) {
        pg_trace trace = {.sweep = s, .rows = rows, .guards = t->guards, .guard_count = t->count,
                          .outputs = outputs, .output_count = count, .totals = totals, .optimise = optimise};
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
    if (current == NULL)
        return PyErr_Format(PyExc_RuntimeError, "this thread is not tracing");
    if (PyBytes_Size(rows) != PyTuple_Size(current->inputs) || PyBytes_Size(totals) != PyTuple_Size(outputs))
        return PyErr_Format(PyExc_ValueError, "a byte for each input, and one for each output");
    pg_node **nodes = pg_nodes_of(outputs, "outputs must be");
    if (nodes == NULL)
        return NULL;
    PyObject *result =
        traced_program(current, nodes, (size_t)PyTuple_Size(outputs), (const uint8_t *)PyBytes_AsString(rows),
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
    double *out = (double *)(intptr_t)address;
    for (Py_ssize_t i = 0; i < PyTuple_Size(values); i++)
        out[i] = PG_NODE(PyTuple_GetItem(values, i))->value;
    Py_RETURN_NONE;
}

PyMethodDef pg_tracing_functions[] = {
    {"set_trace_error", set_trace_error, METH_O,
     "set_trace_error(function, /)\n--\n\nSet what raises TraceError for a kind of mistake and up to two Values."},
    {"trace_begin", trace_begin, METH_O,
     "trace_begin(inputs, /)\n--\n\nThis thread traces; its inputs are active Values."},
    {"trace_end", trace_end, METH_O, "trace_end(inputs, /)\n--\n\nThe trace with these inputs, if there is one, ends."},
    {"trace_forget", trace_forget, METH_NOARGS,
     "trace_forget()\n--\n\nValues that have outlived their trace are like others from now on."},
    {"trace_active", trace_active, METH_NOARGS, "trace_active()\n--\n\nWhether this thread traces."},
    {"trace_program", trace_program, METH_VARARGS,
     "trace_program(outputs, rows, totals, optimise, /)\n--\n\n"
     "The program of the trace up to here, the Values it reads at each call, and the outcomes of its guards."},
    {"program_address", program_address, METH_O, "program_address(program, /)\n--\n\nFor cffi, borrowed."},
    {"read_data", read_data, METH_VARARGS,
     "read_data(values, address, /)\n--\n\nThe data of Values into an array of doubles."},
    {NULL, NULL, 0, NULL},
};
