/* test_loops.c: loops of programs: their values, row by row and for numbers, and when one is to end.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "loops.h"
#include "traces.h"

enum { ROWS = 150 };

/* A trace whose inputs are the operands of a loop and whose outputs are its results. */
static void trace_loop(trace *t, const kind *k, const pg_loop *loop, pg_status *status)
{
    const size_t n = k->state;
    double x[6];
    *t = (trace){.inputs = n + 1 + k->captured, .output_count = n + 1, .optimise = 1};
    any_operands(k, x);
    for (size_t i = 0; i < t->inputs; i++)
        t->nodes[t->count++] = constant(x[i]);
    pg_node *node = pg_loop_node(loop, t->nodes, t->outputs, status);
    CHECK(node != NULL && *status == PG_OK);
    hold(node);
    for (size_t i = 0; i <= n; i++)
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

int main(void)
{
    begin_tracing();
    RUN(test_values_are_those_of_plain_loops);
    end_tracing();
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
