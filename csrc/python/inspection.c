/* inspection.c: what modules ask about a node, or about the graph below it, besides the attributes of its Value. */
#include "python/inspection.h"

#include "graph/cells.h"
#include "ops/forward.h"
#include "program/evaluate.h"
#include "python/attributes.h"
#include "python/convert.h"
#include "python/rules.h"
#include "python/sweeping.h"
#include "python/value.h"

/* What a copy of the Value has to be made from, in one word. */
static PyObject *form(PyObject *module, PyObject *v)
{
    (void)module;
    if (!PG_IS_VALUE(v))
        return PyErr_Format(PyExc_TypeError, "form() takes a Value, not %R", Py_TYPE(v));
    if (!pg_require_built(v))
        return NULL;
    const pg_node *n = PG_NODE(v);
    size_t inputs;
    return PyUnicode_FromString(n->flags & PG_HAS_CLOSURE            ? "closure"
                                : pg_rule_inputs(n, &inputs) != NULL ? "rule"
                                : n->op == PG_LEAF                   ? "leaf"
                                : n->op == PG_CUSTOM                 ? "custom"
                                : n->op == PG_PARTIALS               ? "partials"
                                                                     : "op");
}

/* The op that made v, as _op says where nobody has assigned another name; "" of a user's own. */
static PyObject *symbol(PyObject *module, PyObject *v)
{
    (void)module;
    if (!PG_IS_VALUE(v))
        return PyErr_Format(PyExc_TypeError, "symbol() takes a Value, not %R", Py_TYPE(v));
    return pg_require_built(v) ? pg_op_text(PG_NODE(v)) : NULL;
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

static double total_now(const pg_node *n)
{
    const pg_many *m = n->of.many;
    const size_t half = m->count / 2, summed = m->count - (n->op == PG_SUM && m->leads);
    double total = n->op == PG_SUM ? m->start : 0.0;
    if (n->op == PG_SUM ? m->leads != 0 : m->count % 2 != 0)
        total = m->operands[m->count - 1]->value;
    for (size_t i = 0; n->op == PG_SUM && i < summed; i++)
        total += m->operands[i]->value;
    for (size_t i = 0; n->op == PG_DOT && i < half; i++)
        total += m->operands[i]->value * m->operands[half + i]->value;
    return total;
}

/* The numbers that the operands of an op of the table hold now, its constant among them. */
static void numbers_now(const pg_node *n, double x[3])
{
    const size_t count = pg_operand_count(n);
    for (size_t i = 0; i < 3; i++)
        x[i] = i < count ? pg_operand(n, i)->value : 0.0;
    if (n->op == PG_OP_pown)
        x[1] = n->of.constant.k;
}

/* What the op of n gives for the numbers that its operands hold now. */
static double value_now(const pg_node *n)
{
    double x[3];
    switch (n->op) {
    case PG_SUM:
    case PG_DOT:
        return total_now(n);
    case PG_SEARCH:
    case PG_TAKE:
        return pg_table_value(n);
    default:
        if (n->op < PG_OP_add) /* only its user knows */
            return n->value;
        numbers_now(n, x);
        return forward_of(n->op, x[0], x[1], x[2]);
    }
}

/* The same as programs compute it, whose elementary functions round otherwise: a program that ran on Values has made
 * its nodes with these. */
static double value_in_programs(const pg_node *n)
{
    double x[3];
    numbers_now(n, x);
    return pg_evaluate_one(n->op, x[0], x[1], x[2]);
}

/* The number that the op of v gives for what its operands hold now, if that is not what v holds: somebody has
 * assigned .data since. None otherwise, and where nobody but its user knows the op. */
static PyObject *outdated(PyObject *module, PyObject *v)
{
    (void)module;
    if (!PG_IS_VALUE(v))
        return PyErr_Format(PyExc_TypeError, "outdated() takes a Value, not %R", Py_TYPE(v));
    if (!pg_require_built(v))
        return NULL;
    const pg_node *n = PG_NODE(v);
    if (n->flags & PG_HAS_CLOSURE)
        Py_RETURN_NONE;
    const double now = value_now(n);
    if (now == n->value || (now != now && n->value != n->value) || /* 0.0 and -0.0 are one number */
        (n->op >= PG_OP_add && pg_same_bits(value_in_programs(n), n->value)))
        Py_RETURN_NONE;
    return PyFloat_FromDouble(now);
}

/* How many operands v has, and a tuple of the first ones: `_children` of ten million costs a second and a
 * gigabyte, as Values once seen stay. */
static PyObject *first_operands(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *v;
    Py_ssize_t most;
    if (!PyArg_ParseTuple(args, "O!n:first_operands", pg_value_type, &v, &most) || !pg_require_built(v))
        return NULL;
    pg_node *room[2];
    size_t count;
    pg_node *const *operands = pg_shown_operands(PG_NODE(v), &count, room);
    size_t some = most < 0 ? 0 : (size_t)most < count ? (size_t)most : count;
    PyObject *first = PyTuple_New((Py_ssize_t)some);
    for (size_t i = 0; first != NULL && i < some; i++) {
        PyObject *operand = pg_value_of(operands[i]);
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
    const int has_rule = pg_rule_inputs(n, &count) != NULL;
    size_t some = most < 0 ? 0 : (size_t)most < count ? (size_t)most : count;
    double *slopes = pg_alloc(count, sizeof *slopes);
    if (slopes == NULL)
        return PyErr_NoMemory();
    if (has_rule && !pg_rule_slopes(n, slopes)) {
        pg_free(slopes);
        return NULL;
    }
    if (!has_rule && count > 0)
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

/* The graph of a Value, operands before their users. */
static PyObject *order(PyObject *module, PyObject *root)
{
    (void)module;
    if (!PG_IS_VALUE(root))
        return PyErr_Format(PyExc_TypeError, "order() takes a Value, not %R", Py_TYPE(root));
    pg_sweep *s = pg_require_built(root) ? pg_sorted_whole(PG_NODE(root)) : NULL;
    if (s == NULL)
        return NULL;
    size_t count = pg_sweep_count(s);
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < count; i++) {
        if (pg_has_rule(pg_sweep_node(s, i))) /* its results lead on to its inputs, as they are shown */
            continue;
        PyObject *v = pg_value_of(pg_sweep_node(s, i));
        if (v == NULL || PyList_Append(list, v) < 0)
            Py_CLEAR(list);
        Py_XDECREF(v);
    }
    pg_give_up(s);
    return list;
}

/* The number of v for a text, which no program and no derivative takes note of. */
static PyObject *number_in(PyObject *module, PyObject *v)
{
    (void)module;
    if (!PG_IS_VALUE(v))
        return PyErr_Format(PyExc_TypeError, "number_in() takes a Value, not %R", Py_TYPE(v));
    return pg_require_built(v) ? PyFloat_FromDouble(PG_NODE(v)->value) : NULL;
}

PyMethodDef pg_inspection_functions[] = {
    {"form", form, METH_O, "form(v, /)\n--\n\nleaf, op, rule, partials, custom or closure."},
    {"symbol", symbol, METH_O, "symbol(v, /)\n--\n\nThe op that made v, whatever _op says by now."},
    {"is_number", is_number, METH_O, "is_number(v, /)\n--\n\nWhether v stands for a number that was an operand."},
    {"outdated", outdated, METH_O,
     "outdated(v, /)\n--\n\nThe number v's op gives for its operands' data now, if v holds another; or None."},
    {"first_operands", first_operands, METH_VARARGS,
     "first_operands(v, most, /)\n--\n\nHow many operands v has, and the first ones."},
    {"first_slopes", first_slopes, METH_VARARGS,
     "first_slopes(v, most, /)\n--\n\nThe local derivatives by the first operands."},
    {"attributes", attributes, METH_O, "attributes(v, /)\n--\n\nA copy of the attributes, or None."},
    {"number_in", number_in, METH_O,
     "number_in(v, /)\n--\n\nThe number of v, for texts: nobody notes that it was read."},
    {"order", order, METH_O, "order(root, /)\n--\n\nThe graph of root, operands before their users."},
    {NULL, NULL, 0, NULL},
};
