/* interrupts.c: signals, heard while C works for long. */
#include "python/interrupts.h"

#include "graph/stopping.h"
#include "program/failure.h"

/* The only one in which Python runs handlers: others need not wait for its lock. */
static unsigned long main_thread;

static PyObject *say_rows; /* Python's function that says in an exception which rows it is of */

PyObject *pg_fetched(void)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL && error != NULL)
        PyException_SetTraceback(error, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return error;
}

/* pg_set() for a place of program/failure.h, which knows of no Python. */
static void keep(void **place, PyObject *error)
{
    PyObject *last = *place;
    *place = error;
    Py_XDECREF(last);
}

void pg_drop_object(void *object)
{
    if (!Py_IsInitialized())
        return;
    const PyGILState_STATE state = PyGILState_Ensure();
    Py_DECREF((PyObject *)object);
    PyGILState_Release(state);
}

static int heard(void)
{
    if (PyThread_get_thread_ident() != main_thread)
        return 0;
    PyGILState_STATE state = PyGILState_Ensure();
    int raised = PyErr_CheckSignals() < 0;
    if (raised)
        keep(&pg_failure_here()->interrupt, pg_fetched());
    PyGILState_Release(state);
    return raised;
}

void pg_keep_interrupt(PyObject *error)
{
    keep(&pg_failure_here()->interrupt, Py_NewRef(error));
}

void pg_keep_failure(PyObject *error)
{
    keep(&pg_failure_here()->error, Py_NewRef(error));
}

/* Steals it. */
static void restore(PyObject *error)
{
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(error)), error, PyException_GetTraceback(error));
}

/* Raises what a call has failed with, in one of these rows, or before any for SIZE_MAX. */
static void raise_of_call(size_t first, size_t last)
{
    PyObject *error = pg_failure_here()->error;
    pg_failure_here()->error = NULL;
    if (error == NULL) {
        PyErr_SetString(PyExc_SystemError, "pygrad: a call has failed, but nothing says why; please report this");
        return;
    }
    PyObject *said = first == SIZE_MAX || say_rows == NULL
                         ? Py_NewRef(Py_None)
                         : PyObject_CallFunction(say_rows, "Onn", error, (Py_ssize_t)first, (Py_ssize_t)last);
    if (said != NULL)
        restore(Py_NewRef(error));
    Py_XDECREF(said);
    Py_DECREF(error);
}

/* Raises what has kept a loop from its end, if it was that; else false. */
static int raise_of_loop(void)
{
    size_t row;
    double trips;
    const int why = pg_loop_failure(&row, &trips);
    if (why == 0)
        return 0;
    if (why == 3) {
        raise_of_call(row, (size_t)trips);
        return 1;
    }
    if (why == 1)
        return PyErr_NoMemory() == NULL;
    char digits[32];
    PyOS_snprintf(digits, sizeof digits, "%.0f", trips);
    if (row == SIZE_MAX)
        PyErr_Format(
            PyExc_RuntimeError,
            "a loop has not ended after %s trips, which is its max_trips: does its condition become false? Give a "
            "larger max_trips (of odeint: mxstep) if it takes more",
            digits);
    else
        PyErr_Format(
            PyExc_RuntimeError,
            "a loop has not ended after %s trips, which is its max_trips, in row %zu: does its condition become "
            "false there? Give a larger max_trips (of odeint: mxstep) if it takes more",
            digits, row);
    return 1;
}

PyObject *pg_raise_interrupt(void)
{
    PyObject *kept = pg_failure_here()->interrupt;
    if (kept == NULL && raise_of_loop())
        return NULL;
    pg_failure_here()->interrupt = NULL;
    if (kept == NULL)
        PyErr_SetString(PyExc_SystemError, "pygrad: work was stopped, but nothing says why; please report this");
    else
        restore(kept);
    return NULL;
}

static PyObject *raise_interrupt(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    return pg_raise_interrupt();
}

static PyObject *set_say_rows(PyObject *module, PyObject *function)
{
    (void)module;
    pg_set(&say_rows, Py_NewRef(function));
    Py_RETURN_NONE;
}

static PyObject *set_main_thread(PyObject *module, PyObject *ident)
{
    (void)module;
    main_thread = PyLong_AsUnsignedLong(ident);
    if (PyErr_Occurred())
        return NULL;
    pg_stop_asked = heard;
    pg_drop_exception = pg_drop_object;
    Py_RETURN_NONE;
}

PyMethodDef pg_interrupt_functions[] = {
    {"raise_interrupt", raise_interrupt, METH_NOARGS,
     "raise_interrupt()\n--\n\nRaise what a signal handler raised while C worked, which has said that it was stopped."},
    {"set_say_rows", set_say_rows, METH_O,
     "set_say_rows(function, /)\n--\n\nSet what says in an exception in which rows of an array it was raised."},
    {"set_main_thread", set_main_thread, METH_O,
     "set_main_thread(ident, /)\n--\n\nSet in which thread Python runs signal handlers."},
    {NULL, NULL, 0, NULL},
};
