/* test_loop_slopes.c: derivatives of loops, which are those of the graph of all their trips; and memory that fails.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "loops.h"
#include "traces.h"

#include "program/history.h"

enum { MOST_IN = 6, MOST_OUT = 4, ROWS = 70 };

/* The results of a loop as nodes of all its trips, in place of the loop's node. */
static void unroll(const kind *k, const pg_body *b, pg_node *const *operands, pg_node **out)
{
    pg_node *x[MOST_IN], *next[MOST_OUT];
    const pg_scan *s = &b->scan;
    const size_t first = k->state + k->captured;
    double trips = 0.0;
    for (size_t i = 0; i < s->made * s->length; i++)
        out[k->state + 1 + i] = constant(0.0);
    for (size_t i = 0; i < k->state; i++)
        x[i] = operands[i];
    for (size_t i = 0; i < k->captured; i++)
        x[k->state + i] = operands[k->state + 1 + i];
    for (int on = operands[k->state]->value != 0.0;
         (s->length == 0 || trips < (double)s->length) && (k->counts ? trips < operands[k->state]->value : on);
         trips += 1.0) {
        const size_t at = s->reverse ? s->length - 1 - (size_t)trips : (size_t)trips;
        for (size_t i = 0; i < s->given; i++)
            x[first + i] = operands[first + 1 + i * s->length + at];
        for (size_t i = 0; i < s->known; i++)
            x[first + s->given + i] = constant(s->numbers->at[i * s->length + at]);
        CHECK(pg_unfold(b->flat, x, next) == PG_OK);
        for (size_t i = 0; i < results_of(k); i++)
            hold(next[i]);
        for (size_t i = 0; i < k->state; i++)
            x[i] = next[i];
        on = k->counts || next[k->state]->value != 0.0;
        for (size_t i = 0; i < s->made; i++)
            out[k->state + 1 + i * s->length + at] = next[k->state + !k->counts + i];
    }
    for (size_t i = 0; i < k->state; i++)
        out[i] = x[i];
    out[k->state] = constant(trips);
}

static void check_near(double a, double b)
{
    CHECK(same_number(a, b) || fabs(a - b) <= 1e-8 * (1.0 + fabs(b)));
}

/* What is differentiated, by what, and along what. */
typedef struct {
    pg_node *operands[MOST_IN], *inputs[MOST_IN], *out[2][MOST_OUT];
    size_t operand_count, input_count, out_count;
    double seeds[MOST_OUT], along[MOST_IN];
} problem;

static void any_problem(const kind *k, const pg_loop *loop, problem *q)
{
    double x[MOST_IN];
    pg_status status;
    *q = (problem){.operand_count = operands_of(k), .out_count = results_of_loop(k)};
    any_operands(k, x);
    const int all = one_in(2);
    for (size_t i = 0; i < q->operand_count; i++) {
        q->operands[i] = constant(x[i]);
        if (all || !one_in(3))
            q->inputs[q->input_count++] = q->operands[i];
    }
    for (size_t i = 0; i < MOST_OUT; i++)
        q->seeds[i] = one_in(4) ? 0.0 : between(-1.0, 1.0);
    for (size_t i = 0; i < MOST_IN; i++)
        q->along[i] = one_in(4) ? 0.0 : between(-1.0, 1.0);
    pg_node *n = pg_loop_node(loop, q->operands, q->out[0], &status);
    CHECK(n != NULL && status == PG_OK);
    hold(n);
    for (size_t i = 0; i < q->out_count; i++)
        hold(q->out[0][i]);
    unroll(k, loop->body, q->operands, q->out[1]);
}

/* A program of derivatives by rows does what the one for numbers does, and that about what the nodes are. */
static void check_program(const kind *k, const problem *q, pg_node *const *nodes, size_t count)
{
    const size_t row_count = one_in(2) ? 65 : ROWS; /* which leaves a row alone in its block */
    trace t = {.inputs = q->operand_count, .count = q->operand_count, .output_count = count, .optimise = 1};
    memcpy(t.nodes, q->operands, q->operand_count * sizeof *t.nodes);
    memcpy(t.outputs, nodes, count * sizeof *nodes);
    pg_program *flat = program_of(&t, NULL);
    for (size_t i = 0; i < t.inputs; i++)
        t.rows[i] = (uint8_t)!one_in(4);
    pg_program *wide = program_of(&t, NULL);
    row_set rows, one;
    uint32_t guard;
    make_rows(&rows, &t, wide, row_count, any_number);
    make_rows(&one, &t, flat, 1, any_number);
    for (size_t l = 1; l < row_count; l++) {
        double x[MOST_IN];
        any_operands(k, x);
        for (size_t i = 0; i < t.inputs; i++)
            if (t.rows[i])
                rows.inputs[i][l] = x[i];
    }
    pg_batch batch = batch_of(&rows, wide), single = batch_of(&one, flat);
    CHECK(pg_program_run_once(wide, &batch, &guard) == 1 && pg_program_run(wide, &batch) == 0);
    for (size_t l = 0; l < row_count; l++) {
        for (size_t i = 0; i < t.inputs; i++)
            one.inputs[i][0] = rows.inputs[i][l];
        CHECK(pg_program_call(flat, &single, &guard) == 1);
        for (size_t i = 0; i < count; i++) {
            CHECK(same_number(one.outputs[i][0], rows.outputs[i][l]));
            if (l == 0)
                check_near(one.outputs[i][0], nodes[i]->value);
        }
    }
    pg_pattern *m;
    for (int i = 0; i < 2; i++) {
        CHECK(pg_program_pattern(i ? wide : flat, 0, t.inputs, count, ENOUGH, &m) == 1);
        pg_pattern_free(m);
    }
    drop_rows(&rows);
    drop_rows(&one);
    pg_program_free(flat);
    pg_program_free(wide);
}

/* Both ways, of first and second order; returned as nodes that are held. */
static void check_order(const kind *k, const problem *q, pg_node *const *roots, pg_node *const *plain, size_t count,
                        const double *seeds, int order)
{
    for (int way = 0; way < 2; way++) {
        pg_node *got[MOST_IN], *expected[MOST_IN];
        const double *given = way == PG_REVERSE ? seeds : q->along;
        const size_t found = way == PG_REVERSE ? q->input_count : count;
        CHECK(derive((pg_way)way, roots, count, q->operands, q->operand_count, q->inputs, q->input_count, given, got) ==
              PG_OK);
        CHECK(derive((pg_way)way, plain, count, q->operands, q->operand_count, q->inputs, q->input_count, given,
                     expected) == PG_OK);
        for (size_t i = 0; i < found; i++) {
            hold(got[i]);
            hold(expected[i]);
            check_near(got[i]->value, expected[i]->value);
        }
        if (found != 0)
            check_program(k, q, got, found);
        if (found != 0 && way == PG_REVERSE &&
            count + found <= MOST_OUTPUTS) { /* which takes the states that the loop itself has been through */
            pg_node *both[2 * MOST_IN];
            memcpy(both, roots, count * sizeof *both);
            memcpy(both + count, got, found * sizeof *both);
            check_program(k, q, both, count + found);
        }
        if (order < 2 && found != 0)
            check_order(k, q, got, expected, found, q->along, order + 1);
    }
}

/* Of the nodes of its body, or of its program: see kept.h. */
static void check_kind_as(int kept, const kind *k, double most, uint64_t start, uint64_t times)
{
    pg_loop *loop = made_loop(k, most);
    if (!kept)
        pg_forget_bodies();
    for (uint64_t seed = 1; seed <= times; seed++) {
        problem q;
        const size_t before = held_count;
        random_state = start + seed;
        any_problem(k, loop, &q);
        for (size_t i = 0; i < q.out_count; i++)
            check_near(q.out[0][i]->value, q.out[1][i]->value);
        check_order(k, &q, q.out[0], q.out[1], q.out_count, q.seeds, 1);
        let_go(before);
    }
    pg_loop_release(loop);
    if (kept)
        pg_forget_bodies();
}

static void check_kind_of(const kind *k, double most, uint64_t start, uint64_t times)
{
    check_kind_as(1, k, most, start, (times + 1) / 2);
    check_kind_as(0, k, most, start + times / 2, (times + 1) / 2);
}

static void check_kind(const kind *k, uint64_t start, uint64_t times)
{
    check_kind_of(k, 1e6, start, times);
}

static void check_kinds(uint64_t start, uint64_t times)
{
    for (size_t which = 0; which < KINDS; which++)
        check_kind(&kinds[which], start + 1000 * which, times);
}

static void test_derivatives_are_those_of_all_trips(void)
{
    check_kinds(5000, 12);
}

/* Histories that are thinned out: all but some states are computed once more. */
static void test_derivatives_with_little_room_for_states(void)
{
    pg_limit_histories(1);
    check_kinds(9000, 6);
    pg_limit_histories(40000); /* where what trips read is not kept of each state */
    check_kind(&kinds[LONG], 9900, 3);
    pg_limit_histories(SIZE_MAX);
}

/* A body of so many instructions that on lanes nothing is noted for its way back. */
enum { LENGTHY = 210, LONGER = 1100 };
static int rounds = LENGTHY;

static void make_lengthy(pg_node *const *x, pg_node **out)
{
    out[0] = x[0];
    for (int i = 0; i < rounds; i++)
        out[0] = of(PG_OP_sin, of(PG_OP_add, out[0], x[1]), NULL);
}

static int trip_lengthy(double *x)
{
    for (int i = 0; i < rounds; i++)
        x[0] = value(PG_OP_sin, x[0] + x[1], 0.0);
    return 1;
}

static void test_derivatives_of_a_lengthy_body(void)
{
    const kind lengthy = {"lengthy", 1, 1, 1, make_lengthy, trip_lengthy, 0.1, 0.9, 2.0, {0}};
    check_kind(&lengthy, 500, 2);
    const kind way = {"lengthy way", 1, 1, 1, make_lengthy, trip_lengthy, 0.1, 0.9, 1.0, {0}};
    check_kind_of(&way, 1.0, 510, 2);
}

static void test_a_body_of_any_length_notes_numbers(void)
{
    const kind longer = {"longer", 1, 1, 1, make_lengthy, trip_lengthy, 0.1, 0.9, 2.0, {0}};
    const size_t before = held_count, count = operands_of(&longer);
    pg_node *first[MOST_IN];
    problem q;
    rounds = LONGER;
    check_kind(&longer, 520, 1);
    pg_loop *loop = made_loop(&longer, 1e6);
    any_problem(&longer, loop, &q);
    q.seeds[0] = 1.0;
    CHECK(derive(PG_REVERSE, q.out[0], q.out_count, q.operands, count, q.operands, count, q.seeds, first) == PG_OK);
    const pg_loop *back = loop->derived[0];
    CHECK(back->back->flat->length > 2 * LONGER && back->noted == 0 && back->flat_noted == LONGER);
    for (size_t i = 0; i < back->flat_behind->flat->length; i++)
        CHECK(back->flat_behind->flat->code[i].code != PG_OP_cos);
    pg_release_all(first, count);
    let_go(before);
    pg_loop_release(loop);
    rounds = LENGTHY;
}

/* A scan whose way back is spared what is dear of a trip, which the trip gives away besides. */
static void make_dear(pg_node *const *x, pg_node **out)
{
    out[1] = of(PG_OP_exp, of(PG_OP_sub, of(PG_OP_mul, x[0], x[2]), of(PG_OP_mul, x[1], x[3])), NULL);
    out[0] = of(PG_OP_mul, x[1], out[1]);
}

static int trip_dear(double *x)
{
    x[MADE] = value(PG_OP_exp, x[0] * x[2] - x[1] * x[3], 0.0);
    x[0] = x[1] * x[MADE];
    return 1;
}

static void test_the_way_back_of_a_scan_is_spared_what_is_dear(void)
{
    const kind dear = {"dear", 1, 1, 1, make_dear, trip_dear, -1.0, 1.0, 3.0, {1, 1, 1, 2, 0, NULL}};
    const size_t before = held_count, count = operands_of(&dear);
    pg_node *first[MOST_IN];
    problem q;
    check_kind(&dear, 700, 6);
    pg_limit_histories(1);
    check_kind(&dear, 800, 3);
    pg_limit_histories(SIZE_MAX);
    pg_loop *loop = made_loop(&dear, 1e6);
    any_problem(&dear, loop, &q);
    q.seeds[0] = 1.0;
    CHECK(derive(PG_REVERSE, q.out[0], q.out_count, q.operands, count, q.operands, count, q.seeds, first) == PG_OK);
    CHECK(loop->derived_count == 1 && loop->derived[0]->noted == 1);
    const pg_body *behind = loop->derived[0]->behind;
    CHECK(behind->scan.given == loop->derived[0]->back->scan.given && behind->scan.length == 2);
    for (size_t i = 0; i < behind->wide->length; i++)
        CHECK(behind->wide->code[i].code != PG_OP_exp);
    pg_release_all(first, count);
    let_go(before);
    pg_loop_release(loop);
}

/* Ways, which have one trip at most: of what is captured alone, of the state as well, and one that says when it ends. */
static void make_captured(pg_node *const *x, pg_node **out)
{
    out[0] = of(PG_OP_mul, of(PG_OP_sin, x[1], NULL), x[2]);
}

static int trip_captured(double *x)
{
    x[0] = value(PG_OP_sin, x[1], 0.0) * x[2];
    return 1;
}

static void make_once(pg_node *const *x, pg_node **out)
{
    out[0] = of(PG_OP_mul, of(PG_OP_exp, x[0], NULL), x[1]);
    out[1] = constant(0.0);
}

static int trip_once(double *x)
{
    x[0] = value(PG_OP_exp, x[0], 0.0) * x[1];
    return 0;
}

/* What has partners on the way back. */
static void make_paired(pg_node *const *x, pg_node **out)
{
    pg_node *y = of(PG_OP_mul, x[1], x[2]);
    for (int i = 0; i < 4; i++) {
        pg_node *square = of(PG_OP_add, of(PG_OP_mul, y, y), constant(1.0));
        pg_node *power = of(PG_OP_pow, square, of(PG_OP_sin, y, NULL));
        y = of(PG_OP_add, of(PG_OP_cos, of(PG_OP_tanh, power, NULL), NULL),
               of(PG_OP_tanh, of(PG_OP_sin, y, NULL), NULL));
    }
    out[0] = y;
}

static int trip_paired(double *x)
{
    double y = x[1] * x[2];
    for (int i = 0; i < 4; i++) {
        const double power = value(PG_OP_pow, y * y + 1.0, value(PG_OP_sin, y, 0.0));
        y = value(PG_OP_cos, value(PG_OP_tanh, power, 0.0), 0.0) + value(PG_OP_tanh, value(PG_OP_sin, y, 0.0), 0.0);
    }
    x[0] = y;
    return 1;
}

static void make_contracted(pg_node *const *x, pg_node **out)
{
    pg_node *less = of(PG_OP_sub, x[1], of(PG_OP_mul, x[2], x[2])),
            *more = of(PG_OP_add, x[2], of(PG_OP_mul, x[1], x[1]));
    out[0] = of(PG_OP_mul, of(PG_OP_sin, less, NULL), of(PG_OP_sin, more, NULL));
}

static int trip_contracted(double *x)
{
    x[0] = value(PG_OP_sin, fma(-x[2], x[2], x[1]), 0.0) * value(PG_OP_sin, fma(x[1], x[1], x[2]), 0.0);
    return 1;
}

static const kind contracted = {"contracted", 1, 2, 1, make_contracted, trip_contracted, -1.5, 1.5, 1.0, {0}};

static void test_derivatives_of_contracted_bodies(void)
{
    pg_contracts = 1;
    check_kind_of(&contracted, 1.0, 900, 8);
    check_kind_of(&contracted, 1e6, 910, 4);
    pg_contracts = 0;
}

static pg_loop *way_inside;

/* A way in a body, which few rows take. */
static void make_inside(pg_node *const *x, pg_node **out)
{
    pg_node *items[2];
    pg_status status;
    pg_node *takes = of(PG_OP_less, constant(1.4), x[1]);
    hold(pg_loop_node(way_inside, (pg_node *[4]){x[0], takes, x[1], x[2]}, items, &status));
    hold(items[1]);
    out[0] = of(PG_OP_mul, hold(items[0]), x[2]);
}

static int trip_inside(double *x)
{
    x[0] = (x[1] > 1.4 ? value(PG_OP_sin, x[1], 0.0) * x[2] : x[0]) * x[2];
    return 1;
}

static const kind inside = {"inside", 1, 2, 1, make_inside, trip_inside, -1.5, 1.5, 3.0, {0}};

static const kind ways[] = {
    {"captured", 1, 2, 1, make_captured, trip_captured, -1.5, 1.5, 1.0, {0}},
    {"paired", 1, 2, 1, make_paired, trip_paired, -1.5, 1.5, 1.0, {0}},
    {"long", 1, 1, 1, make_long, trip_long, 0.5, 1.1, 1.0, {0}},
    {"once", 1, 1, 0, make_once, trip_once, -1.0, 1.0, 1.0, {0}},
};
enum { WAYS = sizeof ways / sizeof *ways };

static void test_a_way_that_few_rows_take_in_a_body(void)
{
    way_inside = made_loop(&ways[0], 1.0);
    check_kind_of(&inside, 1e6, 950, 8);
    pg_loop_release(way_inside);
}

/* Of rows that have all taken a way, most leave at a guard: the others go back alone. */
static void test_a_way_that_many_take_and_few_go_back(void)
{
    pg_loop *loop = made_loop(&ways[1], 1.0);
    pg_node *operands[4] = {constant(1.0), constant(1.0), constant(0.7), constant(0.3)}, *items[2], *found[2];
    pg_status status;
    const double one = 1.0;
    const size_t before = held_count;
    hold(pg_loop_node(loop, operands, items, &status));
    hold(items[0]), hold(items[1]);
    CHECK(derive(PG_REVERSE, items, 1, operands, 4, operands + 2, 2, &one, found) == PG_OK);
    trace t = {.inputs = 4, .count = 4, .optimise = 1, .output_count = 3, .guard_count = 1};
    memcpy(t.nodes, operands, sizeof operands);
    memset(t.rows, 1, sizeof t.rows);
    pg_node *staying = of(PG_OP_add, operands[0], of(PG_OP_mul, items[0], constant(0.0)));
    t.guards[0] = (pg_guard){.a = staying, .b = constant(0.0), .compare = PG_GREATER, .outcome = 1};
    t.outputs[0] = items[0], t.outputs[1] = hold(found[0]), t.outputs[2] = hold(found[1]);
    pg_program *p = program_of(&t, NULL);
    row_set r;
    uint32_t guard;
    make_rows(&r, &t, p, ROWS, any_number);
    for (size_t l = 0; l < ROWS; l++)
        for (size_t i = 0; i < 4; i++)
            r.inputs[i][l] = i == 0 && l >= 2 ? -1.0 : operands[i]->value;
    const pg_batch batch = batch_of(&r, p);
    CHECK(pg_program_run_once(p, &batch, &guard) == 1 && pg_program_run(p, &batch) == 0);
    for (size_t l = 0; l < ROWS; l++)
        CHECK(r.left[l] == (l < 2 ? UINT32_MAX : 0));
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < 3; i++)
            check_near(r.outputs[i][l], t.outputs[i]->value);
    drop_rows(&r);
    pg_program_free(p);
    let_go(before);
    pg_loop_release(loop);
    pg_forget_bodies();
}

static void test_derivatives_of_ways(void)
{
    for (size_t which = 0; which < WAYS; which++)
        check_kind_of(&ways[which], 1.0, 600 + 10 * which, 8);
    for (size_t which = 0; which < KINDS; which++) {
        kind way = kinds[which];
        way.trips = 1.0;
        if (way.counts)
            check_kind_of(&way, 1.0, 6000 + 10 * which, 4);
    }
}

/* What a history has been given by others begins where registers do, and serves the next ones. */
static void test_histories_use_the_same_memory_again(void)
{
    enum { CHUNKS = 6 };
    const size_t width = 64;
    double *chunks[2][CHUNKS], *into;
    pg_history h;
    for (int round = 0; round < 2; round++) {
        pg_history_open(&h, width, 0, 8 << 20);
        while (h.chunk_count < CHUNKS)
            CHECK(pg_history_note(&h, &into));
        for (size_t i = 0; i < CHUNKS; i++) {
            chunks[round][i] = h.chunks[i];
            CHECK((uintptr_t)h.chunks[i] % 64 == 0);
        }
        pg_history_close(&h);
    }
#ifndef PG_HOSTILE
    for (size_t i = 0; i < 4; i++)
        CHECK(chunks[0][i] == chunks[1][i]);
#endif
    pg_history_open(&h, width + 50, 0, 8 << 20); /* for which the first one is too small */
    CHECK(pg_history_note(&h, &into));
    memset(into, 0, (width + 50) * sizeof *into);
    pg_history_close(&h);
    pg_history many[6]; /* more than are kept */
    for (size_t i = 0; i < 6; i++) {
        pg_history_open(&many[i], width, 0, 8 << 20);
        CHECK(pg_history_note(&many[i], &into));
    }
    for (size_t i = 0; i < 6; i++)
        pg_history_close(&many[i]);
    pg_fail_at(1);
    pg_history_open(&h, width, 0, 8 << 20);
    CHECK(!pg_history_note(&h, &into)); /* each request is seen while some are to fail */
    pg_history_close(&h);
    pg_fail_at(0);
}

/* Rows of numbers that stand side by side are read as those that do not. */
static void test_rows_of_a_table(void)
{
    enum { COLUMNS = 20, COUNT = 70 };
    static double table[COUNT * COLUMNS], found[2][COUNT];
    const size_t before = held_count;
    pg_node *x[COLUMNS], *sum = constant(0.0), *root, *opaque;
    uint8_t rows[COLUMNS];
    const double *inputs[COLUMNS];
    ptrdiff_t strides[COLUMNS], one = 1;
    uint32_t guard;
    pg_sweep *s;
    pg_program *p;
    for (size_t i = 0; i < COLUMNS; i++) {
        x[i] = constant(0.5);
        rows[i] = 1;
        inputs[i] = table + i;
        strides[i] = COLUMNS - (i == 13); /* of which the rows do not stand beside others' */
        sum = of(PG_OP_add, of(PG_OP_mul, sum, constant(0.75)), x[i]);
    }
    for (size_t i = 0; i < COUNT * COLUMNS; i++)
        table[i] = between(-1.0, 1.0);
    CHECK(pg_sort_sum(&sum, 1, x, COLUMNS, &root, &s) == PG_OK);
    const pg_trace what = {.sweep = s, .rows = rows, .outputs = &sum, .output_count = 1, .optimise = 1};
    CHECK(pg_program_make(&what, &opaque, &p) == PG_OK);
    pg_sweep_abandon(s);
    pg_release(root);
    pg_batch batch = {.inputs = inputs, .strides = strides, .output_strides = &one};
    batch.uniforms = room(pg_uniform_bytes(p), 1);
    batch.lanes = room(pg_lane_bytes(p), 1);
    for (int swapped = 0; swapped < 2; swapped++) { /* two columns have each other's lanes */
        const pg_slot other = p->input_slots[5];
        for (size_t i = 0; i < 2 * COUNT; i++) { /* all at once, and each alone */
            double *out = i < COUNT ? found[0] : found[1];
            batch.outputs = &out;
            batch.first = i < COUNT ? 0 : i - COUNT;
            batch.count = i < COUNT ? COUNT : 1;
            CHECK(pg_program_run_once(p, &batch, &guard) == 1 && pg_program_run(p, &batch) == 0);
            i = i < COUNT ? COUNT - 1 : i;
        }
        for (size_t i = 0; i < COUNT; i++)
            CHECK(same_number(found[0][i], found[1][i]));
        p->input_slots[5] = p->input_slots[2];
        p->input_slots[2] = other;
    }
    free(batch.uniforms);
    free(batch.lanes);
    pg_program_free(p);
    let_go(before);
}

static void test_a_history_keeps_some_and_says_which(void)
{
    pg_history h;
    for (size_t width = 0; width < 100001; width = 3 * width + 1) {
        pg_history_open(&h, width, 0, 0);
        for (size_t i = 0; i < 100; i++) {
            double *into;
            CHECK(pg_history_note(&h, &into));
            if (into != NULL && width != 0)
                into[0] = (double)i;
        }
        CHECK(h.stride == 3 && h.count == 13);
        for (size_t i = 100; i-- != 0;) {
            const double *found = pg_history_at(&h, i);
            CHECK((found == NULL) == (i % 8 == 7 || i == 99));
            if (found == NULL) {
                size_t next;
                const double *from = pg_history_begin(&h, i, &next);
                CHECK(next == i / 8 * 8 + 1 && (width == 0 || from[0] == (double)(next - 1)));
                for (; next <= i; next++) {
                    double *into = pg_history_fill(&h);
                    if (width != 0)
                        into[0] = (double)next;
                }
                found = pg_history_at(&h, i);
            }
            CHECK(found != NULL && (width == 0 || found[0] == (double)i));
        }
        pg_history_close(&h);
    }
}

enum { TRIPS = 5000 };

/* States whose numbers count up from the trip's. */
static void note_trips(pg_history *h)
{
    for (size_t i = 0; i < TRIPS; i++) {
        double *into;
        CHECK(pg_history_note(h, &into));
        for (size_t k = 0; into != NULL && k < h->width + (pg_history_begins(h) ? h->more : 0); k++)
            into[k] = (double)(i + k);
    }
}

static void find_trips(pg_history *h, size_t apart)
{
    for (size_t i = TRIPS; i-- != 0;) {
        const double *found = pg_history_at(h, i);
        size_t next;
        if (found == NULL) {
            const double *from = pg_history_begin(h, i, &next);
            CHECK(next == i / apart * apart + 1);
            for (size_t k = 0; k < h->width + h->more; k++)
                CHECK(from[k] == (double)(next - 1 + k));
            for (; next <= i; next++) {
                double *into = pg_history_fill(h);
                for (size_t k = 0; k < h->width; k++)
                    into[k] = (double)(next + k);
            }
            found = pg_history_at(h, i);
        }
        for (size_t k = 0; k < h->width; k++)
            CHECK(found[k] == (double)(i + k));
    }
}

/* What is needed to compute others stands behind every sixteenth state that is kept, or behind each one where segments would
 * be longer than all that is kept. */
static void test_a_history_keeps_more_where_others_begin(void)
{
    int far = 0, near = 0;
    for (size_t states = 1; states < 5000; states *= 4)
        for (size_t width = 0; width < 1000; width = 7 * width + 1)
            for (size_t more = 1; more < 300; more *= 7) {
                pg_history h;
                pg_history_open(&h, width, more, states * (width + 1) * sizeof(double));
                const size_t most = h.most;
                note_trips(&h);
                const size_t apart = (size_t)1 << h.apart << h.stride;
                CHECK(h.count <= h.most && h.most <= (states > 16 ? states : 16));
                CHECK(apart <= most || apart * h.most <= 2 * TRIPS);
                far += h.apart != 0 && h.stride != 0;
                near += h.apart == 0;
                find_trips(&h, apart);
                pg_history_close(&h);
            }
    CHECK(far > 10 && near > 10);
}

/* A history that cannot get memory to keep each state's beginning says so, and frees what it has. */
static void test_a_history_that_is_full_fails_in_turn(void)
{
    for (size_t at = 1, failed = 1; failed; at++) {
        pg_history h;
        double *into;
        pg_history_open(&h, 3, 5, 0);
        for (size_t i = 0; i < h.most; i++)
            CHECK(pg_history_note(&h, &into));
        pg_fail_at(at);
        failed = (size_t)!pg_history_note(&h, &into);
        pg_fail_at(0);
        CHECK(failed == (at <= 2) && (h.apart == 0) == !failed);
        pg_history_close(&h);
    }
}

/* -- memory that fails ------------------------------------------------------------------------------- */

static pg_status program_fails(const problem *q, pg_node *const *nodes, size_t count, int row)
{
    pg_node *root, *opaque;
    pg_sweep *s;
    pg_program *p = NULL;
    uint8_t rows[MOST_IN];
    memset(rows, row, sizeof rows);
    pg_status status = pg_sort_sum(nodes, count, q->operands, q->operand_count, &root, &s);
    if (status != PG_OK)
        return status;
    const pg_trace what = {.sweep = s, .rows = rows, .outputs = nodes, .output_count = count, .optimise = 1};
    status = pg_program_make(&what, &opaque, &p);
    pg_sweep_abandon(s);
    pg_release(root);
    if (status != PG_OK)
        return status;
    double numbers[MOST_IN][5], results[MOST_OUT + MOST_IN][5], trips, uniforms[2000];
    const double *inputs[MOST_IN];
    double *outputs[MOST_OUT + MOST_IN];
    ptrdiff_t strides[MOST_OUT + MOST_IN];
    uint32_t guard;
    size_t where;
    for (size_t i = 0; i < MOST_OUT + MOST_IN; i++)
        outputs[i] = results[i], strides[i] = 1;
    for (size_t i = 0; i < q->operand_count; i++) {
        inputs[i] = numbers[i];
        for (size_t l = 0; l < 5; l++)
            numbers[i][l] = q->operands[i]->value;
    }
    CHECK(pg_uniform_bytes(p) <= sizeof uniforms);
    pg_batch batch = {.inputs = inputs, .strides = strides, .count = 5, .outputs = outputs, .output_strides = strides};
    batch.uniforms = uniforms;
    batch.lanes = room(pg_lane_bytes(p), 1);
    int done = pg_program_run_once(p, &batch, &guard) == 1;
    done = done && pg_program_run(p, &batch) == 0;
    if (!done)
        CHECK(pg_loop_failure(&where, &trips) == 1 && where == SIZE_MAX);
    free(batch.lanes);
    pg_program_free(p);
    return done ? PG_OK : PG_NO_MEMORY;
}

/* All that can be done with a loop. */
static pg_status everything(const kind *k, double most, problem *q, pg_node *const *leaves, pg_node *const *results)
{
    pg_node *first[MOST_IN], *second[MOST_IN];
    pg_status status;
    pg_body *b = try_body(k, leaves, results, most, &status);
    if (b == NULL)
        return status;
    pg_loop *loop = pg_loop_make(b, NULL, NULL);
    if (loop == NULL)
        return PG_NO_MEMORY;
    pg_node *n = pg_loop_node(loop, q->operands, q->out[0], &status);
    pg_loop_release(loop);
    if (n == NULL)
        return status;
    pg_release(n);
    for (int row = 0; row < 2 && status == PG_OK; row++)
        status = program_fails(q, q->out[0], q->out_count, row);
    for (int way = 0; way < 4 && status == PG_OK; way++) {
        const size_t found = way % 2 == PG_REVERSE ? q->input_count : q->out_count;
        const size_t last = way / 2 == PG_REVERSE ? q->input_count : found;
        status = derive((pg_way)(way % 2), q->out[0], q->out_count, q->operands, q->operand_count, q->inputs,
                        q->input_count, way % 2 == PG_REVERSE ? q->seeds : q->along, first);
        if (status != PG_OK)
            break;
        for (int row = 0; row < 2 && status == PG_OK && way < 2; row++)
            status = program_fails(q, first, found, row);
        if (status == PG_OK)
            status = derive((pg_way)(way / 2), first, found, q->operands, q->operand_count, q->inputs, q->input_count,
                            q->along, second);
        if (status == PG_OK) {
            for (int row = 0; row < 2 && status == PG_OK; row++)
                status = program_fails(q, second, last, row);
            pg_release_all(second, last);
        }
        pg_release_all(first, found);
    }
    pg_release_all(q->out[0], q->out_count);
    return status;
}

static void check_failing(const kind *k, double most, double trips, int alone)
{
    pg_loop *loop = made_loop(k, most);
    pg_node *leaves[MOST_IN], *results[MOST_OUT];
    problem q;
    const size_t before = held_count;
    any_problem(k, loop, &q);
    q.operands[k->state]->value = k->counts ? trips : 1.0;
    make_nodes(k, leaves, results);
    pg_forget_bodies();
    const size_t start = pg_live_nodes();
    pg_status status = PG_NO_MEMORY;
    for (size_t n = 1 + whose_turn(); status != PG_OK; n += SHARES) {
        fail(n, alone);
        status = everything(k, most, &q, leaves, results);
        pg_fail_at(0);
        pg_forget_bodies();
        CHECK((status == PG_OK || status == PG_NO_MEMORY) && pg_live_nodes() == start);
    }
    let_go(before);
    pg_loop_release(loop);
}

static void test_each_allocation_fails_in_turn(void)
{
    pg_limit_histories(1);
    for (size_t which = 0; which < KINDS; which++) {
        if (which == BROAD) /* of a thousand allocations, as other bodies have: those of packs fail in test_packs.c */
            continue;
        random_state = 77 + which;
        check_failing(&kinds[which], 1e6, which == LONG ? 20.0 : 2.0, which % 2 == 0);
    }
    pg_limit_histories(SIZE_MAX);
    random_state = 77;
    check_failing(&ways[0], 1.0, 1.0, 1);
    check_failing(&ways[1], 1.0, 1.0, 1);
}

/* Where packs are made for both directions, of programs that are there. */
static void test_what_a_broad_body_notes_fails_in_turn(void)
{
    const kind *k = &kinds[BROAD];
    const size_t before = held_count, count = operands_of(k);
    pg_loop *loop = made_loop(k, 1e6), *made = NULL;
    pg_node *first[MOST_IN];
    problem q;
    size_t n = 1;
    any_problem(k, loop, &q);
    q.seeds[0] = 1.0;
    CHECK(derive(PG_REVERSE, q.out[0], q.out_count, q.operands, count, q.operands, count, q.seeds, first) == PG_OK);
    const pg_loop *back = loop->derived[0];
    CHECK(back->flat_noted != 0 && back->flat_ahead->pack != NULL && back->flat_behind->pack != NULL);
    for (; made == NULL; n++) {
        fail(n, 0);
        made = pg_loop_make(pg_body_retain(back->body), pg_body_retain(back->back), back->parts);
        pg_fail_at(0);
    }
    CHECK(n > 20 && made->flat_noted == back->flat_noted);
    pg_loop_release(made);
    pg_release_all(first, count);
    let_go(before);
    pg_loop_release(loop);
}

/* -- who is asked to stop ------------------------------------------------------------------------------ */

static size_t asked, stops_at;

static int ask(void)
{
    return ++asked == stops_at;
}

/* Which question is answered by yes next: each of the first ones, then fewer, since each begins anew. */
static size_t next_stop(size_t n)
{
    return n + 1 + n / 4;
}

/* A program of derivatives, by rows or for numbers, of so many trips: it stops whenever it is told to. */
static void check_stopping(const problem *q, pg_node *const *nodes, size_t count, int row, double trips)
{
    trace t = {.inputs = q->operand_count, .count = q->operand_count, .output_count = count, .optimise = 1};
    memcpy(t.nodes, q->operands, q->operand_count * sizeof *t.nodes);
    memcpy(t.outputs, nodes, count * sizeof *nodes);
    memset(t.rows, row, sizeof t.rows);
    pg_program *p = program_of(&t, NULL);
    CHECK(pg_program_calls(p) == NULL);
    row_set r;
    uint32_t guard;
    size_t where;
    double done;
    make_rows(&r, &t, p, 1 + (size_t)row, any_number); /* a single one is done as numbers are */
    for (int l = 0; l <= row; l++)
        r.inputs[1][l] = trips;
    pg_batch batch = batch_of(&r, p);
    pg_stop_asked = ask;
    int going = 0;
    for (stops_at = 1; !going; stops_at = next_stop(stops_at)) {
        asked = 0;
        going = pg_program_run_once(p, &batch, &guard) == 1 && pg_program_run(p, &batch) == 0;
        CHECK(going || (asked == stops_at && pg_loop_failure(&where, &done) == 0));
    }
    CHECK(stops_at > 2);
    pg_stop_asked = NULL;
    int stop = 0;
    batch.stop = &stop;
    pg_stop(&stop);
    r.inputs[1][0] = 1.0;
    CHECK(pg_program_run_once(p, &batch, &guard) == 1 && pg_program_run(p, &batch) == -1);
    drop_rows(&r);
    pg_program_free(p);
}

/* A body with a loop that is the same for all rows, and long. */
static void make_apart(pg_node *const *x, pg_node **out)
{
    pg_node *operands[3] = {constant(0.7), constant(2e5), constant(0.9)}, *items[2];
    pg_status status;
    pg_node *n = hold(pg_loop_node(inner, operands, items, &status));
    CHECK(n->op == PG_SEVERAL);
    hold(items[1]);
    out[0] = of(PG_OP_mul, x[0], hold(items[0]));
}

static void test_loops_stop_in_what_is_the_same_for_all_rows(void)
{
    const kind k = {"apart", 1, 0, 1, make_apart, NULL, 0.1, 0.9, 3.0, {0}};
    pg_loop *before = inner;
    inner = made_loop(&kinds[LONG], 1e6);
    pg_loop *loop = made_loop(&k, 1e6);
    problem q = {.operands = {constant(0.5), constant(1.0)}, .operand_count = 2};
    pg_node *first[1], *n;
    pg_status status;
    const double seeds[2] = {1.0, 0.0};
    n = hold(pg_loop_node(loop, q.operands, q.out[0], &status));
    hold(q.out[0][0]);
    hold(q.out[0][1]);
    CHECK(n != NULL && derive(PG_REVERSE, q.out[0], 2, q.operands, 2, q.operands, 1, seeds, first) == PG_OK);
    check_stopping(&q, first, 1, 1, 1.0);
    pg_release_all(first, 1);
    let_go(0);
    pg_loop_release(loop);
    pg_loop_release(inner);
    pg_loop_release(NULL);
    inner = before;
}

static void make_product(pg_node *const *x, pg_node **out)
{
    out[0] = of(PG_OP_mul, x[0], x[1]);
}

/* 0 on the way back, where the state was infinite. */
static void test_a_way_back_tells_of_a_product_with_0(void)
{
    const kind k = {"product", 1, 1, 1, make_product, NULL, 0.1, 0.9, 3.0, {0}};
    pg_loop *loop = made_loop(&k, 1e6);
    trace t = {.nodes = {constant(0.5), constant(2.0), constant(0.5)}, .inputs = 3, .count = 3, .output_count = 1};
    pg_node *out[2];
    pg_status status;
    uint32_t guard;
    row_set r;
    const double seeds[2] = {1.0, 0.0};
    hold(pg_loop_node(loop, t.nodes, out, &status));
    hold(out[0]);
    hold(out[1]);
    CHECK(derive(PG_REVERSE, out, 2, t.nodes, 3, t.nodes + 2, 1, seeds, t.outputs) == PG_OK);
    for (uint8_t row = 0; row < 2; row++) {
        memset(t.rows, row, sizeof t.rows);
        pg_program *p = program_of(&t, NULL);
        p->tells = 1;
        for (size_t count = 1; count <= 5; count += 4) {
            const size_t where = count == 1 ? 0 : 3;
            make_rows(&r, &t, p, count, any_number);
            for (size_t l = 0; l < count; l++) {
                r.inputs[0][l] = row && l != where ? 0.5 : (double)INFINITY;
                r.inputs[1][l] = 2.0;
                r.inputs[2][l] = 0.0;
            }
            pg_batch batch = batch_of(&r, p);
            CHECK(pg_program_run_once(p, &batch, &guard) == (row ? 1 : 2));
            CHECK(!row || pg_program_run(p, &batch) == (int64_t)where + 1);
            drop_rows(&r);
        }
        pg_program_free(p);
    }
    pg_release(t.outputs[0]);
    let_go(0);
    pg_loop_release(loop);
}

/* Results that are what is differentiated by, and those that stand for nothing in the trace. */
static void test_no_derivative_goes_from_a_result_to_a_loop_that_does_not_depend(void)
{
    const kind *k = &kinds[CROSSING];
    const double seed = 2.0;
    for (int outside = 0; outside < 2; outside++) {
        pg_loop *loop = made_loop(k, 1e6);
        pg_node *found;
        pg_birth_flags = outside ? 0 : PG_TRACED;
        pg_node *x[6], *items[4];
        pg_status status;
        for (int i = 0; i < 6; i++)
            x[i] = pg_leaf(1.0);
        pg_node *n = pg_loop_node(loop, x, items, &status);
        pg_birth_flags = PG_TRACED;
        for (int i = 0; !outside && i < 6; i++)
            pg_mark_traced(x[i]);
        CHECK(derive(PG_REVERSE, items, 1, NULL, 0, items, 1, &seed, &found) == PG_OK && found->value == 2.0);
        pg_release(found);
        pg_release_all(items, 4);
        pg_release(n);
        pg_release_all(x, 6);
        pg_loop_release(loop);
    }
}

static void test_a_sum_of_many_fails_in_turn(void)
{
    enum { COUNT = 30000 };
    static pg_node *nodes[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        nodes[i] = constant(1.0);
    for (size_t stops = 0; stops <= COUNT; stops += COUNT) {
        pg_node *root;
        pg_sweep *s;
        pg_status status = PG_NO_MEMORY;
        size_t n = 1;
        for (; status != PG_OK; n++) {
            fail(n, 0);
            status = pg_sort_sum(nodes, COUNT, nodes, stops, &root, &s);
            pg_fail_at(0);
            CHECK(status == PG_OK || status == PG_NO_MEMORY);
        }
        CHECK(n > 5);
        pg_sweep_abandon(s);
        pg_release(root);
    }
    let_go(0);
}

static void test_loops_stop_wherever_they_are(void)
{
    const kind *k = &kinds[LONG];
    pg_loop *loop = made_loop(k, 1e6);
    problem q;
    pg_node *first[MOST_IN];
    const size_t before = held_count;
    do {
        let_go(before);
        any_problem(k, loop, &q);
    } while (q.input_count != q.operand_count || q.seeds[0] == 0.0);
    CHECK(derive(PG_REVERSE, q.out[0], 2, q.operands, 3, q.inputs, 3, q.seeds, first) == PG_OK);
    for (int little = 0; little < 2; little++) {
        pg_limit_histories(little ? 4096 : SIZE_MAX);
        for (int row = 0; row < 2; row++) {
            check_stopping(&q, q.out[0], 2, row, row ? 4e4 : 3e5);
            check_stopping(&q, first, 3, row, row ? 1e4 : 4e5);
        }
    }
    pg_limit_histories(SIZE_MAX);
    pg_release_all(first, 3);
    q.operands[1]->value = 2e5; /* while nodes are made */
    pg_stop_asked = ask, asked = 0, stops_at = 1;
    pg_status status;
    CHECK(pg_loop_node(loop, q.operands, first, &status) == NULL && status == PG_STOPPED);
    asked = 0;
    CHECK(derive(PG_REVERSE, q.out[0], 2, q.operands, 3, q.inputs, 3, q.seeds, first) == PG_STOPPED);
    pg_stop_asked = NULL;
    let_go(before);
    pg_loop_release(loop);
}

static void test_a_loop_says_what_it_consists_of(void)
{
    size_t ways_back = 0;
    for (size_t which = 0; which < KINDS; which++) {
        const kind *k = &kinds[which];
        const size_t before = held_count, plain = operands_of(k), length = k->scan.length;
        pg_loop *loop = made_loop(k, 1e6);
        pg_opened_loop o;
        pg_node *first[MOST_IN];
        problem q;
        any_problem(k, loop, &q);
        pg_loop_opened(loop, &o);
        CHECK(o.body == loop->body->flat && o.back == NULL && o.state == k->state && o.captured == k->captured);
        CHECK(o.arrived == 0 && o.operands == plain && o.results == results_of_loop(k));
        CHECK(o.counts == k->counts && o.most == 1e6);
        CHECK(o.given == k->scan.given && o.made == k->scan.made && o.back_given == 0 && o.back_made == 0);
        CHECK(o.known == k->scan.known && o.length == length && o.reverse == k->scan.reverse);
        CHECK(o.known == 0 ? o.numbers == NULL : o.numbers == loop->body->scan.numbers->at);
        CHECK(derive(PG_REVERSE, q.out[0], q.out_count, q.operands, plain, q.operands, plain, q.seeds, first) == PG_OK);
        for (size_t i = 0; i < loop->derived_count; i++) {
            pg_loop_opened(loop->derived[i], &o);
            CHECK(o.body == loop->body->flat && o.back == loop->derived[i]->back->flat);
            CHECK(o.operands == plain + o.arrived + (o.back_given - o.given) * length);
            CHECK(o.results == o.back->outputs + o.back_made * length - o.back_made);
            ways_back++;
        }
        pg_release_all(first, plain);
        let_go(before);
        pg_loop_release(loop);
    }
    CHECK(ways_back > 2);
}

int main(void)
{
    begin_tracing();
    RUN(test_a_loop_says_what_it_consists_of);
    RUN(test_derivatives_are_those_of_all_trips);
    RUN(test_derivatives_with_little_room_for_states);
    RUN(test_derivatives_of_a_lengthy_body);
    RUN(test_a_body_of_any_length_notes_numbers);
    RUN(test_the_way_back_of_a_scan_is_spared_what_is_dear);
    RUN(test_derivatives_of_contracted_bodies);
    RUN(test_a_way_that_few_rows_take_in_a_body);
    RUN(test_a_way_that_many_take_and_few_go_back);
    RUN(test_derivatives_of_ways);
    RUN(test_histories_use_the_same_memory_again);
    RUN(test_rows_of_a_table);
    RUN(test_a_history_keeps_some_and_says_which);
    RUN(test_a_history_keeps_more_where_others_begin);
    RUN(test_a_history_that_is_full_fails_in_turn);
    RUN(test_each_allocation_fails_in_turn);
    RUN(test_what_a_broad_body_notes_fails_in_turn);
    RUN(test_loops_stop_wherever_they_are);
    RUN(test_loops_stop_in_what_is_the_same_for_all_rows);
    RUN(test_a_way_back_tells_of_a_product_with_0);
    RUN(test_no_derivative_goes_from_a_result_to_a_loop_that_does_not_depend);
    RUN(test_a_sum_of_many_fails_in_turn);
    end_tracing();
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
