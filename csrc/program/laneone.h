/* laneone.h: ops of single numbers, with the bits that they have in lanes. Included by lanes.h once for each set of vector
 * instructions, as what has an instruction for fused multiply-adds need not call the C library for them. */

/* See pg_evaluate_one(). */
LANE_TARGET static double LANE_NAME(one)(int op, double x, double y, double w)
{
    (void)w;
    switch (op) {
#define UNARY(name, symbol, errors, forward, dx, doc) \
    case PG_OP_##name: \
        return forward;
#define BINARY(name, symbol, errors, forward, dx, dy, doc) UNARY(name, symbol, errors, forward, dx, doc)
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) UNARY(name, symbol, errors, forward, dx, doc)
#define CONSTANT(name, symbol, errors, forward, dx, doc) \
    case PG_OP_##name: { \
        const double k = y; \
        return forward; \
    }
#define SLOPE1 UNARY
#define SLOPE2 BINARY
#include "ops.def"
    default:
        return 0.0;
    }
}

/* An instruction on uniforms, or partners together: see pair() in lanes.h. How many instructions were done. */
LANE_TARGET static int LANE_NAME(once)(const pg_instruction *in, const pg_instruction *end, double *uniforms)
{
#ifndef PG_LIBM_LANES
    if ((in->code == PG_OP_tanh || in->code == PG_OP_sech2) && pg_is_pair(in, end)) {
        const struct lane_sloped y = lane_tanh_and_slope(uniforms[in->a]);
        uniforms[in[in->code == PG_OP_sech2].out] = y.value;
        uniforms[in[in->code == PG_OP_tanh].out] = y.slope;
        return 2;
    }
    if ((in->code == PG_OP_sin || in->code == PG_OP_cos) && pg_is_pair(in, end)) {
        const struct lane_circle y = lane_circle_of(uniforms[in->a], lane_angle(uniforms[in->a]));
        uniforms[in[in->code == PG_OP_cos].out] = y.sine;
        uniforms[in[in->code == PG_OP_sin].out] = y.cosine;
        return 2;
    }
    if ((in->code == PG_OP_sigmoid || in->code == PG_OP_sigmoid_dx) && pg_is_pair(in, end)) {
        const struct lane_sloped y = lane_sigmoid_and_slope(uniforms[in->a]);
        uniforms[in[in->code == PG_OP_sigmoid_dx].out] = y.value;
        uniforms[in[in->code == PG_OP_sigmoid].out] = y.slope;
        return 2;
    }
#else
    (void)end;
#endif
    uniforms[in->out] = LANE_NAME(one)(in->code, uniforms[in->a], uniform_or_zero(uniforms, in->b),
                                       uniform_or_zero(uniforms, in->c));
    return 1;
}
