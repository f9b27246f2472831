/* frontier.c: which values of a trace of rows are the same for all of them, though others of the outputs' are not; and
 * whether Jacobians are cheaper by way of these (preaccumulation: Griewank and Walther, Evaluating Derivatives, 2008,
 * chapter 10).
 *
 * The frontier parts outputs from inputs: it has each value that rows share and that one which they do not share is
 * computed from, each output that they share, and each input that they do not. So the derivative of an output by an input
 * is the sum, over the frontier, of two factors: back from the output to a value of the frontier and not through another,
 * for each row; and of that value by the input, once. What is taken to be shared decides on the cost alone: whatever
 * is not looked through is taken for what rows do not share. */
#include "python/frontier.h"

#include "graph/graph.h"
#include "graph/index.h"
#include "python/convert.h"
#include "python/sweeping.h"
#include "python/trace.h"
#include "python/value.h"

#include <math.h>
#include <string.h>

/* A product that is computed once a call is one number at a time, those of rows are whole vectors; and what runs over
 * rows has hundreds of them mostly. So much more may be done once to save a product in each row. */
enum { ONCE_FOR_ROWS = 16 };

enum { MOST_WORDS = 1 << 20 }; /* of sets; graphs that need more are left as they are */

enum { DEPENDS = 1, VARIES = 2, INPUT = 4, FRONTIER = 8 };

/* A sorted trace, and of each node in its order: what it is; by which inputs it has a derivative, if rows share it; and
 * of which outputs there is one by it. */
typedef struct {
    const pg_sweep *sweep;
    pg_index index;
    uint8_t *marks;
    uint64_t *by, *of;     /* words for each node */
    size_t by_words, of_words;
} survey;

static size_t size_of(const uint64_t *set, size_t words)
{
    size_t size = 0;
    for (size_t i = 0; i < words; i++)
        for (uint64_t rest = set[i]; rest != 0; rest &= rest - 1)
            size++;
    return size;
}

static void join(uint64_t *set, const uint64_t *other, size_t words)
{
    for (size_t i = 0; i < words; i++)
        set[i] |= other[i];
}

static void put(uint64_t *sets, size_t words, size_t place, size_t i)
{
    sets[place * words + i / 64] |= UINT64_C(1) << i % 64;
}

static size_t inner_nodes(const survey *v)
{
    return pg_sweep_count(v->sweep) - 1; /* without the root */
}

static int open_survey(survey *v, const pg_sweep *s, size_t inputs, size_t outputs)
{
    *v = (survey){.sweep = s, .by_words = inputs / 64 + 1, .of_words = outputs / 64 + 1};
    const size_t count = pg_sweep_count(s);
    v->marks = pg_alloc(count, sizeof *v->marks);
    v->by = pg_alloc(count, v->by_words * sizeof *v->by);
    v->of = pg_alloc(count, v->of_words * sizeof *v->of);
    if (v->marks == NULL || v->by == NULL || v->of == NULL || !pg_index_open(&v->index, count))
        return 0;
    memset(v->marks, 0, count);
    memset(v->by, 0, count * v->by_words * sizeof *v->by);
    memset(v->of, 0, count * v->of_words * sizeof *v->of);
    for (size_t i = 0; i < count; i++)
        pg_index_put(&v->index, pg_sweep_node(s, i), i);
    return 1;
}

static void close_survey(survey *v)
{
    pg_index_close(&v->index);
    pg_free(v->marks);
    pg_free(v->by);
    pg_free(v->of);
}

/* Ops whose derivatives of any order are finite where their operands and results are. Through others one may be infinite,
 * and has been added to others before the adjoint of a row could silence it: a reverse sweep multiplies by a 0 first, also
 * by one that several adjoints add up to. */
static int is_tame(const pg_node *n)
{
    switch (n->op) {
    case PG_LEAF:
    case PG_SUM:
    case PG_DOT:
    case PG_TAKE:
    case PG_SEARCH:
    case PG_OP_add:
    case PG_OP_sub:
    case PG_OP_mul:
    case PG_OP_neg:
    case PG_OP_identity:
    case PG_OP_exp:
    case PG_OP_expm1:
    case PG_OP_sin:
    case PG_OP_cos:
    case PG_OP_tan:
    case PG_OP_sinh:
    case PG_OP_cosh:
    case PG_OP_tanh:
    case PG_OP_sech2:
    case PG_OP_sigmoid:
    case PG_OP_sigmoid_dx:
    case PG_OP_softplus:
    case PG_OP_relu:
    case PG_OP_abs:
    case PG_OP_sign:
    case PG_OP_step:
    case PG_OP_maximum:
    case PG_OP_minimum:
    case PG_OP_greater:
    case PG_OP_less:
    case PG_OP_where:
    case PG_OP_stop_gradient:
        return 1;
    case PG_OP_pown: /* other exponents become negative, in a derivative of some order */
        return n->of.constant.k >= 1.0 && floor(n->of.constant.k) == n->of.constant.k;
    default:
        return pg_is_condition(n->op);
    }
}

/* Whether no derivative goes through a node, though it is computed from others. */
static int is_cut(const pg_node *n)
{
    return n->op == PG_OP_stop_gradient || pg_is_condition(n->op);
}

/* Marks inputs that rows do not share; whether one is there. */
static int mark_rows(survey *v, const pg_running_trace *t)
{
    int any = 0;
    const char *rows = PyBytes_AsString(t->rows);
    for (Py_ssize_t i = 0; i < PyTuple_Size(t->inputs); i++) {
        size_t place;
        if (!rows[i] || !pg_index_find(&v->index, PG_NODE(PyTuple_GetItem(t->inputs, i)), &place))
            continue;
        v->marks[place] |= VARIES;
        any = 1;
    }
    return any;
}

static void mark_inputs(survey *v, pg_node *const *inputs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t place;
        if (!pg_index_find(&v->index, inputs[i], &place))
            continue;
        v->marks[place] |= INPUT | DEPENDS;
        put(v->by, v->by_words, place, i);
    }
}

/* What a node has of its operands, which were looked at before. */
static void inherit(survey *v, size_t i)
{
    const pg_node *n = pg_sweep_node(v->sweep, i);
    size_t place;
    if (!is_tame(n) || n->flags & PG_HAS_CLOSURE)
        v->marks[i] |= VARIES;
    for (size_t k = 0; k < pg_operand_count(n); k++) {
        if (!pg_index_find(&v->index, pg_operand(n, k), &place))
            continue;
        v->marks[i] |= v->marks[place] & VARIES;
        if (v->marks[i] & INPUT || is_cut(n) || !(v->marks[place] & DEPENDS))
            continue;
        v->marks[i] |= DEPENDS;
        join(v->by + i * v->by_words, v->by + place * v->by_words, v->by_words);
    }
}

static int is_shared(const survey *v, size_t place)
{
    return (v->marks[place] & (DEPENDS | VARIES)) == DEPENDS;
}

/* Hands on of which outputs there is a derivative by a node, and marks what is at the frontier. */
static void hand_down(survey *v, size_t i)
{
    const pg_node *n = pg_sweep_node(v->sweep, i);
    size_t place;
    if (!(v->marks[i] & DEPENDS) || v->marks[i] & INPUT)
        return;
    for (size_t k = 0; k < pg_operand_count(n); k++) {
        if (!pg_index_find(&v->index, pg_operand(n, k), &place) || !(v->marks[place] & DEPENDS))
            continue;
        join(v->of + place * v->of_words, v->of + i * v->of_words, v->of_words);
        if (v->marks[i] & VARIES && (is_shared(v, place) || v->marks[place] & INPUT))
            v->marks[place] |= FRONTIER;
    }
}

static void mark_outputs(survey *v, pg_node *const *outputs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t place;
        if (!pg_index_find(&v->index, outputs[i], &place) || !(v->marks[place] & DEPENDS))
            continue;
        put(v->of, v->of_words, place, i);
        if (is_shared(v, place) || v->marks[place] & INPUT)
            v->marks[place] |= FRONTIER;
    }
}

/* Products by which derivatives pass a node that rows share, on the way of one sweep over it and over what is in
 * sets by its operands. */
static size_t passing(const survey *v, size_t i, size_t *once)
{
    const pg_node *n = pg_sweep_node(v->sweep, i);
    size_t operands = 0, place;
    for (size_t k = 0; k < pg_operand_count(n); k++) {
        if (!pg_index_find(&v->index, pg_operand(n, k), &place) || !(v->marks[place] & DEPENDS))
            continue;
        operands++;
        *once += size_of(v->by + place * v->by_words, v->by_words);
    }
    return operands;
}

/* Whether fewer products are needed by way of the frontier. */
static int pays(const survey *v)
{
    size_t straight = 0, through = 0, once = 0;
    for (size_t i = 0; i < inner_nodes(v); i++) {
        if (!is_shared(v, i) || v->marks[i] & INPUT)
            continue;
        const size_t outputs = size_of(v->of + i * v->of_words, v->of_words);
        straight += outputs * passing(v, i, &once);
        if (v->marks[i] & FRONTIER)
            through += outputs * size_of(v->by + i * v->by_words, v->by_words);
    }
    return through < straight && once / ONCE_FOR_ROWS <= straight - through;
}

static PyObject *values_at(const survey *v)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < inner_nodes(v); i++) {
        if (!(v->marks[i] & FRONTIER))
            continue;
        PyObject *value = pg_value_of(pg_sweep_node(v->sweep, i));
        if (value == NULL || PyList_Append(list, value) < 0)
            Py_CLEAR(list);
        Py_XDECREF(value);
    }
    PyObject *tuple = list == NULL ? NULL : PyList_AsTuple(list);
    Py_XDECREF(list);
    return tuple;
}

static PyObject *looked_for(const pg_running_trace *t, const pg_sweep *s, PyObject *outputs, PyObject *inputs,
                            pg_node *const *outs, pg_node *const *ins)
{
    const size_t in = (size_t)PyTuple_Size(inputs), out = (size_t)PyTuple_Size(outputs);
    if (pg_sweep_count(s) > MOST_WORDS / (in / 64 + out / 64 + 2))
        return Py_NewRef(Py_None);
    survey v;
    PyObject *found = NULL;
    if (!open_survey(&v, s, in, out))
        PyErr_NoMemory();
    else if (!mark_rows(&v, t))
        found = Py_NewRef(Py_None);
    else {
        mark_inputs(&v, ins, in);
        for (size_t i = 0; i < inner_nodes(&v); i++)
            inherit(&v, i);
        mark_outputs(&v, outs, out);
        for (size_t i = inner_nodes(&v); i-- != 0;)
            hand_down(&v, i);
        found = pays(&v) ? values_at(&v) : Py_NewRef(Py_None);
    }
    close_survey(&v);
    return found;
}

/* The trace below some outputs, whose sum is *root, which the caller owns; NULL with an exception set. */
static pg_sweep *sorted_below(pg_node *const *outputs, size_t count, pg_node **root)
{
    pg_sweep *s;
    *root = pg_compute_many(PG_SUM, outputs, count, 0.0, NULL, NULL);
    if (*root == NULL)
        return (pg_sweep *)(void *)PyErr_NoMemory();
    pg_mark_traced(*root);
    const pg_status status = pg_sweep_open(*root, 0, &s);
    if (status != PG_OK)
        return (pg_sweep *)(void *)pg_raise(status);
    pg_sweep_within_trace(s);
    if (pg_sort_fully(s, NULL, 0))
        return s;
    pg_give_up(s);
    return NULL;
}

static PyObject *frontier(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *outputs, *inputs, *found = NULL;
    if (!PyArg_ParseTuple(args, "O!O!:frontier", &PyTuple_Type, &outputs, &PyTuple_Type, &inputs))
        return NULL;
    const pg_running_trace *t = pg_trace_running();
    if (t == NULL || t->rows == NULL || t->loops != 0)
        Py_RETURN_NONE;
    pg_node **outs = pg_nodes_of(outputs, "outputs must be");
    pg_node **ins = outs == NULL ? NULL : pg_nodes_of(inputs, "inputs must be");
    pg_node *root = NULL;
    pg_sweep *s = ins == NULL ? NULL : sorted_below(outs, (size_t)PyTuple_Size(outputs), &root);
    if (s != NULL) {
        found = looked_for(t, s, outputs, inputs, outs, ins);
        pg_give_up(s);
    }
    if (root != NULL)
        pg_release(root);
    pg_free((void *)ins);
    pg_free((void *)outs);
    return found;
}

/* -- what stands in for outputs -------------------------------------------------------------------- */

static int is_zero(const pg_node *n)
{
    return n->op == PG_LEAF && n->value == 0.0;
}

/* A Value that depends on values by such derivatives, but for those that are the number 0. Its own number means nothing. */
static PyObject *standing_in(pg_node *const *values, pg_node *const *derivatives, size_t count)
{
    pg_node **nodes = pg_alloc(2 * count + 1, sizeof *nodes);
    double *numbers = pg_alloc(count + 1, sizeof *numbers);
    pg_node *made = NULL;
    if (nodes != NULL && numbers != NULL) {
        pg_node **given = nodes + count;
        size_t used = 0;
        for (size_t i = 0; i < count; i++) {
            if (is_zero(derivatives[i]))
                continue;
            nodes[used] = values[i];
            given[used] = derivatives[i];
            numbers[used++] = derivatives[i]->value;
        }
        made = pg_born(pg_compute_many(PG_PARTIALS, nodes, used, 0.0, numbers, given));
    }
    pg_free((void *)nodes);
    pg_free(numbers);
    return made == NULL ? PyErr_NoMemory() : pg_wrap(made);
}

static PyObject *standing_in_for_all(PyObject *rows, pg_node *const *values, size_t count)
{
    PyObject *all = PyTuple_New(PyList_Size(rows));
    for (Py_ssize_t i = 0; all != NULL && i < PyList_Size(rows); i++) {
        PyObject *row = PyList_GetItem(rows, i);
        pg_node **derivatives = NULL;
        if (!PyTuple_Check(row) || (size_t)PyTuple_Size(row) != count)
            PyErr_SetString(PyExc_ValueError, "a row must be a tuple of as many derivatives as there are values");
        else
            derivatives = pg_nodes_of(row, "derivatives must be");
        PyObject *made = derivatives == NULL ? NULL : standing_in(values, derivatives, count);
        pg_free((void *)derivatives);
        if (made == NULL)
            Py_CLEAR(all);
        else
            PyTuple_SetItem(all, i, made);
    }
    return all;
}

static PyObject *by_partials(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *values, *rows;
    if (!PyArg_ParseTuple(args, "O!O!:by_partials", &PyTuple_Type, &values, &PyList_Type, &rows))
        return NULL;
    pg_node **nodes = pg_nodes_of(values, "values must be");
    PyObject *all = nodes == NULL ? NULL : standing_in_for_all(rows, nodes, (size_t)PyTuple_Size(values));
    pg_free((void *)nodes);
    return all;
}

PyMethodDef pg_frontier_functions[] = {
    {"frontier", frontier, METH_VARARGS,
     "frontier(outputs, inputs, /)\n--\n\n"
     "In a trace of rows: the Values by way of which a Jacobian is cheaper; None where there are none."},
    {"by_partials", by_partials, METH_VARARGS,
     "by_partials(values, rows, /)\n--\n\n"
     "For each row of derivatives by these a Value that has them."},
    {NULL, NULL, 0, NULL},
};
