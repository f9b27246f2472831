/* test_standing.c: which columns of scans are read where they stand, and that the results are those of columns that are not.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "loops.h"
#include "program/standing.h"

/* -- which ---------------------------------------------------------------------------------------- *
 * A program of two scans of one column, of LENGTH items, behind a state, a number of trips and what is captured, with room for
 * an instruction before each and after them. Inputs 0 to 2 are these, the others the items; each is in the slot of its number. */

enum { LENGTH = 11, ITEMS = 3, INPUTS = ITEMS + LENGTH, OPERANDS = 3 + LENGTH, FREE = INPUTS };

typedef struct {
    pg_body body;
    pg_loop loop;
    void *loops[1];
    pg_term terms[2 * OPERANDS + 2];
    pg_slot inputs[INPUTS];
    pg_instruction code[5];
    pg_program p;
    const double *given[INPUTS];
    ptrdiff_t strides[INPUTS];
    pg_batch batch;
    double memory[64];
} passage;

static const pg_instruction nothing = {.code = PG_OP_neg, .out = FREE, .a = 0, .b = PG_NO_SLOT, .c = PG_NO_SLOT};

static void lay(passage *s)
{
    static double numbers[INPUTS];
    const pg_instruction loop = {
        .code = PG_CODE_LOOP, .out = PG_ROW | (FREE + 2), .b = PG_NO_SLOT, .c = PG_NO_SLOT, .count = OPERANDS};
    *s = (passage){.body = {.state = 1, .captured = 1, .scan = {.given = 1, .length = LENGTH}},
                   .code = {nothing, loop, nothing, loop, nothing}};
    s->loop = (pg_loop){.base = {.operands = OPERANDS, .results = 2}, .body = &s->body};
    s->loops[0] = &s->loop;
    s->code[3].first = OPERANDS;
    for (size_t i = 0; i < INPUTS; i++) {
        s->inputs[i] = PG_ROW | (pg_slot)i;
        s->given[i] = numbers + i;
        s->strides[i] = INPUTS;
        s->terms[i].a = s->terms[OPERANDS + i].a = PG_ROW | (pg_slot)i;
        s->terms[i].b = s->terms[OPERANDS + i].b = PG_NO_SLOT;
    }
    s->p = (pg_program){.inputs = INPUTS,
                        .lanes = FREE + 4,
                        .input_slots = s->inputs,
                        .code = s->code,
                        .length = 5,
                        .terms = s->terms,
                        .term_count = 2 * OPERANDS + 2,
                        .loops = s->loops,
                        .loop_count = 1};
    s->batch = (pg_batch){.inputs = s->given, .strides = s->strides, .count = 2};
}

/* Whether the column stands; if so, as a whole, and nothing else does. */
static int stands(passage *s)
{
    CHECK(pg_standing_numbers(&s->p) * sizeof(double) >= s->p.lanes * sizeof(uint32_t));
    CHECK(pg_standing_numbers(&s->p) <= sizeof s->memory / sizeof *s->memory);
    const uint32_t *found = pg_find_standing(&s->p, &s->batch, s->memory);
    for (size_t i = 0; found != NULL && i < s->p.lanes; i++)
        CHECK(found[i] == (i < ITEMS || i >= INPUTS ? 0 : i + 1));
    return found != NULL;
}

static void test_a_column_stands_that_nobody_else_reads(void)
{
    static passage s;
    lay(&s);
    CHECK(stands(&s));
    lay(&s);
    s.batch.count = 1; /* runs on numbers */
    CHECK(!stands(&s));
    lay(&s);
    s.p.loop_count = 0;
    s.p.length = 1;
    CHECK(pg_standing_numbers(&s.p) == 0 && pg_find_standing(&s.p, &s.batch, s.memory) == NULL);
    const pg_slot item = PG_ROW | (ITEMS + 4);
    for (size_t at = 0; at < 5; at += 2) /* before, between and behind the scans */
        for (int how = 0; how < 7; how++) {
            lay(&s);
            pg_instruction *in = &s.code[at];
            pg_term *terms = &s.terms[2 * OPERANDS];
            terms[0] = (pg_term){.a = how == 3 ? item : 0, .b = how == 4 ? item : PG_NO_SLOT};
            terms[1] = (pg_term){.a = PG_ROW | 0, .b = PG_ROW | 1};
            in->a = how == 0 ? item : 0;
            in->b = how == 1 ? item : PG_NO_SLOT;
            in->c = how == 2 ? item : PG_NO_SLOT;
            in->first = 2 * OPERANDS, in->count = 2;
            in->code = how == 3 || how == 4 ? PG_CODE_FUSED : how == 5 ? PG_CODE_TAKE : PG_OP_where;
            in->b = how == 5 ? item - 1 : in->b; /* two items from there on */
            CHECK(stands(&s) == (how == 6));
        }
    for (int other = 0; other < 3; other++) { /* as the state, the number of trips or what is captured */
        lay(&s);
        s.terms[OPERANDS + other].a = item;
        CHECK(!stands(&s));
    }
}

static void test_a_column_stands_that_is_overwritten_once_it_has_been_read(void)
{
    static passage s;
    for (size_t at = 0; at < 5; at += 2) {
        lay(&s);
        s.code[at].out = PG_ROW | (ITEMS + 4);
        CHECK(stands(&s) == (at == 4));
        s.code[at].code = PG_CODE_GUARD, s.code[at].out = ITEMS + 4; /* which is no slot */
        CHECK(stands(&s));
    }
    lay(&s);
    s.code[3].out = PG_ROW | (ITEMS + LENGTH - 2); /* by the results of the last scan, */
    s.code[4].a = PG_ROW | (ITEMS + LENGTH - 1); /* which are what is read there */
    CHECK(stands(&s));
    s.code[1].out = PG_ROW | (ITEMS + LENGTH - 2);
    CHECK(!stands(&s));
}

static void test_a_column_stands_whose_items_are_side_by_side(void)
{
    static passage s;
    static double elsewhere[2];
    lay(&s);
    s.given[ITEMS + 5] = elsewhere;
    CHECK(!stands(&s));
    lay(&s);
    s.strides[INPUTS - 1] = 1;
    CHECK(!stands(&s));
    lay(&s);
    s.inputs[ITEMS + 5] = 0; /* the same for all rows */
    s.terms[ITEMS + 5].a = s.terms[OPERANDS + ITEMS + 5].a = 0;
    CHECK(!stands(&s));
    lay(&s);
    for (size_t i = 0; i < LENGTH; i++) /* the second column is of what is the same for all rows, beyond all lanes */
        s.terms[OPERANDS + ITEMS + i].a = 0x10000000 + (pg_slot)i;
    CHECK(stands(&s));
    lay(&s);
    s.inputs[ITEMS] = PG_NO_SLOT;
    s.terms[ITEMS].a = s.terms[OPERANDS + ITEMS].a = 0;
    CHECK(!stands(&s));
    lay(&s);
    s.inputs[ITEMS] = PG_NO_SLOT; /* and something else has its slot */
    CHECK(!stands(&s));
    lay(&s);
    for (size_t i = 0; i < LENGTH;
         i++) /* the second scan has it the other way round: then the first one has to have it loaded */
        s.terms[OPERANDS + ITEMS + i].a = PG_ROW | (pg_slot)(INPUTS - 1 - i);
    CHECK(!stands(&s));
    lay(&s);
    s.body.scan.length = PG_TILE - 1;
    CHECK(!stands(&s));
}

/* -- how ------------------------------------------------------------------------------------------ */

enum { TRIPS = 19, COLUMNS = 3, WIDE = 2 + COLUMNS * TRIPS, MOST_ROWS = 2 * PG_LANES + 1 };

static int reversed; /* whether the first trip has the last items */
static int same; /* whether those of the last column are no inputs */

/* Of three columns the second is not read; the last may be the same for all rows. */
static void make_three(pg_node *const *x, pg_node **out)
{
    out[0] = of(PG_OP_add, of(PG_OP_mul, x[0], x[1]), of(PG_OP_mul, x[2], x[4]));
}

static double plainly(const double *row)
{
    double s = row[0];
    for (size_t i = 0; i < TRIPS; i++) {
        const double *item = row + 2 + (reversed ? TRIPS - 1 - i : i);
        s = s * row[1] + item[0] * (same ? 0.25 : item[2 * TRIPS]);
    }
    return s;
}

/* The program of such a scan, and of an item besides, if it is one of a column. */
static pg_program *program_of_three(size_t besides)
{
    const kind three = {.state = 1,
                        .captured = 1,
                        .counts = 1,
                        .make = make_three,
                        .scan = {.given = COLUMNS, .length = TRIPS, .reverse = reversed}};
    pg_node *leaves[WIDE], *operands[WIDE + 1], *results[2], *root, *opaque;
    uint8_t rows[WIDE];
    pg_status status;
    pg_sweep *s;
    pg_program *p;
    const size_t before = held_count;
    pg_loop *loop = made_loop(&three, 1e6);
    for (size_t i = 0; i < WIDE; i++) {
        leaves[i] = constant(0.5);
        rows[i] = 1;
        operands[i + (i != 0)] = same && i >= 2 + 2 * TRIPS ? constant(0.25) : leaves[i];
    }
    operands[1] = constant(TRIPS);
    pg_node *node = hold(pg_loop_node(loop, operands, results, &status));
    CHECK(status == PG_OK && node != NULL);
    hold(results[0]), hold(results[1]);
    pg_node *outputs[2] = {results[0], besides < WIDE ? leaves[besides] : results[1]};
    CHECK(pg_sort_sum(outputs, 2, leaves, WIDE, &root, &s) == PG_OK);
    const pg_trace what = {.sweep = s, .rows = rows, .outputs = outputs, .output_count = 2, .optimise = 1};
    CHECK(pg_program_make(&what, &opaque, &p) == PG_OK);
    pg_sweep_abandon(s);
    pg_release(root);
    let_go(before);
    pg_loop_release(loop);
    return p;
}

/* Rows from the second one on, or in an order of their own. */
static void check_rows(const pg_program *p, size_t count, int listed)
{
    static double numbers[MOST_ROWS + 1][WIDE], found[2][MOST_ROWS + 1];
    static size_t order[MOST_ROWS + 1];
    const double *given[WIDE];
    double *outputs[2] = {found[0], found[1]};
    ptrdiff_t strides[WIDE];
    uint32_t guard;
    for (size_t l = 0; l < count + 1; l++) {
        order[l] = count - l;
        for (size_t i = 0; i < WIDE; i++)
            numbers[l][i] = between(-1.0, 1.0);
    }
    for (size_t i = 0; i < WIDE; i++)
        given[i] = &numbers[0][i], strides[i] = WIDE;
    const ptrdiff_t ones[2] = {1, 1};
    const pg_batch batch = {.inputs = given,
                            .strides = strides,
                            .rows = listed ? order : NULL,
                            .first = listed ? 0 : 1,
                            .count = count,
                            .outputs = outputs,
                            .output_strides = ones,
                            .uniforms = room(pg_uniform_bytes(p), 1),
                            .lanes = room(pg_lane_bytes(p), 1)};
    CHECK(pg_program_run_once(p, &batch, &guard) == 1 && pg_program_run(p, &batch) == 0);
    for (size_t l = 1; l < count + 1; l++)
        CHECK(found[0][l] == plainly(numbers[l]));
    free(batch.uniforms), free(batch.lanes);
}

static void test_results_are_the_same(void)
{
    static const size_t counts[] = {1, 2, 63, 64, 65, 66, 2 * PG_LANES + 1};
    for (int n = 0; n < 24; n++) {
        const size_t besides[] = {WIDE, 2 + TRIPS - 1, 2 + 2 * TRIPS, 1};
        reversed = n / 3 % 2, same = n % 2;
        pg_choose_lanes(n % 3);
        pg_program *p = program_of_three(besides[n / 6]);
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            check_rows(p, counts[i], i % 2);
        pg_program_free(p);
    }
    pg_choose_lanes(2);
}

int main(void)
{
    RUN(test_a_column_stands_that_nobody_else_reads);
    RUN(test_a_column_stands_that_is_overwritten_once_it_has_been_read);
    RUN(test_a_column_stands_whose_items_are_side_by_side);
    RUN(test_results_are_the_same);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
