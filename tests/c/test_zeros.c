/* test_zeros.c: products with a constant 0 that a program leaves out, and what it gives all the same.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "traces.h"

enum { ROWS = 70 };

/* One of them, of either sign, or a whole number. */
static double zero_or_infinite(void)
{
    static const double all[] = {0.0, -0.0, 1.0, -2.0, (double)INFINITY, -(double)INFINITY};
    return all[below(sizeof all / sizeof *all)];
}

static pg_node *of(trace *t, int op, pg_node *a, pg_node *b)
{
    return append(t, node_of_op(op, (pg_node *[3]){a, b, NULL}, 0.0));
}

/* Of x and y: sums and differences with 0 * x, which is 0.0 or -0.0. */
static pg_node *made(trace *t, int which)
{
    pg_node *x = t->nodes[0], *y = t->nodes[1], *none = append(t, pg_leaf(0.0)), *less = append(t, pg_leaf(-0.0));
    pg_node *zero = of(t, PG_OP_mul0, none, x);
    switch (which) {
    case 0:
        return of(t, PG_OP_sub, y, of(t, PG_OP_neg, zero, NULL));
    case 1:
        return of(t, PG_OP_sub, zero, y);
    case 2:
        return of(t, PG_OP_add, of(t, PG_OP_add, y, none), zero);
    case 3:
        return of(t, PG_OP_sub, none, zero);
    case 4:
        return of(t, PG_OP_sub, less, zero);
    case 5:
        return of(t, PG_OP_mul, of(t, PG_OP_add, zero, y), of(t, PG_OP_neg, zero, NULL));
    case 6:
        return of(t, PG_OP_sub, of(t, PG_OP_mul0, y, none), zero);
    case 7:
        return of(t, PG_OP_add, of(t, PG_OP_neg, y, NULL), zero);
    default:
        return of(t, PG_OP_exp, zero, NULL);
    }
}

enum { KINDS = 9 };

static void begin(trace *t, int which, int total)
{
    *t = (trace){.inputs = 2, .optimise = 1, .output_count = 1, .rows = {1, 1}, .totals = {(uint8_t)total}};
    t->nodes[0] = traced(pg_leaf(zero_or_infinite())), t->nodes[1] = traced(pg_leaf(zero_or_infinite())), t->count = 2;
    t->outputs[0] = made(t, which);
}

static int is_like(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

/* Infinite numbers apart, all are whole: their order does not matter. */
static void check(const trace *t, const pg_program *p, const row_set *r)
{
    for (int lanes = 0; lanes < 3; lanes++) {
        double total = 0.0;
        uint32_t guard;
        pg_choose_lanes(lanes);
        const pg_batch batch = batch_of(r, p);
        CHECK(pg_program_run_once(p, &batch, &guard) == 1 && pg_program_run(p, &batch) == 0);
        for (size_t k = 0; k < r->count; k++) {
            CHECK(t->totals[0] || is_like(r->outputs[0][k], r->expected[0][k]));
            total += r->expected[0][k];
        }
        CHECK(!t->totals[0] || is_like(r->totals[0], total));
    }
}

static void test_signs_of_zeros_are_those_of_the_ops(void)
{
    for (int k = 0; k < 20 * KINDS; k++) {
        trace t;
        row_set r;
        random_state = 500 + (uint64_t)k;
        begin(&t, k / 2 % KINDS, k % 2);
        pg_program *p = program_of(&t, NULL);
        CHECK(pg_program_verify(p) == 1);
        make_rows(&r, &t, p, ROWS, zero_or_infinite);
        check(&t, p, &r);
        drop_rows(&r);
        pg_program_free(p);
        drop_trace(&t);
    }
}

/* How long the program is of a total. */
static size_t length_of_total(int which, int tells)
{
    trace t;
    pg_node *root, *opaque;
    pg_program *p;
    random_state = 1;
    begin(&t, which, 1);
    pg_sweep *s = order_of(&t, &root);
    pg_trace what = told(&t, s);
    what.tells = tells;
    CHECK(pg_program_make(&what, &opaque, &p) == PG_OK && p->tells == tells);
    const size_t length = p->length;
    pg_program_free(p);
    pg_sweep_abandon(s);
    pg_release(root);
    drop_trace(&t);
    return length;
}

static void test_products_with_0_are_left_out_of_totals_unless_the_program_tells_of_them(void)
{
    for (int which = 0; which < 3; which++)
        CHECK(length_of_total(which, 0) < length_of_total(which, 1));
    CHECK(length_of_total(0, 0) == 1 && length_of_total(1, 0) == 1);
}

static void test_each_allocation_fails_in_turn(void)
{
    for (int k = 0; k < 4 * KINDS; k++) {
        trace t;
        pg_node *root, *opaque;
        pg_program *p = NULL;
        begin(&t, k / 4, k / 2 % 2);
        pg_sweep *s = order_of(&t, &root);
        const pg_trace what = told(&t, s);
        const size_t start = pg_live_nodes();
        for (size_t n = 1; p == NULL; n++) {
            fail(n, k % 2);
            const pg_status status = pg_program_make(&what, &opaque, &p);
            pg_fail_at(0);
            CHECK(status == (p == NULL ? PG_NO_MEMORY : PG_OK) && pg_live_nodes() == start);
        }
        CHECK(pg_program_verify(p) == 1);
        pg_program_free(p);
        pg_sweep_abandon(s);
        pg_release(root);
        drop_trace(&t);
    }
}

int main(void)
{
    RUN(test_signs_of_zeros_are_those_of_the_ops);
    RUN(test_products_with_0_are_left_out_of_totals_unless_the_program_tells_of_them);
    RUN(test_each_allocation_fails_in_turn);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
