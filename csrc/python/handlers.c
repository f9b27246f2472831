/* handlers.c: whether somebody would catch what an operation raises, and what was raised. */
#include "python/handlers.h"

#include <stdint.h>

/* What a frame is by its code, as Python's half says. */
enum { PLAIN, HANDLER, BASE };

static PyObject *kind_of_code, *refuse_caught; /* Python's half */
static PyObject *f_back;

void pg_errors_forget(pg_raised *errors)
{
    pg_set(&errors->frame, NULL);
    pg_set(&errors->caller, NULL);
    pg_set(&errors->list, NULL);
}

/* -- who would catch it ------------------------------------------------------------------------- */

/* What was found of code, by its place in memory; code is owned here. */
static struct {
    PyObject *code;
    int kind;
} known[64];

static int kind_of(PyObject *frame)
{
    PyObject *code = (PyObject *)PyFrame_GetCode((PyFrameObject *)frame);
    const size_t at = (uintptr_t)code / 64 % 64;
    if (PG_LIKELY(known[at].code == code)) {
        Py_DECREF(code);
        return known[at].kind;
    }
    PyObject *found = PyObject_CallFunctionObjArgs(kind_of_code, code, NULL);
    const int kind = found == NULL ? -1 : (int)PyLong_AsLong(found);
    Py_XDECREF(found);
    if (kind < 0) {
        Py_DECREF(code);
        return -1;
    }
    known[at].kind = kind;
    pg_set(&known[at].code, code);
    return kind;
}

/* The frame that called this one, or None. Caller owns. For want of memory CPython 3.11 gives None and sets an error. */
static PyObject *caller_of(PyObject *frame)
{
    PyObject *caller = PyObject_GetAttr(frame, f_back);
    if (caller == Py_None && PyErr_Occurred())
        Py_CLEAR(caller);
    return caller;
}

/* Whether this frame (taken over) or one that leads to it has handlers, up to where the trace began; or -1. */
static int guarded_from(pg_raised *e, PyObject *frame)
{
    while (frame != NULL && frame != Py_None) {
        if (frame == e->frame || frame == e->caller) {
            const int found = frame == e->frame ? e->guarded : e->caller_guarded;
            Py_DECREF(frame);
            return found;
        }
        int kind = kind_of(frame);
        PyObject *caller = kind == PLAIN ? caller_of(frame) : NULL;
        Py_DECREF(frame);
        if (kind != PLAIN)
            return kind == BASE ? 0 : kind;
        frame = caller;
    }
    Py_XDECREF(frame);
    return frame == NULL ? -1 : 0;
}

int pg_errors_guarded(pg_raised *e)
{
    PyObject *frame = (PyObject *)PyEval_GetFrame();
    if (frame == NULL) /* there is one, but no memory for its object */
        return PyErr_NoMemory() == NULL ? -1 : 0;
    if (kind_of_code == NULL)
        return 0;
    if (frame == e->frame)
        return e->guarded;
    int kind = kind_of(frame);
    if (kind < 0)
        return -1;
    PyObject *caller = kind == BASE ? Py_NewRef(Py_None) : caller_of(frame);
    int caller_guarded = caller == NULL ? -1 : guarded_from(e, Py_NewRef(caller));
    if (caller_guarded < 0) {
        Py_XDECREF(caller);
        return -1;
    }
    e->caller_guarded = caller_guarded;
    e->guarded = kind == HANDLER || caller_guarded;
    pg_set(&e->caller, caller);
    pg_set(&e->frame, Py_NewRef(frame));
    return e->guarded;
}

int pg_errors_unheard(pg_raised *e, const char *names)
{
    const int guarded = pg_errors_guarded(e);
    if (guarded <= 0)
        return guarded == 0;
    PyObject *done = PyObject_CallFunction(refuse_caught, "Os", e->frame, names);
    Py_XDECREF(done);
    return done != NULL;
}

static PyObject *set_kind_of_code(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *function, *refuse;
    if (!PyArg_ParseTuple(args, "OO:set_kind_of_code", &function, &refuse))
        return NULL;
    if (f_back == NULL)
        f_back = PyUnicode_InternFromString("f_back");
    if (f_back == NULL)
        return NULL;
    pg_set(&kind_of_code, Py_NewRef(function));
    pg_set(&refuse_caught, Py_NewRef(refuse));
    Py_RETURN_NONE;
}

/* -- what was raised ---------------------------------------------------------------------------- */

int pg_errors_take(pg_raised *e)
{
    if (e->list == NULL)
        e->list = PyList_New(0);
    if (e->list == NULL)
        return -1;
    if (PyList_Size(e->list) >= e->limit) {
        e->over = 1;
        PyErr_Clear();
        return 0;
    }
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (PyErr_GivenExceptionMatches(type, PyExc_MemoryError)) { /* what the op raises could not be made */
        PyErr_Restore(type, error, traceback);
        return -1;
    }
    if (error != NULL && PyList_Append(e->list, error) < 0) {
        Py_XDECREF(type);
        Py_XDECREF(error);
        Py_XDECREF(traceback);
        return -1;
    }
    PyErr_Restore(type, error, traceback);
    return 1;
}

PyMethodDef pg_handler_functions[] = {
    {"set_kind_of_code", set_kind_of_code, METH_VARARGS,
     "set_kind_of_code(function, refuse, /)\n--\n\nSet what says of code whether it has handlers (1), or begins traces (2), and what\n"
     "refuses handlers around an operation of a loop's body, of a frame and names of exceptions."},
    {NULL, NULL, 0, NULL},
};
