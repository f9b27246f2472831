/* outside.c: what Values depend on, found in the order of a sweep: inputs of transforms that run, and Values outside a
 * transform, whose derivatives must not be dropped. */
#include "python/outside.h"

#include "graph/sweep.h"
#include "python/convert.h"
#include "python/sweeping.h"

/* -- what a function has given back --------------------------------------------------------------- */

pg_run pg_run_of(pg_node *const *inputs, size_t own, PyObject *returned)
{
    int leaf = own != 0 && inputs[0]->op == PG_LEAF;
    return (pg_run){.since = leaf ? inputs[0]->of.leaf.birth : 0, .returned = returned};
}

void pg_run_close(pg_run *run)
{
    if (run->indexed)
        pg_index_close(&run->index);
    run->indexed = 0;
}

static Py_ssize_t size_of(PyObject *items)
{
    return PyTuple_Check(items) ? PyTuple_Size(items) : PyList_Size(items);
}

/* Borrowed. */
static PyObject *item_of(PyObject *items, Py_ssize_t i)
{
    return PyTuple_Check(items) ? PyTuple_GetItem(items, i) : PyList_GetItem(items, i);
}

static size_t count_values(PyObject *items)
{
    size_t count = 0;
    for (Py_ssize_t i = 0; i < size_of(items); i++) {
        PyObject *item = item_of(items, i);
        count += PyTuple_Check(item) ? count_values(item) : 1;
    }
    return count;
}

static void index_values(pg_index *index, PyObject *items)
{
    for (Py_ssize_t i = 0; i < size_of(items); i++) {
        PyObject *item = item_of(items, i);
        if (PyTuple_Check(item))
            index_values(index, item);
        else if (PG_IS_VALUE(item) && PG_NODE(item) != NULL)
            pg_index_put(index, PG_NODE(item), 0);
    }
}

/* 1 or 0, or -1 for want of memory. */
static int was_returned(pg_run *run, const pg_node *n)
{
    size_t place;
    if (run->returned == NULL)
        return 0;
    if (!run->indexed) {
        if (!pg_index_open(&run->index, count_values(run->returned))) {
            PyErr_NoMemory();
            return -1;
        }
        run->indexed = 1;
        index_values(&run->index, run->returned);
    }
    return pg_index_find(&run->index, n, &place);
}

/* -- Values outside ------------------------------------------------------------------------------- */

/* Whether anybody but its node holds the Value of n. */
static int is_held(const pg_node *n)
{
    return n->wrapper != NULL && Py_REFCNT((PyObject *)n->wrapper) > ((n->flags & PG_PINNED) != 0);
}

/* Leaves born up to here, and what was made with them, may be among the collector's oldest; and how often that was so. */
static uint64_t promoted, promotions;
/* What this thread knows better, as long as there is no other promotion: of its runs, those up to here only. */
static PG_THREAD_LOCAL uint64_t promoted_here, promotions_known;

void pg_note_promotion(void)
{
    promoted = pg_births;
    promotions++;
}

/* What the function has left in a cycle, a function that calls itself, say, is held by nobody. It is among the young,
 * which are few, unless a collection has passed it on to the oldest since the function began. */
static int collect_cycles(const pg_run *run)
{
    enum { YOUNG = 1, ALL = 2 };
    PyObject *gc = PyImport_ImportModule("gc");
    const uint64_t last = promotions == promotions_known ? promoted_here : promoted;
    const int passed_on = run->since != 0 && last >= run->since; /* 0: of inputs that are Values, at any time */
    PyObject *found = gc == NULL ? NULL : PyObject_CallMethod(gc, "collect", "i", passed_on ? ALL : YOUNG);
    if (run->since != 0) {
        /* It has left nothing of the run, and passed on what is of those around it and of other threads. */
        promoted_here = run->since - 1;
        promotions_known = promotions;
    }
    Py_XDECREF(gc);
    Py_XDECREF(found);
    return found != NULL;
}

/* Whether a leaf that is no input is outside; -1 with an exception set. */
static int is_outside(const pg_node *leaf, pg_run *run)
{
    if (leaf->flags & PG_NUMBER)
        return 0;
    if (leaf->of.leaf.birth < run->since)
        return 1;
    if (PG_LIKELY(!is_held(leaf)) || leaf->of.leaf.ruled)
        return 0;
    int returned = was_returned(run, leaf);
    if (returned != 0)
        return returned < 0 ? -1 : 0;
    if (!run->collected && !collect_cycles(run))
        return -1;
    run->collected = 1;
    return is_held(leaf);
}

static int has_given(const pg_node *n)
{
    return n->op == PG_PARTIALS && n->of.many->given != NULL;
}

/* Whether there is anything to be found; -1 with an exception set. */
static int is_worth_a_look(const pg_sweep *s, size_t own, pg_run *run)
{
    size_t i = pg_sweep_find(s, own, PG_NUMBER, run->since);
    for (; PG_UNLIKELY(i < pg_sweep_count(s)); i = pg_sweep_find(s, i + 1, PG_NUMBER, run->since)) {
        const pg_node *n = pg_sweep_node(s, i);
        int found = n->op == PG_LEAF ? is_outside(n, run) : has_given(n);
        if (found != 0)
            return found;
    }
    return 0;
}

enum { OWN = 1, OUTSIDE = 2, BOTH = OWN | OUTSIDE }; /* what a node depends on: its mark */

static int mark_of(const pg_node *n)
{
    return (int)n->grad;
}

static int marks_of_operands(const pg_node *n)
{
    int marks = 0;
    for (size_t k = 0; k < pg_operand_count(n) && marks != BOTH; k++)
        marks |= mark_of(pg_operand(n, k));
    return marks;
}

/* Whether its slopes are the same whatever its operands are. */
static int is_linear(const pg_node *n)
{
    return !(n->flags & PG_HAS_CLOSURE) && (n->op == PG_SUM || n->op == PG_OP_add || n->op == PG_OP_sub ||
                                            n->op == PG_OP_neg || n->op == PG_OP_identity);
}

/* Marks each node by what it depends on; operands were marked before. */
static int mark_all(pg_sweep *s, size_t own, pg_run *run, pg_findings *found)
{
    for (size_t i = 0; i < pg_sweep_count(s); i++) {
        pg_node *n = pg_sweep_node(s, i);
        int marks = OWN;
        if (i >= own && n->op == PG_LEAF) {
            int outside = is_outside(n, run);
            if (outside < 0)
                return 0;
            marks = outside ? OUTSIDE : 0;
        } else if (i >= own) {
            marks = n->op == PG_OP_stop_gradient || pg_is_sealed(n->op) ? 0 : marks_of_operands(n);
            found->slopes |= marks == BOTH && !is_linear(n);
            found->given |= has_given(n) && marks & OWN;
            found->constants &= n->op != PG_PARTIALS || marks != BOTH;
        }
        n->grad = marks;
    }
    return 1;
}

int pg_find_outside(pg_sweep *s, size_t own, pg_run *run, pg_findings *found)
{
    *found = (pg_findings){.constants = 1};
    int worth = is_worth_a_look(s, own, run);
    if (worth <= 0)
        return worth == 0;
    if (!mark_all(s, own, run, found))
        return 0;
    found->reached = (mark_of(pg_sweep_node(s, pg_sweep_count(s) - 1)) & OUTSIDE) != 0;
    return 1;
}

/* A sweep over nodes under one root, which the caller owns; NULL with an exception set. */
static pg_sweep *sorted_nodes(pg_node *const *nodes, size_t count, pg_node *const *inputs, size_t own, pg_node **root)
{
    *root = pg_compute_many(PG_SUM, nodes, count, 0.0, NULL, NULL);
    return *root == NULL ? (pg_sweep *)(void *)PyErr_NoMemory() : pg_sorted(*root, 1, inputs, own);
}

int pg_any_outside(pg_node *const *nodes, size_t count, pg_node *const *inputs, size_t own, pg_run *run)
{
    pg_node *root;
    pg_findings found = {0};
    pg_sweep *s = sorted_nodes(nodes, count, inputs, own, &root);
    int fine = s != NULL && pg_find_outside(s, own, run, &found);
    if (s != NULL)
        pg_give_up(s);
    if (root != NULL)
        pg_release(root);
    return fine ? found.reached : -1;
}

/* A new row: Values where they are marked, else their numbers. */
static PyObject *settled_row(PyObject *row, int reached)
{
    PyObject *settled = PyTuple_New(PyTuple_Size(row));
    for (Py_ssize_t i = 0; settled != NULL && i < PyTuple_Size(row); i++) {
        PyObject *item = PyTuple_GetItem(row, i);
        PyObject *kept = reached && mark_of(PG_NODE(item)) & OUTSIDE ? Py_NewRef(item)
                                                                     : PyFloat_FromDouble(PG_NODE(item)->value);
        if (kept == NULL)
            Py_CLEAR(settled);
        else
            PyTuple_SetItem(settled, i, kept);
    }
    return settled;
}

static PyObject *settled_rows(PyObject *rows, int reached)
{
    PyObject *settled = PyList_New(0);
    for (Py_ssize_t k = 0; settled != NULL && k < PyList_Size(rows); k++) {
        PyObject *row = settled_row(PyList_GetItem(rows, k), reached);
        if (row == NULL || PyList_Append(settled, row) < 0)
            Py_CLEAR(settled);
        Py_XDECREF(row);
    }
    return settled;
}

PyObject *pg_settled(PyObject *rows, pg_node *const *inputs, size_t own, pg_run *run)
{
    size_t count = count_values(rows), at = 0;
    pg_node **nodes = pg_alloc(count, sizeof *nodes), *root = NULL;
    if (nodes == NULL)
        return PyErr_NoMemory();
    for (Py_ssize_t k = 0; k < PyList_Size(rows); k++) {
        PyObject *row = PyList_GetItem(rows, k);
        if (!pg_require_values(row, "results must be")) {
            pg_free(nodes);
            return NULL;
        }
        for (Py_ssize_t i = 0; i < PyTuple_Size(row); i++)
            nodes[at++] = PG_NODE(PyTuple_GetItem(row, i));
    }
    pg_findings found;
    PyObject *settled = NULL;
    pg_sweep *s = sorted_nodes(nodes, count, inputs, own, &root);
    if (s != NULL && pg_find_outside(s, own, run, &found))
        settled = settled_rows(rows, found.reached);
    if (s != NULL)
        pg_give_up(s);
    if (root != NULL)
        pg_release(root);
    pg_free(nodes);
    return settled;
}

/* -- inputs of transforms that run ------------------------------------------------------------------ */

int pg_active_inputs;

static int is_input(const pg_node *n)
{
    return (n->flags & PG_ESCAPED) == PG_ACTIVE || (n->op == PG_LEAF && n->of.leaf.detached);
}

/* Whether one of the nodes that have joined the order of s since *seen does. */
static int finds_input(const pg_sweep *s, size_t *seen)
{
    while (*seen < pg_sweep_count(s))
        if (is_input(pg_sweep_node(s, (*seen)++)))
            return 1;
    return 0;
}

/* In steps, as most Values lead to an input soon: the search ends with the step that has found one. In a closure that
 * a sweep calls, whose nodes are in use, nothing is recorded any more. */
static int depends_on_input(pg_node *n)
{
    pg_sweep *s;
    size_t seen = 0, budget = 32;
    int found = 0;
    pg_status status = pg_sweep_open(n, 0, &s);
    if (status != PG_OK)
        return status == PG_BUSY ? 0 : (pg_raise(status), -1);
    pg_sweep_through_conditions(s);
    do {
        budget = budget < PG_STEP_BUDGET ? 2 * budget : budget;
        status = pg_sweep_sort(s, budget);
        found = finds_input(s, &seen);
        if (!found && ((status == PG_NO_MEMORY && pg_raise(status) == NULL) || PyErr_CheckSignals() < 0))
            found = -1;
    } while (!found && status == PG_MORE);
    pg_give_up(s);
    return found;
}

int pg_depends_on_input(PyObject *v)
{
    return pg_active_inputs == 0 ? 0 : depends_on_input(PG_NODE(v));
}

pg_node *pg_detached_leaf(double z, pg_node *const *operands, size_t count)
{
    int found = 0;
    for (size_t i = 0; pg_active_inputs != 0 && found == 0 && i < count; i++)
        found = operands[i] == NULL ? 0 : depends_on_input(operands[i]);
    pg_node *n = found < 0 ? NULL : pg_leaf(z);
    if (n != NULL)
        n->of.leaf.detached = (uint8_t)found;
    return n;
}

/* -- truth ------------------------------------------------------------------------------------------ */

static PyObject *warn_of_truth; /* Python's function that names the user's line */

int pg_warn_of_truth(void)
{
    if (warn_of_truth == NULL) /* a process that runs on the reference */
        return PyErr_WarnEx(PyExc_RuntimeWarning, "a Value whose number is 0 is true: write v != 0, or v is not None",
                            1) == 0;
    PyObject *result = PyObject_CallNoArgs(warn_of_truth);
    Py_XDECREF(result);
    return result != NULL;
}

static PyObject *set_truth_warning(PyObject *module, PyObject *function)
{
    (void)module;
    PyObject *old = warn_of_truth;
    warn_of_truth = Py_NewRef(function);
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

/* -- nan ------------------------------------------------------------------------------------------------ */

static PyObject *warn_of_nan; /* Python's function that asks who compares */

int pg_warn_of_nan(void)
{
    PyObject *result = warn_of_nan == NULL ? Py_NewRef(Py_None) : PyObject_CallNoArgs(warn_of_nan);
    Py_XDECREF(result);
    return result != NULL;
}

static PyObject *set_nan_warning(PyObject *module, PyObject *function)
{
    (void)module;
    PyObject *old = warn_of_nan;
    warn_of_nan = Py_NewRef(function);
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

/* -- for Python --------------------------------------------------------------------------------------- */

static PyObject *settled(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *values, *inputs, *returned, *result = NULL;
    if (!PyArg_ParseTuple(args, "O!O!O!:settled", &PyTuple_Type, &values, &PyTuple_Type, &inputs, &PyTuple_Type,
                          &returned))
        return NULL;
    pg_node **ins = pg_nodes_of(inputs, "inputs must be");
    PyObject *rows = ins == NULL ? NULL : Py_BuildValue("[O]", values);
    if (rows != NULL) {
        pg_run run = pg_run_of(ins, (size_t)PyTuple_Size(inputs), returned);
        PyObject *settled = pg_settled(rows, ins, (size_t)PyTuple_Size(inputs), &run);
        result = settled == NULL ? NULL : Py_NewRef(PyList_GetItem(settled, 0));
        Py_XDECREF(settled);
        pg_run_close(&run);
    }
    Py_XDECREF(rows);
    pg_free(ins);
    return result;
}

static PyObject *depend_on_input(PyObject *module, PyObject *values)
{
    (void)module;
    if (!PyTuple_Check(values) || !pg_require_values(values, "depend_on_input() takes"))
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "depend_on_input() takes a tuple");
    int found = 0;
    for (Py_ssize_t i = 0; found == 0 && i < PyTuple_Size(values); i++)
        found = pg_depends_on_input(PyTuple_GetItem(values, i));
    return found < 0 ? NULL : PyBool_FromLong(found);
}

PyMethodDef pg_outside_functions[] = {
    {"settled", settled, METH_VARARGS,
     "settled(values, inputs, returned, /)\n--\n\n"
     "The Values that depend on a Value outside the run with these inputs; in the place of the others numbers."},
    {"depend_on_input", depend_on_input, METH_O,
     "depend_on_input(values, /)\n--\n\nWhether one of them depends on an input of a transform that runs."},
    {"set_nan_warning", set_nan_warning, METH_O,
     "set_nan_warning(function, /)\n--\n\nSet what warns, outside of traces, that a nan was put in order by NumPy."},
    {"set_truth_warning", set_truth_warning, METH_O,
     "set_truth_warning(function, /)\n--\n\nSet what warns that the truth of a Value with the number 0 was asked for."},
    {NULL, NULL, 0, NULL},
};
