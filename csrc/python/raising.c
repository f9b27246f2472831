/* raising.c: when an operation raises, and what a trace notes of that. */
#include "python/raising.h"

#include <float.h>

#include "python/convert.h"
#include "python/trace.h"

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

PyObject *pg_refuse(int op, pg_status status)
{
    if (status == PG_DIVISION_BY_ZERO && op != PG_OP_div) {
        PyErr_SetString(PyExc_ZeroDivisionError, op == PG_OP_mod        ? "float modulo"
                                                 : op == PG_OP_floordiv ? "float floor division by zero"
                                                                        : "0.0 cannot be raised to a negative power");
        return NULL;
    }
    if (status == PG_DOMAIN_ERROR && op == PG_OP_pown) {
        PyErr_SetString(PyExc_ValueError, "a negative number has no real power that is not whole");
        return NULL;
    }
    return pg_raise(status);
}

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

int pg_tried(int op, pg_node *made, pg_node *const *nodes, const double *numbers)
{
    const enum pg_errors errors = errors_of(op);
    pg_running_trace *t = errors == PG_ERR_TOTAL ? NULL : pg_trace_running();
    if (t == NULL || t->errors.over)
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
    }
    pg_status status = pg_check(errors, x, y, z);
    if (status == PG_OK)
        return 1;
    pg_refuse(op, status);
    return pg_errors_take(&t->errors) == 0;
}
