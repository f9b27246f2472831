/* The fma() of lanes without an instruction for it has the bits of the C library's, of one number and of two. */
#include "random.h"

#include "program/lanefma.h"

#include <float.h>

enum { AT_ONCE = 64 };

/* Numbers that fma() is tried on. */
typedef struct { double x[AT_ONCE], y[AT_ONCE], z[AT_ONCE]; } triples;

static void check_same(const triples *t, int i, double found)
{
    const double exactly = pg_fma_of_library(t->x[i], t->y[i], t->z[i]);
    if (!same_number(found, exactly))
        printf("fma(%a, %a, %a) = %a, not %a\n", t->x[i], t->y[i], t->z[i], exactly, found);
    CHECK(same_number(found, exactly));
}

/* By a loop, which compilers vectorise; in vectors; and one by one. */
static void check(const triples *t)
{
    double found[AT_ONCE];
    for (int i = 0; i < AT_ONCE; i++)
        found[i] = fma(t->x[i], t->y[i], t->z[i]);
    for (int i = 0; i < AT_ONCE; i++)
        check_same(t, i, found[i]);
#ifdef PG_SOFT_FMA
    for (int i = 0; i < AT_ONCE; i += 2) {
        const pg_two x = {t->x[i], t->x[i + 1]}, y = {t->y[i], t->y[i + 1]}, z = {t->z[i], t->z[i + 1]};
        const pg_two both = pg_fma_of_two(x, y, z);
        check_same(t, i, both[0]);
        check_same(t, i + 1, both[1]);
    }
#endif
    const int one = (int)below(AT_ONCE);
    check_same(t, one, fma(t->x[one], t->y[one], t->z[one]));
}

/* So many triples, each made by a function. */
static void check_many(size_t count, void (*make)(double *x, double *y, double *z))
{
    triples t;
    for (size_t n = 0; n < TIMES(count) / AT_ONCE; n++) {
        for (int i = 0; i < AT_ONCE; i++)
            make(&t.x[i], &t.y[i], &t.z[i]);
        check(&t);
    }
}

static int whole(int low, int high)
{
    return low + (int)below((size_t)(high - low + 1));
}

/* A power of two of either sign, and one with one or two more digits, so that sums are halfway, or nearly so. */
static double two_to(int exponent)
{
    return one_in(2) ? ldexp(1.0, exponent) : -ldexp(1.0, exponent);
}

static double sparse(int exponent)
{
    double x = 1.0 + two_to(-whole(1, 53));
    x += one_in(2) ? two_to(-whole(1, 53)) : 0.0;
    return x * two_to(exponent);
}

/* One of these, or of all digits. */
static double either(int exponent)
{
    const double dense = between(1.0, 2.0);
    return one_in(2) ? sparse(exponent) : dense * two_to(exponent);
}

static void make_any(double *x, double *y, double *z)
{
    *x = from_bits(random_word());
    *y = from_bits(random_word());
    *z = from_bits(random_word());
}

/* A product and a sum that have digits in common, or have not quite. */
static void make_near(double *x, double *y, double *z)
{
    const int a = whole(-300, 300), b = whole(-300, 300);
    *x = either(a);
    *y = either(b);
    *z = either(a + b + whole(-110, 110));
}

static void make_sparse(double *x, double *y, double *z)
{
    const int a = whole(-300, 300), b = whole(-300, 300);
    *x = sparse(a);
    *y = sparse(b);
    const int more = one_in(2) ? 0 : one_in(2) ? 53 : -53;
    *z = sparse(a + b + more + whole(-56, 56));
}

/* All of a product but what it rounds away, or a few units beside it. */
static void make_cancelling(double *x, double *y, double *z)
{
    *x = either(whole(-500, 500));
    *y = either(whole(-500, 500));
    *z = from_bits(to_bits(-(*x * *y)) + (uint64_t)whole(-2, 2));
}

/* A factor below the normal numbers, of any number of digits, in a product that is one. */
static void make_subnormal(double *x, double *y, double *z)
{
    const size_t none = 12 + below(52);
    *x = one_in(2) ? two_to(whole(-1074, -1023)) : from_bits(random_word() >> none | 1);
    *y = either(whole(60, 1000));
    *z = one_in(2) ? -(*x * *y) : *x * *y * two_to(whole(-60, 60));
    if (one_in(2)) {
        const double other = *x;
        *x = *y;
        *y = other;
    }
}

/* Products and sums about a power of two: the largest numbers, the smallest ones, and where errors of products are. */
static void make_at(int about, double *x, double *y, double *z)
{
    const int a = whole(-1074, 1023), b = about - a + whole(-4, 4);
    *x = either(a);
    *y = either(b);
    *z = either(about + whole(-60, 60));
}

static void make_at_the_ends(double *x, double *y, double *z)
{
    static const int powers[] = {1023, 970, -900, -960, -968, -1000, -1022, -1074, -1075};
    make_at(powers[below(sizeof powers / sizeof *powers)], x, y, z);
    if (one_in(4))
        *z = either(whole(-1074, -960));
}

/* Halfway but for the error of a product, which is about the smallest number. */
static void make_losing(double *x, double *y, double *z)
{
    const int about = whole(-1000, -950), a = whole(-500, 0);
    *x = ldexp(1.0 + whole(-9, 9) * 0x1p-52, a);
    *y = ldexp(1.0 + whole(-9, 9) * 0x1p-52, about - a);
    *z = two_to(about + whole(0, 3));
}

static void test_any_bits(void)
{
    check_many(1 << 20, make_any);
}

static void test_digits_in_common(void)
{
    check_many(1 << 20, make_near);
}

static void test_halfway_and_nearly_so(void)
{
    check_many(1 << 20, make_sparse);
}

static void test_cancellation(void)
{
    check_many(1 << 19, make_cancelling);
}

static void test_factors_below_the_normal_numbers(void)
{
    check_many(1 << 18, make_subnormal);
}

static void test_the_ends_of_the_range(void)
{
    check_many(1 << 20, make_at_the_ends);
}

static void test_errors_of_products_that_are_too_small(void)
{
    check_many(1 << 18, make_losing);
}

static void test_every_three_of_some_numbers(void)
{
    static const double some[] = {0.0,       0x1p-1074, 0x1p-1022,        DBL_MIN - 0x1p-1074, 0x1p-960,
                                  0x1p-537,  1.0,       1.0 / 3,          0x1.8p+500,          0x1p+996,
                                  0x1p+1023, DBL_MAX,   (double)INFINITY, (double)NAN};
    enum { COUNT = 2 * sizeof some / sizeof *some, ALL = COUNT * COUNT * COUNT };
    triples t;
    for (int first = 0; first < ALL; first += AT_ONCE) {
        for (int i = 0; i < AT_ONCE; i++) {
            const int n = (first + i) % ALL, which[] = {n % COUNT, n / COUNT % COUNT, n / COUNT / COUNT};
            double *into[] = {&t.x[i], &t.y[i], &t.z[i]};
            for (int j = 0; j < 3; j++)
                *into[j] = which[j] % 2 == 0 ? some[which[j] / 2] : -some[which[j] / 2];
        }
        check(&t);
    }
}

int main(void)
{
    RUN(test_any_bits);
    RUN(test_digits_in_common);
    RUN(test_halfway_and_nearly_so);
    RUN(test_cancellation);
    RUN(test_factors_below_the_normal_numbers);
    RUN(test_the_ends_of_the_range);
    RUN(test_errors_of_products_that_are_too_small);
    RUN(test_every_three_of_some_numbers);
    printf("OK\n");
    return 0;
}
