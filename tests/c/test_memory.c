/* test_memory.c: the C library without Python, where memory fails.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. Prints the
 * name of each test and exits with 1 at the first thing that does not hold. */
#define _DEFAULT_SOURCE /* limits */

#include "harness.h"

#include "graph/graph.h"
#include "graph/memory.h"
#include "graph/sweep.h"

#if defined(__linux__) && !defined(PG_HOSTILE) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LIMIT
#include <sys/resource.h>
#endif

/* Every kind of node over x and y, or NULL; nothing is left behind then. */
static pg_node *build(pg_node *x, pg_node *y)
{
    pg_node *n = pg_retain(x);
    for (int i = 0; i < 60; i++) {
        pg_node *next = NULL, *constant = NULL;
        const double partials[2] = {0.5, 0.25};
        pg_node *pair[2] = {n, y}, *given[2] = {x, NULL};
        switch (i % 6) {
        case 0:
            next = pg_compute(PG_OP_tanh, n, NULL, tanh(n->value));
            break;
        case 1:
            next = pg_compute_pown(n, 2.0, n->value * n->value);
            break;
        case 2:
            constant = pg_leaf(2.0);
            next = constant == NULL ? NULL : mul(n, constant);
            break;
        case 3:
            next = pg_compute_many(PG_SUM, pair, 2, n->value + y->value, NULL, NULL);
            break;
        case 4:
            next = pg_compute_many(PG_PARTIALS, pair, 2, 1.0, partials, given);
            break;
        default:
            next = add(n, y);
            break;
        }
        if (constant != NULL)
            pg_release(constant);
        pg_release(n);
        if (next == NULL)
            return NULL;
        n = next;
    }
    return n;
}

static void test_each_allocation_of_a_graph_fails_in_turn(void)
{
    pg_node *x = pg_leaf(0.5), *y = pg_leaf(0.25), *root = NULL;
    size_t start = pg_live_nodes(), n = 0;
    while (root == NULL) {
        pg_fail_at(++n);
        root = build(x, y);
        pg_fail_at(0);
        if (root == NULL) {
            CHECK(pg_live_nodes() == start);
            CHECK(x->refs == 1 && y->refs == 1);
            CHECK(pg_allocations() == n);
        }
    }
    CHECK(n > 90);
    pg_release(root);
    CHECK(pg_live_nodes() == start);
    pg_release(x);
    pg_release(y);
}

/* A graph whose sort grows the order and the path at different moments: wide nodes on a long path. */
static pg_node *comb(size_t length)
{
    pg_node *n = pg_leaf(1.0), *x = pg_leaf(0.5);
    for (size_t i = 0; i < length; i++) {
        pg_node *side = consumed(PG_OP_mul, pg_retain(n), pg_leaf(0.5));
        pg_node *triple[3] = {side, n, x};
        pg_node *next = pg_compute_many(PG_SUM, triple, 3, 1.0, NULL, NULL);
        pg_release(side);
        pg_release(n);
        n = next;
    }
    pg_release(x);
    return n;
}

/* So many unary nodes on end, or as many sums of one operand. */
static pg_node *thread_of(size_t length, int unary)
{
    pg_node *n = pg_leaf(1.0);
    for (size_t i = 0; i < length; i++) {
        pg_node *next = unary ? pg_compute(PG_OP_neg, n, NULL, -n->value)
                              : pg_compute_many(PG_SUM, &n, 1, n->value, NULL, NULL);
        pg_release(n);
        n = next;
    }
    return n;
}

static void test_each_allocation_of_a_long_path_fails_in_turn(void)
{
    for (int unary = 0; unary < 2; unary++)
        for (size_t length = 20; length < 20000; length = 3 * length + 1) {
            pg_node *root = thread_of(length, unary);
            for (int alone = 0; alone < 2; alone++) {
                pg_status status = PG_NO_MEMORY;
                for (size_t n = 1; status != PG_OK; n++) {
                    fail(n, alone);
                    status = sweep(root, 1.0, 1000);
                    pg_fail_at(0);
                    CHECK(status == PG_OK || status == PG_NO_MEMORY);
                }
            }
            pg_release(root);
        }
}

static void test_more_stops_than_fit_into_a_sweep(void)
{
    enum { COUNT = 200 };
    pg_node *leaves[COUNT];
    for (int i = 0; i < COUNT; i++)
        leaves[i] = pg_leaf(i);
    pg_node *root = pg_compute_many(PG_SUM, leaves, COUNT, 0.0, NULL, NULL);
    pg_sweep *s;
    CHECK(pg_sweep_open(root, 1, &s) == PG_OK);
    pg_fail_at(1);
    CHECK(pg_sweep_stop_at(s, leaves, COUNT) == PG_NO_MEMORY);
    pg_fail_at(0);
    pg_sweep_abandon(s);
    CHECK(pg_sweep_open(root, 1, &s) == PG_OK);
    CHECK(pg_sweep_stop_at(s, leaves, COUNT) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
    CHECK(pg_sweep_count(s) == COUNT + 1);
    pg_sweep_abandon(s);
    pg_release(root);
    for (int i = 0; i < COUNT; i++)
        pg_release(leaves[i]);
}

static void test_each_allocation_of_a_sweep_fails_in_turn(void)
{
    for (size_t length = 1; length < 1500; length += length / 2 + 1) {
        pg_node *root = comb(length), *many[40], *tree;
        for (int i = 0; i < 40; i++)
            many[i] = i % 2 ? pg_retain(root) : chain(length);
        tree = pg_compute_many(PG_SUM, many, 40, 0.0, NULL, NULL);
        for (int i = 0; i < 40; i++)
            pg_release(many[i]);
        pg_node *leaf = pg_operand(many[0], 0);
        size_t start = pg_live_nodes(), n = 0;
        pg_status status = PG_NO_MEMORY;
        root->grad = 3.0, leaf->grad = 4.0, tree->grad = 5.0;
        while (status != PG_OK) {
            pg_fail_at(++n);
            status = sweep(tree, 1.0, 37);
            pg_fail_at(0);
            CHECK(status == PG_OK || status == PG_NO_MEMORY);
            if (status == PG_NO_MEMORY)
                CHECK(root->grad == 3.0 && leaf->grad == 4.0 && tree->grad == 5.0);
            if (n % 2 == 0 && status != PG_OK) { /* and in between it works */
                CHECK(sweep(tree, 1.0, ENOUGH) == PG_OK);
                CHECK(root->grad == 20.0);
                root->grad = 3.0, leaf->grad = 4.0, tree->grad = 5.0;
            }
        }
        CHECK(n > 1);
        CHECK(root->grad == 20.0);
        CHECK(pg_live_nodes() == start);
        pg_release(tree);
        pg_release(root);
    }
}

static void test_a_journal_entry_that_fails_changes_nothing(void)
{
    pg_node *x = pg_leaf(1.0), *y = add(x, x), *outside = pg_leaf(1.0);
    outside->grad = 7.0;
    pg_sweep *s = begun(y);
    pg_fail_at(1);
    CHECK(pg_write_grad(outside, 8.0) == PG_NO_MEMORY);
    CHECK(outside->grad == 7.0);
    CHECK(pg_write_grad(x, 8.0) == PG_OK); /* noted already */
    pg_fail_at(0);
    CHECK(pg_write_grad(outside, 8.0) == PG_OK);
    CHECK(outside->grad == 8.0);
    pg_sweep_abandon(s);
    CHECK(outside->grad == 7.0 && x->grad == 0.0);
    pg_fail_at(1);
    CHECK(pg_write_grad(outside, 9.0) == PG_OK); /* outside a sweep there is nothing to note */
    pg_fail_at(0);
    CHECK(outside->grad == 9.0);
    pg_release(outside);
    pg_release(y);
    pg_release(x);
}

static void test_a_sweep_allocates_nothing_once_it_is_sorted(void)
{
    pg_node *root = comb(300);
    pg_sweep *s;
    pg_node *due;
    CHECK(pg_sweep_open(root, 1, &s) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
    pg_fail_at(1);
    pg_sweep_begin(s, 1.0);
    CHECK(pg_sweep_step(s, ENOUGH, &due) == PG_OK);
    pg_sweep_commit(s);
    CHECK(pg_allocations() == 0);
    pg_release(root);
    CHECK(pg_allocations() == 0);
    pg_fail_at(0);
}

static void test_arrays_of_a_large_sweep_serve_later_ones(void)
{
    pg_node *root = chain(10000), *other = chain(6000);
    CHECK(sweep(root, 1.0, ENOUGH) == PG_OK);
    pg_fail_at(SIZE_MAX); /* which only counts */
    CHECK(sweep(other, 1.0, ENOUGH) == PG_OK);
    const size_t requests = pg_allocations();
#ifndef PG_HOSTILE /* where nothing is kept */
    CHECK(requests == 3); /* the sweep, its order and its path: what was kept is asked for, too */
    CHECK(pg_allocated() == sizeof(pg_sweep));
#endif
    for (size_t n = 1; n <= requests; n++) {
        pg_fail_once(n);
        CHECK(sweep(other, 1.0, ENOUGH) == PG_NO_MEMORY);
    }
    pg_fail_at(0);
    for (int larger_first = 0; larger_first < 2; larger_first++) { /* two at a time: one has arrays of its own */
        pg_sweep *s = begun(larger_first ? root : other);
        CHECK(sweep(larger_first ? other : root, 1.0, ENOUGH) == PG_OK);
        finish(s);
    }
    CHECK(sweep(root, 1.0, ENOUGH) == PG_OK && root->grad == 1.0);
    pg_release(root);
    pg_release(other);
}

/* -- what a trace makes --------------------------------------------------------------------------- */

static void trace_nodes(int on)
{
    pg_tracing_threads = on;
    pg_birth_flags = on ? PG_TRACED : 0;
}

static void test_births_are_noted_while_somebody_asks(void)
{
    enum { COUNT = 600 };
    static pg_node *nodes[COUNT];
    trace_nodes(1);
    pg_release(pg_born(pg_leaf(1.0))); /* nobody asks */
    pg_births_let();
    pg_births_forget();
    pg_fail_at(1);
    CHECK(!pg_births_ask() && pg_noted_births == NULL);
    pg_fail_at(0);
    CHECK(pg_births_ask() && pg_births_ask());
    for (int i = 0; i < COUNT; i++)
        nodes[i] = pg_born(pg_leaf(i));
    CHECK(pg_noted_births->count == COUNT && !pg_noted_births->lacks_memory);
    for (int i = 0; i < COUNT; i++)
        CHECK(pg_noted_births->nodes[i] == nodes[i]);
    pg_births_let();
    CHECK(pg_noted_births != NULL && pg_noted_births->count == COUNT); /* the other one does */
    pg_births_let();
    CHECK(pg_noted_births == NULL);
    for (int i = 0; i < COUNT; i++)
        pg_release(nodes[i]);
    trace_nodes(0);
}

static void test_births_that_find_no_room_are_said_to_be_missing(void)
{
    pg_node *n = pg_leaf(1.0);
    for (int much = 0; much < 2; much++) {
        CHECK(pg_births_ask());
        if (much) /* more than can be counted */
            pg_noted_births->count = pg_noted_births->capacity = SIZE_MAX / 2 + 1;
        else
            pg_fail_at(1);
        pg_note_birth(n);
        pg_fail_at(0);
        CHECK(pg_noted_births->lacks_memory && pg_noted_births->nodes == NULL);
        pg_births_forget();
        CHECK(pg_noted_births == NULL);
    }
    pg_release(n);
}

/* -- the pool ------------------------------------------------------------------------------------ */

static void count_node(pg_node *n, void *context)
{
    CHECK(n->refs != 0);
    ++*(size_t *)context;
}

static void test_each_node_that_exists_is_visited(void)
{
    pg_node *x = pg_leaf(1.0), *gone = pg_leaf(2.0), *y = pg_leaf(3.0);
    size_t count = 0;
    pg_release(gone);
    pg_pool_each(count_node, &count);
    CHECK(count == pg_live_nodes());
    pg_release(x);
    pg_release(y);
}

#ifndef PG_HOSTILE /* where a node is a block of its own */

/* Nodes in a list through their wrappers, onto held, until a slab would have to be made. */
static pg_node *fill(pg_node *held)
{
    for (;;) {
        pg_fail_at(2); /* a node is refused first, then a slab */
        pg_node *next = pg_leaf(1.0);
        pg_fail_at(0);
        if (next == NULL)
            return held;
        next->wrapper = held;
        held = next;
    }
}

/* Gives back every period-th of them; the others. */
static pg_node *thin(pg_node *held, size_t period)
{
    pg_node *kept = NULL, *next;
    for (size_t i = 0; held != NULL; held = next, i++) {
        next = held->wrapper;
        if (i % period == 0) {
            pg_release(held);
        } else {
            held->wrapper = kept;
            kept = held;
        }
    }
    return kept;
}

static void test_slabs_are_filled_again_before_there_are_more(void)
{
    const size_t start = pg_live_nodes();
    pg_node *held = fill(NULL);
    const size_t bytes = pg_pool_bytes(), full = pg_live_nodes();
    for (size_t period = 2; period < 5000; period *= 3) {
        held = thin(held, period); /* holes in every slab */
        CHECK(pg_live_nodes() < full);
        held = fill(held);
        CHECK(pg_live_nodes() == full && pg_pool_bytes() == bytes);
    }
    held = thin(thin(held, 2), 1); /* slabs become empty when they were full of holes before */
    CHECK(held == NULL && pg_live_nodes() == start && pg_pool_bytes() == bytes);
}

#endif

/* Not pg_fail_at, but the system itself says no. Sanitizers need more than they are given then. */
static void test_memory_that_the_system_refuses(void)
{
    CHECK(pg_alloc(1, SIZE_MAX / 4) == NULL);
#ifdef LIMIT
    pg_node *held = NULL, *next;
    struct rlimit before, none = {0, 0};
    CHECK(getrlimit(RLIMIT_AS, &before) == 0);
    none.rlim_max = before.rlim_max;
    CHECK(setrlimit(RLIMIT_AS, &none) == 0);
    while ((next = pg_leaf(1.0)) != NULL) {
        next->wrapper = held;
        held = next;
    }
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
    CHECK(held != NULL);
    for (; held != NULL; held = next) {
        next = held->wrapper;
        pg_release(held);
    }
#endif
}

int main(void)
{
    RUN(test_each_allocation_of_a_graph_fails_in_turn);
    RUN(test_each_allocation_of_a_sweep_fails_in_turn);
    RUN(test_a_journal_entry_that_fails_changes_nothing);
    RUN(test_a_sweep_allocates_nothing_once_it_is_sorted);
    RUN(test_arrays_of_a_large_sweep_serve_later_ones);
    RUN(test_each_allocation_of_a_long_path_fails_in_turn);
    RUN(test_more_stops_than_fit_into_a_sweep);
    RUN(test_births_are_noted_while_somebody_asks);
    RUN(test_births_that_find_no_room_are_said_to_be_missing);
    RUN(test_each_node_that_exists_is_visited);
#ifndef PG_HOSTILE
    RUN(test_slabs_are_filled_again_before_there_are_more);
#endif
    RUN(test_memory_that_the_system_refuses);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
