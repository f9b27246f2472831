/* sums.c: nodes with many operands made from Python: sum and dot. */
#include "python/sums.h"

#include "python/convert.h"
#include "python/layout.h"
#include "python/outside.h"
#include "python/trace.h"
#include "python/value.h"
#include "python/watching.h"

/* -- gathering operands ------------------------------------------------------------------------- */

enum { SMALL = 80 };

/* Operands on their way into a node. objects are borrowed from tuples that the caller holds; nodes are
 * owned: a Value's, or a new leaf for a plain number. */
typedef struct {
    PyObject **objects;
    pg_node **nodes;
    size_t count, values;
    PyObject *small_objects[SMALL];
    pg_node *small_nodes[SMALL];
} gathering;

static int gather_begin(gathering *g, size_t capacity)
{
    g->count = g->values = 0;
    g->objects = g->small_objects;
    g->nodes = g->small_nodes;
    if (capacity <= SMALL)
        return 1;
    g->objects = pg_alloc(capacity, sizeof *g->objects);
    g->nodes = pg_alloc(capacity, sizeof *g->nodes);
    if (g->objects != NULL && g->nodes != NULL)
        return 1;
    pg_free(g->objects);
    pg_free(g->nodes);
    PyErr_NoMemory();
    return 0;
}

PG_INLINE int gather_one(gathering *g, PyObject *object, const char *what)
{
    pg_node *n;
    if (PG_IS_EXACT(object)) {
        n = pg_retain(PG_NODE(object));
        g->values++;
    } else {
        if ((n = pg_operand_node(object, what)) == NULL)
            return 0;
        g->values += PG_IS_VALUE(object);
    }
    g->objects[g->count] = object;
    g->nodes[g->count++] = n;
    return 1;
}

/* Of an exact tuple. */
static int gather_all(gathering *g, PyObject *tuple, const char *what)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    for (Py_ssize_t i = 0; i < count; i++)
        if (!gather_one(g, pg_tuple_item(tuple, i), what))
            return 0;
    return 1;
}

static void gather_end(gathering *g)
{
    for (size_t i = 0; i < g->count; i++)
        pg_release(g->nodes[i]);
    if (g->objects != g->small_objects) {
        pg_free(g->objects);
        pg_free(g->nodes);
    }
}

/* Whether the node made of these has to keep what they carry. To be asked when no more code of others can
 * run before the node is made: gathering may run some, and that may change the answer. */
static int slow(const gathering *g)
{
    uint8_t flags = 0;
    for (size_t i = 0; i < g->count; i++)
        flags |= g->nodes[i]->flags;
    return flags & PG_SLOW;
}

static PyObject *detached(double z, const gathering *g)
{
    pg_node *n = pg_detached_leaf(z, g->nodes, g->count);
    return n == NULL && PyErr_Occurred() ? NULL : pg_wrap(n);
}

/* The Value of a sum or dot over the gathered operands, or a float if no Value is among them. start, leads: see
 * pg_many. */
static PyObject *gathered(int op, const gathering *g, double z, double start, int leads)
{
    if (g->values == 0)
        return PyFloat_FromDouble(z);
    int keep = slow(g);
    if (PG_DETACHED && !keep)
        return detached(z, g);
    pg_node *n = pg_compute_many(op, g->nodes, g->count, z, NULL, NULL);
    if (n != NULL) {
        n->of.many->start = start;
        n->of.many->leads = leads;
    }
    PyObject *made = pg_wrap(PG_SPECIAL ? pg_recorded(n) : n);
    if (made != NULL && keep && !pg_keep_operands(made, g->objects, g->count))
        Py_CLEAR(made);
    if (made != NULL && PG_DETACHED) { /* keeping them has checked the operands */
        Py_DECREF(made);
        return detached(z, g);
    }
    return PG_SPECIAL ? pg_watched(made) : made;
}

static PyObject *sum_values(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"values", "start"};
    PyObject *given[2], *result = NULL;
    if (!pg_arguments("sum", names, 1, 2, args, count, keywords, given))
        return NULL;
    PyObject *start = given[1];
    double first = 0.0;
    if (start != NULL && !PG_IS_VALUE(start)) { /* a plain number is no operand */
        if (!pg_require_number(start, "start", &first))
            return NULL;
        start = NULL;
    }
    PyObject *values = pg_tuple(given[0], "what sum() adds");
    if (values == NULL)
        return NULL;
    gathering g;
    if (gather_begin(&g, (size_t)PyTuple_Size(values) + 1)) {
        if (gather_all(&g, values, "an item of sum()")) {
            size_t summed = g.count;
            if (start == NULL || gather_one(&g, start, "start")) {
                double total = start != NULL ? g.nodes[summed]->value : first;
                for (size_t i = 0; i < summed; i++)
                    total += g.nodes[i]->value;
                result = gathered(PG_SUM, &g, total, first, start != NULL);
            }
        }
        gather_end(&g);
    }
    Py_DECREF(values);
    return result;
}

/* The nodes (borrowed) of an exact list or tuple of Values of the exact type, behind those that are there, and all their
 * flags. False where it is anything else; there is nothing to be told then. */
static int nodes_in_place(PyObject *sequence, size_t room, pg_node **nodes, size_t *count, unsigned *flags)
{
    const int is_list = PyList_CheckExact(sequence);
    PyObject *const *items = is_list || PyTuple_CheckExact(sequence) ? pg_items(sequence, is_list) : NULL;
    if (items == NULL || (size_t)Py_SIZE(sequence) > room - *count)
        return 0;
    const size_t end = *count + (size_t)Py_SIZE(sequence);
    for (; *count < end; ++*count, items++) {
        if (!PG_IS_EXACT(*items))
            return 0;
        nodes[*count] = PG_NODE(*items);
        *flags |= nodes[*count]->flags;
    }
    return 1;
}

/* The dot product of Values that need nothing but a node made of them. No code of others runs, so they stay where they
 * stand, and need not be gathered. False, and nothing is done, where they need more. */
static int dot_in_place(PyObject *ws, PyObject *xs, PyObject *bias, PyObject **result)
{
    enum { ROOM = 128 };
    pg_node *nodes[2 * ROOM + 1]; /* and the bias */
    size_t n = 0, count;
    unsigned flags = 0;
    if (PG_SPECIAL || !nodes_in_place(ws, ROOM, nodes, &n, &flags))
        return 0;
    count = n;
    if (!nodes_in_place(xs, 2 * n, nodes, &count, &flags) || count != 2 * n)
        return 0;
    double total = 0.0;
    if (bias != NULL) {
        if (!PG_IS_EXACT(bias))
            return 0;
        nodes[count] = PG_NODE(bias);
        flags |= nodes[count]->flags;
        total = nodes[count++]->value;
    }
    if (flags & PG_SLOW || count == 0) /* of nothing it is a number */
        return 0;
    for (size_t i = 0; i < n; i++)
        total += nodes[i]->value * nodes[n + i]->value;
    *result = pg_wrap(pg_compute_many(PG_DOT, nodes, count, total, NULL, NULL));
    return 1;
}

static PyObject *dot_of(PyObject *ws, PyObject *xs, PyObject *bias)
{
    size_t n = (size_t)PyTuple_Size(ws);
    if ((size_t)PyTuple_Size(xs) != n)
        return PyErr_Format(PyExc_ValueError, "dot() got %zu weights but %zd inputs", n, PyTuple_Size(xs));
    gathering g;
    PyObject *result = NULL;
    if (!gather_begin(&g, 2 * n + 1))
        return NULL;
    if (gather_all(&g, ws, "a weight of dot()") && gather_all(&g, xs, "an input of dot()") &&
        (bias == NULL || gather_one(&g, bias, "bias"))) {
        double total = bias == NULL ? 0.0 : g.nodes[2 * n]->value;
        for (size_t i = 0; i < n; i++)
            total += g.nodes[i]->value * g.nodes[n + i]->value;
        result = gathered(PG_DOT, &g, total, 0.0, 0);
    }
    gather_end(&g);
    return result;
}

static PyObject *dot(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"ws", "xs", "bias"};
    PyObject *given[3], *result = NULL;
    if (!pg_arguments("dot", names, 2, 3, args, count, keywords, given))
        return NULL;
    PyObject *bias = given[2] == Py_None ? NULL : given[2];
    if (dot_in_place(given[0], given[1], bias, &result))
        return result;
    PyObject *ws = pg_tuple(given[0], "dot()'s weights");
    PyObject *xs = ws == NULL ? NULL : pg_tuple(given[1], "dot()'s inputs");
    if (xs != NULL)
        result = dot_of(ws, xs, bias);
    Py_XDECREF(ws);
    Py_XDECREF(xs);
    return result;
}

PyMethodDef pg_sum_functions[] = {
    {"sum", PG_FAST(sum_values), METH_FASTCALL | METH_KEYWORDS,
     "sum(values, start=0.0)\n--\n\n"
     "The sum of an iterable of Values and numbers, from left to right, as one node."},
    {"dot", PG_FAST(dot), METH_FASTCALL | METH_KEYWORDS,
     "dot(ws, xs, bias=None)\n--\n\n"
     "bias + ws[0] * xs[0] + ws[1] * xs[1] + ..., from left to right, as one node."},
    {NULL, NULL, 0, NULL},
};
