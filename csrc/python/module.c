/* module.c: the native module: what its functions share, and its making. */
#include "python/object.h"

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

/* -- the collector and Python's helpers ---------------------------------------------------------------- */

static PyObject *expose(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    pg_expose();
    Py_RETURN_NONE;
}

static PyObject *set_exotic_number(PyObject *module, PyObject *function)
{
    (void)module;
    pg_set(&pg_exotic_number, Py_NewRef(function));
    Py_RETURN_NONE;
}

/* -- the module --------------------------------------------------------------------------------- */

static PyMethodDef functions[] = {
    {"expose", expose, METH_NOARGS,
     "expose()\n--\n\nLet the collector see cycles through attributes given late."},
    {"set_exotic_number", set_exotic_number, METH_O,
     "set_exotic_number(function, /)\n--\n\nSet what turns unusual numbers into floats."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pygrad._native",
    .m_doc = "The native door of pygrad's extension: everything that touches a node.",
    .m_size = 0, /* so that another interpreter asks for it anew, and is refused */
    .m_methods = functions,
};

/* The module's table of op functions, under the name "functions". */
static int add_op_functions(PyObject *module)
{
    PyObject *table = PyDict_New();
    if (table == NULL)
        return -1;
    PyObject *name = PyUnicode_FromString("pygrad.math");
    for (PyMethodDef *def = pg_op_functions; name != NULL && def->ml_name != NULL; def++) {
        PyObject *function = PyCFunction_NewEx(def, NULL, name);
        if (function == NULL || PyDict_SetItemString(table, def->ml_name, function) < 0)
            Py_CLEAR(name);
        Py_XDECREF(function);
    }
    int failed = name == NULL || PyModule_AddObjectRef(module, "functions", table) < 0;
    Py_XDECREF(name);
    Py_DECREF(table);
    return failed ? -1 : 0;
}

PyMODINIT_FUNC PyInit__native(void);

PyMODINIT_FUNC PyInit__native(void)
{
    /* Nodes, types and modes are shared state of one interpreter; imported anew there, it is the same. */
    static int64_t home;
    static PyObject *module;
    int64_t here = PyInterpreterState_GetID(PyInterpreterState_Get());
    if (module != NULL && home == here)
        return Py_NewRef(module);
    if (module != NULL) {
        PyErr_SetString(PyExc_ImportError,
                        "pygrad works in one interpreter of a process, and another one has imported it "
                        "already; use threads or processes");
        return NULL;
    }
    module = PyModule_Create(&definition);
    if (module == NULL)
        return NULL;
    if (pg_operators_init() < 0 || pg_value_type_init(module) < 0 || pg_parameters_init(module) < 0 ||
        add_op_functions(module) < 0 || PyModule_AddFunctions(module, pg_backward_functions) < 0 ||
        PyModule_AddFunctions(module, pg_recording_functions) < 0 ||
        PyModule_AddFunctions(module, pg_many_functions) < 0 ||
        PyModule_AddFunctions(module, pg_mode_functions) < 0 ||
        PyModule_AddFunctions(module, pg_tracing_functions) < 0 ||
        PyModule_AddFunctions(module, pg_replay_functions) < 0) {
        Py_CLEAR(module);
        return NULL;
    }
    pg_choose_lanes(2);
    home = here;
    return Py_NewRef(module);
}
