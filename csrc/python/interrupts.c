/* interrupts.c: signals, heard while C works for long. */
#include "python/interrupts.h"

#include "graph/stopping.h"

/* The only one in which Python runs handlers: others need not wait for its lock. */
static unsigned long main_thread;

static PG_THREAD_LOCAL PyObject *kept_type, *kept_error, *kept_traceback;

static int heard(void)
{
    if (PyThread_get_thread_ident() != main_thread)
        return 0;
    PyGILState_STATE state = PyGILState_Ensure();
    int raised = PyErr_CheckSignals() < 0;
    if (raised)
        PyErr_Fetch(&kept_type, &kept_error, &kept_traceback);
    PyGILState_Release(state);
    return raised;
}

/* Raises what has kept a loop from its end, if it was that; else false. */
static int raise_of_loop(void)
{
    size_t row;
    double trips;
    const int why = pg_loop_failure(&row, &trips);
    if (why == 0)
        return 0;
    if (why == 1)
        return PyErr_NoMemory() == NULL;
    char digits[32];
    PyOS_snprintf(digits, sizeof digits, "%.0f", trips);
    if (row == SIZE_MAX)
        PyErr_Format(
            PyExc_RuntimeError,
            "a loop has not ended after %s trips, which is its max_trips: does its condition become false? Give a "
            "larger max_trips if it takes more",
            digits);
    else
        PyErr_Format(
            PyExc_RuntimeError,
            "a loop has not ended after %s trips, which is its max_trips, in row %zu: does its condition become "
            "false there? Give a larger max_trips if it takes more",
            digits, row);
    return 1;
}

PyObject *pg_raise_interrupt(void)
{
    if (kept_type == NULL && raise_of_loop())
        return NULL;
    if (kept_type == NULL)
        PyErr_SetString(PyExc_SystemError, "pygrad: work was stopped, but nothing says why; please report this");
    else
        PyErr_Restore(kept_type, kept_error, kept_traceback);
    kept_type = kept_error = kept_traceback = NULL;
    return NULL;
}

static PyObject *raise_interrupt(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    return pg_raise_interrupt();
}

static PyObject *set_main_thread(PyObject *module, PyObject *ident)
{
    (void)module;
    main_thread = PyLong_AsUnsignedLong(ident);
    if (PyErr_Occurred())
        return NULL;
    pg_stop_asked = heard;
    Py_RETURN_NONE;
}

PyMethodDef pg_interrupt_functions[] = {
    {"raise_interrupt", raise_interrupt, METH_NOARGS,
     "raise_interrupt()\n--\n\nRaise what a signal handler raised while C worked, which has said that it was stopped."},
    {"set_main_thread", set_main_thread, METH_O,
     "set_main_thread(ident, /)\n--\n\nSet in which thread Python runs signal handlers."},
    {NULL, NULL, 0, NULL},
};
