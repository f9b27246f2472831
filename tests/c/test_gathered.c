/* Ways of branches that some rows of a block take, on lanes of those rows alone: with the bits of each row by itself. */
#include "loops.h"

#include "program/gathered.h"

enum { STEPS = 20, COUNT = PG_LANES + 21, GIVEN = 4, FOUND = 3 };

static void make_steps(pg_node *const *x, pg_node **out)
{
    out[0] = x[0];
    for (int i = 0; i < STEPS; i++)
        out[0] = of(PG_OP_sin, of(PG_OP_add, of(PG_OP_mul, out[0], x[1]), x[2]), NULL);
}

static void make_short(pg_node *const *x, pg_node **out)
{
    out[0] = of(PG_OP_mul, x[0], x[1]);
}

static const kind lengthy = {"lengthy", 1, 2, 1, make_steps, NULL, -1.0, 1.0, 1.0, {0}};
static const kind brief = {"brief", 1, 2, 1, make_short, NULL, -1.0, 1.0, 1.0, {0}};

static double some_number(void)
{
    return between(-1.0, 1.0);
}

/* A program of the way's result and its slopes, whose second input says which rows take it; and whether they stay, the
 * first. */
static pg_program *made(trace *t, const pg_loop *loop, int guards)
{
    pg_node *operands[GIVEN] = {constant(1.0), constant(1.0), constant(0.7), constant(0.3)}, *items[2], *found[2];
    pg_status status;
    const double one = 1.0;
    hold(pg_loop_node((pg_loop *)(uintptr_t)loop, operands, items, &status));
    hold(items[0]), hold(items[1]);
    CHECK(derive(PG_REVERSE, items, 1, operands, GIVEN, operands + 2, 2, &one, found) == PG_OK);
    *t = (trace){.inputs = GIVEN, .count = GIVEN, .optimise = 1, .output_count = FOUND, .guard_count = (size_t)guards};
    memcpy(t->nodes, operands, sizeof operands);
    memset(t->rows, 1, sizeof t->rows);
    pg_node *staying = of(PG_OP_add, operands[0], of(PG_OP_mul, items[0], constant(0.0)));
    t->guards[0] = (pg_guard){.a = staying, .b = constant(-0.5), .compare = PG_GREATER, .outcome = 1};
    t->outputs[0] = items[0], t->outputs[1] = hold(found[0]), t->outputs[2] = hold(found[1]);
    return program_of(t, NULL);
}

static void run(const pg_program *p, const row_set *r, size_t first, size_t count)
{
    pg_batch batch = batch_of(r, p);
    uint32_t guard;
    batch.first = first;
    batch.count = count;
    batch.totals = NULL;
    CHECK(pg_program_run_once(p, &batch, &guard) == 1 && pg_program_run(p, &batch) == 0);
}

/* As many of the rows as there are take the way: every so many, from one on. */
static void check_share(const pg_program *p, const row_set *r, size_t every, size_t from)
{
    double found[FOUND][COUNT];
    uint32_t left[COUNT];
    for (size_t l = 0; l < COUNT; l++)
        r->inputs[1][l] = l % every == from ? 1.0 : 0.0;
    run(p, r, 0, COUNT);
    for (size_t i = 0; i < FOUND; i++)
        memcpy(found[i], r->outputs[i], sizeof found[i]);
    memcpy(left, r->left, sizeof left);
    for (size_t l = 0; l < COUNT; l++) {
        run(p, r, l, 1);
        if (p->guards != 0 && left[l] != UINT32_MAX)
            continue;
        for (size_t i = 0; i < FOUND; i++)
            CHECK(!memcmp(&found[i][l], &r->outputs[i][l], sizeof(double)));
    }
}

static void test_rows_have_their_bits_whoever_takes_the_way(void)
{
    const kind *both[] = {&lengthy, &brief};
    for (int guards = 0; guards < 2; guards++)
        for (size_t k = 0; k < 2; k++) {
            const size_t before = held_count;
            pg_loop *loop = made_loop(both[k], 1.0);
            trace t;
            row_set r;
            CHECK(pg_can_gather(loop));
            pg_program *p = made(&t, loop, guards);
            make_rows(&r, &t, p, COUNT, some_number);
            for (size_t every = 1; every <= PG_LANES; every *= 2)
                for (size_t from = 0; from < every; from += 1 + every / 3)
                    check_share(p, &r, every, from);
            check_share(p, &r, COUNT + 1, COUNT);
            drop_rows(&r);
            pg_program_free(p);
            let_go(before);
            pg_loop_release(loop);
            pg_forget_bodies();
        }
}

/* What is spared has to be worth what is moved; a loop of trips is never gathered. */
static void test_few_lanes_are_chosen_where_that_pays(void)
{
    int64_t mask[PG_LANES];
    pg_loop *loop = made_loop(&lengthy, 1.0), *short_one = made_loop(&brief, 1.0), *trips = made_loop(&lengthy, 9.0);
    const block rows = {.count = 60, .width = PG_LANES};
    pg_chosen chosen;
    for (size_t l = 0; l < PG_LANES; l++)
        mask[l] = -(int64_t)(l % 3 == 1);
    pg_gather_lanes(loop, NULL, &rows, mask, 20, &chosen);
    CHECK(chosen.count == 20 && chosen.lanes[0] == 1 && chosen.lanes[19] == 58);
    const block some = pg_gathered(loop, &rows, &chosen);
    CHECK(some.count == 20 && some.width == 24 && some.chosen == &chosen);
    pg_gather_lanes(short_one, NULL, &rows, mask, 20, &chosen);
    CHECK(chosen.count == 0);
    pg_gather_lanes(trips, NULL, &rows, mask, 20, &chosen);
    CHECK(chosen.count == 0 && !pg_can_gather(trips));
    pg_loop_release(loop);
    pg_loop_release(short_one);
    pg_loop_release(trips);
    pg_forget_bodies();
}

/* Rules of the user's may go back by a loop where nothing goes forward by one. Then the way forward is not gathered, either: the
 * lanes of one are the other's. */
static void test_a_way_that_goes_back_by_a_loop_is_not_gathered_forward(void)
{
    int64_t mask[PG_LANES] = {-1, -1, -1};
    pg_loop *loop = made_loop(&lengthy, 1.0), *around = made_loop(&kinds[NESTED], 9.0);
    const pg_loop later = {.base = loop->base, .body = loop->body, .back = around->body};
    const block rows = {.count = PG_LANES, .width = PG_LANES};
    pg_chosen chosen;
    CHECK(!pg_can_gather(&later));
    pg_gather_lanes(loop, &later, &rows, mask, 3, &chosen);
    CHECK(chosen.count == 0);
    pg_gather_lanes(loop, loop, &rows, mask, 3, &chosen);
    CHECK(chosen.count == 3);
    pg_loop_release(loop);
    pg_loop_release(around);
    pg_forget_bodies();
}

/* The row that has met 0 * inf is told as one of the whole block. */
static void test_a_singular_row_is_that_of_the_block(void)
{
    static double lanes[4 * PG_LANES], frame[2 * PG_LANES], results[2 * PG_LANES];
    pg_loop *loop = made_loop(&lengthy, 1.0);
    const pg_term operands[GIVEN] = {{.a = PG_ROW}, {.a = PG_ROW | 1}, {.a = PG_ROW | 2}, {.a = PG_ROW | 3}};
    const pg_chosen chosen = {.count = 3, .lanes = {2, 5, 9}};
    block rows = {.lanes = lanes, .frame = frame, .first = PG_LANES, .count = 12, .width = 16};
    block some = pg_gathered(loop, &rows, &chosen);
    for (size_t l = 0; l < PG_LANES; l++)
        lanes[l] = (double)l;
    for (size_t i = 0; i < 3; i++)
        frame[i] = 100.0 + (double)i;
    pg_scatter(loop, operands, &rows, &some, results);
    CHECK(rows.singular == 0 && results[2] == 100.0 && results[9] == 102.0 && results[3] == 3.0);
    CHECK(results[11] == 11.0 && results[15] == 11.0); /* behind the rows as the last one */
    some.singular = 1 + PG_LANES + 1;
    pg_scatter(loop, operands, &rows, &some, results);
    CHECK(rows.singular == 1 + PG_LANES + 5);
    some.singular = 1 + PG_LANES + 2;
    pg_scatter(loop, operands, &rows, &some, results);
    CHECK(rows.singular == 1 + PG_LANES + 5);
    pg_loop_release(loop);
    pg_forget_bodies();
}

/* One that would go on after its only trip is told by its row, too. */
static void test_a_way_that_does_not_end_says_where(void)
{
    const size_t before = held_count;
    pg_loop *loop = made_loop(&lengthy, 1.0);
    trace t;
    row_set r;
    uint32_t guard;
    size_t row;
    double trips;
    pg_program *p = made(&t, loop, 0);
    make_rows(&r, &t, p, COUNT, some_number);
    for (size_t l = 0; l < COUNT; l++)
        r.inputs[1][l] = l % 4 != 1 ? 0.0 : l == 33 ? 2.0 : 1.0;
    const pg_batch batch = batch_of(&r, p);
    CHECK(pg_program_run_once(p, &batch, &guard) == 1 && pg_program_run(p, &batch) == -1);
    CHECK(pg_loop_failure(&row, &trips) == 2 && row == 33 && trips == 1.0);
    drop_rows(&r);
    pg_program_free(p);
    let_go(before);
    pg_loop_release(loop);
    pg_forget_bodies();
}

/* What waits for its place needs room, also on the way forward where the way back has few results. */
enum { MANY = 90 };

static pg_loop *made_many(void)
{
    pg_node *leaves[MANY + 2], *results[MANY], *opaque;
    pg_status status;
    for (size_t i = 0; i < MANY + 2; i++)
        leaves[i] = constant(0.5);
    make_steps((pg_node *[3]){leaves[MANY], leaves[MANY + 1], leaves[MANY + 1]}, results);
    for (size_t i = 1; i < MANY; i++)
        results[i] = leaves[i - 1];
    pg_body *body = pg_body_of(leaves, MANY, 2, results, MANY, 1, 1.0, &status, &opaque);
    CHECK(body != NULL);
    pg_loop *loop = pg_loop_make(body, NULL, NULL);
    CHECK(loop != NULL);
    return loop;
}

static void test_there_is_room_for_more_results_than_slopes(void)
{
    const size_t before = held_count;
    pg_loop *loop = made_many();
    pg_node *operands[MANY + 3], *items[MANY + 1], *found[1], *const state = constant(0.25);
    pg_status status;
    const double one = 1.0;
    trace t = {.inputs = GIVEN, .count = GIVEN, .optimise = 1, .output_count = FOUND};
    for (size_t i = 0; i < GIVEN; i++)
        t.nodes[i] = constant(0.5);
    for (size_t i = 0; i < MANY; i++)
        operands[i] = state;
    t.nodes[0] = state;
    memcpy(operands + MANY, t.nodes + 1, 3 * sizeof *operands);
    hold(pg_loop_node(loop, operands, items, &status));
    for (size_t i = 0; i <= MANY; i++)
        hold(items[i]);
    CHECK(derive(PG_REVERSE, items, 1, operands, MANY + 3, operands + MANY + 1, 1, &one, found) == PG_OK);
    memset(t.rows, 1, sizeof t.rows);
    t.outputs[0] = items[0], t.outputs[1] = hold(found[0]), t.outputs[2] = items[MANY - 1];
    pg_program *p = program_of(&t, NULL);
    row_set r;
    make_rows(&r, &t, p, COUNT, some_number);
    for (size_t every = 4; every <= PG_LANES; every *= 2)
        check_share(p, &r, every, 1);
    drop_rows(&r);
    pg_program_free(p);
    let_go(before);
    pg_loop_release(loop);
    pg_forget_bodies();
}

int main(void)
{
    begin_tracing();
    RUN(test_rows_have_their_bits_whoever_takes_the_way);
    RUN(test_few_lanes_are_chosen_where_that_pays);
    RUN(test_a_way_that_goes_back_by_a_loop_is_not_gathered_forward);
    RUN(test_a_singular_row_is_that_of_the_block);
    RUN(test_a_way_that_does_not_end_says_where);
    RUN(test_there_is_room_for_more_results_than_slopes);
    end_tracing();
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
