/* choosing.c: functions that ask whether a Value is among their arguments, and hand these on: to one function if so,
 * to the standard one of plain numbers if not. In C, as most calls are of plain numbers and take no longer than this. */
#include "python/choosing.h"

#include "python/convert.h"
#include "python/value.h"

#include <stdbool.h>

enum { WITH_VALUES, STANDARD, NAME, DOC, RESCUE }; /* what the tuple holds that such a function has as its self */
enum { KINDS = RESCUE, ARRAY, DTYPES, ALL_OF_NUMBERS }; /* the same of one that looks into lists and arrays */
enum { DEEPEST = 8 };                                   /* lists in lists that it looks into */

typedef PyObject *fast_function(PyObject *self, PyObject *const *args, Py_ssize_t count);

static PyObject *name_of_dtype; /* made when it is needed first */

PyObject *pg_hand_on(PyObject *function, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Py_ssize_t named = keywords == NULL ? 0 : PyTuple_Size(keywords);
    if (named == 0 && PyCFunction_CheckExact(function)) {
        /* As Python calls it, with less in between: math.sin() itself takes no longer than that. */
        int way = PyCFunction_GetFlags(function) & ~METH_COEXIST;
        PyCFunction direct = PyCFunction_GetFunction(function);
        if (way == METH_O && count == 1)
            return direct(PyCFunction_GetSelf(function), args[0]);
        if (way == METH_FASTCALL)
            return ((fast_function *)(void (*)(void))direct)(PyCFunction_GetSelf(function), args, count);
    }
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

/* The standard function's result. In its place may stand a name: of the first argument's method; None: it is the
 * first argument itself; True: the first argument is called. */
static PyObject *standard_of(PyObject *function, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    bool is_name = PyUnicode_Check(function), is_first = function == Py_None;
    if (count == 0 || !(is_name || is_first || function == Py_True))
        return pg_hand_on(function, args, count, keywords);
    if (is_first)
        return Py_NewRef(args[0]);
    if (!is_name)
        return pg_hand_on(args[0], args + 1, count - 1, keywords);
    PyObject *method = PyObject_GetAttr(args[0], function);
    PyObject *result = method == NULL ? NULL : pg_hand_on(method, args + 1, count - 1, keywords);
    Py_XDECREF(method);
    return result;
}

static PyObject *choose(PyObject *both, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Py_ssize_t all = count + (keywords == NULL ? 0 : PyTuple_Size(keywords)), chosen = STANDARD;
    for (Py_ssize_t i = 0; i < all; i++)
        if (PG_IS_VALUE(args[i]))
            chosen = WITH_VALUES;
    PyObject *function = PyTuple_GetItem(both, chosen);
    PyObject *result = chosen == STANDARD ? standard_of(function, args, count, keywords)
                                          : pg_hand_on(function, args, count, keywords);
    if (result != NULL || chosen != STANDARD || PyTuple_Size(both) <= RESCUE ||
        !PyErr_ExceptionMatches(PyExc_TypeError))
        return result;
    PyErr_Clear();
    return pg_hand_on(PyTuple_GetItem(both, RESCUE), args, count, keywords);
}

static bool has(PyObject *tuple, PyObject *thing)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(tuple); i++)
        if (PyTuple_GetItem(tuple, i) == thing)
            return true;
    return false;
}

/* Whether there is nothing but plain numbers, words and types in a thing; -1 with an exception set. No Python code
 * runs in here, which could change a list meanwhile. */
static int is_of_numbers(PyObject *both, PyObject *thing, int depth)
{
    PyTypeObject *type = Py_TYPE(thing);
    if (type == &PyFloat_Type || type == &PyLong_Type || type == &PyBool_Type || type == &PyUnicode_Type ||
        thing == Py_None || PyType_Check(thing))
        return 1;
    bool is_list = type == &PyList_Type;
    if (is_list || type == &PyTuple_Type) {
        int plain = depth < DEEPEST;
        Py_ssize_t size = is_list ? PyList_Size(thing) : PyTuple_Size(thing);
        for (Py_ssize_t i = 0; plain > 0 && i < size; i++)
            plain = is_of_numbers(both, is_list ? PyList_GetItem(thing, i) : PyTuple_GetItem(thing, i), depth + 1);
        return plain;
    }
    if ((PyObject *)type != PyTuple_GetItem(both, ARRAY))
        return has(PyTuple_GetItem(both, KINDS), (PyObject *)type);
    if (name_of_dtype == NULL)
        name_of_dtype = PyUnicode_InternFromString("dtype");
    PyObject *dtype = name_of_dtype == NULL ? NULL : PyObject_GetAttr(thing, name_of_dtype);
    if (dtype == NULL)
        return -1;
    int plain = has(PyTuple_GetItem(both, DTYPES), dtype);
    Py_DECREF(dtype);
    return plain;
}

static PyObject *choose_by_items(PyObject *both, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    Py_ssize_t all = count + (keywords == NULL ? 0 : PyTuple_Size(keywords));
    int plain = 1;
    for (Py_ssize_t i = 0; plain > 0 && i < all; i++)
        plain = is_of_numbers(both, args[i], 0);
    if (plain < 0)
        return NULL;
    PyObject *function = PyTuple_GetItem(both, plain ? STANDARD : WITH_VALUES);
    return plain ? standard_of(function, args, count, keywords) : pg_hand_on(function, args, count, keywords);
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
    Py_ssize_t size = PyTuple_Check(both) ? PyTuple_Size(both) : 0;
    bool by_items = size == ALL_OF_NUMBERS && PyTuple_Check(PyTuple_GetItem(both, KINDS)) &&
                    PyTuple_Check(PyTuple_GetItem(both, DTYPES));
    if (size != RESCUE && size != RESCUE + 1 && !by_items)
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
    *def = (PyMethodDef){name, by_items ? PG_FAST(choose_by_items) : PG_FAST(choose), METH_FASTCALL | METH_KEYWORDS,
                         doc};
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
     "Of three more, a tuple of types, one of arrays and a tuple of dtypes, the second is called if all that is given\n"
     "is made of plain numbers, words and types, of such types and of arrays of such dtypes: lists are looked into.\n"
     "It is never freed."},
    {NULL, NULL, 0, NULL},
};
