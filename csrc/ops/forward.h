/* forward.h: ops.def as numbers: one inline function forward_<op> per op, taking its operands. */
#ifndef PG_FORWARD_H
#define PG_FORWARD_H

#include "ops/gamma.h"
#include "ops/normal.h"
#include "ops/scalar.h"

#define UNARY(name, symbol, errors, forward, dx, doc) \
    static inline double forward_##name(double x) \
    { \
        return forward; \
    }
#define BINARY(name, symbol, errors, forward, dx, dy, doc) \
    static inline double forward_##name(double x, double y) \
    { \
        return forward; \
    }
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) \
    static inline double forward_##name(double x, double y, double w) \
    { \
        return forward; \
    }
#define CONSTANT(name, symbol, errors, forward, dx, doc) \
    static inline double forward_##name(double x, double k) \
    { \
        return forward; \
    }
#define SLOPE1 UNARY
#define SLOPE2 BINARY
#include "ops.def"

/* An op of the table that is known only as it runs; a constant exponent is y. 0 for what is none. */
static inline double forward_of(int op, double x, double y, double w)
{
    (void)w;
    switch (op) {
#define UNARY(name, ...) \
    case PG_OP_##name: \
        return forward_##name(x);
#define BINARY(name, ...) \
    case PG_OP_##name: \
        return forward_##name(x, y);
#define TERNARY(name, ...) \
    case PG_OP_##name: \
        return forward_##name(x, y, w);
#define CONSTANT BINARY
#define SLOPE1 UNARY
#define SLOPE2 BINARY
#include "ops.def"
    default:
        return 0.0;
    }
}

#endif
