/* calls.c: functions of Python's that programs call back. */
#include "python/calls.h"

#include "python/convert.h"
#include "python/interrupts.h"
#include "python/trace.h"
#include "python/value.h"

#include <string.h>

/* -- called back -------------------------------------------------------------------------------- */

/* Keeps what has gone wrong in a call, in one of these rows: 0; -1 for what is to end all work, as Ctrl-C. */
static int keep(PyObject *error, size_t *first, size_t *last, size_t from, size_t to)
{
    *first = from;
    *last = to;
    if (!PyErr_GivenExceptionMatches(error, PyExc_Exception)) {
        pg_keep_interrupt(error);
        return -1;
    }
    pg_keep_failure(error);
    return 0;
}

/* What a call has returned into results: 1; 0 with an exception set; or as keep() says. */
static int take(PyObject *found, double *results, size_t bytes, size_t *first, size_t *last)
{
    PyObject *error;
    Py_ssize_t from, to;
    if (PyTuple_Check(found)) {
        if (PyArg_ParseTuple(found, "Onn", &error, &from, &to))
            return keep(error, first, last, (size_t)from, (size_t)to);
        return 0;
    }
    if (!PyBytes_Check(found) || (size_t)PyBytes_Size(found) != bytes) {
        PyErr_Format(PyExc_SystemError, "pygrad: a call has not given %zu bytes; please report this", bytes);
        return 0;
    }
    if (bytes != 0)
        memcpy(results, PyBytes_AsString(found), bytes);
    return 1;
}

static int call_back(const pg_call *call, const double *operands, size_t rows, double *results, size_t *first,
                     size_t *last)
{
    const PyGILState_STATE state = PyGILState_Ensure();
    const size_t given = pg_given_to(call) * rows * sizeof *operands;
    const size_t taken = call->base.results * rows * sizeof *results;
    PyObject *numbers = PyBytes_FromStringAndSize((const char *)operands, (Py_ssize_t)given);
    PyObject *found = numbers == NULL ? NULL : PyObject_CallFunction(call->what, "On", numbers, (Py_ssize_t)rows);
    int outcome = found == NULL ? 0 : take(found, results, taken, first, last);
    if (PyErr_Occurred()) { /* before it came to a row, as Ctrl-C does */
        PyObject *error = pg_fetched();
        outcome = keep(error, first, last, 0, rows - 1);
        Py_XDECREF(error);
    }
    Py_XDECREF(found);
    Py_XDECREF(numbers);
    PyGILState_Release(state);
    return outcome;
}

/* -- in programs on Values ---------------------------------------------------------------------- */

int pg_call_on_nodes(const pg_call *call, pg_node *const *operands, pg_node **results)
{
    const size_t count = pg_given_to(call), found = call->base.results;
    PyObject *values = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; values != NULL && i < count; i++) {
        PyObject *v = pg_value_of(operands[i]);
        if (v == NULL)
            Py_CLEAR(values);
        else
            PyTuple_SetItem(values, (Py_ssize_t)i, v);
    }
    PyObject *made = values == NULL ? NULL : PyObject_CallMethod(call->what, "on_values", "O", values);
    pg_node **nodes = made == NULL ? NULL : pg_nodes_of(made, "results of a call must be");
    int whole = nodes != NULL;
    if (whole && (size_t)PyTuple_Size(made) != found) {
        PyErr_Format(PyExc_SystemError, "pygrad: a call has not given %zu results; please report this", found);
        whole = 0;
    }
    for (size_t k = 0; whole && k < found; k++)
        results[k] = pg_retain(nodes[k]);
    pg_free((void *)nodes);
    Py_XDECREF(made);
    Py_XDECREF(values);
    return whole;
}

/* -- in a trace --------------------------------------------------------------------------------- */

/* Numbers of a tuple into an array, which the caller frees; NULL with an exception set. */
static double *numbers_of(PyObject *tuple)
{
    const size_t count = (size_t)PyTuple_Size(tuple);
    double *numbers = pg_alloc(count + 1, sizeof *numbers);
    if (numbers == NULL)
        return (double *)(void *)PyErr_NoMemory();
    for (size_t i = 0; i < count; i++)
        if (!pg_require_number(PyTuple_GetItem(tuple, (Py_ssize_t)i), "a result", &numbers[i])) {
            pg_free(numbers);
            return NULL;
        }
    return numbers;
}

/* New Values of items, which it takes over. */
static PyObject *values_of(pg_node **items, size_t count)
{
    PyObject *values = PyTuple_New((Py_ssize_t)count);
    for (size_t k = 0; k < count; k++) {
        PyObject *v = pg_wrap(items[k]);
        if (v == NULL || values == NULL) {
            Py_XDECREF(v);
            Py_CLEAR(values);
        } else {
            PyTuple_SetItem(values, (Py_ssize_t)k, v);
        }
    }
    return values;
}

static PyObject *call_made(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *what, *operands, *numbers, *values = NULL;
    const char *name;
    int conditional;
    if (!PyArg_ParseTuple(args, "OsO!O!p:call_made", &what, &name, &PyTuple_Type, &operands, &PyTuple_Type, &numbers,
                          &conditional))
        return NULL;
    const pg_running_trace *t = pg_trace_running();
    const size_t count = (size_t)PyTuple_Size(numbers);
    if (t == NULL || t->count > UINT32_MAX || count == 0 || PyTuple_Size(operands) == 0)
        return PyErr_Format(PyExc_RuntimeError,
                            "call_made() makes one result or more of one operand or more, in a trace");
    pg_node **nodes = pg_nodes_of(operands, "operands of a call must be");
    double *found = nodes == NULL ? NULL : numbers_of(numbers);
    pg_node **items = found == NULL ? NULL : pg_alloc(count, sizeof *items);
    pg_call *call = items == NULL ? NULL
                                  : pg_call_make((size_t)PyTuple_Size(operands), conditional, count, name, call_back,
                                                 pg_drop_object, Py_NewRef(what));
    if (call != NULL) {
        call->guards = (uint32_t)t->count;
        pg_node *n = pg_call_node(call, nodes, found, items);
        values = n == NULL ? PyErr_NoMemory() : values_of(items, count);
        if (n != NULL)
            pg_release(n);
        pg_several_release(&call->base);
    } else if (found != NULL) {
        PyErr_NoMemory();
    }
    pg_free((void *)items);
    pg_free(found);
    pg_free((void *)nodes);
    return values;
}

PyMethodDef pg_call_functions[] = {
    {"call_made", call_made, METH_VARARGS,
     "call_made(what, name, operands, numbers, conditional, /)\n--\n\n"
     "Values with these numbers, in a trace; its program calls what for them: with the operands of some rows as bytes,\n"
     "one operand after the other, and the number of rows. It gives results as bytes, or a tuple of an exception and\n"
     "the first and last row that it may be of. If it is conditional the last operand says for which rows, and is not\n"
     "among these."},
    {NULL, NULL, 0, NULL},
};
