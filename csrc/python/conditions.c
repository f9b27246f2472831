/* conditions.c: comparisons in a trace, as Values of 0 or 1, and when they become guards. */
#include "python/conditions.h"

#include "python/convert.h"
#include "python/trace.h"
#include "python/value.h"

/* -- made ------------------------------------------------------------------------------------------ */

/* The op for each pg_comparison; of the two that are no ops the sides are swapped. */
static const uint8_t ops[] = {
    [PG_LESS] = PG_OP_below,      [PG_LESS_EQUAL] = PG_OP_at_most, [PG_EQUAL] = PG_OP_equal,
    [PG_UNEQUAL] = PG_OP_unequal, [PG_GREATER] = PG_OP_below,      [PG_GREATER_EQUAL] = PG_OP_at_most,
};

PyObject *pg_compared(PyObject *a, PyObject *b, double number, pg_comparison compare, int outcome)
{
    const int bools = pg_trace_gives_bools();
    if (bools < 0)
        return NULL;
    if (bools)
        return pg_trace_comparison(a, b, number, compare, outcome) ? PyBool_FromLong(outcome) : NULL;
    pg_node *left = PG_NODE(a), *right = b != NULL ? pg_retain(PG_NODE(b)) : pg_number_leaf(number);
    if (right == NULL)
        return PyErr_NoMemory();
    const int swapped = compare == PG_GREATER || compare == PG_GREATER_EQUAL;
    pg_node *n = pg_born(pg_compute(ops[compare], swapped ? right : left, swapped ? left : right, outcome));
    pg_release(right);
    return pg_wrap_condition(n);
}

/* -- truth ----------------------------------------------------------------------------------------- */

static int is_number(const pg_node *n)
{
    return n->op == PG_LEAF && n->flags & PG_NUMBER;
}

/* Notes how the two sides of a comparison have come out; of numbers and what was compared with them that comes first. */
static int note_sides(const pg_node *n)
{
    pg_node *a = pg_operand(n, 0), *b = pg_operand(n, 1);
    const int holds = n->value != 0.0, swapped = is_number(a) && !is_number(b);
    switch (n->op) {
    case PG_OP_below:
        return swapped ? pg_trace_guard(b, a, 0.0, PG_GREATER, holds) : pg_trace_guard(a, b, 0.0, PG_LESS, holds);
    case PG_OP_at_most:
        return swapped ? pg_trace_guard(b, a, 0.0, PG_GREATER_EQUAL, holds)
                       : pg_trace_guard(a, b, 0.0, PG_LESS_EQUAL, holds);
    case PG_OP_equal:
        return pg_trace_guard(a, b, 0.0, PG_EQUAL, holds);
    default:
        return pg_trace_guard(a, b, 0.0, PG_UNEQUAL, holds);
    }
}

/* The truth of a condition, from here on noted as a guard; -1 with an exception set. */
static int truth_of(PyObject *condition)
{
    if (!pg_require_built(condition))
        return -1;
    pg_node *n = PG_NODE(condition);
    if (!(n->flags & PG_ASKED)) {
        const int is_comparison = n->op != PG_OP_both && n->op != PG_OP_either;
        if (!(is_comparison ? note_sides(n) : pg_trace_guard(n, NULL, 0.0, PG_UNEQUAL, n->value != 0.0)))
            return -1;
        n->flags |= PG_ASKED;
    }
    return n->value != 0.0;
}

PyObject *pg_condition_bool(PyObject *condition)
{
    const int truth = truth_of(condition);
    return truth < 0 ? NULL : PyBool_FromLong(truth);
}

/* The object, or the bool that eager code would have in its place. */
static PyObject *as_bool(PyObject *object)
{
    return PG_IS_CONDITION(object) ? pg_condition_bool(object) : Py_NewRef(object);
}

static PyObject *as_int(PyObject *condition)
{
    const int truth = truth_of(condition);
    return truth < 0 ? NULL : PyLong_FromLong(truth);
}

static PyObject *as_float(PyObject *condition)
{
    const int truth = truth_of(condition);
    return truth < 0 ? NULL : PyFloat_FromDouble(truth);
}

/* -- &, |, ^, ~ and shifts ------------------------------------------------------------------------- */

static PyObject *of_two(int op, PyObject *x, PyObject *y, int outcome)
{
    if (!pg_require_built(x) || !pg_require_built(y))
        return NULL;
    return pg_wrap_condition(pg_born(pg_compute(op, PG_NODE(x), PG_NODE(y), outcome)));
}

/* A function of two objects of which one at least is a condition, as bools have it. */
static PyObject *of_bools(PyObject *x, PyObject *y, PyObject *(*function)(PyObject *, PyObject *))
{
    if (!(PG_IS_CONDITION(x) || PyLong_Check(x)) || !(PG_IS_CONDITION(y) || PyLong_Check(y)))
        return Py_NewRef(Py_NotImplemented);
    PyObject *a = as_bool(x), *b = a == NULL ? NULL : as_bool(y), *result = b == NULL ? NULL : function(a, b);
    Py_XDECREF(a);
    Py_XDECREF(b);
    return result;
}

/* Whether they are a condition, first from now on, and a bool or condition; -1 with an exception set. */
static int are_pair(PyObject **x, PyObject **y)
{
    if (PyBool_Check(*x)) { /* & and | and ^ do not care which comes first */
        PyObject *first = *x;
        *x = *y;
        *y = first;
    }
    if (!PG_IS_CONDITION(*x) || !(PyBool_Check(*y) || PG_IS_CONDITION(*y)))
        return 0;
    return pg_require_built(*x) ? 1 : -1;
}

static double number_of(PyObject *condition)
{
    return PG_NODE(condition)->value;
}

static PyObject *and_slot(PyObject *x, PyObject *y)
{
    const int known = are_pair(&x, &y);
    if (known <= 0)
        return known < 0 ? NULL : of_bools(x, y, PyNumber_And);
    if (PyBool_Check(y))
        return Py_NewRef(y == Py_True ? x : Py_False);
    return of_two(PG_OP_both, x, y, number_of(x) != 0.0 && number_of(y) != 0.0);
}

static PyObject *or_slot(PyObject *x, PyObject *y)
{
    const int known = are_pair(&x, &y);
    if (known <= 0)
        return known < 0 ? NULL : of_bools(x, y, PyNumber_Or);
    if (PyBool_Check(y))
        return Py_NewRef(y == Py_True ? Py_True : x);
    return of_two(PG_OP_either, x, y, number_of(x) != 0.0 || number_of(y) != 0.0);
}

static PyObject *negated(PyObject *x)
{
    return pg_require_built(x) ? pg_compared(x, NULL, 0.0, PG_EQUAL, number_of(x) == 0.0) : NULL;
}

static PyObject *xor_slot(PyObject *x, PyObject *y)
{
    const int known = are_pair(&x, &y);
    if (known <= 0)
        return known < 0 ? NULL : of_bools(x, y, PyNumber_Xor);
    if (PyBool_Check(y))
        return y == Py_True ? negated(x) : Py_NewRef(x);
    return of_two(PG_OP_unequal, x, y, number_of(x) != number_of(y));
}

static PyObject *left_shift(PyObject *x, PyObject *y)
{
    return of_bools(x, y, PyNumber_Lshift);
}

static PyObject *right_shift(PyObject *x, PyObject *y)
{
    return of_bools(x, y, PyNumber_Rshift);
}

/* -- arithmetic in which whole numbers and floats part: 0 has no sign --------------------------------- */

static PyObject *with_int(PyObject *c, long number, PyObject *(*function)(PyObject *, PyObject *))
{
    PyObject *left = PyLong_FromLong(number), *result = left == NULL ? NULL : function(left, c);
    Py_XDECREF(left);
    return result;
}

static PyObject *negative(PyObject *x)
{
    return with_int(x, 0, PyNumber_Subtract);
}

static PyObject *positive(PyObject *x)
{
    return with_int(x, 0, PyNumber_Add);
}

static int is_negative_int(PyObject *object)
{
    double number;
    return PyLong_Check(object) && pg_number(object, &number) == 1 && number < 0.0;
}

static PyObject *times(PyObject *x, PyObject *y)
{
    binaryfunc multiply = (binaryfunc)PyType_GetSlot(pg_value_type, Py_nb_multiply);
    PyObject *product = multiply(x, y);
    if (product == NULL || product == Py_NotImplemented || !(is_negative_int(x) || is_negative_int(y)))
        return product;
    PyObject *result = with_int(product, 0, PyNumber_Add);
    Py_DECREF(product);
    return result;
}

/* ~True is -2 and ~False is -1, so both are true, which hardly anybody means. */
static PyObject *invert(PyObject *x)
{
    if (!pg_require_built(x) ||
        PyErr_WarnEx(PyExc_RuntimeWarning,
                     "~ of a comparison is -1 or -2, as ~False and ~True are in Python, and both are true: for the "
                     "opposite write c ^ True, or not c, which asks for its truth",
                     1) < 0)
        return NULL;
    return with_int(x, -1, PyNumber_Subtract);
}

/* -- comparisons, hash, text, copies --------------------------------------------------------------- */

static int is_known(PyObject *object)
{
    return !PG_IS_VALUE(object) || (PG_IS_CONDITION(object) && PG_NODE(object)->flags & PG_ASKED);
}

static PyObject *richcompare(PyObject *self, PyObject *other, int op)
{
    if (!pg_require_built(self))
        return NULL;
    if (PG_NODE(self)->flags & PG_ASKED && is_known(other)) {
        PyObject *a = as_bool(self), *b = as_bool(other);
        PyObject *result = a == NULL || b == NULL ? NULL : PyObject_RichCompare(a, b, op);
        Py_XDECREF(a);
        Py_XDECREF(b);
        return result;
    }
    if ((op == Py_EQ || op == Py_NE) && PyBool_Check(other))
        return (other == Py_True) == (op == Py_EQ) ? Py_NewRef(self) : negated(self);
    return ((richcmpfunc)PyType_GetSlot(pg_value_type, Py_tp_richcompare))(self, other, op);
}

/* That of the bool, for dicts and sets to find it. */
static Py_hash_t hash(PyObject *self)
{
    return truth_of(self);
}

static int is_over(PyObject *self)
{
    return (PG_NODE(self)->flags & PG_ESCAPED) == PG_ESCAPED;
}

static PyObject *text(PyObject *self)
{
    if (is_over(self))
        return PyUnicode_FromFormat("<a comparison, %s>", number_of(self) != 0.0 ? "True" : "False");
    const int truth = truth_of(self);
    return truth < 0 ? NULL : PyUnicode_FromString(truth ? "True" : "False");
}

static PyObject *format(PyObject *self, PyObject *spec)
{
    PyObject *truth = as_bool(self), *result = truth == NULL ? NULL : PyObject_Format(truth, spec);
    Py_XDECREF(truth);
    return result;
}

static PyObject *itself(PyObject *self, PyObject *ignored)
{
    (void)ignored;
    return pg_require_built(self) ? Py_NewRef(self) : NULL;
}

static PyObject *reduce(PyObject *self, PyObject *protocol)
{
    (void)protocol;
    const int truth = truth_of(self);
    return truth < 0 ? NULL : Py_BuildValue("O(i)", &PyBool_Type, truth);
}

/* For isinstance(), class patterns and whoever asks for it: in eager code there is a bool. */
static PyObject *class_in_eager_code(PyObject *self, void *unused)
{
    (void)self, (void)unused;
    return Py_NewRef((PyObject *)&PyBool_Type);
}

/* What a bool has under a name, and a Value has not. */
static PyObject *of_bool(PyObject *self, void *name)
{
    PyObject *truth = pg_condition_bool(self), *found = NULL;
    if (truth != NULL)
        found = PyObject_GetAttrString(truth, name);
    Py_XDECREF(truth);
    return found;
}

static PyObject *refuse_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    (void)type, (void)args, (void)keywords;
    PyErr_SetString(PyExc_TypeError, "conditions are made by comparisons in a trace");
    return NULL;
}

/* -- the type -------------------------------------------------------------------------------------- */

static PyMethodDef methods[] = {
    {"__format__", format, METH_O, "As the bool."},
    {"__copy__", itself, METH_NOARGS, "Itself, as a bool."},
    {"__deepcopy__", itself, METH_O, "Itself, as a bool."},
    {"__reduce_ex__", reduce, METH_O, "The bool."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"__class__", class_in_eager_code, NULL, "That of the bool.", NULL},
    {"numerator", of_bool, NULL, "That of the bool.", "numerator"},
    {"denominator", of_bool, NULL, "That of the bool.", "denominator"},
    {"bit_length", of_bool, NULL, "That of the bool.", "bit_length"},
    {"bit_count", of_bool, NULL, "That of the bool.", "bit_count"},
    {"to_bytes", of_bool, NULL, "That of the bool.", "to_bytes"},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)"The truth of a comparison in a trace: 0 or 1, a guard once it is asked for."},
    {Py_tp_new, (void *)refuse_new},
    {Py_tp_dealloc, (void *)pg_value_dealloc},
    {Py_tp_traverse, (void *)pg_value_traverse},
    {Py_tp_clear, (void *)pg_value_clear},
    {Py_tp_richcompare, (void *)richcompare},
    {Py_tp_hash, (void *)hash},
    {Py_tp_repr, (void *)text},
    {Py_tp_str, (void *)text},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_nb_bool, (void *)truth_of},
    {Py_nb_int, (void *)as_int},
    {Py_nb_index, (void *)as_int},
    {Py_nb_float, (void *)as_float},
    {Py_nb_negative, (void *)negative},
    {Py_nb_positive, (void *)positive},
    {Py_nb_multiply, (void *)times},
    {Py_nb_and, (void *)and_slot},
    {Py_nb_or, (void *)or_slot},
    {Py_nb_xor, (void *)xor_slot},
    {Py_nb_invert, (void *)invert},
    {Py_nb_lshift, (void *)left_shift},
    {Py_nb_rshift, (void *)right_shift},
    {0, NULL},
};

int pg_conditions_init(PyObject *module)
{
    static PyType_Spec spec = {.name = "pygrad.Condition",
                               .basicsize = sizeof(pg_value),
                               .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                               .slots = slots};
    PyObject *bases = PyTuple_Pack(1, (PyObject *)pg_value_type);
    PyObject *type = bases == NULL ? NULL : PyType_FromSpecWithBases(&spec, bases);
    Py_XDECREF(bases);
    if (type == NULL)
        return -1;
    pg_condition_type = (PyTypeObject *)type;
    return PyModule_AddObjectRef(module, "Condition", type);
}
