/* test_tables.c: searches among keys and items by their numbers: as nodes, in derivatives and in programs.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "traces.h"

enum { CELLS = 300, ROWS = 200 };

/* -- searches ------------------------------------------------------------------------------------ */

static double some_key(void)
{
    return one_in(12) ? any_number() : (double)below(12) - 6.0;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_a_search_goes_the_halves_that_it_is_said_to_go(void)
{
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        double keys[40];
        pg_node *nodes[41];
        random_state = seed;
        const size_t count = below(41);
        for (size_t i = 0; i < count; i++)
            keys[i] = some_key();
        if (!one_in(3))
            qsort(keys, count, sizeof *keys, ascending);
        nodes[0] = pg_leaf(some_key());
        for (size_t i = 0; i < count && i < 40; i++)
            nodes[1 + i] = pg_leaf(keys[i]);
        for (unsigned rule = 0; rule < PG_RULE_COUNT; rule++) {
            pg_node *cell = pg_cell_of(nodes, count, rule, 1), *number = pg_cell_of(nodes, count, rule, 0);
            CHECK(cell->value == cell_of((pg_rule)rule, nodes[0]->value, keys, count));
            CHECK(cell->op == PG_SEARCH && pg_is_condition(cell->op) && pg_table_value(cell) == cell->value);
            CHECK(number->op == PG_LEAF && number->value == cell->value);
            double slopes[41];
            pg_local_derivatives(cell, slopes);
            for (size_t i = 0; i <= count; i++)
                CHECK(slopes[i] == 0.0);
            pg_release(cell);
            pg_release(number);
        }
        for (size_t i = 0; i <= count; i++)
            pg_release(nodes[i]);
    }
}

static void test_only_whole_numbers_in_range_are_of_items(void)
{
    const double none[] = {-1.0, -0.5, 0.5, 3.0, 1e300, (double)INFINITY, -(double)INFINITY, (double)NAN, 0x1p53};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        CHECK(pg_item_number(none[i], 3) == 3 && pg_item_number(none[i], 0) == 0);
    CHECK(pg_item_number(-0.0, 3) == 0 && pg_item_number(2.0, 3) == 2);
}

/* -- derivatives --------------------------------------------------------------------------------- */

/* An item times another: the numeric sweeps, and the rules as nodes, both ways. */
static void test_the_derivative_of_an_item_is_by_that_item(void)
{
    for (size_t at = 0; at <= 4; at++) {
        pg_node *nodes[5], *inputs[4], *opaque;
        pg_sweep *s;
        pg_adjoint *a;
        nodes[0] = pg_leaf((double)at);
        for (size_t i = 0; i < 4; i++)
            inputs[i] = nodes[1 + i] = pg_leaf(2.0 + (double)i);
        pg_node *item = pg_item_of(nodes, 4, 1), *same = pg_item_of(nodes, 4, 0);
        CHECK(at < 4 ? same == inputs[at] : same->op == PG_LEAF && isnan(same->value));
        CHECK(same_number(item->value, same->value) && same_number(pg_table_value(item), item->value));
        pg_node *root = pg_compute_many(PG_SUM, &item, 1, item->value, NULL, NULL);
        CHECK(pg_sweep_open(root, 1, &s) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
        pg_sweep_begin(s, 3.0);
        CHECK(pg_sweep_step(s, ENOUGH, &opaque) == PG_OK);
        for (size_t i = 0; i < 4; i++)
            CHECK(inputs[i]->grad == (i == at ? 3.0 : 0.0));
        CHECK(nodes[0]->grad == 0.0);
        pg_sweep_commit(s);
        double slopes[5];
        pg_local_derivatives(item, slopes);
        for (size_t i = 0; i < 5; i++)
            CHECK(slopes[i] == (i == at + 1 ? 1.0 : 0.0));
        const double tangents[4] = {5.0, 6.0, 7.0, 8.0};
        CHECK(pg_sweep_open(root, 1, &s) == PG_OK && pg_sweep_stop_at(s, inputs, 4) == PG_OK);
        CHECK(pg_sweep_sort(s, ENOUGH) == PG_OK);
        pg_sweep_begin_forward(s, tangents);
        CHECK(pg_sweep_step_forward(s, ENOUGH, &opaque) == PG_OK);
        CHECK(item->grad == (at < 4 ? tangents[at] : 0.0));
        pg_sweep_abandon(s);
        CHECK(pg_sweep_open(root, 0, &s) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
        CHECK(pg_adjoint_open(s, nodes, 1, &a) == PG_OK && pg_adjoint_prepare(a, ENOUGH) == PG_OK);
        CHECK(pg_adjoint_begin(a, PG_FORWARD, tangents, NULL) == PG_OK); /* by the index: none */
        CHECK(pg_adjoint_step(a, ENOUGH, &opaque) == PG_OK && pg_adjoint_value_at(a, item) == 0.0);
        pg_adjoint_close(a);
        pg_sweep_abandon(s);
        CHECK(pg_sweep_open(root, 0, &s) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
        CHECK(pg_adjoint_open(s, inputs, 2, &a) == PG_OK && pg_adjoint_prepare(a, ENOUGH) == PG_OK);
        const double seeds[3] = {5.0, 6.0, 7.0};
        CHECK(pg_adjoint_begin(a, PG_REVERSE, seeds, NULL) == PG_OK);
        CHECK(pg_adjoint_step(a, ENOUGH, &opaque) == PG_OK);
        for (size_t i = 0; i < 4; i++)
            CHECK(pg_adjoint_value_at(a, inputs[i]) == (i == at && i < 2 ? 5.0 : 0.0));
        CHECK(pg_adjoint_begin(a, PG_FORWARD, seeds, NULL) == PG_OK);
        CHECK(pg_adjoint_step(a, ENOUGH, &opaque) == PG_OK);
        CHECK(same_number(pg_adjoint_value_at(a, item), at < 2 ? seeds[at] : at < 4 ? 0.0 : (double)NAN));
        pg_adjoint_close(a);
        pg_sweep_abandon(s);
        for (size_t n = 1;; n++) { /* without memory nothing is lost */
            CHECK(pg_sweep_open(root, 0, &s) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
            CHECK(pg_adjoint_open(s, inputs, 2, &a) == PG_OK && pg_adjoint_prepare(a, ENOUGH) == PG_OK);
            CHECK(pg_adjoint_begin(a, n % 2 ? PG_FORWARD : PG_REVERSE, seeds, NULL) == PG_OK);
            pg_fail_at(1 + n / 2);
            const pg_status status = pg_adjoint_step(a, ENOUGH, &opaque);
            const size_t asked = pg_allocations();
            pg_fail_at(0);
            CHECK(status == (asked > n / 2 ? PG_NO_MEMORY : PG_OK));
            pg_adjoint_close(a);
            pg_sweep_abandon(s);
            if (n > 40)
                break;
        }
        pg_release(root);
        pg_release(item);
        pg_release(same);
        for (size_t i = 0; i < 5; i++)
            pg_release(nodes[i]);
        CHECK(pg_live_nodes() == 0);
    }
}

/* -- programs ------------------------------------------------------------------------------------ */

typedef enum { OF_CONSTANTS, OF_LIVES, OF_UNIFORM_INPUTS, OF_ROWS, MIXED, KINDS } kind;

/* A function of x, the first input: the cell of x, and the item of that number, among numbers of a kind. */
typedef struct {
    pg_node *x, *items[CELLS], *cell, *number, *item;
    size_t count, inputs;
    pg_rule rule;
    kind of;
} lookup;

static int is_input(const lookup *u, size_t i)
{
    return u->of == OF_UNIFORM_INPUTS || u->of == OF_ROWS || (u->of == MIXED && i % 3 == 0);
}

static lookup made_lookup(kind of, size_t count, pg_rule rule)
{
    lookup u = {.count = count, .inputs = 1, .rule = rule, .of = of};
    pg_node *nodes[CELLS + 1];
    double keys[CELLS];
    for (size_t i = 0; i < count; i++)
        keys[i] = one_in(40) ? any_number() : (double)below(50) - 25.0;
    if (!one_in(4))
        qsort(keys, count, sizeof *keys, ascending);
    nodes[0] = u.x = traced(pg_leaf(1.5));
    for (size_t i = 0; i < count; i++) {
        nodes[1 + i] = u.items[i] = pg_leaf(keys[i]);
        u.inputs += (size_t)is_input(&u, i);
        if (!(of == OF_LIVES || (of == MIXED && i % 3 == 1)))
            traced(u.items[i]);
    }
    u.cell = traced(pg_cell_of(nodes, count, rule, 1));
    pg_node *less = traced(pg_leaf(1.0));
    u.number = traced(pg_compute(PG_OP_sub, u.cell, less, u.cell->value - 1.0));
    nodes[0] = u.number;
    u.item = traced(pg_item_of(nodes, count, 1));
    pg_release(less);
    return u;
}

static size_t refused_after; /* the allocation that fails while a program is made, and all later ones; 0: none */

static pg_status program_of_lookup(const lookup *u, pg_program **p, double *lives)
{
    pg_node *outputs[2] = {u->cell, u->item}, *root = traced(pg_compute_many(PG_SUM, outputs, 2, 0.0, NULL, NULL)),
            *opaque;
    pg_node *inputs[CELLS + 1] = {u->x};
    uint8_t rows[CELLS + 1] = {1};
    pg_sweep *s;
    size_t count = 1;
    for (size_t i = 0; i < u->count; i++)
        if (is_input(u, i)) {
            rows[count] = u->of == OF_ROWS || u->of == MIXED;
            inputs[count++] = u->items[i];
        }
    CHECK(pg_sweep_open(root, 0, &s) == PG_OK);
    pg_sweep_within_trace(s);
    CHECK(pg_sweep_stop_at(s, inputs, count) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
    const pg_trace t = {.sweep = s, .rows = rows, .outputs = outputs, .output_count = 2, .optimise = 1};
    for (size_t i = count; i < pg_sweep_count(s); i++)
        if (!(pg_sweep_node(s, i)->flags & PG_TRACED))
            *lives++ = pg_sweep_node(s, i)->value;
    pg_fail_at(refused_after);
    const pg_status status = pg_program_make(&t, &opaque, p);
    pg_fail_at(0);
    pg_sweep_abandon(s);
    pg_release(root);
    return status;
}

static void drop_lookup(lookup *u)
{
    pg_release(u->item);
    pg_release(u->number);
    pg_release(u->cell);
    pg_release(u->x);
    for (size_t i = 0; i < u->count; i++)
        pg_release(u->items[i]);
}

static size_t instructions_with_a_row(const pg_program *p)
{
    size_t found = 0;
    for (size_t i = 0; i < p->length; i++)
        found += (p->code[i].code == PG_CODE_SEARCH || p->code[i].code == PG_CODE_TAKE) && p->code[i].b != PG_NO_SLOT;
    return found;
}

/* Each row against what is expected, with each set of instructions; inputs of rows are shifted by the row. */
static void check_lookup(const lookup *u, const pg_program *p, const double *lives)
{
    double *numbers = room((u->inputs + 2) * ROWS, sizeof *numbers), keys[CELLS];
    const double *inputs[CELLS + 1];
    double *outputs[2] = {numbers + u->inputs * ROWS, numbers + (u->inputs + 1) * ROWS};
    ptrdiff_t strides[CELLS + 1], output_strides[2] = {1, 1};
    uint32_t guard;
    void *uniforms = room(pg_uniform_bytes(p), 1), *lanes = room(pg_lane_bytes(p), 1);
    size_t input = 1;
    for (size_t i = 0; i <= u->count && i < CELLS + 1; i++) {
        if (i != 0 && !is_input(u, i - 1))
            continue;
        const size_t at = i == 0 ? 0 : input++;
        inputs[at] = numbers + at * ROWS;
        strides[at] = 1;
        for (size_t r = 0; r < ROWS; r++)
            numbers[at * ROWS + r] = i == 0 ? (one_in(8) ? any_number() : between(-30.0, 30.0))
                                            : u->items[i - 1]->value +
                                                  (u->of == OF_UNIFORM_INPUTS ? 0.0 : (double)(r % 3));
    }
    for (int set = 0; set < 3; set++) {
        const pg_batch batch = {.inputs = inputs,
                                .strides = strides,
                                .lives = lives,
                                .count = ROWS,
                                .outputs = outputs,
                                .output_strides = output_strides,
                                .uniforms = uniforms,
                                .lanes = lanes};
        pg_choose_lanes(set);
        CHECK(pg_program_run_once(p, &batch, &guard) == 1 && pg_program_run(p, &batch) == 0);
        for (size_t r = 0; r < ROWS; r++) {
            for (size_t i = 0, at = 1; i < u->count; i++)
                keys[i] = is_input(u, i) ? numbers[at++ * ROWS + r] : u->items[i]->value;
            const double cell = cell_of(u->rule, numbers[r], keys, u->count);
            CHECK(outputs[0][r] == cell);
            CHECK(same_number(outputs[1][r], item_of(cell - 1.0, keys, u->count)));
        }
    }
    pg_choose_lanes(2);
    free(numbers);
    free(uniforms);
    free(lanes);
}

static void test_programs_look_up_what_the_nodes_have(void)
{
    static const size_t counts[] = {1, 2, 3, 4, 5, 11, 12, 64, CELLS};
    for (uint64_t seed = 1; seed <= 40; seed++)
        for (int of = 0; of < KINDS; of++)
            for (unsigned rule = 0; rule < PG_RULE_COUNT; rule++) {
                double lives[CELLS];
                pg_program *p;
                random_state = 1000 * seed + 10 * (uint64_t)of + rule;
                lookup u = made_lookup((kind)of, counts[below(9)], (pg_rule)rule);
                CHECK(program_of_lookup(&u, &p, lives) == PG_OK && pg_program_verify(p) == 1);
                CHECK(instructions_with_a_row(p) == (of < OF_ROWS ? 2 : 0));
                check_lookup(&u, p, lives);
                pg_program_free(p);
                drop_lookup(&u);
            }
}

static void test_one_table_is_in_a_program_once(void)
{
    double lives[CELLS];
    pg_program *p;
    random_state = 7;
    lookup u = made_lookup(OF_CONSTANTS, CELLS, PG_BISECT_RIGHT);
    CHECK(program_of_lookup(&u, &p, lives) == PG_OK);
    CHECK(p->constants == CELLS + 2 && p->term_count == 2); /* cell - 1.0 is -0.0 + cell - 1.0 */
    pg_program_free(p);
    drop_lookup(&u);
}

static void test_what_is_constant_is_looked_up_beforehand(void)
{
    double lives[CELLS];
    pg_program *p;
    random_state = 8;
    lookup u = made_lookup(OF_CONSTANTS, 5, PG_LIKE_INTERP);
    for (int at = 0; at < 2; at++) { /* an item, and none */
        pg_node *nodes[6] = {u.items[2]}, *index = traced(pg_leaf(at == 0 ? 3.0 : 5.0));
        for (size_t i = 0; i < 5; i++)
            nodes[1 + i] = u.items[i];
        pg_release(u.cell);
        u.cell = traced(pg_cell_of(nodes, 5, PG_BISECT_LEFT, 1));
        nodes[0] = index;
        pg_release(u.item);
        u.item = traced(pg_item_of(nodes, 5, 1));
        pg_release(index);
        CHECK(program_of_lookup(&u, &p, lives) == PG_OK && pg_program_verify(p) == 1);
        for (size_t i = 0; i < p->length; i++)
            CHECK(p->code[i].code != PG_CODE_SEARCH && p->code[i].code != PG_CODE_TAKE);
        CHECK(p->constant_values[p->result_slots[0]] == u.cell->value);
        CHECK(same_number(p->constant_values[p->result_slots[1]], u.item->value));
        pg_program_free(p);
    }
    drop_lookup(&u);
    for (uint64_t seed = 1; seed <= 2000; seed++) { /* a constant among constants, by each rule */
        static const size_t counts[] = {1, 3, 4, 5, 11, 30};
        random_state = seed;
        lookup v = made_lookup(OF_CONSTANTS, counts[below(6)], (pg_rule)below(PG_RULE_COUNT));
        pg_node *nodes[31] = {traced(pg_leaf(one_in(8) ? any_number() : between(-30.0, 30.0)))};
        for (size_t i = 0; i < v.count; i++)
            nodes[1 + i] = v.items[i];
        pg_release(v.cell);
        v.cell = traced(pg_cell_of(nodes, v.count, v.rule, 1));
        CHECK(program_of_lookup(&v, &p, lives) == PG_OK);
        CHECK(p->constant_values[p->result_slots[0]] == v.cell->value);
        pg_program_free(p);
        pg_release(nodes[0]);
        drop_lookup(&v);
    }
}

/* No key is passed, and no item is there. */
static void test_a_table_of_nothing(void)
{
    double lives[1];
    pg_program *p;
    pg_node *x = traced(pg_leaf(1.5)), *none = traced(pg_leaf(0.0));
    lookup u = {.x = x, .number = none, .inputs = 1};
    u.cell = traced(pg_cell_of(&x, 0, PG_SEARCH_LEFT, 1));
    u.item = traced(pg_item_of(&x, 0, 1));
    CHECK(u.cell->value == 0.0 && isnan(u.item->value));
    CHECK(program_of_lookup(&u, &p, lives) == PG_OK && pg_program_verify(p) == 1);
    CHECK(p->constant_values[p->result_slots[0]] == 0.0);
    CHECK(isnan(p->constant_values[p->result_slots[1]]));
    pg_program_free(p);
    drop_lookup(&u);
}

/* -- what does not hold ---------------------------------------------------------------------------- */

static void refuse(pg_program *p, pg_instruction *in, pg_instruction changed)
{
    const pg_instruction before = *in;
    *in = changed;
    CHECK(pg_program_verify(p) == 0);
    *in = before;
    CHECK(pg_program_verify(p) == 1);
}

static void test_a_table_beyond_what_is_there_is_refused(void)
{
    for (int of = 0; of < 2; of++) {
        double lives[CELLS];
        pg_program *p;
        random_state = 9;
        lookup u = made_lookup(of ? MIXED : OF_CONSTANTS, 12, PG_SEARCH_RIGHT);
        CHECK(program_of_lookup(&u, &p, lives) == PG_OK);
        for (size_t i = 0; i < p->length; i++) {
            pg_instruction *in = &p->code[i], changed = *in;
            if (in->code != PG_CODE_SEARCH && in->code != PG_CODE_TAKE)
                continue;
#define REFUSE(field, number) (changed = *in, changed.field = number, refuse(p, in, changed))
            REFUSE(count, 0);
            REFUSE(count, of ? (uint32_t)p->term_count + 1 : (uint32_t)p->uniforms + 1);
            REFUSE(count, UINT32_MAX);
            REFUSE(expected, PG_RULE_COUNT);
            REFUSE(a, PG_NO_SLOT);
            REFUSE(a, in->out);
            REFUSE(a, of ? PG_ROW | (pg_slot)p->lanes
                         : 0); /* what looks up in a row differs by row, or is uniform itself */
            REFUSE(c, in->a);
            REFUSE(out, 0);
            REFUSE(b, (pg_slot)p->uniforms);
            REFUSE(b, PG_ROW);
            REFUSE(first, UINT32_MAX);
            if (of) {
                pg_term *term = &p->terms[in->first + 3], old = *term;
                const pg_slot slots[] = {in->out, PG_NO_SLOT, (pg_slot)p->uniforms, PG_ROW | (pg_slot)p->lanes};
                for (size_t k = 0; k < 4; k++) {
                    term->a = slots[k];
                    CHECK(pg_program_verify(p) == 0);
                }
                *term = (pg_term){old.a, old.a, 0, 0};
                CHECK(pg_program_verify(p) == 0);
                *term = (pg_term){old.a, PG_NO_SLOT, 1, 0};
                CHECK(pg_program_verify(p) == 0);
                *term = old;
            }
        }
        pg_program_free(p);
        drop_lookup(&u);
    }
}

static void test_without_memory_there_is_no_program(void)
{
    for (int of = 0; of < KINDS; of++) {
        double lives[CELLS];
        pg_program *p = NULL;
        random_state = 10;
        lookup u = made_lookup((kind)of, 80, PG_BISECT_LEFT);
        for (size_t n = 1; p == NULL; n++) {
            refused_after = n;
            CHECK(program_of_lookup(&u, &p, lives) == (p == NULL ? PG_NO_MEMORY : PG_OK));
            refused_after = 0;
        }
        pg_program_free(p);
        drop_lookup(&u);
    }
    pg_node *x = pg_leaf(1.0), *nodes[2] = {x, x};
    for (size_t n = 1; n <= 2; n++) {
        pg_fail_at(n);
        CHECK(pg_cell_of(nodes, 1, PG_BISECT_LEFT, 1) == NULL);
        pg_fail_at(n);
        CHECK(pg_item_of(nodes, 1, 1) == NULL);
        pg_fail_at(0);
    }
    pg_release(x);
}

int main(void)
{
    RUN(test_a_search_goes_the_halves_that_it_is_said_to_go);
    RUN(test_only_whole_numbers_in_range_are_of_items);
    RUN(test_the_derivative_of_an_item_is_by_that_item);
    RUN(test_programs_look_up_what_the_nodes_have);
    RUN(test_one_table_is_in_a_program_once);
    RUN(test_what_is_constant_is_looked_up_beforehand);
    RUN(test_a_table_of_nothing);
    RUN(test_a_table_beyond_what_is_there_is_refused);
    RUN(test_without_memory_there_is_no_program);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
