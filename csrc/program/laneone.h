/* laneone.h: ops of single numbers, with the bits that they have in lanes. Included by lanes.h once for each set of vector
 * instructions: what has an instruction for fused multiply-adds need not make them of others. So all that an op calls here becomes
 * part of it: a function that stood apart would be compiled for every processor, and take ten times as long. */
#if defined __GNUC__ && !defined PG_COUNTED && LANE_WIDTH > 2 /* for two there is what every processor has */
#define LANE_WHOLE LANE_TARGET static __attribute__((flatten))
#else
#define LANE_WHOLE LANE_TARGET static
#endif

#define ONE(name, forward) \
    LANE_WHOLE double LANE_NAME(one_##name)(double x, double y, double w) \
    { \
        (void)x, (void)y, (void)w; \
        return forward; \
    }
#define UNARY(name, symbol, errors, forward, dx, doc) ONE(name, forward)
#define BINARY(name, symbol, errors, forward, dx, dy, doc) ONE(name, forward)
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) ONE(name, forward)
#define CONSTANT(name, symbol, errors, forward, dx, doc) \
    LANE_WHOLE double LANE_NAME(one_##name)(double x, double k, double w) \
    { \
        (void)x, (void)k, (void)w; \
        return forward; \
    }
#define SLOPE1 UNARY
#define SLOPE2 BINARY
#include "ops.def"
#undef ONE

/* See pg_evaluate_one(). */
LANE_TARGET static double LANE_NAME(one)(int op, double x, double y, double w)
{
    switch (op) {
#define UNARY(name, ...) \
    case PG_OP_##name: \
        return LANE_NAME(one_##name)(x, y, w);
#define BINARY UNARY
#define TERNARY UNARY
#define CONSTANT UNARY
#define SLOPE1 UNARY
#define SLOPE2 UNARY
#include "ops.def"
    default:
        return 0.0;
    }
}
#undef LANE_WHOLE

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
