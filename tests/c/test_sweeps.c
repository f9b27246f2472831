/* test_sweeps.c: sweeps inside one another, in whichever order they end, and where they stop.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "harness.h"

#include "graph/sweep.h"

/* -- what a sort meets --------------------------------------------------------------------------- */

static void test_a_sort_that_is_done_stays_done(void)
{
    pg_node *x = pg_leaf(1.0), *y = add(x, x);
    pg_sweep *s = begun(y);
    CHECK(pg_sweep_sort(s, 1) == PG_OK && pg_sweep_count(s) == 2);
    finish(s);
    pg_release(y);
    pg_release(x);
}

static void test_busy_nodes_are_met_from_nodes_of_every_shape(void)
{
    pg_node *x = pg_leaf(2.0), *busy = add(x, x);
    pg_node *users[4] = {pg_compute(PG_OP_neg, busy, NULL, -4.0), add(busy, x), add(x, busy),
                         pg_compute_many(PG_SUM, (pg_node *[]){x, busy}, 2, 6.0, NULL, NULL)};
    pg_sweep *outer = begun(busy), *s;
    for (int i = 0; i < 4; i++) {
        CHECK(sweep(users[i], 1.0, ENOUGH) == PG_BUSY);
        CHECK(pg_sweep_open(users[i], 1, &s) == PG_OK);
        CHECK(pg_sweep_stop_at(s, &busy, 1) == PG_BUSY);
        pg_sweep_abandon(s);
    }
    finish(outer);
    for (int i = 0; i < 4; i++) {
        CHECK(sweep(users[i], 1.0, ENOUGH) == PG_OK);
        pg_release(users[i]);
    }
    pg_release(busy);
    pg_release(x);
}

static void test_a_sweep_stops_where_it_is_told_and_each_stop_counts_once(void)
{
    pg_node *x = pg_leaf(3.0), *other = pg_leaf(5.0), *y = mul(x, x), *z = mul(y, other), *due;
    pg_node *const stops[4] = {y, x, y, x};
    pg_sweep *s;
    x->grad = 7.0, other->grad = 0.0;
    CHECK(pg_sweep_open(z, 1, &s) == PG_OK);
    CHECK(pg_sweep_stop_at(s, stops, 4) == PG_OK);
    CHECK(pg_sweep_sort(s, ENOUGH) == PG_OK);
    CHECK(pg_sweep_count(s) == 4 && pg_sweep_node(s, 0) == y && pg_sweep_old_grad(s, 1) == 7.0);
    const double seeds[2] = {2.0, 0.5};
    pg_sweep_begin_below(s, seeds); /* seeds of y and of a leaf that is no stop */
    CHECK(pg_sweep_step(s, ENOUGH, &due) == PG_OK);
    CHECK(y->grad == 2.0 && other->grad == 0.5 && x->grad == 0.0);
    pg_sweep_begin_below(s, seeds);
    CHECK(other->grad == 1.0); /* leaves that are no stops go on adding up */
    pg_sweep_abandon(s);
    CHECK(x->grad == 7.0 && other->grad == 0.0);
    pg_release(z);
    pg_release(y);
    pg_release(other);
    pg_release(x);
}

static void test_a_sweep_within_a_trace_takes_other_nodes_for_leaves(void)
{
    pg_node *x = pg_leaf(3.0), *before = mul(x, x), *in = mul(before, before);
    pg_sweep *s;
    in->flags |= PG_TRACED;
    before->grad = in->grad = 7.0;
    for (int writes = 0; writes < 2; writes++) {
        CHECK(pg_sweep_open(in, writes, &s) == PG_OK);
        pg_sweep_within_trace(s);
        CHECK(pg_sweep_sort(s, ENOUGH) == PG_OK && pg_sweep_count(s) == 2 && pg_sweep_node(s, 0) == before);
        CHECK(before->grad == 7.0 && in->grad == (writes ? 0.0 : 7.0));
        pg_sweep_abandon(s);
        CHECK(in->grad == 7.0);
    }
    in->flags = 0;
    pg_release(in);
    pg_release(before);
    pg_release(x);
}

static void test_a_condition_is_a_leaf_to_derivatives(void)
{
    pg_node *x = pg_leaf(3.0), *square = mul(x, x), *two = pg_leaf(2.0), *c = pg_compute(PG_OP_below, two, square, 1.0);
    pg_node *chosen = pg_compute_many(PG_OP_where, (pg_node *[]){c, x, two}, 3, 3.0, NULL, NULL), *due;
    pg_sweep *s;
    x->grad = 0.0, square->grad = 5.0, c->grad = 7.0;
    CHECK(pg_sweep_open(chosen, 1, &s) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
    CHECK(pg_sweep_count(s) == 4 && pg_sweep_node(s, 0) == c && pg_sweep_old_grad(s, 0) == 7.0 && c->grad == 0.0);
    pg_sweep_begin(s, 1.0);
    CHECK(pg_sweep_step(s, ENOUGH, &due) == PG_OK && x->grad == 1.0 && square->grad == 5.0);
    pg_sweep_abandon(s);
    CHECK(c->grad == 7.0 && x->grad == 0.0);
    for (int whole = 0; whole < 2; whole++) { /* as looks have it, and as a trace does */
        CHECK(pg_sweep_open(chosen, 0, &s) == PG_OK);
        if (whole)
            pg_sweep_through_conditions(s);
        CHECK(pg_sweep_sort(s, ENOUGH) == PG_OK && pg_sweep_count(s) == (whole ? 5 : 4) && c->grad == 7.0);
        pg_sweep_abandon(s);
    }
    CHECK(sweep(c, 1.0, ENOUGH) == PG_OK && x->grad == 0.0 && square->grad == 5.0); /* as root, too */
    double slopes[2] = {1.0, 1.0};
    pg_local_derivatives(c, slopes);
    CHECK(slopes[0] == 0.0 && slopes[1] == 0.0);
    pg_release(chosen);
    pg_release(c);
    pg_release(two);
    pg_release(square);
    pg_release(x);
}

/* -- sweeps inside one another ------------------------------------------------------------------- */

static void test_a_sort_goes_on_after_another_sweep_has_begun(void)
{
    pg_node *x = pg_leaf(1.0), *other = add(x, x), *root = chain(200);
    pg_sweep *s;
    CHECK(pg_sweep_open(root, 1, &s) == PG_OK);
    CHECK(pg_sweep_sort(s, 10) == PG_MORE);
    pg_sweep *inner = begun(other);
    CHECK(pg_sweep_sort(s, ENOUGH) == PG_OK); /* no longer alone, nor the newest */
    finish(inner);
    pg_sweep_begin(s, 1.0);
    finish(s);
    pg_release(root);
    pg_release(other);
    pg_release(x);
}

static void test_sweeps_may_end_in_any_order(void)
{
    enum { COUNT = 6 };
    static const int orders[3][COUNT] = {{0, 1, 2, 3, 4, 5}, {3, 0, 5, 1, 4, 2}, {5, 4, 3, 2, 1, 0}};
    const size_t start = pg_live_nodes();
    for (int turn = 0; turn < 6; turn++) {
        pg_node *x = pg_leaf(1.0), *roots[COUNT];
        pg_sweep *sweeps[COUNT];
        for (int i = 0; i < COUNT; i++) {
            roots[i] = add(x, x);
            sweeps[i] = begun(roots[i]);
        }
        for (int i = 0; i < COUNT; i++) {
            const int at = orders[turn / 2][i];
            if (turn % 2)
                pg_sweep_abandon(sweeps[at]);
            else
                finish(sweeps[at]);
        }
        CHECK(x->grad == (turn % 2 ? 0.0 : 2.0 * (double)COUNT));
        for (int i = 0; i < COUNT; i++)
            pg_release(roots[i]);
        pg_release(x);
        CHECK(pg_live_nodes() == start);
    }
}

static void test_a_write_within_a_look_is_noted_by_the_sweep_around_it(void)
{
    pg_node *x = pg_leaf(1.0), *y = add(x, x), *z = add(x, y), *outside = pg_leaf(1.0);
    outside->grad = 3.0;
    pg_sweep *outer = begun(y), *look;
    CHECK(pg_sweep_open(outside, 0, &look) == PG_OK && pg_sweep_sort(look, ENOUGH) == PG_OK);
    CHECK(pg_write_grad(outside, 4.0) == PG_OK && outside->grad == 4.0);
    pg_sweep_commit(look);
    pg_sweep_abandon(outer);
    CHECK(outside->grad == 3.0);
    CHECK(pg_sweep_open(z, 0, &look) == PG_OK && pg_sweep_sort(look, ENOUGH) == PG_OK);
    CHECK(pg_write_grad(outside, 5.0) == PG_OK); /* nothing around it writes: nothing is noted */
    pg_sweep_abandon(look);
    CHECK(outside->grad == 5.0);
    pg_release(outside);
    pg_release(z);
    pg_release(y);
    pg_release(x);
}

/* -- one node ------------------------------------------------------------------------------------ */

static void test_one_node_passes_its_grad_on_once(void)
{
    double slopes[2];
    pg_node *x = pg_leaf(2.0), *y = pg_leaf(3.0), *z = mul(x, y), *other = add(x, x);
    z->grad = 10.0;
    CHECK(pg_propagate(z, slopes) == PG_OK);
    CHECK(x->grad == 30.0 && y->grad == 20.0 && slopes[0] == 3.0);
    pg_sweep *s = begun(other); /* which notes a write to y, if there is room for that */
    pg_fail_at(1);
    CHECK(pg_propagate(z, slopes) == PG_NO_MEMORY);
    pg_fail_at(0);
    CHECK(y->grad == 20.0);
    pg_sweep_abandon(s);
    pg_release(other);
    pg_release(z);
    pg_release(y);
    pg_release(x);
}

static void test_leaves_from_before_or_with_a_wrapper_are_found_and_given_partials(void)
{
    static char wrapper;
    const double half = 0.5;
    pg_node *old = pg_leaf(1.0), *young = pg_leaf(2.0), *held = pg_leaf(3.0), *flagged = pg_leaf(4.0);
    pg_node *n = pg_compute_many(PG_PARTIALS, &old, 1, 1.0, &half, NULL);
    pg_node *root = pg_compute_many(PG_SUM, (pg_node *[]){old, young, held, flagged, n}, 5, 11.0, NULL, NULL);
    const uint64_t births[4] = {4, 5, 5, 4};
    pg_node *leaves[4] = {old, young, held, flagged};
    for (size_t i = 0; i < 4; i++)
        leaves[i]->of.leaf.birth = births[i];
    held->wrapper = &wrapper;
    flagged->flags |= PG_BY_OP;
    pg_sweep *s;
    CHECK(pg_sweep_open(root, 0, &s) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
    size_t found = 0;
    for (size_t i = 0; i < pg_sweep_count(s); i++) {
        const pg_node *at = pg_sweep_node(s, i);
        const int here = at == old || at == held || at == n;
        CHECK((pg_sweep_find(s, i, PG_BY_OP, 5) == i) == here);
        found += (size_t)here;
    }
    CHECK(found == 3 && pg_sweep_find(s, pg_sweep_count(s) - 1, PG_BY_OP, 5) == pg_sweep_count(s));
    for (size_t i = 0; i < pg_sweep_count(s); i++)
        if (pg_sweep_node(s, i) == flagged || pg_sweep_node(s, i) == young)
            CHECK((pg_sweep_find(s, i, 0, 5) == i) == (pg_sweep_node(s, i) == flagged));
    pg_sweep_abandon(s);
    held->wrapper = NULL;
    pg_release(root);
    pg_release(n);
    for (size_t i = 0; i < 4; i++)
        pg_release(leaves[i]);
}

int main(void)
{
    RUN(test_a_sort_that_is_done_stays_done);
    RUN(test_busy_nodes_are_met_from_nodes_of_every_shape);
    RUN(test_a_sweep_stops_where_it_is_told_and_each_stop_counts_once);
    RUN(test_a_sweep_within_a_trace_takes_other_nodes_for_leaves);
    RUN(test_a_condition_is_a_leaf_to_derivatives);
    RUN(test_a_sort_goes_on_after_another_sweep_has_begun);
    RUN(test_sweeps_may_end_in_any_order);
    RUN(test_a_write_within_a_look_is_noted_by_the_sweep_around_it);
    RUN(test_one_node_passes_its_grad_on_once);
    RUN(test_leaves_from_before_or_with_a_wrapper_are_found_and_given_partials);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
