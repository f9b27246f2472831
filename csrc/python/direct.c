/* direct.c: see direct.h. */
#include "python/direct.h"

#include "python/captures.h"
#include "python/convert.h"
#include "python/layout.h"
#include "python/leg.h"
#include "python/outside.h"
#include "python/value.h"

typedef struct {
    PyObject_HEAD
    PyObject *places;      /* owned: see captures.h; NULL once cleared */
    pg_form arguments;     /* a tuple */
    pg_legs legs;          /* of the paths that calls from C have taken */
    size_t calls;          /* that have had their results here */
} direct;

static PyTypeObject *direct_type, *calls_type;
static PyObject *describe; /* Python's function: the address of a path's program and the form of its result, or None */

/* -- paths ----------------------------------------------------------------------------------------- */

/* The path that branches off at a guard, or NULL if none was traced yet, or with an exception set. New reference. */
static PyObject *branch_at(const pg_leg *leg, uint32_t guard)
{
    PyObject *number = PyLong_FromUnsignedLong(guard);
    PyObject *path = number == NULL ? NULL : PyDict_GetItemWithError(leg->branches, number);
    Py_XINCREF(path);
    Py_XDECREF(number);
    return path;
}

/* As follow(), where no call from C has gone before. */
static pg_leg *new_fork(direct *d, pg_leg *leg, uint32_t guard)
{
    PyObject *path = branch_at(leg, guard), *address, *form;
    PyObject *described = path == NULL ? NULL : PyObject_CallFunctionObjArgs(describe, path, NULL);
    pg_leg *to = NULL;
    int made = described != NULL;
    if (made && described != Py_None) {
        to = PyArg_ParseTuple(described, "OO", &address, &form)
                 ? pg_legs_add(&d->legs, d->arguments.size, path, address, form)
                 : NULL;
        made = to != NULL;
    }
    if (made && !pg_leg_add_fork(leg, guard, to))
        to = NULL;
    Py_XDECREF(described);
    Py_XDECREF(path);
    return to;
}

/* Where a call goes on that leaves a path at a guard; NULL if Python is to do it, or with an exception set. */
static pg_leg *follow(direct *d, pg_leg *leg, uint32_t guard)
{
    const pg_fork *fork = pg_leg_fork(leg, guard);
    return fork != NULL ? fork->to : new_fork(d, leg, guard);
}

/* -- calls ----------------------------------------------------------------------------------------- */

static int read_arguments(const direct *d, PyObject *args, const pg_leg *leg, double *uniforms)
{
    pg_cursor to = {.uniforms = uniforms, .slots = leg->slots, .runs = leg->runs};
    for (Py_ssize_t i = 0; i < d->arguments.count; i++)
        if (!pg_form_read(&d->arguments.parts[i], PyTuple_GetItem(args, i), 0, &to))
            return 0;
    return 1;
}

static PyObject *result_of(const pg_leg *leg, double *uniforms)
{
    pg_cursor from = {.uniforms = uniforms, .slots = pg_leg_results(leg, uniforms)};
    return pg_form_made(&leg->result, &from);
}

/* Whether what was captured is as it was; what is asked may run any code, and put other places in their place. */
static int may_run(const direct *d)
{
    PyObject *places = Py_NewRef(d->places);
    const int may = pg_may_run(places);
    Py_DECREF(places);
    return may;
}

/* One path: the result, or where the call goes on, or neither: then Python is to do it, or an exception is set. */
static PyObject *run_leg(direct *d, pg_leg **at, PyObject *args, int is_first)
{
    pg_leg *leg = *at;
    uint32_t guard;
    *at = NULL;
    double *uniforms = pg_leg_take(leg);
    if (uniforms == NULL)
        return NULL;
    PyObject *result = NULL;
    int outcome = -1;
    if (read_arguments(d, args, leg, uniforms) && (!is_first || may_run(d)) &&
        (leg->program->lives == 0 || pg_active_inputs == 0))
        outcome = pg_leg_run(leg, uniforms, &guard);
    if (outcome == 1)
        result = result_of(leg, uniforms);
    d->calls += result != NULL;
    pg_leg_give(leg, uniforms);
    if (outcome == 0)
        *at = follow(d, leg, guard);
    return result;
}

/* The result; NULL, without an exception, if Python is to do it. */
static PyObject *call_direct(direct *d, PyObject *args)
{
    if (d->places == NULL || PyTuple_Size(args) != d->arguments.count)
        return NULL;
    pg_leg *at = d->legs.all[0];
    PyObject *result = run_leg(d, &at, args, 1);
    while (at != NULL)
        result = run_leg(d, &at, args, 0);
    return result;
}

/* -- the type Direct ------------------------------------------------------------------------------- */

static int direct_clear(PyObject *self)
{
    direct *d = (direct *)self;
    Py_CLEAR(d->places);
    pg_form_clear(&d->arguments);
    pg_legs_clear(&d->legs);
    return 0;
}

static int direct_traverse(PyObject *self, visitproc visit, void *arg)
{
    const direct *d = (direct *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(d->places);
    const int stop = pg_legs_traverse(&d->legs, visit, arg);
    return stop ? stop : pg_form_traverse(&d->arguments, visit, arg);
}

/* Frees an object of a type with members to clear. */
static void direct_dealloc(PyObject *self)
{
    pg_end(self, direct_clear);
}

/* An object of a type, all of it 0. */
static PyObject *new_of(PyTypeObject *type)
{
    return ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
}

static PyObject *direct_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *arguments, *places, *path, *address, *form;
    if (keywords != NULL ||
        !PyArg_ParseTuple(args, "OO!OOO:Direct", &arguments, &PyTuple_Type, &places, &path, &address, &form))
        return NULL;
    direct *d = (direct *)new_of(type);
    if (d == NULL)
        return NULL;
    d->places = Py_NewRef(places);
    int made = pg_form_from(&d->arguments, arguments);
    if (made && (d->arguments.kind != PG_FORM_TUPLE || d->arguments.parts == NULL)) {
        PyErr_SetString(PyExc_ValueError, "the arguments are a tuple of forms");
        made = 0;
    }
    if (!made || pg_legs_add(&d->legs, d->arguments.size, path, address, form) == NULL)
        Py_CLEAR(d);
    return (PyObject *)d;
}

static PyObject *get_places(PyObject *self, void *ignored)
{
    (void)ignored;
    PyObject *places = ((direct *)self)->places;
    return Py_NewRef(places == NULL ? Py_None : places);
}

static int set_places(PyObject *self, PyObject *places, void *ignored)
{
    (void)ignored;
    if (places == NULL || !PyTuple_Check(places)) {
        PyErr_SetString(PyExc_TypeError, "places are a tuple");
        return -1;
    }
    pg_set(&((direct *)self)->places, Py_NewRef(places));
    return 0;
}

static PyObject *get_calls(PyObject *self, void *ignored)
{
    (void)ignored;
    return PyLong_FromSize_t(((direct *)self)->calls);
}

/* -- the type Calls -------------------------------------------------------------------------------- */

enum { MOST = 8 }; /* structures of arguments in turn */

typedef struct {
    PyObject_HEAD
    direct *all[MOST]; /* owned, the last one that was added in front */
    int count;
    int values; /* Values by position go to the function itself */
} calls;

static PyObject *calls_add(PyObject *self, PyObject *added)
{
    calls *c = (calls *)self;
    if (Py_TYPE(added) != direct_type)
        return PyErr_Format(PyExc_TypeError, "add() takes a Direct");
    direct *gone = (direct *)Py_NewRef(added);
    for (int i = 0; i < MOST && gone != NULL; i++) {
        direct *here = c->all[i];
        c->all[i] = gone;
        gone = here == (direct *)added ? NULL : here;
        if (here == (direct *)added) {
            Py_DECREF(here);
            Py_RETURN_NONE;
        }
        if (here == NULL)
            c->count = i + 1;
    }
    Py_XDECREF(gone);
    Py_RETURN_NONE;
}

static int calls_clear(PyObject *self)
{
    calls *c = (calls *)self;
    c->count = 0;
    for (int i = 0; i < MOST; i++)
        Py_CLEAR(c->all[i]);
    return 0;
}

static PyObject *calls_forget(PyObject *self, PyObject *ignored)
{
    (void)ignored;
    calls_clear(self);
    Py_RETURN_NONE;
}

static PyObject *calls_take_values(PyObject *self, PyObject *ignored)
{
    (void)ignored;
    ((calls *)self)->values = 1;
    Py_RETURN_NONE;
}

static int calls_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    for (int i = 0; i < MOST; i++)
        Py_VISIT(((calls *)self)->all[i]);
    return 0;
}

static void calls_dealloc(PyObject *self)
{
    pg_end(self, calls_clear);
}

/* -- what is called -------------------------------------------------------------------------------- */

static PyObject *calls_name, *by_python_name, *on_values_name, *no_keywords;

typedef enum { OTHER, NUMBERS, VALUES } contents;

/* What an argument is, if it is a number, a Value, or one list or tuple of these. */
static contents contents_of(PyObject *x, int within)
{
    if (PG_IS_EXACT(x))
        return VALUES;
    if (PyFloat_CheckExact(x) || (!within && pg_is_array(x)))
        return NUMBERS;
    const int is_list = PyList_CheckExact(x);
    if (within || !(is_list || PyTuple_CheckExact(x)))
        return OTHER;
    contents all = NUMBERS;
    for (Py_ssize_t i = 0, n = is_list ? PyList_Size(x) : PyTuple_Size(x); i < n && all != OTHER; i++) {
        const contents item = contents_of(is_list ? pg_list_item(x, i) : PyTuple_GetItem(x, i), 1);
        all = item == OTHER || all == NUMBERS ? item : all;
    }
    return all;
}

/* Whether there is a Value among the arguments, and nothing that would have to be looked at before. */
static int are_values(PyObject *args)
{
    int found = 0;
    for (Py_ssize_t i = 0; i < PyTuple_Size(args); i++) {
        const contents of = contents_of(PyTuple_GetItem(args, i), 0);
        if (of == OTHER)
            return 0;
        found |= of == VALUES;
    }
    return found;
}

/* The result by what c knows; NULL, without an exception, if Python is to do it. */
static PyObject *call_known(PyObject *self, calls *c, PyObject *args)
{
    for (int i = 0; i < c->count; i++) {
        direct *d = (direct *)Py_NewRef((PyObject *)c->all[i]);
        PyObject *result = call_direct(d, args);
        if (i != 0 && result != NULL && c->all[i] == d) { /* the next call is like this one */
            c->all[i] = c->all[0];
            c->all[0] = d;
        }
        Py_DECREF(d);
        if (result != NULL || PyErr_Occurred())
            return result;
    }
    return c->values && are_values(args) ? PyObject_CallMethodObjArgs(self, on_values_name, args, no_keywords, NULL)
                                         : NULL;
}

/* Python's call; of few arguments without a tuple and a bound method between. */
static PyObject *call_by_python(PyObject *self, PyObject *args, PyObject *keywords)
{
#define ARG(i) PyTuple_GetItem(args, i)
    switch (keywords == NULL ? PyTuple_Size(args) : -1) {
    case 1:
        return PyObject_CallMethodObjArgs(self, by_python_name, ARG(0), NULL);
    case 2:
        return PyObject_CallMethodObjArgs(self, by_python_name, ARG(0), ARG(1), NULL);
    case 3:
        return PyObject_CallMethodObjArgs(self, by_python_name, ARG(0), ARG(1), ARG(2), NULL);
    default: {
        PyObject *by_python = PyObject_GetAttr(self, by_python_name);
        PyObject *result = by_python == NULL ? NULL : PyObject_Call(by_python, args, keywords);
        Py_XDECREF(by_python);
        return result;
    }
    }
#undef ARG
}

static PyObject *called(PyObject *self, PyObject *args, PyObject *keywords)
{
    if (keywords == NULL || PyDict_Size(keywords) == 0) {
        PyObject *c = PyObject_GetAttr(self, calls_name);
        if (c == NULL)
            return NULL;
        PyObject *result = Py_TYPE(c) == calls_type ? call_known(self, (calls *)c, args) : NULL;
        Py_DECREF(c);
        if (result != NULL || PyErr_Occurred())
            return result;
    }
    return call_by_python(self, args, keywords);
}

/* -- for Python -------------------------------------------------------------------------------------- */

static PyObject *set_description(PyObject *module, PyObject *function)
{
    (void)module;
    pg_set(&describe, Py_NewRef(function));
    Py_RETURN_NONE;
}

PyMethodDef pg_direct_functions[] = {
    {"set_description", set_description, METH_O,
     "set_description(function, /)\n--\n\n"
     "Set what gives the address of a path's program, and the form of its result; or None."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromSpec(spec);
    if (type != NULL && PyModule_AddObjectRef(module, strrchr(spec->name, '.') + 1, type) < 0)
        Py_CLEAR(type);
    return (PyTypeObject *)type;
}

int pg_direct_init(PyObject *module)
{
    static PyGetSetDef direct_attributes[] = {
        {"places", get_places, set_places, "What it holds for.", NULL},
        {"calls", get_calls, NULL, "How many calls have had their results from it.", NULL},
        {NULL, NULL, NULL, NULL, NULL},
    };
    static PyType_Slot direct_slots[] = {
        {Py_tp_doc,
         (void *)"Direct(arguments, places, path, address, form)\n--\n\nCalls with arguments of one form, in C."},
        {Py_tp_new, (void *)direct_new},
        {Py_tp_dealloc, (void *)direct_dealloc},
        {Py_tp_traverse, (void *)direct_traverse},
        {Py_tp_clear, (void *)direct_clear},
        {Py_tp_getset, direct_attributes},
        {0, NULL},
    };
    static PyMethodDef calls_methods[] = {
        {"add", calls_add, METH_O, "Have calls done by a Direct; of more than eight one goes."},
        {"forget", calls_forget, METH_NOARGS, "Leave all calls to Python again."},
        {"take_values", calls_take_values, METH_NOARGS, "Have Values given to the function itself from now on."},
        {NULL, NULL, 0, NULL},
    };
    static PyType_Slot calls_slots[] = {
        {Py_tp_doc, (void *)"Calls()\n--\n\nThe calls of one function that C does."},
        {Py_tp_dealloc, (void *)calls_dealloc},
        {Py_tp_traverse, (void *)calls_traverse},
        {Py_tp_clear, (void *)calls_clear},
        {Py_tp_methods, calls_methods},
        {0, NULL},
    };
    static PyType_Slot called_slots[] = {
        {Py_tp_doc, (void *)"Called by what its attribute _calls knows, else by its method _by_python."},
        {Py_tp_call, (void *)called},
        {0, NULL},
    };
    static PyType_Spec direct_spec = {"pygrad._native.Direct", sizeof(direct), 0,
                                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, direct_slots};
    static PyType_Spec calls_spec = {"pygrad._native.Calls", sizeof(calls), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                                     calls_slots};
    static PyType_Spec called_spec = {"pygrad._native.Called", sizeof(PyObject), 0,
                                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, called_slots};
    calls_name = PyUnicode_InternFromString("_calls");
    by_python_name = PyUnicode_InternFromString("_by_python");
    on_values_name = PyUnicode_InternFromString("_on_values");
    no_keywords = PyDict_New();
    if (calls_name == NULL || by_python_name == NULL || on_values_name == NULL || no_keywords == NULL)
        return -1;
    direct_type = add_type(module, &direct_spec);
    calls_type = direct_type == NULL ? NULL : add_type(module, &calls_spec);
    return calls_type == NULL || add_type(module, &called_spec) == NULL ? -1 : 0;
}
