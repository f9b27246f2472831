/* raising.h: when an operation raises, as the same on floats would. */
#ifndef PG_PYTHON_RAISING_H
#define PG_PYTHON_RAISING_H

#include "graph/graph.h"
#include "python/object.h"

#include <math.h>

/* The status of an op's result that is not finite. Not on the hot path. */
pg_status pg_diagnose(enum pg_errors errors, double x, double y, double z);

/* errors is a constant at every call, so that what is left of this is one test or none. */
PG_INLINE pg_status pg_check(enum pg_errors errors, double x, double y, double z)
{
    if (errors == PG_ERR_TOTAL)
        return PG_OK;
    if (errors == PG_ERR_DIVISION)
        return PG_LIKELY(y != 0.0) ? PG_OK : PG_DIVISION_BY_ZERO;
    return PG_LIKELY(isfinite(z)) ? PG_OK : pg_diagnose(errors, x, y, z);
}

/* The exception that the same operation on floats would raise, which says what the op needs and what it was given;
 * always NULL. numbers are its operands, as many as it has, a constant exponent included, and nodes theirs, or NULL for
 * plain numbers. */
PyObject *pg_refuse(int op, pg_status status, pg_node *const *nodes, const double *numbers);

/* In a trace, where an exception might be caught: notes by guards what decides whether the op raises and what, and
 * raises it. made is the result; numbers and nodes are as for pg_refuse. False with an
 * exception set. */
int pg_tried(int op, pg_node *made, pg_node *const *nodes, const double *numbers);

extern PyMethodDef pg_raising_functions[];

#endif
