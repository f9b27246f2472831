/* loops.c: loops of a trace: leaves for the state while the body runs, then the body's program and a node. */
#include "python/loops.h"

#include "graph/index.h"
#include "program/derived.h"
#include "python/convert.h"
#include "python/recording.h"
#include "python/rules.h"
#include "python/sweeping.h"
#include "python/trace.h"
#include "python/value.h"

#include <stdlib.h>
#include <string.h>

/* -- the body runs ------------------------------------------------------------------------------ */

static PyObject *loop_active(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    const pg_running_trace *t = pg_trace_running();
    return PyBool_FromLong(t != NULL && t->loops != 0);
}

static PyObject *loop_begin(PyObject *module, PyObject *state)
{
    (void)module;
    pg_running_trace *t = pg_trace_running();
    if (t == NULL || !PyTuple_Check(state))
        return PyErr_Format(PyExc_RuntimeError, "loop_begin() takes a tuple, in a trace");
    if (!pg_require_values(state, "the state of a loop must be"))
        return NULL;
    const Py_ssize_t count = PyTuple_Size(state);
    PyObject *leaves = PyTuple_New(count);
    for (Py_ssize_t i = 0; leaves != NULL && i < count; i++) {
        PyObject *leaf = pg_wrap(pg_born(pg_leaf(PG_NODE(PyTuple_GetItem(state, i))->value)));
        if (leaf == NULL)
            Py_CLEAR(leaves);
        else
            PyTuple_SetItem(leaves, i, leaf);
    }
    if (leaves == NULL)
        return NULL;
    pg_activate(leaves);
    const int over = t->errors.over;
    t->errors.over = 1; /* nothing raises for a number that other trips do not have */
    t->loops++;
    return Py_BuildValue("(Ni)", leaves, over);
}

/* From now on, or for the time that the loop is made, whether they are refused. */
static void refuse(PyObject *leaves, int refused)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(leaves); i++) {
        pg_node *n = PG_NODE(PyTuple_GetItem(leaves, i));
        n->flags = (uint8_t)(refused ? n->flags | PG_ESCAPED : n->flags & ~PG_ESCAPED);
    }
}

static PyObject *loop_end(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *leaves;
    int over;
    if (!PyArg_ParseTuple(args, "O!i:loop_end", &PyTuple_Type, &leaves, &over))
        return NULL;
    pg_running_trace *t = pg_trace_running();
    pg_retire(leaves);
    refuse(leaves, 1);
    if (t != NULL) {
        t->errors.over = over;
        t->loops--;
    }
    Py_RETURN_NONE;
}

/* -- the body's program --------------------------------------------------------------------------- */

/* What a node of the order is computed from: numbers, what is outside the body, the state. */
enum { OF_NUMBERS, OUTSIDE, OF_STATE, CAPTURED };

/* What was found of the order, and the nodes outside that the body uses. */
typedef struct {
    pg_index index;
    uint8_t *kinds;
    pg_node **inputs;      /* the leaves, then the captured ones; borrowed */
    size_t count;
} capture;

static void note_use(capture *c, pg_node *n)
{
    size_t place;
    if (!pg_index_find(&c->index, n, &place) || c->kinds[place] != OUTSIDE)
        return;
    c->kinds[place] = CAPTURED;
    c->inputs[c->count++] = n;
}

int pg_require_alive(pg_node *n)
{
    if ((n->flags & PG_ESCAPED) != PG_ESCAPED)
        return 1;
    PyObject *v = pg_value_of(n);
    if (v != NULL)
        pg_trace_refuse("of a loop", v, Py_None);
    Py_XDECREF(v);
    return 0;
}

/* The kind of node i; -1 with TraceError set where it is the state of a loop that has ended. */
static int kind_of(const capture *c, const pg_sweep *s, size_t i, size_t leaves)
{
    pg_node *n = pg_sweep_node(s, i);
    if (i < leaves)
        return OF_STATE;
    if (!(n->flags & PG_TRACED))
        return OUTSIDE;
    if (!pg_require_alive(n))
        return -1;
    if (n->op == PG_LEAF)
        return n->flags & PG_ACTIVE ? OUTSIDE : OF_NUMBERS;
    int kind = n->flags & PG_ACTIVE ? OUTSIDE : OF_NUMBERS; /* an input that was given as a Value is no leaf */
    for (size_t k = 0; k < pg_operand_count(n); k++) {
        size_t place;
        if (!pg_index_find(&c->index, pg_operand(n, k), &place))
            continue;
        const int of = c->kinds[place] == CAPTURED ? OUTSIDE : c->kinds[place];
        kind = of > kind ? of : kind;
    }
    return kind;
}

/* Fills in what the body captures; false with an exception set. */
static int find_captures(capture *c, const pg_sweep *s, pg_node *root, size_t leaves)
{
    const size_t count = pg_sweep_count(s) - 1; /* without the root */
    for (size_t i = 0; i < count; i++) {
        pg_node *n = pg_sweep_node(s, i);
        const int kind = kind_of(c, s, i, leaves);
        if (kind < 0)
            return 0;
        c->kinds[i] = (uint8_t)kind;
        pg_index_put(&c->index, n, i);
        for (size_t k = 0; kind == OF_STATE && i >= leaves && k < pg_operand_count(n); k++)
            note_use(c, pg_operand(n, k));
    }
    for (size_t k = 0; k < pg_operand_count(root); k++)
        note_use(c, pg_operand(root, k));
    return 1;
}

/* A node outside that a body uses: its place among the trace's inputs, or behind them; and which it was found as. */
typedef struct {
    size_t place, found;
    pg_node *node;
} placed;

static int compare_places(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    return x->place != y->place ? (x->place < y->place ? -1 : 1) : x->found < y->found ? -1 : x->found > y->found;
}

/* What inputs of transforms stand for, one in the other. */
static const pg_node *origin_of(const pg_node *n)
{
    while (n->op == PG_OP_identity)
        n = n->of.two.a;
    return n;
}

/* What is captured in the order of the trace's inputs, and what was computed behind them: so the numbers of an array stand
 * side by side, and what a body does with each of them can be done with several at a time. False with an exception
 * set. */
static int arrange_captures(capture *c, size_t leaves)
{
    const pg_running_trace *t = pg_trace_running();
    const size_t count = c->count - leaves, inputs = t == NULL ? 0 : (size_t)PyTuple_Size(t->inputs);
    pg_index index;
    if (count < 2 || inputs == 0)
        return 1;
    placed *all = pg_alloc(count, sizeof *all);
    if (all == NULL || !pg_index_open(&index, inputs)) {
        pg_free(all);
        return PyErr_NoMemory() != NULL;
    }
    for (size_t i = 0; i < inputs; i++)
        pg_index_put(&index, origin_of(PG_NODE(PyTuple_GetItem(t->inputs, (Py_ssize_t)i))), i);
    for (size_t i = 0; i < count; i++) {
        pg_node *n = c->inputs[leaves + i];
        size_t place;
        all[i] = (placed){pg_index_find(&index, origin_of(n), &place) ? place : inputs, i, n};
    }
    qsort(all, count, sizeof *all, compare_places);
    for (size_t i = 0; i < count; i++)
        c->inputs[leaves + i] = all[i].node;
    pg_index_close(&index);
    pg_free(all);
    return 1;
}

/* The sorted order of a body's results. */
static pg_sweep *sorted_body(pg_node *root, pg_node *const *leaves, size_t count)
{
    pg_sweep *s;
    pg_status status = pg_sweep_open(root, 0, &s);
    if (status != PG_OK)
        return (pg_sweep *)(void *)pg_raise(status);
    pg_mark_traced(root);
    pg_sweep_within_trace(s);
    if (pg_sort_fully(s, leaves, count))
        return s;
    pg_give_up(s);
    return NULL;
}

/* The leaves and what is captured into c; false with an exception set. Caller frees inputs. */
static int captures_of(capture *c, pg_node *const *leaves, size_t leaf_count, pg_node *const *results,
                       size_t result_count)
{
    *c = (capture){.count = 0};
    pg_node *root = pg_compute_many(PG_SUM, results, result_count, 0.0, NULL, NULL);
    pg_sweep *s = root == NULL ? (pg_sweep *)(void *)PyErr_NoMemory() : sorted_body(root, leaves, leaf_count);
    int found = 0;
    if (s != NULL) {
        const size_t count = pg_sweep_count(s);
        c->kinds = pg_alloc(count + 1, 1);
        c->inputs = pg_alloc(count + 1, sizeof *c->inputs);
        if (c->kinds == NULL || c->inputs == NULL || !pg_index_open(&c->index, count)) {
            PyErr_NoMemory();
        } else {
            for (size_t i = 0; i < leaf_count; i++)
                c->inputs[c->count++] = leaves[i];
            found = find_captures(c, s, root, leaf_count) && arrange_captures(c, leaf_count);
            pg_index_close(&c->index);
            if (found && pg_rules != 0)
                pg_keep_graph(s); /* its rules, which Values hold: see kept.h */
        }
        pg_free(c->kinds);
        pg_give_up(s);
    }
    if (root != NULL)
        pg_release(root);
    return found;
}

/* -- the loop's node ------------------------------------------------------------------------------ */

PyObject *pg_loop_refused(pg_status status, pg_node *opaque)
{
    if (status != PG_OPAQUE)
        return pg_raise(status);
    PyObject *v = pg_value_of(opaque);
    if (v != NULL)
        pg_trace_refuse("opaque", v, Py_None);
    Py_XDECREF(v);
    return NULL;
}

static PyObject *values_of(pg_node **items, size_t count)
{
    PyObject *values = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; i < count; i++) {
        pg_node *n = PG_NO_GRAD ? pg_stopped(items[i]) : items[i];
        PyObject *v = n == NULL ? PyErr_NoMemory() : pg_wrap(n);
        if (v == NULL || values == NULL) {
            Py_XDECREF(v);
            Py_CLEAR(values);
        } else {
            PyTuple_SetItem(values, (Py_ssize_t)i, v);
        }
    }
    return values;
}

/* What a body was traced on, and what it has made of that. */
typedef struct {
    size_t state, given, known, made; /* the first three are leaves, in this order */
    int counts;
    double most;
    pg_scan scan;
    capture found;
    pg_node **inputs, **outcome;
} traced_body;

/* The leaves in the order that a body has its inputs in: what is captured comes behind the state. */
static void arrange_inputs(traced_body *t)
{
    const size_t leaves = t->state + t->given + t->known, captured = t->found.count - leaves;
    for (size_t i = 0; i < t->state; i++)
        t->inputs[i] = t->found.inputs[i];
    for (size_t i = 0; i < captured; i++)
        t->inputs[t->state + i] = t->found.inputs[leaves + i];
    for (size_t i = t->state; i < leaves; i++)
        t->inputs[captured + i] = t->found.inputs[i];
}

PyObject *pg_loop_values(pg_body *body, pg_node *const *operands)
{
    pg_loop *loop = pg_loop_make(body, NULL, NULL);
    pg_node **items = loop == NULL ? NULL : pg_alloc(loop->base.results, sizeof *items);
    PyObject *values = NULL;
    if (items == NULL) {
        PyErr_NoMemory();
    } else {
        pg_status status;
        pg_node *made = pg_loop_node(loop, operands, items, &status);
        values = made == NULL ? pg_raise(status) : values_of(items, loop->base.results);
        for (size_t i = 0; made != NULL && i < loop->base.operands; i++)
            pg_keep(operands[i]);
        if (made != NULL)
            pg_release(made);
    }
    pg_loop_release(loop);
    pg_free((void *)items);
    return values;
}

/* The results of a loop whose body is made, which it takes over, as Values. */
static PyObject *node_of(pg_body *body, const traced_body *t, PyObject *state, PyObject *control, PyObject *columns)
{
    const size_t n = body->state, m = body->captured, items_given = body->scan.given * body->scan.length;
    pg_node **operands = pg_alloc(n + 1 + m + items_given, sizeof *operands);
    if (operands == NULL) {
        pg_body_release(body);
        return PyErr_NoMemory();
    }
    for (size_t i = 0; i < n; i++)
        operands[i] = PG_NODE(PyTuple_GetItem(state, (Py_ssize_t)i));
    operands[n] = PG_NODE(control);
    for (size_t i = 0; i < m; i++)
        operands[n + 1 + i] = t->inputs[n + i];
    for (size_t i = 0; i < items_given; i++)
        operands[n + 1 + m + i] = PG_NODE(PyTuple_GetItem(columns, (Py_ssize_t)i));
    PyObject *values = pg_loop_values(body, operands);
    pg_free((void *)operands);
    return values;
}

/* The loop whose body has made results of leaves, and whose columns are in t. */
static PyObject *made_of(traced_body *t, PyObject *leaves, PyObject *results, PyObject *state, PyObject *control,
                         PyObject *columns)
{
    const size_t count = t->state + t->given + t->known, result_count = (size_t)PyTuple_Size(results);
    pg_node **nodes = pg_alloc(count + 1, sizeof *nodes), *opaque = NULL;
    PyObject *values = NULL;
    refuse(leaves, 0); /* some may be results */
    t->outcome = pg_nodes_of(results, "results of a loop must be");
    for (size_t i = 0; nodes != NULL && i < count; i++)
        nodes[i] = PG_NODE(PyTuple_GetItem(leaves, (Py_ssize_t)i));
    if (nodes == NULL && t->outcome != NULL)
        PyErr_NoMemory();
    if (t->outcome != NULL && nodes != NULL && captures_of(&t->found, nodes, count, t->outcome, result_count)) {
        pg_status status;
        t->inputs = pg_alloc(t->found.count + 1, sizeof *t->inputs);
        if (t->inputs == NULL) {
            PyErr_NoMemory();
        } else {
            arrange_inputs(t);
            pg_body *body = pg_scan_body(t->inputs, t->state, t->found.count - count, t->outcome, result_count,
                                         t->counts, t->most, &t->scan, &status, &opaque);
            values = body == NULL ? pg_loop_refused(status, opaque) : node_of(body, t, state, control, columns);
        }
    }
    refuse(leaves, 1);
    pg_free((void *)t->found.inputs);
    pg_free((void *)t->inputs);
    pg_free((void *)t->outcome);
    pg_free((void *)nodes);
    return values;
}

/* Whether a loop can be made of these; false with an exception set. */
static int is_fit(PyObject *control, PyObject *state, int fits)
{
    if (pg_trace_running() == NULL || !fits) {
        PyErr_Format(PyExc_ValueError, "a result for each number of the state, and whether it goes on, in a trace");
        return 0;
    }
    if (PG_IS_VALUE(control) && pg_require_built(control) && pg_require_values(state, "the state of a loop must be"))
        return 1;
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "a loop goes on as a Value says");
    return 0;
}

static PyObject *loop_made(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *leaves, *results, *state, *control;
    traced_body t = {.state = 0};
    if (!PyArg_ParseTuple(args, "O!O!O!Oid:loop_made", &PyTuple_Type, &leaves, &PyTuple_Type, &results, &PyTuple_Type,
                          &state, &control, &t.counts, &t.most))
        return NULL;
    t.state = (size_t)PyTuple_Size(leaves);
    if (!is_fit(control, state,
                (size_t)PyTuple_Size(results) == t.state + !t.counts && (size_t)PyTuple_Size(state) == t.state))
        return NULL;
    return made_of(&t, leaves, results, state, control, NULL);
}

/* Numbers of the columns that are known, one after the other, into t; false with an exception set. */
static int read_known(traced_body *t, PyObject *numbers)
{
    const size_t count = t->known * t->scan.length;
    if ((size_t)PyBytes_Size(numbers) != count * sizeof(double)) {
        PyErr_Format(PyExc_ValueError, "columns of a scan that are known have a number for each trip");
        return 0;
    }
    t->scan.known = t->known;
    t->scan.numbers = count == 0 ? NULL : pg_columns_make(count);
    if (count == 0)
        return 1;
    if (t->scan.numbers == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    memcpy(t->scan.numbers->at, PyBytes_AsString(numbers), count * sizeof(double));
    return 1;
}

static PyObject *scan_made(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *leaves, *results, *state, *control, *columns, *numbers, *values = NULL;
    Py_ssize_t length;
    traced_body t = {.state = 0};
    if (!PyArg_ParseTuple(args, "O!O!O!OiO!Snp:scan_made", &PyTuple_Type, &leaves, &PyTuple_Type, &results,
                          &PyTuple_Type, &state, &control, &t.counts, &PyTuple_Type, &columns, &numbers, &length,
                          &t.scan.reverse))
        return NULL;
    t.state = (size_t)PyTuple_Size(state);
    t.scan.length = (size_t)length;
    t.most = (double)length;
    const size_t inputs = (size_t)PyTuple_Size(leaves), outcome = (size_t)PyTuple_Size(results);
    const size_t items = (size_t)PyTuple_Size(columns), rest = t.state + !t.counts;
    int fits = length > 0 && items % (size_t)length == 0 && outcome >= rest;
    t.given = length > 0 ? items / (size_t)length : 0;
    fits = fits && inputs >= t.state + t.given;
    t.known = inputs - t.state - t.given;
    t.scan.given = t.given;
    t.scan.made = outcome - rest;
    if (is_fit(control, state, fits) && pg_require_values(columns, "what a scan is given must be") &&
        read_known(&t, numbers))
        values = made_of(&t, leaves, results, state, control, columns);
    pg_columns_release(t.scan.numbers);
    return values;
}

PyMethodDef pg_loop_functions[] = {
    {"loop_active", loop_active, METH_NOARGS, "loop_active()\n--\n\nWhether this thread traces the body of a loop."},
    {"loop_begin", loop_begin, METH_O,
     "loop_begin(state, /)\n--\n\n"
     "Values for a body to run on, of these numbers, and what loop_end is to be told. Nothing raises until then."},
    {"loop_end", loop_end, METH_VARARGS, "loop_end(leaves, over, /)\n--\n\nThe body has run."},
    {"loop_made", loop_made, METH_VARARGS,
     "loop_made(leaves, results, state, control, counts, most, /)\n--\n\n"
     "The state at last, and the number of trips, of a loop whose body has made results of leaves and which begins with\n"
     "state: as many trips as control says, or, if it does not count, as long as the last result is not 0."},
    {"scan_made", scan_made, METH_VARARGS,
     "scan_made(leaves, results, state, control, counts, columns, known, length, reverse, /)\n--\n\n"
     "The same of a scan, whose leaves are the state, then a number of each column, of Values, then one of those that\n"
     "are known. Results are the new state, whether it goes on if it does not count, and what a trip makes, of which\n"
     "there is a column behind the number of trips."},
    {NULL, NULL, 0, NULL},
};
