/* operators.c: the number protocol, comparisons, and each op of ops.def as a method of Value and as a function. */
#include "python/operators.h"

#include "ops/forward.h"
#include "program/evaluate.h"
#include "python/comparisons.h"
#include "python/conditions.h"
#include "python/convert.h"
#include "python/lifted.h"
#include "python/modes.h"
#include "python/outside.h"
#include "python/raising.h"
#include "python/rounding.h"
#include "python/trace.h"
#include "python/value.h"
#include "python/watching.h"

/* -- making the result -------------------------------------------------------------------------- */

/* An operand: a Value's node (borrowed) and number, or a plain number with no node yet. */
typedef struct {
    double number;
    pg_node *node;
} operand;

/* 1, or 0 if the object is no operand of ours, or -1 with an exception set. */
PG_INLINE int resolve(PyObject *object, operand *out)
{
    if (PG_IS_EXACT(object)) {
        out->node = PG_NODE(object);
        out->number = out->node->value;
        return 1;
    }
    if (PyObject_TypeCheck(object, pg_value_type)) {
        if (!pg_require_built(object))
            return -1;
        out->node = PG_NODE(object);
        out->number = out->node->value;
        return 1;
    }
    out->node = NULL;
    return pg_number(object, &out->number);
}

/* made, once it keeps what its operands carry; NULL with an exception set, made given back, otherwise. */
static PyObject *keeping(PyObject *made, PyObject *const *operands, size_t count)
{
    if (made != NULL && !pg_keep_operands(made, operands, count))
        Py_CLEAR(made);
    return made;
}

/* Whether the Values among the operands were all initialised; false with RuntimeError set. */
static int require_all_built(PyObject *const *operands, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (PG_IS_VALUE(operands[i]) && !pg_require_built(operands[i]))
            return 0;
    return 1;
}

static PyObject *detached(double z, PyObject *const *operands, size_t count)
{
    if (!require_all_built(operands, count))
        return NULL;
    pg_node *nodes[3];
    for (size_t i = 0; i < count; i++)
        nodes[i] = PG_IS_VALUE(operands[i]) ? PG_NODE(operands[i]) : NULL;
    pg_node *n = pg_detached_leaf(z, nodes, count);
    return n == NULL && PyErr_Occurred() ? NULL : pg_watched(pg_wrap(n));
}

/* The exception for a failed op, unless the cause is an operand that was never initialised. */
static PyObject *refuse_operands(int op, pg_status status, PyObject *const *operands, size_t count)
{
    pg_node *nodes[2] = {NULL, NULL};
    double numbers[2] = {0.0, 0.0};
    for (size_t i = 0; i < count; i++) {
        operand o;
        if (resolve(operands[i], &o) < 0)
            return NULL;
        nodes[i] = o.node;
        numbers[i] = o.number;
    }
    return pg_refuse(op, status, nodes, numbers);
}

/* The Value of what an op has made in a trace (taken over); NULL with an exception set if made is NULL, or it raises. */
static PyObject *wrap_traced(int op, pg_node *made, pg_node *const *nodes, const double *numbers)
{
    if (made != NULL && !pg_tried(op, made, nodes, numbers)) {
        pg_release(made);
        return NULL;
    }
    return pg_wrap(made);
}

static PyObject *made_unary_slowly(int op, PyObject *x, double z)
{
    if (PG_DETACHED)
        return detached(z, &x, 1);
    pg_node *a = PG_NODE(x);
    if (!PG_TRACING)
        return pg_watched(keeping(pg_wrap(pg_recorded(pg_compute(op, a, NULL, z))), &x, 1));
    z = pg_evaluate_one(op, a->value, 0.0, 0.0);
    pg_node *made = pg_recorded(pg_compute(op, a, NULL, z));
    return pg_watched(keeping(wrap_traced(op, made, (pg_node *[]){a, NULL}, (double[]){a->value, a->value}), &x, 1));
}

PG_INLINE PyObject *made_unary(int op, PyObject *x, double z)
{
    pg_node *a = PG_NODE(x);
    if (PG_SPECIAL || PG_UNLIKELY(a->flags & PG_SLOW))
        return made_unary_slowly(op, x, z);
    return pg_wrap(pg_compute(op, a, NULL, z));
}

/* The rest of a binary op with a plain number, a slow operand or a mode. raising: the op of whose kind its errors are. */
static PyObject *made_binary_slowly(int op, int raising, PyObject *left, PyObject *right, operand a, operand b,
                                    double z)
{
    if (PG_DETACHED)
        return detached(z, (PyObject *[]){left, right}, 2);
    const int tracing = PG_TRACING;
    if (tracing)
        z = pg_evaluate_one(op, a.number, b.number, 0.0);
    pg_node *x = a.node != NULL ? pg_retain(a.node) : pg_number_leaf(a.number);
    pg_node *y = b.node != NULL ? pg_retain(b.node) : pg_number_leaf(b.number);
    pg_node *node = x == NULL || y == NULL ? NULL : pg_recorded(pg_compute(op, x, y, z));
    PyObject *made = tracing ? wrap_traced(raising, node, (pg_node *[]){a.node, b.node}, (double[]){a.number, b.number})
                             : pg_wrap(node);
    if (x != NULL)
        pg_release(x);
    if (y != NULL)
        pg_release(y);
    if ((a.node != NULL && a.node->flags & PG_SLOW) || (b.node != NULL && b.node->flags & PG_SLOW))
        made = keeping(made, (PyObject *[]){left, right}, 2);
    return PG_SPECIAL ? pg_watched(made) : made;
}

PG_INLINE PyObject *made_binary(int op, PyObject *left, PyObject *right, operand a, operand b, double z)
{
    if (PG_LIKELY(!PG_SPECIAL && a.node != NULL && b.node != NULL && !((a.node->flags | b.node->flags) & PG_SLOW)))
        return pg_wrap(pg_compute(op, a.node, b.node, z));
    return made_binary_slowly(op, op, left, right, a, b, z);
}

static PyObject *made_ternary(int op, PyObject *const *objects, const operand *operands, double z)
{
    if (PG_DETACHED)
        return detached(z, objects, 3);
    pg_node *nodes[3];
    int whole = 1, slow = 0;
    for (int i = 0; i < 3; i++) {
        pg_node *n = operands[i].node;
        slow |= n != NULL && n->flags & PG_SLOW;
        nodes[i] = n != NULL ? pg_retain(n) : pg_number_leaf(operands[i].number);
        whole &= nodes[i] != NULL;
    }
    if (PG_TRACING)
        z = pg_evaluate_one(op, operands[0].number, operands[1].number, operands[2].number);
    PyObject *made = pg_wrap(whole ? pg_recorded(pg_compute_many(op, nodes, 3, z, NULL, NULL)) : NULL);
    for (int i = 0; i < 3; i++)
        if (nodes[i] != NULL)
            pg_release(nodes[i]);
    if (slow)
        made = keeping(made, objects, 3);
    return PG_SPECIAL ? pg_watched(made) : made;
}

/* -- one function per op: apply_<op> on Python operands ----------------------------------------- */

/* apply_<op> gives NotImplemented for operands that are no numbers. */
#define UNARY(name, symbol, errors, forward, dx, doc) \
    static PyObject *apply_##name(PyObject *x) \
    { \
        operand a; \
        if (PG_UNLIKELY(resolve(x, &a) < 0)) \
            return NULL; \
        double number = a.number, z = forward_##name(number); \
        pg_status status = pg_check(PG_ERR_##errors, number, number, z); \
        if (PG_UNLIKELY(status != PG_OK) && !PG_TRACING) \
            return refuse_operands(PG_OP_##name, status, &x, 1); \
        if (PG_ERR_##errors == PG_ERR_INTEGRAL && PG_UNLIKELY(fabs(z) >= PG_LARGE_WHOLE) && !pg_may_round(x, z)) \
            return NULL; \
        return made_unary(PG_OP_##name, x, z); \
    }
#define BINARY(name, symbol, errors, forward, dx, dy, doc) \
    static PyObject *apply_##name(PyObject *left, PyObject *right) \
    { \
        operand a, b; \
        int known = resolve(left, &a); \
        if (PG_LIKELY(known > 0)) \
            known = resolve(right, &b); \
        if (PG_UNLIKELY(known <= 0)) \
            return known < 0 ? NULL : Py_NewRef(Py_NotImplemented); \
        double z = forward_##name(a.number, b.number); \
        pg_status status = pg_check(PG_ERR_##errors, a.number, b.number, z); \
        if (PG_UNLIKELY(status != PG_OK) && !PG_TRACING) \
            return refuse_operands(PG_OP_##name, status, (PyObject *[]){left, right}, 2); \
        if (PG_OP_##name == PG_OP_floordiv && PG_UNLIKELY(fabs(z) >= PG_LARGE_WHOLE) && \
            !pg_may_round(a.node != NULL ? left : right, z)) \
            return NULL; \
        return made_binary(PG_OP_##name, left, right, a, b, z); \
    }
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) \
    static PyObject *apply_##name(PyObject *const *objects) \
    { \
        operand o[3]; \
        for (int i = 0; i < 3; i++) { \
            int known = resolve_or_bound(PG_OP_##name, i, objects[i], &o[i]); \
            if (known <= 0) \
                return known < 0 ? NULL : Py_NewRef(Py_NotImplemented); \
        } \
        double z = forward_##name(o[0].number, o[1].number, o[2].number); \
        return made_ternary(PG_OP_##name, objects, o, z); \
    }

/* clip takes None for a bound that is not there. */
static int resolve_or_bound(int op, int i, PyObject *object, operand *out)
{
    if (op == PG_OP_clip && i != 0 && object == Py_None) {
        out->node = NULL;
        out->number = i == 1 ? -(double)INFINITY : (double)INFINITY;
        return 1;
    }
    return resolve(object, out);
}
#include "ops.def"

/* x ** n with a constant exponent; x is a Value, n a number that was written as exponent. */
static PyObject *apply_pown(PyObject *x, double n, int whole)
{
    if (!PG_IS_EXACT(x) && !pg_require_built(x))
        return NULL;
    double number = PG_NODE(x)->value, z = forward_pown(number, n);
    pg_status status = pg_check(PG_ERR_FLOAT_POW, number, n, z);
    if (PG_UNLIKELY(status != PG_OK) && !PG_TRACING)
        return pg_refuse(PG_OP_pown, status, (pg_node *[]){PG_NODE(x), NULL}, (double[]){number, n});
    if (PG_DETACHED)
        return detached(z, &x, 1);
    if (PG_TRACING)
        z = pg_evaluate_one(PG_OP_pown, number, n, 0.0);
    pg_node *node = pg_compute_pown(PG_NODE(x), n, z);
    if (node != NULL && whole)
        node->flags |= PG_WHOLE_EXPONENT;
    PyObject *made = !PG_SPECIAL  ? pg_wrap(node)
                     : PG_TRACING ? wrap_traced(PG_OP_pown, pg_recorded(node), (pg_node *[]){PG_NODE(x), NULL},
                                                (double[]){number, n})
                                  : pg_wrap(pg_recorded(node));
    if (PG_UNLIKELY(PG_NODE(x)->flags & PG_SLOW))
        made = keeping(made, &x, 1);
    return PG_SPECIAL ? pg_watched(made) : made;
}

/* x ** y by both, where it raises what it raises for floats. */
static PyObject *apply_float_power(PyObject *left, PyObject *right)
{
    operand a, b;
    if (resolve(left, &a) <= 0 || resolve(right, &b) <= 0)
        return NULL;
    double z = forward_pow(a.number, b.number);
    pg_status status = pg_check(PG_ERR_FLOAT_POW, a.number, b.number, z);
    if (status != PG_OK && !PG_TRACING)
        return refuse_operands(PG_OP_pown, status, (PyObject *[]){left, right}, 2);
    return PG_TRACING ? made_binary_slowly(PG_OP_pow, PG_OP_pown, left, right, a, b, z)
                      : made_binary(PG_OP_pow, left, right, a, b, z);
}

/* TypeError, which has the Value's id for what knows where the Value comes from; always NULL. */
static PyObject *refuse_exponent(PyObject *exponent)
{
    PyObject *error = PyObject_CallFunction(PyExc_TypeError, "s",
                                            "the exponent of ** must be a constant number, not a Value; use "
                                            "pygrad.math.pow(x, y), which differentiates by both, or pygrad.lift "
                                            "for code that is not yours");
    PyObject *id = error == NULL ? NULL : PyLong_FromVoidPtr(exponent);
    if (id != NULL && PyObject_SetAttrString(error, "_pygrad_value", id) == 0)
        PyErr_SetObject(PyExc_TypeError, error);
    Py_XDECREF(id);
    Py_XDECREF(error);
    return NULL;
}

static PyObject *power_slot(PyObject *base, PyObject *exponent, PyObject *modulus)
{
    if (modulus != Py_None) {
        PyErr_SetString(PyExc_TypeError, "pow() with a modulus is for integers, not for Values");
        return NULL;
    }
    double n;
    if (PG_IS_CONDITION(exponent)) {
        PyObject *truth = pg_condition_bool(exponent), *power = NULL;
        if (truth != NULL)
            power = PyNumber_Power(base, truth, Py_None);
        Py_XDECREF(truth);
        return power;
    }
    if (PG_IS_VALUE(exponent)) {
        int known = PG_IS_VALUE(base) ? 1 : pg_number(base, &n);
        if (known <= 0)
            return known < 0 ? NULL : Py_NewRef(Py_NotImplemented);
        int lifted = pg_in_lifted_code();
        if (lifted != 0)
            return lifted < 0 ? NULL : apply_float_power(base, exponent);
        return refuse_exponent(exponent);
    }
    int known = pg_number(exponent, &n);
    if (known <= 0)
        return known < 0 ? NULL : Py_NewRef(Py_NotImplemented);
    return apply_pown(base, n, PyIndex_Check(exponent) && floor(n) == n);
}

static PyObject *positive_slot(PyObject *x)
{
    return pg_require_built(x) ? Py_NewRef(x) : NULL;
}

/* What math, "%f", NumPy's and pandas' arrays of floats, and SciPy ask a Value for: it says what to do instead. */
static PyObject *float_slot(PyObject *x)
{
    if (pg_require_built(x))
        PyErr_SetString(
            PyExc_TypeError,
            "a Value does not become a float by itself, as its derivative would be lost "
            "(math, '%f' and arrays of floats ask for that): use pygrad.math for math, "
            "pygrad.numpy for NumPy, arrays of dtype=object to put Values into, "
            "pygrad.plot.register_values() for matplotlib, pygrad.lift for code that is not yours, or v.data for the number");
    return NULL;
}

PyType_Slot pg_number_slots[] = {
    {Py_nb_add, (void *)apply_add},               /* x + y */
    {Py_nb_subtract, (void *)apply_sub},          /* x - y */
    {Py_nb_multiply, (void *)apply_mul},          /* x * y */
    {Py_nb_true_divide, (void *)apply_div},       /* x / y */
    {Py_nb_remainder, (void *)apply_mod},         /* x % y */
    {Py_nb_floor_divide, (void *)apply_floordiv}, /* x // y */
    {Py_nb_power, (void *)power_slot},            /* x ** y */
    {Py_nb_negative, (void *)apply_neg},          /* -x */
    {Py_nb_positive, (void *)positive_slot},      /* +x */
    {Py_nb_absolute, (void *)apply_abs},          /* abs(x) */
    {Py_nb_bool, (void *)pg_value_bool},              /* bool(x) */
    {Py_nb_float, (void *)float_slot},            /* float(x) */
    {0, NULL},
};

/* -- methods ------------------------------------------------------------------------------------ */

/* A NotImplemented result as the TypeError it means; steals result. */
static PyObject *or_type_error(PyObject *result, int op, PyObject *const *operands, size_t count)
{
    if (PG_LIKELY(result != Py_NotImplemented))
        return result;
    Py_DECREF(result);
    const char *name = pg_op_at(op - PG_OP_add)->name;
    operand unused;
    for (size_t i = 0; i < count; i++) {
        int known = resolve_or_bound(op, (int)i, operands[i], &unused);
        if (known < 0)
            return NULL;
        if (known == 0)
            return PyErr_Format(PyExc_TypeError, "%s() takes Values and real numbers, not %R", name,
                                Py_TYPE(operands[i]));
    }
    /* one that is a number now, though it was none a moment ago */
    return PyErr_Format(PyExc_TypeError, "%s() takes Values and real numbers", name);
}

static PyObject *wrong_count(const char *name, int expected, Py_ssize_t given)
{
    return PyErr_Format(PyExc_TypeError, "%s() takes %d arguments (%zd given)", name, expected, given);
}

#define UNARY(name, symbol, errors, forward, dx, doc) \
    static PyObject *method_##name(PyObject *self, PyObject *ignored) \
    { \
        (void)ignored; \
        return apply_##name(self); \
    }
#define BINARY(name, symbol, errors, forward, dx, dy, doc) \
    static PyObject *method_##name(PyObject *self, PyObject *other) \
    { \
        return or_type_error(apply_##name(self, other), PG_OP_##name, &other, 1); \
    }
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) \
    static PyObject *method_##name(PyObject *self, PyObject *const *args, Py_ssize_t count) \
    { \
        if (count != 2) \
            return wrong_count(#name, 2, count); \
        PyObject *operands[3] = {self, args[0], args[1]}; \
        return or_type_error(apply_##name(operands), PG_OP_##name, operands, 3); \
    }
#include "ops.def"

#define METHOD(name, target, flags, arguments, doc) \
    {#name, (PyCFunction)(void (*)(void))method_##target, flags, #name "(" arguments ")\n--\n\n" doc},

PyMethodDef pg_op_methods[] = {
#define UNARY(name, symbol, errors, forward, dx, doc) METHOD(name, name, METH_NOARGS, "$self, /", doc)
#define BINARY(name, symbol, errors, forward, dx, dy, doc) METHOD(name, name, METH_O, "$self, y, /", doc)
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) METHOD(name, name, METH_FASTCALL, "$self, y, w, /", doc)
#define ALIAS1(alias, name) METHOD(alias, name, METH_NOARGS, "$self, /", "The same as " #name ".")
#define ALIAS2(alias, name) METHOD(alias, name, METH_O, "$self, y, /", "The same as " #name ".")
#define ALIAS3(alias, name) METHOD(alias, name, METH_FASTCALL, "$self, y, w, /", "The same as " #name ".")
#include "ops.def"
    {NULL, NULL, 0, NULL},
};

/* -- functions: of Values as above, of other things as the standard math module ------------------ */

static PyObject *standard[PG_OPCODE_COUNT]; /* math's function of the op's name, or NULL */

/* The op's own forward value for plain numbers, or the exception that stands for it. */
static PyObject *plain(int op, pg_status status, const double *numbers, double z)
{
    return status == PG_OK ? PyFloat_FromDouble(z) : pg_refuse(op, status, (pg_node *[]){NULL, NULL}, numbers);
}

static int plain_numbers(const char *name, PyObject *const *args, int count, double *out)
{
    for (int i = 0; i < count; i++) {
        int known = pg_number(args[i], &out[i]);
        if (known == 0)
            PyErr_Format(PyExc_TypeError, "%s() takes Values and real numbers, not %R", name, Py_TYPE(args[i]));
        if (known != 1)
            return 0;
    }
    return 1;
}

#define UNARY(name, symbol, errors, forward, dx, doc) \
    static PyObject *function_##name(PyObject *module, PyObject *x) \
    { \
        (void)module; \
        double number; \
        if (PG_IS_VALUE(x)) \
            return apply_##name(x); \
        if (standard[PG_OP_##name] != NULL) \
            return PyObject_CallFunctionObjArgs(standard[PG_OP_##name], x, NULL); \
        if (!plain_numbers(#name, &x, 1, &number)) \
            return NULL; \
        double z = forward_##name(number); \
        return plain(PG_OP_##name, pg_check(PG_ERR_##errors, number, number, z), &number, z); \
    }
#define BINARY(name, symbol, errors, forward, dx, dy, doc) \
    static PyObject *function_##name(PyObject *module, PyObject *const *args, Py_ssize_t count) \
    { \
        (void)module; \
        double numbers[2]; \
        if (count != 2) \
            return wrong_count(#name, 2, count); \
        if (PG_IS_VALUE(args[0]) || PG_IS_VALUE(args[1])) \
            return or_type_error(apply_##name(args[0], args[1]), PG_OP_##name, args, 2); \
        if (standard[PG_OP_##name] != NULL) \
            return PyObject_CallFunctionObjArgs(standard[PG_OP_##name], args[0], args[1], NULL); \
        if (!plain_numbers(#name, args, 2, numbers)) \
            return NULL; \
        double z = forward_##name(numbers[0], numbers[1]); \
        return plain(PG_OP_##name, pg_check(PG_ERR_##errors, numbers[0], numbers[1], z), numbers, z); \
    }
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) \
    static PyObject *function_##name(PyObject *module, PyObject *const *args, Py_ssize_t count) \
    { \
        (void)module; \
        operand o[3]; \
        if (count != 3) \
            return wrong_count(#name, 3, count); \
        if (PG_IS_VALUE(args[0]) || PG_IS_VALUE(args[1]) || PG_IS_VALUE(args[2])) \
            return or_type_error(apply_##name(args), PG_OP_##name, args, 3); \
        for (int i = 0; i < 3; i++) \
            if (resolve_or_bound(PG_OP_##name, i, args[i], &o[i]) != 1) \
                return PyErr_Occurred() ? NULL : or_type_error(Py_NewRef(Py_NotImplemented), PG_OP_##name, args, 3); \
        return PyFloat_FromDouble(forward_##name(o[0].number, o[1].number, o[2].number)); \
    }
#define CONSTANT(name, symbol, errors, forward, dx, doc) \
    static PyObject *function_##name(PyObject *module, PyObject *const *args, Py_ssize_t count) \
    { \
        (void)module; \
        if (count != 2) \
            return wrong_count(#name, 2, count); \
        return PyNumber_Power(args[0], args[1], Py_None); \
    }
#include "ops.def"

#define FUNCTION(name, target, flags, arguments, doc) \
    {#name, (PyCFunction)(void (*)(void))function_##target, flags, #name "(" arguments ")\n--\n\n" doc},

PyMethodDef pg_op_functions[] = {
#define UNARY(name, symbol, errors, forward, dx, doc) FUNCTION(name, name, METH_O, "x, /", doc)
#define BINARY(name, symbol, errors, forward, dx, dy, doc) FUNCTION(name, name, METH_FASTCALL, "x, y, /", doc)
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) FUNCTION(name, name, METH_FASTCALL, "x, y, w, /", doc)
#define CONSTANT(name, symbol, errors, forward, dx, doc) FUNCTION(name, name, METH_FASTCALL, "x, n, /", doc)
#define ALIAS1(alias, name) FUNCTION(alias, name, METH_O, "x, /", "The same as " #name ".")
#define ALIAS2(alias, name) FUNCTION(alias, name, METH_FASTCALL, "x, y, /", "The same as " #name ".")
#define ALIAS3(alias, name) FUNCTION(alias, name, METH_FASTCALL, "x, y, w, /", "The same as " #name ".")
#include "ops.def"
    {NULL, NULL, 0, NULL},
};

static PyObject *if_any(PyObject *math, const char *name)
{
    PyObject *function = PyObject_GetAttrString(math, name);
    if (function == NULL)
        PyErr_Clear(); /* math need not have the name */
    return function;
}

int pg_operators_init(void)
{
    PyObject *math = PyImport_ImportModule("math");
    if (math == NULL)
        return -1;
#define UNARY(name, ...) standard[PG_OP_##name] = if_any(math, #name);
#define BINARY(name, ...) standard[PG_OP_##name] = if_any(math, #name);
#include "ops.def"
    Py_DECREF(math);
    return 0;
}
