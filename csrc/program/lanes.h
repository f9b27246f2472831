/* lanes.h: one block of rows through a program. evaluate.c includes it once for each set of instructions, with
 * LANE_NAME(name) and LANE_TARGET, which says which instructions the compiler may use, and LANE_WIDTH, the
 * doubles that one of them takes. The sequence of roundings is the same for all, so the bits are. */

typedef double LANE_NAME(vec) __attribute__((vector_size(LANE_WIDTH * sizeof(double))));
typedef int64_t LANE_NAME(ints) __attribute__((vector_size(LANE_WIDTH * sizeof(int64_t))));

/* A loop over the lanes at work, or over their vectors. Most blocks have all the rows that they can, and a loop of as many turns
 * as the compiler knows need not ask whether it goes on: where a turn is short, that is a tenth of the time. */
#define OVER(i, whole, all, some, ...) \
    if (PG_LIKELY(whole)) { \
        LANE_LOOP \
        for (size_t i = 0; i < (all); i++) { \
            __VA_ARGS__ \
        } \
    } else { \
        LANE_LOOP \
        for (size_t i = 0; i < (some); i++) { \
            __VA_ARGS__ \
        } \
    }
#define OVER_LANES(...) OVER(l, width == PG_LANES, PG_LANES, width, __VA_ARGS__)
#define OVER_VECTORS(...) OVER(k, width == PG_LANES, PG_LANES / LANE_WIDTH, width / LANE_WIDTH, __VA_ARGS__)
#define OVER_EIGHTS(...) OVER(e, width == PG_LANES, PG_LANES / PG_EIGHT, width / PG_EIGHT, __VA_ARGS__)
#define OVER_LANES_OF(op, ...) OVER(l, is_short(op) && width == PG_LANES, PG_LANES, width, __VA_ARGS__)

#include "program/lanetable.h"
#include "program/lanepowblock.h"
#include "program/lanesums.h"
#include "program/laneone.h"

/* Adds a block's numbers to eight strided sums, in the order of a tree; or, less, takes them away. No such sum is ever -0.0, so
 * that is as if the negative of each were added. */
LANE_ALWAYS void LANE_NAME(add_signed)(const double *a, double *into, const int less)
{
    typedef double vec __attribute__((vector_size(64)));
    const vec *x = (const vec *)(const void *)a;
    const vec sum = ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]));
    if (less)
        *(vec *)(void *)into -= sum;
    else
        *(vec *)(void *)into += sum;
}

LANE_TARGET static void LANE_NAME(add_up)(const double *a, double *into)
{
    LANE_NAME(add_signed)(a, into, 0);
}

/* Totals of products with one factor in common, which is loaded once: the same sums as add_up makes. Either all have a
 * number beside the product or none. */
LANE_ALWAYS void LANE_NAME(add_up_products)(const double *factor, const double *counts, const pg_instruction *in,
                                            size_t count, const block *rows, const int has_number)
{
    typedef LANE_NAME(vec) vec;
    enum { PARTS = 8 / LANE_WIDTH };
    const double *lanes = rows->lanes;
    const vec *x = (const vec *)(const void *)factor;
    for (int part = 0; part < PARTS; part++) {
        const vec x0 = x[part], x1 = x[PARTS + part], x2 = x[2 * PARTS + part], x3 = x[3 * PARTS + part];
        const vec x4 = x[4 * PARTS + part], x5 = x[5 * PARTS + part], x6 = x[6 * PARTS + part],
                  x7 = x[7 * PARTS + part];
        for (size_t i = 0; i < count; i++) {
            const vec *y = (const vec *)(const void *)LANE(in[i].b) + part;
            vec *into = (vec *)(void *)(rows->partial + 8 * in[i].out) + part;
            if (has_number) {
                const double u = rows->uniforms[in[i].c];
                const vec *n = (const vec *)(const void *)counts + part;
                *into += (((u * n[0] + x0 * y[0]) + (u * n[PARTS] + x1 * y[PARTS])) +
                          ((u * n[2 * PARTS] + x2 * y[2 * PARTS]) + (u * n[3 * PARTS] + x3 * y[3 * PARTS]))) +
                         (((u * n[4 * PARTS] + x4 * y[4 * PARTS]) + (u * n[5 * PARTS] + x5 * y[5 * PARTS])) +
                          ((u * n[6 * PARTS] + x6 * y[6 * PARTS]) + (u * n[7 * PARTS] + x7 * y[7 * PARTS])));
                continue;
            }
            *into += ((x0 * y[0] + x1 * y[PARTS]) + (x2 * y[2 * PARTS] + x3 * y[3 * PARTS])) +
                     ((x4 * y[4 * PARTS] + x5 * y[5 * PARTS]) + (x6 * y[6 * PARTS] + x7 * y[7 * PARTS]));
        }
    }
}

/* Totals of the products from in on that have one factor in common; how many they are. Of rows that do not count
 * that factor is 0, and so is what is added; if the other factor is inf or nan there the total is nan, and the
 * careful way leaves these rows out. */
LANE_TARGET static int LANE_NAME(total_products)(const pg_instruction *in, const pg_instruction *end, block *rows)
{
    const double *lanes = rows->lanes, *a = counted(rows, LANE(in->a), 0), *counts = counted(rows, ones(), 3);
    if (!rows->careful) {
        const size_t count = run_of_products(in, end);
        if (in->c == PG_NO_SLOT)
            LANE_NAME(add_up_products)(a, counts, in, count, rows, 0);
        else
            LANE_NAME(add_up_products)(a, counts, in, count, rows, 1);
        return (int)count;
    }
    const double *b = counted(rows, LANE(in->b), 1);
    double *sum = rows->spare + 2 * PG_LANES;
    for (int l = 0; l < PG_LANES; l++) {
        int met = 0;
        const double product = in->expected ? pg_strong_noted(a[l], b[l], &met) : a[l] * b[l];
        note_lane(rows, (size_t)l, met);
        sum[l] = counts[l] == 0.0 ? 0.0 : in->c == PG_NO_SLOT ? product : rows->uniforms[in->c] + product;
    }
    LANE_NAME(add_up)(sum, rows->partial + 8 * in->out);
    return 1;
}

#ifndef PG_LIBM_LANES
/* A function and its slope, or sin and cos, of the same lanes (see pg_partner()): the same bits as one by one. */
LANE_TARGET static void LANE_NAME(pair)(const pg_instruction *in, const block *rows)
{
    const size_t width = pg_width(rows);
    double *lanes = rows->lanes;
    const double *x = LANE(in->a);
    int swapped = in->code == PG_OP_sech2 || in->code == PG_OP_sigmoid_dx || in->code == PG_OP_cos;
    double *first = LANE(in[swapped].out), *second = LANE(in[!swapped].out);
    if (in->code == PG_OP_sin || in->code == PG_OP_cos)
        lanes_sin_and_cos(x, first, second, width);
    else if (in->code == PG_OP_pow || in->code == PG_OP_pown || in->code == PG_OP_power)
        LANE_NAME(lanes_power_and_slope)(in->code, x, LANE(in->b), first, second, width);
    else if (in->code == PG_OP_gamma || in->code == PG_OP_lgamma)
        LANE_NAME(pg_gammas_and_slopes)(in->code, x, first, second, width);
    else if (in->code == PG_OP_sigmoid || in->code == PG_OP_sigmoid_dx)
        lanes_sigmoid_and_slope(x, first, second, width);
    else
        lanes_tanh_and_slope(x, first, second, width);
}
#endif

/* Products in which an exact 0 wins: plainly first. None takes the place of a factor (see verify.c). A sum of them is nan if one
 * of them is. */
LANE_TARGET static void LANE_NAME(strong)(const pg_instruction *in, block *rows)
{
    typedef LANE_NAME(vec) vec;
    enum { PARTS = PG_EIGHT / LANE_WIDTH };
    const size_t width = pg_width(rows);
    double *lanes = rows->lanes;
    const double *a = LANE(in->a), *b = LANE(in->b);
    const vec *x = (const vec *)(const void *)a, *y = (const vec *)(const void *)b;
    double *out = LANE(in->out);
    vec *z = (vec *)(void *)out, all[PARTS] = {0};
    OVER_EIGHTS(for (size_t part = 0; part < PARTS; part++) {
        z[e * PARTS + part] = x[e * PARTS + part] * y[e * PARTS + part];
        all[part] += z[e * PARTS + part];
    })
    for (size_t part = 1; part < PARTS; part++)
        all[0] += all[part];
    if (!LANE_ANY(all[0] != all[0]))
        return;
    for (size_t l = 0; l < width; l++) {
        int met = 0;
        out[l] = pg_strong_noted(a[l], b[l], &met);
        note_lane(rows, l, met);
    }
}

/* Notes where a slope is 0 by convention. */
LANE_TARGET static void LANE_NAME(settle)(const pg_instruction *in, block *rows)
{
    const double *lanes = rows->lanes, *a = LANE(in->a), *b = LANE(in->b);
    const size_t width = pg_width(rows);
    int64_t any = 0;
    LANE_LOOP
    for (size_t l = 0; l < width; l++)
        any |= (a[l] == 0.0) & (b[l] == 0.0);
    for (size_t l = 0; any != 0 && l < width; l++)
        note_lane(rows, l, pg_is_settled(in->code, a[l], b[l]));
}

#ifndef PG_LIBM_LANES
/* Ops that have a function for whole blocks (see is_in_block()), faster than one lane at a time and with the same bits. */
LANE_TARGET static void LANE_NAME(as_block)(const pg_instruction *in, const block *rows)
{
    const size_t width = pg_width(rows);
    double *lanes = rows->lanes;
    switch (in->code) {
    case PG_OP_exp:
        lanes_exp(LANE(in->a), LANE(in->out), width);
        break;
    case PG_OP_log:
        lanes_log(LANE(in->a), LANE(in->out), width);
        break;
    case PG_OP_tanh:
        lanes_tanh(LANE(in->a), LANE(in->out), width);
        break;
    case PG_OP_sech2:
        lanes_sech2(LANE(in->a), LANE(in->out), width);
        break;
    case PG_OP_sigmoid:
        lanes_sigmoid(LANE(in->a), LANE(in->out), width);
        break;
    case PG_OP_sigmoid_dx:
        lanes_sigmoid_dx(LANE(in->a), LANE(in->out), width);
        break;
    case PG_OP_sin:
        lanes_sin(LANE(in->a), LANE(in->out), width);
        break;
    case PG_OP_cos:
        lanes_cos(LANE(in->a), LANE(in->out), width);
        break;
    case PG_OP_tan:
        lanes_tan(LANE(in->a), LANE(in->out), width);
        break;
    case PG_OP_pow:
        LANE_NAME(lanes_pow)(LANE(in->a), LANE(in->b), LANE(in->out), width);
        break;
    case PG_OP_pow_dx:
        LANE_NAME(lanes_pow_dx)(LANE(in->a), LANE(in->b), LANE(in->out), width);
        break;
    case PG_OP_pow_less:
        LANE_NAME(lanes_pow_less)(LANE(in->a), LANE(in->b), LANE(in->out), width);
        break;
    case PG_OP_pow_dxx:
        LANE_NAME(lanes_pow_dxx)(LANE(in->a), LANE(in->b), LANE(in->out), width);
        break;
    case PG_OP_pow_dy:
        LANE_NAME(lanes_pow_dy)(LANE(in->a), LANE(in->b), LANE(in->out), width);
        break;
    case PG_OP_mod:
        lanes_mod(LANE(in->a), LANE(in->b), LANE(in->out), width);
        break;
    case PG_OP_floordiv:
        lanes_floordiv(LANE(in->a), LANE(in->b), LANE(in->out), width);
        break;
    case PG_OP_polygamma:
        LANE_NAME(pg_polygammas)(LANE(in->a), LANE(in->b), LANE(in->out), width);
        break;
    case PG_OP_lgamma:
    case PG_OP_gamma:
    case PG_OP_gamma_dx:
    case PG_OP_digamma:
        LANE_NAME(pg_gammas)(in->code, LANE(in->a), LANE(in->out), width);
        break;
    default: /* pown, power */
        LANE_NAME(lanes_power)(LANE(in->a), LANE(in->b), LANE(in->out), width);
    }
}

/* In the function of an op; the compiler knows which. */
#define IN_BLOCK(op) \
    if (pg_partner(op) >= 0 && pg_is_pair(in, p->code + p->length)) { \
        LANE_NAME(pair)(in, rows); \
        return 2; \
    } \
    if (is_in_block(op)) { \
        LANE_NAME(as_block)(in, rows); \
        return 1; \
    }
#else
#define IN_BLOCK(op)
#endif

/* -- choices by one condition, which is read once ------------------------------------------------ */

/* Whether the instruction behind one chooses by the same condition, which that one gives or reads, and does not read what it
 * gives, nor choose the condition itself. */
static int LANE_NAME(chooses_too)(const pg_instruction *in, const pg_instruction *end, pg_slot condition)
{
    const pg_instruction *next = in + 1;
    if (next == end || next->code != PG_OP_where)
        return 0;
    const int apart = (next->b != in->out) & (next->c != in->out);
    return (next->a == condition) & apart & (next->b != condition) & (next->c != condition);
}

/* One or two choices; how many. */
LANE_TARGET static int LANE_NAME(choose)(const pg_instruction *in, const pg_instruction *end, const block *rows)
{
    const size_t width = pg_width(rows);
    double *lanes = rows->lanes;
    const double *x = LANE(in->a), *y = LANE(in->b), *w = LANE(in->c);
    double *z = LANE(in->out);
    if (!LANE_NAME(chooses_too)(in, end, in->a)) {
        OVER_LANES(const uint64_t on = lane_mask(x[l] != 0.0); z[l] = lane_either(on, y[l], w[l]);)
        return 1;
    }
    const double *y2 = LANE(in[1].b), *w2 = LANE(in[1].c);
    double *z2 = LANE(in[1].out);
    OVER_LANES(const uint64_t on = lane_mask(x[l] != 0.0);
               const double first = lane_either(on, y[l], w[l]), second = lane_either(on, y2[l], w2[l]); z[l] = first;
               z2[l] = second;)
    return 2;
}

/* A comparison and the choice by it, or two of them. */
#define COMPARED(name, holds) \
    LANE_TARGET static int LANE_NAME(name##_and_choose)(const pg_instruction *in, const pg_instruction *end, \
                                                        const block *rows) \
    { \
        const size_t width = pg_width(rows); \
        double *lanes = rows->lanes; \
        const double *a = LANE(in->a), *b = LANE(in->b), *y = LANE(in[1].b), *w = LANE(in[1].c); \
        double *x = LANE(in->out), *z = LANE(in[1].out); \
        if (!LANE_NAME(chooses_too)(in + 1, end, in->out)) { \
            OVER_LANES(const uint64_t on = lane_mask(holds); const double first = lane_either(on, y[l], w[l]); \
                       x[l] = lane_either(on, 1.0, 0.0); z[l] = first;) \
            return 2; \
        } \
        const double *y2 = LANE(in[2].b), *w2 = LANE(in[2].c); \
        double *z2 = LANE(in[2].out); \
        OVER_LANES(const uint64_t on = lane_mask(holds); \
                   const double first = lane_either(on, y[l], w[l]), second = lane_either(on, y2[l], w2[l]); \
                   x[l] = lane_either(on, 1.0, 0.0); z[l] = first; z2[l] = second;) \
        return 3; \
    }
COMPARED(below, a[l] < b[l])
COMPARED(at_most, a[l] <= b[l])
#undef COMPARED

/* Numbers of a block's rows, which stand anywhere. */
LANE_TARGET static void LANE_NAME(copy)(double *to, const double *from, size_t width)
{
    typedef double vec __attribute__((vector_size(LANE_WIDTH * sizeof(double)), aligned(sizeof(double))));
    const vec *x = (const vec *)(const void *)from;
    vec *z = (vec *)(void *)to;
    OVER_VECTORS(z[k] = x[k];)
}

/* What is given of the rows whose mask is set, which has all bits or none, and the other of the rest. */
LANE_TARGET static void LANE_NAME(blend)(double *into, const double *given, const double *other, const int64_t *mask,
                                         size_t width)
{
    typedef LANE_NAME(ints) ints;
    ints *to = (ints *)(void *)into;
    const ints *x = (const ints *)(const void *)given, *y = (const ints *)(const void *)other;
    const ints *which = (const ints *)(const void *)mask;
    OVER_VECTORS(to[k] = (x[k] & which[k]) | (y[k] & ~which[k]);)
}

/* How many of a mask's numbers are set. */
LANE_ALWAYS int LANE_NAME(count_set)(LANE_NAME(ints) of)
{
    int64_t count = 0;
    for (int i = 0; i < LANE_WIDTH; i++)
        count -= of[i];
    return (int)count;
}

/* Sets a mask where says is not 0, or, if it counts, is more than done. How many these are. */
LANE_TARGET static int LANE_NAME(begin)(int64_t *mask, const double *says, int counts, double done, size_t width)
{
    typedef LANE_NAME(vec) vec;
    typedef LANE_NAME(ints) ints;
    ints *which = (ints *)(void *)mask, all = {0};
    const vec bound = (vec){0} + done, *x = (const vec *)(const void *)says;
    if (counts) {
        OVER_VECTORS(which[k] = (ints)(bound < x[k]); all += which[k];)
    } else {
        OVER_VECTORS(which[k] = (ints)(x[k] != 0.0); all += which[k];)
    }
    return LANE_NAME(count_set)(all);
}

/* Counts a trip of the rows whose mask is set, and leaves it set where they go on, for which says is as above. How many go
 * on. */
LANE_TARGET static int LANE_NAME(go_on)(int64_t *mask, double *trips, const double *says, int counts, double done,
                                        size_t width)
{
    typedef LANE_NAME(vec) vec;
    typedef LANE_NAME(ints) ints;
    ints *which = (ints *)(void *)mask, all = {0};
    vec *count = (vec *)(void *)trips, bound = {0}, one = {0};
    const vec *x = (const vec *)(const void *)says;
    bound += done;
    one += 1.0;
    for (size_t k = 0; k < width / LANE_WIDTH; k++) {
        const ints here = which[k];
        count[k] += (vec)((ints)one & here);
        which[k] = here & (counts ? (ints)(bound < x[k]) : (ints)(x[k] != 0.0));
        all += which[k];
    }
    return LANE_NAME(count_set)(all);
}

/* Whether none of a block's numbers is 0. */
LANE_TARGET static int LANE_NAME(is_all)(const double *says, size_t width)
{
    typedef LANE_NAME(vec) vec;
    typedef LANE_NAME(ints) ints;
    const vec *x = (const vec *)(const void *)says;
    ints any = {0};
    OVER_VECTORS(any |= (ints)(x[k] == 0.0);)
    return !LANE_ANY(any);
}

/* Eight items of eight rows, which stand side by side in each: lanes of a block for each item. */
LANE_TARGET static void LANE_NAME(tile)(double *into, const double *const *from)
{
#if LANE_WIDTH >= 4 && defined LANE_MIX
    typedef double vec __attribute__((vector_size(32), aligned(sizeof(double))));
    for (size_t r = 0; r < 8; r += 4)
        for (size_t k = 0; k < 8; k += 4) {
            const vec a = *(const vec *)(const void *)(from[r] + k), b = *(const vec *)(const void *)(from[r + 1] + k),
                      c = *(const vec *)(const void *)(from[r + 2] + k),
                      d = *(const vec *)(const void *)(from[r + 3] + k);
            const vec even = LANE_MIX(a, b, 0, 4, 2, 6), odd = LANE_MIX(a, b, 1, 5, 3, 7),
                      other_even = LANE_MIX(c, d, 0, 4, 2, 6), other_odd = LANE_MIX(c, d, 1, 5, 3, 7);
            vec *z = (vec *)(void *)(into + k * PG_LANES + r);
            z[0] = LANE_MIX(even, other_even, 0, 1, 4, 5);
            z[PG_LANES / 4] = LANE_MIX(odd, other_odd, 0, 1, 4, 5);
            z[2 * PG_LANES / 4] = LANE_MIX(even, other_even, 2, 3, 6, 7);
            z[3 * PG_LANES / 4] = LANE_MIX(odd, other_odd, 2, 3, 6, 7);
        }
#else
    for (size_t k = 0; k < 8; k++)
        for (size_t r = 0; r < 8; r++)
            into[k * PG_LANES + r] = from[r][k];
#endif
}

/* -- a function for each code: how many instructions it has done, or 0 if that was the end ---------- */

#define STEP(name) LANE_TARGET static int LANE_NAME(name)(const pg_program *p, const pg_instruction *in, block *rows)

#define LANES_OF_STEP \
    (void)p; \
    double *lanes = rows->lanes;

#define WIDTH_OF_STEP const size_t width = pg_width(rows);

#define UNARY(name, symbol, errors, forward, dx, doc) \
    STEP(do_##name) \
    { \
        LANES_OF_STEP \
        IN_BLOCK(PG_OP_##name) \
        WIDTH_OF_STEP \
        const double *a = LANE(in->a); \
        double *z = LANE(in->out); \
        OVER_LANES_OF(PG_OP_##name, const double x = a[l]; z[l] = forward;) \
        return 1; \
    }
#define BINARY(name, symbol, errors, forward, dx, dy, doc) \
    STEP(do_##name) \
    { \
        LANES_OF_STEP \
        IN_BLOCK(PG_OP_##name) \
        if (PG_OP_##name == PG_OP_mul0) { \
            LANE_NAME(strong)(in, rows); \
            return 1; \
        } \
        if (pg_is_settled(PG_OP_##name, 0.0, 0.0)) \
            LANE_NAME(settle)(in, rows); \
        const pg_instruction *end = p->code + p->length; \
        if (PG_OP_##name == PG_OP_below && LANE_NAME(chooses_too)(in, end, in->out)) \
            return LANE_NAME(below_and_choose)(in, end, rows); \
        if (PG_OP_##name == PG_OP_at_most && LANE_NAME(chooses_too)(in, end, in->out)) \
            return LANE_NAME(at_most_and_choose)(in, end, rows); \
        WIDTH_OF_STEP \
        const double *a = LANE(in->a), *b = LANE(in->b); \
        double *z = LANE(in->out); \
        OVER_LANES_OF(PG_OP_##name, const double x = a[l], y = b[l]; z[l] = forward;) \
        return 1; \
    }
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) \
    STEP(do_##name) \
    { \
        LANES_OF_STEP \
        if (PG_OP_##name == PG_OP_where) \
            return LANE_NAME(choose)(in, p->code + p->length, rows); \
        WIDTH_OF_STEP \
        const double *a = LANE(in->a), *b = LANE(in->b), *c = LANE(in->c); \
        double *z = LANE(in->out); \
        OVER_LANES_OF(PG_OP_##name, const double x = a[l], y = b[l], w = c[l]; z[l] = forward;) \
        return 1; \
    }
#define CONSTANT(name, symbol, errors, forward, dx, doc) \
    STEP(do_##name) \
    { \
        LANES_OF_STEP \
        IN_BLOCK(PG_OP_##name) \
        WIDTH_OF_STEP \
        const double *a = LANE(in->a), k = LANE(in->b)[0]; \
        double *z = LANE(in->out); \
        OVER_LANES_OF(PG_OP_##name, const double x = a[l]; z[l] = forward;) \
        return 1; \
    }
#define SLOPE1 UNARY
#define SLOPE2 BINARY
#include "ops.def"

STEP(do_fused)
{
    const pg_term *t = p->terms + in->first;
    if (LANE_NAME(is_simple)(in, t))
        LANE_NAME(simple)(t, in, rows);
    else
        LANE_NAME(fused)(p, in, rows);
    return 1;
}

STEP(do_contracted)
{
    LANE_NAME(contracted)(p, in, rows);
    return 1;
}

STEP(do_search)
{
    LANE_NAME(search)(p, in, rows);
    return 1;
}

STEP(do_take)
{
    LANE_NAME(take)(p, in, rows);
    return 1;
}

STEP(do_guard)
{
    LANES_OF_STEP
    return guard_rows(in, LANE(in->a), LANE(in->b), rows) != 0; /* or nobody is left on this path */
}

STEP(do_output)
{
    LANES_OF_STEP
    write_output(rows, in->out, LANE(in->a));
    return 1;
}

STEP(do_total)
{
    LANES_OF_STEP
    LANE_NAME(add_up)(counted(rows, LANE(in->a), 0), rows->partial + 8 * in->out);
    return 1;
}

STEP(do_total_less)
{
    LANES_OF_STEP
    LANE_NAME(add_signed)(counted(rows, LANE(in->a), 0), rows->partial + 8 * in->out, 1);
    return 1;
}

STEP(do_total_product)
{
    return LANE_NAME(total_products)(in, p->code + p->length, rows);
}

STEP(do_total_uniform)
{
    (void)p;
    rows->partial[8 * in->out] += (double)rows->staying * rows->uniforms[in->a];
    return 1;
}

STEP(do_loop)
{
    return pg_loop_lanes(p, in, rows);
}

STEP(do_call)
{
    return pg_call_lanes(p, in, rows);
}

LANE_TARGET static void LANE_NAME(run_block)(const pg_program *p, block *rows)
{
    static int (*const steps[PG_CODE_COUNT])(const pg_program *, const pg_instruction *, block *) = {
#define UNARY(name, symbol, errors, forward, dx, doc) [PG_OP_##name] = LANE_NAME(do_##name),
#define BINARY(name, symbol, errors, forward, dx, dy, doc) [PG_OP_##name] = LANE_NAME(do_##name),
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) [PG_OP_##name] = LANE_NAME(do_##name),
#define CONSTANT(name, symbol, errors, forward, dx, doc) [PG_OP_##name] = LANE_NAME(do_##name),
#define SLOPE1 UNARY
#define SLOPE2 BINARY
#include "ops.def"
        [PG_CODE_FUSED] = LANE_NAME(do_fused),
        [PG_CODE_CONTRACTED] = LANE_NAME(do_contracted),
        [PG_CODE_SEARCH] = LANE_NAME(do_search),
        [PG_CODE_TAKE] = LANE_NAME(do_take),
        [PG_CODE_GUARD] = LANE_NAME(do_guard),
        [PG_CODE_OUTPUT] = LANE_NAME(do_output),
        [PG_CODE_TOTAL] = LANE_NAME(do_total),
        [PG_CODE_TOTAL_LESS] = LANE_NAME(do_total_less),
        [PG_CODE_TOTAL_PRODUCT] = LANE_NAME(do_total_product),
        [PG_CODE_TOTAL_UNIFORM] = LANE_NAME(do_total_uniform),
        [PG_CODE_LOOP] = LANE_NAME(do_loop),
        [PG_CODE_CALL] = LANE_NAME(do_call),
    };
    const pg_instruction *end = p->code + p->length;
    int done = 1;
    for (const pg_instruction *in = p->code + p->spread; in != end && done != 0; in += done)
        done = steps[in->code](p, in, rows);
}

#undef STEP
#undef OVER
#undef OVER_LANES
#undef OVER_VECTORS
#undef OVER_EIGHTS
#undef OVER_LANES_OF
#undef LANES_OF_STEP
#undef WIDTH_OF_STEP
#undef IN_BLOCK
