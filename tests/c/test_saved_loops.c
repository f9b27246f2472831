/* test_saved_loops.c: programs with loops as bytes and back, and what is not sound among these.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "loops.h"
#include "traces.h"

#include "program/bodies.h"

enum { MOST_PARTS = PG_DEEPEST_LOOP + 1, MOST_SIZE = 1 << 16, HEAD = 12, ROWS = 70, MOST_OF_A_KIND = 6 };

static uint16_t as_it_is[PG_CODE_COUNT + 1];

/* A file without what Python writes: bodies, then the program. */
typedef struct {
    unsigned char *bytes[MOST_PARTS];
    size_t sizes[MOST_PARTS], count;
} text;

static void drop_text(text *t)
{
    while (t->count != 0)
        free(t->bytes[--t->count]);
}

static unsigned char *add_part(text *t, size_t size)
{
    CHECK(t->count < MOST_PARTS);
    t->sizes[t->count] = size;
    return t->bytes[t->count++] = room(size + 1, 1);
}

static text written(const pg_program *p)
{
    text t = {.count = 0};
    pg_bodies *bodies = pg_bodies_open();
    CHECK(bodies != NULL && pg_bodies_add(bodies, p, p->inputs) == 1);
    for (size_t i = 0; i < bodies->count; i++)
        pg_body_write(bodies, i, as_it_is, add_part(&t, pg_body_size(bodies, i)));
    pg_program_write(p, p->inputs, as_it_is, bodies, add_part(&t, pg_program_size(p, p->inputs)));
    pg_bodies_close(bodies);
    return t;
}

/* From blocks of exactly the size, so that a sanitizer sees what goes beyond. */
static int read_back(const text *t, pg_program **p)
{
    pg_bodies *bodies = pg_bodies_open();
    int sound = bodies == NULL ? -1 : 1;
    for (size_t i = 0; sound == 1 && i < t->count; i++)
        sound = i + 1 < t->count ? pg_body_read(bodies, t->bytes[i], t->sizes[i], as_it_is, PG_CODE_COUNT + 1)
                                 : pg_program_read(t->bytes[i], t->sizes[i], 0, as_it_is, PG_CODE_COUNT + 1, bodies, p);
    pg_bodies_close(bodies);
    return sound;
}

/* A trace of a loop's results, or derivatives of these by its operands, the given order; the loop may be inside another. */
static void trace_kind(trace *t, const kind *k, const pg_loop *loop, int order)
{
    pg_status status;
    double x[6], seeds[MOST_OUTPUTS];
    *t = (trace){.inputs = operands_of(k), .output_count = results_of_loop(k), .optimise = 1};
    any_operands(k, x);
    for (size_t i = 0; i < t->inputs; i++)
        t->nodes[t->count++] = constant(x[i]);
    pg_node *node = pg_loop_node(loop, t->nodes, t->outputs, &status);
    CHECK(node != NULL);
    hold(node);
    for (size_t i = 0; i < t->output_count; i++)
        hold(t->outputs[i]);
    for (int i = 0; i < order; i++) {
        pg_node *found[MOST_OUTPUTS];
        for (size_t j = 0; j < MOST_OUTPUTS; j++)
            seeds[j] = between(-1.0, 1.0);
        const pg_way way = one_in(3) ? PG_FORWARD : PG_REVERSE;
        const size_t count = way == PG_REVERSE ? t->inputs : t->output_count;
        CHECK(derive(way, t->outputs, t->output_count, t->nodes, t->inputs, t->nodes, t->inputs, seeds, found) ==
              PG_OK);
        for (size_t j = 0; j < count; j++)
            hold(found[j]);
        const size_t kept = t->output_count + count <= MOST_OUTPUTS ? t->output_count : 0;
        memcpy(t->outputs + kept, found, count * sizeof *found);
        t->output_count = kept + count;
    }
}

static void check_runs(const kind *k, const trace *t, const pg_program *p, const pg_program *q)
{
    const size_t count = one_in(3) ? 1 : one_in(2) ? PG_LANES : ROWS;
    row_set rows[2];
    uint32_t guard;
    for (int i = 0; i < 2; i++)
        make_rows(&rows[i], t, i ? q : p, count, any_number);
    for (size_t l = 0; l < count; l++) {
        double x[6];
        any_operands(k, x);
        for (size_t i = 0; i < t->inputs; i++)
            if (t->rows[i] || l == 0)
                rows[0].inputs[i][l] = rows[1].inputs[i][l] = x[i];
    }
    for (int i = 0; i < 2; i++) {
        const pg_program *one = i ? q : p;
        pg_batch batch = batch_of(&rows[i], one);
        CHECK(pg_program_run_once(one, &batch, &guard) == 1 && pg_program_run(one, &batch) == 0);
    }
    for (size_t i = 0; i < t->output_count; i++)
        for (size_t l = 0; l < count; l++)
            CHECK(same_number(rows[0].outputs[i][l], rows[1].outputs[i][l]));
    drop_rows(&rows[0]);
    drop_rows(&rows[1]);
}

static void check_flat(const pg_program *p)
{
    CHECK(pg_program_verify(p) == 1);
    for (size_t i = 0; i < p->loop_count; i++) {
        const pg_loop *loop = p->loops[i];
        check_flat(loop->body->flat);
        if (loop->back != NULL)
            check_flat(loop->back->flat);
    }
}

static void test_a_program_that_was_read_is_the_one_that_was_written(void)
{
    for (size_t which = 0; which < KINDS; which++) {
        const kind *k = &kinds[which];
        pg_contracts = one_in(2);
        pg_loop *loop = made_loop(k, one_in(2) ? 1e300 : 1e6);
        pg_contracts = 0;
        for (uint64_t seed = 1; seed <= 12; seed++) {
            trace t;
            const size_t before = held_count;
            random_state = 1000 * which + seed;
            trace_kind(&t, k, loop, (int)(seed % 3));
            const int some = !one_in(4);
            for (size_t i = 0; i < t.inputs; i++)
                t.rows[i] = (uint8_t)(some && !one_in(3));
            pg_program *p = program_of(&t, NULL), *q = NULL;
            text first = written(p);
            CHECK(read_back(&first, &q) == 1);
            text second = written(q);
            CHECK(first.count == second.count);
            for (size_t i = 0; i < first.count; i++)
                CHECK(first.sizes[i] == second.sizes[i] &&
                      memcmp(first.bytes[i], second.bytes[i], first.sizes[i]) == 0);
            check_flat(q);
            for (int i = 0; i < 3; i++)
                check_runs(k, &t, p, q);
            drop_text(&first);
            drop_text(&second);
            pg_program_free(p);
            pg_program_free(q);
            let_go(before);
        }
        pg_loop_release(loop);
    }
    pg_bodies_close(NULL);
}

/* -- damage ---------------------------------------------------------------------------------------- */

static size_t asked;

static int is_enough(void)
{
    return ++asked % 2 == 0;
}

static double number_of_a_loop(void)
{
    return one_in(3) ? any_number() : between(-2.0, 4.0);
}

static void damage(text *t)
{
    static const uint32_t edges[] = {0, 1, 2, 3, 64, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF};
    const size_t i = below(t->count), words = t->sizes[i] / 4;
    unsigned char *at = t->bytes[i] + 4 * below(words < 60 || one_in(2) ? words : 14);
    if (one_in(5)) {
        at = t->bytes[i] + t->sizes[i] - 1 - below(one_in(2) ? 12 : t->sizes[i]);
        *at = (unsigned char)(one_in(2) ? *at ^ 1 : below(4));
        return;
    }
    const unsigned char *from = at;
    uint32_t number = (uint32_t)pg_take(&from, 4);
    number = one_in(3)   ? edges[below(sizeof edges / sizeof *edges)]
             : one_in(3) ? number ^ PG_ROW
             : one_in(2) ? number + (uint32_t)below(5) - 2
                         : (uint32_t)below(12);
    pg_put(at, number, one_in(6) ? 2 : 4);
}

static void test_what_is_damaged_is_refused_or_keeps_to_its_memory(void)
{
    size_t sound = 0, refused = 0;
    pg_stop_asked = is_enough;
    for (size_t which = 0; which < KINDS; which++) {
        const kind *k = &kinds[which];
        pg_loop *loop = made_loop(k, 20.0);
        for (uint64_t seed = 1; seed <= MOST_OF_A_KIND; seed++) {
            trace t;
            const size_t before = held_count;
            random_state = 5000 + 1000 * which + seed;
            trace_kind(&t, k, loop, (int)(seed % 3));
            for (size_t i = 0; i < t.inputs; i++)
                t.rows[i] = seed > MOST_OF_A_KIND / 2;
            pg_program *p = program_of(&t, NULL);
            random_state += (uint64_t)whose_turn() << 32;
            for (unsigned turn = whose_turn(); turn < TIMES(120); turn += SHARES) {
                text broken = written(p);
                pg_program *q = NULL;
                for (size_t times = 1 + below(2); times != 0; times--)
                    damage(&broken);
                const int found = read_back(&broken, &q);
                CHECK(found == 0 || found == 1);
                if (found) {
                    check_flat(q);
                    run_anything(q, number_of_a_loop);
                    pg_program_free(q);
                }
                sound += found == 1;
                refused += found == 0;
                drop_text(&broken);
            }
            pg_program_free(p);
            let_go(before);
        }
        pg_loop_release(loop);
    }
    pg_stop_asked = NULL;
    CHECK(sound > TIMES(600) / SHARES && refused > TIMES(2400) / SHARES);
}

/* Each word in turn says each of some numbers, and each half of it is each code. */
static void change_words(text *t)
{
    for (size_t part = 0; part < t->count; part++)
        for (size_t at = 0; at + 4 <= t->sizes[part]; at += 4)
            for (uint32_t number = 0; number < 24 + PG_CODE_COUNT; number++) {
                unsigned char was[4], *here = t->bytes[part] + at;
                pg_program *p = NULL;
                memcpy(was, here, 4);
                if (number < 24)
                    pg_put(here, number < 12 ? number : PG_ROW | (number - 12), 4);
                else
                    pg_put(here, number - 24, 2);
                if (read_back(t, &p) == 1) {
                    check_flat(p);
                    pg_program_free(p);
                }
                memcpy(here, was, 4);
            }
}

static void test_each_word_says_something_else(void)
{
    static const size_t some[] = {0, LONG, SCAN};
    for (size_t which = 0; which < 3; which++) {
        trace t;
        const kind *k = &kinds[some[which]];
        const size_t before = held_count;
        pg_loop *loop = made_loop(k, 20.0);
        trace_kind(&t, k, loop, 0);
        t.output_count = 1;
        for (int rows = 0; rows < 2; rows++) {
            memset(t.rows, rows, sizeof t.rows);
            pg_program *p = program_of(&t, NULL);
            text whole = written(p);
            change_words(&whole);
            drop_text(&whole);
            pg_program_free(p);
        }
        let_go(before);
        pg_loop_release(loop);
    }
}

/* -- what a file may say of bodies ---------------------------------------------------------------- */

/* The program of a loop and of its derivative, and the texts of its parts: of the loop, of its way back, of the whole. */
static text of_both_ways(const kind *k, pg_program **p)
{
    trace t;
    const size_t before = held_count;
    random_state = 3;
    pg_loop *loop = made_loop(k, 1e6);
    trace_kind(&t, k, loop, 0);
    pg_node *slopes[MOST_OUTPUTS];
    CHECK(derive(PG_REVERSE, t.outputs, t.output_count, t.nodes, t.inputs, t.nodes, t.inputs,
                 (double[MOST_OUTPUTS]){1.0, 1.0, 1.0, 1.0}, slopes) == PG_OK);
    t.output_count = 1;
    for (size_t i = 0; i < t.inputs; i++)
        t.outputs[t.output_count++] = hold(slopes[i]);
    *p = program_of(&t, NULL);
    CHECK((*p)->loop_count == 2);
    text whole = written(*p);
    CHECK(whole.count == 3);
    let_go(before);
    pg_loop_release(loop);
    return whole;
}

static text of_root(pg_program **p)
{
    return of_both_ways(&kinds[0], p);
}

static int reads(const text *t)
{
    pg_program *p = NULL;
    const int sound = read_back(t, &p);
    if (sound == 1)
        pg_program_free(p);
    return sound;
}

static void put_double(unsigned char *at, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    pg_put(at, bits, 8);
}

static void test_each_thing_that_a_body_may_not_say(void)
{
    pg_program *p;
    text t = of_root(&p);
    const double most[] = {-1.0, NAN, INFINITY, 0.5, 0x1p53 + 2.0};
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        put_double(t.bytes[0] + 4, most[i]);
        CHECK(reads(&t) == 0);
    }
    put_double(t.bytes[0] + 4, 0x1p53);
    CHECK(reads(&t) == 1);
    for (uint32_t state = 0; state < 4; state++) { /* of a state of 1 and one captured number */
        pg_put(t.bytes[0], state, 4);
        CHECK(reads(&t) == (state == 1));
    }
    pg_put(t.bytes[0], 1, 4);
    const size_t size = t.sizes[2], sizes = t.sizes[0];
    for (t.sizes[0] = 0; t.sizes[0] < sizes; t.sizes[0]++)
        CHECK(reads(&t) == 0);
    for (t.sizes[2] = 0; t.sizes[2] < size; t.sizes[2]++)
        CHECK(reads(&t) == 0);
    /* the loops at the end: the way forward of 8 bytes; the way back of 8 and two parts */
    unsigned char *back = t.bytes[2] + size - 10, *forward = back - 8;
    CHECK(reads(&t) == 1);
    for (uint32_t body = 0; body < 4; body++) {
        pg_put(forward, body, 4);
        CHECK(reads(&t) == (body == 0));
    }
    pg_put(forward, 0, 4);
    for (uint32_t body = 0; body < 4; body++) {
        pg_put(back + 4, body, 4);
        CHECK(reads(&t) == (body == 1));
    }
    pg_put(back + 4, 1, 4);
    for (unsigned parts = 0; parts < 9; parts++) {
        back[8] = (unsigned char)(parts % 3), back[9] = (unsigned char)(parts / 3);
        CHECK(reads(&t) == (parts == 1 + 3));
    }
    back[8] = back[9] = 1;
    CHECK(reads(&t) == 1);
    /* a term that no instruction has */
    unsigned char *longer = room(size + 12, 1);
    memcpy(longer, t.bytes[2], size - 18);
    memset(longer + size - 18, 0, 12);
    memcpy(longer + size - 6, t.bytes[2] + size - 18, 18);
    const unsigned char *terms = longer + 40;
    pg_put(longer + 40, pg_take(&terms, 4) + 1, 4);
    free(t.bytes[2]);
    t.bytes[2] = longer, t.sizes[2] += 12;
    CHECK(reads(&t) == 0);
    /* without the bodies there is nothing that loops could be of */
    pg_program *q = NULL;
    CHECK(pg_program_read(t.bytes[2], t.sizes[2], 0, as_it_is, PG_CODE_COUNT + 1, NULL, &q) == 0);
    drop_text(&t);
    pg_program_free(p);
}

static void check_number(const text *t, unsigned char *at, uint32_t right)
{
    static const uint32_t numbers[] = {0, 1, 2, 3, 4, 0x3FFFFFFF, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000001, 0xFFFFFFFF};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        pg_put(at, numbers[i], 4);
        CHECK(reads(t) == (numbers[i] == right));
    }
    pg_put(at, right, 4);
    CHECK(reads(t) == 1);
}

/* More bytes in the place of a part's. */
static void insert(text *t, size_t part, size_t at, const unsigned char *bytes, size_t count)
{
    unsigned char *longer = room(t->sizes[part] + count, 1);
    memcpy(longer, t->bytes[part], at);
    memcpy(longer + at, bytes, count);
    memcpy(longer + at + count, t->bytes[part] + at, t->sizes[part] - at);
    free(t->bytes[part]);
    t->bytes[part] = longer;
    t->sizes[part] += count;
}

static void test_each_thing_that_a_scan_may_not_say(void)
{
    enum { COUNTS = HEAD, SHARED = HEAD + 20, NUMBERS = HEAD + 24 };
    static const uint32_t counts[2][6] = {{1, 1, 1, 2, 0, 0},
                                          {2, 1, 1, 2, 0, 0}}; /* the way back is given what arrives */
    pg_program *p;
    text t = of_both_ways(&kinds[SCAN], &p);
    CHECK(reads(&t) == 1);
    for (size_t part = 0; part < 2; part++)
        for (size_t i = 0; i < 6; i++)
            check_number(&t, t.bytes[part] + COUNTS + 4 * i, counts[part][i]);
    for (size_t part = 0; part < 3; part++) {
        const size_t size = t.sizes[part];
        for (t.sizes[part] = 0; t.sizes[part] < size; t.sizes[part]++)
            CHECK(reads(&t) == 0);
    }
    /* at the end: the way forward of 8 bytes, and two slots; the way back of 8, four parts, and two slots */
    unsigned char *end = t.bytes[2] + t.sizes[2];
    for (size_t i = 0; i < 2; i++) {
        check_number(&t, end - 8 + 4 * i, PG_NO_SLOT);
        check_number(&t, end - 28 + 4 * i, PG_NO_SLOT);
    }
    for (unsigned parts = 0; parts < 81; parts++) {
        unsigned char *at = end - 12;
        for (unsigned i = 0, rest = parts; i < 4; i++, rest /= 3)
            at[i] = (unsigned char)(rest % 3);
        CHECK(reads(&t) == (parts == 1 + 3 + 9 + 27));
    }
    memset(end - 12, 1, 4);
    CHECK(reads(&t) == 1);
    /* numbers of its own, be they the same ones; or none, where there are no known columns */
    unsigned char numbers[16];
    memcpy(numbers, t.bytes[0] + NUMBERS, sizeof numbers);
    pg_put(t.bytes[1] + SHARED, 1, 4);
    insert(&t, 1, NUMBERS, numbers, sizeof numbers);
    CHECK(reads(&t) == 0);
    drop_text(&t);
    pg_program_free(p);
    /* of nothing but what is known, which is long */
    pg_loop *loop = made_loop(&kinds[SCAN + 2], 1e6);
    trace known;
    const size_t before = held_count;
    trace_kind(&known, &kinds[SCAN + 2], loop, 0);
    p = program_of(&known, NULL);
    t = written(p);
    CHECK(t.count == 2 && reads(&t) == 1);
    check_number(&t, t.bytes[0] + COUNTS + 12, 3);
    check_number(&t, t.bytes[0] + SHARED, 0);
    drop_text(&t);
    pg_program_free(p);
    pg_loop_release(loop);
    let_go(before);
}

static void check_is_not_written(const pg_program *p)
{
    pg_bodies *bodies = pg_bodies_open();
    CHECK(pg_bodies_add(bodies, p, p->inputs) == 0);
    pg_bodies_close(bodies);
}

static void test_a_scan_of_another_kind_is_not_written(void)
{
    pg_program *p;
    text t = of_both_ways(&kinds[SCAN], &p);
    pg_body *const bodies[] = {((pg_loop *)p->loops[0])->body, ((pg_loop *)p->loops[1])->back};
    for (size_t i = 0; i < 2; i++) {
        pg_scan *s = &bodies[i]->scan;
        size_t *const numbers[] = {&s->given, &s->made, &s->known, &s->length};
        for (size_t k = 0; k < 4; k++)
            for (size_t by = 1; by <= PG_NO_SLOT; by += PG_NO_SLOT - 1) {
                *numbers[k] += by;
                check_is_not_written(p);
                *numbers[k] -= by;
            }
        s->reverse = 1;
        check_is_not_written(p);
        s->reverse = 0;
    }
    pg_columns *numbers = bodies[1]->scan.numbers;
    bodies[1]->scan.numbers = NULL;
    check_is_not_written(p);
    bodies[1]->scan.numbers = numbers;
    drop_text(&t);
    pg_program_free(p);
}

/* One flag or number after the other of a loop says what none of loop.h does. */
static void test_a_loop_of_another_kind_is_not_written(void)
{
    static const pg_several_kind other = {0};
    pg_program *p;
    text t = of_root(&p);
    pg_loop *forward = p->loops[0], *back = p->loops[1];
    size_t *const numbers[] = {&forward->base.operands,    &forward->base.results, &forward->body->state,
                               &back->base.operands,       &back->base.results,    &back->back->captured,
                               &back->back->state,         &back->back_state,      &forward->body->wide->guards,
                               &forward->body->wide->lives};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        pg_bodies *bodies = pg_bodies_open();
        ++*numbers[i];
        CHECK(pg_bodies_add(bodies, p, p->inputs) == 0);
        --*numbers[i];
        pg_bodies_close(bodies);
    }
    for (int i = 0; i < 3; i++) {
        pg_bodies *bodies = pg_bodies_open();
        const pg_several_kind *kind_of_loops = forward->base.kind;
        forward->base.kind = i == 0 ? &other : kind_of_loops;
        back->back->counts = i != 1;
        forward->body->counts = i == 2;
        CHECK(pg_bodies_add(bodies, p, p->inputs) == 0);
        forward->base.kind = kind_of_loops;
        back->back->counts = 1;
        forward->body->counts = 0;
        pg_bodies_close(bodies);
    }
    drop_text(&t);
    pg_program_free(p);
}

/* -- loops in loops ------------------------------------------------------------------------------- */

static pg_loop *inside;
static int twice;

static void make_outer(pg_node *const *x, pg_node **out)
{
    pg_node *operands[2] = {x[0], constant(1.0)}, *items[2];
    pg_status status;
    out[0] = of(PG_OP_mul, x[0], constant(0.5));
    for (int i = 0; inside != NULL && i <= twice; i++) {
        pg_node *n = pg_loop_node(inside, operands, items, &status);
        CHECK(n != NULL);
        hold(n);
        operands[0] = out[0] = hold(items[0]);
        hold(items[1]);
    }
}

static const kind outer = {"outer", 1, 0, 1, make_outer, NULL, 0.0, 1.0, 1.0, {0}};

/* A loop with so many in one another. */
static pg_loop *nested(size_t levels)
{
    inside = NULL;
    for (size_t i = 0; i < levels; i++) {
        pg_loop *next = made_loop(&outer, 1e6);
        pg_loop_release(inside);
        inside = next;
    }
    return inside;
}

static pg_program *program_with(const pg_loop *loop)
{
    trace t;
    const size_t before = held_count;
    random_state = 9;
    trace_kind(&t, &outer, loop, 0);
    pg_program *p = program_of(&t, NULL);
    let_go(before);
    return p;
}

static void test_loops_in_loops_have_a_bound(void)
{
    pg_loop *loop = nested(PG_DEEPEST_LOOP);
    pg_program *p = program_with(loop);
    text t = written(p);
    CHECK(t.count == PG_DEEPEST_LOOP + 1 && reads(&t) == 1);
    drop_text(&t);
    pg_program_free(p);

    pg_node *leaves[6], *results[4];
    pg_status status;
    const size_t before = held_count;
    make_nodes(&outer, leaves, results);
    CHECK(try_body(&outer, leaves, results, 1e6, &status) == NULL && status == PG_NESTED);
    let_go(before);
    pg_loop_release(loop);
}

/* A file whose bodies have each the last one in it, so often, as far as is read. */
static size_t bodies_read(size_t most, size_t ends)
{
    twice = (int)ends - 1;
    pg_loop *loop = nested(2);
    pg_program *p = program_with(loop), *q;
    text t = written(p);
    pg_bodies *bodies = pg_bodies_open();
    CHECK(pg_body_read(bodies, t.bytes[0], t.sizes[0], as_it_is, PG_CODE_COUNT + 1) == 1);
    for (int sound = 1; sound == 1 && bodies->count < most;) {
        for (size_t i = 0; i < ends; i++)
            pg_put(t.bytes[1] + t.sizes[1] - 8 * (i + 1), bodies->count - 1, 4);
        sound = pg_body_read(bodies, t.bytes[1], t.sizes[1], as_it_is, PG_CODE_COUNT + 1);
    }
    const size_t count = bodies->count;
    for (size_t body = 0; ends == 1 && body < count;
         body += count - 1) /* the last is too deep for a program, as the first is not */
        for (size_t back = 0; back < count; back += count - 1) {
            unsigned char *end = t.bytes[2] + t.sizes[2];
            pg_put(pg_put(end - 8, body, 4), back == 0 ? PG_NO_BODY : back, 4);
            const int sound = pg_program_read(t.bytes[2], t.sizes[2], 0, as_it_is, PG_CODE_COUNT + 1, bodies, &q);
            CHECK(sound == (body == 0 && back == 0));
            if (sound == 1)
                pg_program_free(q);
        }
    pg_bodies_close(bodies);
    drop_text(&t);
    pg_program_free(p);
    pg_loop_release(loop);
    twice = 0;
    return count;
}

static void test_a_file_has_no_more_than_it_could_be_written_out_to(void)
{
    CHECK(bodies_read(1000, 1) == PG_DEEPEST_LOOP + 1);
    const size_t count = bodies_read(1000, 2);
    CHECK(count > 6 && count < 16); /* 2 ** count bodies, of 64 * count */
    twice = 1; /* nor is it written */
    pg_loop *loop = nested(14);
    pg_program *p = program_with(loop);
    pg_bodies *bodies = pg_bodies_open();
    CHECK(pg_bodies_add(bodies, p, p->inputs) == 0);
    pg_bodies_close(bodies);
    pg_program_free(p);
    pg_loop_release(loop);
    twice = 0;
}

/* -- memory that fails ---------------------------------------------------------------------------- */

static int add_all(const pg_program *p)
{
    pg_bodies *bodies = pg_bodies_open();
    const int known = bodies == NULL ? -1 : pg_bodies_add(bodies, p, p->inputs);
    pg_bodies_close(bodies);
    return known;
}

static void test_each_allocation_fails_in_turn(void)
{
    for (size_t which = 0; which < 3; which++) {
        pg_loop *loop = which != 1 ? NULL : nested(3);
        pg_program *p = loop == NULL ? NULL : program_with(loop);
        text t = p == NULL ? of_both_ways(&kinds[which == 0 ? 0 : SCAN], &p) : written(p);
        for (int alone = 0; alone < 2; alone++) {
            int done = 0;
            for (size_t n = 1; done != 1; n++) {
                pg_program *q = NULL;
                fail(n, alone);
                done = read_back(&t, &q);
                pg_fail_at(0);
                CHECK(done == 1 || done == -1);
                pg_program_free(q);
            }
            done = 0;
            for (size_t n = 1; done != 1; n++) {
                fail(n, alone);
                done = add_all(p);
                pg_fail_at(0);
                CHECK(done == 1 || done == -1);
            }
        }
        drop_text(&t);
        pg_program_free(p);
        pg_loop_release(loop);
    }
}

int main(void)
{
    for (size_t i = 0; i <= PG_CODE_COUNT; i++)
        as_it_is[i] = (uint16_t)i;
    begin_tracing();
    RUN(test_a_program_that_was_read_is_the_one_that_was_written);
    RUN(test_what_is_damaged_is_refused_or_keeps_to_its_memory);
    RUN(test_each_word_says_something_else);
    RUN(test_each_thing_that_a_body_may_not_say);
    RUN(test_each_thing_that_a_scan_may_not_say);
    RUN(test_a_loop_of_another_kind_is_not_written);
    RUN(test_a_scan_of_another_kind_is_not_written);
    RUN(test_loops_in_loops_have_a_bound);
    RUN(test_a_file_has_no_more_than_it_could_be_written_out_to);
    RUN(test_each_allocation_fails_in_turn);
    let_go(0);
    end_tracing();
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
