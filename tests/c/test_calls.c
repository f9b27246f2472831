/* test_calls.c: programs that call functions back: which rows these are given, what becomes of what they give.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "loops.h"
#include "program/call.h"
#include "program/steps.h"

#include <string.h>

enum { ROWS = 150 };

static size_t asked, let_go_of, fails_at, interrupts;
static double least; /* of the first numbers that were handed over */

static int seven = 7, seven_too = 7;

/* The sum and the difference of the first two operands, for each row; those of seven are counted. */
static int sums(const pg_call *call, const double *operands, size_t rows, double *results, size_t *first, size_t *last)
{
    CHECK(call->base.results == 2 && *(const int *)call->what == 7);
    for (size_t i = 0; i < rows; i++) {
        if (asked == fails_at) {
            *first = *last = i;
            return interrupts ? -1 : 0;
        }
        asked += call->what == &seven;
        least = operands[i] < least ? operands[i] : least;
        results[i] = operands[i] + operands[rows + i];
        results[rows + i] = operands[i] - operands[rows + i];
    }
    return 1;
}

static void forget(void *what)
{
    CHECK(*(int *)what == 7);
    let_go_of++;
}

/* Both results of a call on two operands, and on a condition unless that is NULL; held. */
static void call_of(void *what, pg_node *x, pg_node *y, pg_node *when, uint32_t guards, pg_node **items)
{
    const double numbers[2] = {x->value + y->value, x->value - y->value};
    pg_call *call = pg_call_make(when == NULL ? 2 : 3, when != NULL, 2, "sums", sums, forget, what);
    CHECK(call != NULL && pg_is_call(call) && !strcmp(call->name, "sums"));
    call->guards = guards;
    pg_node *n = pg_call_node(call, (pg_node *[]){x, y, when}, numbers, items);
    CHECK(n != NULL);
    hold(n), hold(items[0]), hold(items[1]);
    pg_several_release(&call->base);
}

/* A trace of two inputs, of which row says which differ by row. */
static void begin(trace *t, unsigned row)
{
    *t = (trace){.inputs = 2, .optimise = 1};
    for (size_t i = 0; i < 2; i++) {
        t->nodes[t->count++] = traced(pg_leaf(1.0 + (double)i));
        t->rows[i] = row >> i & 1;
    }
    asked = 0;
    least = INFINITY;
    fails_at = SIZE_MAX;
}

static pg_program *made(trace *t)
{
    double read[1];
    pg_program *p = program_of(t, read);
    CHECK(pg_program_verify(p) == 1 && !strcmp(pg_program_calls(p), "sums"));
    return p;
}

static double inputs[2][ROWS], outputs[2][ROWS], lives[1] = {3.0};
static uint32_t left[ROWS];

/* Runs it for so many rows: what pg_program_run says, or -2 where a guard that is the same for all rows does not hold. */
static int64_t run(const pg_program *p, size_t rows)
{
    const double *in[2] = {inputs[0], inputs[1]};
    double *out[2] = {outputs[0], outputs[1]};
    const ptrdiff_t strides[2] = {1, 1};
    uint32_t guard;
    pg_batch batch = {.count = rows, .left = left};
    batch.inputs = in;
    batch.strides = strides;
    batch.lives = lives;
    batch.outputs = out;
    batch.output_strides = strides;
    batch.uniforms = aligned_alloc(64, (pg_uniform_bytes(p) + 63) / 64 * 64 + 64);
    batch.lanes = aligned_alloc(64, (pg_lane_bytes(p) + 63) / 64 * 64 + 64);
    const int once = pg_program_run_once(p, &batch, &guard);
    const int64_t outcome = once == 1 ? pg_program_run(p, &batch) : once - 2;
    free(batch.uniforms);
    free(batch.lanes);
    return outcome;
}

static void fill(void)
{
    for (size_t l = 0; l < ROWS; l++) {
        inputs[0][l] = (double)l - 20.0;
        inputs[1][l] = 3.0;
    }
}

static void test_rows_and_what_is_the_same_for_them(void)
{
    for (unsigned row = 0; row < 4; row++) {
        trace t;
        pg_node *items[2], *again[2], *other[2];
        begin(&t, row);
        call_of(&seven, t.nodes[0], t.nodes[1], NULL, 0, items);
        call_of(&seven, t.nodes[0], t.nodes[1], NULL, 0, again);
        call_of(&seven_too, t.nodes[1], t.nodes[1], NULL, 0, other);
        call_of(&seven, t.nodes[1], t.nodes[1], NULL, 0, other);
        t.outputs[0] = of(PG_OP_add, of(PG_OP_mul, items[0], again[1]), other[1]);
        t.outputs[1] = again[0];
        t.output_count = 2;
        pg_program *p = made(&t);
        CHECK(p->loop_count == 2); /* the same on the same is there once, and what nobody needs is not */
        fill();
        CHECK(run(p, ROWS) == 0);
        CHECK(asked == (row == 0 ? 2 : row == 1 ? ROWS + 1 : 2 * ROWS));
        for (size_t l = 0; l < ROWS && row != 0; l++) {
            const double x = inputs[0][row & 1 ? l : 0], y = 3.0;
            CHECK(outputs[0][l] == (x + y) * (x - y) && outputs[1][l] == x + y);
        }
        CHECK(run(p, 1) == 0 && (row == 0 || outputs[1][0] == -17.0));
        pg_program_free(p);
        let_go(0);
        drop_trace(&t);
    }
    CHECK(let_go_of == 16);
}

static void test_rows_that_leave_at_a_guard_before_are_not_handed_over(void)
{
    for (unsigned row = 0; row < 4; row++) {
        trace t;
        pg_node *items[2], *early[2];
        begin(&t, row);
        call_of(&seven, t.nodes[row == 2], t.nodes[1], NULL, 2, items);
        call_of(&seven_too, t.nodes[0], t.nodes[1], NULL, 0, early);
        t.guards[0] = (pg_guard){
            .a = of(PG_OP_exp, t.nodes[0], NULL), .b = constant(1.0), .compare = PG_GREATER, .outcome = 1};
        t.guards[1] = (pg_guard){
            .a = of(PG_OP_add, early[1], items[1]), .b = constant(1e9), .compare = PG_LESS, .outcome = 1};
        t.guards[1].a = early[1];
        t.guard_count = 2;
        t.outputs[0] = of(PG_OP_tanh, items[0], NULL);
        t.outputs[1] = items[1];
        t.output_count = 2;
        pg_program *p = made(&t);
        fill();
        const int64_t outcome = run(p, ROWS);
        CHECK(outcome == (row & 1 ? 0 : -2)); /* row 0 leaves */
        for (size_t l = 0; l < ROWS && row & 1; l++) {
            CHECK(left[l] == (l <= 20 ? 0 : UINT32_MAX));
            CHECK(l <= 20 || outputs[1][l] == inputs[0][l] - 3.0);
        }
        CHECK(asked == (row & 1 ? ROWS - 21 : 0)); /* those that stay */
        pg_program_free(p);
        let_go(0);
        drop_trace(&t);
    }
}

/* What depends on a call behind a guard is computed behind it, too, however it depends on it; and guards that come later
 * wait for the earlier ones. */
static void test_what_depends_on_a_call_behind_a_guard_comes_behind_it(void)
{
    trace t;
    pg_node *items[2], *live = pg_leaf(3.0);
    begin(&t, 1);
    call_of(&seven, t.nodes[0], live, NULL, 1, items);
    t.guards[0] = (pg_guard){.a = t.nodes[0], .b = constant(0.0), .compare = PG_GREATER, .outcome = 1};
    t.guards[1] = (pg_guard){.a = t.nodes[0], .b = constant(100.0), .compare = PG_LESS, .outcome = 1};
    t.guard_count = 2;
    pg_node *products = of(PG_OP_add, of(PG_OP_mul, t.nodes[0], items[0]), t.nodes[1]);
    t.outputs[0] = of(PG_OP_add, products, of(PG_OP_mul, items[1], t.nodes[0]));
    t.outputs[1] = hold(pg_compute_many(PG_SUM, (pg_node *[]){t.nodes[0], items[1]}, 2, 0.0, NULL, NULL));
    t.output_count = 2;
    pg_program *p = made(&t);
    fill();
    CHECK(run(p, ROWS) == 0 && least == 1.0);
    for (size_t l = 0; l < ROWS; l++) {
        const double x = inputs[0][l];
        CHECK(left[l] == (x <= 0.0 ? 0 : x >= 100.0 ? 1 : UINT32_MAX));
        CHECK(left[l] != UINT32_MAX ||
              (outputs[0][l] == x * (x + 3.0) + 3.0 + (x - 3.0) * x && outputs[1][l] == 2.0 * x - 3.0));
    }
    pg_program_free(p);
    let_go(0);
    drop_trace(&t);
    pg_release(live);
}

/* The result of a call on so many of the operands, the last of them perhaps a condition. */
static pg_node *first_of(pg_node *const *operands, size_t count, int conditional, size_t results)
{
    pg_node *items[2];
    pg_call *call = pg_call_make(count, conditional, results, "sums", sums, forget, &seven);
    CHECK(call != NULL);
    pg_node *n = hold(pg_call_node(call, operands, NULL, items));
    for (size_t k = 0; k < results; k++)
        hold(items[k]);
    pg_several_release(&call->base);
    return pg_operand(n, 0) == operands[0] ? items[0] : NULL;
}

static void test_calls_that_differ_in_anything_are_not_the_same(void)
{
    trace t;
    begin(&t, 1);
    pg_node *operands[3] = {t.nodes[0], t.nodes[1], of(PG_OP_less, constant(0.0), t.nodes[0])};
    t.outputs[0] = first_of(operands, 2, 0, 2);
    t.outputs[1] = first_of(operands, 3, 0, 2);
    t.outputs[2] = first_of(operands, 3, 1, 2);
    t.outputs[3] = first_of(operands, 2, 0, 1);
    t.outputs[4] = first_of(operands, 3, 1, 2);
    t.output_count = 5;
    pg_program *p = made(&t);
    CHECK(p->loop_count == 4);
    pg_program_free(p);
    let_go(0);
    drop_trace(&t);
}

static void test_a_program_with_a_call_unfolds_as_nodes(void)
{
    trace t;
    pg_node *items[2], *found[1] = {NULL};
    begin(&t, 0);
    call_of(&seven, t.nodes[0], t.nodes[1], NULL, 0, items);
    t.outputs[t.output_count++] = items[1];
    pg_program *p = made(&t);
    pg_status status = PG_NO_MEMORY;
    begin_tracing();
    for (size_t at = 1; status != PG_OK; at++) {
        pg_fail_at(at);
        status = pg_unfold(p, t.nodes, found);
        pg_fail_at(0);
        CHECK(status == PG_OK || (status == PG_NO_MEMORY && found[0] == NULL));
    }
    pg_node *n = pg_operand(found[0], 0);
    CHECK(found[0]->op == PG_ITEM && n->op == PG_SEVERAL && n->of.many->rule == items[1]->of.constant.a->of.many->rule);
    pg_release(found[0]);
    end_tracing();
    pg_program_free(p);
    let_go(0);
    drop_trace(&t);
}

/* The same call before guards and behind: it runs where the earlier one does. */
static void test_the_same_call_runs_where_the_first_one_does(void)
{
    for (int first = 0; first < 2; first++) {
        trace t;
        pg_node *items[2], *again[2];
        begin(&t, 1);
        call_of(&seven, t.nodes[0], t.nodes[1], NULL, first ? 1 : 0, items);
        call_of(&seven, t.nodes[0], t.nodes[1], NULL, first ? 0 : 1, again);
        t.guards[0] = (pg_guard){.a = t.nodes[0], .b = constant(0.0), .compare = PG_GREATER, .outcome = 1};
        t.guard_count = 1;
        t.outputs[0] = items[0];
        t.outputs[1] = again[1];
        t.output_count = 2;
        pg_program *p = made(&t);
        fill();
        CHECK(p->loop_count == 1 && run(p, ROWS) == 0 && outputs[1][ROWS - 1] == inputs[0][ROWS - 1] - 3.0);
        CHECK(asked == ROWS || asked == ROWS - 21); /* before the guard, or as soon as rows have left there */
        pg_program_free(p);
        let_go(0);
        drop_trace(&t);
    }
}

static void test_conditions(void)
{
    for (unsigned row = 0; row < 4; row++) {
        trace t;
        pg_node *items[2], *when;
        begin(&t, row);
        when = of(PG_OP_less, constant(0.0), t.nodes[row == 2]);
        call_of(&seven, t.nodes[row == 2], t.nodes[1], when, 0, items);
        t.outputs[0] = items[0];
        t.outputs[1] = of(PG_OP_neg, items[1], NULL);
        t.output_count = 2;
        pg_program *p = made(&t);
        fill();
        CHECK(run(p, ROWS) == 0);
        CHECK(asked == (row == 0 ? 0 : row == 2 ? ROWS : ROWS - 21));
        CHECK(row == 2 || asked == 0 || least == 1.0);
        for (size_t l = 0; l < ROWS && row & 1; l++)
            CHECK(l <= 20 ? isnan(outputs[0][l]) : outputs[0][l] == inputs[0][l] + 3.0);
        inputs[0][0] = 1.0;
        CHECK(run(p, 1) == 0);
        pg_program_free(p);
        let_go(0);
        drop_trace(&t);
    }
    { /* the same for all rows, of a call that is not */
        trace t;
        pg_node *items[2];
        begin(&t, 1);
        call_of(&seven, t.nodes[0], t.nodes[1], of(PG_OP_less, t.nodes[1], constant(0.0)), 0, items);
        t.outputs[t.output_count++] = items[0];
        pg_program *p = made(&t);
        fill();
        CHECK(run(p, ROWS) == 0 && asked == 0 && isnan(outputs[0][3]));
        pg_program_free(p);
        let_go(0);
        drop_trace(&t);
    }
}

static void test_failures(void)
{
    for (unsigned row = 0; row < 2; row++)
        for (int stops = 0; stops < 2; stops++) {
            trace t;
            pg_node *items[2];
            size_t at;
            double last;
            begin(&t, row);
            call_of(&seven, t.nodes[0], t.nodes[1], NULL, 0, items);
            t.outputs[t.output_count++] = items[0];
            pg_program *p = made(&t);
            fill();
            interrupts = (size_t)stops;
            fails_at = row ? 100 : 0;
            CHECK(run(p, ROWS) < 0);
            CHECK(pg_loop_failure(&at, &last) == (stops ? 0 : 3));
            CHECK(stops || (row ? at == 100 && last == 100.0 : at == SIZE_MAX));
            pg_program_free(p);
            let_go(0);
            drop_trace(&t);
        }
    interrupts = 0;
}

/* A body that counts down: the state x, as long as the call's sum with what is captured is above 0. */
static void test_bodies(void)
{
    for (int way = 0; way < 3; way++) { /* in the condition, as a way of a branch, in a body in a body */
        trace t;
        pg_node *items[2], *results[2], *found[4];
        pg_status status;
        begin(&t, 1);
        pg_node *x = hold(pg_leaf(1.0)), *y = hold(pg_leaf(2.0));
        call_of(&seven, x, y, NULL, 0, items);
        results[0] = way == 1 ? items[0] : items[1];
        results[1] = of(PG_OP_less, constant(0.0), items[1]);
        pg_body *body = pg_body_of((pg_node *[]){x, y}, 1, 1, results, way == 1 ? 1 : 2, way == 1, way == 1 ? 1.0 : 1e6,
                                   &status, NULL);
        CHECK(body != NULL);
        pg_loop *loop = pg_loop_make(body, NULL, NULL);
        pg_node *goes = of(PG_OP_less, constant(0.0), t.nodes[0]);
        pg_node *n = pg_loop_node(loop, (pg_node *[]){t.nodes[0], goes, t.nodes[1]}, found, &status);
        CHECK(n != NULL);
        hold(n), hold(found[0]), hold(found[1]);
        pg_loop_release(loop);
        t.outputs[t.output_count++] = found[0];
        pg_program *p = made(&t);
        CHECK(pg_program_steps(p) == SIZE_MAX);
        asked = 0, least = INFINITY;
        fill();
        CHECK(run(p, ROWS) == 0 && least == 1.0); /* rows whose loop has ended are not handed over */
        for (size_t l = 0; l < ROWS; l++) {
            double s = inputs[0][l];
            for (int on = s > 0.0; on; on = way != 1 && s > 0.0)
                s = way == 1 ? s + 3.0 : s - 3.0;
            CHECK(outputs[0][l] == s);
        }
        asked = 0, inputs[0][0] = 7.0;
        CHECK(run(p, 1) == 0 && asked == (way == 1 ? 1 : 3)); /* on numbers */
        asked = 0, fails_at = 2;
        size_t at;
        double last;
        CHECK(way == 1 || (run(p, 1) == -1 && pg_loop_failure(&at, &last) == 3 && at == 0 && last == 0.0));
        for (size_t l = 0; l < ROWS; l++)
            inputs[0][l] = l == 5 || l == 9 ? 1.0 : -1.0;
        asked = 0, fails_at = 1; /* the first trip of few rows; way 1 takes them one by one */
        CHECK(run(p, ROWS) == -1 && pg_loop_failure(&at, &last) == 3 && at == 9 && last == 9.0);
        pg_bodies *bodies = pg_bodies_open();
        CHECK(bodies != NULL && pg_bodies_add(bodies, p, 2) == 0); /* no file has it */
        pg_bodies_close(bodies);
        pg_program_free(p);
        let_go(0);
        drop_trace(&t);
    }
}

static void test_a_node_has_no_derivative(void)
{
    pg_node *items[2], *x = hold(traced(pg_leaf(1.0)));
    call_of(&seven, x, x, NULL, 0, items);
    pg_node *out[2] = {NULL, NULL};
    const uint8_t wanted[2] = {1, 1};
    CHECK(pg_call_kind.derive(PG_REVERSE, items[0]->of.constant.a, items, wanted, out) == PG_RULED);
    out[0] = x; /* forward it ends here: what has the rule is sealed */
    CHECK(pg_call_kind.derive(PG_FORWARD, items[0]->of.constant.a, items, wanted, out) == PG_OK && out[0] == NULL);
    let_go(0);
}

static void test_programs_that_are_damaged(void)
{
    trace t;
    pg_node *items[2];
    begin(&t, 3);
    call_of(&seven, t.nodes[0], t.nodes[0], NULL, 0, items);
    t.outputs[t.output_count++] = items[0];
    t.outputs[t.output_count++] = t.nodes[1];
    pg_program *p = made(&t);
    for (size_t i = 0; i < p->length; i++)
        if (p->code[i].code == PG_CODE_CALL) {
            p->code[i].code = PG_CODE_LOOP; /* which it is not */
            CHECK(pg_program_verify(p) == 0);
            p->code[i].code = PG_CODE_CALL;
            const pg_slot out = p->code[i].out;
            p->code[i].out = p->input_slots[1]; /* where something is that it does not read */
            CHECK(pg_program_verify(p) == 0);
            p->code[i].out = out;
            CHECK(pg_program_verify(p) == 1);
        }
    pg_program_free(p);
    let_go(0);
    drop_trace(&t);
}

/* Whatever cannot be had: an error, and nothing is lost. */
static void test_no_memory(void)
{
    for (size_t at = 1;; at++) {
        pg_fail_at(at);
        pg_call *call = pg_call_make(2, 0, 2, "sums", sums, forget, &seven);
        const int failed = call == NULL;
        pg_fail_at(0);
        if (!failed) {
            pg_several_release(&call->base);
            break;
        }
    }
    trace t;
    pg_node *items[2];
    begin(&t, 1);
    pg_call *call = pg_call_make(2, 0, 2, "sums", sums, forget, &seven);
    for (size_t at = 1;; at++) {
        pg_fail_at(at);
        pg_node *n = pg_call_node(call, t.nodes, NULL, items);
        pg_fail_at(0);
        if (n != NULL) {
            hold(n), hold(items[0]), hold(items[1]);
            CHECK(items[0]->value == 0.5);
            break;
        }
    }
    pg_several_release(&call->base);
    t.guards[0] = (pg_guard){.a = t.nodes[0], .b = constant(0.0), .compare = PG_GREATER, .outcome = 1};
    t.guard_count = 1;
    call_of(&seven_too, items[0], items[1], NULL, 1, items);
    t.outputs[t.output_count++] = items[0];
    pg_node *root, *opaque;
    pg_sweep *s = order_of(&t, &root);
    const pg_trace what = told(&t, s);
    pg_program *p = NULL;
    pg_status status = PG_NO_MEMORY;
    for (size_t at = 1; status != PG_OK; at++) {
        pg_fail_at(at);
        status = pg_program_make(&what, &opaque, &p);
        pg_fail_at(0);
        CHECK(status == PG_OK || status == PG_NO_MEMORY);
    }
    pg_sweep_abandon(s);
    pg_release(root);
    fill();
    for (int in_rows = 0; in_rows < 2; in_rows++) {
        size_t row;
        double last;
        pg_fail_at(1);
        CHECK(run(p, ROWS) == -1);
        pg_fail_at(0);
        CHECK(pg_loop_failure(&row, &last) == 1);
    }
    pg_program_free(p);
    let_go(0);
    drop_trace(&t);
    begin(&t, 0);
    call_of(&seven, t.nodes[0], t.nodes[1], NULL, 0, items);
    t.outputs[t.output_count++] = items[0];
    p = made(&t);
    pg_fail_at(1);
    CHECK(run(p, 1) < 0);
    pg_fail_at(0);
    pg_program_free(p);
    let_go(0);
    drop_trace(&t);
}

int main(void)
{
    RUN(test_rows_and_what_is_the_same_for_them);
    RUN(test_rows_that_leave_at_a_guard_before_are_not_handed_over);
    RUN(test_what_depends_on_a_call_behind_a_guard_comes_behind_it);
    RUN(test_calls_that_differ_in_anything_are_not_the_same);
    RUN(test_a_program_with_a_call_unfolds_as_nodes);
    RUN(test_the_same_call_runs_where_the_first_one_does);
    RUN(test_conditions);
    RUN(test_failures);
    RUN(test_bodies);
    RUN(test_a_node_has_no_derivative);
    RUN(test_programs_that_are_damaged);
    RUN(test_no_memory);
    CHECK(pg_live_nodes() == 0);
    puts("OK");
    return 0;
}
