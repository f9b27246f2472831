/* test_rows_of_tables.c: numbers that stand side by side in each row, in arrays of several columns, are written as those of
 * arrays of one column are; and whoever asks is told that one of them is inf or nan.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "traces.h"

enum { ROWS = 150, ALL_ROWS = 160, SOME = 30 };

static double usual(void)
{
    return between(-2.0, 2.0);
}

static double table[ALL_ROWS * (MOST_OUTPUTS + 1)], columns[MOST_OUTPUTS][ALL_ROWS];

/* How outputs are placed: each in an array of its own; all in a table; half of them in one that begins a number later; in the
 * reverse order; or, though they begin side by side, with rows that are apart differently, so that some are written over others. */
typedef enum { COLUMNS, TABLE, TWO_TABLES, BACKWARDS, APART, PLACINGS } placing;

static void place(placing how, size_t outputs, row_set *r, double **out)
{
    for (size_t i = 0; i < outputs; i++) {
        const ptrdiff_t width = (ptrdiff_t)outputs + (how == TWO_TABLES);
        r->output_strides[i] = how == COLUMNS ? 1 : how == APART ? width - (ptrdiff_t)(i % 2) : width;
        out[i] = how == COLUMNS     ? columns[i]
                 : how == BACKWARDS ? table + outputs - 1 - i
                                    : table + i + (how == TWO_TABLES && 2 * i >= outputs);
    }
}

static double result(double *const *out, const row_set *r, size_t i, size_t row)
{
    return out[i][(ptrdiff_t)row * r->output_strides[i]];
}

/* Whether one of these results of rows that stay is inf or nan; so may be those of others. */
static int is_beyond(const trace *t, const row_set *r, const pg_batch *batch, size_t i)
{
    int any = 0;
    for (size_t l = 0; l < batch->count; l++) {
        const size_t row = batch->rows != NULL ? batch->rows[l] : batch->first + l;
        any |= r->leaves[row] == UINT32_MAX && !isfinite(r->expected[i][row]);
    }
    return any && !t->totals[i];
}

static void check(const trace *t, const pg_program *p, row_set *r, pg_batch *batch, size_t *beyonds, size_t *finites)
{
    double *out[MOST_OUTPUTS];
    uint32_t guard;
    for (placing how = COLUMNS; how < PLACINGS; how++) {
        int beyond = 0, any = 0;
        place(how, t->output_count, r, out);
        batch->outputs = out;
        batch->beyond = how == BACKWARDS ? NULL : &beyond;
        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
            table[i] = -77.0;
        if (pg_program_run_once(p, batch, &guard) != 1)
            return;
        CHECK(pg_program_run(p, batch) == 0);
        for (size_t i = 0; i < t->output_count; i++) {
            any |= is_beyond(t, r, batch, i);
            for (size_t l = 0; l < batch->count && how != APART && !t->totals[i]; l++) {
                const size_t row = batch->rows != NULL ? batch->rows[l] : batch->first + l;
                if (r->leaves[row] == UINT32_MAX)
                    CHECK(same_number(result(out, r, i, row), r->expected[i][row]));
            }
        }
        if (batch->beyond != NULL)
            CHECK(beyond >= any && (beyond == any || p->guards != 0));
        *beyonds += beyond != 0;
        *finites += beyond == 0;
    }
}

static void test_outputs_go_where_they_are_to(void)
{
    size_t beyonds = 0, finites = 0;
    for (uint64_t seed = 1; seed <= 600; seed++) {
        trace t;
        row_set r;
        double lives[LIVES];
        size_t chosen[SOME];
        random_state = 70000 + seed;
        make_trace(&t, 12, seed % 2 ? any_number : usual);
        pg_program *p = program_of(&t, lives);
        make_rows(&r, &t, p, ROWS, seed % 2 ? any_number : usual);
        memcpy(r.lives, lives, sizeof lives);
        int totals = 0;
        for (size_t i = 0; i < t.output_count; i++)
            totals |= t.totals[i];
        pg_choose_lanes((int)(seed % 3));
        for (size_t l = 0; l < SOME; l++)
            chosen[l] = (7 * l + seed) % ROWS;
        for (int some = 0; some < 3; some++) {
            pg_batch batch = batch_of(&r, p);
            batch.count = some == 0 ? ROWS : SOME + (size_t)some - 2;
            batch.first = some == 2 ? 10 : 0;
            batch.rows = some == 1 ? chosen : NULL;
            batch.totals = totals ? r.totals : NULL;
            check(&t, p, &r, &batch, &beyonds, &finites);
        }
        drop_rows(&r);
        pg_program_free(p);
        drop_trace(&t);
    }
    pg_choose_lanes(2);
    CHECK(beyonds > 100 && finites > 100);
}

int main(void)
{
    RUN(test_outputs_go_where_they_are_to);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
