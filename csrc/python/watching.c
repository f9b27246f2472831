/* watching.c: debug_nans, where every node and every adjoint is shown to a function of Python. */
#include "python/watching.h"

#include "graph/graph.h"
#include "python/modes.h"
#include "python/value.h"

static PyObject *watch_node, *watch_adjoints; /* the functions of Python, set once */

static PyObject *set_watchers(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *node, *adjoints;
    if (!PyArg_ParseTuple(args, "OO:set_watchers", &node, &adjoints))
        return NULL;
    pg_set(&watch_node, Py_NewRef(node));
    pg_set(&watch_adjoints, Py_NewRef(adjoints));
    Py_RETURN_NONE;
}

/* Calls a watcher, which is itself not watched; takes over args. New reference or NULL. */
static PyObject *call_unwatched(PyObject *watcher, PyObject *args)
{
    uint8_t birth_flags = pg_birth_flags;
    pg_watcher_runs++;
    pg_birth_flags = 0; /* nor does it trace */
    PyObject *result = args == NULL ? NULL : PyObject_CallObject(watcher, args);
    pg_birth_flags = birth_flags;
    pg_watcher_runs--;
    Py_XDECREF(args);
    return result;
}

PyObject *pg_watched(PyObject *made)
{
    if (made == NULL || !PG_WATCHED)
        return made;
    PyObject *origin = call_unwatched(watch_node, PyTuple_Pack(1, made));
    pg_extras *extras = origin == NULL ? NULL : pg_extras_of((pg_value *)made);
    if (extras == NULL) {
        Py_XDECREF(origin);
        Py_DECREF(made);
        return NULL;
    }
    pg_set(&extras->origin, origin);
    pg_carry((pg_value *)made, NULL);
    return made;
}

int pg_watch_adjoints(pg_node *n, double own, const double *operands, int as_values, int forward)
{
    size_t count = pg_operand_count(n);
    PyObject *v = pg_value_of(n), *adjoints = v == NULL ? NULL : PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; adjoints != NULL && i < count; i++) {
        PyObject *number = PyFloat_FromDouble(operands[i]);
        if (number == NULL)
            Py_CLEAR(adjoints);
        else
            PyTuple_SetItem(adjoints, (Py_ssize_t)i, number);
    }
    PyObject *result = NULL;
    if (adjoints != NULL)
        result = call_unwatched(watch_adjoints, Py_BuildValue("(OdOii)", v, own, adjoints, as_values, forward));
    Py_XDECREF(adjoints);
    Py_XDECREF(v);
    Py_XDECREF(result);
    return result != NULL;
}

static PyObject *origin(PyObject *module, PyObject *v)
{
    (void)module;
    if (!PG_IS_VALUE(v))
        return PyErr_Format(PyExc_TypeError, "origin() takes a Value, not %R", Py_TYPE(v));
    const pg_extras *extras = ((pg_value *)v)->extras;
    return Py_NewRef(extras == NULL || extras->origin == NULL ? Py_None : extras->origin);
}

PyMethodDef pg_watching_functions[] = {
    {"set_watchers", set_watchers, METH_VARARGS,
     "set_watchers(node, adjoints, /)\n--\n\nSet the functions that debug_nans() shows nodes and adjoints to."},
    {"origin", origin, METH_O, "origin(v, /)\n--\n\nWhat the watcher said of v when it was made, or None."},
    {NULL, NULL, 0, NULL},
};
