/* modes.c: what a thread may be in: no_grad, where nothing is recorded, and debug_nans, where every node and
 * every adjoint is shown to a function of Python. */
#include "python/modes.h"

#include "graph/graph.h"
#include "python/value.h"

int pg_special_threads;
PG_THREAD_LOCAL int pg_no_grad_depth;
PG_THREAD_LOCAL int pg_watch_depth;

/* -- no_grad ------------------------------------------------------------------------------------ */

/* Blocks that recordings have suspended: a generator may leave one while it is. */
static PG_THREAD_LOCAL int suspended;

static void move_depth(int by)
{
    int before = pg_no_grad_depth > 0;
    pg_no_grad_depth += by;
    pg_special_threads += (pg_no_grad_depth > 0) - before;
}

static PyObject *no_grad_enter(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    move_depth(1);
    Py_RETURN_NONE;
}

static PyObject *no_grad_exit(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    if (pg_no_grad_depth + suspended <= 0) {
        PyErr_SetString(PyExc_RuntimeError, "no_grad() was left in a thread that had not entered it");
        return NULL;
    }
    move_depth(-1);
    Py_RETURN_NONE;
}

/* A recording records whatever mode its caller is in: suspends the mode and appends how deep it was to a list,
 * which an interrupt cannot come between. */
static PyObject *no_grad_suspend(PyObject *module, PyObject *depths)
{
    (void)module;
    int depth = pg_no_grad_depth;
    PyObject *number = PyLong_FromLong(depth);
    int failed = number == NULL || PyList_Append(depths, number) < 0;
    Py_XDECREF(number);
    if (failed)
        return NULL;
    suspended += depth;
    move_depth(-depth);
    Py_RETURN_NONE;
}

static PyObject *no_grad_resume(PyObject *module, PyObject *depths)
{
    (void)module;
    Py_ssize_t last = PyList_Size(depths) - 1;
    if (last < 0)
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    int was = (int)PyLong_AsLong(PyList_GetItem(depths, last));
    if (PyList_SetSlice(depths, last, last + 1, NULL) < 0)
        return NULL;
    suspended -= was;
    move_depth(was);
    Py_RETURN_NONE;
}

/* -- debug_nans --------------------------------------------------------------------------------- */

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

static PyObject *watch_enter(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    pg_watch_depth++;
    pg_special_threads++;
    Py_RETURN_NONE;
}

static PyObject *watch_exit(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    if (pg_watch_depth == 0) {
        PyErr_SetString(PyExc_RuntimeError, "debug_nans() was left in a thread that had not entered it");
        return NULL;
    }
    pg_watch_depth--;
    pg_special_threads--;
    Py_RETURN_NONE;
}

/* Calls a watcher, which is itself not watched; takes over args. New reference or NULL. */
static PyObject *call_unwatched(PyObject *watcher, PyObject *args)
{
    int depth = pg_watch_depth;
    uint8_t birth_flags = pg_birth_flags;
    pg_watch_depth = 0;
    pg_birth_flags = 0; /* nor does it trace */
    PyObject *result = args == NULL ? NULL : PyObject_CallObject(watcher, args);
    pg_watch_depth = depth;
    pg_birth_flags = birth_flags;
    Py_XDECREF(args);
    return result;
}

PyObject *pg_watched(PyObject *made)
{
    if (made == NULL || pg_watch_depth == 0)
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

PyMethodDef pg_mode_functions[] = {
    {"no_grad_enter", no_grad_enter, METH_NOARGS, "no_grad_enter()\n--\n\nThis thread stops recording."},
    {"no_grad_exit", no_grad_exit, METH_NOARGS, "no_grad_exit()\n--\n\nThis thread records again."},
    {"no_grad_suspend", no_grad_suspend, METH_O,
     "no_grad_suspend(depths, /)\n--\n\nThis thread records for now; depths gets the depth to resume with."},
    {"no_grad_resume", no_grad_resume, METH_O,
     "no_grad_resume(depths, /)\n--\n\nThis thread is in the mode it was in before no_grad_suspend(), if it was called."},
    {"set_watchers", set_watchers, METH_VARARGS,
     "set_watchers(node, adjoints, /)\n--\n\nSet the functions that debug_nans() shows nodes and adjoints to."},
    {"watch_enter", watch_enter, METH_NOARGS, "watch_enter()\n--\n\nThis thread is watched."},
    {"watch_exit", watch_exit, METH_NOARGS, "watch_exit()\n--\n\nThis thread is watched no more."},
    {"origin", origin, METH_O, "origin(v, /)\n--\n\nWhat the watcher said of v when it was made, or None."},
    {NULL, NULL, 0, NULL},
};
