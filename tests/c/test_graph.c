/* test_graph.c: the C library without Python: nodes, release, sweeps, journal.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. Prints the
 * name of each test and exits with 1 at the first thing that does not hold. */
#include "harness.h"

/* -- nodes -------------------------------------------------------------------------------------- */

static void test_nodes_are_counted_and_released(void)
{
    size_t start = pg_live_nodes();
    pg_node *x = pg_leaf(2.0), *y = pg_leaf(3.0);
    pg_node *z = mul(x, y);
    CHECK(pg_live_nodes() == start + 3);
    CHECK(z->value == 6.0 && z->grad == 0.0);
    CHECK(pg_operand_count(x) == 0 && pg_operand_count(z) == 2);
    CHECK(pg_operand(z, 0) == x && pg_operand(z, 1) == y);
    pg_release(x);
    CHECK(pg_live_nodes() == start + 3);
    CHECK(pg_retain(z) == z);
    pg_release(z);
    CHECK(pg_live_nodes() == start + 3);
    pg_release(z);
    CHECK(pg_live_nodes() == start + 1);
    pg_release(y);
    CHECK(pg_live_nodes() == start);
}

static void test_the_same_operand_twice(void)
{
    size_t start = pg_live_nodes();
    pg_node *x = pg_leaf(3.0);
    pg_node *z = mul(x, x);
    pg_release(x);
    CHECK(sweep(z, 1.0, ENOUGH) == PG_OK);
    CHECK(x->grad == 6.0);
    pg_release(z);
    CHECK(pg_live_nodes() == start);
}

static void test_a_reference_count_that_is_full_sticks(void)
{
    size_t start = pg_live_nodes();
    pg_node *x = pg_leaf(1.0);
    x->refs = UINT32_MAX - 1;
    pg_retain(x);
    pg_retain(x);
    CHECK(x->refs == UINT32_MAX);
    pg_release(x);
    pg_release(x);
    CHECK(x->refs == UINT32_MAX && pg_live_nodes() == start + 1);
    x->refs = 1;
    pg_release(x);
    CHECK(pg_live_nodes() == start);
}

static void test_nodes_with_many_operands(void)
{
    size_t start = pg_live_nodes();
    enum { COUNT = 1000 };
    pg_node *leaves[COUNT], *given[COUNT];
    double partials[COUNT], slopes[COUNT];
    for (int i = 0; i < COUNT; i++)
        leaves[i] = pg_leaf(i);
    for (int i = 0; i < COUNT; i++) {
        partials[i] = 0.5 * i;
        given[i] = i % 2 ? leaves[COUNT - 1 - i] : NULL;
    }
    pg_node *sum = pg_compute_many(PG_SUM, leaves, COUNT, 0.0, NULL, NULL);
    pg_node *dot = pg_compute_many(PG_DOT, leaves, 7, 0.0, NULL, NULL);
    pg_node *own = pg_compute_many(PG_PARTIALS, leaves, COUNT, 0.0, partials, given);
    pg_node *none = pg_compute_many(PG_CUSTOM, leaves, 0, 1.5, NULL, NULL);
    CHECK(pg_operand_count(sum) == COUNT && pg_operand(sum, 999) == leaves[999]);
    CHECK(pg_operand_count(none) == 0);
    CHECK(pg_given_partial(own, 0) == NULL && pg_given_partial(own, 1) == leaves[COUNT - 2]);
    CHECK(pg_given_partial(sum, 1) == NULL && pg_given_partial(leaves[0], 0) == NULL);
    pg_local_derivatives(sum, slopes);
    CHECK(slopes[0] == 1.0 && slopes[999] == 1.0);
    pg_local_derivatives(dot, slopes); /* 0 1 2 . 3 4 5 + 6 */
    CHECK(slopes[0] == 3.0 && slopes[2] == 5.0 && slopes[3] == 0.0 && slopes[6] == 1.0);
    partials[3] = -1.0; /* was copied */
    pg_local_derivatives(own, slopes);
    CHECK(slopes[3] == 1.5);
    pg_node *all[4] = {sum, dot, own, none};
    pg_node *root = pg_compute_many(PG_SUM, all, 4, 0.0, NULL, NULL);
    for (int i = 0; i < 4; i++)
        pg_release(all[i]);
    CHECK(sweep(root, 2.0, 100) == PG_OK);
    CHECK(leaves[0]->grad == 2.0 * (1.0 + 3.0 + 0.0));
    CHECK(leaves[6]->grad == 2.0 * (1.0 + 1.0 + 3.0));
    CHECK(leaves[998]->grad == 2.0 * (1.0 + 499.0));
    pg_release(root);
    CHECK(pg_live_nodes() == start + COUNT);
    for (int i = 0; i < COUNT; i++)
        pg_release(leaves[i]);
    CHECK(pg_live_nodes() == start);
}

static void test_counts_that_cannot_be_are_refused(void)
{
    CHECK(pg_alloc(SIZE_MAX / 2, 16) == NULL);
    CHECK(pg_alloc(SIZE_MAX, SIZE_MAX) == NULL);
    CHECK(pg_compute_many(PG_SUM, NULL, SIZE_MAX / 8, 0.0, NULL, NULL) == NULL);
    for (int i = 0; i < 2; i++) {
        void *nothing = pg_alloc(i == 0 ? 0 : 8, i == 0 ? 8 : 0);
        CHECK(nothing != NULL);
        pg_free(nothing);
    }
    pg_free(NULL);
}

static void test_a_long_chain_is_swept_and_released(void)
{
    size_t start = pg_live_nodes();
    enum { LENGTH = 300000 };
    pg_node *root = chain(LENGTH);
    CHECK(pg_live_nodes() == start + LENGTH + 2);
    pg_node *one = pg_operand(root, (LENGTH - 1) % 3 == 0 ? 1 : 0);
    CHECK(sweep(root, 1.0, 1000) == PG_OK);
    CHECK(one->grad == (double)LENGTH);
    pg_release(root);
    CHECK(pg_live_nodes() == start);
    root = chain(10); /* released nodes are used again */
    pg_release(root);
    CHECK(pg_live_nodes() == start);
}

static int unpinned;
static pg_node *also_released;

static void unpin(void *wrapper)
{
    unpinned++;
    pg_release(wrapper); /* in this test the wrapper is the node it would own */
    if (also_released != NULL) {
        pg_node *n = also_released;
        also_released = NULL;
        pg_release(n);
    }
}

static void test_a_pinned_node_gives_its_wrapper_back(void)
{
    size_t start = pg_live_nodes();
    pg_unpin = unpin;
    pg_node *x = pg_leaf(1.0);
    x->wrapper = x;
    x->flags |= PG_PINNED;
    pg_node *user = add(x, x), *other = mul(user, user);
    also_released = chain(100); /* a release inside a release */
    pg_release(other);
    CHECK(unpinned == 0);
    pg_release(user);
    CHECK(unpinned == 1);
    CHECK(pg_live_nodes() == start);
    pg_unpin = NULL;
}

/* -- order and sweeps --------------------------------------------------------------------------- */

static void test_the_order_is_depth_first_in_operand_order(void)
{
    pg_node *x = pg_leaf(1.0), *y = pg_leaf(2.0);
    pg_node *a = mul(x, y), *b = add(y, a);
    pg_node *operands[3] = {b, x, a};
    pg_node *root = pg_compute_many(PG_SUM, operands, 3, 0.0, NULL, NULL);
    pg_node *const expected[5] = {y, x, a, b, root};
    for (size_t budget = 1; budget < 8; budget++) {
        pg_sweep *s;
        size_t more = 0;
        CHECK(pg_sweep_open(root, 0, &s) == PG_OK);
        while (pg_sweep_sort(s, budget) == PG_MORE)
            more++;
        CHECK(pg_sweep_count(s) == 5);
        for (size_t i = 0; i < 5; i++)
            CHECK(pg_sweep_node(s, i) == expected[i]);
        CHECK(budget > 1 || more > 0);
        pg_sweep_abandon(s);
    }
    pg_release(root);
    pg_release(b);
    pg_release(a);
    pg_release(x);
    pg_release(y);
}

static void test_leaves_accumulate_and_inner_nodes_do_not(void)
{
    pg_node *x = pg_leaf(3.0), *y = mul(x, x), *z = add(y, x);
    y->grad = 100.0;
    for (int i = 1; i <= 3; i++) {
        CHECK(sweep(z, 1.0, 1) == PG_OK);
        CHECK(x->grad == 7.0 * i && y->grad == 1.0 && z->grad == 1.0);
    }
    CHECK(sweep(z, -2.0, ENOUGH) == PG_OK);
    CHECK(x->grad == 7.0 && y->grad == -2.0 && z->grad == -2.0);
    CHECK(sweep(x, 5.0, ENOUGH) == PG_OK);
    CHECK(x->grad == 5.0);
    pg_release(z);
    pg_release(y);
    pg_release(x);
}

static void test_zero_times_infinity_adds_nothing(void)
{
    pg_node *x = pg_leaf(0.0);
    pg_node *root = pg_compute(PG_OP_sqrt, x, NULL, 0.0); /* slope +inf */
    CHECK(sweep(root, 0.0, ENOUGH) == PG_OK);
    CHECK(x->grad == 0.0);
    CHECK(sweep(root, 1.0, ENOUGH) == PG_OK);
    CHECK(isinf(x->grad));
    pg_release(root);
    pg_release(x);
}

static void test_an_abandoned_sweep_leaves_no_trace(void)
{
    size_t start = pg_live_nodes();
    pg_node *root = chain(500), *outside = pg_leaf(1.0);
    size_t count, steps = 0;
    pg_sweep *s;
    pg_node *due;
    CHECK(pg_sweep_open(root, 0, &s) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
    count = pg_sweep_count(s);
    pg_node **nodes = pg_alloc(count, sizeof *nodes);
    for (size_t i = 0; i < count; i++) {
        nodes[i] = pg_sweep_node(s, i);
        nodes[i]->grad = 0.25 * (double)i;
    }
    pg_sweep_abandon(s);
    outside->grad = -0.0;
    for (int done = 0; !done; steps++) { /* after every number of steps of sort and sweep */
        size_t left = steps;
        pg_status status = PG_MORE;
        CHECK(pg_sweep_open(root, 1, &s) == PG_OK);
        while (left != 0 && (status = pg_sweep_sort(s, 16)) == PG_MORE)
            left--;
        if (status == PG_OK) {
            pg_sweep_begin(s, 1.0);
            CHECK(pg_write_grad(outside, 5.0) == PG_OK);
            CHECK(pg_write_grad(nodes[0], 6.0) == PG_OK);
            status = PG_MORE;
            while (left != 0 && (status = pg_sweep_step(s, 16, &due)) == PG_MORE)
                left--;
            done = status == PG_OK;
        }
        pg_sweep_abandon(s);
        for (size_t i = 0; i < count; i++)
            CHECK(nodes[i]->grad == 0.25 * (double)i);
        CHECK(outside->grad == 0.0 && signbit(outside->grad));
    }
    CHECK(steps > 40);
    for (size_t i = 0; i < count; i++)
        nodes[i]->grad = 0.0;
    CHECK(sweep(root, 1.0, ENOUGH) == PG_OK);
    CHECK(nodes[0]->grad + nodes[1]->grad == 501.0);
    pg_free(nodes);
    pg_release(outside);
    pg_release(root);
    CHECK(pg_live_nodes() == start);
}

static void test_writes_between_steps_of_the_sort_are_undone(void)
{
    /* A signal handler may write grads of nodes that the sort has met, and of some it has not. */
    pg_node *root = chain(300);
    pg_sweep *s, *inner;
    CHECK(pg_sweep_open(root, 0, &s) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
    pg_node *leaf = pg_sweep_node(s, 0), *low = pg_sweep_node(s, 3), *high = pg_sweep_node(s, 290);
    pg_sweep_abandon(s);
    pg_node *square = mul(leaf, leaf);
    for (size_t budget = 1; budget < 400; budget += 7) {
        leaf->grad = 1.0, low->grad = 2.0, high->grad = 3.0, square->grad = 4.0;
        CHECK(pg_sweep_open(root, 1, &s) == PG_OK);
        pg_status status = pg_sweep_sort(s, budget);
        CHECK(pg_write_grad(leaf, 11.0) == PG_OK);
        CHECK(pg_write_grad(low, 12.0) == PG_OK);
        CHECK(pg_write_grad(high, 13.0) == PG_OK);
        inner = begun(square); /* shares the leaf */
        finish(inner);
        CHECK(leaf->grad == 13.0);
        while (status == PG_MORE)
            status = pg_sweep_sort(s, 50);
        CHECK(status == PG_OK);
        pg_sweep_begin(s, 1.0);
        pg_sweep_abandon(s);
        CHECK(leaf->grad == 1.0);
        CHECK(low->grad == 2.0);
        CHECK(high->grad == 3.0);
        CHECK(square->grad == 4.0);
    }
    pg_release(square);
    pg_release(root);
}

static void test_inner_nodes_of_an_unfinished_sweep_are_busy(void)
{
    pg_node *x = pg_leaf(2.0), *y = mul(x, x), *z = add(y, x), *user = add(y, y), *other = mul(x, x);
    pg_sweep *outer = begun(z);
    CHECK(sweep(z, 1.0, ENOUGH) == PG_BUSY);
    CHECK(sweep(y, 1.0, ENOUGH) == PG_BUSY);
    CHECK(sweep(user, 1.0, ENOUGH) == PG_BUSY);
    CHECK(x->grad == 0.0);
    CHECK(sweep(other, 1.0, ENOUGH) == PG_OK); /* shares a leaf only */
    CHECK(x->grad == 4.0);
    finish(outer);
    CHECK(x->grad == 9.0);
    CHECK(sweep(user, 1.0, ENOUGH) == PG_OK);
    CHECK(x->grad == 9.0 + 8.0);
    pg_release(other);
    pg_release(user);
    pg_release(z);
    pg_release(y);
    pg_release(x);
}

static void test_nested_sweeps_are_undone_with_the_outer_one(void)
{
    size_t start = pg_live_nodes();
    pg_node *x = pg_leaf(2.0), *y = pg_leaf(3.0);
    pg_node *outer_root = add(x, x), *first = mul(x, y), *second = mul(y, y);
    pg_node *const all[5] = {x, y, outer_root, first, second};
    for (int commit = 0; commit < 2; commit++) {
        for (int i = 0; i < 5; i++)
            all[i]->grad = 0.5 + i;
        pg_sweep *outer = begun(outer_root);
        CHECK(pg_write_grad(y, 40.0) == PG_OK);
        pg_sweep *nested = begun(first);
        CHECK(pg_write_grad(y, 50.0) == PG_OK);
        pg_sweep *inmost = begun(second);
        finish(inmost); /* y.grad = 50 + 6 */
        CHECK(y->grad == 56.0);
        pg_node *gone = mul(y, second); /* swept, released, and still in a journal */
        second->grad = 0.0;
        CHECK(sweep(gone, 1.0, ENOUGH) == PG_OK);
        pg_release(gone);
        finish(nested);
        pg_sweep *failed = begun(first);
        pg_sweep_abandon(failed);
        CHECK(pg_write_grad(x, 60.0) == PG_OK);
        if (commit) {
            finish(outer);
            CHECK(outer_root->grad == 1.0 && first->grad == 1.0 && x->grad == 62.0);
        } else {
            pg_sweep_abandon(outer);
            for (int i = 0; i < 4; i++)
                CHECK(all[i]->grad == 0.5 + i);
        }
    }
    for (int i = 4; i >= 0; i--)
        pg_release(all[i]);
    CHECK(pg_live_nodes() == start);
}

static void test_closures_come_up_in_reverse_order(void)
{
    pg_node *x = pg_leaf(1.0), *y = add(x, x), *z = mul(y, y);
    x->flags |= PG_HAS_CLOSURE;
    y->flags |= PG_HAS_CLOSURE;
    pg_sweep *s = begun(z);
    pg_node *due = NULL;
    CHECK(pg_sweep_step(s, ENOUGH, &due) == PG_CLOSURE && due == y && y->grad == 4.0);
    CHECK(x->grad == 0.0); /* its rule was left to the closure */
    CHECK(pg_sweep_step(s, ENOUGH, &due) == PG_CLOSURE && due == x);
    CHECK(pg_sweep_step(s, ENOUGH, &due) == PG_OK);
    pg_sweep_commit(s);
    pg_release(z);
    pg_release(y);
    pg_release(x);
}

static void test_more_sweeps_than_there_are_numbers(void)
{
    /* Numbers come round; a number of old must never be taken for that of a sweep at work. */
    pg_node *x = pg_leaf(2.0), *y = mul(x, x), *z = add(y, x);
    pg_node *often_leaf = pg_leaf(1.0), *often = add(often_leaf, often_leaf);
    for (size_t between = 65533; between < 65538; between++) {
        x->grad = y->grad = 0.0;
        CHECK(sweep(z, 1.0, ENOUGH) == PG_OK && x->grad == 5.0 && y->grad == 1.0);
        for (size_t i = 0; i < between; i++)
            CHECK(sweep(often, 1.0, ENOUGH) == PG_OK);
        CHECK(sweep(z, 1.0, ENOUGH) == PG_OK && x->grad == 10.0 && y->grad == 1.0);
    }
    pg_sweep *outer = begun(z); /* and while it is unfinished */
    for (size_t i = 0; i < 140000; i++) {
        pg_sweep *s;
        if (i % 1000 == 0)
            CHECK(pg_sweep_open(y, 1, &s) == PG_BUSY);
        CHECK(pg_sweep_open(often, 1, &s) == PG_OK);
        if (i % 3 == 0)
            CHECK(pg_sweep_sort(s, ENOUGH) == PG_OK);
        pg_sweep_abandon(s);
    }
    x->grad = 0.0;
    finish(outer);
    CHECK(x->grad == 5.0 && y->grad == 1.0);
    pg_release(often);
    pg_release(often_leaf);
    pg_release(z);
    pg_release(y);
    pg_release(x);
}

static void test_many_sweeps_inside_one_another(void)
{
    enum { DEPTH = 2000 };
    static pg_node *roots[DEPTH];
    static pg_sweep *sweeps[DEPTH];
    size_t start = pg_live_nodes();
    pg_node *x = pg_leaf(1.0);
    for (int i = 0; i < DEPTH; i++) {
        roots[i] = add(x, x);
        sweeps[i] = begun(roots[i]);
    }
    for (int i = DEPTH - 1; i >= 0; i--) {
        CHECK(sweep(roots[i / 2], 1.0, ENOUGH) == PG_BUSY);
        if (i % 2)
            finish(sweeps[i]);
        else
            pg_sweep_abandon(sweeps[i]);
    }
    CHECK(x->grad == 0.0); /* the outermost one was abandoned, and with it all inside */
    for (int i = 0; i < DEPTH; i++) {
        CHECK(roots[i]->grad == 0.0);
        pg_release(roots[i]);
    }
    pg_release(x);
    CHECK(pg_live_nodes() == start);
}

static void test_the_table_ends(void)
{
    int ops = 0, aliases = 0;
    while (pg_op_at(ops) != NULL) {
        const pg_op_info *op = pg_op_at(ops++);
        CHECK(op->arity >= 1 && op->arity <= 3 && op->name[0] != 0 && op->doc[0] != 0);
        for (int i = 0; i < 3; i++)
            CHECK((op->rules[i] != NULL) == (i < op->arity));
    }
    CHECK(ops == PG_OPCODE_COUNT - PG_OP_add);
    while (pg_alias_at(aliases) != NULL)
        aliases++;
    CHECK(ops > 40 && aliases > 5);
    CHECK(pg_op_at(-1) == NULL && pg_op_at(100000) == NULL && pg_alias_at(-1) == NULL);
    CHECK(strcmp(pg_op_at(0)->name, "add") == 0);
}

int main(void)
{
    RUN(test_the_table_ends);
    RUN(test_nodes_are_counted_and_released);
    RUN(test_the_same_operand_twice);
    RUN(test_a_reference_count_that_is_full_sticks);
    RUN(test_nodes_with_many_operands);
    RUN(test_counts_that_cannot_be_are_refused);
    RUN(test_a_long_chain_is_swept_and_released);
    RUN(test_a_pinned_node_gives_its_wrapper_back);
    RUN(test_the_order_is_depth_first_in_operand_order);
    RUN(test_leaves_accumulate_and_inner_nodes_do_not);
    RUN(test_zero_times_infinity_adds_nothing);
    RUN(test_an_abandoned_sweep_leaves_no_trace);
    RUN(test_writes_between_steps_of_the_sort_are_undone);
    RUN(test_inner_nodes_of_an_unfinished_sweep_are_busy);
    RUN(test_nested_sweeps_are_undone_with_the_outer_one);
    RUN(test_closures_come_up_in_reverse_order);
    RUN(test_more_sweeps_than_there_are_numbers);
    RUN(test_many_sweeps_inside_one_another);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
