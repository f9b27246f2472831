/* raising.c: when an operation raises, and what a trace notes of that. */
#include "python/raising.h"

#include <errno.h>
#include <float.h>

#include "program/evaluate.h"
#include "python/convert.h"
#include "python/lifted.h"
#include "python/trace.h"

/* Whether the complex power that Python gives of a negative float is too large. */
static int is_large_complex(double x, double y)
{
    return x < 0.0 && floor(y) != y && isinf(pow(-x, y));
}

pg_status pg_diagnose(enum pg_errors errors, double x, double y, double z)
{
    int of_numbers = x == x && y == y, of_finite = isfinite(x) && isfinite(y);
    switch (errors) {
    case PG_ERR_POLES:
        if (x <= 0.0 && floor(x) == x && of_finite)
            return PG_DOMAIN_ERROR;
        return pg_diagnose(PG_ERR_RANGE, x, y, z);
    case PG_ERR_DOMAIN:
        return z != z ? of_numbers ? PG_DOMAIN_ERROR : PG_OK : of_finite ? PG_DOMAIN_ERROR : PG_OK;
    case PG_ERR_RANGE:
        return z != z ? of_numbers ? PG_DOMAIN_ERROR : PG_OK : of_finite ? PG_RANGE_ERROR : PG_OK;
    case PG_ERR_FLOAT_POW:
        if (x == 0.0 && y < 0.0 && isfinite(y))
            return PG_DIVISION_BY_ZERO;
        if (z != z && of_finite && is_large_complex(x, y))
            return PG_RANGE_ERROR;
        return z != z ? of_numbers ? PG_DOMAIN_ERROR : PG_OK : of_finite ? PG_RANGE_ERROR : PG_OK;
    case PG_ERR_MATH_POW:
        if (z != z)
            return of_numbers ? PG_DOMAIN_ERROR : PG_OK;
        return !of_finite ? PG_OK : x == 0.0 ? PG_DOMAIN_ERROR : PG_RANGE_ERROR;
    case PG_ERR_INTEGRAL:
        return z != z ? PG_NOT_A_NUMBER : PG_INFINITE;
    default:
        return PG_OK;
    }
}

/* -- what exceptions say ------------------------------------------------------------------------ */

/* What an op needs; NULL where it takes all numbers, and may give one that is too large. */
static const char *needs_of(int op)
{
#define NEEDS(name, domain) [PG_OP_##name] = domain,
    static const char *const needs[PG_OPCODE_COUNT] = {
#include "ops.def"
    };
    return needs[op];
}

/* How Python begins to say it of floats. */
static const char *said_of_floats(int op, pg_status status, const double *numbers)
{
    switch (status) {
    case PG_DOMAIN_ERROR:
        return op == PG_OP_pown ? "a negative number has no real power that is not whole" : "math domain error";
    case PG_RANGE_ERROR:
        return op == PG_OP_pown && is_large_complex(numbers[0], numbers[1]) ? "complex exponentiation"
                                                                            : "math range error";
    case PG_INFINITE:
        return "cannot convert float infinity to integer";
    case PG_NOT_A_NUMBER:
        return "cannot convert float NaN to integer";
    default:
        return op == PG_OP_div        ? "float division by zero"
               : op == PG_OP_mod      ? "float modulo"
               : op == PG_OP_floordiv ? "float floor division by zero"
                                      : "0.0 cannot be raised to a negative power";
    }
}

/* A text that a Value has as an attribute; empty, or NULL with an exception set, if it has none. New reference. */
static PyObject *text_of(PyObject *v, const char *attribute)
{
    PyObject *text = PyObject_GetAttrString(v, attribute);
    if (text == NULL || PyUnicode_Check(text))
        return text;
    Py_DECREF(text); /* of a subclass */
    return PyUnicode_FromString("");
}

/* How an operand is called: "node 'r'", or what has made it; empty for what is neither named nor made. New reference, or
 * NULL. */
static PyObject *name_of(PyObject *v)
{
    const char *how[] = {"node %R", "made by %U"}, *attribute[] = {"label", "_op"};
    for (int i = 0; i < 2; i++) {
        PyObject *text = text_of(v, attribute[i]);
        if (text == NULL)
            return NULL;
        /* an input of a transform in another one is of that op, which nobody has called */
        const int found = PyUnicode_GetLength(text) > 0 && PyUnicode_CompareWithASCIIString(text, "identity") != 0;
        PyObject *name = found ? PyUnicode_FromFormat(how[i], text) : NULL;
        Py_DECREF(text);
        if (found)
            return name;
    }
    return PyUnicode_FromString("");
}

/* An operand as a number, or as text with its name. New reference, or NULL. */
static PyObject *operand_text(const pg_node *n, double number)
{
    PyObject *shown = PyFloat_FromDouble(number);
    if (shown == NULL || n == NULL || n->wrapper == NULL)
        return shown;
    PyObject *name = name_of(n->wrapper), *text = NULL;
    if (name != NULL)
        text = PyUnicode_GetLength(name) == 0 ? Py_NewRef(shown) : PyUnicode_FromFormat("%R (%U)", shown, name);
    Py_XDECREF(name);
    Py_DECREF(shown);
    return text;
}

/* One or two operands as text, with their names if they are two; second is the other's. New reference, or NULL. */
static PyObject *operands_text(const char *second, int count, pg_node *const *nodes, const double *numbers)
{
    PyObject *x = operand_text(nodes[0], numbers[0]);
    if (x == NULL || count < 2)
        return x;
    PyObject *y = operand_text(nodes[1], numbers[1]);
    PyObject *both = y == NULL ? NULL : PyUnicode_FromFormat("x = %S, %s = %S", x, second, y);
    Py_DECREF(x);
    Py_XDECREF(y);
    return both;
}

static PyObject *class_of(pg_status status)
{
    return status == PG_RANGE_ERROR || status == PG_INFINITE ? PyExc_OverflowError
           : status == PG_DIVISION_BY_ZERO                   ? PyExc_ZeroDivisionError
                                                             : PyExc_ValueError;
}

/* Divides by zero as floats do: what Python says of that is not the same in all its versions. */
static void divide_by_zero(int op, const double *numbers)
{
    PyObject *x = PyFloat_FromDouble(numbers[0]), *y = PyFloat_FromDouble(numbers[1]), *z = NULL;
    if (x != NULL && y != NULL)
        z = op == PG_OP_div        ? PyNumber_TrueDivide(x, y)
            : op == PG_OP_mod      ? PyNumber_Remainder(x, y)
            : op == PG_OP_floordiv ? PyNumber_FloorDivide(x, y)
                                   : PyNumber_Power(x, y, Py_None);
    if (z != NULL)
        PyErr_SetString(PyExc_ZeroDivisionError, said_of_floats(op, PG_DIVISION_BY_ZERO, numbers));
    Py_XDECREF(x);
    Py_XDECREF(y);
    Py_XDECREF(z);
}

/* The exception that floats raise. */
static void raise_as_floats(int op, pg_status status, const double *numbers)
{
    if (status == PG_DIVISION_BY_ZERO) {
        divide_by_zero(op, numbers);
    } else if (op == PG_OP_pown && status == PG_RANGE_ERROR && !is_large_complex(numbers[0], numbers[1])) {
        errno = ERANGE; /* of which `**` tells, and math.pow does not */
        PyErr_SetFromErrno(PyExc_OverflowError);
    } else {
        PyErr_SetString(class_of(status), said_of_floats(op, status, numbers));
    }
}

PyObject *pg_refuse(int op, pg_status status, pg_node *const *nodes, const double *numbers)
{
    const int lifted = pg_called_by_lifted_code();
    if (lifted != 0) {
        if (lifted > 0) /* where all is as for floats */
            raise_as_floats(op, status, numbers);
        return NULL;
    }
    const int power = op == PG_OP_pown, count = power ? 2 : pg_op_at(op - PG_OP_add)->arity;
    PyObject *operands = operands_text(power ? "n" : "y", count, nodes, numbers);
    if (operands == NULL)
        return NULL;
    const char *said = said_of_floats(op, status, numbers), *symbol = pg_op_at(op - PG_OP_add)->symbol,
               *needs = needs_of(op);
    if (status == PG_RANGE_ERROR || needs == NULL)
        PyErr_Format(class_of(status), "%s: %s is too large for a float at %S", said, symbol, operands);
    else
        PyErr_Format(class_of(status), "%s: %s needs %s, not %S", said, symbol, needs, operands);
    Py_DECREF(operands);
    return NULL;
}

/* refusal(said, name, needs, x, y): what a function says that is no op. */
static PyObject *refusal(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    pg_node *nodes[2] = {NULL, NULL};
    double numbers[2] = {0.0, 0.0};
    if (count < 4 || count > 5)
        return PyErr_Format(PyExc_TypeError, "refusal() takes three texts, and one or two operands");
    const int lifted = pg_called_by_lifted_code();
    if (lifted != 0)
        return lifted < 0 ? NULL : Py_NewRef(args[0]);
    for (Py_ssize_t i = 0; i < count - 3; i++) {
        PyObject *x = args[i + 3];
        if (PG_IS_VALUE(x) && !pg_require_built(x))
            return NULL;
        nodes[i] = PG_IS_VALUE(x) ? PG_NODE(x) : NULL;
        if (nodes[i] != NULL)
            numbers[i] = nodes[i]->value;
        else if (!pg_require_number(x, "an operand", &numbers[i]))
            return NULL;
    }
    PyObject *operands = operands_text("y", (int)count - 3, nodes, numbers);
    PyObject *text = operands == NULL
                         ? NULL
                         : PyUnicode_FromFormat("%S: %S needs %S, not %S", args[0], args[1], args[2], operands);
    Py_XDECREF(operands);
    return text;
}

/* -- in traces ---------------------------------------------------------------------------------- */

static enum pg_errors errors_of(int op)
{
#define UNARY(name, symbol, errors, forward, dx, doc) [PG_OP_##name - PG_OP_add] = PG_ERR_##errors,
#define BINARY(name, symbol, errors, forward, dx, dy, doc) [PG_OP_##name - PG_OP_add] = PG_ERR_##errors,
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) [PG_OP_##name - PG_OP_add] = PG_ERR_##errors,
#define CONSTANT(name, symbol, errors, forward, dx, doc) [PG_OP_##name - PG_OP_add] = PG_ERR_##errors,
    static const uint8_t table[] = {
#include "ops.def"
    };
    return (enum pg_errors)table[op - PG_OP_add];
}

/* Notes in the trace of what kind a number is: finite, one of the infinities, nan; and its sign, if that is asked for.
 * False with an exception set. */
static int note_kind(pg_node *n, int with_sign)
{
    const double x = n->value;
    return pg_trace_guard(n, NULL, DBL_MAX, PG_LESS_EQUAL, x <= DBL_MAX) &&
           pg_trace_guard(n, NULL, -DBL_MAX, PG_GREATER_EQUAL, x >= -DBL_MAX) &&
           (!with_sign || (pg_trace_guard(n, NULL, 0.0, PG_LESS_EQUAL, x <= 0.0) &&
                           pg_trace_guard(n, NULL, 0.0, PG_GREATER_EQUAL, x >= 0.0)));
}

/* Notes of a power that is no real number whether it would be too large. False with an exception set. */
static int note_large_power(pg_node *const *nodes, const double *numbers)
{
    const double x = -numbers[0], y = numbers[1];
    pg_node *minus = nodes[0] != NULL ? pg_recorded(pg_compute(PG_OP_neg, nodes[0], NULL, x)) : pg_number_leaf(x);
    if (minus == NULL)
        return pg_raise(PG_NO_MEMORY) != NULL;
    const double size = pg_evaluate_one(nodes[1] != NULL ? PG_OP_pow : PG_OP_pown, x, y, 0.0);
    pg_node *power = pg_recorded(nodes[1] != NULL ? pg_compute(PG_OP_pow, minus, nodes[1], size)
                                                  : pg_compute_pown(minus, y, size));
    const int noted = power == NULL ? pg_raise(PG_NO_MEMORY) != NULL
                                    : pg_trace_guard(power, NULL, DBL_MAX, PG_LESS_EQUAL, size <= DBL_MAX);
    if (power != NULL)
        pg_release(power);
    pg_release(minus);
    return noted;
}

/* What an operation of a loop's body may raise, whatever the state; NULL if nothing. */
static const char *may_raise(enum pg_errors errors, pg_node *const *nodes, double y)
{
    if (errors == PG_ERR_DIVISION)
        return nodes[1] == NULL && y != 0.0 ? NULL : "ZeroDivisionError";
    if (errors == PG_ERR_FLOAT_POW && (nodes[1] != NULL || y < 0.0))
        return "ZeroDivisionError ValueError OverflowError";
    return "ValueError OverflowError";
}

int pg_tried(int op, pg_node *made, pg_node *const *nodes, const double *numbers)
{
    const enum pg_errors errors = errors_of(op);
    pg_running_trace *t = errors == PG_ERR_TOTAL ? NULL : pg_trace_running();
    if (t == NULL)
        return 1;
    if (t->loops != 0) {
        const char *names = may_raise(errors, nodes, numbers[1]);
        return names == NULL || pg_errors_unheard(&t->errors, names);
    }
    if (t->errors.over)
        return 1;
    int guarded = pg_errors_guarded(&t->errors);
    if (guarded <= 0)
        return guarded == 0;
    const double x = numbers[0], y = numbers[1], z = made->value;
    if (errors == PG_ERR_DIVISION) {
        if (nodes[1] != NULL && !pg_trace_guard(nodes[1], NULL, 0.0, PG_UNEQUAL, y != 0.0))
            return 0;
    } else {
        if (!note_kind(made, 0))
            return 0;
        for (int i = 0; i < 2 && !isfinite(z); i++)
            if (nodes[i] != NULL && !note_kind(nodes[i], 1))
                return 0;
        if (op == PG_OP_pown && z != z && x < 0.0 && isfinite(x) && isfinite(y) && !note_large_power(nodes, numbers))
            return 0;
    }
    pg_status status = pg_check(errors, x, y, z);
    if (status == PG_OK)
        return 1;
    pg_refuse(op, status, nodes, numbers);
    return pg_errors_take(&t->errors) == 0;
}

/* The same for what Python knows to be refused. */
static PyObject *refused(PyObject *module, PyObject *error)
{
    (void)module;
    pg_running_trace *t = pg_trace_running();
    const int guarded = t == NULL ? 1 : t->errors.over ? 0 : pg_errors_guarded(&t->errors);
    if (guarded <= 0)
        return guarded < 0 ? NULL : Py_NewRef(Py_None);
    PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    return t == NULL || pg_errors_take(&t->errors) != 0 ? NULL : Py_NewRef(Py_None);
}

PyMethodDef pg_raising_functions[] = {
    {"refusal", PG_FAST(refusal), METH_FASTCALL,
     "refusal(said, name, needs, /, *operands)\n--\n\n"
     "What an error says of a function that is no op: what it says of floats, and then, unless its caller is lifted\n"
     "code, what the function needs and was given, as ops say it: of one or two operands."},
    {"refused", refused, METH_O,
     "refused(error, /)\n--\n\nRaise an error of an operation; in a trace, where nobody would catch it, do not."},
    {NULL, NULL, 0, NULL},
};
