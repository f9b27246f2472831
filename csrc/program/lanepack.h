/* lanepack.h: a pack's steps. packed.c includes it once for each set of instructions, by lanesets.h. */

typedef double LANE_NAME(vec) __attribute__((vector_size(LANE_WIDTH * sizeof(double)), aligned(sizeof(double))));

/* Eight numbers. */
typedef struct { LANE_NAME(vec) part[PG_SIDE / LANE_WIDTH]; } LANE_NAME(side);

#include "program/lanepowblock.h"

#define EACH_PART for (int k = 0; k < PG_SIDE / LANE_WIDTH; k++)

LANE_ALWAYS LANE_NAME(side) LANE_NAME(at)(const double *numbers)
{
    const LANE_NAME(vec) *from = (const LANE_NAME(vec) *)(const void *)numbers;
    LANE_NAME(side) x;
    EACH_PART x.part[k] = from[k];
    return x;
}

LANE_ALWAYS void LANE_NAME(put)(double *numbers, LANE_NAME(side) x)
{
    LANE_NAME(vec) *to = (LANE_NAME(vec) *)(void *)numbers;
    EACH_PART to[k] = x.part[k];
}

LANE_ALWAYS LANE_NAME(side) LANE_NAME(for_all)(double number)
{
    const LANE_NAME(vec) zero = {0}, all = number - zero; /* 0 + number would lose the sign of -0.0 */
    LANE_NAME(side) x;
    EACH_PART x.part[k] = all;
    return x;
}

LANE_ALWAYS LANE_NAME(side) LANE_NAME(each)(const uint32_t *slots, const double *uniforms)
{
    LANE_NAME(side) x;
    EACH_PART
    {
        LANE_NAME(vec) part = {0};
        for (int i = 0; i < LANE_WIDTH; i++)
            part[i] = uniforms[slots[k * LANE_WIDTH + i]];
        x.part[k] = part;
    }
    return x;
}

/* The next operand of a stretch: some eights of it, from one on. */
LANE_ALWAYS void LANE_NAME(take)(const uint32_t **words, const double *uniforms, size_t from, int eights,
                                 LANE_NAME(side) * x)
{
    const uint32_t word = *(*words)++;
    if (PG_LIKELY(word < PG_EACH)) {
        for (int e = 0; e < eights; e++)
            x[e] = LANE_NAME(at)(uniforms + word + PG_SIDE * (from + (size_t)e));
    } else if (word & PG_FOR_ALL) {
        const LANE_NAME(side) all = LANE_NAME(for_all)(uniforms[word & ~PG_FOR_ALL]);
        for (int e = 0; e < eights; e++)
            x[e] = all;
    } else {
        const LANE_NAME(side) all = LANE_NAME(each)(*words, uniforms);
        for (int e = 0; e < eights; e++)
            x[e] = all;
        *words += PG_SIDE;
    }
}

/* Eights that are whole among count numbers: those that are looked at together. */
LANE_ALWAYS size_t LANE_NAME(whole_eights)(const pg_step *s, size_t at)
{
    return (s->count - at) / PG_SIDE;
}

/* Whether a number of a step may be nan, of whose whole eights this is the sum. */
LANE_ALWAYS int LANE_NAME(may_be_nan)(const pg_step *s, const double *uniforms, LANE_NAME(side) all)
{
    double any = 0.0;
    EACH_PART for (int i = 0; i < LANE_WIDTH; i++) any += all.part[k][i];
    for (size_t at = s->count / PG_SIDE * PG_SIDE; at < s->count; at++)
        any += uniforms[s->out + at];
    return any != any;
}

/* Some eights of sums, of which the first so many are added to all; the words after those of the stretch. like: terms with the
 * signs of all, or NULL if they add. */
LANE_ALWAYS const uint32_t *LANE_NAME(sum_some)(const pg_step *s, const uint32_t *words, const pg_term *like,
                                                double *uniforms, double *out, size_t from, int eights, size_t whole,
                                                LANE_NAME(side) * all, const int contracts)
{
    LANE_NAME(side) sum[4], x[4], y[4];
    LANE_NAME(take)(&words, uniforms, from, eights, sum);
    for (uint32_t t = 0; t < s->terms; t++) {
        LANE_NAME(take)(&words, uniforms, from, eights, x);
        for (int e = 0; like != NULL && like[t].subtracted && e < eights; e++)
            EACH_PART x[e].part[k] = -x[e].part[k];
        if (*words == PG_NO_FACTOR) {
            words++;
            for (int e = 0; e < eights; e++)
                EACH_PART sum[e].part[k] += x[e].part[k];
            continue;
        }
        LANE_NAME(take)(&words, uniforms, from, eights, y);
        for (int e = 0; e < eights; e++)
            EACH_PART sum[e].part[k] = !contracts ? sum[e].part[k] + x[e].part[k] * y[e].part[k]
                                                  : LANE_FMA(x[e].part[k], y[e].part[k], sum[e].part[k]);
    }
    for (int e = 0; e < eights; e++) {
        LANE_NAME(put)(out + PG_SIDE * (from + (size_t)e), sum[e]);
        if (s->absorbing && from + (size_t)e < whole)
            EACH_PART all->part[k] += sum[e].part[k];
    }
    return words;
}

/* Whether a sum with an absorbing product may be nan. */
LANE_ALWAYS int LANE_NAME(sums_like)(const pg_step *s, const uint32_t *words, const pg_term *like, double *uniforms,
                                     const int contracts)
{
    LANE_NAME(side) all = LANE_NAME(for_all)(0.0);
    for (size_t at = 0; at < s->count;) {
        const size_t eights = *words++, whole = LANE_NAME(whole_eights)(s, at);
        const uint32_t *end = words;
        double *out = uniforms + s->out + at;
        size_t done = 0;
        for (; done + 4 <= eights; done += 4)
            end = LANE_NAME(sum_some)(s, words, like, uniforms, out, done, 4, whole, &all, contracts);
        for (; done + 2 <= eights; done += 2)
            end = LANE_NAME(sum_some)(s, words, like, uniforms, out, done, 2, whole, &all, contracts);
        if (done < eights)
            end = LANE_NAME(sum_some)(s, words, like, uniforms, out, done, 1, whole, &all, contracts);
        words = end;
        at += PG_SIDE * eights;
    }
    return s->absorbing && LANE_NAME(may_be_nan)(s, uniforms, all);
}

/* Whether one of a step's terms is subtracted. */
static int LANE_NAME(subtracts)(const pg_step *s, const pg_term *like)
{
    uint32_t any = 0;
    for (uint32_t t = 0; t < s->terms; t++)
        any |= like[t].subtracted;
    return any != 0;
}

LANE_TARGET static int LANE_NAME(sums)(const pg_step *s, const uint32_t *words, double *uniforms)
{
    return LANE_NAME(sums_like)(s, words, NULL, uniforms, 0);
}

LANE_TARGET static int LANE_NAME(signed_sums)(const pg_step *s, const uint32_t *words, const pg_term *like,
                                              double *uniforms)
{
    return LANE_NAME(sums_like)(s, words, like, uniforms, 0);
}

LANE_TARGET static int LANE_NAME(contracted)(const pg_step *s, const uint32_t *words, const pg_term *like,
                                             double *uniforms)
{
    return LANE_NAME(sums_like)(s, words, like, uniforms, 1);
}

/* Where an operand of a stretch begins, and how far it is from one eight to the next. What does not stand side by side is
 * put into room. */
LANE_ALWAYS const double *LANE_NAME(place)(const uint32_t **words, const double *uniforms, double *room, size_t *step)
{
    const uint32_t word = **words;
    *step = word < PG_EACH ? PG_SIDE : 0;
    if (PG_LIKELY(word < PG_EACH)) {
        ++*words;
        return uniforms + word;
    }
    LANE_NAME(side) x;
    LANE_NAME(take)(words, uniforms, 0, 1, &x);
    LANE_NAME(put)(room, x);
    return room;
}

/* An op of one or two operands; whether a number may be nan, if that is asked. */
#define STEP_OF(name, operands, does, asked) \
    LANE_TARGET static int LANE_NAME(name)(const pg_step *s, const uint32_t *words, double *uniforms) \
    { \
        _Alignas(64) double rooms[2][PG_SIDE]; \
        LANE_NAME(side) all = LANE_NAME(for_all)(0.0); \
        for (size_t at = 0; at < s->count;) { \
            const size_t eights = *words++, whole = LANE_NAME(whole_eights)(s, at); \
            size_t step_a, step_b = 0; \
            const double *a = LANE_NAME(place)(&words, uniforms, rooms[0], &step_a), *b = a; \
            if (operands == 2) \
                b = LANE_NAME(place)(&words, uniforms, rooms[1], &step_b); \
            double *out = uniforms + s->out + at; \
            for (size_t e = 0; e < eights; e++, a += step_a, b += step_b) { \
                LANE_NAME(side) x = LANE_NAME(at)(a), y = LANE_NAME(at)(b); \
                EACH_PART x.part[k] = does; \
                (void)y; \
                LANE_NAME(put)(out + PG_SIDE * e, x); \
                if (asked && e < whole) \
                    EACH_PART all.part[k] += x.part[k]; \
            } \
            at += PG_SIDE * eights; \
        } \
        return asked && LANE_NAME(may_be_nan)(s, uniforms, all); \
    }
STEP_OF(adds, 2, x.part[k] + y.part[k], 0)
STEP_OF(subs, 2, x.part[k] - y.part[k], 0)
STEP_OF(muls, 2, x.part[k] * y.part[k], 0)
STEP_OF(mul0s, 2, x.part[k] * y.part[k], 1)
STEP_OF(divs, 2, x.part[k] / y.part[k], 0)
STEP_OF(negs, 1, -x.part[k], 0)
#undef STEP_OF

#ifndef PG_LIBM_LANES
/* tanh and sech2, eight at a time: a layer's are mostly too few for the stretches of lanes_tanh_and_slope(). */
LANE_TARGET static void LANE_NAME(tanh_pairs)(const double *a, double *value, double *slope, size_t count)
{
    for (size_t at = 0; at < count; at += PG_SIDE) {
        LANE_LOOP
        for (int l = 0; l < PG_SIDE; l++) {
            const struct lane_sloped y = lane_tanh_and_slope(a[at + (size_t)l]);
            value[at + (size_t)l] = y.value;
            slope[at + (size_t)l] = y.slope;
        }
    }
}

/* Ops that have a function for whole blocks, as in lanes.h: whether this one does. */
LANE_TARGET static int LANE_NAME(as_block)(const pg_step *s, const double *a, const double *b, double *z, size_t count)
{
    switch (s->code) {
    case PG_OP_exp:
        lanes_exp(a, z, count);
        return 1;
    case PG_STEP_PAIR + PG_OP_tanh:
        LANE_NAME(tanh_pairs)(a, z, z + pg_whole(s->count), count);
        return 1;
    case PG_STEP_PAIR + PG_OP_sech2:
        LANE_NAME(tanh_pairs)(a, z + pg_whole(s->count), z, count);
        return 1;
    case PG_OP_log:
        lanes_log(a, z, count);
        return 1;
    case PG_OP_tanh:
        lanes_tanh(a, z, count);
        return 1;
    case PG_STEP_PAIR + PG_OP_sigmoid:
        lanes_sigmoid_and_slope(a, z, z + pg_whole(s->count), count);
        return 1;
    case PG_STEP_PAIR + PG_OP_sigmoid_dx:
        lanes_sigmoid_and_slope(a, z + pg_whole(s->count), z, count);
        return 1;
    case PG_OP_sigmoid:
        lanes_sigmoid(a, z, count);
        return 1;
    case PG_OP_sigmoid_dx:
        lanes_sigmoid_dx(a, z, count);
        return 1;
    case PG_STEP_PAIR + PG_OP_sin:
        lanes_sin_and_cos(a, z, z + pg_whole(s->count), count);
        return 1;
    case PG_STEP_PAIR + PG_OP_cos:
        lanes_sin_and_cos(a, z + pg_whole(s->count), z, count);
        return 1;
    case PG_OP_sin:
        lanes_sin(a, z, count);
        return 1;
    case PG_OP_cos:
        lanes_cos(a, z, count);
        return 1;
    case PG_OP_tan:
        lanes_tan(a, z, count);
        return 1;
    case PG_STEP_PAIR + PG_OP_pow:
    case PG_STEP_PAIR + PG_OP_pown:
    case PG_STEP_PAIR + PG_OP_power:
        LANE_NAME(lanes_power_and_slope)(s->code - PG_STEP_PAIR, a, b, z, z + pg_whole(s->count), count);
        return 1;
    case PG_OP_pow:
        LANE_NAME(lanes_pow)(a, b, z, count);
        return 1;
    case PG_OP_pown:
    case PG_OP_power:
        LANE_NAME(lanes_power)(a, b, z, count);
        return 1;
    case PG_OP_pow_dx:
        LANE_NAME(lanes_pow_dx)(a, b, z, count);
        return 1;
    case PG_OP_pow_less:
        LANE_NAME(lanes_pow_less)(a, b, z, count);
        return 1;
    case PG_OP_pow_dxx:
        LANE_NAME(lanes_pow_dxx)(a, b, z, count);
        return 1;
    case PG_OP_pow_dy:
        LANE_NAME(lanes_pow_dy)(a, b, z, count);
        return 1;
    case PG_OP_mod:
        lanes_mod(a, b, z, count);
        return 1;
    case PG_OP_floordiv:
        lanes_floordiv(a, b, z, count);
        return 1;
    case PG_OP_polygamma:
        LANE_NAME(pg_polygammas)(a, b, z, count);
        return 1;
    case PG_STEP_PAIR + PG_OP_gamma:
    case PG_STEP_PAIR + PG_OP_lgamma:
        LANE_NAME(pg_gammas_and_slopes)(s->code - PG_STEP_PAIR, a, z, z + pg_whole(s->count), count);
        return 1;
    case PG_OP_lgamma:
    case PG_OP_gamma:
    case PG_OP_gamma_dx:
    case PG_OP_digamma:
        LANE_NAME(pg_gammas)(s->code, a, z, count);
        return 1;
    default:
        return 0;
    }
}
#endif

/* Some numbers of a step of any other op, a multiple of eight; what it reads and what it writes is apart. */
LANE_TARGET static void LANE_NAME(apply)(const pg_step *s, const double *restrict a, const double *restrict b,
                                         const double *restrict c, double *restrict z, size_t count)
{
    (void)b, (void)c;
#ifndef PG_LIBM_LANES
    if (LANE_NAME(as_block)(s, a, b, z, count))
        return;
#endif
    switch (s->code) {
#define EACH_NUMBER(...) \
    { \
        for (size_t at = 0; at < count; at += PG_SIDE) { \
            LANE_LOOP \
            for (int l = 0; l < PG_SIDE; l++) { \
                __VA_ARGS__ \
            } \
        } \
        break; \
    }
#define UNARY(name, symbol, errors, forward, dx, doc) \
    case PG_OP_##name: \
        EACH_NUMBER(const double x = a[at + (size_t)l]; z[at + (size_t)l] = forward;)
#define BINARY(name, symbol, errors, forward, dx, dy, doc) \
    case PG_OP_##name: \
        EACH_NUMBER(const double x = a[at + (size_t)l], y = b[at + (size_t)l]; z[at + (size_t)l] = forward;)
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) \
    case PG_OP_##name: \
        EACH_NUMBER(const double x = a[at + (size_t)l], y = b[at + (size_t)l], w = c[at + (size_t)l]; \
                    z[at + (size_t)l] = forward;)
#define CONSTANT(name, symbol, errors, forward, dx, doc) \
    case PG_OP_##name: \
        EACH_NUMBER(const double x = a[at + (size_t)l], k = b[at + (size_t)l]; z[at + (size_t)l] = forward;)
#define SLOPE1 UNARY
#define SLOPE2 BINARY
#include "ops.def"
#undef EACH_NUMBER
    default:
        break;
    }
}

LANE_TARGET static void LANE_NAME(others)(const pg_step *s, const uint32_t *words, double *uniforms)
{
    _Alignas(64) double operands[3][PG_LANES];
    for (size_t at = 0; at < s->count;) {
        const size_t eights = *words++;
        const uint32_t *from = words;
        for (size_t e = 0; e < eights; e++) {
            words = from;
            for (uint32_t i = 0; i < s->terms; i++) {
                LANE_NAME(side) x;
                LANE_NAME(take)(&words, uniforms, e, 1, &x);
                LANE_NAME(put)(operands[i] + PG_SIDE * e, x);
            }
        }
        LANE_NAME(apply)(s, operands[0], operands[1], operands[2], uniforms + s->out + at, PG_SIDE * eights);
        at += PG_SIDE * eights;
    }
}

/* A step; whether it is to be done once more, as an exact 0 may have to win. like: the terms of one of its instructions. */
LANE_TARGET static int LANE_NAME(step)(const pg_step *s, const uint32_t *words, const pg_term *like, double *uniforms)
{
    switch (s->code) {
    case PG_CODE_FUSED:
        return LANE_NAME(subtracts)(s, like) ? LANE_NAME(signed_sums)(s, words, like, uniforms)
                                             : LANE_NAME(sums)(s, words, uniforms);
    case PG_CODE_CONTRACTED:
        return LANE_NAME(contracted)(s, words, like, uniforms);
    case PG_OP_add:
        return LANE_NAME(adds)(s, words, uniforms);
    case PG_OP_sub:
        return LANE_NAME(subs)(s, words, uniforms);
    case PG_OP_mul:
        return LANE_NAME(muls)(s, words, uniforms);
    case PG_OP_mul0:
        return LANE_NAME(mul0s)(s, words, uniforms);
    case PG_OP_div:
        return LANE_NAME(divs)(s, words, uniforms);
    case PG_OP_neg:
        return LANE_NAME(negs)(s, words, uniforms);
    default:
        LANE_NAME(others)(s, words, uniforms);
        return 0;
    }
}

#undef EACH_PART
