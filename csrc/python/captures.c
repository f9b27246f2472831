/* captures.c: whether what a function reads from elsewhere is what it was when its programs were traced.
 *
 * Python (pygrad/programs/captures.py) makes a flat tuple of places and what stood there, three items for each: where,
 * under which name, and what. This is asked at each call of a compiled function, so it compares objects by identity, and
 * floats by their bits; whatever else is equal Python finds out. */
#include "python/captures.h"

#include "python/trace.h"

#include <string.h>

/* The first two things that a collector is shown, borrowed; NULL for none. */
typedef struct { PyObject *first, *second; } shown;

static int note(PyObject *found, void *place)
{
    shown *all = place;
    if (all->first != NULL) {
        all->second = found;
        return 1;
    }
    all->first = found;
    return 0;
}

/* What a collector is shown: of a closure's cell its content; of a bound method, which is a new object at each look, its
 * function and what it is bound to. The limited API has no other way that takes less than 20 ns. */
static shown shown_of(PyObject *object)
{
    shown found = {NULL, NULL};
    traverseproc traverse = (traverseproc)PyType_GetSlot(Py_TYPE(object), Py_tp_traverse);
    traverse(object, note, &found);
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

/* Whether an object's attribute is a method that is expected, bound to it or to its class as at each look; one that was
 * put there is bound to whatever it was bound to. */
static int is_method(PyObject *found, PyObject *object, PyObject *expected)
{
    if ((PyObject *)Py_TYPE(found) != method_type)
        return 0;
    const shown method = shown_of(found);
    return is_expected(method.first, expected) &&
           (method.second == object || method.second == (PyObject *)Py_TYPE(object));
}

/* The same for an attribute of an object, or of what it refers to. */
static int attribute_is_expected(PyObject *of, PyObject *name, PyObject *expected)
{
    PyObject *object = is_weak(of) ? PyWeakref_GetObject(of) : of;
    if (object == Py_None)
        return 0;
    Py_INCREF(object); /* what is asked for may be a property, which lets go of it */
    PyObject *found = PyObject_GetAttr(object, name);
    if (found == NULL)
        PyErr_Clear();
    const int same = is_expected(found, expected) || (found != NULL && is_method(found, object, expected));
    Py_XDECREF(found);
    Py_DECREF(object);
    return same;
}

/* What a cell holds, or the code of a function, which a collector is shown first: asked for under its name it takes
 * three times as long, as Python audits that. NULL for nothing; where may be a weak reference. */
static PyObject *held_by(PyObject *where)
{
    PyObject *object = is_weak(where) ? PyWeakref_GetObject(where) : where;
    return object == Py_None ? NULL : shown_of(object).first;
}

static int place_is_expected(PyObject *where, PyObject *name, PyObject *expected)
{
    if (name == Py_None)
        return is_expected(held_by(where), expected);
    if (PG_LIKELY(PyDict_Check(where))) /* names are strings: looking one up raises nothing */
        return is_expected(PyDict_GetItemWithError(where, name), expected);
    return attribute_is_expected(where, name, expected);
}

static int are_expected(PyObject *captures)
{
    for (Py_ssize_t i = 0, n = PyTuple_Size(captures); i + 2 < n; i += 3)
        if (!place_is_expected(PyTuple_GetItem(captures, i), PyTuple_GetItem(captures, i + 1),
                               PyTuple_GetItem(captures, i + 2)))
            return 0;
    return 1;
}

int pg_may_run(PyObject *captures)
{
    return !PG_TRACING && are_expected(captures);
}

static PyObject *holds(PyObject *module, PyObject *captures)
{
    (void)module;
    return PyBool_FromLong(are_expected(captures));
}

static PyObject *may_run(PyObject *module, PyObject *captures)
{
    (void)module;
    return PyBool_FromLong(pg_may_run(captures));
}

static PyObject *content_of(PyObject *module, PyObject *cell)
{
    (void)module;
    PyObject *content = held_by(cell);
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
    {"holds", holds, METH_O, "holds(captures, /)\n--\n\nWhether all that was captured is there as it was."},
    {"may_run", may_run, METH_O,
     "may_run(captures, /)\n--\n\nWhether this thread traces nothing, and all that was captured is there as it was."},
    {"content_of", content_of, METH_O,
     "content_of(cell, /)\n--\n\nWhat a cell of a closure holds, or the code of a function, or NotImplemented."},
    {NULL, NULL, 0, NULL},
};
