/* test_loops.c: loops of programs: their values, row by row and for numbers, and when one is to end.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "loops.h"
#include "program/handed.h"
#include "program/pack.h"
#include "program/steps.h"
#include "traces.h"

enum { ROWS = 150 };

/* A trace whose inputs are the operands of a loop and whose outputs are its results. */
static void trace_loop(trace *t, const kind *k, const pg_loop *loop, pg_status *status)
{
    double x[6];
    *t = (trace){.inputs = operands_of(k), .output_count = results_of_loop(k), .optimise = 1};
    any_operands(k, x);
    for (size_t i = 0; i < t->inputs; i++)
        t->nodes[t->count++] = constant(x[i]);
    pg_node *node = pg_loop_node(loop, t->nodes, t->outputs, status);
    CHECK(node != NULL && *status == PG_OK);
    hold(node);
    for (size_t i = 0; i < t->output_count; i++)
        hold(t->outputs[i]);
}

/* Which rows stay, what they come to, and totals, as is said in plain C. */
static void expect(const kind *k, const trace *t, row_set *r, double *totals)
{
    memset(totals, 0, MOST_OUTPUTS * sizeof *totals);
    for (size_t l = 0; l < r->count; l++) {
        double x[6], out[4];
        for (size_t i = 0; i < t->inputs; i++)
            x[i] = r->inputs[i][l];
        run_plainly(k, x, out);
        r->leaves[l] = t->guard_count != 0 && !(x[0] < t->guards[0].b->value) ? 0 : UINT32_MAX;
        for (size_t i = 0; i < t->output_count; i++) {
            r->expected[i][l] = out[i];
            if (r->leaves[l] == UINT32_MAX)
                totals[i] += out[i];
        }
    }
}

static void fill(const kind *k, const trace *t, row_set *r)
{
    double x[6], same[6];
    any_operands(k, same);
    for (size_t l = 0; l < r->count; l++) {
        any_operands(k, x);
        for (size_t i = 0; i < t->inputs; i++)
            r->inputs[i][l] = t->rows[i] ? x[i] : same[i];
    }
}

static void check_rows(const kind *k, const trace *t, const pg_program *p, size_t rows)
{
    row_set r;
    uint32_t guard;
    double totals[MOST_OUTPUTS];
    make_rows(&r, t, p, rows, any_number);
    fill(k, t, &r);
    expect(k, t, &r, totals);
    pg_batch batch = batch_of(&r, p);
    const int once = pg_program_run_once(p, &batch, &guard);
    if (once == 1) {
        CHECK(pg_program_run(p, &batch) == 0);
        for (size_t i = 0; i < t->output_count; i++) {
            if (t->totals[i])
                CHECK(fabs(totals[i] - r.totals[i]) <= 1e-9 * (1.0 + fabs(totals[i])));
            for (size_t l = 0; l < rows && !t->totals[i]; l++)
                if (r.leaves[l] == UINT32_MAX)
                    CHECK(same_number(r.expected[i][l], r.outputs[i][l]));
        }
        for (size_t l = 0; l < rows && p->guards != 0; l++)
            CHECK(r.left[l] == r.leaves[l]);
    } else {
        CHECK(once == 0 && r.leaves[0] == 0);
    }
    drop_rows(&r);
}

static void test_values_are_those_of_plain_loops(void)
{
    for (size_t which = 0; which < KINDS; which++) {
        const kind *k = &kinds[which];
        pg_loop *loop = made_loop(k, 1e6);
        for (uint64_t seed = 1; seed <= 60; seed++) {
            trace t;
            pg_status status;
            random_state = 100 * which + seed;
            const size_t before = held_count;
            trace_loop(&t, k, loop, &status);
            const int some = !one_in(5), guarded = k->state != 0 && one_in(3);
            for (size_t i = 0; i < t.inputs; i++)
                t.rows[i] = (uint8_t)(some && !one_in(3));
            for (size_t i = 0; i < t.output_count; i++)
                t.totals[i] = (uint8_t)one_in(3);
            if (guarded) {
                pg_node *bound = constant((k->low + k->high) / 2.0);
                t.guards[t.guard_count++] = (pg_guard){t.nodes[0], bound, PG_LESS, 1};
            }
            double x[6], out[4];
            for (size_t i = 0; i < t.inputs; i++)
                x[i] = t.nodes[i]->value;
            run_plainly(k, x, out);
            for (size_t i = 0; i < t.output_count; i++)
                CHECK(same_number(out[i], t.outputs[i]->value));
            pg_program *p = program_of(&t, NULL);
            check_rows(k, &t, p, 1 + below(ROWS));
            check_rows(k, &t, p, PG_LANES * (1 + below(2)));
            pg_program_free(p);
            let_go(before);
        }
        pg_loop_release(loop);
    }
}

static void test_bodies_are_packed_where_much_is_alike(void)
{
    double x[5] = {0.5, -0.25, 4.0, 0.75}, out[2][3], frame[4096];
    const kind *k = &kinds[BROAD];
    for (int whole = 0; whole < 2; whole++) {
        pg_pack_choose(whole ? SIZE_MAX : 16);
        pg_loop *loop = made_loop(k, 1e6);
        pg_work work = {0};
        int met = 0;
        CHECK((loop->body->pack == NULL) == whole && pg_loop_flat(loop) + 8 < 4096);
        for (size_t at = 0; at < 8; at++) /* wherever the memory begins, and whatever is in it */
            CHECK(pg_loop_run(loop, x, out[whole], frame + at, &work, &met));
        pg_loop_release(loop);
    }
    pg_pack_choose(16);
    CHECK(memcmp(out[0], out[1], sizeof out[0]) == 0);
    pg_loop *other = made_loop(&kinds[0], 1e6);
    CHECK(other->body->pack == NULL);
    pg_loop_release(other);
}

/* -- loops that are to end --------------------------------------------------------------------------- */

static void test_a_loop_that_goes_on_for_too_long_says_where(void)
{
    const kind *k = &kinds[CROSSING];
    pg_loop *loop = made_loop(k, 3.0);
    trace t;
    row_set r;
    pg_status status;
    uint32_t guard;
    size_t order[6] = {0, 1, 2, 3, 4, 5}, spare[6], counts[6], where;
    uint32_t guards[6], left[6];
    double trips;
    const size_t before = held_count;
    do {
        let_go(before);
        trace_loop(&t, k, loop, &status);
    } while (t.nodes[3]->value <= 3.0);
    CHECK(t.outputs[0]->value != t.outputs[0]->value); /* there are no numbers */
    for (uint8_t row = 0; row < 2; row++) {
        memset(t.rows, row, sizeof t.rows);
        pg_program *p = program_of(&t, NULL);
        make_rows(&r, &t, p, 6, any_number);
        for (size_t l = 0; l < 6; l++)
            r.inputs[3][l] = row && l != 4 ? l == 1 ? -1.0 : 3.0 : 5.0;
        pg_batch batch = batch_of(&r, p);
        pg_leaving leaving = {.rows = order, .spare = spare, .guards = guards, .counts = counts};
        CHECK(pg_program_run_once(p, &batch, &guard) == (row ? 1 : -1));
        CHECK(!row || pg_program_run(p, &batch) == -1);
        CHECK(pg_loop_failure(&where, &trips) == 2 && where == (row ? 4 : SIZE_MAX) && trips == 3.0);
        CHECK(pg_loop_failure(&where, &trips) == 0);
        batch.count = 1; /* a row alone */
        r.inputs[3][0] = 5.0;
        CHECK(!row || (pg_program_run(p, &batch) == -1 && pg_loop_failure(&where, &trips) == 2));
        CHECK(!row || (where == 0 && trips == 3.0));
        batch.count = 6;
        batch.left = left;
        CHECK(pg_program_run_few(p, &batch, &leaving) == PG_RUN_STOPPED);
        if (!row)
            CHECK(pg_program_call(p, &batch, &guard) == 0 && guard == PG_GUARD_STOPPED);
        pg_loop_failure(&where, &trips);
        drop_rows(&r);
        pg_program_free(p);
    }
    let_go(before);
    pg_loop_release(loop);
}

/* A body one of whose loops is the same for all rows, and does not end. */
static void make_endless(pg_node *const *x, pg_node **out)
{
    pg_node *operands[6], *items[4];
    pg_status status;
    for (int i = 0; i < 6; i++)
        operands[i] = constant(5.0);
    pg_node *n = pg_loop_node(inner, operands, items, &status);
    CHECK(n != NULL);
    hold(n);
    for (int i = 0; i < 4; i++)
        hold(items[i]);
    out[0] = of(PG_OP_add, x[0], items[1]);
}

static void test_a_loop_in_a_loop_does_not_end(void)
{
    const kind k = {"endless", 1, 0, 1, make_endless, NULL, 0.0, 1.0, 3.0, {0}};
    pg_loop *before = inner;
    inner = made_loop(&kinds[CROSSING], 3.0);
    pg_loop *loop = made_loop(&k, 1e6);
    trace t;
    row_set r;
    pg_status status;
    uint32_t guard;
    size_t where;
    double trips;
    const size_t count = held_count;
    trace_loop(&t, &k, loop, &status);
    t.rows[0] = 1;
    t.totals[0] = t.totals[1] = 1;
    pg_program *p = program_of(&t, NULL);
    make_rows(&r, &t, p, 6, any_number);
    pg_batch batch = batch_of(&r, p);
    CHECK(pg_program_run_once(p, &batch, &guard) == 1 && pg_program_run(p, &batch) == -1);
    CHECK(pg_loop_failure(&where, &trips) == 2 && where == SIZE_MAX && trips == 3.0);
    drop_rows(&r);
    pg_program_free(p);
    let_go(count);
    pg_loop_release(loop);
    pg_loop_release(inner);
    inner = before;
}

/* Of all trips, as the number of trips is known: which results, and then which of a derivative, depend on which operands. */
static void test_a_pattern_is_that_of_all_trips(void)
{
    static const uint8_t expected[8] = {15, 0, 5, 15, 14, 15, 15, 15};
    const kind *k = &kinds[SCAN];
    pg_loop *loop = made_loop(k, 1e6);
    const size_t before = held_count;
    pg_status status;
    pg_node *operands[5], *all[8];
    for (size_t i = 0; i < 5; i++)
        operands[i] = constant(i == 1 ? 2.0 : 0.5);
    pg_node *inputs[4] = {operands[0], operands[2], operands[3], operands[4]};
    CHECK(hold(pg_loop_node(loop, operands, all, &status)) != NULL);
    CHECK(derive(PG_REVERSE, all, 4, inputs, 4, inputs, 4, (double[4]){1.0, 0.0, 1.0, 1.0}, all + 4) == PG_OK);
    for (int i = 0; i < 8; i++)
        hold(all[i]);
    trace t = {.inputs = 4, .count = 4, .output_count = 8, .optimise = 1};
    memcpy(t.nodes, inputs, sizeof inputs);
    memcpy(t.outputs, all, sizeof all);
    for (int row = 0; row < 2; row++) {
        memset(t.rows, row, 4);
        pg_program *p = program_of(&t, NULL);
        pg_pattern *m = NULL;
        int found = -1;
        for (size_t n = 1; found != 1; n++) {
            fail(n, 0);
            found = pg_program_pattern(p, 0, 4, 8, ENOUGH, &m);
            pg_fail_at(0);
            CHECK(found == 1 || found == -1);
        }
        for (size_t i = 0; i < 8; i++) {
            unsigned on = 0;
            for (uint32_t j = m->starts[i]; j < m->starts[i + 1]; j++)
                on |= 1u << m->items[j];
            CHECK(on == expected[i]);
        }
        pg_pattern_free(m);
        pg_program_free(p);
    }
    let_go(before);
    pg_loop_release(loop);
}

/* -- loops of programs as they stand there ------------------------------------------------------------ */

/* A program of a loop forward, something else, and the way back through the body of that; what the two read stands in
 * lanes 3 and 5. */
typedef struct {
    pg_body bodies[3]; /* of the loop, of the way back, of another loop */
    pg_loop there, back, other;
    void *loops[3];
    pg_term terms[4];
    pg_instruction code[3];
    pg_program p;
} passage;

static void lay(passage *s, double most, double other)
{
    *s = (passage){.bodies = {{.most = most}, {.most = most}, {.most = other}},
                   .there = {.base.operands = 2, .body = &s->bodies[0]},
                   .back = {.base.operands = 2, .body = &s->bodies[0], .back = &s->bodies[1]},
                   .other = {.base.operands = 2, .body = &s->bodies[2]},
                   .loops = {&s->there, &s->other, &s->back},
                   .terms = {{.a = PG_ROW | 3}, {.a = PG_ROW | 5}, {.a = PG_ROW | 3}, {.a = PG_ROW | 5}},
                   .code = {{.code = PG_CODE_LOOP, .a = 0, .out = PG_ROW | 8, .first = 0},
                            {.code = PG_CODE_LOOP, .a = 1, .out = PG_ROW | 16, .first = 0},
                            {.code = PG_CODE_LOOP, .a = 2, .out = PG_ROW | 24, .first = 2}},
                   .p = {.code = s->code, .length = 3, .terms = s->terms, .term_count = 4, .loops = s->loops}};
    s->p.loop_count = 3;
}

/* Whether the way back takes the states of the loop. */
static int takes(const passage *s)
{
    pg_handed handed[PG_HANDED] = {{.to = NULL}};
    const pg_handed *found = pg_handed_from(handed, &s->p, s->code);
    CHECK(found == handed && found->from == s->code && (found->to == NULL || found->to == s->code + 2));
    CHECK(pg_handed_to(handed, s->code + 2) == (found->to == NULL ? NULL : found));
    return found->to != NULL;
}

static void test_a_way_back_takes_the_states_of_the_same_loop(void)
{
    static passage s;
    const pg_slot out[] = {PG_ROW | 3, PG_ROW | 4, PG_ROW | 5, PG_ROW | 9, 3};
    for (int n = 0; n < 4; n++) { /* only one loop has its states handed, beside ways */
        lay(&s, n / 2 ? 1.0 : 9.0, n % 2 ? 1.0 : 9.0);
        CHECK(takes(&s) == (n != 0));
    }
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) { /* what it reads has to stand there still */
        lay(&s, 9.0, 9.0);
        s.code[1] = (pg_instruction){.code = PG_OP_neg, .out = out[i], .a = PG_ROW | 3};
        CHECK(takes(&s) == (out[i] != (PG_ROW | 3) && out[i] != (PG_ROW | 5)));
    }
    lay(&s, 1.0, 9.0);
    s.terms[3].a = PG_ROW | 4;
    CHECK(!takes(&s)); /* reads something else */
    lay(&s, 1.0, 9.0);
    s.back.body = &s.bodies[2];
    CHECK(!takes(&s)); /* goes another way back */
    lay(&s, 1.0, 9.0);
    s.p.length = 2;
    CHECK(!takes(&s)); /* is not there */
}

static void test_no_more_states_are_handed_than_there_are_places(void)
{
    static passage s;
    pg_handed handed[PG_HANDED];
    lay(&s, 1.0, 9.0);
    for (size_t i = 0; i < PG_HANDED; i++)
        handed[i] = (pg_handed){.to = &s.code[1], .from = &s.code[1], .way = &s.code[1]};
    CHECK(pg_handed_from(handed, &s.p, s.code) == NULL);
    handed[2].to = NULL;
    CHECK(pg_handed_from(handed, &s.p, s.code) == &handed[2] && handed[2].to == &s.code[2]);
    CHECK(pg_handed_from(handed, &s.p, s.code) == &handed[2]); /* of rows that have left the path, closed */
}

static void test_a_program_says_how_long_it_may_run(void)
{
    static passage s;
    pg_program flat[3] = {{.length = 10, .term_count = 2}, {.length = 100}, {.length = 1000}};
    for (int n = 0; n < 4; n++) {
        lay(&s, 1.0, n == 1 ? 2.0 : 1.0);
        flat[2].length = n == 2 ? SIZE_MAX : n == 3 ? SIZE_MAX - 12 : 1000;
        for (int i = 0; i < 3; i++)
            s.bodies[i].steps = pg_program_steps(&flat[i]);
        CHECK(pg_program_steps(&s.p) == (n == 0 ? 7 + 12 + 1000 + 12 + 100 : SIZE_MAX));
    }
}

int main(void)
{
    begin_tracing();
    RUN(test_values_are_those_of_plain_loops);
    RUN(test_bodies_are_packed_where_much_is_alike);
    RUN(test_a_loop_that_goes_on_for_too_long_says_where);
    RUN(test_a_loop_in_a_loop_does_not_end);
    RUN(test_a_pattern_is_that_of_all_trips);
    RUN(test_a_way_back_takes_the_states_of_the_same_loop);
    RUN(test_no_more_states_are_handed_than_there_are_places);
    RUN(test_a_program_says_how_long_it_may_run);
    end_tracing();
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
