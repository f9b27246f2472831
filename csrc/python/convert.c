/* convert.c: what C asks of Python's objects: arguments, numbers, tuples of Values; and errors, the other way. */
#include "python/convert.h"

#include "python/interrupts.h"

/* -- errors and arguments ----------------------------------------------------------------------- */

void (*pg_refuse_lost_rule)(void);

void pg_end(PyObject *self, int (*clear)(PyObject *self))
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    clear(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

PyObject *pg_raise(pg_status status)
{
    switch (status) {
    case PG_NO_MEMORY:
        return PyErr_NoMemory();
    case PG_BUSY:
        PyErr_SetString(PyExc_RuntimeError,
                        "this needs a node of a backward() or transform that is still running, in this "
                        "thread or another; use a graph of its own, or wait until the running one has ended");
        break;
    case PG_TOO_DEEP:
        PyErr_SetString(PyExc_RecursionError, "too many backward() calls inside one another");
        break;
    case PG_OPAQUE:
        PyErr_SetString(PyExc_TypeError, "a node's slopes are plain numbers, which cannot be differentiated");
        break;
    case PG_STOPPED:
        return pg_raise_interrupt();
    case PG_NESTED:
        PyErr_SetString(PyExc_RecursionError,
                        "more than 64 loops, or ways of branches that are much work, stand in one another, which is as "
                        "deep as those of a program may: make one of some of them, or call the function without "
                        "compile() and vmap()");
        break;
    case PG_RULED:
        pg_refuse_lost_rule();
        break;
    case PG_RAISED:
        break;
    default:
        PyErr_SetString(PyExc_SystemError, "pygrad: a status that is no error was raised");
    }
    return NULL;
}

int pg_arguments(const char *function, const char *const *names, Py_ssize_t required, Py_ssize_t all,
                 PyObject *const *args, Py_ssize_t count, PyObject *keywords, PyObject **out)
{
    if (count > all) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %zd arguments (%zd given)", function, all, count);
        return 0;
    }
    for (Py_ssize_t i = 0; i < all; i++)
        out[i] = i < count ? args[i] : NULL;
    for (Py_ssize_t k = 0; keywords != NULL && k < PyTuple_Size(keywords); k++) {
        PyObject *keyword = PyTuple_GetItem(keywords, k);
        Py_ssize_t i = 0;
        while (i < all && PyUnicode_CompareWithASCIIString(keyword, names[i]) != 0)
            i++;
        if (i == all || out[i] != NULL) {
            PyErr_Format(PyExc_TypeError,
                         i == all ? "%s() got an unexpected keyword argument %R"
                                  : "%s() got multiple values for argument %R",
                         function, keyword);
            return 0;
        }
        out[i] = args[count + k];
    }
    for (Py_ssize_t i = 0; i < required; i++)
        if (out[i] == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() missing required argument '%s'", function, names[i]);
            return 0;
        }
    return 1;
}

/* -- numbers ------------------------------------------------------------------------------------ */

/* Python's half of pg_number, for NumPy scalars and numbers.Real: object -> float or NotImplemented. */
static PyObject *exotic_number;

int pg_number(PyObject *object, double *out)
{
    if (PyFloat_Check(object)) {
        *out = PyFloat_AsDouble(object);
        return 1;
    }
    if (PyLong_Check(object)) {
        *out = PyLong_AsDouble(object);
        return *out == -1.0 && PyErr_Occurred() ? -1 : 1;
    }
    if (object == Py_None || PyUnicode_Check(object) || exotic_number == NULL)
        return 0;
    PyObject *number = PyObject_CallFunctionObjArgs(exotic_number, object, NULL);
    if (number == NULL)
        return -1;
    int known = PyFloat_Check(number);
    if (known)
        *out = PyFloat_AsDouble(number);
    Py_DECREF(number);
    return known;
}

int pg_require_number(PyObject *object, const char *what, double *out)
{
    int known = pg_number(object, out);
    if (known == 0)
        PyErr_Format(PyExc_TypeError, "%s must be a real number, not %R", what, Py_TYPE(object));
    return known == 1;
}

/* -- Values ------------------------------------------------------------------------------------- */

int (*pg_may_use)(PyObject *value);

int pg_require_built(PyObject *value)
{
    const pg_node *n = PG_NODE(value);
    if (PG_LIKELY(n != NULL && !(n->flags & PG_UNBUILT_OR_TRACED)))
        return 1;
    if (n != NULL && !PG_WAITING(n))
        return pg_may_use(value);
    PyErr_Format(PyExc_RuntimeError,
                 "this %R was never initialised: call Value.__init__(self, data) "
                 "(super().__init__ in a subclass) before using it",
                 Py_TYPE(value));
    return 0;
}

pg_node *pg_operand_node(PyObject *object, const char *what)
{
    if (PG_IS_VALUE(object))
        return pg_require_built(object) ? pg_retain(PG_NODE(object)) : NULL;
    double number;
    if (!pg_require_number(object, what, &number))
        return NULL;
    pg_node *leaf = pg_number_leaf(number);
    if (leaf == NULL)
        PyErr_NoMemory();
    return leaf;
}

PyObject *pg_tuple(PyObject *iterable, const char *what)
{
    if (PyTuple_CheckExact(iterable))
        return Py_NewRef(iterable);
    if (PyList_CheckExact(iterable))
        return PyList_AsTuple(iterable);
    PyObject *iterator = PyObject_GetIter(iterable);
    if (iterator == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            PyErr_Format(PyExc_TypeError, "%s must be an iterable, not %R", what, Py_TYPE(iterable));
        return NULL;
    }
    PyObject *tuple = PySequence_Tuple(iterator);
    Py_DECREF(iterator);
    return tuple;
}

int pg_require_value(PyObject *v, const char *what, Py_ssize_t i)
{
    if (PG_LIKELY(PG_IS_VALUE(v)))
        return pg_require_built(v);
    PyErr_Format(PyExc_TypeError, "%s Values; number %zd is %R", what, i, Py_TYPE(v));
    return 0;
}

int pg_require_values(PyObject *tuple, const char *what)
{
    const Py_ssize_t count = PyTuple_Size(tuple);
    for (Py_ssize_t i = 0; i < count; i++)
        if (!pg_require_value(PyTuple_GetItem(tuple, i), what, i))
            return 0;
    return 1;
}

pg_node **pg_nodes_of(PyObject *values, const char *what)
{
    const Py_ssize_t count = PyTuple_Size(values);
    pg_node **nodes = pg_alloc((size_t)count, sizeof *nodes);
    if (nodes == NULL)
        return (pg_node **)(void *)PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *v = PyTuple_GetItem(values, i);
        if (!pg_require_value(v, what, i)) {
            pg_free(nodes);
            return NULL;
        }
        nodes[i] = PG_NODE(v);
    }
    return nodes;
}

/* -- for modules -------------------------------------------------------------------------------- */

static PyObject *set_exotic_number(PyObject *module, PyObject *function)
{
    (void)module;
    pg_set(&exotic_number, Py_NewRef(function));
    Py_RETURN_NONE;
}

PyMethodDef pg_convert_functions[] = {
    {"set_exotic_number", set_exotic_number, METH_O,
     "set_exotic_number(function, /)\n--\n\nSet what turns unusual numbers into floats."},
    {NULL, NULL, 0, NULL},
};
