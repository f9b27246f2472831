/* lifted.c: lifted code, as its globals tell it. */
#include "python/lifted.h"

#include "python/convert.h"

#include <string.h>

static PyObject *mark; /* a global that lifted code has; NULL as long as there is no such code */

static PyObject *set_mark(PyObject *module, PyObject *name)
{
    (void)module;
    pg_set(&mark, Py_NewRef(name));
    Py_RETURN_NONE;
}

int pg_lifted_code_is_about(void)
{
    return mark != NULL;
}

int pg_in_lifted_code(void)
{
    PyObject *globals = mark == NULL ? NULL : PyEval_GetGlobals();
    if (globals == NULL)
        return 0;
    return PyDict_GetItemWithError(globals, mark) != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
}

/* 1 if a frame is of lifted code, 0 if it is of other code, 2 if of a module whose name begins so; -1 with an exception
 * set. */
static int kind_of_frame(PyObject *frame, const char *between)
{
    PyObject *globals = PyObject_GetAttrString(frame, "f_globals");
    if (globals == NULL)
        return -1;
    PyObject *name = PyDict_GetItemWithError(globals, mark);
    int kind = name != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
    name = kind == 0 ? PyDict_GetItemString(globals, "__name__") : NULL;
    if (name != NULL && PyUnicode_Check(name)) {
        PyObject *start = PyUnicode_Substring(name, 0, (Py_ssize_t)strlen(between));
        kind = start == NULL ? -1 : PyUnicode_CompareWithASCIIString(start, between) == 0 ? 2 : 0;
        Py_XDECREF(start);
    }
    Py_DECREF(globals);
    return kind;
}

/* Whether the first caller that is of none of these modules is lifted; -1 with an exception set. */
static int called_by_lifted_code(const char *between)
{
    PyObject *frame = mark == NULL ? NULL : (PyObject *)PyEval_GetFrame();
    int kind = 0;
    Py_XINCREF(frame);
    while (frame != NULL && frame != Py_None) {
        kind = kind_of_frame(frame, between);
        PyObject *caller = kind == 2 ? PyObject_GetAttrString(frame, "f_back") : NULL;
        Py_DECREF(frame);
        frame = caller;
    }
    Py_XDECREF(frame);
    return PyErr_Occurred() ? -1 : kind == 1;
}

int pg_called_by_lifted_code(void)
{
    return called_by_lifted_code("pygrad.");
}

int pg_is_key_of_lifted_code(void)
{
    int lifted = pg_in_lifted_code();
    PyObject *globals = lifted != 0 || mark == NULL ? NULL : PyEval_GetGlobals();
    PyObject *name = globals == NULL ? NULL : PyDict_GetItemString(globals, "__name__");
    if (name == NULL || !PyUnicode_Check(name) || PyUnicode_CompareWithASCIIString(name, "collections") != 0)
        return lifted;
    return called_by_lifted_code("collections");
}

PyMethodDef pg_lifted_functions[] = {
    {"set_mark_of_lifted_code", set_mark, METH_O,
     "set_mark_of_lifted_code(name, /)\n--\n\nSet the name of the global that lifted code has."},
    {NULL, NULL, 0, NULL},
};
