/* ways.c: what a way of a branch has made becomes the body of a loop. */
#include "python/ways.h"

#include "graph/graph.h"
#include "graph/index.h"
#include "python/convert.h"
#include "python/loops.h"
#include "python/trace.h"
#include "python/value.h"

#include <string.h>

static PyObject *place_of_births(void)
{
    return PyLong_FromSize_t(pg_noted_births->count);
}

static PyObject *ways_begin(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    if (pg_trace_running() == NULL)
        return PyErr_Format(PyExc_RuntimeError, "this thread is not tracing");
    return pg_births_ask() ? place_of_births() : PyErr_NoMemory();
}

static PyObject *ways_place(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    return pg_noted_births == NULL ? PyErr_Format(PyExc_RuntimeError, "no way has begun") : place_of_births();
}

static PyObject *ways_end(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    pg_births_let();
    Py_RETURN_NONE;
}

/* -- what a way consists of ----------------------------------------------------------------------- */

static const double WORK_OF_FUNCTION = 6.0;

/* What results lead to. */
typedef struct {
    pg_index made;         /* what the way has made: 0 for what was not met yet, 1 for what was */
    pg_index outside;      /* what is captured, once it was met */
    pg_node **nodes;       /* of the way. Borrowed, as all are */
    size_t count, uses;    /* uses: operands that they have in all */
    pg_node **inputs;      /* a leaf for each result, owned, and what is captured */
    size_t input_count;
    double work;           /* roughly how many instructions the body has */
} way;

/* What a node costs in a body; a sum of two is 1. */
static double work_of(const pg_node *n)
{
    switch (n->op) {
    case PG_LEAF:
    case PG_ITEM:
    case PG_SEVERAL: /* a loop has no trip for rows that do not take the way: it asks whether they do */
    case PG_OP_identity:
        return 0.0;
    case PG_OP_add:
    case PG_OP_sub:
    case PG_OP_mul:
    case PG_OP_div:
    case PG_OP_neg:
    case PG_OP_abs:
    case PG_OP_where:
        return 1.0;
    default:
        return pg_is_condition(n->op) || pg_shapes[n->op] == PG_MANY ? (double)pg_operand_count(n) : WORK_OF_FUNCTION;
    }
}

/* Whether a node is a number that stands in a body as it is. */
static int is_number(const pg_node *n)
{
    return n->op == PG_LEAF && (n->flags & PG_TRACED) && !(n->flags & PG_ACTIVE);
}

static int is_of_way(const way *w, const pg_node *n, size_t *met)
{
    return pg_index_find(&w->made, n, met) && n->flags & PG_TRACED;
}

static void meet(way *w, pg_node *n)
{
    size_t met;
    if (!is_of_way(w, n, &met) || met)
        return;
    pg_index_put(&w->made, n, 1);
    w->nodes[w->count++] = n;
    w->work += work_of(n);
    w->uses += pg_operand_count(n);
    pg_keep(n); /* what its Value holds: see kept.h */
}

/* Captures what is used; false with an exception set. */
static int capture(way *w, pg_node *n)
{
    size_t met;
    if (!pg_require_alive(n))
        return 0;
    if (is_of_way(w, n, &met) || is_number(n) || pg_index_find(&w->outside, n, &met))
        return 1;
    pg_index_put(&w->outside, n, 0);
    w->inputs[w->input_count++] = n;
    return 1;
}

/* Fills in the nodes of the way. Keeps those of results that it has computed, the others become NULL; how many there are,
 * or -1 with MemoryError set. */
static Py_ssize_t find_nodes(way *w, size_t start, size_t end, pg_node **results, size_t count)
{
    Py_ssize_t kept = 0;
    w->nodes = pg_alloc(end - start + 1, sizeof *w->nodes);
    if (w->nodes == NULL || !pg_index_open(&w->made, end - start))
        return PyErr_NoMemory() == NULL ? -1 : 0;
    for (size_t i = start; i < end; i++)
        pg_index_put(&w->made, pg_noted_births->nodes[i], 0);
    for (size_t i = 0; i < count; i++) {
        size_t met;
        if (is_of_way(w, results[i], &met) && results[i]->op != PG_LEAF) {
            meet(w, results[i]);
            kept++;
        } else {
            results[i] = NULL;
        }
    }
    for (size_t i = 0; i < w->count; i++)
        for (size_t k = 0; k < pg_operand_count(w->nodes[i]); k++)
            meet(w, pg_operand(w->nodes[i], k));
    return kept;
}

/* Fills in the inputs of a body with so many results. False with an exception set. */
static int find_inputs(way *w, size_t count)
{
    w->inputs = count > SIZE_MAX / 2 - w->uses ? NULL : pg_alloc(count + w->uses + 1, sizeof *w->inputs);
    if (w->inputs == NULL || !pg_index_open(&w->outside, w->uses))
        return PyErr_NoMemory() != NULL;
    for (; w->input_count < count; w->input_count++) {
        w->inputs[w->input_count] = pg_born(pg_leaf(0.0));
        if (w->inputs[w->input_count] == NULL)
            return PyErr_NoMemory() != NULL;
    }
    for (size_t i = 0; i < w->count; i++)
        for (size_t k = 0; k < pg_operand_count(w->nodes[i]); k++)
            if (!capture(w, pg_operand(w->nodes[i], k)))
                return 0;
    return 1;
}

/* The results of the loop, and the number of its trips; None where loops stand in one another too deeply for it. */
static PyObject *values_of_loop(const way *w, pg_node *const *results, size_t count, pg_node *control, double most)
{
    pg_status status;
    pg_node *opaque;
    const size_t captured = w->input_count - count;
    pg_body *body = pg_body_of(w->inputs, count, captured, results, count, 1, most, &status, &opaque);
    if (body == NULL)
        return status == PG_NESTED ? Py_NewRef(Py_None) : pg_loop_refused(status, opaque);
    pg_node **operands = pg_alloc(w->input_count + 1, sizeof *operands);
    PyObject *values = NULL;
    if (operands == NULL) {
        pg_body_release(body);
        return PyErr_NoMemory();
    }
    memcpy((void *)operands, (void *)w->inputs, count * sizeof *operands);
    operands[count] = control;
    memcpy((void *)(operands + count + 1), (void *)(w->inputs + count), captured * sizeof *operands);
    values = pg_loop_values(body, operands);
    pg_free((void *)operands);
    return values;
}

/* Values of the loop in the places of results that are of the way (count of them; the others are NULL in nodes). */
static PyObject *made_of(way *w, pg_node **nodes, size_t count, PyObject *results, PyObject *control, double most,
                         double least, double each)
{
    if (count == 0 || w->work < least) /* whatever it captures */
        return Py_NewRef(Py_None);
    pg_node **kept = pg_alloc(count, sizeof *kept);
    PyObject *found = NULL, *values = NULL;
    size_t at = 0;
    if (kept == NULL)
        return PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < PyTuple_Size(results); i++)
        if (nodes[i] != NULL)
            kept[at++] = nodes[i];
    if (find_inputs(w, count)) {
        if (w->work < least + each * (double)w->input_count)
            values = Py_NewRef(Py_None);
        else
            found = values_of_loop(w, kept, count, PG_NODE(control), most);
    }
    pg_free((void *)kept);
    if (found == NULL || found == Py_None)
        return found == NULL ? values : found;
    values = PyTuple_New(PyTuple_Size(results));
    at = 0;
    for (Py_ssize_t i = 0; values != NULL && i < PyTuple_Size(results); i++)
        PyTuple_SetItem(
            values, i,
            Py_NewRef(nodes[i] == NULL ? PyTuple_GetItem(results, i) : PyTuple_GetItem(found, (Py_ssize_t)at++)));
    Py_DECREF(found);
    return values;
}

static PyObject *way_made(PyObject *module, PyObject *args)
{
    (void)module;
    Py_ssize_t start, end, kept;
    double most, least, each;
    PyObject *results, *control, *values = NULL;
    if (!PyArg_ParseTuple(args, "nnO!Oddd:way_made", &start, &end, &PyTuple_Type, &results, &control, &most, &least,
                          &each))
        return NULL;
    const pg_newborn *births = pg_noted_births;
    if (pg_trace_running() == NULL || births == NULL || start < 0 || end < start || (size_t)end > births->count)
        return PyErr_Format(PyExc_ValueError, "a way stands between two places, in a trace");
    if (births->lacks_memory)
        return PyErr_NoMemory();
    if (!PG_IS_VALUE(control))
        return PyErr_Format(PyExc_TypeError, "a way is taken as a Value says");
    way w = {.count = 0};
    pg_node **nodes = pg_require_built(control) ? pg_nodes_of(results, "what a way gives must be") : NULL;
    if (nodes != NULL) {
        kept = find_nodes(&w, (size_t)start, (size_t)end, nodes, (size_t)PyTuple_Size(results));
        values = kept < 0 ? NULL : made_of(&w, nodes, (size_t)kept, results, control, most, least, each);
        for (size_t i = 0; w.inputs != NULL && i < (size_t)kept && i < w.input_count; i++)
            pg_release(w.inputs[i]);
        pg_free((void *)w.inputs);
        pg_free((void *)w.nodes);
        pg_index_close(&w.made);
        pg_index_close(&w.outside);
    }
    pg_free((void *)nodes);
    return values;
}

PyMethodDef pg_way_functions[] = {
    {"ways_begin", ways_begin, METH_NOARGS,
     "ways_begin()\n--\n\n"
     "From now on nodes are noted, up to the ways_end that belongs to it; the place of the next one."},
    {"ways_place", ways_place, METH_NOARGS, "ways_place()\n--\n\nThe place of the next node."},
    {"ways_end", ways_end, METH_NOARGS, "ways_end()\n--\n\nNodes are noted no more."},
    {"way_made", way_made, METH_VARARGS,
     "way_made(start, end, results, control, most, least, each, /)\n--\n\n"
     "Results of a loop of one trip where control is 1, and of none where it is 0, whose bound is most; what was not\n"
     "computed between these places, which is its body, as it is. None, and nothing is made, where that is less work\n"
     "than least, and each for a result and for what it captures, and where loops stand in one another too deeply."},
    {NULL, NULL, 0, NULL},
};
