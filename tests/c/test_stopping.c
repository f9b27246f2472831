/* test_stopping.c: long work that is asked to stop does so, at whichever time it is asked, and leaves nothing behind.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "traces.h"

#include "graph/stopping.h"

static size_t asked, stops_at;

/* Yes, the stops_at-th time. */
static int ask(void)
{
    return ++asked == stops_at;
}

/* From here on the n-th question is answered by yes; 0: none is. */
static void stop_at(size_t n)
{
    asked = 0;
    stops_at = n;
    pg_stop_asked = ask;
}

static void test_who_is_stopped_once_is_stopped_for_ever(void)
{
    pg_work work = {0};
    pg_stop_asked = NULL;
    CHECK(pg_goes_on(&work, PG_STEPS_UNASKED) && work.steps == 0);
    stop_at(2);
    CHECK(pg_goes_on(&work, PG_STEPS_UNASKED - 1) && asked == 0);
    CHECK(pg_goes_on(&work, 1) && asked == 1);
    CHECK(!pg_goes_on(&work, PG_STEPS_UNASKED) && asked == 2);
    CHECK(!pg_goes_on(&work, 1) && !pg_goes_on(&work, PG_STEPS_UNASKED) && asked == 2);
}

/* -- programs made ---------------------------------------------------------------------------------- */

/* ((x / 2 + x) / 3 + x) / 4 and so on, of so many quotients and sums; x itself if there are none. */
static pg_node *ladder(pg_node *x, size_t length)
{
    pg_node *n = pg_retain(x), *one = traced(pg_leaf(1.5));
    for (size_t i = 0; i < length; i++) {
        pg_node *next = traced(i % 2 ? pg_compute(PG_OP_add, n, x, 1.0) : pg_compute(PG_OP_div, n, one, 1.0));
        pg_release(n);
        n = next;
    }
    pg_release(one);
    return n;
}

static void check_making(uint8_t row)
{
    enum { LENGTH = 300000 };
    pg_node *x = traced(pg_leaf(1.0)), *steps = ladder(x, LENGTH), *none = traced(pg_leaf(0.0)), *opaque;
    pg_node *zero = traced(pg_compute(PG_OP_mul0, none, x, 0.0)), *n = traced(pg_compute(PG_OP_add, steps, zero, 1.0));
    pg_node *root = traced(pg_compute_many(PG_SUM, &n, 1, 1.0, NULL, NULL));
    pg_program *p = NULL;
    pg_sweep *s;
    CHECK(pg_sweep_open(root, 0, &s) == PG_OK);
    pg_sweep_within_trace(s);
    CHECK(pg_sweep_stop_at(s, &x, 1) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
    const pg_trace what = {.sweep = s, .rows = &row, .outputs = &n, .output_count = 1, .optimise = 1};
    const size_t start = pg_live_nodes();
    size_t times = 0;
    for (size_t k = 1; p == NULL; k += 1 + k / 4, times++) { /* each begins anew */
        stop_at(k);
        const pg_status status = pg_program_make(&what, &opaque, &p);
        CHECK(status == (p == NULL ? PG_STOPPED : PG_OK) && pg_live_nodes() == start);
        CHECK(n->grad == 0.0 && x->grad == 0.0 && (p != NULL || asked == k));
    }
    CHECK(times > 5 && pg_program_verify(p) == 1);
    pg_program_free(p);
    pg_sweep_abandon(s);
    pg_release(root);
    pg_release(n);
    pg_release(zero);
    pg_release(none);
    pg_release(steps);
    pg_release(x);
}

static void test_a_program_in_the_making_stops(void)
{
    check_making(0);
    check_making(1);
}

/* -- programs that run ------------------------------------------------------------------------------ */

/* A program of x for rows, long enough that it asks now and then; its output is added up if it is to be. */
static pg_program *long_ladder(int total)
{
    pg_node *x = traced(pg_leaf(1.0)), *n = ladder(x, 2000), *root, *opaque;
    const uint8_t row = 1, totals = (uint8_t)total;
    pg_program *p;
    pg_sweep *s;
    root = traced(pg_compute_many(PG_SUM, &n, 1, 1.0, NULL, NULL));
    CHECK(pg_sweep_open(root, 0, &s) == PG_OK);
    pg_sweep_within_trace(s);
    CHECK(pg_sweep_stop_at(s, &x, 1) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
    const pg_trace what = {.sweep = s, .rows = &row, .outputs = &n, .output_count = 1, .totals = &totals};
    CHECK(pg_program_make(&what, &opaque, &p) == PG_OK);
    pg_sweep_abandon(s);
    pg_release(root);
    pg_release(n);
    pg_release(x);
    return p;
}

static void check_running(int total)
{
    enum { ROWS = 20000 };
    stop_at(0);
    pg_program *p = long_ladder(total);
    double *x = room(ROWS, sizeof *x), *out = room(ROWS, sizeof *out), totals[ROWS / 1024 + 1];
    for (size_t i = 0; i < ROWS; i++)
        x[i] = i % 500 == 0 ? (double)NAN : 1.0; /* a total that is nan is made once more, with care */
    const ptrdiff_t stride = 1;
    void *uniforms = room(pg_uniform_bytes(p), 1), *lanes = room(pg_lane_bytes(p), 1);
    pg_batch batch = {.inputs = (const double *const *)&x,
                      .strides = &stride,
                      .count = ROWS,
                      .outputs = &out,
                      .output_strides = &stride,
                      .totals = total ? totals : NULL,
                      .uniforms = uniforms,
                      .lanes = lanes};
    uint32_t guard;
    size_t times = 0;
    CHECK(pg_program_run_once(p, &batch, &guard));
    for (int done = 0; !done; times++) {
        stop_at(times + 1);
        done = pg_program_run(p, &batch) == 0;
        CHECK(done || asked == times + 1);
    }
    CHECK(times > 2);
    int stop = 0;
    stop_at(0);
    batch.stop = &stop;
    CHECK(pg_program_run(p, &batch) == 0);
    CHECK(!pg_is_stopped(&stop) && !pg_is_stopped(NULL));
    pg_stop(&stop);
    CHECK(pg_is_stopped(&stop));
    CHECK(pg_program_run(p, &batch) < 0);
    free(uniforms), free(lanes), free(x), free(out);
    pg_program_free(p);
}

static void test_rows_stop(void)
{
    check_running(0);
    check_running(1);
}

/* -- sparsity ---------------------------------------------------------------------------------------- */

/* A program by hand: output 0 is the sum of so many inputs, one after the other, so that each is a join. */
static void test_a_pattern_stops(void)
{
    enum { INPUTS = 10000 };
    pg_instruction *code = pg_alloc(INPUTS, sizeof *code);
    pg_slot *inputs = pg_alloc(INPUTS, sizeof *inputs), result = 2 * INPUTS - 2;
    for (uint32_t i = 0; i < INPUTS; i++)
        inputs[i] = i;
    for (uint32_t i = 1; i < INPUTS; i++)
        code[i - 1] = (pg_instruction){
            .code = PG_OP_add, .out = INPUTS + i - 1, .a = i == 1 ? 0 : INPUTS + i - 2, .b = i, .c = PG_NO_SLOT};
    const pg_program p = {.inputs = INPUTS,
                          .uniforms = 2 * INPUTS - 1,
                          .outputs = 1,
                          .input_slots = inputs,
                          .result_slots = &result,
                          .code = code,
                          .length = INPUTS - 1,
                          .once = INPUTS - 1,
                          .spread = INPUTS - 1};
    pg_pattern *m = NULL;
    size_t times = 0;
    CHECK(pg_program_verify(&p) == 1);
    for (; m == NULL; times++) {
        stop_at(times + 1);
        const int found = pg_program_pattern(&p, 0, INPUTS, 1, SIZE_MAX, &m);
        CHECK(found == (m == NULL ? -2 : 1));
    }
    CHECK(times > 1 && m->count == INPUTS);
    pg_pattern_free(m);
    pg_free(inputs);
    pg_free(code);
}

/* Every entry of a square: columns and stars need as many colours as there are. */
static void test_colours_stop(void)
{
    enum { COUNT = 150 };
    static uint32_t starts[COUNT + 1], items[COUNT * COUNT];
    static int32_t order[COUNT], colours[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        order[i] = (int32_t)i;
        starts[i + 1] = (i + 1) * COUNT;
        for (uint32_t k = 0; k < COUNT; k++)
            items[i * COUNT + k] = k;
    }
    const pg_pattern full = {COUNT, COUNT, COUNT * COUNT, starts, items};
    for (int stars = 0; stars < 2; stars++) {
        int32_t used = -2;
        size_t times = 0;
        for (; used == -2; times++) {
            stop_at(times + 1);
            used = stars ? pg_colour_stars(&full, order, INT32_MAX, colours)
                         : pg_colour_columns(&full, &full, order, INT32_MAX, colours);
        }
        CHECK(used == COUNT && times > 1);
    }
}

int main(void)
{
    RUN(test_who_is_stopped_once_is_stopped_for_ever);
    RUN(test_a_program_in_the_making_stops);
    RUN(test_rows_stop);
    RUN(test_a_pattern_stops);
    RUN(test_colours_stop);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
