/* module.c: the native module, put together from what the other files offer: the type Value and the functions. */
#include "python/again.h"
#include "python/attributes.h"
#include "python/backward.h"
#include "python/bound.h"
#include "python/calls.h"
#include "python/captures.h"
#include "python/choosing.h"
#include "python/comparisons.h"
#include "python/conditions.h"
#include "python/construction.h"
#include "python/convert.h"
#include "python/direct.h"
#include "python/exposure.h"
#include "python/forms.h"
#include "python/frontier.h"
#include "python/handlers.h"
#include "python/importing.h"
#include "python/inspection.h"
#include "python/instructions.h"
#include "python/interrupts.h"
#include "python/layout.h"
#include "python/lifted.h"
#include "python/loops.h"
#include "python/operators.h"
#include "python/outside.h"
#include "python/parameters.h"
#include "python/raising.h"
#include "python/reading.h"
#include "python/recording.h"
#include "python/replay.h"
#include "python/rounding.h"
#include "python/rules.h"
#include "python/series.h"
#include "python/singular.h"
#include "python/stays.h"
#include "python/sums.h"
#include "python/tables.h"
#include "python/texts.h"
#include "python/trace.h"
#include "python/tracing.h"
#include "python/training.h"
#include "python/value.h"
#include "python/watching.h"
#include "python/ways.h"

/* -- the type ----------------------------------------------------------------------------------- */

static const char value_doc[] =
    "Value(data, _children=(), _op='', label='')\n--\n\n"
    "A number that remembers how it was computed.\n\n"
    "data is any real number and kept as a float. Arithmetic on Values builds a graph; backward() on a\n"
    "result fills .grad of everything it was computed from. Value(data, children, local_grads) makes a\n"
    "node with partial derivatives of your own; a callable assigned to ._backward replaces a node's rule.\n"
    "Children are also called children, _prev and prev, and _op is also called op; other keywords are\n"
    "attributes that the Value is to have, color='red' say. requires_grad=False: backward() is to leave\n"
    "the grad of this leaf alone.\n\n"
    ">>> from pygrad import Value\n"
    ">>> a, b = Value(2.0), Value(-3.0)\n"
    ">>> c = a * b\n"
    ">>> c.backward()\n"
    ">>> c.data, a.grad, b.grad\n"
    "(-6.0, -3.0, 2.0)\n";

static int add_value_type(PyObject *module)
{
    static PyType_Slot slots[64] = {
        {Py_tp_doc, (void *)value_doc},
        {Py_tp_alloc, (void *)pg_value_alloc},
        {Py_tp_new, (void *)pg_value_new},
        {Py_tp_init, (void *)pg_value_init},
        {Py_tp_dealloc, (void *)pg_value_dealloc},
        {Py_tp_traverse, (void *)pg_value_traverse},
        {Py_tp_clear, (void *)pg_value_clear},
        {Py_tp_setattro, (void *)pg_value_setattro},
        {Py_tp_richcompare, (void *)pg_value_richcompare},
        {Py_tp_hash, (void *)pg_value_hash},
        {Py_tp_repr, (void *)pg_value_repr},
        {Py_tp_getset, pg_attributes},
        {Py_tp_members, pg_offsets},
        {Py_tp_methods, pg_op_methods},
    };
    size_t used = 14;
    for (const PyType_Slot *slot = pg_number_slots; slot->slot != 0; slot++)
        slots[used++] = *slot;
    static PyType_Spec spec = {
        .name = "pygrad.Value",
        .basicsize = sizeof(pg_value),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    PyObject *type = PyType_FromSpec(&spec);
    if (type == NULL)
        return -1;
    pg_value_use_type((PyTypeObject *)type);
    return PyModule_AddObjectRef(module, "Value", type);
}

/* -- the module --------------------------------------------------------------------------------- */

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pygrad._native",
    .m_doc = "The native door of pygrad's extension: everything that touches a node.",
    .m_size = 0, /* so that another interpreter asks for it anew, and is refused */
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

static PyMethodDef *const functions[] = {
    pg_backward_functions,  pg_capture_functions,  pg_choosing_functions,    pg_construction_functions,
    pg_convert_functions,   pg_direct_functions,   pg_form_functions,        pg_layout_functions,
    pg_exposure_functions,  pg_handler_functions,  pg_inspection_functions,  pg_interrupt_functions,
    pg_lifted_functions,    pg_outside_functions,  pg_raising_functions,     pg_recording_functions,
    pg_replay_functions,    pg_rounding_functions, pg_singular_functions,    pg_stay_functions,
    pg_loop_functions,      pg_sum_functions,      pg_table_functions,       pg_text_functions,
    pg_trace_functions,     pg_tracing_functions,  pg_training_functions,    pg_watching_functions,
    pg_way_functions,       pg_rule_functions,     pg_again_functions,       pg_series_functions,
    pg_call_functions,      pg_frontier_functions, pg_instruction_functions, pg_reading_functions,
    pg_importing_functions,
};

static int add_functions(PyObject *module)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (PyModule_AddFunctions(module, functions[i]) < 0)
            return -1;
    return 0;
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
    if (pg_operators_init() < 0 || pg_captures_init() < 0 || pg_reading_init() < 0 || pg_layout_init() < 0 ||
        add_value_type(module) < 0 || pg_conditions_init(module) < 0 || pg_parameters_init(module) < 0 ||
        pg_stays_init(module) < 0 || pg_direct_init(module) < 0 || pg_bound_init(module) < 0 ||
        pg_training_init(module) < 0 || add_op_functions(module) < 0 || add_functions(module) < 0) {
        Py_CLEAR(module);
        return NULL;
    }
    pg_choose_lanes(2);
    home = here;
    return Py_NewRef(module);
}
