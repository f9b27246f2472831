/* test_gammas.c: gamma and its kin on blocks of lanes, by each set of vector instructions, and one by one.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "harness.h"
#include "random.h"

#include "program/evaluate.h"
#include "program/gammas.h"

enum { LANES = 64 };

static double uniform(double low, double high)
{
    return low + (high - low) * ((double)below(1 << 30) / (1 << 30));
}

/* A number of some kind. */
static double number(unsigned kind)
{
    const double ends[] = {0.0, -0.0, (double)INFINITY, -(double)INFINITY, (double)NAN, 0x1p-1074, -0x1p-400, 0x1p400};
    switch (kind) {
    case 0:
        return uniform(0.0, 8.0);
    case 1:
        return uniform(8.0, 180.0);
    case 2:
        return uniform(-30.0, 0.0);
    case 3:
        return uniform(-200.0, -130.0);
    case 4:
        return (double)below(60) - 30.0;
    case 5:
        return uniform(12.0, 30.0);
    default:
        return ends[below(8)];
    }
}

static int same(double a, double b)
{
    return a != a ? b != b : memcmp(&a, &b, sizeof a) == 0;
}

static void compare(pg_gammas_function *gammas, pg_gammas_and_slopes_function *both, pg_polygammas_function *polygammas)
{
    const int ops[] = {PG_OP_lgamma, PG_OP_gamma, PG_OP_gamma_dx, PG_OP_digamma};
    for (uint64_t seed = 1; seed <= TIMES(400); seed++) {
        double x[LANES], n[LANES], z[LANES];
        random_state = seed;
        const size_t count = 8 * (1 + below(8));
        const unsigned alike = (unsigned)below(12); /* of one kind, or of all */
        const double orders[] = {1.0, 1.0, 2.0, 3.0, 4.0, 9.0, 20.0, 160.0, 161.0, 0.5}, order = orders[below(10)];
        for (size_t i = 0; i < count; i++) {
            x[i] = number(alike < 7 ? alike : (unsigned)below(7));
            n[i] = alike == 11 ? 1.0 + (double)below(3) : order;
        }
        for (int k = 0; k < 4; k++) {
            gammas(ops[k], x, z, count);
            for (size_t i = 0; i < count; i++)
                CHECK(same(z[i], pg_evaluate_one(ops[k], x[i], 0.0, 0.0)));
        }
        for (int k = 0; k < 2; k++) {
            const int value = k ? PG_OP_gamma : PG_OP_lgamma, slope = k ? PG_OP_gamma_dx : PG_OP_digamma;
            double slopes[LANES];
            both(value, x, z, slopes, count);
            for (size_t i = 0; i < count; i++) {
                CHECK(same(z[i], pg_evaluate_one(value, x[i], 0.0, 0.0)));
                CHECK(same(slopes[i], pg_evaluate_one(slope, x[i], 0.0, 0.0)));
            }
        }
        polygammas(n, x, z, count);
        for (size_t i = 0; i < count; i++)
            CHECK(same(z[i], pg_evaluate_one(PG_OP_polygamma, n[i], x[i], 0.0)));
    }
}

static void test_blocks_have_the_bits_of_one_lane(void)
{
    compare(pg_gammas_baseline, pg_gammas_and_slopes_baseline, pg_polygammas_baseline);
#if defined(__x86_64__) && defined(__GNUC__)
    if (pg_lane_level() >= 1)
        compare(pg_gammas_avx2, pg_gammas_and_slopes_avx2, pg_polygammas_avx2);
    if (pg_lane_level() == 2)
        compare(pg_gammas_avx512, pg_gammas_and_slopes_avx512, pg_polygammas_avx512);
#endif
}

int main(void)
{
    RUN(test_blocks_have_the_bits_of_one_lane);
    printf("OK\n");
    return 0;
}
