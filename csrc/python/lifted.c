/* lifted.c: lifted code, as its globals tell it. */
#include "python/lifted.h"

#include "python/convert.h"

static PyObject *mark; /* a global that lifted code has; NULL as long as there is no such code */

static PyObject *set_mark(PyObject *module, PyObject *name)
{
    (void)module;
    pg_set(&mark, Py_NewRef(name));
    Py_RETURN_NONE;
}

int pg_in_lifted_code(void)
{
    PyObject *globals = mark == NULL ? NULL : PyEval_GetGlobals();
    if (globals == NULL)
        return 0;
    return PyDict_GetItemWithError(globals, mark) != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
}

PyMethodDef pg_lifted_functions[] = {
    {"set_mark_of_lifted_code", set_mark, METH_O,
     "set_mark_of_lifted_code(name, /)\n--\n\nSet the name of the global that lifted code has."},
    {NULL, NULL, 0, NULL},
};
