/* training.c: see training.h. */
#include "python/training.h"

#include "graph/memory.h"
#include "program/program.h"
#include "python/backward.h"
#include "python/constants.h"
#include "python/convert.h"
#include "python/interrupts.h"
#include "python/layout.h"
#include "python/leg.h"
#include "python/outside.h"
#include "python/parameters.h"
#include "python/trace.h"
#include "python/value.h"

/* -- the end of a step ------------------------------------------------------------------------------- */

/* What comes after the derivatives: grads of an optimiser's parameters set to 0 before, and its step. */
typedef struct {
    pg_step step;
    int moves;             /* there is an optimiser */
    int clears;
} ending;

/* From (Parameters, rule, settings), or None, and whether grads are to be set to 0; false with an exception set. */
static int read_ending(PyObject *given, int clears, ending *out)
{
    PyObject *parameters, *settings;
    const char *rule;
    *out = (ending){.moves = given != Py_None, .clears = clears && given != Py_None};
    if (!out->moves)
        return 1;
    if (!PyTuple_Check(given) || !PyArg_ParseTuple(given, "OsO!", &parameters, &rule, &PyTuple_Type, &settings))
        return PyErr_Occurred() != NULL ? 0 : (PyErr_SetString(PyExc_TypeError, "a step is a tuple"), 0);
    return pg_step_ready(parameters, rule, settings, &out->step);
}

static Py_ssize_t parameter_count(const ending *e)
{
    return PyTuple_Size(pg_step_values(&e->step));
}

static pg_node *parameter(const ending *e, Py_ssize_t i)
{
    return PG_NODE(PyTuple_GetItem(pg_step_values(&e->step), i));
}

/* Fails no more: grads that were Values before are none any more, and parameters move. */
static void finish(const ending *e)
{
    for (Py_ssize_t i = 0; e->clears && i < parameter_count(e); i++)
        pg_forget_adjoint(parameter(e, i));
    if (e->moves)
        pg_step_take(&e->step);
}

/* -- from a Value ------------------------------------------------------------------------------------ */

static void put_back(const ending *e, const double *old, Py_ssize_t count)
{
    while (count-- > 0)
        parameter(e, count)->grad = old[count]; /* a sweep around this one has noted the same */
}

/* Grads of all parameters to 0, those of before to old; false with MemoryError set, and nothing changed. */
static int clear_grads(const ending *e, double *old)
{
    for (Py_ssize_t i = 0; i < parameter_count(e); i++) {
        old[i] = parameter(e, i)->grad;
        if (pg_write_grad(parameter(e, i), 0.0) == PG_OK)
            continue;
        put_back(e, old, i);
        return PyErr_NoMemory() != NULL;
    }
    return 1;
}

static int descend_from(PyObject *root, const ending *e)
{
    double *old = NULL;
    if (e->clears) {
        old = pg_alloc((size_t)parameter_count(e), sizeof *old);
        if (old == NULL)
            return PyErr_NoMemory() != NULL;
        if (!clear_grads(e, old)) {
            pg_free(old);
            return 0;
        }
    }
    const int done = pg_backward(root, 1.0);
    if (done)
        finish(e);
    else if (e->clears)
        put_back(e, old, parameter_count(e));
    pg_free(old);
    return done;
}

static PyObject *descend(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *root, *step;
    int clears;
    ending e;
    if (!PyArg_ParseTuple(args, "O!Op:descend", pg_value_type, &root, &step, &clears) ||
        !read_ending(step, clears, &e) || !descend_from(root, &e))
        return NULL;
    Py_RETURN_NONE;
}

/* -- from rows --------------------------------------------------------------------------------------- */

enum { MOST_AXES = 32 };

/* An argument, and what one row has of it. */
typedef struct {
    int mapped;            /* an array with a row for each */
    int axes;              /* -1: a number, which is no array unless it is mapped */
    Py_ssize_t shape[MOST_AXES];
    size_t size;           /* numbers */
} part;

typedef struct {
    PyObject_HEAD
    PyObject *path;        /* a Path, owned, which keeps the program */
    PyObject *lives, *by; /* tuples of Values, owned: what it reads; by what its totals but the first are derivatives */
    const pg_program *program;
    part *parts;
    size_t count, numbers; /* of parts; of all inputs */
    const double **inputs;
    ptrdiff_t *strides;
    double *shared, *live_numbers; /* room for all inputs; for all lives */
    char *uniforms, *lanes; /* scratch memory, with room to align it */
    double *totals;
    size_t pieces; /* for which totals has room */
    int mean; /* of rows, not their sum */
    int runs; /* it is in use */
} training;

enum { LINE = 64 };

static void *aligned(char *block)
{
    return block + (LINE - (uintptr_t)block % LINE) % LINE;
}

/* An array argument's numbers go where the program reads them from: false if it is none that fits. */
static int take_array(training *t, const part *p, PyObject *arg, size_t at, Py_ssize_t *rows)
{
    if (!pg_is_array(arg) || !pg_array_in_place(arg))
        return 0;
    const pg_array_layout *array = (pg_array_layout *)arg;
    const int axes = p->axes < 0 ? 0 : p->axes;
    if (array->axes != axes + p->mapped)
        return 0;
    for (int i = 0; i < axes; i++)
        if (array->shape[i + p->mapped] != p->shape[i])
            return 0;
    if (p->mapped && *rows >= 0 && array->shape[0] != *rows)
        return 0;
    if (p->mapped)
        *rows = array->shape[0];
    const double *numbers = (const double *)(const void *)array->data;
    for (size_t i = 0; i < p->size; i++)
        t->inputs[at + i] = numbers + i;
    return 1;
}

/* How many rows there are; 0 if these are no arguments for here. */
static size_t take_arguments(training *t, PyObject *args)
{
    size_t at = 0;
    Py_ssize_t rows = -1;
    if ((size_t)PyTuple_Size(args) != t->count)
        return 0;
    for (size_t i = 0; i < t->count; i++) {
        const part *p = &t->parts[i];
        PyObject *arg = PyTuple_GetItem(args, (Py_ssize_t)i);
        if (!p->mapped && p->axes < 0) {
            if (!PyFloat_CheckExact(arg))
                return 0;
            t->shared[at] = pg_float_at(arg);
            t->inputs[at] = t->shared + at;
        } else if (!take_array(t, p, arg, at, &rows)) {
            return 0;
        }
        at += p->size;
    }
    return rows < 0 ? 0 : (size_t)rows;
}

/* The numbers of captured Values; false if one is not to be read so. */
static int read_lives(const training *t)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(t->lives); i++) {
        const pg_node *n = PG_NODE(PyTuple_GetItem(t->lives, i));
        if (n == NULL || n->flags & PG_UNBUILT_OR_TRACED)
            return 0;
        t->live_numbers[i] = n->value;
    }
    return 1;
}

/* Whether grads of all Values in by are numbers that a derivative is added to, and nobody wants to see that. */
static int may_add(const training *t)
{
    if (PG_SPECIAL || pg_active_inputs != 0 || pg_sweep_notes_grads())
        return 0;
    for (Py_ssize_t i = 0; i < PyTuple_Size(t->by); i++) {
        const pg_node *n = PG_NODE(PyTuple_GetItem(t->by, i));
        if (n == NULL || n->op != PG_LEAF || n->flags & (PG_UNBUILT_OR_TRACED | PG_ACTIVE | PG_HAS_CLOSURE))
            return 0;
    }
    return 1;
}

/* False with MemoryError set. */
static int make_room(training *t, size_t pieces)
{
    if (pieces <= t->pieces)
        return 1;
    double *totals = pg_alloc(pieces, t->program->outputs * sizeof *totals);
    if (totals == NULL)
        return PyErr_NoMemory() != NULL;
    pg_free(t->totals);
    t->totals = totals;
    t->pieces = pieces;
    return 1;
}

/* Runs the rows: 1 if their totals are there, 0 if Python is to do it, -1 with an exception set. Meanwhile others may have
 * Python's lock. */
static int run(training *t, size_t rows)
{
    pg_batch batch = {.inputs = t->inputs,
                      .strides = t->strides,
                      .lives = t->live_numbers,
                      .count = rows,
                      .totals = t->totals,
                      .uniforms = aligned(t->uniforms),
                      .lanes = aligned(t->lanes)};
    uint32_t guard;
    PyThreadState *state = PyEval_SaveThread();
    const int once = pg_program_run_once(t->program, &batch, &guard);
    const int64_t told = once == 1 ? pg_program_run(t->program, &batch) : 0;
    PyEval_RestoreThread(state);
    if (once < 0 || told < 0)
        return pg_raise_interrupt() == NULL ? -1 : 0;
    return once == 1 && told == 0;
}

/* The totals of all rows in the place of the first piece's; false if one is inf or nan, of which Python is to tell. */
static int add_up(const training *t, size_t rows, size_t pieces)
{
    const size_t outputs = t->program->outputs;
    pg_add_pieces(t->totals, pieces, outputs);
    for (size_t i = 0; t->mean && i < outputs; i++)
        t->totals[i] /= (double)rows;
    return pg_all_finite(t->totals, outputs);
}

/* Fails no more. */
static void write_grads(const training *t, const ending *e)
{
    for (Py_ssize_t i = 0; e->clears && i < parameter_count(e); i++)
        parameter(e, i)->grad = 0.0;
    for (Py_ssize_t i = 0; i < PyTuple_Size(t->by); i++) {
        pg_node *n = PG_NODE(PyTuple_GetItem(t->by, i));
        if (!PG_IS_CONSTANT(n))
            n->grad += t->totals[i + 1];
    }
    finish(e);
}

/* The whole step, while nobody else uses t: the total, or None if Python is to do it. */
static PyObject *step_of(training *t, size_t rows, const ending *e)
{
    const size_t piece = pg_piece(rows), pieces = (rows + piece - 1) / piece;
    if (!make_room(t, pieces))
        return NULL;
    const int ran = read_lives(t) ? run(t, rows) : 0;
    if (ran < 0)
        return NULL;
    if (!ran || !add_up(t, rows, pieces) || !may_add(t))
        Py_RETURN_NONE;
    PyObject *total = PyFloat_FromDouble(t->totals[0]);
    if (total != NULL)
        write_grads(t, e);
    return total;
}

static PyObject *step(PyObject *self, PyObject *args)
{
    training *t = (training *)self;
    PyObject *rows, *optimiser;
    int clears;
    ending e;
    if (!PyArg_ParseTuple(args, "O!Op:step", &PyTuple_Type, &rows, &optimiser, &clears))
        return NULL;
    if (t->runs || t->path == NULL || !may_add(t))
        Py_RETURN_NONE;
    if (!read_ending(optimiser, clears, &e))
        return NULL;
    const size_t count = t->runs ? 0 : take_arguments(t, rows);
    if (count == 0)
        Py_RETURN_NONE;
    t->runs = 1;
    PyObject *total = step_of(t, count, &e);
    t->runs = 0;
    return total;
}

/* -- the type ---------------------------------------------------------------------------------------- */

static int clear(PyObject *self)
{
    training *t = (training *)self;
    if (t->runs) /* a thread that runs it has it: this is not garbage */
        return 0;
    Py_CLEAR(t->path);
    Py_CLEAR(t->lives);
    Py_CLEAR(t->by);
    return 0;
}

static int traverse(PyObject *self, visitproc visit, void *arg)
{
    const training *t = (training *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(t->path);
    Py_VISIT(t->lives);
    Py_VISIT(t->by);
    return 0;
}

/* All of it, once nobody has it. */
static int release(PyObject *self)
{
    training *t = (training *)self;
    clear(self);
    pg_free(t->parts);
    pg_free(t->inputs);
    pg_free(t->strides);
    pg_free(t->shared);
    pg_free(t->live_numbers);
    pg_free(t->uniforms);
    pg_free(t->lanes);
    pg_free(t->totals);
    return 0;
}

static void dealloc(PyObject *self)
{
    pg_end(self, release);
}

/* From (mapped, shape), shape None for a number, of at most so many numbers; false with an exception set. */
static int read_part(PyObject *given, size_t most, part *out)
{
    PyObject *shape;
    *out = (part){.axes = -1, .size = 1};
    if (!PyTuple_Check(given) || !PyArg_ParseTuple(given, "pO", &out->mapped, &shape)) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "a part is a tuple");
        return 0;
    }
    if (shape == Py_None)
        return 1;
    if (!PyTuple_Check(shape) || PyTuple_Size(shape) > MOST_AXES) {
        PyErr_SetString(PyExc_TypeError, "a shape is a tuple");
        return 0;
    }
    out->axes = (int)PyTuple_Size(shape);
    for (int i = 0; i < out->axes; i++) {
        const Py_ssize_t length = PyLong_AsSsize_t(PyTuple_GetItem(shape, i));
        if (length < 0 || (out->size != 0 && (size_t)length > most / out->size)) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_ValueError, "the numbers of a shape are inputs of the program");
            return 0;
        }
        out->shape[i] = length;
        out->size *= (size_t)length;
    }
    return 1;
}

static int read_parts(training *t, PyObject *given)
{
    t->count = (size_t)PyTuple_Size(given);
    t->parts = pg_alloc(t->count + 1, sizeof *t->parts);
    if (t->parts == NULL)
        return PyErr_NoMemory() != NULL;
    for (size_t i = 0; i < t->count; i++) {
        if (!read_part(PyTuple_GetItem(given, (Py_ssize_t)i), t->program->inputs, &t->parts[i]))
            return 0;
        t->numbers += t->parts[i].size; /* each is an input's at most: many parts are needed for too many */
    }
    return 1;
}

/* Memory for calls of a program that fits; false with an exception set. */
static int get_ready(training *t)
{
    const pg_program *p = t->program;
    if (t->numbers != p->inputs || (size_t)PyTuple_Size(t->lives) != p->lives || p->guards != 0 ||
        p->outputs != (size_t)PyTuple_Size(t->by) + 1) {
        PyErr_SetString(PyExc_ValueError, "a program of a training reads the numbers of rows, and has no guards");
        return 0;
    }
    t->inputs = pg_alloc(t->numbers + 1, sizeof *t->inputs);
    t->strides = pg_alloc(t->numbers + 1, sizeof *t->strides);
    t->shared = pg_alloc(t->numbers + 1, sizeof *t->shared);
    t->live_numbers = pg_alloc(p->lives + 1, sizeof *t->live_numbers);
    t->uniforms = pg_alloc(pg_uniform_bytes(p) + LINE, 1);
    t->lanes = pg_alloc(pg_lane_bytes(p) + LINE, 1);
    if (t->inputs == NULL || t->strides == NULL || t->shared == NULL || t->live_numbers == NULL ||
        t->uniforms == NULL || t->lanes == NULL)
        return PyErr_NoMemory() != NULL;
    for (size_t i = 0, at = 0; i < t->count; i++)
        for (size_t k = 0; k < t->parts[i].size; k++)
            t->strides[at++] = t->parts[i].mapped ? (ptrdiff_t)t->parts[i].size : 0;
    return 1;
}

static PyObject *new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *path, *address, *by, *parts;
    int mean;
    if (keywords != NULL || !PyArg_ParseTuple(args, "O!OO!O!p:Training", &PyTuple_Type, &path, &address, &PyTuple_Type,
                                              &by, &PyTuple_Type, &parts, &mean))
        return NULL;
    const pg_program *program = PyLong_AsVoidPtr(address);
    PyObject *lives = program == NULL ? NULL : PyTuple_GetItem(path, PG_PATH_LIVES);
    if (lives == NULL || !PyTuple_Check(lives) || !pg_require_values(lives, "lives are") ||
        !pg_require_values(by, "derivatives are by")) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "a path is a Path, and has a program");
        return NULL;
    }
    training *t = (training *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0); /* zeroed */
    if (t == NULL)
        return NULL;
    t->path = Py_NewRef(path);
    t->lives = Py_NewRef(lives);
    t->by = Py_NewRef(by);
    t->program = program;
    t->mean = mean;
    if (!read_parts(t, parts) || !get_ready(t))
        Py_CLEAR(t);
    return (PyObject *)t;
}

PyMethodDef pg_training_functions[] = {
    {"descend", descend, METH_VARARGS,
     "descend(root, step, zero_grad, /)\n--\n\n"
     "One reverse sweep from root and a step of an optimiser, (Parameters, rule, settings) or None, of which grads are "
     "set to 0.0 before, if zero_grad: all of it, or nothing if there is an exception."},
    {NULL, NULL, 0, NULL},
};

int pg_training_init(PyObject *module)
{
    static PyMethodDef methods[] = {
        {"step", step, METH_VARARGS,
         "step($self, rows, step, zero_grad, /)\n--\n\n"
         "The same from a tuple of arguments on: the total of their rows; None, with nothing done, for other arguments or "
         "where there is more to do."},
        {NULL, NULL, 0, NULL},
    };
    static PyType_Slot slots[] = {
        {Py_tp_doc, (void *)"Training(path, address, by, parts, mean)\n--\n\nSteps of a training loop on one path."},
        {Py_tp_new, (void *)new},
        {Py_tp_dealloc, (void *)dealloc},
        {Py_tp_traverse, (void *)traverse},
        {Py_tp_clear, (void *)clear},
        {Py_tp_methods, methods},
        {0, NULL},
    };
    static PyType_Spec spec = {"pygrad._native.Training", sizeof(training), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                               slots};
    PyObject *type = PyType_FromSpec(&spec);
    return type == NULL || PyModule_AddObjectRef(module, "Training", type) < 0 ? -1 : 0;
}
