/* captures.c: whether what a function reads from elsewhere is what it was when its programs were traced.
 *
 * Python (pygrad/programs/captures.py) makes a flat tuple of places and what stood there, three items for each: where,
 * under which name, and what. This is asked at each call of a compiled function, so it compares objects by identity, and
 * floats by their bits; whatever else is equal Python finds out. */
#include "python/captures.h"

#include "python/trace.h"

#include <string.h>

static int note_first(PyObject *found, void *place)
{
    *(PyObject **)place = found;
    return 1;
}

/* What a collector is shown first: of a closure's cell its content, of a bound method, which is a new object at each look,
 * its function. NULL for nothing. Borrowed. The limited API has no other way that takes less than 20 ns. */
static PyObject *first_in(PyObject *object)
{
    PyObject *found = NULL;
    traverseproc traverse = (traverseproc)PyType_GetSlot(Py_TYPE(object), Py_tp_traverse);
    traverse(object, note_first, &found);
    return found;
}

static PyObject *method_type; /* types.MethodType */

static int is_weak(PyObject *object)
{
    return Py_TYPE(object) == &_PyWeakref_RefType;
}

static int same_bits(PyObject *a, PyObject *b)
{
    double x, y;
    if (!PyFloat_CheckExact(a) || !PyFloat_CheckExact(b))
        return 0;
    x = PyFloat_AsDouble(a);
    y = PyFloat_AsDouble(b);
    return memcmp(&x, &y, sizeof x) == 0;
}

/* Whether found (NULL for nothing) is what was there: expected, NotImplemented for nothing, or referred to by it. */
static int is_expected(PyObject *found, PyObject *expected)
{
    if (PG_LIKELY(found == expected))
        return 1;
    if (found == NULL)
        return expected == Py_NotImplemented;
    return is_weak(expected) ? PyWeakref_GetObject(expected) == found : same_bits(found, expected);
}

/* The same for an attribute of an object, or of what it refers to. */
static int attribute_is_expected(PyObject *of, PyObject *name, PyObject *expected)
{
    PyObject *object = is_weak(of) ? PyWeakref_GetObject(of) : of;
    if (object == Py_None)
        return 0;
    PyObject *found = PyObject_GetAttr(object, name);
    if (found == NULL)
        PyErr_Clear();
    int same = is_expected(found, expected);
    if (!same && found != NULL && (PyObject *)Py_TYPE(found) == method_type)
        same = is_expected(first_in(found), expected);
    Py_XDECREF(found);
    return same;
}

static int place_is_expected(PyObject *where, PyObject *name, PyObject *expected)
{
    if (name == Py_None)
        return is_expected(first_in(where), expected);
    if (PG_LIKELY(PyDict_Check(where))) /* names are strings: looking one up raises nothing */
        return is_expected(PyDict_GetItemWithError(where, name), expected);
    return attribute_is_expected(where, name, expected);
}

static PyObject *may_run(PyObject *module, PyObject *captures)
{
    (void)module;
    if (PG_TRACING)
        Py_RETURN_FALSE;
    for (Py_ssize_t i = 0, n = PyTuple_Size(captures); i + 2 < n; i += 3)
        if (!place_is_expected(PyTuple_GetItem(captures, i), PyTuple_GetItem(captures, i + 1),
                               PyTuple_GetItem(captures, i + 2)))
            Py_RETURN_FALSE;
    Py_RETURN_TRUE;
}

static PyObject *content_of(PyObject *module, PyObject *cell)
{
    (void)module;
    PyObject *content = first_in(cell);
    return Py_NewRef(content == NULL ? Py_NotImplemented : content);
}

int pg_captures_init(void)
{
    PyObject *types = PyImport_ImportModule("types");
    method_type = types == NULL ? NULL : PyObject_GetAttrString(types, "MethodType");
    Py_XDECREF(types);
    return method_type == NULL ? -1 : 0;
}

PyMethodDef pg_capture_functions[] = {
    {"may_run", may_run, METH_O,
     "may_run(captures, /)\n--\n\nWhether this thread traces nothing, and all that was captured is there as it was."},
    {"content_of", content_of, METH_O, "content_of(cell, /)\n--\n\nWhat a cell of a closure holds, or NotImplemented."},
    {NULL, NULL, 0, NULL},
};
