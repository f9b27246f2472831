/* test_rules.c: nodes whose derivative is a rule of somebody's: in sweeps, in programs, in what programs are made of.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "loops.h"

/* A product, whose rule says three times as much. */
static pg_status derive_thrice(pg_way way, pg_node *n, pg_node *const *given, const uint8_t *wanted, pg_node **out)
{
    pg_node *const *operands = n->of.many->operands;
    pg_node *three = traced(pg_leaf(3.0));
    pg_node *sum = NULL;
    CHECK(pg_sweep_open(operands[1], 0, &(pg_sweep *){NULL}) == PG_BUSY); /* its sweep keeps its nodes, */
    pg_sweep *s;
    pg_sweeps_shared++; /* unless it shares them, */
    pg_node *another = pg_leaf(1.0);
    pg_sweep *between;
    CHECK(pg_sweep_open(another, 0, &between) == PG_OK); /* whatever sweeps are around, */
    CHECK(pg_sweep_open(operands[1], 0, &s) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
    pg_sweep_abandon(s);
    pg_sweep_abandon(between);
    pg_release(another);
    pg_sweeps_shared--;
    for (size_t i = 1; i <= 2; i++) {
        pg_node *slope = traced(node_of_op(PG_OP_mul, (pg_node *[3]){three, operands[3 - i], NULL}, 0.0));
        pg_node *by = way == PG_REVERSE ? given[0] : given[i];
        if (by != NULL && (way == PG_FORWARD || wanted[i])) {
            pg_node *term = traced(node_of_op(PG_OP_mul, (pg_node *[3]){by, slope, NULL}, 0.0));
            if (way == PG_REVERSE) {
                out[i] = term;
            } else {
                pg_node *more = sum == NULL ? pg_retain(term)
                                            : traced(node_of_op(PG_OP_add, (pg_node *[3]){sum, term, NULL}, 0.0));
                pg_release(term);
                if (sum != NULL)
                    pg_release(sum);
                sum = more;
            }
        }
        pg_release(slope);
    }
    if (way == PG_FORWARD)
        out[0] = sum;
    pg_release(three);
    return PG_OK;
}

static void destroy(pg_several *rule)
{
    pg_free(rule);
}

static int made_again, refused; /* how often, and whether it is */

static pg_node *again(pg_node *n, pg_node *const *operands)
{
    pg_node *made = refused ? NULL : pg_born(pg_compute_several(n->of.many->rule, operands, 0.0));
    if (made != NULL)
        made->flags |= PG_HAS_CLOSURE;
    made_again++;
    return made;
}

static const pg_several_kind kind_of_product = {derive_thrice, destroy, again};

/* The result of such a node, of x * y sealed, x and y; all are held. */
static pg_node *product_of(pg_node *x, pg_node *y)
{
    pg_several *rule = pg_alloc(1, sizeof *rule);
    CHECK(rule != NULL);
    *rule = (pg_several){&kind_of_product, 3, 1, 1};
    pg_node *sealed = of(PG_OP_ruled, of(PG_OP_mul, x, y), NULL);
    pg_node *n = hold(pg_compute_several(rule, (pg_node *[3]){sealed, x, y}, 0.0));
    n->flags |= PG_HAS_CLOSURE; /* the rule is held where a closure would be */
    pg_several_release(rule);
    return hold(pg_compute_item(n, 0, sealed->value));
}

static void test_the_rule_is_asked_and_the_operations_are_not(void)
{
    pg_node *x = of(PG_OP_identity, constant(2.0), NULL), *y = of(PG_OP_identity, constant(5.0), NULL);
    pg_node *z = product_of(x, y), *found[2];
    CHECK(z->value == 10.0);
    CHECK(derive(PG_REVERSE, &z, 1, NULL, 0, (pg_node *[2]){x, y}, 2, (double[1]){1.0}, found) == PG_OK);
    CHECK(found[0]->value == 15.0 && found[1]->value == 6.0);
    pg_release_all(found, 2);
    CHECK(derive(PG_FORWARD, &z, 1, NULL, 0, (pg_node *[2]){x, y}, 2, (double[2]){1.0, 10.0}, found) == PG_OK);
    CHECK(found[0]->value == 75.0);
    pg_release_all(found, 1);
    let_go(0);
}

/* A program of z = 3 * result, and its inputs. */
static pg_program *program_with_rule(trace *t)
{
    *t = (trace){.inputs = 2, .optimise = 1};
    t->nodes[0] = hold(pg_leaf(2.0));
    t->nodes[1] = hold(pg_leaf(5.0));
    t->outputs[0] = of(PG_OP_mul, constant(3.0), product_of(t->nodes[0], t->nodes[1]));
    t->output_count = 1;
    t->count = 2;
    double lives[1];
    return program_of(t, lives);
}

static void test_a_program_has_the_numbers_and_says_that_the_rule_is_lost(void)
{
    trace t;
    pg_pattern *m;
    pg_node *results[1] = {NULL}, *inputs[2];
    pg_program *p = program_with_rule(&t);
    int ruled = 0;
    for (size_t i = 0; i < p->length; i++)
        ruled += p->code[i].code == PG_OP_ruled;
    CHECK(ruled == 1);
    for (int i = 0; i < 2; i++)
        inputs[i] = t.nodes[i];
    CHECK(pg_unfold(p, inputs, results) == PG_RULED && results[0] == NULL);
    CHECK(pg_program_pattern(p, 0, 2, 1, SIZE_MAX, &m) == 1 && m->count == 2); /* it may depend on all */
    pg_pattern_free(m);
    pg_program_free(p);
    let_go(0);
}

static void test_what_is_constant_stays_ruled(void)
{
    trace t = {.inputs = 1, .optimise = 1, .output_count = 1, .count = 1};
    double lives[1];
    t.nodes[0] = hold(pg_leaf(2.0));
    pg_several *rule = pg_alloc(1, sizeof *rule);
    CHECK(rule != NULL);
    *rule = (pg_several){&kind_of_product, 2, 1, 1};
    pg_node *sealed = of(PG_OP_ruled, constant(7.0), NULL);
    pg_node *n = hold(pg_compute_several(rule, (pg_node *[2]){sealed, t.nodes[0]}, 0.0));
    pg_several_release(rule);
    t.outputs[0] = hold(pg_compute_item(n, 0, 7.0));
    pg_program *p = program_of(&t, lives);
    CHECK(p->length != 0 && p->code[0].code == PG_OP_ruled);
    pg_program_free(p);
    let_go(0);
}

/* A loop of three trips whose body is z = product(z, y), of z and y. */
static pg_loop *loop_with_rule(pg_node **found)
{
    pg_node *x[2] = {constant(1.5), constant(0.5)}, *opaque;
    pg_node *z = product_of(of(PG_OP_identity, x[0], NULL), of(PG_OP_identity, x[1], NULL));
    pg_status status;
    pg_body *body = pg_body_of(x, 1, 1, &z, 1, 1, 10.0, &status, &opaque);
    CHECK(body != NULL && status == PG_OK);
    pg_loop *loop = pg_loop_make(body, NULL, NULL);
    pg_node *operands[3] = {constant(2.0), constant(3.0), constant(0.25)}, *items[2];
    pg_node *n = pg_loop_node(loop, operands, items, &status);
    CHECK(n != NULL);
    hold(n);
    hold(items[0]);
    hold(items[1]);
    found[0] = items[0];
    found[1] = operands[0];
    found[2] = operands[2];
    return loop;
}

/* Each trip triples the derivatives: of z = x * y ** 3, 27 by x; by y one trip's, two trips' and three trips'. */
static void test_a_loop_has_the_rule_of_its_body_while_the_trace_runs(void)
{
    pg_node *at[3], *found[2], *second[2];
    const double one = 1.0, x = 2.0, y = 0.25, seeds[2] = {1.0, 10.0};
    begin_tracing();
    pg_loop *loop = loop_with_rule(at);
    made_again = 0;
    CHECK(derive(PG_REVERSE, at, 1, at + 1, 2, at + 1, 2, &one, found) == PG_OK && made_again == 1);
    const double by_x = 27.0 * y * y * y, by_y = x * y * y * (3.0 + 9.0 + 27.0);
    CHECK(found[0]->value == by_x && found[1]->value == by_y);
    CHECK(derive(PG_REVERSE, found, 1, at + 1, 2, at + 1, 2, &one, second) == PG_OK);
    CHECK(second[0]->value == 0.0 && second[1]->value == 27.0 * 3.0 * y * y);
    pg_release_all(second, 2);
    pg_release_all(found, 2);
    CHECK(derive(PG_FORWARD, at, 1, at + 1, 2, at + 1, 2, seeds, found) == PG_OK);
    CHECK(found[0]->value == by_x + 10.0 * by_y);
    pg_release_all(found, 1);
    pg_loop_release(loop);
    end_tracing();
    let_go(0);
}

/* A body of a state of two, of which the second only counts, and of what is captured; besides its product it adds up an inner
 * loop and what is there before. The derivative of the first by all three, with memory that fails at each turn. */
static void test_no_memory_for_a_body_with_a_rule(void)
{
    begin_tracing();
    pg_node *x[3] = {constant(1.5), constant(0.0), constant(0.5)}, *opaque, *items[4], *found[3];
    pg_node *same[3];
    for (int i = 0; i < 3; i++)
        same[i] = of(PG_OP_identity, x[i], NULL);
    pg_status status = PG_OK;
    pg_node *operands[6] = {same[0], same[2], constant(0.25), constant(2.0), constant(0.5), constant(0.25)};
    hold(pg_loop_node(inner, operands, items, &status));
    for (int i = 0; i < 4; i++)
        hold(items[i]);
    pg_node *terms[3] = {product_of(same[0], same[2]), items[1], same[2]};
    pg_node *results[2] = {hold(pg_compute_many(PG_SUM, terms, 3, 0.0, NULL, NULL)),
                           of(PG_OP_add, x[1], constant(1.0))};
    results[0]->of.many->start = 1.0;
    pg_body *body = pg_body_of(x, 2, 1, results, 2, 1, 10.0, &status, &opaque);
    CHECK(body != NULL && status == PG_OK);
    pg_loop *loop = pg_loop_make(body, NULL, NULL);
    pg_node *given[4] = {constant(2.0), constant(0.0), constant(3.0), constant(0.25)}, *of_loop[3];
    hold(pg_loop_node(loop, given, of_loop, &status));
    for (int i = 0; i < 3; i++)
        hold(of_loop[i]);
    pg_node *by[2] = {given[0], given[3]};
    const double one = 1.0;
    int raised = 0;
    status = PG_NO_MEMORY;
    for (size_t at = 1; status != PG_OK; at++) {
        pg_fail_at(at);
        status = derive(PG_REVERSE, of_loop, 1, by, 2, by, 2, &one, found);
        pg_fail_at(0);
        CHECK(status == PG_OK || status == PG_NO_MEMORY || status == PG_RAISED);
        raised += status == PG_RAISED;
    }
    CHECK(raised != 0 && isfinite(found[0]->value) && found[0]->value != 0.0 && found[1]->value != 0.0);
    pg_release_all(found, 2);
    pg_loop_release(loop);
    end_tracing();
    let_go(0);
}

static void test_a_rule_that_is_refused_or_lost_is_told_of(void)
{
    pg_node *at[3], *found[2];
    const double one = 1.0;
    begin_tracing();
    pg_loop *loop = loop_with_rule(at);
    refused = 1;
    CHECK(derive(PG_REVERSE, at, 1, at + 1, 2, at + 1, 2, &one, found) == PG_RAISED);
    refused = 0;
    pg_forget_bodies();
    CHECK(derive(PG_REVERSE, at, 1, at + 1, 2, at + 1, 2, &one, found) == PG_RULED);
    pg_loop_release(loop);
    end_tracing();
    let_go(0);
}

/* A body may lead to leaves that stand for numbers, and to no others. */
static void test_a_body_leads_nowhere_but_to_its_inputs(void)
{
    pg_node *opaque;
    pg_status status;
    begin_tracing();
    pg_flags_of_inputs = PG_FLAGS_OF_WRAPPERS;
    for (int outside = 0; outside < 3; outside++) {
        pg_node *x = constant(1.0), *other = hold(pg_leaf(2.0)), *z = of(PG_OP_add, x, other);
        if (outside == 1)
            other->flags |= PG_FLAGS_OF_WRAPPERS;
        if (outside == 2)
            other->flags = (uint8_t)(other->flags & ~PG_TRACED);
        pg_body *body = pg_body_of(&x, 1, 0, &z, 1, 1, 10.0, &status, &opaque);
        CHECK(status == (outside ? PG_RULED : PG_OK) && (body == NULL) == (outside != 0));
        pg_body_release(body);
        if (outside == 2)
            pg_mark_traced(other);
    }
    pg_flags_of_inputs = 0;
    end_tracing();
    let_go(0);
}

int main(void)
{
    RUN(test_a_loop_has_the_rule_of_its_body_while_the_trace_runs);
    RUN(test_no_memory_for_a_body_with_a_rule);
    RUN(test_a_rule_that_is_refused_or_lost_is_told_of);
    RUN(test_a_body_leads_nowhere_but_to_its_inputs);
    RUN(test_the_rule_is_asked_and_the_operations_are_not);
    RUN(test_a_program_has_the_numbers_and_says_that_the_rule_is_lost);
    RUN(test_what_is_constant_stays_ruled);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
