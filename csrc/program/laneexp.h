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
#define LANE_SIGMOID_NEAR 36.0 /* below it exp(|x|) is */

/* Whether all are nearer to 0 than that; nan is not. */
LANE_INLINE int lanes_are_near(const double *x, size_t count, double bound)
{
    const uint64_t most = lane_to_bits(bound);
    uint64_t beyond = 0;
    for (size_t i = 0; i < count; i++)
        beyond |= most - (lane_to_bits(x[i]) & 0x7fffffffffffffff);
    return beyond >> 63 == 0;
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
        double r[LANES_AT_ONCE];
        uint64_t bits[LANES_AT_ONCE];
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const struct lane_reduced y = lane_reduce(x[start + i]);
            r[i] = y.r;
            bits[i] = y.bits << 52;
        }
        LANE_LOOP
        for (size_t i = 0; i < some; i++)
            z[start + i] = lane_from_bits(lane_to_bits(lane_exp_of(r[i])) + bits[i]);
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

/* A stretch between the two parts of the work. */
struct lanes_halves {
    double w[LANES_AT_ONCE];
    uint64_t bits[LANES_AT_ONCE];
};

LANE_INLINE void lanes_halve(struct lanes_halves *y, const double *x, size_t some, const double times)
{
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        const struct lane_half one = lane_half(times * fabs(x[i]));
        y->w[i] = one.w;
        y->bits[i] = one.bits;
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
        struct lanes_halves y;
        lanes_halve(&y, x + start, some, 1.0);
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const double s = lane_half_power(y.bits[i]);
            struct lane_sloped t = lane_tanh_of(y.w[i], s, 0.0);
            t.value = lane_signed(t.value, x[start + i]);
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
        struct lanes_halves y;
        lanes_halve(&y, x + start, some, 0.5);
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const double s = lane_half_power(y.bits[i]);
            struct lane_sloped t = lane_sigmoid_of(y.w[i], s, 0.0);
            const double less = s * t.value;
            t.value = x[start + i] < 0.0 ? less : 1.0 - less;
            t.slope *= s;
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
