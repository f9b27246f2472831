/* laneexp.h: exponentials, hyperbolic tangents and logistic functions of whole blocks, with the bits of those of one lane.
 *
 * Where all lanes of a stretch are near 0, as they mostly are, nothing has to be held within bounds, powers of two are
 * added to exponents as they are, and fewer lanes choose. And each part of the work is done by all lanes of the stretch
 * before the next one begins: a part is a short chain of steps that wait for each other, so that the processor has more
 * lanes under way at once. Where a lane is not near, the stretch is done in the way that is for all. */
#ifndef PG_LANEEXP_H
#define PG_LANEEXP_H

#include "program/lanemath.h"

#define LANE_EXP_NEAR 700.0 /* below it the result and all on the way are normal numbers */
#define LANE_TANH_NEAR 18.0 /* below it exp(2 |x|) is less than 2**52, so that 1 + exp(-2 |x|) loses nothing */
#define LANE_SIGMOID_NEAR 44.0 /* below it exp(|x|) is */

/* Whether all are nearer to 0 than that; nan is not. */
LANE_INLINE int lanes_are_near(const double *x, size_t count, double bound)
{
    const uint64_t most = lane_to_bits(bound);
    uint64_t beyond = 0;
    for (size_t i = 0; i < count; i++)
        beyond |= most - (lane_to_bits(x[i]) & 0x7fffffffffffffff);
    return beyond >> 63 == 0;
}

/* A stretch between two parts of the work. */
struct lanes_between {
    double r[LANES_AT_ONCE], tail[LANES_AT_ONCE];
    uint64_t bits[LANES_AT_ONCE];
};

/* x, or so many times |x| where that is not 0, reduced, and the tail of exp(r) - 1 = r + tail. */
LANE_INLINE void lanes_reduce(struct lanes_between *y, const double *x, size_t some, double times)
{
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        const struct lane_reduced one = lane_reduce(times != 0.0 ? times * fabs(x[i]) : x[i]);
        y->r[i] = one.r;
        y->tail[i] = one.low;
        y->bits[i] = one.bits;
    }
    LANE_LOOP
    for (size_t i = 0; i < some; i++)
        y->tail[i] = y->r[i] * y->r[i] * lane_exp_tail(y->r[i]) + y->tail[i];
}

/* z may be x. */
LANE_INLINE void lanes_exp(const double *x, double *z, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = lanes_from(start, count);
        if (!lanes_are_near(x + start, some, LANE_EXP_NEAR)) {
            LANE_LOOP
            for (size_t i = 0; i < some; i++)
                z[start + i] = lane_exp(x[start + i]);
            continue;
        }
        struct lanes_between y;
        lanes_reduce(&y, x + start, some, 0.0);
        LANE_LOOP
        for (size_t i = 0; i < some; i++)
            z[start + i] = lane_from_bits(lane_to_bits(1.0 + (y.r[i] + y.tail[i])) + (y.bits[i] << 52));
    }
}

/* What is wanted of a function and its slope. Each caller says so with a constant: what the compiler does not know it asks of
 * every lane, and stores by a mask, which takes some processors longer than all the rest. */
enum { LANES_VALUE = 1, LANES_SLOPE = 2 };

LANE_INLINE void lane_put(struct lane_sloped t, double *z, double *slope, size_t i, const int wanted)
{
    if (wanted & LANES_VALUE)
        z[i] = t.value;
    if (wanted & LANES_SLOPE)
        slope[i] = t.slope;
}

/* A stretch of lane_tanh_ratio(). */
struct lanes_ratio {
    double s[LANES_AT_ONCE], above[LANES_AT_ONCE], above_left[LANES_AT_ONCE], below_left[LANES_AT_ONCE],
        r[LANES_AT_ONCE];
};

LANE_INLINE void lanes_tanh_ratio(struct lanes_ratio *of, const struct lanes_between *y, size_t some)
{
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        const double s = lane_from_bits((1023 - y->bits[i]) << 52);
        const struct lane_ratio one = lane_tanh_ratio(y->r[i], y->tail[i], s, 0.0);
        of->s[i] = s;
        of->above[i] = one.above;
        of->above_left[i] = one.above_left;
        of->below_left[i] = one.below_left;
        of->r[i] = one.r;
    }
}

/* tanh, its slope, or both; only one alone may take the place of x. */
LANE_INLINE void lanes_of_tanh(const double *x, double *z, double *slope, size_t count, const int wanted)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = lanes_from(start, count);
        if (!lanes_are_near(x + start, some, LANE_TANH_NEAR)) {
            LANE_LOOP
            for (size_t i = start; i < start + some; i++)
                lane_put(lane_tanh_and_slope(x[i]), z, slope, i, wanted);
            continue;
        }
        struct lanes_between y;
        struct lanes_ratio of;
        lanes_reduce(&y, x + start, some, 2.0);
        lanes_tanh_ratio(&of, &y, some);
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const double s = of.s[i];
            const struct lane_ratio ratio = {of.above[i], of.above_left[i], of.below_left[i], of.r[i]};
            struct lane_sloped t = lane_tanh_of(ratio, s);
            t.value = copysign(t.value, x[start + i]);
            t.slope *= 4.0 * s;
            lane_put(t, z, slope, start + i, wanted);
        }
    }
}

LANE_INLINE void lanes_tanh_and_slope(const double *x, double *z, double *slope, size_t count)
{
    lanes_of_tanh(x, z, slope, count, LANES_VALUE | LANES_SLOPE);
}

LANE_INLINE void lanes_tanh(const double *x, double *z, size_t count)
{
    lanes_of_tanh(x, z, NULL, count, LANES_VALUE);
}

LANE_INLINE void lanes_sech2(const double *x, double *z, size_t count)
{
    lanes_of_tanh(x, NULL, z, count, LANES_SLOPE);
}

/* sigmoid, its slope, or both; only one alone may take the place of x. */
LANE_INLINE void lanes_of_sigmoid(const double *x, double *z, double *slope, size_t count, const int wanted)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = lanes_from(start, count);
        if (!lanes_are_near(x + start, some, LANE_SIGMOID_NEAR)) {
            LANE_LOOP
            for (size_t i = start; i < start + some; i++)
                lane_put(lane_sigmoid_and_slope(x[i]), z, slope, i, wanted);
            continue;
        }
        struct lanes_between y;
        lanes_reduce(&y, x + start, some, 1.0);
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            struct lane_sloped t = lane_sigmoid_of(y.r[i], y.tail[i], lane_from_bits((1023 - y.bits[i]) << 52));
            const double less = lane_from_bits(lane_to_bits(t.value) - (y.bits[i] << 52));
            t.value = x[start + i] < 0.0 ? less : 1.0 - less;
            t.slope = lane_from_bits(lane_to_bits(t.slope) - (y.bits[i] << 52));
            lane_put(t, z, slope, start + i, wanted);
        }
    }
}

LANE_INLINE void lanes_sigmoid_and_slope(const double *x, double *z, double *slope, size_t count)
{
    lanes_of_sigmoid(x, z, slope, count, LANES_VALUE | LANES_SLOPE);
}

LANE_INLINE void lanes_sigmoid(const double *x, double *z, size_t count)
{
    lanes_of_sigmoid(x, z, NULL, count, LANES_VALUE);
}

LANE_INLINE void lanes_sigmoid_dx(const double *x, double *z, size_t count)
{
    lanes_of_sigmoid(x, NULL, z, count, LANES_SLOPE);
}

#endif
