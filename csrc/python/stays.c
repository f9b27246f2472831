/* stays.c: stays in modes, and the context managers that begin and end them.
 *
 * Between any two bytecodes of a `with` statement an interrupt may come: after __enter__ was called or before
 * __exit__ is. So __exit__ is a descriptor, and each time it is asked for, it gives an exit of its own, which the
 * statement keeps on its frame's stack and __enter__ binds to the stay that it begins. Where the frame is left
 * without a call of it, the exit dies, and the stay ends with it. Who enters by hand, or by a class that has an
 * __exit__ of its own, has no such exit: there the stay belongs to the mode's object. */
#include "python/stays.h"

#include "graph/memory.h"
#include "python/convert.h"
#include "python/modes.h"
#include "python/recording.h"
#include "python/trace.h"

#include <string.h>

typedef enum { NO_GRAD, WATCH, RECORDING, TRACE } kind;

struct pg_stay {
    kind kind;
    pg_thread_modes *thread; /* alive while it has a stay */
    pg_stay *before, *after; /* among those of the thread */
    pg_stay *by_hand;        /* the one before among those that its mode owns */
    PyObject *mode;          /* borrowed: it lives longer */
    PyObject *inputs;        /* of a recording or a trace: a tuple, owned */
};

typedef struct leaver leaver;

typedef struct {
    PyObject_HEAD
    leaver *waiting;         /* exits that no stay is bound to, the last one first; borrowed */
    pg_stay *by_hand;        /* stays without an exit, owned */
} mode;

/* What __exit__ gives. */
struct leaver {
    PyObject_HEAD
    mode *of;                /* owned; NULL once cleared */
    pg_stay *stay;           /* owned, or NULL */
    pg_thread_modes *thread; /* who asked for it, while it waits */
    leaver *next;            /* while it waits */
    int waits;
};

static PyTypeObject *mode_type, *recorded_type, *leaver_type;
static PyObject *exit_descriptor;

/* Counts what the thread is in, after its stays have changed. */
static void count_stays(pg_thread_modes *t)
{
    int recording = 0;
    t->no_grad = t->watched = 0;
    t->inputs = 0;
    for (const pg_stay *s = t->last; s != NULL; s = s->before) {
        t->no_grad += s->kind == NO_GRAD && !recording;
        t->watched += s->kind == WATCH;
        recording |= s->kind == RECORDING || s->kind == TRACE;
        t->inputs += s->inputs == NULL ? 0 : (size_t)PyTuple_Size(s->inputs);
    }
    int special = t->ended ? 0 : (t->no_grad > 0) + (t->watched > 0);
    pg_special_threads += special - t->special;
    t->special = special;
}

/* -- stays -------------------------------------------------------------------------------------- */

/* Ends a stay, in whatever thread; keeps an exception that is set. */
static void end(pg_stay *s)
{
    pg_thread_modes *t = s->thread;
    *(s->after == NULL ? &t->last : &s->after->before) = s->before;
    if (s->before != NULL)
        s->before->after = s->after;
    count_stays(t);
    if (s->inputs != NULL) {
        PyObject *type, *error, *traceback;
        PyErr_Fetch(&type, &error, &traceback);
        pg_retire(s->inputs); /* while they are of a running trace */
        if (s->kind == TRACE)
            pg_trace_end(s->inputs);
        if (t->inputs == 0 && t == pg_modes)
            pg_forget_all_reads();
        Py_DECREF(s->inputs);
        PyErr_Restore(type, error, traceback);
    }
    if (t->ended && t->last == NULL)
        pg_free(t);
    pg_free(s);
}

/* The exit that was last asked for in this thread and waits for a stay, or NULL; it waits no more. */
static leaver *take_waiting(mode *m, const pg_thread_modes *thread)
{
    for (leaver **place = &m->waiting; *place != NULL; place = &(*place)->next) {
        leaver *l = *place;
        if (l->thread != thread)
            continue;
        *place = l->next;
        l->waits = 0;
        return l;
    }
    return NULL;
}

/* Begins a stay of this thread, with inputs (borrowed) or NULL; false with an exception set. */
static int begin(PyObject *self, kind what, PyObject *inputs)
{
    mode *m = (mode *)self;
    pg_thread_modes *t = pg_modes_of_thread();
    pg_stay *s = t == NULL ? NULL : pg_alloc(1, sizeof *s);
    if (s == NULL)
        return t == NULL ? 0 : PyErr_NoMemory() != NULL;
    *s = (pg_stay){.kind = what, .thread = t, .before = t->last, .mode = self, .inputs = inputs};
    Py_XINCREF(inputs);
    if (t->last != NULL)
        t->last->after = s;
    t->last = s;
    leaver *l = take_waiting(m, t);
    if (l != NULL) {
        l->stay = s;
    } else {
        s->by_hand = m->by_hand;
        m->by_hand = s;
    }
    count_stays(t);
    if (inputs != NULL)
        pg_activate(inputs);
    return 1;
}

/* -- exits -------------------------------------------------------------------------------------- */

static void stop_waiting(leaver *l)
{
    leaver **place = &l->of->waiting;
    while (l->waits && *place != l)
        place = &(*place)->next;
    if (l->waits)
        *place = l->next;
    l->waits = 0;
}

/* Ends the last stay that was entered by hand, in this thread if there is one. */
static PyObject *leave_by_hand(mode *m)
{
    pg_stay **place = &m->by_hand;
    while (*place != NULL && (*place)->thread != pg_modes)
        place = &(*place)->by_hand;
    if (*place == NULL)
        place = &m->by_hand;
    pg_stay *s = *place;
    if (s != NULL) {
        *place = s->by_hand;
        end(s);
    } else if (!PyObject_TypeCheck((PyObject *)m, recorded_type)) {
        PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(m), "__name__");
        if (name != NULL)
            PyErr_Format(PyExc_RuntimeError, "%S() was left, but it had not been entered, or was left before", name);
        Py_XDECREF(name);
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *leave(PyObject *self, PyObject *args, PyObject *kwargs)
{
    (void)args, (void)kwargs;
    leaver *l = (leaver *)self;
    pg_stay *s = l->stay;
    if (s == NULL && l->of != NULL)
        return leave_by_hand(l->of);
    l->stay = NULL;
    if (s != NULL)
        end(s);
    Py_RETURN_NONE;
}

static int leaver_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((leaver *)self)->of);
    return 0;
}

static int leaver_clear(PyObject *self)
{
    leaver *l = (leaver *)self;
    pg_stay *s = l->stay;
    mode *of = l->of;
    l->stay = NULL;
    if (of != NULL)
        stop_waiting(l);
    l->of = NULL;
    if (s != NULL)
        end(s);
    Py_XDECREF(of);
    return 0;
}

static void leaver_dealloc(PyObject *self)
{
    pg_end(self, leaver_clear);
}

/* An exit for one `with` statement; the descriptor itself where a class is asked. */
static PyObject *exit_of(PyObject *descriptor, PyObject *self, PyObject *type)
{
    (void)type;
    if (self == NULL || self == Py_None)
        return Py_NewRef(descriptor);
    if (!PyObject_TypeCheck(self, mode_type))
        return PyErr_Format(PyExc_TypeError, "__exit__ is of pygrad's modes, not of %R", Py_TYPE(self));
    pg_thread_modes *t = pg_modes_of_thread();
    leaver *l = t == NULL ? NULL : PyObject_GC_New(leaver, leaver_type);
    if (l == NULL)
        return NULL;
    mode *m = (mode *)Py_NewRef(self);
    l->of = m;
    l->stay = NULL;
    l->thread = t;
    l->next = m->waiting;
    l->waits = 1;
    m->waiting = l;
    PyObject_GC_Track((PyObject *)l);
    return (PyObject *)l;
}

/* As a function of the class: ExitStack calls it so. */
static PyObject *exit_by_hand(PyObject *descriptor, PyObject *args, PyObject *kwargs)
{
    (void)descriptor, (void)kwargs;
    PyObject *self = PyTuple_Size(args) == 0 ? NULL : PyTuple_GetItem(args, 0);
    if (self == NULL || !PyObject_TypeCheck(self, mode_type))
        return PyErr_Format(PyExc_TypeError, "__exit__() takes one of pygrad's modes first");
    return leave_by_hand((mode *)self);
}

/* -- the types ---------------------------------------------------------------------------------- */

static void mode_dealloc(PyObject *self)
{
    mode *m = (mode *)self;
    PyTypeObject *type = Py_TYPE(self);
    while (m->by_hand != NULL) {
        pg_stay *s = m->by_hand;
        m->by_hand = s->by_hand;
        end(s);
    }
    freefunc free_object = (freefunc)PyType_GetSlot(type, Py_tp_free);
    free_object(self);
    Py_DECREF(type);
}

/* A copy is in no mode. */
static PyObject *mode_reduce(PyObject *self, PyObject *ignored)
{
    (void)ignored;
    PyObject *state = PyObject_GetAttrString(self, "__dict__");
    if (state == NULL) {
        PyErr_Clear();
        state = Py_NewRef(Py_None);
    }
    return Py_BuildValue("(O()N)", (PyObject *)Py_TYPE(self), state);
}

static PyObject *no_grad_enter(PyObject *self, PyObject *ignored)
{
    (void)ignored;
    return begin(self, NO_GRAD, NULL) ? Py_NewRef(self) : NULL;
}

static PyObject *watch_enter(PyObject *self, PyObject *ignored)
{
    (void)ignored;
    return begin(self, WATCH, NULL) ? Py_NewRef(self) : NULL;
}

static PyObject *itself(PyObject *self, PyObject *ignored)
{
    (void)ignored;
    return Py_NewRef(self);
}

static PyObject *record(PyObject *self, PyObject *points)
{
    PyObject *inputs = pg_inputs_for(points);
    if (inputs == NULL || begin(self, RECORDING, inputs))
        return inputs;
    Py_DECREF(inputs);
    return NULL;
}

static PyObject *trace(PyObject *self, PyObject *points)
{
    PyObject *inputs = pg_inputs_for(points);
    if (inputs == NULL || !pg_trace_begin(inputs)) {
        Py_XDECREF(inputs);
        return NULL;
    }
    if (begin(self, TRACE, inputs))
        return inputs;
    pg_trace_end(inputs);
    Py_DECREF(inputs);
    return NULL;
}

/* Whether this thread is within no_grad(), since the last recording that it runs began. */
static PyObject *in_no_grad(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    return PyBool_FromLong(PG_NO_GRAD);
}

static PyObject *watching(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    PyObject *modes = PyList_New(0);
    for (pg_stay *s = pg_modes == NULL ? NULL : pg_modes->last; modes != NULL && s != NULL; s = s->before)
        if (s->kind == WATCH && PyList_Append(modes, s->mode) < 0)
            Py_CLEAR(modes);
    return modes;
}

PyMethodDef pg_stay_functions[] = {
    {"in_no_grad", in_no_grad, METH_NOARGS,
     "in_no_grad()\n--\n\nWhether this thread is within no_grad(), since the last recording that it runs began."},
    {"watching", watching, METH_NOARGS,
     "watching()\n--\n\nThe debug_nans that this thread is in, the innermost first."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject *made_type(const char *name, PyType_Slot *slots, size_t size, unsigned flags, PyTypeObject *base)
{
    PyType_Spec spec = {name, (int)size, 0, Py_TPFLAGS_DEFAULT | flags, slots};
    return (PyTypeObject *)(base == NULL ? PyType_FromSpec(&spec) : PyType_FromSpecWithBases(&spec, (PyObject *)base));
}

/* A type of modes with its __enter__ and what begins its stays. */
static PyTypeObject *add_mode(PyObject *module, const char *name, PyMethodDef *methods, const char *doc)
{
    PyType_Slot slots[] = {{Py_tp_doc, (void *)doc}, {Py_tp_methods, methods}, {0, NULL}};
    PyTypeObject *type = made_type(name, slots, sizeof(mode), Py_TPFLAGS_BASETYPE, mode_type);
    if (type != NULL && PyModule_AddObjectRef(module, strrchr(name, '.') + 1, (PyObject *)type) < 0)
        Py_CLEAR(type);
    return type;
}

static int add_exits(void)
{
    static PyType_Slot leaver_slots[] = {
        {Py_tp_dealloc, (void *)leaver_dealloc},
        {Py_tp_traverse, (void *)leaver_traverse},
        {Py_tp_clear, (void *)leaver_clear},
        {Py_tp_call, (void *)leave},
        {0, NULL},
    };
    static PyType_Slot descriptor_slots[] = {
        {Py_tp_descr_get, (void *)exit_of},
        {Py_tp_call, (void *)exit_by_hand},
        {0, NULL},
    };
    leaver_type = made_type("pygrad._native.Exit", leaver_slots, sizeof(leaver),
                            Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, NULL);
    PyTypeObject *type = made_type("pygrad._native.ExitOfModes", descriptor_slots, sizeof(PyObject), 0, NULL);
    exit_descriptor = type == NULL ? NULL : PyObject_CallNoArgs((PyObject *)type);
    Py_XDECREF((PyObject *)type);
    return leaver_type == NULL || exit_descriptor == NULL ? -1 : 0;
}

int pg_stays_init(PyObject *module)
{
    static PyMethodDef mode_methods[] = {{"__reduce__", mode_reduce, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
    static PyType_Slot mode_slots[] = {
        {Py_tp_doc, (void *)"What a thread can be in, by `with`."},
        {Py_tp_dealloc, (void *)mode_dealloc},
        {Py_tp_methods, mode_methods},
        {0, NULL},
    };
    static PyMethodDef no_grad[] = {{"__enter__", no_grad_enter, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
    static PyMethodDef watch[] = {{"__enter__", watch_enter, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
    static PyMethodDef recorded[] = {
        {"__enter__", itself, METH_NOARGS, NULL},
        {"begin", record, METH_O,
         "begin($self, points, /)\n--\n\nActive inputs for a tuple of numbers and Values, until the `with` is left. What is "
         "computed is recorded, whatever mode the caller is in."},
        {NULL, NULL, 0, NULL},
    };
    static PyMethodDef traced[] = {
        {"begin", trace, METH_O, "begin($self, points, /)\n--\n\nThe same, and what this thread computes is traced."},
        {NULL, NULL, 0, NULL},
    };
    mode_type = made_type("pygrad._native.Mode", mode_slots, sizeof(mode), Py_TPFLAGS_BASETYPE, NULL);
    if (mode_type == NULL || add_exits() < 0 ||
        PyObject_SetAttrString((PyObject *)mode_type, "__exit__", exit_descriptor) < 0 ||
        PyModule_AddObjectRef(module, "Mode", (PyObject *)mode_type) < 0)
        return -1;
    PyTypeObject *base = mode_type;
    if (add_mode(module, "pygrad._native.NoGrad", no_grad, "Where nothing is recorded.") == NULL ||
        add_mode(module, "pygrad._native.Watch", watch, "Where every node and every adjoint is shown.") == NULL)
        return -1;
    recorded_type = add_mode(module, "pygrad._native.Recorded", recorded, "Where a function runs for a transform.");
    if (recorded_type == NULL)
        return -1;
    mode_type = recorded_type; /* the base of the next */
    PyTypeObject *last = add_mode(module, "pygrad._native.Traced", traced, "Where a function runs for a program.");
    mode_type = base;
    return last == NULL ? -1 : 0;
}
