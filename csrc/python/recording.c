/* recording.c: derivatives of what a function has recorded between its inputs and its outputs.
 *
 * A transform (pygrad/transform.py) runs the user's function on inputs that begin() made: leaves for
 * numbers, and for Values nodes of their own (identity) that lead on to them. Derivatives are numbers,
 * taken without leaving a trace in any .grad, or Values: where inputs came as Values, and where the
 * recording reaches an active input of another transform, one that runs around this one. */
#include "python/recording.h"

#include "python/convert.h"
#include "python/modes.h"
#include "python/sweeping.h"
#include "python/value.h"

int pg_active_inputs; /* those that are marked PG_ACTIVE */

/* -- numbers that are read ---------------------------------------------------------------------- */

/* Pairs of a Value and the line that read its number, or NULL; of all functions that this thread runs for transforms
 * now, one inside the other. */
static PG_THREAD_LOCAL PyObject *reads;
static PyObject *users_line; /* Python's function that says where the user's code is */
enum { MOST_READS = 8 };

static PyObject *set_users_line(PyObject *module, PyObject *function)
{
    (void)module;
    pg_set(&users_line, Py_NewRef(function));
    Py_RETURN_NONE;
}

int pg_note_read(PyObject *v)
{
    const pg_node *n = PG_NODE(v);
    if (pg_modes == NULL || pg_modes->inputs == 0 || users_line == NULL ||
        (n->op == PG_LEAF && !(n->flags & PG_ACTIVE)))
        return 1;
    if (reads == NULL && (reads = PyList_New(0)) == NULL)
        return 0;
    if (PyList_Size(reads) == MOST_READS)
        return 1;
    PyObject *line = PyObject_CallNoArgs(users_line);
    PyObject *pair = line == NULL ? NULL : PyTuple_Pack(2, v, line);
    int failed = pair == NULL || (reads != NULL && PyList_Append(reads, pair) < 0);
    Py_XDECREF(pair);
    Py_XDECREF(line);
    return !failed;
}

int pg_forget_reads(PyObject *children)
{
    for (Py_ssize_t i = reads == NULL ? 0 : PyList_Size(reads); i-- > 0;) {
        if (reads == NULL || i >= PyList_Size(reads)) /* what went may have run code of others */
            continue;
        PyObject *read = PyTuple_GetItem(PyList_GetItem(reads, i), 0);
        int stated = 0;
        for (Py_ssize_t k = 0; !stated && k < PyTuple_Size(children); k++)
            stated = PyTuple_GetItem(children, k) == read;
        if (stated && PyList_SetSlice(reads, i, i + 1, NULL) < 0)
            return 0;
    }
    return 1;
}

void pg_forget_all_reads(void)
{
    pg_set(&reads, NULL);
}

static PyObject *noted_reads(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    return Py_NewRef(reads == NULL ? Py_None : reads);
}

/* -- inputs ------------------------------------------------------------------------------------- */

/* A new reference to an input for a number or a Value. */
static PyObject *input_for(PyObject *object)
{
    if (!PG_IS_VALUE(object)) {
        double number;
        return pg_require_number(object, "an input", &number) ? pg_wrap(pg_born(pg_leaf(number))) : NULL;
    }
    if (!pg_require_built(object))
        return NULL;
    pg_node *n = PG_NODE(object);
    PyObject *input = pg_wrap(pg_born(pg_compute(PG_OP_identity, n, NULL, n->value)));
    if (input != NULL && n->flags & PG_SLOW && !pg_keep_operands(input, &object, 1))
        Py_CLEAR(input);
    return input;
}

PyObject *pg_inputs_for(PyObject *points)
{
    if (!PyTuple_Check(points))
        return PyErr_Format(PyExc_TypeError, "begin() takes a tuple, not %R", Py_TYPE(points));
    Py_ssize_t count = PyTuple_Size(points);
    PyObject *inputs = PyTuple_New(count);
    for (Py_ssize_t i = 0; inputs != NULL && i < count; i++) {
        PyObject *input = input_for(PyTuple_GetItem(points, i));
        if (input == NULL)
            Py_CLEAR(inputs);
        else
            PyTuple_SetItem(inputs, i, input);
    }
    return inputs;
}

void pg_activate(PyObject *inputs)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(inputs); i++, pg_active_inputs++)
        PG_NODE(PyTuple_GetItem(inputs, i))->flags |= PG_ACTIVE;
}

void pg_retire(PyObject *inputs)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(inputs); i++, pg_active_inputs--) {
        pg_node *n = PG_NODE(PyTuple_GetItem(inputs, i));
        n->flags = (uint8_t)(n->flags & ~PG_ACTIVE);
    }
}

/* Whether a transform is running a function now, in any thread. */
static PyObject *any_active(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    return PyBool_FromLong(pg_active_inputs != 0);
}

/* -- derivatives -------------------------------------------------------------------------------- */

enum { NUMBERS, VALUES, AS_REACHED }; /* what the results shall be */

/* Derivatives between outputs and inputs, on one way. Node pointers are borrowed from the tuples. */
typedef struct {
    pg_way way;
    pg_node *root;         /* owned: a sum of the outputs */
    pg_node **from, **to;  /* where seeds go in, where derivatives come out */
    size_t seeds, results; /* how many of each */
    pg_sweep *sweep;
    pg_adjoint *adjoint;   /* NULL if the results are numbers */
    double *numbers;       /* the seeds, and in place of some of them nodes */
    pg_node **nodes;
} derivation;

static int has_given_partials(const pg_node *n)
{
    return n->op == PG_PARTIALS && n->of.many->given != NULL;
}

/* Whether the order, its own inputs in front left out, has an input of a transform that runs around this one; or
 * may have one below partial derivatives given as Values, which are not in the order. */
static int reaches_active(const pg_sweep *s, size_t own)
{
    int others = pg_active_inputs;
    for (size_t i = 0; i < own; i++)
        others -= (pg_sweep_node(s, i)->flags & PG_ACTIVE) != 0;
    for (size_t i = own; others != 0 && i < pg_sweep_count(s); i++)
        if (pg_sweep_node(s, i)->flags & PG_ACTIVE || has_given_partials(pg_sweep_node(s, i)))
            return 1;
    return 0;
}

/* Marks by their grads, which the sweep gives back, the nodes that were computed from its own inputs in front. */
static void mark_connected(pg_sweep *s, size_t own)
{
    for (size_t i = 0; i < pg_sweep_count(s); i++) {
        pg_node *n = pg_sweep_node(s, i);
        int connected = i < own || has_given_partials(n);
        for (size_t k = 0; !connected && k < pg_operand_count(n); k++)
            connected = pg_operand(n, k)->grad != 0.0;
        n->grad = connected;
    }
}

static PyObject *marks_of(pg_node *const *nodes, size_t count)
{
    PyObject *marks = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; marks != NULL && i < count; i++)
        PyTuple_SetItem(marks, (Py_ssize_t)i, PyBool_FromLong(nodes[i]->grad != 0.0));
    return marks;
}

/* Of each output whether it was computed from an input. */
static PyObject *connected(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *outputs, *inputs, *marks = NULL;
    if (!PyArg_ParseTuple(args, "O!O!:connected", &PyTuple_Type, &outputs, &PyTuple_Type, &inputs))
        return NULL;
    pg_node **outs = pg_nodes_of(outputs, "outputs must be");
    pg_node **ins = outs == NULL ? NULL : pg_nodes_of(inputs, "inputs must be");
    if (ins != NULL) {
        size_t own = (size_t)PyTuple_Size(inputs), count = (size_t)PyTuple_Size(outputs);
        pg_node *root = pg_compute_many(PG_SUM, outs, count, 0.0, NULL, NULL);
        pg_sweep *s = root == NULL ? (pg_sweep *)(void *)PyErr_NoMemory() : pg_sorted(root, 1, ins, own);
        if (s != NULL) {
            mark_connected(s, own);
            marks = marks_of(outs, count);
            pg_give_up(s);
        }
        if (root != NULL)
            pg_release(root);
    }
    pg_free(ins);
    pg_free(outs);
    return marks;
}

/* The row whose only seed is 1, at an index. */
static int read_unit(derivation *d, PyObject *index)
{
    size_t at = PyLong_AsSize_t(index);
    if (at >= d->seeds) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_IndexError, "there are %zu seeds, so none with index %zu", d->seeds, at);
        return 0;
    }
    for (size_t i = 0; i < d->seeds; i++) {
        d->numbers[i] = i == at ? 1.0 : 0.0;
        d->nodes[i] = NULL;
    }
    return 1;
}

/* One row of seeds, checked and taken apart: a tuple, or an index. */
static int read_seeds(derivation *d, PyObject *row)
{
    if (PyLong_Check(row))
        return read_unit(d, row);
    if (!PyTuple_Check(row) || (size_t)PyTuple_Size(row) != d->seeds) {
        PyErr_Format(PyExc_ValueError, "a row of seeds must be a tuple of %zu or an index", d->seeds);
        return 0;
    }
    for (size_t i = 0; i < d->seeds; i++) {
        PyObject *seed = PyTuple_GetItem(row, (Py_ssize_t)i);
        d->nodes[i] = NULL;
        if (!PG_IS_VALUE(seed)) {
            if (!pg_require_number(seed, "a seed", &d->numbers[i]))
                return 0;
            continue;
        }
        if (!pg_require_built(seed))
            return 0;
        d->nodes[i] = PG_NODE(seed);
        d->numbers[i] = PG_NODE(seed)->value;
    }
    return 1;
}

/* Goes the way once, for the seeds that were read. */
static int go(derivation *d)
{
    if (d->adjoint != NULL) {
        pg_status status = pg_adjoint_begin(d->adjoint, d->way, d->numbers, d->nodes);
        return status == PG_OK ? pg_go_on(d->adjoint) : (pg_raise(status), 0);
    }
    if (d->way == PG_REVERSE) {
        pg_sweep_begin_below(d->sweep, d->numbers);
        return pg_go_back(d->sweep);
    }
    pg_sweep_begin_forward(d->sweep, d->numbers);
    return pg_go_forward(d->sweep);
}

static PyObject *result_row(const derivation *d)
{
    PyObject *row = PyTuple_New((Py_ssize_t)d->results);
    for (size_t i = 0; row != NULL && i < d->results; i++) {
        PyObject *item = d->adjoint != NULL ? pg_wrap(pg_adjoint_at(d->adjoint, d->to[i]))
                                            : PyFloat_FromDouble(d->to[i]->grad);
        if (item == NULL)
            Py_CLEAR(row);
        else
            PyTuple_SetItem(row, (Py_ssize_t)i, item);
    }
    return row;
}

static PyObject *result_rows(derivation *d, PyObject *seeds)
{
    PyObject *rows = PyList_New(0);
    for (Py_ssize_t k = 0; rows != NULL && k < PyTuple_Size(seeds); k++) {
        PyObject *row = read_seeds(d, PyTuple_GetItem(seeds, k)) && go(d) ? result_row(d) : NULL;
        for (size_t i = 0; row != NULL && d->adjoint != NULL && i < d->seeds; i++)
            if (d->nodes[i] != NULL)
                pg_keep(d->nodes[i]);
        if (row == NULL || PyList_Append(rows, row) < 0)
            Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    return rows;
}

/* Sorts, decides what the results will be, and goes once for each row of seeds: a pair, whether they are
 * Values, and the rows of results. */
static PyObject *derive(derivation *d, PyObject *seeds, int stop, int kind)
{
    pg_node **inputs = d->way == PG_REVERSE ? d->to : d->from;
    size_t count = d->way == PG_REVERSE ? d->results : d->seeds;
    d->sweep = pg_sorted(d->root, kind != VALUES, inputs, stop ? count : 0);
    if (d->sweep == NULL)
        return NULL;
    PyObject *rows = NULL;
    if (kind == VALUES || (kind == AS_REACHED && reaches_active(d->sweep, count))) {
        d->adjoint = pg_ready_adjoint(d->sweep, inputs, count);
        if (d->adjoint != NULL)
            rows = result_rows(d, seeds);
        if (rows != NULL)
            pg_keep_graph(d->sweep);
    } else {
        rows = result_rows(d, seeds);
    }
    int values = d->adjoint != NULL;
    pg_adjoint_close(d->adjoint);
    pg_give_up(d->sweep);
    return rows == NULL ? NULL : Py_BuildValue("(NN)", PyBool_FromLong(values), rows);
}

static PyObject *derivatives(pg_way way, PyObject *args, const char *format)
{
    PyObject *outputs, *inputs, *seeds, *rows = NULL;
    int stop, kind;
    if (!PyArg_ParseTuple(args, format, &PyTuple_Type, &outputs, &PyTuple_Type, &inputs, &PyTuple_Type, &seeds, &stop,
                          &kind))
        return NULL;
    pg_node **outs = pg_nodes_of(outputs, "outputs must be");
    pg_node **ins = outs == NULL ? NULL : pg_nodes_of(inputs, "inputs must be");
    if (ins != NULL) {
        size_t n_out = (size_t)PyTuple_Size(outputs), n_in = (size_t)PyTuple_Size(inputs);
        derivation d = {.way = way, .root = pg_compute_many(PG_SUM, outs, n_out, 0.0, NULL, NULL)};
        d.from = way == PG_REVERSE ? outs : ins;
        d.to = way == PG_REVERSE ? ins : outs;
        d.seeds = way == PG_REVERSE ? n_out : n_in;
        d.results = way == PG_REVERSE ? n_in : n_out;
        d.numbers = pg_alloc(d.seeds, sizeof *d.numbers);
        d.nodes = pg_alloc(d.seeds, sizeof *d.nodes);
        rows = d.root == NULL || d.numbers == NULL || d.nodes == NULL ? PyErr_NoMemory()
                                                                      : derive(&d, seeds, stop, kind);
        if (d.root != NULL)
            pg_release(d.root);
        pg_free(d.numbers);
        pg_free(d.nodes);
    }
    pg_free(ins);
    pg_free(outs);
    return rows;
}

static PyObject *reverse(PyObject *module, PyObject *args)
{
    (void)module;
    return derivatives(PG_REVERSE, args, "O!O!O!pi:reverse");
}

static PyObject *forward(PyObject *module, PyObject *args)
{
    (void)module;
    return derivatives(PG_FORWARD, args, "O!O!O!pi:forward");
}

PyMethodDef pg_recording_functions[] = {
    {"any_active", any_active, METH_NOARGS, "any_active()\n--\n\nWhether some transform is running a function."},
    {"set_users_line", set_users_line, METH_O,
     "set_users_line(function, /)\n--\n\nSet what says which line of the user runs."},
    {"noted_reads", noted_reads, METH_NOARGS,
     "noted_reads()\n--\n\nPairs of Values whose numbers were read while a transform ran a function, and lines; or None."},
    {"connected", connected, METH_VARARGS,
     "connected(outputs, inputs, /)\n--\n\nOf each output whether it was computed from an input."},
    {"reverse", reverse, METH_VARARGS,
     "reverse(outputs, inputs, seeds, stop, kind, /)\n--\n\n"
     "Whether the results are Values, and for each row of seeds, one per output, the derivatives by the inputs."},
    {"forward", forward, METH_VARARGS,
     "forward(outputs, inputs, seeds, stop, kind, /)\n--\n\n"
     "Whether the results are Values, and for each row of seeds, one per input, the derivatives of the outputs."},
    {NULL, NULL, 0, NULL},
};
