/* many.c: nodes with many operands made from Python: sum and dot; and copies of nodes of any op. */
#include "python/object.h"

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
    if (PG_IS_EXACT(object))
        n = pg_retain(PG_NODE(object));
    else if ((n = pg_operand_node(object, what)) == NULL)
        return 0;
    g->values += PG_IS_VALUE(object);
    g->objects[g->count] = object;
    g->nodes[g->count++] = n;
    return 1;
}

static int gather_all(gathering *g, PyObject *tuple, const char *what)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    for (Py_ssize_t i = 0; i < count; i++)
        if (!gather_one(g, PyTuple_GetItem(tuple, i), what))
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

/* The Value of a sum or dot over the gathered operands, or a float if no Value is among them. start, leads: see
 * pg_many. */
static PyObject *gathered(int op, const gathering *g, double z, double start, int leads)
{
    if (g->values == 0)
        return PyFloat_FromDouble(z);
    int keep = slow(g);
    if (PG_DETACHED && !keep)
        return pg_wrap(pg_leaf(z));
    pg_node *n = pg_compute_many(op, g->nodes, g->count, z, NULL, NULL);
    if (n != NULL) {
        n->of.many->start = start;
        n->of.many->leads = leads;
    }
    PyObject *made = pg_wrap(pg_born(n));
    if (made != NULL && keep && !pg_keep_operands(made, g->objects, g->count))
        Py_CLEAR(made);
    if (made != NULL && PG_DETACHED) { /* keeping them has checked the operands */
        Py_DECREF(made);
        return pg_wrap(pg_leaf(z));
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
    PyObject *ws = pg_tuple(given[0], "dot()'s weights");
    PyObject *xs = ws == NULL ? NULL : pg_tuple(given[1], "dot()'s inputs");
    if (xs != NULL)
        result = dot_of(ws, xs, bias);
    Py_XDECREF(ws);
    Py_XDECREF(xs);
    return result;
}

/* -- copies ------------------------------------------------------------------------------------- */

/* What a copy of the Value has to be made from, in one word. */
static PyObject *form(PyObject *module, PyObject *v)
{
    (void)module;
    if (!PG_IS_VALUE(v))
        return PyErr_Format(PyExc_TypeError, "form() takes a Value, not %R", Py_TYPE(v));
    if (!pg_require_built(v))
        return NULL;
    const pg_node *n = PG_NODE(v);
    return PyUnicode_FromString(n->flags & PG_HAS_CLOSURE   ? "closure"
                                : n->op == PG_LEAF     ? "leaf"
                                : n->op == PG_CUSTOM   ? "custom"
                                : n->op == PG_PARTIALS ? "partials"
                                                       : "op");
}

/* Whether the leaf v stands for a number that was an operand, such as the 2 of a * 2. */
static PyObject *is_number(PyObject *module, PyObject *v)
{
    (void)module;
    if (!PG_IS_VALUE(v))
        return PyErr_Format(PyExc_TypeError, "is_number() takes a Value, not %R", Py_TYPE(v));
    if (!pg_require_built(v))
        return NULL;
    return PyBool_FromLong(PG_NODE(v)->op == PG_LEAF && PG_NODE(v)->flags & PG_NUMBER);
}

/* How many operands v has, and a tuple of the first ones: `_children` of ten million costs a second and a gigabyte,
 * as Values once seen stay. */
static PyObject *first_operands(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *v;
    Py_ssize_t most;
    if (!PyArg_ParseTuple(args, "O!n:first_operands", pg_value_type, &v, &most) || !pg_require_built(v))
        return NULL;
    size_t count = pg_operand_count(PG_NODE(v));
    size_t some = most < 0 ? 0 : (size_t)most < count ? (size_t)most : count;
    PyObject *first = PyTuple_New((Py_ssize_t)some);
    for (size_t i = 0; first != NULL && i < some; i++) {
        PyObject *operand = pg_value_of(pg_operand(PG_NODE(v), i));
        if (operand == NULL)
            Py_CLEAR(first);
        else
            PyTuple_SetItem(first, (Py_ssize_t)i, operand);
    }
    return first == NULL ? NULL : Py_BuildValue("nN", (Py_ssize_t)count, first);
}

/* The local derivatives of v by its first operands; none if it has no rule. */
static PyObject *first_slopes(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *v;
    Py_ssize_t most;
    if (!PyArg_ParseTuple(args, "O!n:first_slopes", pg_value_type, &v, &most) || !pg_require_built(v))
        return NULL;
    pg_node *n = PG_NODE(v);
    size_t count = n->op == PG_CUSTOM ? 0 : pg_operand_count(n);
    size_t some = most < 0 ? 0 : (size_t)most < count ? (size_t)most : count;
    double *slopes = pg_alloc(count, sizeof *slopes);
    if (slopes == NULL)
        return PyErr_NoMemory();
    if (count > 0)
        pg_local_derivatives(n, slopes);
    PyObject *first = PyTuple_New((Py_ssize_t)some);
    for (size_t i = 0; first != NULL && i < some; i++) {
        PyObject *slope = PyFloat_FromDouble(slopes[i]);
        if (slope == NULL)
            Py_CLEAR(first);
        else
            PyTuple_SetItem(first, (Py_ssize_t)i, slope);
    }
    pg_free(slopes);
    return first;
}

/* The Value's attributes, or None if it has none; unlike __dict__ this makes no dict, nor lets one out. */
static PyObject *attributes(PyObject *module, PyObject *v)
{
    (void)module;
    if (!PG_IS_VALUE(v))
        return PyErr_Format(PyExc_TypeError, "attributes() takes a Value, not %R", Py_TYPE(v));
    PyObject *dict = ((pg_value *)v)->dict;
    return dict == NULL ? Py_NewRef(Py_None) : PyDict_Copy(dict);
}

static pg_node *same_op(const pg_node *n, const gathering *g)
{
    if (n->op == PG_OP_pown)
        return pg_compute_pown(g->nodes[0], n->of.constant.k, n->value);
    if (pg_shapes[n->op] == PG_MANY) {
        pg_node *copy = pg_compute_many(n->op, g->nodes, g->count, n->value, NULL, NULL);
        if (copy != NULL) {
            copy->of.many->start = n->of.many->start;
            copy->of.many->leads = n->of.many->leads;
        }
        return copy;
    }
    return pg_compute(n->op, g->nodes[0], g->count == 2 ? g->nodes[1] : NULL, n->value);
}

/* become(unbuilt, v, children): makes of unbuilt a node with v's op and data on other children. */
static PyObject *become(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *unbuilt, *v, *children;
    gathering g;
    if (!PyArg_ParseTuple(args, "O!O!O!:become", pg_value_type, &unbuilt, pg_value_type, &v,
                          &PyTuple_Type, &children) ||
        !pg_require_built(v) || !pg_ensure_node((pg_value *)unbuilt))
        return NULL;
    const pg_node *n = PG_NODE(v);
    if (!(PG_NODE(unbuilt)->flags & PG_UNBUILT) || n->op < PG_SUM ||
        (size_t)PyTuple_Size(children) != pg_operand_count(n)) {
        PyErr_SetString(PyExc_ValueError, "become() takes a new Value, one made by an op, and its operands");
        return NULL;
    }
    if (!gather_begin(&g, (size_t)PyTuple_Size(children)))
        return NULL;
    int done = gather_all(&g, children, "a child");
    if (done && !(PG_NODE(unbuilt)->flags & PG_UNBUILT)) { /* gathering may have run other code */
        PyErr_SetString(PyExc_RuntimeError, "this Value is initialised already");
        done = 0;
    }
    if (done) {
        pg_node *copy = same_op(n, &g);
        if (copy == NULL) {
            PyErr_NoMemory();
            done = 0;
        } else {
            copy->flags = n->flags & PG_WHOLE_EXPONENT;
            pg_become(PG_NODE(unbuilt), copy);
            done = !slow(&g) || pg_keep_operands(unbuilt, g.objects, g.count);
        }
    }
    gather_end(&g);
    if (!done)
        return NULL;
    Py_RETURN_NONE;
}

PyMethodDef pg_many_functions[] = {
    {"sum", PG_FAST(sum_values), METH_FASTCALL | METH_KEYWORDS,
     "sum(values, start=0.0)\n--\n\n"
     "The sum of an iterable of Values and numbers, from left to right, as one node."},
    {"dot", PG_FAST(dot), METH_FASTCALL | METH_KEYWORDS,
     "dot(ws, xs, bias=None)\n--\n\n"
     "bias + ws[0] * xs[0] + ws[1] * xs[1] + ..., from left to right, as one node."},
    {"form", form, METH_O, "form(v, /)\n--\n\nleaf, op, partials, custom or closure."},
    {"is_number", is_number, METH_O, "is_number(v, /)\n--\n\nWhether v stands for a number that was an operand."},
    {"first_operands", first_operands, METH_VARARGS,
     "first_operands(v, most, /)\n--\n\nHow many operands v has, and the first ones."},
    {"first_slopes", first_slopes, METH_VARARGS,
     "first_slopes(v, most, /)\n--\n\nThe local derivatives by the first operands."},
    {"attributes", attributes, METH_O, "attributes(v, /)\n--\n\nA copy of the attributes, or None."},
    {"become", become, METH_VARARGS,
     "become(unbuilt, v, children, /)\n--\n\nFill a new Value with v's op on other children."},
    {NULL, NULL, 0, NULL},
};
