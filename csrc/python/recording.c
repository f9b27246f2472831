/* recording.c: derivatives of what a function has recorded between its inputs and its outputs.
 *
 * A transform (pygrad/transform.py) runs the user's function on inputs that begin() made: leaves for
 * numbers, and for Values nodes of their own (identity) that lead on to them. Derivatives are numbers,
 * taken without leaving a trace in any .grad, or Values: where inputs came as Values, and where they
 * depend on a Value outside (see outside.h). */
#include "python/recording.h"

#include "python/convert.h"
#include "python/interrupts.h"
#include "python/modes.h"
#include "python/outside.h"
#include "python/rules.h"
#include "python/singular.h"
#include "python/sweeping.h"
#include "python/unwrapped.h"
#include "python/value.h"

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
    if (pg_modes == NULL || pg_modes->inputs == 0 || pg_watcher_runs || users_line == NULL ||
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
    pg_births++;
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

enum { NUMBERS, VALUES, AS_REACHED, UNWRAPPED }; /* what the results shall be */

/* Derivatives between outputs and inputs, on one way. Node pointers are borrowed from the tuples. */
typedef struct {
    pg_way way;
    pg_node *root;         /* owned: a sum of the outputs */
    pg_node **from, **to;  /* where seeds go in, where derivatives come out */
    size_t seeds, results; /* how many of each */
    pg_run run;
    int reached;           /* results depend on a Value outside, or may */
    pg_sweep *sweep;
    pg_adjoint *adjoint;   /* NULL if the results are numbers */
    double *numbers;       /* the seeds, and in place of some of them nodes */
    pg_node **nodes;
    int as_numbers;        /* results are numbers, though there is an adjoint */
    int unwrapped;         /* they are nodes in a capsule in the place of Values */
    int several;           /* nodes with several results are on the way */
    int told;              /* that a derivative is not to be relied on */
} derivation;

static int has_given_partials(const pg_node *n)
{
    return n->op == PG_PARTIALS && n->of.many->given != NULL;
}

/* Marks by their grads, which the sweep gives back, the nodes that were computed from its own inputs in front. */
static void mark_connected(pg_sweep *s, size_t own)
{
    for (size_t i = 0; i < pg_sweep_count(s); i++) {
        pg_node *n = pg_sweep_node(s, i);
        int connected = i < own || has_given_partials(n);
        for (size_t k = 0; !connected && !pg_is_sealed(n->op) && k < pg_operand_count(n); k++)
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

static int go_once(derivation *d)
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

/* Goes the way once, for the seeds that were read. */
static int go(derivation *d)
{
    int reverse = d->way == PG_REVERSE;
    const unsigned before = pg_suppressed;
    return go_once(d) && (d->several || pg_tell_singular(before, d->sweep, d->way, reverse ? d->to : d->from,
                                                         reverse ? d->results : d->seeds, d->numbers, &d->told));
}

static PyObject *result_row(const derivation *d)
{
    PyObject *row = PyTuple_New((Py_ssize_t)d->results);
    for (size_t i = 0; row != NULL && i < d->results; i++) {
        PyObject *item = d->adjoint == NULL ? PyFloat_FromDouble(d->to[i]->grad)
                         : d->as_numbers    ? PyFloat_FromDouble(0.0 + pg_adjoint_value_at(d->adjoint, d->to[i]))
                                            : pg_wrap(pg_adjoint_at(d->adjoint, d->to[i]));
        if (item == NULL)
            Py_CLEAR(row);
        else
            PyTuple_SetItem(row, (Py_ssize_t)i, item);
    }
    return row;
}

/* The same as nodes of which no Value is made. */
static PyObject *unwrapped_row(const derivation *d)
{
    PyObject *row = pg_unwrapped(d->results);
    for (size_t i = 0; row != NULL && i < d->results; i++) {
        pg_node *n = pg_adjoint_at(d->adjoint, d->to[i]);
        if (n == NULL) {
            PyErr_NoMemory();
            Py_CLEAR(row);
        } else {
            pg_put_unwrapped(row, n);
        }
    }
    return row;
}

static PyObject *result_rows(derivation *d, PyObject *seeds)
{
    PyObject *rows = PyList_New(0);
    for (Py_ssize_t k = 0; rows != NULL && k < PyTuple_Size(seeds); k++) {
        PyObject *row = read_seeds(d, PyTuple_GetItem(seeds, k)) && go(d)
                            ? (d->unwrapped ? unwrapped_row(d) : result_row(d))
                            : NULL;
        for (size_t i = 0; row != NULL && d->adjoint != NULL && i < d->seeds; i++)
            if (d->nodes[i] != NULL)
                pg_keep(d->nodes[i]);
        if (row == NULL || PyList_Append(rows, row) < 0)
            Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    return rows;
}

static pg_node **inputs_of(const derivation *d, size_t *count)
{
    *count = d->way == PG_REVERSE ? d->results : d->seeds;
    return d->way == PG_REVERSE ? d->to : d->from;
}

/* Whether a partial derivative given as a Value in the order, which is given up meanwhile, depends on a Value outside;
 * -1 with an exception set, and then there may be no order. */
static int given_lead_outside(derivation *d)
{
    size_t own, count = 0;
    pg_node **inputs = inputs_of(d, &own);
    for (size_t i = 0; i < pg_sweep_count(d->sweep); i++)
        if (has_given_partials(pg_sweep_node(d->sweep, i)))
            count += pg_operand_count(pg_sweep_node(d->sweep, i));
    pg_node **given = pg_alloc(count, sizeof *given);
    if (given == NULL)
        return (PyErr_NoMemory(), -1);
    size_t found = 0;
    for (size_t i = 0; i < pg_sweep_count(d->sweep); i++)
        for (size_t k = 0; k < pg_operand_count(pg_sweep_node(d->sweep, i)); k++)
            if (pg_given_partial(pg_sweep_node(d->sweep, i), k) != NULL)
                given[found++] = pg_given_partial(pg_sweep_node(d->sweep, i), k);
    pg_give_up(d->sweep);
    int outside = pg_any_outside(given, found, inputs, own, &d->run);
    pg_free(given);
    d->sweep = outside < 0 ? NULL : pg_sorted(d->root, 1, inputs, own);
    return d->sweep == NULL ? -1 : outside;
}

/* Whether a node of the order has several results, and so derivatives that are nodes. */
static int has_several(const pg_sweep *s)
{
    for (size_t i = 0; i < pg_sweep_count(s); i++)
        if (pg_sweep_node(s, i)->op == PG_SEVERAL)
            return 1;
    return 0;
}

/* What the derivatives are to be, NUMBERS or VALUES, where that depends on what the function has used; -1 with an
 * exception set. */
static int kind_as_reached(derivation *d, pg_findings *found)
{
    size_t own;
    inputs_of(d, &own);
    if (!pg_find_outside(d->sweep, own, &d->run, found))
        return -1;
    if (found->given && !found->slopes) {
        found->slopes = given_lead_outside(d);
        if (found->slopes < 0)
            return -1;
    }
    d->reached = found->reached || found->slopes;
    return found->slopes ? VALUES : NUMBERS;
}

/* The derivatives as Values, where they depend on a Value outside, and numbers. */
static PyObject *settled_derivatives(derivation *d, PyObject *rows)
{
    size_t own;
    pg_node **inputs = inputs_of(d, &own);
    PyObject *returned = PyList_GetSlice(rows, 0, PyList_Size(rows)), *settled = NULL;
    if (returned != NULL && (d->run.returned == NULL || PyList_Append(returned, d->run.returned) == 0)) {
        pg_run run = pg_run_of(inputs, own, returned);
        settled = pg_settled(rows, inputs, own, &run);
        pg_run_close(&run);
    }
    Py_XDECREF(returned);
    return settled;
}

/* A derivative that cannot be a Value need not be one. */
static void name_another_cure(void)
{
    PyObject *error = pg_fetched();
    PyErr_Format(PyExc_TypeError,
                 "%S. The derivative depends on a Value that is no input of the transform; it is a number within "
                 "no_grad(), or where f uses stop_gradient() of that Value",
                 error);
    Py_XDECREF(error);
}

/* Sorts, decides what the results will be, and goes once for each row of seeds: a pair, whether they depend on a Value
 * outside or are all Values, and the rows of results. */
static PyObject *derive(derivation *d, PyObject *seeds, int stop, int kind)
{
    size_t count;
    pg_node **inputs = inputs_of(d, &count);
    const int as_reached = kind == AS_REACHED;
    d->unwrapped = kind == UNWRAPPED;
    if (d->unwrapped)
        kind = VALUES;
    pg_findings found = {0};
    d->sweep = pg_sorted(d->root, kind != VALUES, inputs, stop ? count : 0);
    if (d->sweep == NULL)
        return NULL;
    if (as_reached)
        kind = kind_as_reached(d, &found);
    d->several = (pg_traced_nodes != 0 || pg_rules != 0) && d->sweep != NULL && has_several(d->sweep);
    d->as_numbers = d->several && kind == NUMBERS;
    if (d->several && kind == NUMBERS)
        kind = VALUES;
    PyObject *rows = NULL;
    if (kind == VALUES) {
        d->adjoint = pg_ready_adjoint(d->sweep, inputs, count);
        if (d->adjoint != NULL && (found.constants || d->as_numbers))
            pg_adjoint_take_constants(d->adjoint);
        pg_numbers_alone += d->as_numbers;
        if (d->adjoint != NULL)
            rows = result_rows(d, seeds);
        pg_numbers_alone -= d->as_numbers;
        if (rows != NULL && !d->as_numbers)
            pg_keep_graph(d->sweep);
        else if (rows == NULL && found.slopes && PyErr_ExceptionMatches(PyExc_TypeError))
            name_another_cure();
    } else if (kind == NUMBERS) {
        rows = result_rows(d, seeds);
    }
    pg_adjoint_close(d->adjoint);
    if (d->sweep != NULL)
        pg_give_up(d->sweep);
    if (rows != NULL && as_reached && kind == VALUES && !d->as_numbers) {
        PyObject *settled = settled_derivatives(d, rows);
        Py_DECREF(rows);
        rows = settled;
    }
    return rows == NULL
               ? NULL
               : Py_BuildValue("(NN)", PyBool_FromLong(as_reached ? d->reached : kind == VALUES && !d->as_numbers),
                               rows);
}

static PyObject *derivatives(pg_way way, PyObject *args, const char *format)
{
    PyObject *outputs, *inputs, *seeds, *rows = NULL, *returned = NULL;
    int stop, kind;
    if (!PyArg_ParseTuple(args, format, &PyTuple_Type, &outputs, &PyTuple_Type, &inputs, &PyTuple_Type, &seeds, &stop,
                          &kind, &PyTuple_Type, &returned))
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
        d.run = pg_run_of(ins, n_in, returned);
        rows = d.root == NULL || d.numbers == NULL || d.nodes == NULL ? PyErr_NoMemory()
                                                                      : derive(&d, seeds, stop, kind);
        if (d.root != NULL)
            pg_release(d.root);
        pg_run_close(&d.run);
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
    return derivatives(PG_REVERSE, args, "O!O!O!pi|O!:reverse");
}

static PyObject *forward(PyObject *module, PyObject *args)
{
    (void)module;
    return derivatives(PG_FORWARD, args, "O!O!O!pi|O!:forward");
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
     "reverse(outputs, inputs, seeds, stop, kind, returned=(), /)\n--\n\n"
     "Whether the results are Values or may be, and for each row of seeds, one per output, the derivatives by the inputs."},
    {"forward", forward, METH_VARARGS,
     "forward(outputs, inputs, seeds, stop, kind, returned=(), /)\n--\n\n"
     "Whether the results are Values or may be, and for each row of seeds, one per input, the derivatives of the outputs."},
    {NULL, NULL, 0, NULL},
};
