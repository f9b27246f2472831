/* lanetrig.h: the trigonometric functions, by the rules of lanemath.h.
 * sin, cos and tan of an |x| above LANE_NEAR need as many digits of 2/pi as x has, which no lane can
 * afford: lanes_sin(x, z, count) runs all lanes as if near and then does the far ones again, one by
 * one. Which, depends on the lane's own value alone, and lane_sin(x) gives the same bits for one row.
 * libm's sines are not called: their bits would depend on whether the processor has fused multiply-adds. */
#ifndef PG_LANETRIG_H
#define PG_LANETRIG_H

#include <stddef.h>

#include "program/lanemath.h"

#define LANE_NEAR 51471.0 /* 2**15 quarter turns */
#define LANE_HALF_PI_HI 0x1.921fb54442d18p+0
#define LANE_HALF_PI_LO 0x1.1a62633145c07p-54

/* x = quadrant * pi/2 + r + low, |r| < pi/4 and a little; only two bits of quadrant matter. */
struct lane_angle {
    double r, low;
    uint64_t quadrant;
};

/* Cody and Waite, pi/2 in three parts. x less n times the first is exact, as both are near to each other. Of the second, of 36
 * bits, so much is exact that the sum with it is, too, where it is not much smaller; elsewhere what that rounds away is. */
LANE_INLINE struct lane_angle lane_near_angle(double x)
{
    const double second_part = 0x1.1a62633140000p-54, third_part = 0x1.701b839a25205p-92;
    double shifted = fma(x, 0x1.45f306dc9c883p-1, LANE_SHIFTER);
    double n = shifted - LANE_SHIFTER;
    double first = fma(n, -LANE_HALF_PI_HI, x);
    double second = fma(n, -second_part, first);
    double lost = fma(n, -second_part, first - second);
    double r = fma(n, -third_part, second);
    return (struct lane_angle){r, fma(n, -third_part, second - r) + lost, lane_to_bits(shifted)};
}

/* The words of 2/pi from the first that matters on, times the 53 bits of x: Payne and Hanek (1983).
 * Bits above the point and the two below it of the product are multiples of a whole turn. */
static inline struct lane_angle lane_far_angle(double x)
{
    static const uint32_t two_over_pi[38] = {
        0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561,
        0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5, 0x2ebb4484,
        0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b, 0x1ff897ff, 0xde05980f,
        0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b,
        0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046, 0xfc7b6bab,
    };
    if (!(fabs(x) < LANE_INF))
        return (struct lane_angle){x - x, 0.0, 0};
    uint64_t bits = lane_to_bits(fabs(x));
    int exponent = (int)(bits >> 52) - 1075;
    uint64_t low_half = bits & 0xffffffff, high_half = (bits >> 32 & 0xfffff) | 0x100000;
    int first = exponent > 2 ? (exponent - 2) / 32 : 0;
    uint32_t product[10] = {0};
    for (int i = 0; i < 7; i++) {
        uint64_t word = two_over_pi[first + 6 - i];
        uint64_t sum = low_half * word + product[i];
        product[i] = (uint32_t)sum;
        sum = high_half * word + product[i + 1] + (sum >> 32);
        product[i + 1] = (uint32_t)sum;
        product[i + 2] = (uint32_t)(sum >> 32);
    }
    int point = 32 * (first + 7) - exponent; /* so many bits of the product are behind the point */
    int top = point / 32, cut = point % 32;
    uint64_t quadrant = (product[top] | (uint64_t)product[top + 1] << 32) >> cut;
    product[top] &= ((uint32_t)1 << cut) - 1;
    uint64_t up = (product[(point - 1) / 32] >> (point - 1) % 32) & 1; /* a half or more: count from the next */
    double high = up ? -1.0 : 0.0, low = 0.0;
    for (int i = top; i >= 0; i--) {
        double term = product[i] * lane_power_of_two(32 * i - point);
        double sum = high + term;
        low += (high - sum) + term;
        high = sum;
    }
    const struct lane_pair half_pi = {LANE_HALF_PI_HI, LANE_HALF_PI_LO}, part = {high, low};
    const struct lane_pair turn = lane_times_pair(part, half_pi);
    double r = turn.high + turn.low;
    double rest = (turn.high - r) + turn.low;
    if (x < 0.0)
        return (struct lane_angle){-r, -rest, 0 - (quadrant + up)};
    return (struct lane_angle){r, rest, quadrant + up};
}

LANE_INLINE struct lane_angle lane_angle(double x)
{
    return fabs(x) > LANE_NEAR ? lane_far_angle(x) : lane_near_angle(x);
}

/* sin(r + low) = r + the tail */
LANE_INLINE double lane_sin_tail(struct lane_angle a)
{
    double z = a.r * a.r;
    double z2 = z * z, z4 = z2 * z2;
    double p = fma(z, 0x1.5dc643d608136p-33, -0x1.ae5f2ab8f228ep-26);
    p = fma(
        z4, p,
        lane_cubic(z, z2, -0x1.5555555555555p-3, 0x1.11111111106fp-7, -0x1.a01a019d8f08dp-13, 0x1.71de3693f43b2p-19));
    return fma(a.r * z, p, a.low * fma(-0.5, z, 1.0));
}

/* cos(r + low) = 1 - z/2 + the tail, z = r*r */
LANE_INLINE double lane_cos_tail(struct lane_angle a, double z)
{
    double z2 = z * z, z4 = z2 * z2;
    double p = fma(z, -0x1.8ffbad67d5ce6p-37, 0x1.1eea8c2c548ccp-29);
    p = fma(
        z4, p,
        lane_cubic(z, z2, 0x1.5555555555555p-5, -0x1.6c16c16c16311p-10, 0x1.a01a019e390cdp-16, -0x1.27e4f90a6537p-22));
    return fma(z2, p, -(a.r * a.low));
}

/* The sine of an angle, its quadrant counted on by quarter turns: with 1, the cosine. */
LANE_INLINE double lane_sine_of(struct lane_angle a, uint64_t turned)
{
    double z = a.r * a.r;
    double sine = a.r + lane_sin_tail(a);
    double cosine = lane_sum(1.0, -0.5 * z, lane_cos_tail(a, z));
    uint64_t quadrant = a.quadrant + turned;
    double size = lane_either(0 - (quadrant & 1), cosine, sine);
    return lane_from_bits(lane_to_bits(size) ^ (quadrant & 2) << 62);
}

/* What the rounded sine and cosine have lost is put back to first order. */
LANE_INLINE double lane_tangent_of(struct lane_angle a)
{
    double z = a.r * a.r, h = 0.5 * z;
    double sine_tail = lane_sin_tail(a);
    double sine = a.r + sine_tail, sine_low = (a.r - sine) + sine_tail;
    double lead = 1.0 - h;
    double cosine_tail = ((1.0 - lead) - h) + lane_cos_tail(a, z);
    double cosine = lead + cosine_tail, cosine_low = (lead - cosine) + cosine_tail;
    uint64_t odd = 0 - (a.quadrant & 1);
    double above = lane_either(odd, -cosine, sine), above_low = lane_either(odd, -cosine_low, sine_low);
    double below = lane_either(odd, sine, cosine), below_low = lane_either(odd, sine_low, cosine_low);
    return lane_quotient(above, above_low, (struct lane_below){below, below_low, 1.0 / below});
}

/* Both, which share the most of their work. */
struct lane_circle { double sine, cosine; };

LANE_INLINE struct lane_circle lane_circle_of(double x, struct lane_angle a)
{
    return (struct lane_circle){x == 0.0 ? x : lane_sine_of(a, 0), lane_sine_of(a, 1)};
}

/* A stretch of angles, as if all were near: short chains of steps for each part of the work keep a processor busier than a
 * long one. */
struct lanes_angles {
    double r[LANES_AT_ONCE], low[LANES_AT_ONCE];
    uint64_t quadrant[LANES_AT_ONCE];
};

LANE_INLINE void lanes_near_angles(struct lanes_angles *of, const double *x, size_t some)
{
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        const struct lane_angle a = lane_near_angle(x[i]);
        of->r[i] = a.r;
        of->low[i] = a.low;
        of->quadrant[i] = a.quadrant;
    }
}

/* Whether one is too far for that. */
LANE_INLINE int lanes_are_far(const double *x, size_t some)
{
    uint64_t far = 0;
    for (size_t i = 0; i < some; i++)
        far |= lane_to_bits(fabs(x[i]) > LANE_NEAR ? 1.0 : 0.0);
    return far != 0;
}

/* For each f: lane_near_f for lanes known to be near, lane_f for one row, lanes_f for a block; z may be x. */
#define LANE_PERIODIC(name, of_angle) \
    LANE_INLINE double lane_##name##_of(double x, struct lane_angle a) \
    { \
        (void)x; \
        return of_angle; \
    } \
    LANE_INLINE double lane_near_##name(double x) \
    { \
        return lane_##name##_of(x, lane_near_angle(x)); \
    } \
    LANE_INLINE double lane_##name(double x) \
    { \
        return lane_##name##_of(x, lane_angle(x)); \
    } \
    LANE_INLINE void lanes_##name(const double *x, double *z, size_t count) \
    { \
        for (size_t start = 0; start < count; start += LANES_AT_ONCE) { \
            const size_t some = lanes_from(start, count); \
            const int far = lanes_are_far(x + start, some); \
            double kept[LANES_AT_ONCE]; \
            struct lanes_angles of; \
            if (far) \
                memcpy(kept, x + start, some * sizeof *x); \
            lanes_near_angles(&of, x + start, some); \
            LANE_LOOP \
            for (size_t i = 0; i < some; i++) { \
                const struct lane_angle a = {of.r[i], of.low[i], of.quadrant[i]}; \
                z[start + i] = lane_##name##_of(x[start + i], a); \
            } \
            for (size_t i = 0; far && i < some; i++) \
                if (fabs(kept[i]) > LANE_NEAR) \
                    z[start + i] = lane_##name(kept[i]); \
        } \
    }

LANE_PERIODIC(sin, x == 0.0 ? x : lane_sine_of(a, 0))
LANE_PERIODIC(cos, lane_sine_of(a, 1))
LANE_PERIODIC(tan, x == 0.0 ? x : lane_tangent_of(a))
#undef LANE_PERIODIC

/* lanes_sin and lanes_cos in one; neither result may take the place of x. */
LANE_INLINE void lanes_sin_and_cos(const double *x, double *sine, double *cosine, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE) {
        const size_t some = lanes_from(start, count);
        struct lanes_angles of;
        lanes_near_angles(&of, x + start, some);
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const struct lane_angle a = {of.r[i], of.low[i], of.quadrant[i]};
            const struct lane_circle c = lane_circle_of(x[start + i], a);
            sine[start + i] = c.sine;
            cosine[start + i] = c.cosine;
        }
        if (!lanes_are_far(x + start, some))
            continue;
        for (size_t i = start; i < start + some; i++)
            if (fabs(x[i]) > LANE_NEAR) {
                const struct lane_circle c = lane_circle_of(x[i], lane_angle(x[i]));
                sine[i] = c.sine;
                cosine[i] = c.cosine;
            }
    }
}

/* -- inverses --------------------------------------------------------------------------------- */

/* (asin(s) - s) / s for z = s*s <= 1/4 */
LANE_INLINE double lane_asin_tail(double z)
{
    double z2 = z * z, z4 = z2 * z2;
    double p = fma(
        z4, 0x1.0be402a13cd86p-5,
        lane_cubic(z, z2, 0x1.618a88dd7f974p-7, 0x1.e15e2a384be6ep-9, 0x1.6501201b1d5f4p-6, -0x1.59f54503be0d9p-6));
    p = fma(z4, p,
            lane_cubic(z, z2, 0x1.6e8bdfe5dfeffp-6, 0x1.1c49de0dfef03p-6, 0x1.ca21432a2d307p-7, 0x1.7577962726848p-7));
    p = fma(z4, p,
            lane_cubic(z, z2, 0x1.5555555555578p-3, 0x1.333333332df17p-4, 0x1.6db6db722b52bp-5, 0x1.f1c71a8ba368dp-6));
    return z * p;
}

/* Beyond 1/2 by the half angle: asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2)). */
LANE_INLINE double lane_asin(double x)
{
    double a = fabs(x);
    int far = a > 0.5;
    double z = far ? 0.5 * (1.0 - a) : a * a;
    double s = far ? -2.0 * sqrt(z) : a;
    double low = far ? LANE_HALF_PI_LO : 0.0;
    return copysign(lane_sum(far ? LANE_HALF_PI_HI : 0.0, s, fma(s, lane_asin_tail(z), low)), x);
}

LANE_INLINE double lane_acos(double x)
{
    double a = fabs(x);
    int far = a > 0.5;
    double z = far ? 0.5 * (1.0 - a) : a * a;
    double s = far ? copysign(2.0 * sqrt(z), x) : -x;
    double quarters = far ? (x > 0.0 ? 0.0 : 2.0) : 1.0;
    return lane_sum(quarters * LANE_HALF_PI_HI, s, fma(s, lane_asin_tail(z), quarters * LANE_HALF_PI_LO));
}

/* The angle of the point (across, up), both >= 0: eighths of a turn, plus atan(t), t from -1/3 to 1/2. */
LANE_INLINE double lane_angle_of(double up, double across, int backward)
{
    int steep = up > across;
    double less = steep ? across : up, more = steep ? up : across;
    int diagonal = less > 0.5 * more;
    double t = (diagonal ? less - more : less) / (diagonal ? less + more : more);
    double z = t * t;
    double z2 = z * z, z4 = z2 * z2;
    double p = fma(
        z4, -0x1.12a5e3b7cf50ap-7,
        lane_cubic(z, z2, -0x1.ac75d31938627p-5, 0x1.780827429791bp-5, -0x1.303aa74dcc8b5p-5, 0x1.83fca64e3b4ffp-6));
    p = fma(
        z4, p,
        lane_cubic(z, z2, -0x1.745d1398477d5p-4, 0x1.3b13615c01198p-4, -0x1.110c797e919a2p-4, 0x1.e183641673b21p-5));
    p = fma(
        z4, p,
        lane_cubic(z, z2, -0x1.5555555555552p-2, 0x1.99999999990e8p-3, -0x1.2492492454081p-3, 0x1.c71c71ab3956fp-4));
    double eighths = steep ? 2.0 : 0.0;
    eighths = diagonal ? 1.0 : eighths;
    eighths = backward ? 4.0 - eighths : eighths;
    double s = steep != backward ? -t : t;
    return lane_sum(eighths * (0.5 * LANE_HALF_PI_HI), s, fma(s * z, p, eighths * (0.5 * LANE_HALF_PI_LO)));
}

LANE_INLINE double lane_atan(double x)
{
    double a = fabs(x);
    return copysign(lane_angle_of(a > 0x1p60 ? 0x1p60 : a, 1.0, 0), x);
}

/* The angle of the point (x, y). A power of two keeps the sum of both sides and half of one exact. */
LANE_INLINE double lane_atan2(double y, double x)
{
    double up = fabs(y), across = fabs(x);
    double more = up > across ? up : across;
    double scale = more > 0x1p900 ? 0x1p-100 : more < 0x1p-900 ? 0x1p100 : 1.0;
    up *= scale;
    across *= scale;
    int endless = more == LANE_INF;
    double far_up = up == LANE_INF ? 1.0 : 0.0 * up, far_across = across == LANE_INF ? 1.0 : 0.0 * across;
    up = endless ? far_up : up;
    across = more == 0.0 ? 1.0 : endless ? far_across : across;
    return copysign(lane_angle_of(up, across, copysign(1.0, x) < 0.0), y);
}

/* y / (x*x + y*y), the bits of atan2_dx() in scalar.h: scaled by the power of two of the larger, in two steps where that
 * alone would leave the range. */
LANE_INLINE double lane_atan2_dx(double x, double y)
{
    const double more = fabs(x) > fabs(y) ? fabs(x) : fabs(y);
    const double first = more > 0x1p900 ? 0x1p-100 : more < 0x1p-900 ? 0x1p100 : 1.0;
    const double scale = lane_from_bits(((uint64_t)2045 << 52) - (lane_to_bits(more * first) & 0x7ff0000000000000));
    const double a = x * first * scale, b = y * first * scale;
    const double slope = b / (a * a + b * b) * scale * first;
    const int far = (fabs(x) == LANE_INF) & (fabs(y) < LANE_INF);
    const double endless = far ? 0.0 * y : LANE_NAN;
    const double found = more < LANE_INF ? slope : endless;
    const int origin = (x == 0.0) & (y == 0.0); /* more is 0 beside a nan, too */
    return origin ? 0.0 : found;
}

#endif
