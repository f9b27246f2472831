/* comparisons.c: comparisons of Values, and their truth. */
#include "python/comparisons.h"

#include <float.h>

#include "ops/compare.h"
#include "python/conditions.h"
#include "python/convert.h"
#include "python/lifted.h"
#include "python/modes.h"
#include "python/outside.h"
#include "python/trace.h"
#include "python/value.h"

/* What depends on an input of a transform or trace that runs is as true as its number, and any other Value is true, as
 * other objects are. */
int pg_value_bool(PyObject *x)
{
    if (!pg_require_built(x))
        return -1;
    int outcome = PG_NODE(x)->value != 0.0, traces = PG_TRACING;
    if (PG_LIKELY(outcome && !traces))
        return 1;
    int depends = pg_depends_on_input(x);
    if (depends > 0 && traces && !pg_trace_comparison(x, NULL, 0.0, PG_UNEQUAL, outcome))
        return -1;
    if (depends != 0)
        return depends < 0 ? -1 : outcome;
    int lifted = outcome ? 0 : pg_in_lifted_code();
    if (lifted != 0)
        return lifted < 0 ? -1 : outcome;
    return outcome || pg_warn_of_truth() ? 1 : -1;
}

/* Python's comparisons are numbered as the C library's. */
_Static_assert(Py_LT == PG_LESS && Py_LE == PG_LESS_EQUAL && Py_EQ == PG_EQUAL && Py_NE == PG_UNEQUAL &&
                   Py_GT == PG_GREATER && Py_GE == PG_GREATER_EQUAL,
               "a comparison is handed on as it is");

/* Whether it is one of NumPy's; -1 with an exception set, which asking for an attribute may raise. */
static int has_dtype(PyObject *object)
{
    PyObject *dtype = PyObject_GetAttrString(object, "dtype");
    if (dtype == NULL && !PyErr_ExceptionMatches(PyExc_AttributeError))
        return -1;
    PyErr_Clear();
    Py_XDECREF(dtype);
    return dtype != NULL;
}

/* A number to compare with, which may lie between two doubles or beyond the largest. 1: it is *out, as NumPy's numbers
 * are for floats; 2: it is no double, and *out is the largest that is below it; 0: it is no number of ours; -1 with an
 * exception set. */
static int comparable(PyObject *object, double *out)
{
    int known = pg_number(object, out), above, below;
    if (PG_LIKELY(known == 1) && (PyFloat_Check(object) || (PyLong_Check(object) && fabs(*out) < 9007199254740992.0)))
        return 1;
    const int numpys = known == 1 && !PyLong_Check(object) ? has_dtype(object) : 0;
    if (known == 0 || numpys != 0)
        return numpys < 0 ? -1 : known;
    if (known < 0) { /* too large for a float */
        PyObject *zero = PyErr_ExceptionMatches(PyExc_OverflowError) ? PyLong_FromLong(0) : NULL;
        if (zero == NULL)
            return -1;
        PyErr_Clear();
        above = PyObject_RichCompareBool(object, zero, Py_GT);
        Py_DECREF(zero);
        *out = above > 0 ? DBL_MAX : -(double)INFINITY;
        return above < 0 ? -1 : 2;
    }
    PyObject *nearest = PyFloat_FromDouble(*out);
    if (nearest == NULL)
        return -1;
    above = PyObject_RichCompareBool(nearest, object, Py_GT);
    below = above < 0 ? -1 : PyObject_RichCompareBool(nearest, object, Py_LT);
    Py_DECREF(nearest);
    if (above < 0 || below < 0)
        return -1;
    if (above)
        *out = nextafter(*out, -(double)INFINITY);
    return above || below ? 2 : 1;
}

/* Whether == of two Values asks for their numbers, and not whether they are one object; -1 with an exception set. */
static int compares_numbers(PyObject *self, PyObject *other)
{
    int lifted = pg_in_lifted_code();
    if (lifted != 0)
        return lifted;
    if (PG_IS_CONDITION(self) || PG_IS_CONDITION(other))
        return pg_require_built(other) ? 1 : -1;
    if (PG_LIKELY(pg_active_inputs == 0))
        return 0;
    if (!pg_require_built(other))
        return -1;
    double a = PG_NODE(self)->value, b = PG_NODE(other)->value;
    if (!PG_TRACING && (self == other ? a == b : a != b)) /* so it makes no difference */
        return 0;
    int depends = pg_depends_on_input(self);
    return depends != 0 ? depends : pg_depends_on_input(other);
}

PyObject *pg_value_richcompare(PyObject *self, PyObject *other, int op)
{
    if (!pg_require_built(self))
        return NULL;
    double a = PG_NODE(self)->value, b;
    if (PG_IS_VALUE(other)) {
        if (op == Py_EQ || op == Py_NE) {
            int by_number = compares_numbers(self, other);
            if (by_number <= 0)
                return by_number < 0 ? NULL : PyBool_FromLong((self == other) == (op == Py_EQ));
        } else if (!pg_require_built(other)) {
            return NULL;
        }
        b = PG_NODE(other)->value;
    } else {
        int known = comparable(other, &b);
        if (known < 0)
            return NULL;
        if (known == 0)
            return Py_NewRef(Py_NotImplemented);
        if (PG_UNLIKELY(known == 2)) { /* no double equals it, and those not above b are below it */
            if (op == Py_EQ || op == Py_NE)
                return PyBool_FromLong(op == Py_NE);
            op = op == Py_LT || op == Py_LE ? Py_LE : Py_GT;
        }
    }
    if (PG_UNLIKELY(a != a || b != b) && op != Py_EQ && op != Py_NE && !PG_TRACING && !pg_warn_of_nan())
        return NULL;
    int outcome = pg_holds((unsigned)op, a, b);
    return PG_TRACING ? pg_compared(self, PG_IS_VALUE(other) ? other : NULL, b, (pg_comparison)op, outcome)
                      : PyBool_FromLong(outcome);
}
