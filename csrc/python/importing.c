/* importing.c: imports of lifted code that were done before, as functions do them at each call. In C, as Python's own
 * are, and functions that import what they need would take longer than the original for it. */
#include "python/importing.h"

#include <stdbool.h>

#include "python/choosing.h"
#include "python/convert.h"

/* What the tuple holds that __import__ has as its self: three dicts of modules by name, two of names, for imports
 * without and with names of what is in the module, a list of one thing, builtins' dict, and a function. */
enum { STAND_INS, WHOLE, MODULES, OTHERS, OTHERS_NAMED, TIME, BUILTINS, IMPORT, ALL_TABLES };
enum { NAME, GLOBALS, LOCALS, FROMLIST, LEVEL, ALL_ARGUMENTS };

static PyObject *name_of_import, *name_of_original; /* made when they are needed first */

/* A borrowed item of one of the tables; NULL if it is not there, or with an exception set. */
static PyObject *item_of(PyObject *tables, int table, PyObject *name)
{
    return PyDict_GetItemWithError(PyTuple_GetItem(tables, table), name);
}

/* The lifted module of a name, borrowed, once it is whole; NULL if there is none, or with an exception set. */
static PyObject *whole_module(PyObject *tables, PyObject *name)
{
    PyObject *module = item_of(tables, STAND_INS, name);
    if (module != NULL || PyErr_Occurred())
        return module;
    module = item_of(tables, WHOLE, name);
    return module != NULL && item_of(tables, MODULES, name) == module ? module : NULL;
}

/* The same of the package that `import a.b` gives. */
static PyObject *whole_package(PyObject *tables, PyObject *name)
{
    Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, PyUnicode_GetLength(name), 1);
    if (dot < 0)
        return whole_module(tables, name);
    PyObject *top = PyUnicode_Substring(name, 0, dot);
    PyObject *package = top == NULL ? NULL : whole_module(tables, top);
    Py_XDECREF(top);
    return package;
}

/* The module that a module is like, borrowed, if all names are those of things that it has from there. Modules are not
 * such things, which others may stand for. NULL if not, or with an exception set. */
static PyObject *original_with(PyObject *module, PyObject *names)
{
    if (name_of_original == NULL && (name_of_original = PyUnicode_InternFromString("__original__")) == NULL)
        return NULL;
    PyObject *own = PyModule_Check(module) ? PyModule_GetDict(module) : NULL;
    PyObject *original = own == NULL ? NULL : PyDict_GetItemWithError(own, name_of_original);
    if (original == NULL || !PyModule_Check(original))
        return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_Size(names); i++) {
        PyObject *name = PyTuple_GetItem(names, i);
        if (PyDict_GetItemWithError(own, name) != NULL || PyErr_Occurred())
            return NULL;
        PyObject *item = PyDict_GetItemWithError(PyModule_GetDict(original), name);
        if (item == NULL || PyModule_Check(item))
            return NULL;
    }
    return original;
}

/* Whether a module has all names, some of which it may make when it is asked; false, too, with an exception set. */
static bool has_all(PyObject *module, PyObject *names)
{
    PyObject *own = PyModule_Check(module) ? PyModule_GetDict(module) : NULL;
    bool all = own != NULL;
    for (Py_ssize_t i = 0; all && i < PyTuple_Size(names); i++) {
        PyObject *name = PyTuple_GetItem(names, i), *made = NULL;
        if (PyDict_GetItemWithError(own, name) != NULL || PyErr_Occurred())
            continue;
        made = PyObject_GetAttr(module, name);
        all = made != NULL;
        Py_XDECREF(made);
        if (!all && PyErr_ExceptionMatches(PyExc_AttributeError))
            PyErr_Clear();
    }
    return all && !PyErr_Occurred();
}

/* Python's own import of what no lifted module stands for, if that was seen since packages were asked for last. */
static PyObject *other_module(PyObject *tables, PyObject *const *args, bool named)
{
    PyObject *seen = item_of(tables, named ? OTHERS_NAMED : OTHERS, args[NAME]);
    if (seen == NULL || seen != PyList_GetItem(PyTuple_GetItem(tables, TIME), 0))
        return NULL;
    if (name_of_import == NULL && (name_of_import = PyUnicode_InternFromString("__import__")) == NULL)
        return NULL;
    PyObject *import = item_of(tables, BUILTINS, name_of_import); /* it may have been replaced, or be while it runs */
    PyObject *module = NULL;
    if (import != NULL) {
        Py_INCREF(import);
        module = PyObject_CallFunctionObjArgs(import, args[NAME], args[GLOBALS], args[LOCALS], args[FROMLIST],
                                              args[LEVEL], NULL);
        Py_DECREF(import);
    }
    PyObject *package = named || module == NULL ? NULL : whole_package(tables, args[NAME]);
    if (package == NULL && !PyErr_Occurred())
        return module;
    Py_XDECREF(module);
    return Py_XNewRef(package);
}

/* What an import statement gives that was done before; NULL if it was not, or with an exception set. */
static PyObject *done_before(PyObject *tables, PyObject *const *args)
{
    bool is_tuple = PyTuple_Check(args[FROMLIST]), named = is_tuple && PyTuple_Size(args[FROMLIST]) > 0;
    if (!PyUnicode_Check(args[NAME]) || !(is_tuple || args[FROMLIST] == Py_None) || !PyLong_Check(args[LEVEL]) ||
        PyLong_AsLong(args[LEVEL]) != 0)
        return NULL;
    PyObject *module = whole_module(tables, args[NAME]);
    if (module == NULL)
        return PyErr_Occurred() ? NULL : other_module(tables, args, named);
    if (!named)
        return Py_XNewRef(whole_package(tables, args[NAME]));
    PyObject *original = original_with(module, args[FROMLIST]);
    if (original != NULL || PyErr_Occurred())
        return Py_XNewRef(original);
    Py_INCREF(module); /* what makes a name may run any code */
    if (has_all(module, args[FROMLIST]))
        return module;
    Py_DECREF(module);
    return NULL;
}

static PyObject *import(PyObject *tables, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    if (count == ALL_ARGUMENTS && keywords == NULL) {
        PyObject *module = done_before(tables, args);
        if (module != NULL || PyErr_Occurred())
            return module;
    }
    return pg_hand_on(PyTuple_GetItem(tables, IMPORT), args, count, keywords);
}

static PyMethodDef of_imports = {"__import__", PG_FAST(import), METH_FASTCALL | METH_KEYWORDS,
                                 "__import__(name, globals=None, locals=None, fromlist=(), level=0)\n--\n\n"
                                 "What an import statement of lifted code gives."};

static PyObject *importer(PyObject *module, PyObject *tables)
{
    (void)module;
    bool right = PyTuple_Check(tables) && PyTuple_Size(tables) == ALL_TABLES;
    for (int i = 0; right && i < ALL_TABLES - 1; i++) {
        PyObject *table = PyTuple_GetItem(tables, i);
        right = i == TIME ? PyList_Check(table) && PyList_Size(table) == 1 : PyDict_Check(table);
    }
    if (!right)
        return PyErr_Format(PyExc_TypeError, "importer() takes a tuple of five dicts, a list of one thing, builtins' "
                                             "dict and a function");
    return PyCFunction_New(&of_imports, tables);
}

PyMethodDef pg_importing_functions[] = {
    {"importer", importer, METH_O,
     "importer(tables, /)\n--\n\n"
     "The __import__ of lifted code. Of a tuple's tables the first has modules by name that lifted code has in the\n"
     "place of others, the second lifted modules that are whole, the third all, which may be other ones by now. The\n"
     "next two have names, of imports without and with names of what is in the module, that Python's own import is\n"
     "for, each with what was in the list after them at the time. What is not known is for the function, the last."},
    {NULL, NULL, 0, NULL},
};
