/* test_adjoint.c: the two ways over a graph, as numbers and as nodes: every op, every kind of node.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "random.h"

#include "graph/graph.h"
#include "graph/index.h"

enum { INPUTS = 4, NODES = 40, OUTPUTS = 3, ALL = INPUTS + NODES };

/* A graph over inputs; all its nodes are owned by the array. */
typedef struct {
    pg_node *nodes[ALL];   /* the inputs first */
    size_t count;
    pg_node *outputs[OUTPUTS]; /* among the last, perhaps the same */
    pg_node *root;         /* over the outputs */
} graph;

static pg_node *some(const graph *g)
{
    return g->nodes[one_in(3) ? below(g->count) : g->count - 1 - below(g->count < 6 ? g->count : 6)];
}

/* A sum, a dot product or given partials, which are nodes. */
static pg_node *wide_node(const graph *g, int op)
{
    pg_node *operands[7] = {NULL}, *given[7] = {NULL};
    double partials[7] = {0.0};
    const size_t count = below(8);
    for (size_t i = 0; i < count; i++) {
        operands[i] = some(g);
        given[i] = some(g);
        partials[i] = given[i]->value;
    }
    if (op == PG_PARTIALS)
        return pg_compute_many(op, operands, count, between(-1.0, 1.0), partials, given);
    return pg_compute_many(op, operands, count, between(-1.0, 1.0), NULL, NULL);
}

static pg_node *random_node(const graph *g)
{
    static const double exponents[] = {-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.5, -2.5};
    pg_node *operands[3];
    for (int i = 0; i < 3; i++)
        operands[i] = some(g);
    if (one_in(6))
        return wide_node(g, one_in(3) ? PG_PARTIALS : one_in(2) ? PG_SUM : PG_DOT);
    return node_of_op(PG_OP_add + (int)below(PG_OPCODE_COUNT - PG_OP_add), operands, exponents[below(8)]);
}

static void make_graph(graph *g, size_t count)
{
    for (g->count = 0; g->count < INPUTS; g->count++)
        g->nodes[g->count] = pg_leaf(any_number());
    while (g->count < INPUTS + count) {
        pg_node *n = random_node(g);
        g->nodes[g->count++] = n;
        if (!isfinite(n->value) || fabs(n->value) > 1e6)
            n->value = between(-2.0, 2.0); /* so that derivatives are numbers; both ways take it as it is */
    }
    for (size_t i = 0; i < OUTPUTS; i++)
        g->outputs[i] = g->nodes[g->count - 1 - (one_in(4) ? 0 : i)];
    g->root = pg_compute_many(PG_SUM, g->outputs, OUTPUTS, 0.0, NULL, NULL);
}

static void drop_graph(graph *g)
{
    pg_release(g->root);
    while (g->count != 0)
        pg_release(g->nodes[--g->count]);
}

static pg_status prepared(const pg_sweep *s, pg_node *const *inputs, size_t count, size_t budget, pg_adjoint **a)
{
    pg_status status = pg_adjoint_open(s, inputs, count, a);
    while (status == PG_OK && (status = pg_adjoint_prepare(*a, budget)) == PG_MORE)
        status = PG_OK;
    return status;
}

static pg_status gone(pg_adjoint *a, pg_way way, const double *seeds, pg_node *const *nodes, size_t budget)
{
    pg_node *opaque;
    pg_status status = pg_adjoint_begin(a, way, seeds, nodes);
    while (status == PG_OK && (status = pg_adjoint_step(a, budget, &opaque)) == PG_MORE)
        status = PG_OK;
    return status;
}

/* -- numbers and nodes --------------------------------------------------------------------------- */

/* The same numbers where both are: what 0 times infinity is to be is the business of other tests. */
static void check_equal(double number, double node)
{
    if (isfinite(number) && isfinite(node))
        CHECK(number == node || fabs(number - node) <= 1e-9 * fabs(number));
}

/* The derivatives at the inputs as nodes: their numbers, and what kind they are. */
static void check_at(pg_adjoint *a, pg_node *n, double number)
{
    pg_node *d = pg_adjoint_at(a, n);
    CHECK(d != NULL && d->refs == 1);
    check_equal(number, d->value);
    check_equal(number, pg_adjoint_value_at(a, n));
    pg_release(d);
}

static void check_reverse(graph *g, pg_sweep *s, pg_adjoint *a, size_t budget)
{
    pg_node *closure, *seed_nodes[OUTPUTS] = {g->nodes[0], NULL, g->nodes[g->count - 1]};
    const double seeds[OUTPUTS] = {g->nodes[0]->value, 1.0, g->nodes[g->count - 1]->value};
    pg_sweep_begin_below(s, seeds);
    for (size_t i = 0; i < INPUTS; i++)
        g->nodes[i]->grad = 0.0;
    while (pg_sweep_step(s, budget, &closure) != PG_OK)
        CHECK(pg_sweep_next(s) != NULL);
    CHECK(pg_sweep_next(s) == NULL);
    CHECK(gone(a, PG_REVERSE, seeds, one_in(2) ? seed_nodes : NULL, budget) == PG_OK);
    CHECK(pg_adjoint_next(a) == NULL && pg_adjoint_way(a) == PG_REVERSE);
    for (size_t i = 0; i < INPUTS; i++)
        check_at(a, g->nodes[i], g->nodes[i]->grad);
}

static void check_forward(graph *g, pg_sweep *s, pg_adjoint *a, size_t budget)
{
    pg_node *closure, *seed_nodes[INPUTS] = {g->nodes[1], NULL, NULL, NULL};
    const double tangents[INPUTS] = {g->nodes[1]->value, 0.0, -1.0, 0.5};
    pg_sweep_begin_forward(s, tangents);
    while (pg_sweep_step_forward(s, budget, &closure) != PG_OK)
        CHECK(pg_sweep_next_forward(s) != NULL);
    CHECK(pg_sweep_next_forward(s) == NULL);
    CHECK(gone(a, PG_FORWARD, tangents, one_in(2) ? seed_nodes : NULL, budget) == PG_OK);
    CHECK(pg_adjoint_next(a) == NULL && pg_adjoint_way(a) == PG_FORWARD);
    for (size_t i = 0; i < OUTPUTS; i++)
        check_at(a, g->outputs[i], g->outputs[i]->grad);
}

static void test_nodes_have_the_numbers_of_sweeps_both_ways(void)
{
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        graph g;
        pg_adjoint *a;
        random_state = seed;
        make_graph(&g, 1 + OUTPUTS + below(NODES - OUTPUTS));
        pg_sweep *s = sorted(g.root, 1, g.nodes, INPUTS);
        const size_t budget = 1 + below(60);
        CHECK(prepared(s, g.nodes, INPUTS, budget, &a) == PG_OK);
        for (int i = 0; i < 2; i++) {
            check_reverse(&g, s, a, budget);
            check_forward(&g, s, a, budget);
        }
        pg_adjoint_close(a);
        pg_sweep_abandon(s);
        drop_graph(&g);
    }
}

static void test_derivatives_by_some_of_the_stops_and_by_a_node_elsewhere(void)
{
    pg_node *x = pg_leaf(2.0), *y = pg_leaf(3.0), *elsewhere = pg_leaf(1.0), *z = mul(x, y);
    pg_node *root = pg_compute_many(PG_SUM, &z, 1, 6.0, NULL, NULL), *stops[2] = {x, y}, *inputs[2] = {y, elsewhere};
    const double seeds[2] = {1.0, 1.0};
    pg_adjoint *a;
    pg_sweep *s = sorted(root, 0, stops, 2);
    CHECK(prepared(s, inputs, 2, ENOUGH, &a) == PG_OK);
    CHECK(gone(a, PG_FORWARD, seeds, NULL, ENOUGH) == PG_OK && pg_adjoint_value_at(a, z) == 2.0);
    CHECK(gone(a, PG_REVERSE, seeds, NULL, ENOUGH) == PG_OK);
    CHECK(pg_adjoint_value_at(a, y) == 2.0 && pg_adjoint_value_at(a, x) == 0.0);
    CHECK(pg_adjoint_value_at(a, elsewhere) == 0.0);
    pg_adjoint_close(a);
    pg_sweep_abandon(s);
    pg_release(root);
    pg_release(z);
    pg_release(elsewhere);
    pg_release(y);
    pg_release(x);
}

static void test_no_derivative_goes_through_a_condition(void)
{
    pg_node *x = pg_leaf(2.0), *y = mul(x, x), *c = pg_compute(PG_OP_at_most, y, x, 0.0);
    pg_node *root = add(x, c); /* whose operand y is not in the order */
    const double seeds[2] = {1.0, 1.0}, tangent = 3.0;
    pg_adjoint *a;
    pg_sweep *s = sorted(root, 0, &x, 1);
    CHECK(pg_sweep_count(s) == 3 && prepared(s, &x, 1, ENOUGH, &a) == PG_OK);
    CHECK(gone(a, PG_REVERSE, seeds, NULL, ENOUGH) == PG_OK && pg_adjoint_value_at(a, x) == 1.0);
    CHECK(gone(a, PG_FORWARD, &tangent, NULL, ENOUGH) == PG_OK && pg_adjoint_value_at(a, c) == 0.0);
    pg_adjoint_close(a);
    pg_sweep_abandon(s);
    pg_release(root);
    pg_release(c);
    pg_release(y);
    pg_release(x);
}

static void test_a_node_outside_has_no_derivative(void)
{
    pg_node *x = pg_leaf(2.0), *y = mul(x, x), *outside = pg_leaf(1.0), *root = add(y, x);
    const double seeds[2] = {1.0, 1.0};
    pg_adjoint *a;
    pg_sweep *s = sorted(root, 0, NULL, 0);
    CHECK(prepared(s, NULL, 0, ENOUGH, &a) == PG_OK); /* by every leaf */
    CHECK(gone(a, PG_REVERSE, seeds, NULL, ENOUGH) == PG_OK);
    CHECK(pg_adjoint_value_at(a, x) == 5.0 && pg_adjoint_value_at(a, outside) == 0.0);
    pg_node *none = pg_adjoint_at(a, outside), *number = pg_adjoint_at(a, y);
    CHECK(none->value == 0.0 && none->op == PG_LEAF && number->value == 1.0 && number->op == PG_LEAF);
    pg_release(none);
    pg_release(number);
    pg_adjoint_close(a);
    pg_adjoint_close(NULL);
    pg_sweep_abandon(s);
    pg_release(root);
    pg_release(outside);
    pg_release(y);
    pg_release(x);
}

static void test_slopes_that_are_numbers_or_closures_are_opaque(void)
{
    pg_node *x = pg_leaf(2.0), *other = pg_leaf(1.0), *pair[2] = {x, other};
    const double partials[2] = {0.5, 0.25}, seed = 1.0;
    for (int kind = 0; kind < 3; kind++) {
        pg_node *given[2] = {NULL, kind == 1 ? x : NULL}, *opaque = NULL;
        pg_node *n = kind < 2 ? pg_compute_many(PG_PARTIALS, pair, 2, 1.0, partials, kind ? given : NULL)
                              : pg_compute_many(PG_CUSTOM, pair, 2, 1.0, NULL, NULL);
        if (kind == 2)
            n->flags |= PG_HAS_CLOSURE;
        pg_node *root = pg_compute_many(PG_SUM, &n, 1, 1.0, NULL, NULL);
        pg_sweep *s = sorted(root, 0, NULL, 0);
        pg_adjoint *a;
        CHECK(prepared(s, &x, 1, ENOUGH, &a) == PG_OK);
        CHECK(pg_adjoint_begin(a, PG_REVERSE, &seed, NULL) == PG_OK);
        CHECK(pg_adjoint_next(a) != NULL);
        CHECK(pg_adjoint_step(a, ENOUGH, &opaque) == PG_OPAQUE && opaque == n);
        pg_adjoint_close(a);
        CHECK(prepared(s, &other, kind == 1, ENOUGH, &a) == PG_OK); /* whose partial is a node if it is an input */
        CHECK(pg_adjoint_begin(a, PG_REVERSE, &seed, NULL) == PG_OK);
        CHECK(pg_adjoint_step(a, ENOUGH, &opaque) == PG_OK);
        CHECK(pg_adjoint_value_at(a, other) == (kind == 1 ? 2.0 : 0.0));
        pg_adjoint_close(a);
        CHECK(prepared(s, &x, 1, ENOUGH, &a) == PG_OK);
        pg_adjoint_take_constants(a); /* which partials may be, but no closure */
        CHECK(pg_adjoint_begin(a, PG_REVERSE, &seed, NULL) == PG_OK);
        CHECK(pg_adjoint_step(a, ENOUGH, &opaque) == (kind == 2 ? PG_OPAQUE : PG_OK));
        CHECK(pg_adjoint_value_at(a, x) == (kind == 2 ? 0.0 : 0.5) && pg_adjoint_value_at(a, other) == 0.0);
        pg_adjoint_close(a);
        pg_sweep_abandon(s);
        pg_release(root);
        pg_release(n);
    }
    pg_release(other);
    pg_release(x);
}

/* -- forward, where somebody's closure stands ---------------------------------------------------- */

static void test_a_closure_is_due_on_the_way_forward_only_where_a_tangent_arrives(void)
{
    pg_node *x = pg_leaf(2.0), *y = pg_leaf(3.0), *closure = NULL;
    pg_node *n = mul(x, y), *stops[2] = {x, y};
    n->flags |= PG_HAS_CLOSURE;
    pg_node *root = pg_compute_many(PG_SUM, &n, 1, 6.0, NULL, NULL);
    pg_sweep *s = sorted(root, 1, stops, 2);
    const double none[2] = {0.0, 0.0}, tangents[2] = {0.0, 1.0};
    pg_sweep_begin_forward(s, none);
    CHECK(pg_sweep_step_forward(s, ENOUGH, &closure) == PG_OK && n->grad == 0.0);
    pg_sweep_begin_forward(s, tangents);
    CHECK(pg_sweep_step_forward(s, ENOUGH, &closure) == PG_CLOSURE && closure == n);
    pg_sweep_abandon(s);
    pg_release(root);
    pg_release(n);
    pg_release(y);
    pg_release(x);
}

/* -- wide nodes ---------------------------------------------------------------------------------- */

/* Ways over a node of so many operands go in several steps. */
static void check_wide(int op, size_t count)
{
    pg_node *x = pg_leaf(2.0), **operands = pg_alloc(count, sizeof *operands), *due;
    double *partials = pg_alloc(count, sizeof *partials);
    const double seed = 1.0;
    size_t steps = 1;
    for (size_t i = 0; i < count; i++) {
        operands[i] = x;
        partials[i] = 1.0;
    }
    pg_node *n = pg_compute_many(op, operands, count, 1.0, op == PG_PARTIALS ? partials : NULL,
                                 op == PG_PARTIALS ? operands : NULL);
    pg_node *root = pg_compute_many(PG_SUM, &n, 1, 1.0, NULL, NULL);
    pg_sweep *s = sorted(root, 1, NULL, 0);
    pg_adjoint *a;
    pg_sweep_begin(s, 1.0);
    while (pg_sweep_step(s, ENOUGH, &due) == PG_MORE)
        steps++;
    const double expected = (double)count, odd = (double)(count % 2);
    CHECK(x->grad == (op == PG_DOT ? 2.0 * (expected - odd) + odd : expected));
    CHECK(steps > 1);
    CHECK(prepared(s, &x, 1, ENOUGH, &a) == PG_OK);
    CHECK(pg_adjoint_begin(a, PG_REVERSE, &seed, NULL) == PG_OK);
    for (steps = 1; pg_adjoint_step(a, ENOUGH, &due) == PG_MORE; steps++)
        CHECK(pg_adjoint_next(a) == n);
    CHECK(steps > 1 && pg_adjoint_value_at(a, x) == (op == PG_SUM   ? expected
                                                     : op == PG_DOT ? x->grad
                                                                    : 2.0 * expected));
    pg_adjoint_close(a);
    pg_sweep_abandon(s);
    pg_release(root);
    pg_release(n);
    pg_release(x);
    pg_free(partials);
    pg_free(operands);
}

static void test_wide_nodes_are_done_in_steps(void)
{
    check_wide(PG_SUM, 100000);
    check_wide(PG_DOT, 80001);
    check_wide(PG_DOT, 80000);
    check_wide(PG_PARTIALS, 70000);
}

/* -- where memory fails -------------------------------------------------------------------------- */

/* Both ways over a graph, with a derivative of each kind made; nothing is left of it. */
static pg_status both_ways(graph *g, pg_sweep *s)
{
    pg_adjoint *a = NULL;
    pg_node *first = NULL, *nodes[INPUTS] = {g->nodes[0], NULL, g->nodes[1], NULL};
    const double seeds[INPUTS] = {0.5, 1.0, 2.0, -1.0};
    pg_status status = prepared(s, g->nodes, INPUTS, ENOUGH, &a);
    if (status == PG_OK)
        status = gone(a, PG_REVERSE, seeds, nodes, ENOUGH);
    if (status == PG_OK) {
        first = pg_adjoint_at(a, g->nodes[0]);
        status = first == NULL ? PG_NO_MEMORY : gone(a, PG_FORWARD, seeds, nodes, ENOUGH);
    }
    if (first != NULL)
        pg_release(first);
    pg_adjoint_close(a);
    return status;
}

static void test_each_allocation_of_an_adjoint_fails_in_turn(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        graph g;
        random_state = 1000 + seed;
        make_graph(&g, NODES);
        pg_sweep *s = sorted(g.root, 1, g.nodes, INPUTS);
        const size_t start = pg_live_nodes();
        pg_status status = PG_NO_MEMORY;
        for (int alone = 0; alone < 2; alone++, status = PG_NO_MEMORY)
            for (size_t n = 1; status != PG_OK; n++) {
                fail(n, alone);
                status = both_ways(&g, s);
                pg_fail_at(0);
                CHECK(status == PG_OK || status == PG_NO_MEMORY);
                CHECK(pg_live_nodes() == start);
            }
        pg_sweep_abandon(s);
        drop_graph(&g);
    }
}

/* -- what a trace marks -------------------------------------------------------------------------- */

static void test_derivatives_made_in_a_trace_are_marked(void)
{
    pg_node *x = pg_leaf(2.0), *root = mul(x, x);
    const double seeds[2] = {1.0, 1.0};
    pg_adjoint *a;
    pg_sweep *s = sorted(root, 0, NULL, 0);
    CHECK(prepared(s, NULL, 0, ENOUGH, &a) == PG_OK);
    for (int flags = 0; flags <= PG_TRACED; flags += PG_TRACED) {
        pg_tracing_threads = 1; /* perhaps another */
        pg_birth_flags = (uint8_t)flags;
        CHECK(gone(a, PG_REVERSE, seeds, NULL, ENOUGH) == PG_OK);
        pg_node *d = pg_adjoint_at(a, x);
        CHECK(d->value == 2.0 && (d->flags & PG_TRACED) == flags);
        CHECK(pg_traced_nodes == (size_t)(flags != 0));
        pg_mark_traced(d);
        CHECK(pg_traced_nodes == 1);
        pg_release(d);
        CHECK(pg_traced_nodes == 0);
        d = pg_leaf(0.0);
        CHECK(pg_born(d) == d && (d->flags & PG_TRACED) == flags && pg_born(NULL) == NULL);
        pg_release(d);
    }
    pg_tracing_threads = 0;
    pg_birth_flags = 0;
    pg_adjoint_close(a);
    pg_sweep_abandon(s);
    pg_release(root);
    pg_release(x);
}

static void test_a_leaf_becomes_another_node(void)
{
    size_t start = pg_live_nodes();
    pg_node *x = pg_leaf(2.0);
    for (int traced = 0; traced < 3; traced++) {
        pg_node *leaf = pg_leaf(0.0), *n = mul(x, x);
        leaf->grad = 7.0;
        if (traced > 0)
            pg_mark_traced(n);
        if (traced > 1)
            pg_mark_traced(leaf);
        pg_become(leaf, n);
        CHECK(leaf->value == 4.0 && leaf->grad == 7.0 && pg_operand(leaf, 1) == x && pg_traced_nodes == (traced > 0));
        pg_release(leaf);
        CHECK(pg_live_nodes() == start + 1 && pg_traced_nodes == 0);
    }
    pg_release(x);
}

/* -- the index ----------------------------------------------------------------------------------- */

static void test_an_index_finds_what_was_put_there(void)
{
    enum { COUNT = 5000 };
    static pg_node *nodes[COUNT];
    pg_index index;
    size_t place;
    CHECK(pg_index_open(&index, COUNT / 2));
    for (size_t i = 0; i < COUNT; i++) {
        nodes[i] = pg_leaf(0.0);
        if (i % 2)
            pg_index_put(&index, nodes[i], i);
    }
    for (size_t i = 0; i < COUNT; i++)
        CHECK(pg_index_find(&index, nodes[i], &place) == (int)(i % 2) && (i % 2 == 0 || place == i));
    pg_index_close(&index);
    CHECK(!pg_index_open(&index, SIZE_MAX)); /* more than there is */
    pg_positions positions;
    CHECK(!pg_positions_open(&positions, NULL, SIZE_MAX)); /* more than an entry can say */
    for (size_t i = 0; i < COUNT; i++)
        pg_release(nodes[i]);
}

int main(void)
{
    RUN(test_nodes_have_the_numbers_of_sweeps_both_ways);
    RUN(test_derivatives_by_some_of_the_stops_and_by_a_node_elsewhere);
    RUN(test_no_derivative_goes_through_a_condition);
    RUN(test_a_node_outside_has_no_derivative);
    RUN(test_slopes_that_are_numbers_or_closures_are_opaque);
    RUN(test_a_closure_is_due_on_the_way_forward_only_where_a_tangent_arrives);
    RUN(test_wide_nodes_are_done_in_steps);
    RUN(test_each_allocation_of_an_adjoint_fails_in_turn);
    RUN(test_derivatives_made_in_a_trace_are_marked);
    RUN(test_a_leaf_becomes_another_node);
    RUN(test_an_index_finds_what_was_put_there);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
