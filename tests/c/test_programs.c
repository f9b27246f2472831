/* test_programs.c: programs of functions at random give the bits of the ops they were made of.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "traces.h"

#include "graph/sweep.h"
#include "program/growth.h"
#include "program/simplify.h"

static double usual_number(void)
{
    return between(-2.0, 2.0);
}

/* -- rows ---------------------------------------------------------------------------------------- */

/* What the rows that stay add up to, in any order: all that is known of it is how near it must be. */
static void check_total(const row_set *r, size_t output)
{
    double sum = 0.0, most = 0.0, total = 0.0;
    int nans = 0, up = 0, down = 0;
    for (size_t k = 0; k < r->count; k++) {
        const double x = r->expected[output][k];
        if (r->leaves[k] != UINT32_MAX)
            continue;
        nans += x != x;
        up += x == INFINITY;
        down += x == -INFINITY;
        sum += x;
        most += fabs(x);
    }
    for (size_t i = 0; i < r->pieces; i++)
        total += r->totals[output + i * r->each];
    if (nans || (up && down))
        CHECK(total != total);
    else if (most < 1e290)
        CHECK(fabs(total - sum) <= 1e-12 * most + 1e-300);
}

static void check_rows(const trace *t, const pg_program *p, const row_set *r)
{
    for (size_t k = 0; k < r->count; k++)
        CHECK(p->guards == 0 || r->left[k] == r->leaves[k]);
    for (size_t i = 0; i < t->output_count; i++) {
        const int uniform = p->result_slots[i] != PG_NO_SLOT;
        const double *uniforms = r->uniforms;
        for (size_t k = 0; k < r->count && !t->totals[i]; k++)
            if (r->leaves[k] == UINT32_MAX)
                CHECK(same_number(uniform ? uniforms[p->result_slots[i]] : r->outputs[i][k], r->expected[i][k]));
    }
}

static void clear_outputs(const trace *t, row_set *r)
{
    for (size_t i = 0; i < t->output_count; i++)
        for (size_t k = 0; k < r->count; k++)
            r->outputs[i][k] = -77.0;
}

/* A program on rows, with each set of instructions; then some of the rows, in another order. */
static void check_program(const trace *t, const pg_program *p, row_set *r)
{
    uint32_t guard = UINT32_MAX;
    int totals = 0;
    for (size_t i = 0; i < t->output_count; i++)
        totals |= t->totals[i];
    for (int lanes = 0; lanes < 3; lanes++) {
        pg_choose_lanes(lanes);
        clear_outputs(t, r);
        pg_batch batch = batch_of(r, p);
        if (!totals)
            batch.totals = NULL;
        if (!pg_program_run_once(p, &batch, &guard)) {
            for (size_t k = 0; k < r->count; k++)
                CHECK(r->leaves[k] <= guard && guard < t->guard_count);
            continue;
        }
        pg_program_run(p, &batch);
        check_rows(t, p, r);
        for (size_t i = 0; i < t->output_count; i++)
            if (t->totals[i])
                check_total(r, i);
    }
}

static void check_chosen_rows(const trace *t, const pg_program *p, row_set *r)
{
    size_t chosen[5], count = r->count < 5 ? r->count : 5;
    uint32_t guard, left[5];
    for (size_t i = 0; i < count; i++)
        chosen[i] = r->count - 1 - i;
    clear_outputs(t, r);
    pg_batch batch = batch_of(r, p);
    batch.rows = chosen;
    batch.count = count;
    batch.left = p->guards == 0 ? NULL : left;
    if (!pg_program_run_once(p, &batch, &guard))
        return;
    pg_program_run(p, &batch);
    for (size_t i = 0; i < t->output_count; i++)
        for (size_t k = 0; k < count && !t->totals[i] && p->result_slots[i] == PG_NO_SLOT; k++)
            if (r->leaves[chosen[k]] == UINT32_MAX)
                CHECK(same_number(r->outputs[i][chosen[k]], r->expected[i][chosen[k]]));
}

static void test_rows_have_the_bits_of_the_ops_they_are_made_of(void)
{
    static const size_t counts[] = {1, 5, 64, 65, 200, 1100};
    for (uint64_t seed = 1; seed <= TIMES(3000); seed++) {
        trace t;
        row_set r;
        double lives[LIVES];
        double (*number)(void) = seed % 3 ? usual_number : any_number;
        random_state = seed;
        make_trace(&t, 1 + below(MOST_NODES), number);
        pg_program *p = program_of(&t, lives);
        CHECK(pg_program_verify(p) == 1);
        make_rows(&r, &t, p, counts[below(seed % 50 ? 5 : 6)], number);
        memcpy(r.lives, lives, sizeof lives);
        check_program(&t, p, &r);
        check_chosen_rows(&t, p, &r);
        drop_rows(&r);
        pg_program_free(p);
        drop_trace(&t);
    }
}

/* -- contracted sums ------------------------------------------------------------------------------- */

static double whole_number(void)
{
    return (double)below(7) - 3.0;
}

/* Sums, differences and products of whole numbers so small that nothing is rounded: none differs if it is contracted. */
static void make_exact(trace *t)
{
    static const int ops[] = {PG_OP_add, PG_OP_sub, PG_OP_sub, PG_OP_mul, PG_OP_mul0};
    *t = (trace){.inputs = 1 + below(4), .optimise = !one_in(8), .contract = 1, .output_count = 1 + below(3)};
    for (size_t i = 0; i < t->inputs; i++) {
        t->nodes[t->count++] = traced(pg_leaf(whole_number()));
        t->rows[i] = (uint8_t)!one_in(3);
    }
    pg_node *x = pg_leaf(whole_number()), *y = pg_leaf(whole_number()), *lives[LIVES] = {x, y, add(x, y)};
    for (size_t i = 0; i < LIVES; i++)
        t->nodes[t->count++] = lives[i];
    pg_node *terms[3] = {anything(t), anything(t), anything(t)};
    pg_node *sum = append(t, pg_compute_many(PG_SUM, terms, below(4), 0.0, NULL, NULL));
    sum->of.many->start = whole_number();
    revalue(sum);
    for (size_t i = below(14); i-- != 0;) {
        const int op = ops[below(5)], is_sum = op == PG_OP_add || op == PG_OP_sub;
        pg_node *other = is_sum ? anything(t) : t->nodes[below(t->inputs + LIVES)];
        append(t, node_of_op(op, (pg_node *[3]){anything(t), other, NULL}, 0.0));
    }
    for (size_t i = 0; i < t->output_count; i++) {
        t->outputs[i] = t->nodes[t->count - 1 - below(4)];
        t->totals[i] = (uint8_t)one_in(3);
    }
}

static void test_contracted_sums_of_what_is_exact_are_the_same(void)
{
    for (uint64_t seed = 1; seed <= 1200; seed++) {
        trace t;
        row_set r;
        double lives[LIVES];
        random_state = 70000 + seed;
        make_exact(&t);
        pg_program *p = program_of(&t, lives);
        CHECK(pg_program_verify(p) == 1);
        make_rows(&r, &t, p, 70, whole_number);
        memcpy(r.lives, lives, sizeof lives);
        check_program(&t, p, &r);
        drop_rows(&r);
        pg_program_free(p);
        drop_trace(&t);
    }
}

/* A product and what is added to it, or it is taken from or subtracted: rounded once, by row or for all rows. */
static void test_contracted_sums_are_rounded_once(void)
{
    const double x = 1.0 + 0x1p-30, y = 1.0, expected[3] = {fma(x, x, y), fma(x, x, -y), fma(-x, x, y)};
    CHECK(expected[1] != x * x - y);
    for (int which = 0; which < 3; which++)
        for (unsigned row = 0; row < 4; row++) {
            trace t = {.inputs = 2, .optimise = 1, .contract = 1, .output_count = 1};
            row_set r;
            uint32_t guard;
            t.nodes[0] = traced(pg_leaf(x)), t.nodes[1] = traced(pg_leaf(y)), t.count = 2;
            t.rows[0] = row & 1, t.rows[1] = row >> 1 & 1;
            pg_node *square = append(&t, node_of_op(PG_OP_mul, (pg_node *[3]){t.nodes[0], t.nodes[0], NULL}, 0.0));
            pg_node *operands[3] = {which == 2 ? t.nodes[1] : square, which == 2 ? square : t.nodes[1], NULL};
            t.outputs[0] = append(&t, node_of_op(which == 0 ? PG_OP_add : PG_OP_sub, operands, 0.0));
            pg_program *p = program_of(&t, NULL);
            make_rows(&r, &t, p, 70, whole_number);
            for (size_t k = 0; k < r.count; k++)
                r.inputs[0][k] = x, r.inputs[1][k] = y;
            for (int lanes = 0; lanes < 3; lanes++) {
                pg_choose_lanes(lanes);
                const pg_batch batch = batch_of(&r, p);
                CHECK(pg_program_run_once(p, &batch, &guard) == 1 && pg_program_run(p, &batch) == 0);
                const double *uniforms = r.uniforms;
                const double found = row ? r.outputs[0][69] : uniforms[p->result_slots[0]];
                CHECK(found == expected[which]);
            }
            drop_rows(&r);
            pg_program_free(p);
            drop_trace(&t);
        }
}

static void test_contracted_products_of_what_is_the_same_for_all_rows(void)
{
    const double x = -1.0 - 0x1p-30, u = 1.0 + 0x1p-30, v = u * 0x1p-15, expected = fma(-v, v, fma(u, u, x));
    trace t = {.inputs = 3, .optimise = 1, .contract = 1, .output_count = 1, .rows = {1}};
    row_set r;
    uint32_t guard;
    t.nodes[0] = traced(pg_leaf(x)), t.nodes[1] = traced(pg_leaf(u)), t.nodes[2] = traced(pg_leaf(v)), t.count = 3;
    pg_node *first = append(&t, node_of_op(PG_OP_mul, (pg_node *[3]){t.nodes[1], t.nodes[1], NULL}, 0.0));
    pg_node *second = append(&t, node_of_op(PG_OP_mul, (pg_node *[3]){t.nodes[2], t.nodes[2], NULL}, 0.0));
    pg_node *sum = append(&t, node_of_op(PG_OP_add, (pg_node *[3]){t.nodes[0], first, NULL}, 0.0));
    t.outputs[0] = append(&t, node_of_op(PG_OP_sub, (pg_node *[3]){sum, second, NULL}, 0.0));
    CHECK(expected != fma(u, u, x) - v * v && expected != fma(-v, v, x + u * u));
    pg_program *p = program_of(&t, NULL);
    make_rows(&r, &t, p, 70, whole_number);
    for (size_t k = 0; k < r.count; k++)
        r.inputs[0][k] = x;
    for (int lanes = 0; lanes < 3; lanes++) {
        pg_choose_lanes(lanes);
        const pg_batch batch = batch_of(&r, p);
        CHECK(pg_program_run_once(p, &batch, &guard) == 1 && pg_program_run(p, &batch) == 0);
        CHECK(r.outputs[0][0] == expected && r.outputs[0][69] == expected);
    }
    drop_rows(&r);
    pg_program_free(p);
    drop_trace(&t);
}

/* The term is not one of those products whose total is taken apart. */
static void test_totals_of_what_a_contracted_product_is_taken_from(void)
{
    trace t = {.inputs = 2, .optimise = 1, .contract = 1, .output_count = 1, .rows = {1}, .totals = {1}};
    row_set r;
    random_state = 71300;
    t.nodes[0] = traced(pg_leaf(2.0)), t.nodes[1] = traced(pg_leaf(3.0)), t.count = 2;
    pg_node *square = append(&t, node_of_op(PG_OP_mul, (pg_node *[3]){t.nodes[0], t.nodes[0], NULL}, 0.0));
    t.outputs[0] = append(&t, node_of_op(PG_OP_sub, (pg_node *[3]){t.nodes[1], square, NULL}, 0.0));
    pg_program *p = program_of(&t, NULL);
    make_rows(&r, &t, p, 70, whole_number);
    check_program(&t, p, &r);
    drop_rows(&r);
    pg_program_free(p);
    drop_trace(&t);
}

static void test_a_guard_that_is_the_same_for_all_rows_ends_a_call(void)
{
    size_t failed = 0;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        trace t;
        row_set r;
        uint32_t guard = UINT32_MAX;
        random_state = 50000 + seed;
        make_trace(&t, 1 + below(20), usual_number);
        memset(t.rows, 0, sizeof t.rows);
        memset(t.totals, 0, sizeof t.totals);
        double lives[LIVES], numbers[MOST_INPUTS], results[MOST_OUTPUTS];
        pg_program *p = program_of(&t, lives);
        make_rows(&r, &t, p, 1, usual_number);
        memcpy(r.lives, lives, sizeof lives);
        for (size_t i = 0; i < t.inputs; i++)
            r.inputs[i][0] = numbers[i] = any_number();
        const uint32_t leaves = run_row(&t, numbers, results);
        pg_batch batch = batch_of(&r, p);
        CHECK(pg_program_call(p, &batch, &guard) == (leaves == UINT32_MAX) && guard == leaves);
        for (size_t i = 0; leaves == UINT32_MAX && i < t.output_count; i++)
            CHECK(same_number(r.outputs[i][0], results[i]));
        failed += leaves != UINT32_MAX;
        drop_rows(&r);
        pg_program_free(p);
        drop_trace(&t);
    }
    CHECK(failed > 100);
}

static void test_totals_do_not_depend_on_how_rows_are_cut(void)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        trace t;
        row_set r;
        double lives[LIVES], parts[4 * MOST_OUTPUTS];
        const size_t count = 2596, size = pg_piece(count);
        uint32_t guard;
        random_state = 60000 + seed;
        make_trace(&t, 30, usual_number);
        memset(t.totals, 1, sizeof t.totals);
        pg_program *p = program_of(&t, lives);
        CHECK(pieces_of(count) == 4);
        make_rows(&r, &t, p, count, seed % 2 ? usual_number : any_number);
        memcpy(r.lives, lives, sizeof lives);
        pg_batch batch = batch_of(&r, p);
        if (pg_program_run_once(p, &batch, &guard)) {
            pg_program_run(p, &batch);
            for (size_t piece = 0; piece < 4; piece++) {
                pg_batch part = batch;
                part.first = piece * size;
                part.count = piece == 3 ? count - 3 * size : size;
                part.piece = size;
                part.totals = parts + piece * t.output_count;
                pg_program_run(p, &part);
            }
            for (size_t i = 0; i < 4 * t.output_count; i++)
                CHECK(same_number(r.totals[i], parts[i]));
        }
        drop_rows(&r);
        pg_program_free(p);
        drop_trace(&t);
    }
}

/* -- what cannot be made --------------------------------------------------------------------------- */

static void test_nodes_that_cannot_be_computed_again_are_opaque(void)
{
    const double partials[1] = {2.0};
    for (int kind = 0; kind < 3; kind++) {
        pg_node *x = traced(pg_leaf(2.0)), *n, *root, *opaque = NULL;
        pg_program *p;
        if (kind == 0)
            n = pg_compute_many(PG_CUSTOM, &x, 1, 2.0, NULL, NULL);
        else if (kind == 1)
            n = pg_compute_many(PG_PARTIALS, &x, 1, 2.0, partials, NULL);
        else
            n = add(x, x);
        if (kind == 2)
            n->flags |= PG_HAS_CLOSURE;
        trace t = {.nodes = {x, traced(n)}, .inputs = 1, .count = 2, .outputs = {n}, .output_count = 1, .rows = {1}};
        pg_sweep *s = order_of(&t, &root);
        const pg_trace what = told(&t, s);
        CHECK(pg_program_make(&what, &opaque, &p) == PG_OPAQUE && opaque == n);
        CHECK(n->grad == 0.0);
        pg_sweep_abandon(s);
        pg_release(root);
        drop_trace(&t);
    }
}

static void test_each_allocation_of_a_program_fails_in_turn(void)
{
    for (uint64_t seed = 1; seed <= 150; seed++) {
        trace t;
        pg_node *root, *opaque;
        pg_program *p = NULL;
        random_state = 70000 + seed;
        make_trace(&t, MOST_NODES, usual_number);
        pg_sweep *s = order_of(&t, &root);
        const pg_trace what = told(&t, s);
        const size_t start = pg_live_nodes();
        for (size_t n = 1; p == NULL; n++) {
            fail(n, seed % 2);
            const pg_status status = pg_program_make(&what, &opaque, &p);
            pg_fail_at(0);
            CHECK(status == (p == NULL ? PG_NO_MEMORY : PG_OK) && pg_live_nodes() == start);
            for (size_t i = 0; i < t.count; i++)
                CHECK(t.nodes[i]->grad == 0.0);
        }
        for (int n = 1, sound = -1; sound == -1; n++) {
            fail((size_t)n, seed % 2);
            sound = pg_program_verify(p);
            pg_fail_at(0);
            CHECK(sound == (n < 5 ? -1 : 1));
        }
        pg_program_free(p);
        pg_sweep_abandon(s);
        pg_release(root);
        drop_trace(&t);
    }
}

static void test_a_trace_of_more_nodes_than_there_are_numbers_is_refused(void)
{
    pg_node *x = traced(pg_leaf(1.0)), *root, *opaque;
    pg_program *p;
    trace t = {.nodes = {x}, .inputs = 1, .count = 1, .outputs = {x}, .output_count = 1, .rows = {1}};
    pg_sweep *s = order_of(&t, &root), many = *s;
    many.count = SIZE_MAX / 2;
    pg_trace what = told(&t, &many);
    CHECK(pg_program_make(&what, &opaque, &p) == PG_NO_MEMORY);
    pg_sweep_abandon(s);
    pg_release(root);
    drop_trace(&t);
}

static void test_what_is_added_to_a_draft_that_has_failed_does_not_matter(void)
{
    draft d;
    CHECK(pg_draft_open(&d, 10));
    const uint32_t two = pg_draft_constant(&d, 2.0);
    d.failed = PG_NO_MEMORY;
    CHECK(pg_simplified(&d, PG_OP_add, two, two, NONE) == 0 && d.count == 1);
    pg_draft_close(&d);
}

static void test_an_array_does_not_grow_beyond_what_numbers_can_count(void)
{
    void *items = NULL;
    size_t capacity = INT32_MAX;
    CHECK(!pg_room(&items, INT32_MAX, &capacity, 1) && items == NULL && capacity == INT32_MAX);
    CHECK(pg_room(&items, 0, &capacity, 1)); /* has room */
}

/* -- large ones ------------------------------------------------------------------------------------ */

/* x, and then for each number i: the next sum of sums, quotients and the like, from the last and from x and i. */
typedef pg_node *step(pg_node *last, pg_node *x, pg_node *i);

static pg_node *quotients(pg_node *last, pg_node *x, pg_node *i)
{
    return consumed(PG_OP_add, pg_retain(last), traced(node_of_op(PG_OP_div, (pg_node *[3]){x, i}, 0.0)));
}

static pg_node *products(pg_node *last, pg_node *x, pg_node *i)
{
    return consumed(PG_OP_add, pg_retain(last), traced(mul(x, i)));
}

static pg_node *uniform;   /* the last of a chain of them, or NULL */

/* Uniform numbers, computed, one or two for each: they are spread over lanes, one after the other. */
static pg_node *spread_ones(pg_node *last, pg_node *x, pg_node *i)
{
    pg_node *before = uniform != NULL ? uniform : pg_retain(i);
    uniform = traced(node_of_op(PG_OP_tanh, (pg_node *[3]){before}, 0.0));
    pg_release(before);
    pg_node *other = traced(node_of_op(PG_OP_neg, (pg_node *[3]){uniform}, 0.0));
    const int op = fmod(i->value, 3.0) == 0.0 ? PG_OP_div : PG_OP_clip;
    pg_node *part = traced(node_of_op(op, (pg_node *[3]){x, other, uniform}, 0.0));
    pg_release(other);
    return consumed(PG_OP_add, pg_retain(last), part);
}

/* A constant of its own for each, besides the nodes. */
static pg_node *powers(pg_node *last, pg_node *x, pg_node *i)
{
    return consumed(PG_OP_add, pg_retain(last), traced(node_of_op(PG_OP_pown, (pg_node *[3]){x}, i->value + 0.5)));
}

static pg_node *starts(pg_node *last, pg_node *x, pg_node *i)
{
    pg_node *n = pg_compute_many(PG_SUM, (pg_node *[3]){last, x}, 2, last->value + x->value + i->value, NULL, NULL);
    n->of.many->start = i->value;
    return n;
}

/* The program of so many steps, having failed at each allocation before. */
static pg_program *long_program(size_t length, step *next, int total)
{
    pg_node *x = traced(pg_leaf(1.0)), *late = traced(node_of_op(PG_OP_tanh, (pg_node *[3]){x}, 0.0)),
            *n = pg_retain(late);
    pg_node *root, *opaque, *live = pg_leaf(2.0), *outputs[2] = {n, live};
    pg_program *p = NULL;
    const uint8_t row = 1, totals[2] = {(uint8_t)total, (uint8_t)total};
    pg_sweep *s;
    for (size_t i = 0; i < length; i++) {
        pg_node *number = pg_leaf((double)i + 2.0);
        if (i % 2)
            pg_mark_traced(number); /* a constant */
        pg_node *longer = traced(next(n, i % 3 ? x : late, number));
        pg_release(number);
        pg_release(n);
        n = longer;
    }
    outputs[0] = n;
    root = traced(pg_compute_many(PG_SUM, outputs, 2, 0.0, NULL, NULL));
    CHECK(pg_sweep_open(root, 0, &s) == PG_OK);
    pg_sweep_within_trace(s);
    CHECK(pg_sweep_stop_at(s, &x, 1) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
    const pg_trace what = {
        .sweep = s, .rows = &row, .outputs = outputs, .output_count = 2, .totals = totals, .optimise = 1};
    for (size_t at = 1; p == NULL; at++) {
        fail(at, total);
        CHECK(pg_program_make(&what, &opaque, &p) == (p == NULL ? PG_NO_MEMORY : PG_OK) && at < 100);
        pg_fail_at(0);
    }
    pg_sweep_abandon(s);
    pg_release(root);
    pg_release(n);
    pg_release(late);
    pg_release(live);
    pg_release(x);
    if (uniform != NULL)
        pg_release(uniform);
    uniform = NULL;
    return p;
}

static void test_long_programs(void)
{
    static step *const steps[] = {quotients, products, spread_ones, powers, starts};
    for (size_t length = 1; length < 3000; length = 3 * length + 2)
        for (size_t kind = 0; kind < 5; kind++)
            for (int total = 0; total < 2; total++) {
                pg_program *p = long_program(length, steps[kind], total);
                CHECK(pg_program_verify(p) == 1);
                pg_program_free(p);
            }
}

/* Users of one value are found in a chain, and where that is long by their hash: each of them is there once. */
static void test_a_value_that_many_use_in_the_same_way_is_computed_once(void)
{
    enum { COUNT = 40 };
    pg_node *numbers[COUNT], *outputs[4 * COUNT], *root, *opaque;
    pg_sweep *s;
    pg_program *p;
    size_t clips = 0, quotients = 0;
    for (int i = 0; i < COUNT; i++)
        numbers[i] = pg_leaf(i + 1.0);
    pg_node *y = traced(pg_compute_many(PG_SUM, numbers, COUNT, 1.0, NULL, NULL));
    for (int i = 0; i < 4 * COUNT; i++) { /* each twice */
        pg_node *number = numbers[i % COUNT];
        outputs[i] = traced(i < 2 * COUNT ? node_of_op(PG_OP_clip, (pg_node *[3]){y, numbers[0], number}, 0.0)
                                          : node_of_op(PG_OP_div, (pg_node *[3]){number, y}, 0.0));
    }
    root = traced(pg_compute_many(PG_SUM, outputs, 4 * COUNT, 0.0, NULL, NULL));
    CHECK(pg_sweep_open(root, 0, &s) == PG_OK);
    pg_sweep_within_trace(s);
    CHECK(pg_sweep_sort(s, ENOUGH) == PG_OK);
    const pg_trace what = {.sweep = s, .outputs = outputs, .output_count = 4 * COUNT, .optimise = 1};
    CHECK(pg_program_make(&what, &opaque, &p) == PG_OK);
    for (size_t i = 0; i < p->length; i++) {
        clips += p->code[i].code == PG_OP_clip;
        quotients += p->code[i].code == PG_OP_div;
    }
    CHECK(clips == COUNT && quotients == COUNT);
    pg_program_free(p);
    pg_sweep_abandon(s);
    pg_release(root);
    for (int i = 0; i < 4 * COUNT; i++)
        pg_release(outputs[i]);
    pg_release(y);
    for (int i = 0; i < COUNT; i++)
        pg_release(numbers[i]);
}

/* tanh(x) + 0 * sech2(x), whose second product is 0 whatever x is: the slope of sech2(x) ** 0. */
static void test_a_partner_that_is_not_needed_is_not_computed(void)
{
    pg_node *x = traced(pg_leaf(0.5)), *y = traced(node_of_op(PG_OP_tanh, (pg_node *[3]){x}, 0.0));
    pg_node *slope = traced(node_of_op(PG_OP_sech2, (pg_node *[3]){x}, 0.0)), *zero = traced(pg_leaf(0.0));
    pg_node *none = traced(node_of_op(PG_OP_pow_dx, (pg_node *[3]){slope, zero}, 0.0));
    pg_node *sum = traced(add(y, none));
    trace t = {.nodes = {x, y, slope, zero, none, sum}, .inputs = 1, .count = 6, .outputs = {sum}, .output_count = 1};
    t.rows[0] = 1;
    double lives[LIVES];
    pg_program *p = program_of(&t, lives);
    for (size_t i = 0; i < p->length; i++)
        CHECK(p->code[i].code != PG_OP_sech2);
    pg_program_free(p);
    drop_trace(&t);
}

/* -- what only a file has ------------------------------------------------------------------------- */

/* Two ops on a number x, and on x again if they are of two, into the two given slots, which go to the two outputs; the
 * second perhaps on -x. */
static void run_two(const int *ops, int apart, pg_slot first, pg_slot second, double x, double *out)
{
    const pg_slot exponent = ops[0] == PG_OP_pow ? PG_ROW | 0 : PG_NO_SLOT;
    pg_instruction code[] = {
        {.code = PG_OP_neg, .out = PG_ROW | 1, .a = PG_ROW | 0, .b = PG_NO_SLOT, .c = PG_NO_SLOT},
        {.code = (uint16_t)ops[0], .out = first, .a = PG_ROW | 0, .b = exponent, .c = PG_NO_SLOT},
        {.code = (uint16_t)ops[1], .out = second, .a = PG_ROW | (apart != 0), .b = exponent, .c = PG_NO_SLOT},
        {.code = PG_CODE_OUTPUT, .out = 0, .a = first, .b = PG_NO_SLOT, .c = PG_NO_SLOT},
        {.code = PG_CODE_OUTPUT, .out = 1, .a = second, .b = PG_NO_SLOT, .c = PG_NO_SLOT},
    };
    pg_slot inputs[1] = {PG_ROW | 0}, results[2] = {PG_NO_SLOT, PG_NO_SLOT};
    const pg_program p = {.inputs = 1,
                          .lanes = 4,
                          .outputs = 2,
                          .input_slots = inputs,
                          .result_slots = results,
                          .code = code,
                          .length = 5};
    const double *columns[1] = {&x};
    double *outputs[2] = {out, out + 1};
    const ptrdiff_t strides[2] = {0, 0};
    void *uniforms = room(pg_uniform_bytes(&p), 1), *lanes = room(pg_lane_bytes(&p), 1);
    const pg_batch batch = {.inputs = columns,
                            .strides = strides,
                            .count = 1,
                            .outputs = outputs,
                            .output_strides = strides,
                            .uniforms = uniforms,
                            .lanes = lanes};
    uint32_t guard;
    CHECK(pg_program_verify(&p) == 1);
    CHECK(pg_program_run_once(&p, &batch, &guard));
    pg_program_run(&p, &batch);
    free(uniforms);
    free(lanes);
}

static double of(int op, double x)
{
    return pg_evaluate_one(op, x, 0.0, 0.0);
}

static void test_partners_are_one_only_of_the_same_number_and_into_two_places(void)
{
    static const int partners[6][2] = {{PG_OP_sin, PG_OP_cos},
                                       {PG_OP_cos, PG_OP_sin},
                                       {PG_OP_tanh, PG_OP_sech2},
                                       {PG_OP_sech2, PG_OP_tanh},
                                       {PG_OP_sigmoid, PG_OP_sigmoid_dx},
                                       {PG_OP_sigmoid_dx, PG_OP_sigmoid}};
    static const double numbers[] = {0.5, 1e6, -1e300};
    for (int lanes = 0; lanes < 3; lanes++) {
        pg_choose_lanes(lanes);
        for (int i = 0; i < 18; i++) {
            const int *ops = partners[i % 6];
            const double x = numbers[i / 6], first = of(ops[0], x), second = of(ops[1], x);
            double out[2];
            run_two(ops, 0, PG_ROW | 2, PG_ROW | 3, x, out);
            CHECK(out[0] == first && out[1] == second);
            run_two(ops, 0, PG_ROW | 2, PG_ROW | 2, x, out);
            CHECK(out[0] == second && out[1] == second);
            run_two(ops, 1, PG_ROW | 2, PG_ROW | 3, x, out);
            CHECK(out[0] == first && out[1] == of(ops[1], -x));
        }
    }
    for (int lanes = 0; lanes < 3; lanes++) {
        double out[2];
        pg_choose_lanes(lanes);
        run_two((const int[2]){PG_OP_pow, PG_OP_pow_dx}, 0, PG_ROW | 2, PG_ROW | 3, 2.5, out);
        CHECK(out[0] == pg_evaluate_one(PG_OP_pow, 2.5, 2.5, 0.0));
        CHECK(out[1] == pg_evaluate_one(PG_OP_pow_dx, 2.5, 2.5, 0.0));
        for (int i = 0; i < 6; i++) {
            const int ops[2][2] = {{PG_OP_gamma, PG_OP_gamma_dx}, {PG_OP_lgamma, PG_OP_digamma}};
            const double x = (const double[3]){0.3, 4.75, -2.5}[i / 2];
            run_two(ops[i % 2], 0, PG_ROW | 2, PG_ROW | 3, x, out);
            CHECK(out[0] == of(ops[i % 2][0], x) && out[1] == of(ops[i % 2][1], x));
        }
    }
    CHECK(pg_evaluate_one(PG_SUM, 1.0, 2.0, 3.0) == 0.0); /* is no op of the table */
}

static void test_programs_too_large_for_slots_are_refused(void)
{
    const pg_program many[] = {
        {.lives = PG_NO_SLOT, .uniforms = PG_NO_SLOT},
        {.inputs = PG_NO_SLOT, .lanes = PG_NO_SLOT},
        {.outputs = SIZE_MAX / 64},
    };
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        CHECK(pg_program_verify(&many[i]) == 0);
}

/* -- 0 times infinity ------------------------------------------------------------------------------ */

/* What run_once, run and call say of a program of one instruction on x and y, and its output where x is 0. */
typedef struct {
    int once, call;
    int64_t run;
    uint32_t guard;
    double output;
} answers;

static answers ask(pg_instruction in, const pg_term *term, int tells, int rows, const double *x, const double *y,
                   size_t count)
{
    static double results[3000], partial[4];
    const pg_slot kind = rows ? PG_ROW : 0;
    pg_slot inputs[3] = {kind | 0, kind | 1, kind | 2}, result = rows ? PG_NO_SLOT : 3;
    in.out = kind | 3;
    in.a |= kind;
    in.b = in.b == PG_NO_SLOT ? in.b : in.b | kind;
    pg_term terms[1] = {0};
    if (term != NULL)
        terms[0] = (pg_term){term->a | kind, term->b | kind, term->absorbing, term->subtracted};
    pg_instruction code[2] = {in, {.code = PG_CODE_OUTPUT, .a = in.out, .b = PG_NO_SLOT, .c = PG_NO_SLOT}};
    const pg_program p = {.inputs = 3,
                          .lanes = rows ? 4 : 0,
                          .uniforms = rows ? 0 : 4,
                          .outputs = 1,
                          .input_slots = inputs,
                          .result_slots = &result,
                          .code = code,
                          .length = rows ? 2 : 1,
                          .once = !rows,
                          .spread = !rows,
                          .terms = terms,
                          .term_count = term != NULL,
                          .tells = tells};
    static const double zero = 0.0;
    const double *columns[3] = {x, y, &zero};
    double *outputs = results;
    const ptrdiff_t strides[3] = {rows, rows, 0}, output_stride = rows;
    pg_batch batch = {.inputs = columns,
                      .strides = strides,
                      .count = count,
                      .outputs = &outputs,
                      .output_strides = &output_stride,
                      .totals = partial,
                      .uniforms = room(pg_uniform_bytes(&p), 1),
                      .lanes = room(pg_lane_bytes(&p), 1)};
    answers found = {.guard = 7};
    CHECK(pg_program_verify(&p) == 1 && count <= sizeof results / sizeof *results);
    found.once = pg_program_run_once(&p, &batch, &found.guard);
    found.run = rows ? pg_program_run(&p, &batch) : 0;
    found.call = rows ? 0 : pg_program_call(&p, &batch, &found.guard);
    found.output = results[0];
    free(batch.uniforms);
    free(batch.lanes);
    return found;
}

static const struct {
    pg_instruction in;
    pg_term term;
    double y;              /* what is not to meet a 0 */
} meetings[] = {
    {{.code = PG_OP_mul0, .a = 0, .b = 1, .c = PG_NO_SLOT}, {0}, (double)INFINITY},
    {{.code = PG_OP_div0, .a = 0, .b = 1, .c = PG_NO_SLOT}, {0}, 0.0},
    {{.code = PG_OP_atan2_dxx, .a = 0, .b = 1, .c = PG_NO_SLOT}, {0}, 0.0},
    {{.code = PG_OP_atan2_dxy, .a = 0, .b = 1, .c = PG_NO_SLOT}, {0}, 0.0},
    {{.code = PG_CODE_FUSED, .a = 2, .b = PG_NO_SLOT, .c = PG_NO_SLOT, .count = 1, .expected = 1},
     {0, 1, 1, 0},
     (double)INFINITY},
    {{.code = PG_CODE_CONTRACTED, .a = 2, .b = PG_NO_SLOT, .c = PG_NO_SLOT, .count = 1, .expected = 1},
     {0, 1, 1, 1},
     (double)INFINITY},
};

static void test_a_program_that_tells_says_that_it_has_met_a_product_with_0(void)
{
    for (size_t i = 0; i < sizeof meetings / sizeof *meetings; i++) {
        const pg_instruction in = meetings[i].in;
        const pg_term *term = in.count != 0 ? &meetings[i].term : NULL;
        const double x[2] = {0.0, 1.0}, y[2] = {meetings[i].y, 1.0};
        const answers told = ask(in, term, 1, 0, x, y, 1), silent = ask(in, term, 0, 0, x, y, 1);
        CHECK(told.once == 2 && told.call == 0 && told.guard == UINT32_MAX && told.output == 0.0);
        CHECK(silent.once == 1 && silent.call == 1 && silent.guard == 7 && silent.output == 0.0);
        const answers tame = ask(in, term, 1, 0, x + 1, y + 1, 1);
        CHECK(tame.once == 1 && tame.call == 1 && tame.guard == 7);
    }
}

static void test_a_program_that_tells_names_the_first_row_that_has_met_one(void)
{
    enum { ROWS = 2118 };
    static const size_t places[] = {0, 1, 63, 64, 100, 1024, ROWS - 1};
    static double x[ROWS], y[ROWS];
    for (int lanes = 0; lanes < 3; lanes++) {
        pg_choose_lanes(lanes);
        for (size_t i = 0; i < sizeof meetings / sizeof *meetings; i++) {
            const pg_instruction in = meetings[i].in;
            const pg_term *term = in.count != 0 ? &meetings[i].term : NULL;
            for (size_t k = 0; k < ROWS; k++)
                x[k] = y[k] = 1.0;
            CHECK(ask(in, term, 1, 1, x, y, ROWS).run == 0);
            for (size_t k = sizeof places / sizeof *places; k-- != 0;) {
                x[places[k]] = 0.0, y[places[k]] = meetings[i].y;
                CHECK(ask(in, term, 1, 1, x, y, ROWS).run == (int64_t)places[k] + 1);
                CHECK(ask(in, term, 0, 1, x, y, ROWS).run == 0);
            }
        }
    }
}

int main(void)
{
    RUN(test_rows_have_the_bits_of_the_ops_they_are_made_of);
    RUN(test_contracted_sums_of_what_is_exact_are_the_same);
    RUN(test_contracted_sums_are_rounded_once);
    RUN(test_contracted_products_of_what_is_the_same_for_all_rows);
    RUN(test_totals_of_what_a_contracted_product_is_taken_from);
    RUN(test_a_guard_that_is_the_same_for_all_rows_ends_a_call);
    RUN(test_totals_do_not_depend_on_how_rows_are_cut);
    RUN(test_nodes_that_cannot_be_computed_again_are_opaque);
    RUN(test_each_allocation_of_a_program_fails_in_turn);
    RUN(test_a_trace_of_more_nodes_than_there_are_numbers_is_refused);
    RUN(test_what_is_added_to_a_draft_that_has_failed_does_not_matter);
    RUN(test_an_array_does_not_grow_beyond_what_numbers_can_count);
    RUN(test_long_programs);
    RUN(test_a_value_that_many_use_in_the_same_way_is_computed_once);
    RUN(test_a_partner_that_is_not_needed_is_not_computed);
    RUN(test_partners_are_one_only_of_the_same_number_and_into_two_places);
    RUN(test_programs_too_large_for_slots_are_refused);
    RUN(test_a_program_that_tells_says_that_it_has_met_a_product_with_0);
    RUN(test_a_program_that_tells_names_the_first_row_that_has_met_one);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
