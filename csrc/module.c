/* module.c: what touches whole graphs from Python: backward, order, sum, dot, copies; and the module. */
#include "value.h"

enum { STEP_BUDGET = 1 << 15 }; /* nodes between two looks for a signal: about a millisecond */

/* Arguments by position or name into out, borrowed; NULL for an optional one that is not given. False with
 * an exception set. */
static int arguments(const char *function, const char *const *names, Py_ssize_t required, Py_ssize_t all,
                     PyObject *const *args, Py_ssize_t count, PyObject *keywords, PyObject **out)
{
    if (count > all) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %zd arguments (%zd given)", function, all, count);
        return 0;
    }
    for (Py_ssize_t i = 0; i < all; i++)
        out[i] = i < count ? args[i] : NULL;
    for (Py_ssize_t k = 0; keywords != NULL && k < PyTuple_Size(keywords); k++) {
        PyObject *keyword = PyTuple_GetItem(keywords, k);
        Py_ssize_t i = 0;
        while (i < all && PyUnicode_CompareWithASCIIString(keyword, names[i]) != 0)
            i++;
        if (i == all || out[i] != NULL) {
            PyErr_Format(PyExc_TypeError,
                         i == all ? "%s() got an unexpected keyword argument %R"
                                  : "%s() got multiple values for argument %R",
                         function, keyword);
            return 0;
        }
        out[i] = args[count + k];
    }
    for (Py_ssize_t i = 0; i < required; i++)
        if (out[i] == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() missing required argument '%s'", function, names[i]);
            return 0;
        }
    return 1;
}

/* -- backward ----------------------------------------------------------------------------------- */

/* Ends a sweep that failed; the exception stays as it is. Always NULL. */
static PyObject *give_up(pg_sweep *s)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    pg_sweep_abandon(s);
    PyErr_Restore(type, error, traceback);
    return NULL;
}

/* A sorted sweep from the Value root, or NULL with an exception set. Caller owns. */
static pg_sweep *sorted(PyObject *root, int writes)
{
    pg_sweep *s;
    if (!pg_require_built(root))
        return NULL;
    pg_status status = pg_sweep_open(PG_NODE(root), writes, &s);
    if (status != PG_OK)
        return (pg_sweep *)(void *)pg_raise(status);
    while ((status = pg_sweep_sort(s, STEP_BUDGET)) == PG_MORE)
        if (PyErr_CheckSignals() < 0)
            return (pg_sweep *)(void *)give_up(s);
    if (status != PG_OK) {
        pg_raise(status);
        return (pg_sweep *)(void *)give_up(s);
    }
    return s;
}

/* Calls the user's closure of n; 0 with an exception set if it raised. */
static int call_closure(const pg_node *n)
{
    const pg_value *v = n->wrapper;
    if (v == NULL || v->extras == NULL || v->extras->closure == NULL) {
        PyErr_SetString(PyExc_SystemError, "pygrad: a node has lost its _backward; please report this");
        return 0;
    }
    if (v->extras->closure == Py_None)
        return 1;
    PyObject *closure = Py_NewRef(v->extras->closure);
    PyObject *result = PyObject_CallObject(closure, NULL);
    Py_DECREF(closure);
    Py_XDECREF(result);
    return result != NULL;
}

static PyObject *backward(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *root, *number;
    double seed;
    if (!PyArg_ParseTuple(args, "O!O:backward", pg_value_type, &root, &number) ||
        !pg_require_number(number, "seed", &seed))
        return NULL;
    pg_sweep *s = sorted(root, 1);
    if (s == NULL)
        return NULL;
    pg_sweep_begin(s, seed);
    for (;;) {
        pg_node *due;
        pg_status status = pg_sweep_step(s, STEP_BUDGET, &due);
        if (status == PG_OK)
            break;
        if ((status == PG_CLOSURE && !call_closure(due)) || PyErr_CheckSignals() < 0)
            return give_up(s);
    }
    pg_sweep_commit(s);
    Py_RETURN_NONE;
}

static PyObject *order(PyObject *module, PyObject *root)
{
    (void)module;
    if (!PG_IS_VALUE(root))
        return PyErr_Format(PyExc_TypeError, "order() takes a Value, not %R", Py_TYPE(root));
    pg_sweep *s = sorted(root, 0);
    if (s == NULL)
        return NULL;
    size_t count = pg_sweep_count(s);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *v = pg_value_of(pg_sweep_node(s, i));
        if (v == NULL)
            Py_CLEAR(list);
        else
            PyList_SetItem(list, (Py_ssize_t)i, v);
    }
    give_up(s);
    return list;
}

static PyObject *zero_graph(PyObject *root)
{
    pg_sweep *s = sorted(root, 0);
    if (s == NULL)
        return NULL;
    pg_status status = PG_OK;
    for (size_t i = 0; status == PG_OK && i < pg_sweep_count(s); i++)
        status = pg_write_grad(pg_sweep_node(s, i), 0.0);
    if (status != PG_OK) {
        pg_raise(status);
        return give_up(s);
    }
    pg_sweep_abandon(s); /* it only looked, so there is nothing it restores */
    Py_RETURN_NONE;
}

static PyObject *zero_grad(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"values_or_root"};
    PyObject *target;
    if (!arguments("zero_grad", names, 1, 1, args, count, keywords, &target))
        return NULL;
    if (PG_IS_VALUE(target))
        return zero_graph(target);
    PyObject *values = pg_tuple(target, "zero_grad()'s argument, unless it is a Value,");
    if (values == NULL)
        return NULL;
    if (!pg_require_values(values, "zero_grad() takes")) { /* all are looked at before one is changed */
        Py_DECREF(values);
        return NULL;
    }
    pg_status status = PG_OK;
    for (Py_ssize_t i = 0; status == PG_OK && i < PyTuple_Size(values); i++)
        status = pg_write_grad(PG_NODE(PyTuple_GetItem(values, i)), 0.0);
    Py_DECREF(values);
    if (status != PG_OK)
        return pg_raise(status);
    Py_RETURN_NONE;
}

/* -- nodes with many operands ------------------------------------------------------------------- */

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

/* The Value of an op over the gathered operands, or a float if no Value is among them. */
static PyObject *gathered(int op, const gathering *g, double z)
{
    if (g->values == 0)
        return PyFloat_FromDouble(z);
    int keep = slow(g);
    if (PG_DETACHED && !keep)
        return pg_wrap(pg_leaf(z));
    PyObject *made = pg_wrap(pg_compute_many(op, g->nodes, g->count, z, NULL, NULL));
    if (made != NULL && keep && !pg_keep_operands(made, g->objects, g->count))
        Py_CLEAR(made);
    if (made != NULL && PG_DETACHED) { /* keeping them has checked the operands */
        Py_DECREF(made);
        return pg_wrap(pg_leaf(z));
    }
    return made;
}

static PyObject *sum_values(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"values", "start"};
    PyObject *given[2], *result = NULL;
    if (!arguments("sum", names, 1, 2, args, count, keywords, given))
        return NULL;
    PyObject *start = given[1];
    double total = 0.0;
    if (start != NULL && !PG_IS_VALUE(start)) { /* a plain number is no operand */
        if (!pg_require_number(start, "start", &total))
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
                if (start != NULL)
                    total = g.nodes[summed]->value;
                for (size_t i = 0; i < summed; i++)
                    total += g.nodes[i]->value;
                result = gathered(PG_SUM, &g, total);
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
        result = gathered(PG_DOT, &g, total);
    }
    gather_end(&g);
    return result;
}

static PyObject *dot(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    (void)module;
    static const char *const names[] = {"ws", "xs", "bias"};
    PyObject *given[3], *result = NULL;
    if (!arguments("dot", names, 2, 3, args, count, keywords, given))
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
    if (pg_shapes[n->op] == PG_MANY)
        return pg_compute_many(n->op, g->nodes, g->count, n->value, NULL, NULL);
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

/* -- modes and the collector ----------------------------------------------------------------------- */

static PyObject *no_grad_enter(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    if (pg_no_grad_depth++ == 0)
        pg_no_grad_threads++;
    Py_RETURN_NONE;
}

static PyObject *no_grad_exit(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    if (pg_no_grad_depth == 0) {
        PyErr_SetString(PyExc_RuntimeError, "no_grad() was left in a thread that had not entered it");
        return NULL;
    }
    if (--pg_no_grad_depth == 0)
        pg_no_grad_threads--;
    Py_RETURN_NONE;
}

static PyObject *expose(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    pg_expose();
    Py_RETURN_NONE;
}

static PyObject *set_exotic_number(PyObject *module, PyObject *function)
{
    (void)module;
    pg_set(&pg_exotic_number, Py_NewRef(function));
    Py_RETURN_NONE;
}

/* -- the module --------------------------------------------------------------------------------- */

#define FAST(function) (PyCFunction)(void (*)(void))function

static PyMethodDef functions[] = {
    {"backward", backward, METH_VARARGS, "backward(root, seed, /)\n--\n\nOne reverse sweep from root."},
    {"order", order, METH_O, "order(root, /)\n--\n\nThe graph of root, operands before their users."},
    {"zero_grad", FAST(zero_grad), METH_FASTCALL | METH_KEYWORDS,
     "zero_grad(values_or_root)\n--\n\n"
     "Set .grad to 0.0 on every Value given, or on everything a single Value was computed from."},
    {"sum", FAST(sum_values), METH_FASTCALL | METH_KEYWORDS,
     "sum(values, start=0.0)\n--\n\n"
     "The sum of an iterable of Values and numbers, from left to right, as one node."},
    {"dot", FAST(dot), METH_FASTCALL | METH_KEYWORDS,
     "dot(ws, xs, bias=None)\n--\n\n"
     "bias + ws[0] * xs[0] + ws[1] * xs[1] + ..., from left to right, as one node."},
    {"form", form, METH_O, "form(v, /)\n--\n\nleaf, op, partials, custom or closure."},
    {"attributes", attributes, METH_O, "attributes(v, /)\n--\n\nA copy of the attributes, or None."},
    {"become", become, METH_VARARGS,
     "become(unbuilt, v, children, /)\n--\n\nFill a new Value with v's op on other children."},
    {"no_grad_enter", no_grad_enter, METH_NOARGS, "no_grad_enter()\n--\n\nThis thread stops recording."},
    {"no_grad_exit", no_grad_exit, METH_NOARGS, "no_grad_exit()\n--\n\nThis thread records again."},
    {"expose", expose, METH_NOARGS,
     "expose()\n--\n\nLet the collector see cycles through attributes given late."},
    {"set_exotic_number", set_exotic_number, METH_O,
     "set_exotic_number(function, /)\n--\n\nSet what turns unusual numbers into floats."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pygrad._native",
    .m_doc = "The native door of pygrad's extension: everything that touches a node.",
    .m_size = 0, /* so that another interpreter asks for it anew, and is refused */
    .m_methods = functions,
};

/* The module's table of op functions, under the name "functions". */
static int add_op_functions(PyObject *module)
{
    PyObject *table = PyDict_New();
    if (table == NULL)
        return -1;
    PyObject *name = PyUnicode_FromString("pygrad.math");
    for (PyMethodDef *def = pg_op_functions; name != NULL && def->ml_name != NULL; def++) {
        PyObject *function = PyCFunction_NewEx(def, NULL, name);
        if (function == NULL || PyDict_SetItemString(table, def->ml_name, function) < 0)
            Py_CLEAR(name);
        Py_XDECREF(function);
    }
    int failed = name == NULL || PyModule_AddObjectRef(module, "functions", table) < 0;
    Py_XDECREF(name);
    Py_DECREF(table);
    return failed ? -1 : 0;
}

PyMODINIT_FUNC PyInit__native(void);

PyMODINIT_FUNC PyInit__native(void)
{
    /* Nodes, types and modes are shared state of one interpreter; imported anew there, it is the same. */
    static int64_t home;
    static PyObject *module;
    int64_t here = PyInterpreterState_GetID(PyInterpreterState_Get());
    if (module != NULL && home == here)
        return Py_NewRef(module);
    if (module != NULL) {
        PyErr_SetString(PyExc_ImportError,
                        "pygrad works in one interpreter of a process, and another one has imported it "
                        "already; use threads or processes");
        return NULL;
    }
    module = PyModule_Create(&definition);
    if (module == NULL)
        return NULL;
    if (pg_operators_init() < 0 || pg_value_type_init(module) < 0 || pg_parameters_init(module) < 0 ||
        add_op_functions(module) < 0) {
        Py_CLEAR(module);
        return NULL;
    }
    home = here;
    return Py_NewRef(module);
}
