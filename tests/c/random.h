/* random.h: numbers and graphs at random, the same in every build: C leaves open in which order arguments and items
 * of a list are evaluated, so no two of them call these functions. */
#ifndef PG_RANDOM_H
#define PG_RANDOM_H

#include "harness.h"
#include "ops/forward.h"

static PG_THREAD_LOCAL uint64_t random_state;

/* splitmix64: Steele, Lea and Flood, OOPSLA 2014. */
static inline uint64_t random_word(void)
{
    uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* A whole number below count. */
static inline size_t below(size_t count)
{
    return (size_t)(random_word() % count);
}

static inline int one_in(size_t count)
{
    return below(count) == 0;
}

/* Between low and high. */
static inline double between(double low, double high)
{
    return low + (high - low) * ((double)(random_word() >> 11) * 0x1p-53);
}

static inline double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t to_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The same bits; which nan a nan is does not matter. */
static inline int same_number(double x, double y)
{
    return (x != x && y != y) || to_bits(x) == to_bits(y);
}

static inline double corner(void)
{
    static const double corners[] = {
        0.0, 0.5,    1.0,     2.0,      3.0,       4.0,        0x1p52,  0x1p60,
        600, 0x1p53, 0x1p-60, 0x1p-900, 0x1p-1070, 0x1.8p1000, 51471.0, 0x1.921fb54442d18p+0};
    double x = corners[below(sizeof corners / sizeof *corners)];
    return one_in(2) ? -x : x;
}

/* Any number: of a usual size, whole, at a corner, of any bits, infinite or nan. */
static inline double any_number(void)
{
    const int exponent = (int)below(160) - 80;
    switch (below(8)) {
    case 0:
        return (double)((int)below(11) - 5);
    case 1:
        return corner();
    case 2:
        return from_bits(random_word());
    case 3:
        return one_in(3) ? (double)NAN : one_in(2) ? (double)INFINITY : -(double)INFINITY;
    case 4:
        return ldexp(between(-2.0, 2.0), exponent);
    default:
        return between(-3.0, 3.0);
    }
}

/* A node of an op of the table on the first of these operands. */
static inline pg_node *node_of_op(int op, pg_node *const *o, double k)
{
    const pg_op_info *info = pg_op_at(op - PG_OP_add);
    if (info->has_constant)
        return pg_compute_pown(o[0], k, forward_of(op, o[0]->value, k, 0.0));
    if (info->arity == 3)
        return pg_compute_many(op, o, 3, forward_of(op, o[0]->value, o[1]->value, o[2]->value), NULL, NULL);
    return pg_compute(op, o[0], info->arity == 2 ? o[1] : NULL,
                      forward_of(op, o[0]->value, info->arity == 2 ? o[1]->value : 0.0, 0.0));
}

#endif
