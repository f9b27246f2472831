/* choosing.c: functions that ask whether a Value is among their arguments, and hand these on: to one function if so,
 * to the standard one of plain numbers if not. In C, as most calls are of plain numbers and take no longer than this. */
#include "python/choosing.h"

#include "python/convert.h"
#include "python/value.h"

enum { WITH_VALUES, STANDARD, NAME, DOC, RESCUE }; /* what the tuple holds that such a function has as its self */

static PyObject *call(PyObject *function, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Py_ssize_t named = keywords == NULL ? 0 : PyTuple_Size(keywords);
    if (named == 0 && count == 1)
        return PyObject_CallFunctionObjArgs(function, args[0], NULL);
    if (named == 0 && count == 2)
        return PyObject_CallFunctionObjArgs(function, args[0], args[1], NULL);
    PyObject *positional = PyTuple_New(count), *by_name = named == 0 ? NULL : PyDict_New(), *result = NULL;
    for (Py_ssize_t i = 0; positional != NULL && i < count; i++)
        PyTuple_SetItem(positional, i, Py_NewRef(args[i]));
    int whole = positional != NULL && (named == 0 || by_name != NULL);
    for (Py_ssize_t i = 0; whole && i < named; i++)
        whole = PyDict_SetItem(by_name, PyTuple_GetItem(keywords, i), args[count + i]) == 0;
    if (whole)
        result = PyObject_Call(function, positional, by_name);
    Py_XDECREF(positional);
    Py_XDECREF(by_name);
    return result;
}

static PyObject *choose(PyObject *both, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Py_ssize_t all = count + (keywords == NULL ? 0 : PyTuple_Size(keywords)), chosen = STANDARD;
    for (Py_ssize_t i = 0; i < all; i++)
        if (PG_IS_VALUE(args[i]))
            chosen = WITH_VALUES;
    PyObject *result = call(PyTuple_GetItem(both, chosen), args, count, keywords);
    if (result != NULL || chosen != STANDARD || PyTuple_Size(both) <= RESCUE ||
        !PyErr_ExceptionMatches(PyExc_TypeError))
        return result;
    PyErr_Clear();
    return call(PyTuple_GetItem(both, RESCUE), args, count, keywords);
}

/* A string's text as long as the string lives; NULL with an exception set if it is none. */
static const char *text_of(PyObject *string)
{
    if (PyUnicode_Check(string))
        return PyUnicode_AsUTF8AndSize(string, NULL);
    PyErr_SetString(PyExc_TypeError, "chooser() takes a name and a docstring");
    return NULL;
}

static PyObject *chooser(PyObject *module, PyObject *both)
{
    (void)module;
    if (!PyTuple_Check(both) || PyTuple_Size(both) < RESCUE || PyTuple_Size(both) > RESCUE + 1)
        return PyErr_Format(PyExc_TypeError,
                            "chooser() takes a tuple of two functions, a name, a docstring and perhaps "
                            "a third function");
    const char *name = text_of(PyTuple_GetItem(both, NAME)),
               *doc = name == NULL ? NULL : text_of(PyTuple_GetItem(both, DOC));
    if (doc == NULL)
        return NULL;
    /* Python reads this as long as the function lives, and does not say when that ends: static, as the functions of
     * a module are, and so is the tuple that owns its texts. */
    PyMethodDef *def = PyMem_Malloc(sizeof *def);
    if (def == NULL)
        return PyErr_NoMemory();
    *def = (PyMethodDef){name, PG_FAST(choose), METH_FASTCALL | METH_KEYWORDS, doc};
    PyObject *pygrad_math = PyUnicode_FromString("pygrad.math");
    PyObject *function = pygrad_math == NULL ? NULL : PyCFunction_NewEx(def, both, pygrad_math);
    Py_XDECREF(pygrad_math);
    if (function == NULL)
        PyMem_Free(def);
    else
        (void)Py_NewRef(both);
    return function;
}

PyMethodDef pg_choosing_functions[] = {
    {"chooser", chooser, METH_O,
     "chooser(both, /)\n--\n\n"
     "A function that calls the first of a tuple's functions if a Value is among its arguments, and the second if\n"
     "not; then come its name and docstring, and perhaps a function to be called where the second raises TypeError.\n"
     "It is never freed."},
    {NULL, NULL, 0, NULL},
};
