/* bound.c: see bound.h. */
#include "python/bound.h"

#include "graph/memory.h"
#include "python/captures.h"
#include "python/convert.h"
#include "python/layout.h"
#include "python/leg.h"

typedef struct {
    PyObject_HEAD
    PyObject *places;      /* see captures.h; NULL while nothing is bound */
    PyObject *sources;     /* tuple of arrays, with the numbers of all inputs */
    PyObject *numbers;     /* an array, for the outputs */
    PyObject *result;      /* what a call returns, made of views of it */
    pg_legs legs;          /* of the paths that it is bound to */
    size_t binding;        /* how often that has changed */
} bound;

static int clear(PyObject *self)
{
    bound *b = (bound *)self;
    b->binding++;
    Py_CLEAR(b->places);
    Py_CLEAR(b->sources);
    Py_CLEAR(b->numbers);
    Py_CLEAR(b->result);
    pg_legs_clear(&b->legs);
    return 0;
}

static int traverse(PyObject *self, visitproc visit, void *arg)
{
    const bound *b = (bound *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(b->places);
    Py_VISIT(b->sources);
    Py_VISIT(b->numbers);
    Py_VISIT(b->result);
    return pg_legs_traverse(&b->legs, visit, arg);
}

static void dealloc(PyObject *self)
{
    pg_end(self, clear);
}

/* -- calls ----------------------------------------------------------------------------------------- */

static size_t length_of(PyObject *array)
{
    return (size_t)((pg_array_layout *)array)->shape[0];
}

static void read_sources(const bound *b, const pg_leg *leg, double *uniforms)
{
    size_t at = 0;
    for (Py_ssize_t i = 0, n = PyTuple_Size(b->sources); i < n; i++) {
        PyObject *source = PyTuple_GetItem(b->sources, i);
        const size_t length = length_of(source);
        if (length != 0 && leg->runs[at] >= length)
            pg_array_read((pg_array_layout *)source, uniforms + leg->slots[at], NULL);
        else
            pg_array_read((pg_array_layout *)source, uniforms, leg->slots + at);
        at += length;
    }
}

static void write_numbers(const bound *b, const pg_leg *leg, double *uniforms)
{
    double *numbers = (double *)(void *)((pg_array_layout *)b->numbers)->data;
    const pg_slot *slots = pg_leg_results(leg, uniforms);
    for (size_t i = 0; i < leg->program->outputs; i++)
        numbers[i] = uniforms[slots[i]];
}

/* Whether the program may run; what is asked may run any code, and bind anew. */
static int may_run(const bound *b)
{
    const size_t binding = b->binding;
    PyObject *places = Py_NewRef(b->places);
    const int may = pg_may_run(places);
    Py_DECREF(places);
    return may && b->binding == binding;
}

/* One path: 1 if the results are written, else 0 with *at set to where the call goes on, or NULL: then Python is to do
 * it, or an exception is set. Another thread may bind anew while the program runs: the path is kept until then, and the
 * memory is not for the legs that there are now. */
static int run_leg(bound *b, pg_leg **at)
{
    pg_leg *leg = *at;
    const size_t binding = b->binding;
    uint32_t guard;
    *at = NULL;
    double *uniforms = pg_leg_take(leg);
    if (uniforms == NULL)
        return 0;
    PyObject *path = Py_NewRef(leg->path);
    read_sources(b, leg, uniforms);
    const int outcome = pg_leg_run(leg, uniforms, &guard), still = b->binding == binding;
    if (still && outcome == 1)
        write_numbers(b, leg, uniforms);
    if (still && outcome == 0) {
        const pg_fork *fork = pg_leg_fork(leg, guard);
        *at = fork == NULL ? NULL : fork->to;
    }
    if (still)
        pg_leg_give(leg, uniforms);
    else
        pg_leg_drop(uniforms);
    Py_DECREF(path);
    return still && outcome == 1;
}

/* The result; NULL, without an exception, if Python is to do it. */
static PyObject *call_bound(bound *b)
{
    if (b->places == NULL || !may_run(b))
        return NULL;
    pg_leg *at = b->legs.all[0];
    int done = run_leg(b, &at);
    while (at != NULL)
        done = run_leg(b, &at);
    return done ? Py_NewRef(b->result) : NULL;
}

static PyObject *called(PyObject *self, PyObject *args, PyObject *keywords)
{
    static PyObject *by_python_name;
    if (keywords == NULL && PyTuple_Size(args) == 0) {
        PyObject *result = call_bound((bound *)self);
        if (result != NULL || PyErr_Occurred())
            return result;
    }
    if (by_python_name == NULL)
        by_python_name = PyUnicode_InternFromString("_by_python");
    PyObject *by_python = by_python_name == NULL ? NULL : PyObject_GetAttr(self, by_python_name);
    PyObject *result = by_python == NULL ? NULL : PyObject_Call(by_python, args, keywords);
    Py_XDECREF(by_python);
    return result;
}

/* -- for Python -------------------------------------------------------------------------------------- */

static int is_line(PyObject *object, size_t at_least)
{
    return pg_is_array(object) && ((pg_array_layout *)object)->axes == 1 && length_of(object) >= at_least;
}

/* Whether all arrays are such, and have as many numbers as the program writes; how many it is given in *given. */
static int fit(PyObject *sources, PyObject *numbers, const pg_program *p, size_t *given)
{
    *given = 0;
    for (Py_ssize_t i = 0; i < PyTuple_Size(sources); i++) {
        if (!is_line(PyTuple_GetItem(sources, i), 0))
            return 0;
        *given += length_of(PyTuple_GetItem(sources, i));
    }
    for (size_t i = 0; i < p->outputs; i++)
        if (p->result_slots[i] == PG_NO_SLOT)
            return 0;
    return *given <= p->inputs && is_line(numbers, p->outputs);
}

/* Adds a leg if its program fits; NULL with or without an exception set. */
static pg_leg *add_leg(bound *b, PyObject *path, PyObject *address)
{
    const pg_program *p = PyLong_AsVoidPtr(address);
    size_t given;
    if (p == NULL || !fit(b->sources, b->numbers, p, &given))
        return NULL;
    return pg_legs_add(&b->legs, given, path, address, Py_None);
}

static PyObject *bind(PyObject *self, PyObject *args)
{
    PyObject *places, *path, *address, *sources, *numbers, *result;
    if (!PyArg_ParseTuple(args, "O!OOO!OO:_hand_over", &PyTuple_Type, &places, &path, &address, &PyTuple_Type, &sources,
                          &numbers, &result))
        return NULL;
    bound *b = (bound *)self;
    clear(self);
    b->sources = Py_NewRef(sources);
    b->numbers = Py_NewRef(numbers);
    b->result = Py_NewRef(result);
    if (add_leg(b, path, address) != NULL)
        b->places = Py_NewRef(places);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *branch(PyObject *self, PyObject *args)
{
    PyObject *from, *path, *address;
    unsigned guard;
    if (!PyArg_ParseTuple(args, "OIOO:_hand_over_branch", &from, &guard, &path, &address))
        return NULL;
    bound *b = (bound *)self;
    pg_leg *leg = b->places == NULL ? NULL : pg_legs_of(&b->legs, from), *to;
    if (leg == NULL || pg_leg_fork(leg, guard) != NULL)
        Py_RETURN_NONE;
    to = pg_legs_of(&b->legs, path);
    if (to == NULL)
        to = add_leg(b, path, address);
    if (to != NULL)
        pg_leg_add_fork(leg, guard, to);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *unbind(PyObject *self, PyObject *ignored)
{
    (void)ignored;
    clear(self);
    Py_RETURN_NONE;
}

int pg_bound_init(PyObject *module)
{
    static PyMethodDef methods[] = {
        {"_hand_over", bind, METH_VARARGS,
         "_hand_over($self, places, path, address, sources, numbers, result, /)\n--\n\n"
         "Have calls done by C while what was captured is as in places: by a path, from lines of numbers to another."},
        {"_hand_over_branch", branch, METH_VARARGS,
         "_hand_over_branch($self, path, guard, branch, address, /)\n--\n\nAnd those that leave a path at a guard."},
        {"_take_back", unbind, METH_NOARGS, "_take_back($self, /)\n--\n\nLeave all calls to Python again."},
        {NULL, NULL, 0, NULL},
    };
    static PyType_Slot slots[] = {
        {Py_tp_doc, (void *)"Called on memory that it is bound to, else by its method _by_python."},
        {Py_tp_dealloc, (void *)dealloc},
        {Py_tp_traverse, (void *)traverse},
        {Py_tp_clear, (void *)clear},
        {Py_tp_call, (void *)called},
        {Py_tp_methods, methods},
        {0, NULL},
    };
    static PyType_Spec spec = {"pygrad._native.Bound", sizeof(bound), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
    PyObject *type = PyType_FromSpec(&spec);
    return type == NULL || PyModule_AddObjectRef(module, "Bound", type) < 0 ? -1 : 0;
}
