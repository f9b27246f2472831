/* loops.c: loops of a trace: leaves for the state while the body runs, then the body's program and a node. */
#include "python/loops.h"

#include "graph/index.h"
#include "program/derived.h"
#include "python/convert.h"
#include "python/recording.h"
#include "python/sweeping.h"
#include "python/trace.h"
#include "python/value.h"

/* -- the body runs ------------------------------------------------------------------------------ */

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

/* The kind of node i; -1 with TraceError set where it is the state of a loop that has ended. */
static int kind_of(const capture *c, const pg_sweep *s, size_t i, size_t leaves)
{
    pg_node *n = pg_sweep_node(s, i);
    if (i < leaves)
        return OF_STATE;
    if (!(n->flags & PG_TRACED))
        return OUTSIDE;
    if ((n->flags & PG_ESCAPED) == PG_ESCAPED) {
        PyObject *v = pg_value_of(n);
        if (v != NULL)
            pg_trace_refuse("of a loop", v, Py_None);
        Py_XDECREF(v);
        return -1;
    }
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
            found = find_captures(c, s, root, leaf_count);
            pg_index_close(&c->index);
        }
        pg_free(c->kinds);
        pg_give_up(s);
    }
    if (root != NULL)
        pg_release(root);
    return found;
}

/* -- the loop's node ------------------------------------------------------------------------------ */

static PyObject *failed(pg_status status, pg_node *opaque)
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

/* The results of a loop whose body is made, as Values. */
static PyObject *node_of(pg_body *body, const capture *c, PyObject *state, PyObject *control)
{
    const size_t n = body->state, m = body->captured;
    pg_loop *loop = pg_loop_make(body, NULL, NULL);
    pg_node **operands = pg_alloc(n + 1 + m, sizeof *operands), **items = pg_alloc(n + 1, sizeof *items);
    PyObject *values = NULL;
    if (loop == NULL || operands == NULL || items == NULL) {
        PyErr_NoMemory();
    } else {
        for (size_t i = 0; i < n; i++)
            operands[i] = PG_NODE(PyTuple_GetItem(state, (Py_ssize_t)i));
        operands[n] = PG_NODE(control);
        for (size_t i = 0; i < m; i++)
            operands[n + 1 + i] = c->inputs[n + i];
        pg_status status;
        pg_node *made = pg_loop_node(loop, operands, items, &status);
        values = made == NULL ? pg_raise(status) : values_of(items, n + 1);
        for (size_t i = 0; made != NULL && i < n + 1 + m; i++)
            pg_keep(operands[i]);
        if (made != NULL)
            pg_release(made);
    }
    pg_loop_release(loop);
    pg_free((void *)operands);
    pg_free((void *)items);
    return values;
}

static PyObject *loop_made(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *leaves, *results, *state, *control, *values = NULL;
    int counts;
    double most;
    if (!PyArg_ParseTuple(args, "O!O!O!Oid:loop_made", &PyTuple_Type, &leaves, &PyTuple_Type, &results, &PyTuple_Type,
                          &state, &control, &counts, &most))
        return NULL;
    const size_t n = (size_t)PyTuple_Size(leaves);
    if (pg_trace_running() == NULL || (size_t)PyTuple_Size(results) != n + !counts || (size_t)PyTuple_Size(state) != n)
        return PyErr_Format(PyExc_ValueError,
                            "a result for each number of the state, and whether it goes on, in a trace");
    if (!PG_IS_VALUE(control) || !pg_require_built(control) || !pg_require_values(state, "the state of a loop must be"))
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "a loop goes on as a Value says");
    refuse(leaves, 0); /* some may be results */
    pg_node **outcome = pg_nodes_of(results, "results of a loop must be");
    pg_node **inputs = pg_alloc(n + 1, sizeof *inputs), *opaque = NULL;
    capture c = {.count = 0};
    for (size_t i = 0; inputs != NULL && i < n; i++)
        inputs[i] = PG_NODE(PyTuple_GetItem(leaves, (Py_ssize_t)i));
    if (inputs == NULL && outcome != NULL)
        PyErr_NoMemory();
    if (outcome != NULL && inputs != NULL && captures_of(&c, inputs, n, outcome, n + !counts)) {
        pg_status status;
        pg_body *body = pg_body_of(c.inputs, n, c.count - n, outcome, n + !counts, counts, most, &status, &opaque);
        values = body == NULL ? failed(status, opaque) : node_of(body, &c, state, control);
    }
    refuse(leaves, 1);
    pg_free((void *)c.inputs);
    pg_free((void *)inputs);
    pg_free((void *)outcome);
    return values;
}

PyMethodDef pg_loop_functions[] = {
    {"loop_begin", loop_begin, METH_O,
     "loop_begin(state, /)\n--\n\n"
     "Values for a body to run on, of these numbers, and what loop_end is to be told. Nothing raises until then."},
    {"loop_end", loop_end, METH_VARARGS, "loop_end(leaves, over, /)\n--\n\nThe body has run."},
    {"loop_made", loop_made, METH_VARARGS,
     "loop_made(leaves, results, state, control, counts, most, /)\n--\n\n"
     "The state at last, and the number of trips, of a loop whose body has made results of leaves and which begins with\n"
     "state: as many trips as control says, or, if it does not count, as long as the last result is not 0."},
    {NULL, NULL, 0, NULL},
};
