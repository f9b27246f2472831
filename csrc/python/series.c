/* series.c: the ops of a recording in their order, for Python to propagate series through, and the words it does so by. */
#include "python/series.h"

#include "graph/suppressed.h"
#include "graph/sweep.h"
#include "ops/forward.h"
#include "python/convert.h"
#include "python/singular.h"
#include "python/sweeping.h"
#include "python/value.h"

/* -- the ops between inputs and outputs ------------------------------------------------------------------------------ */

/* The name of what has made a node: an op's, sum, dot; "" where no recurrence is known. Static. */
static const char *name_of(const pg_node *n)
{
    if (n->flags & PG_HAS_CLOSURE)
        return "";
    if (n->op >= PG_OP_add)
        return pg_op_at(n->op - PG_OP_add)->name;
    return n->op == PG_SUM ? "sum" : n->op == PG_DOT ? "dot" : "";
}

/* The operands of a node as Values, behind them the constant of an op that has one; NULL with an exception set. */
static PyObject *operands_of(const pg_node *n)
{
    const size_t count = pg_operand_count(n);
    const int constant = n->op == PG_OP_pown;
    PyObject *operands = PyTuple_New((Py_ssize_t)count + constant);
    for (size_t i = 0; operands != NULL && i < count + (size_t)constant; i++) {
        PyObject *operand = i < count ? pg_value_of(pg_operand(n, i)) : PyFloat_FromDouble(n->of.constant.k);
        if (operand == NULL)
            Py_CLEAR(operands);
        else
            PyTuple_SetItem(operands, (Py_ssize_t)i, operand);
    }
    return operands;
}

static int append_op(PyObject *list, pg_node *n)
{
    PyObject *v = pg_value_of(n), *operands = v == NULL ? NULL : operands_of(n);
    PyObject *op = operands == NULL ? NULL : Py_BuildValue("OsO", v, name_of(n), operands);
    const int failed = op == NULL || PyList_Append(list, op) < 0;
    Py_XDECREF(op);
    Py_XDECREF(operands);
    Py_XDECREF(v);
    return !failed;
}

/* Into found the order's nodes that were computed from its own inputs, in front, and how many; they are marked by their
 * grads, which the sweep gives back. References are the caller's. */
static size_t computed_from(pg_sweep *s, size_t own, const pg_node *root, pg_node **found)
{
    size_t count = 0;
    for (size_t i = 0; i < pg_sweep_count(s); i++) {
        pg_node *n = pg_sweep_node(s, i);
        int computed = 0;
        for (size_t k = 0; i >= own && !computed && !pg_is_sealed(n->op) && k < pg_operand_count(n); k++)
            computed = pg_operand(n, k)->grad != 0.0;
        n->grad = computed || i < own;
        if (computed && n != root)
            found[count++] = pg_retain(n);
    }
    return count;
}

/* The same of the sweep from root, which is over before a Value is made of a node. */
static PyObject *ops_of(pg_node *root, pg_node *const *inputs, size_t own)
{
    pg_sweep *s = pg_sorted(root, 1, inputs, own);
    if (s == NULL)
        return NULL;
    pg_node **found = pg_alloc(pg_sweep_count(s), sizeof *found);
    const size_t count = found == NULL ? 0 : computed_from(s, own, root, found);
    pg_give_up(s);
    PyObject *list = found == NULL ? PyErr_NoMemory() : PyList_New(0);
    for (size_t i = 0; i < count; i++) {
        if (list != NULL && !append_op(list, found[i]))
            Py_CLEAR(list);
        pg_release(found[i]);
    }
    pg_free((void *)found);
    return list;
}

static PyObject *ops_between(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *outputs, *inputs, *list = NULL;
    if (!PyArg_ParseTuple(args, "O!O!:ops_between", &PyTuple_Type, &outputs, &PyTuple_Type, &inputs))
        return NULL;
    pg_node **outs = pg_nodes_of(outputs, "outputs must be");
    pg_node **ins = outs == NULL ? NULL : pg_nodes_of(inputs, "inputs must be");
    if (ins != NULL) {
        pg_node *root = pg_compute_many(PG_SUM, outs, (size_t)PyTuple_Size(outputs), 0.0, NULL, NULL);
        list = root == NULL ? PyErr_NoMemory() : ops_of(root, ins, (size_t)PyTuple_Size(inputs));
        if (root != NULL)
            pg_release(root);
    }
    pg_free(ins);
    pg_free(outs);
    return list;
}

/* -- words ----------------------------------------------------------------------------------------------------------- */

/* What an op computes, without a word of what it would raise. */
static double forward(int op, const double *x)
{
    pg_suppressed += (unsigned)pg_is_settled(op, x[0], x[1]);
    return op == PG_OP_mul0 ? pg_strong(x[0], x[1]) : forward_of(op, x[0], x[1], x[2]);
}

/* The node of a word, marked as those are that rules make; NULL for want of memory. Operands are borrowed. */
static pg_node *word_node(int op, pg_node **nodes, const double *x)
{
    const double z = forward(op, x);
    if (pg_birth_flags != 0)
        pg_higher_orders = 1; /* or may be: who runs the program looks at what was suppressed */
    if (op == PG_OP_pown)
        return pg_born(pg_compute_pown(nodes[0], x[1], z));
    pg_node *n = pg_born(pg_shapes[op] == PG_MANY ? pg_compute_many(op, nodes, 3, z, NULL, NULL)
                                                  : pg_compute(op, nodes[0], nodes[1], z));
    if (n != NULL && (op == PG_OP_mul0 || op == PG_OP_log))
        n->flags |= PG_BY_OP;
    return n;
}

static PyObject *word(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    const long place = count == 0 ? -1 : PyLong_AsLong(args[0]);
    if (place == -1 && PyErr_Occurred())
        return NULL;
    const int op = (int)place + PG_OP_add;
    const Py_ssize_t arity = place < 0 || op >= PG_OPCODE_COUNT ? 0 : pg_op_at((int)place)->arity + (op == PG_OP_pown);
    if (arity == 0 || count != 1 + arity)
        return PyErr_Format(PyExc_TypeError, "word() takes the place of an op in the table, and its operands");
    pg_node *nodes[3] = {NULL, NULL, NULL};
    double x[3] = {0.0, 0.0, 0.0};
    int values = 0, whole = 1;
    for (Py_ssize_t i = 0; i < arity; i++) {
        const int is_value = PG_IS_VALUE(args[i + 1]);
        if (is_value ? !pg_require_built(args[i + 1]) : !pg_require_number(args[i + 1], "an operand", &x[i]))
            return NULL;
        if (is_value)
            x[i] = PG_NODE(args[i + 1])->value;
        values |= is_value;
    }
    if (!values)
        return PyFloat_FromDouble(forward(op, x));
    for (Py_ssize_t i = 0; i < arity; i++) {
        nodes[i] = PG_IS_VALUE(args[i + 1]) ? pg_retain(PG_NODE(args[i + 1])) : pg_number_leaf(x[i]);
        whole &= nodes[i] != NULL;
    }
    pg_node *made = whole ? word_node(op, nodes, x) : NULL;
    for (int i = 0; i < 3; i++)
        if (nodes[i] != NULL)
            pg_release(nodes[i]);
    return made == NULL ? PyErr_NoMemory() : pg_wrap(made);
}

PyMethodDef pg_series_functions[] = {
    {"ops_between", ops_between, METH_VARARGS,
     "ops_between(outputs, inputs, /)\n--\n\n"
     "Triples of a Value computed from an input, the name of its op, and its operands; these first."},
    {"word", PG_FAST(word), METH_FASTCALL,
     "word(place, /, *operands)\n--\n\nThe op at a place of the table, of Values and numbers, which never raises."},
    {NULL, NULL, 0, NULL},
};
