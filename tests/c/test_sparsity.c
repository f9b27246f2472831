/* test_sparsity.c: patterns of programs, and colours for them, held against slow and plain ways to find them.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "traces.h"

static double usual_number(void)
{
    return between(-2.0, 2.0);
}

static int has(const pg_pattern *m, size_t row, size_t column)
{
    for (uint32_t i = m->starts[row]; i < m->starts[row + 1]; i++)
        if (m->items[i] == column)
            return 1;
    return 0;
}

/* Rows of ascending columns, none twice. */
static void check_shape(const pg_pattern *m)
{
    CHECK(m->starts[0] == 0 && m->starts[m->rows] == m->count);
    for (size_t r = 0; r < m->rows; r++)
        for (uint32_t i = m->starts[r]; i < m->starts[r + 1]; i++)
            CHECK(m->items[i] < m->columns && (i == m->starts[r] || m->items[i - 1] < m->items[i]));
}

/* -- patterns -------------------------------------------------------------------------------------- */

/* The derivative of an output by each input, at the numbers of the trace, into the inputs' grads. */
static void sweep_back(const trace *t, pg_node *output)
{
    pg_sweep *s;
    pg_node *due;
    CHECK(pg_sweep_open(output, 1, &s) == PG_OK);
    CHECK(pg_sweep_sort(s, ENOUGH) == PG_OK);
    for (size_t i = 0; i < t->inputs; i++)
        t->nodes[i]->grad = 0.0;
    pg_sweep_begin(s, 1.0);
    while (pg_sweep_step(s, ENOUGH, &due) != PG_OK)
        continue;
    pg_sweep_commit(s);
}

/* Bits of the inputs on which each node depends by a slope that is not ZERO, whatever the numbers. */
static void dependences(const trace *t, uint32_t *bits)
{
    for (size_t i = 0; i < t->count; i++)
        t->nodes[i]->grad = (double)i;
    for (size_t i = 0; i < t->count; i++) {
        const pg_node *n = t->nodes[i];
        bits[i] = i < t->inputs ? 1u << i : 0;
        if (n->op == PG_OP_ruled && n->flags & PG_TRACED) /* by what, only its rule knows */
            bits[i] = (1u << t->inputs) - 1;
        for (size_t k = 0; (n->flags & PG_TRACED) && k < pg_operand_count(n); k++)
            if (n->op < PG_OP_add || strcmp(pg_op_at(n->op - PG_OP_add)->rules[k], "ZERO") != 0)
                bits[i] |= bits[(size_t)pg_operand(n, k)->grad];
    }
    for (size_t i = 0; i < t->output_count; i++)
        bits[t->count + i] = bits[(size_t)t->outputs[i]->grad];
    for (size_t i = 0; i < t->count; i++)
        t->nodes[i]->grad = 0.0;
}

static void test_a_pattern_has_all_that_a_sweep_finds_and_no_more_than_the_graph(void)
{
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        trace t;
        pg_pattern *m;
        double lives[LIVES];
        uint32_t bits[MOST_ALL + MOST_OUTPUTS];
        random_state = seed;
        make_trace(&t, 1 + below(MOST_NODES), usual_number);
        pg_program *p = program_of(&t, lives);
        const size_t first = below(t.inputs), inputs = t.inputs - first, outputs = 1 + below(t.output_count);
        dependences(&t, bits);
        CHECK(pg_program_pattern(p, first, inputs, outputs, SIZE_MAX, &m) == 1);
        CHECK(m->rows == outputs && m->columns == inputs);
        check_shape(m);
        for (size_t r = 0; r < outputs; r++) {
            sweep_back(&t, t.outputs[r]);
            for (size_t c = 0; c < inputs; c++) {
                const double slope = t.nodes[first + c]->grad;
                CHECK(has(m, r, c) || slope == 0.0 || !isfinite(slope));
                CHECK(!has(m, r, c) || bits[t.count + r] & 1u << (first + c));
            }
        }
        if (m->count != 0)
            CHECK(pg_program_pattern(p, first, inputs, outputs, m->count - 1, &m) == 0);
        pg_pattern_free(m);
        pg_program_free(p);
        drop_trace(&t);
    }
    pg_pattern_free(NULL);
}

/* y[i] = x[i] * x[i - 1] + c y[i - 1], with c = 1 or, for every period-th, 0: blocks of triangles. */
static pg_program *triangles(size_t count, size_t period)
{
    pg_node **x = pg_alloc(count, sizeof *x), **y = pg_alloc(count, sizeof *y), *zero = traced(pg_leaf(0.0)), *opaque;
    uint8_t *rows = pg_alloc(count, 1);
    pg_program *p;
    pg_sweep *s;
    for (size_t i = 0; i < count; i++) {
        x[i] = traced(pg_leaf(1.0));
        rows[i] = i % 3 != 0;
        pg_node *product = traced(mul(x[i], x[i == 0 ? 0 : i - 1]));
        if (i == 0) {
            y[i] = product;
            continue;
        }
        pg_node *passed = i % period == 0 ? traced(mul(y[i - 1], zero)) : pg_retain(y[i - 1]);
        y[i] = traced(add(product, passed));
        pg_release(product);
        pg_release(passed);
    }
    pg_node *root = traced(pg_compute_many(PG_SUM, y, count, 0.0, NULL, NULL));
    CHECK(pg_sweep_open(root, 0, &s) == PG_OK);
    pg_sweep_within_trace(s);
    CHECK(pg_sweep_stop_at(s, x, count) == PG_OK && pg_sweep_sort(s, ENOUGH) == PG_OK);
    const pg_trace what = {.sweep = s, .rows = rows, .outputs = y, .output_count = count, .optimise = 1};
    CHECK(pg_program_make(&what, &opaque, &p) == PG_OK);
    pg_sweep_abandon(s);
    pg_release(root);
    pg_release(zero);
    for (size_t i = 0; i < count; i++) {
        pg_release(x[i]);
        pg_release(y[i]);
    }
    pg_free(rows);
    pg_free(y);
    pg_free(x);
    return p;
}

static void check_triangles(const pg_pattern *m, size_t count, size_t period)
{
    check_shape(m);
    for (size_t r = 0; r < count; r++) {
        const size_t start = r / period * period, from = start == 0 ? 0 : start - 1;
        CHECK(m->starts[r + 1] - m->starts[r] == r + 1 - from && m->items[m->starts[r]] == from);
    }
}

static void test_patterns_of_many_inputs(void)
{
    static const size_t periods[] = {3, 64, 1000};
    for (size_t count = 1; count < 300; count += count / 2 + 1)
        for (int i = 0; i < 3; i++) {
            pg_pattern *m = NULL;
            pg_program *p = triangles(count, periods[i]);
            CHECK(pg_program_pattern(p, 0, count, count, SIZE_MAX, &m) == 1);
            check_triangles(m, count, periods[i]);
            pg_pattern_free(m);
            m = NULL;
            for (size_t n = 1; m == NULL; n++) {
                pg_fail_at(n);
                const int found = pg_program_pattern(p, 0, count, count, SIZE_MAX, &m);
                pg_fail_at(0);
                CHECK(found == (m == NULL ? -1 : 1));
            }
            pg_pattern_free(m);
            pg_program_free(p);
        }
}

static void test_a_program_too_long_for_numbers_has_no_pattern(void)
{
    pg_instruction in = {.code = PG_CODE_FUSED, .count = INT32_MAX};
    pg_program p = {.code = &in, .length = 1};
    pg_pattern *m;
    CHECK(pg_program_pattern(&p, 0, 0, 0, 1, &m) == -1);
    in.count = 0;
    CHECK(pg_program_pattern(&p, 0, INT32_MAX, 0, 1, &m) == -1);
}

/* -- colours --------------------------------------------------------------------------------------- */

enum { MOST = 40 };

/* A matrix of 0 and 1 as a pattern, whose arrays are the caller's. */
static pg_pattern pattern_of(size_t rows, size_t columns, char matrix[MOST][MOST], uint32_t *starts, uint32_t *items)
{
    pg_pattern m = {rows, columns, 0, starts, items};
    for (size_t r = 0; r < rows; r++) {
        starts[r] = (uint32_t)m.count;
        for (size_t c = 0; c < columns; c++)
            if (matrix[r][c])
                items[m.count++] = (uint32_t)c;
    }
    starts[rows] = (uint32_t)m.count;
    return m;
}

static void shuffled(int32_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++)
        order[i] = (int32_t)i;
    for (size_t i = count; i > 1; i--) {
        const size_t other = below(i);
        const int32_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

static void test_columns_of_one_colour_share_no_row(void)
{
    static uint32_t starts[2][MOST + 1], items[2][MOST * MOST];
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        char matrix[MOST][MOST], transposed[MOST][MOST];
        int32_t order[MOST], colours[MOST], used;
        random_state = seed;
        const size_t rows = 1 + below(MOST), columns = 1 + below(MOST), sparse = 1 + below(20);
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < columns; c++)
                transposed[c][r] = matrix[r][c] = (char)one_in(sparse);
        const pg_pattern by_row = pattern_of(rows, columns, matrix, starts[0], items[0]);
        const pg_pattern by_column = pattern_of(columns, rows, transposed, starts[1], items[1]);
        shuffled(order, columns);
        used = pg_colour_columns(&by_row, &by_column, order, INT32_MAX, colours);
        for (size_t c = 0; c < columns; c++)
            CHECK(0 <= colours[c] && colours[c] < used);
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < columns; c++)
                for (size_t d = 0; d < c; d++)
                    CHECK(!matrix[r][c] || !matrix[r][d] || colours[c] != colours[d]);
        CHECK(pg_colour_columns(&by_row, &by_column, order, used, colours) == used);
        CHECK(pg_colour_columns(&by_row, &by_column, order, used - 1, colours) > used - 1);
        pg_fail_at(1);
        CHECK(pg_colour_columns(&by_row, &by_column, order, used, colours) == -1);
        pg_fail_at(0);
    }
}

/* Whether v has a neighbour of a colour besides w. */
static int has_another(size_t count, char graph[MOST][MOST], const int32_t *colours, size_t v, size_t w)
{
    for (size_t u = 0; u < count; u++)
        if (u != w && u != v && graph[v][u] && colours[u] == colours[w])
            return 1;
    return 0;
}

static void test_of_each_entry_one_end_stands_alone_with_its_colours(void)
{
    static uint32_t starts[MOST + 1], items[MOST * MOST];
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        char graph[MOST][MOST];
        int32_t order[MOST], colours[MOST], used = -1;
        random_state = seed;
        const size_t count = 1 + below(MOST), sparse = 1 + below(20);
        for (size_t v = 0; v < count; v++)
            for (size_t w = 0; w <= v; w++)
                graph[v][w] = graph[w][v] = (char)one_in(sparse);
        const pg_pattern m = pattern_of(count, count, graph, starts, items);
        shuffled(order, count);
        for (size_t n = 1; used == -1; n++) {
            pg_fail_at(n);
            used = pg_colour_stars(&m, order, INT32_MAX, colours);
            pg_fail_at(0);
            CHECK(used >= 0 || n < 9);
        }
        for (size_t v = 0; v < count; v++)
            for (size_t w = 0; w < v; w++)
                if (graph[v][w])
                    CHECK(colours[v] != colours[w] &&
                          (!has_another(count, graph, colours, v, w) || !has_another(count, graph, colours, w, v)));
        CHECK(pg_colour_stars(&m, order, used - 1, colours) > used - 1);
    }
}

int main(void)
{
    RUN(test_a_pattern_has_all_that_a_sweep_finds_and_no_more_than_the_graph);
    RUN(test_patterns_of_many_inputs);
    RUN(test_a_program_too_long_for_numbers_has_no_pattern);
    RUN(test_columns_of_one_colour_share_no_row);
    RUN(test_of_each_entry_one_end_stands_alone_with_its_colours);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
