/* test_few.c: a call of few rows does what its two halves do, and puts rows that have left in order.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "traces.h"

#include "graph/stopping.h"

enum { ROWS = 150 };

static size_t rows[2 * ROWS], spare[ROWS], counts[ROWS];
static uint32_t guards[ROWS];

static pg_leaving room_to_leave(void)
{
    return (pg_leaving){.rows = rows, .spare = spare, .guards = guards, .counts = counts};
}

/* Each row that left, once, at ascending guards, in the order of the batch. */
static size_t check_leaving(const pg_batch *batch, const size_t *before, const pg_leaving *leaving)
{
    size_t at = 0, gone = 0;
    for (size_t g = 0; g < leaving->guard_count; g++) {
        CHECK(g == 0 || guards[g - 1] < guards[g]);
        CHECK(counts[g] > 0);
        for (size_t l = 0; l < batch->count; l++)
            if (batch->left[l] == guards[g])
                CHECK(rows[at++] == (before != NULL ? before[l] : l));
    }
    for (size_t l = 0; l < batch->count; l++)
        gone += batch->left[l] != UINT32_MAX;
    CHECK(at == gone);
    return gone;
}

static void check_few(const trace *t, const pg_program *p, row_set *r, size_t *told, size_t *left, size_t *all)
{
    size_t before[ROWS];
    uint32_t guard;
    pg_batch batch = batch_of(r, p);
    batch.left = r->left;
    for (int some = 0; some < 2; some++) {
        pg_leaving leaving = room_to_leave();
        batch.count = some ? ROWS / 2 : ROWS;
        for (size_t l = 0; l < batch.count; l++)
            before[l] = rows[l] = some ? ROWS - 1 - 2 * l : l, r->left[l] = UINT32_MAX;
        batch.rows = some ? rows : NULL;
        const int found = pg_program_run_few(p, &batch, &leaving);
        const size_t gone = check_leaving(&batch, some ? before : NULL, &leaving);
        CHECK(((found & PG_RUN_LEFT) != 0) == (gone != 0) && (found & PG_RUN_STOPPED) == 0);
        *left += gone != 0 && gone != batch.count;
        double results[MOST_OUTPUTS];
        memcpy(results, r->totals, t->output_count * sizeof *results);
        batch.rows = some ? before : NULL;
        const int once = pg_program_run_once(p, &batch, &guard);
        if (once == 0) {
            CHECK(found == PG_RUN_LEFT && leaving.guard_count == 1 && guards[0] == guard && gone == batch.count);
            for (size_t i = 0; i < t->output_count; i++)
                CHECK(results[i] == 0.0);
            ++*all;
            continue;
        }
        const int64_t place = pg_program_run(p, &batch);
        CHECK(((found & PG_RUN_TOLD) != 0) == (once == 2 || place != 0));
        if (found & PG_RUN_TOLD) {
            const size_t first = once == 2 ? 0 : (size_t)place - 1;
            CHECK(leaving.told == (some ? before[first] : first));
            ++*told;
        }
        for (size_t i = 0; i < t->output_count; i++)
            CHECK(same_number(results[i], r->totals[i]));
    }
}

static void test_it_does_what_its_halves_do(void)
{
    size_t told = 0, left = 0, all = 0;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        trace t;
        row_set r;
        double lives[LIVES];
        random_state = 90000 + seed;
        make_trace(&t, 12, any_number);
        memset(t.totals, 1, sizeof t.totals);
        pg_program *p = program_of(&t, lives);
        p->tells = seed % 2 == 0;
        make_rows(&r, &t, p, ROWS, any_number);
        memcpy(r.lives, lives, sizeof lives);
        r.lives[0] = seed % 3 == 0 ? any_number() : r.lives[0];
        check_few(&t, p, &r, &told, &left, &all);
        drop_rows(&r);
        pg_program_free(p);
        drop_trace(&t);
    }
    CHECK(told > 10 && left > 10 && all > 10);
}

/* Without totals nothing is written to them. */
static void test_rows_that_all_leave_have_results_by_row_elsewhere(void)
{
    pg_node *x = traced(pg_leaf(1.0)), *y = traced(pg_leaf(0.0));
    trace t = {.nodes = {x, y}, .inputs = 2, .count = 2, .outputs = {x}, .output_count = 1, .guard_count = 1};
    t.rows[0] = 1;
    t.guards[0] = (pg_guard){y, y, PG_EQUAL, 1};
    double lives[LIVES];
    row_set r;
    pg_program *p = program_of(&t, lives);
    make_rows(&r, &t, p, ROWS, any_number);
    pg_batch batch = batch_of(&r, p);
    pg_leaving leaving = room_to_leave();
    batch.left = r.left, batch.totals = NULL;
    for (size_t k = 0; k < ROWS; k++)
        r.inputs[1][k] = (double)NAN;
    CHECK(pg_program_run_few(p, &batch, &leaving) == PG_RUN_LEFT);
    CHECK(leaving.guard_count == 1 && counts[0] == ROWS && rows[ROWS - 1] == ROWS - 1);
    int stop = 1;
    r.inputs[1][0] = 0.0, batch.stop = &stop;
    CHECK(pg_program_run_few(p, &batch, &leaving) == PG_RUN_STOPPED);
    batch.stop = NULL; /* all stay */
    CHECK(pg_program_run_few(p, &batch, &leaving) == 0);
    drop_rows(&r);
    pg_program_free(p);
    drop_trace(&t);
}

static void test_all_finite(void)
{
    double numbers[70];
    const double beyond[] = {(double)INFINITY, -(double)INFINITY, (double)NAN, -(double)NAN};
    for (size_t i = 0; i < 70; i++)
        numbers[i] = i % 2 ? DBL_MAX : -5e-324;
    CHECK(pg_all_finite(numbers, 70) && pg_all_finite(numbers, 0));
    for (size_t i = 0; i < 70; i++)
        for (size_t k = 0; k < 4; k++) {
            const double before = numbers[i];
            numbers[i] = beyond[k];
            CHECK(!pg_all_finite(numbers, 70) && pg_all_finite(numbers, i));
            numbers[i] = before;
        }
}

int main(void)
{
    RUN(test_it_does_what_its_halves_do);
    RUN(test_rows_that_all_leave_have_results_by_row_elsewhere);
    RUN(test_all_finite);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
