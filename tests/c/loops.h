/* loops.h: loops for tests: bodies of nodes, each with what a trip of it does in plain C. */
#ifndef PG_LOOPS_H
#define PG_LOOPS_H

#include "traces.h"

#include "graph/stopping.h"
#include "program/derived.h"
#include "program/unfold.h"

enum { MOST_STATE = 3, MOST_KEPT = 40000 };

/* Nodes that are held until the end of a test. */
static pg_node *held[MOST_KEPT];
static size_t held_count;

static inline pg_node *hold(pg_node *n)
{
    CHECK(n != NULL && held_count < MOST_KEPT);
    return held[held_count++] = traced(n);
}

static inline void let_go(size_t down_to)
{
    while (held_count > down_to)
        pg_release(held[--held_count]);
}

static inline pg_node *constant(double x)
{
    return hold(pg_leaf(x));
}

static inline pg_node *of(int op, pg_node *a, pg_node *b)
{
    return hold(node_of_op(op, (pg_node *[3]){a, b, NULL}, 0.0));
}

static inline double value(int op, double x, double y)
{
    return pg_evaluate_one(op, x, y, 0.0);
}

enum { MADE = 8, MOST_X = 12 };

/* A body: x are the numbers of its state, then what it has captured, is given and knows; of one that does not count, whether
 * it goes on is behind the new state, and what a scan makes comes last. A trip puts that into x from MADE on. */
typedef struct {
    const char *name;
    size_t state, captured;
    int counts;
    void (*make)(pg_node *const *x, pg_node **results);
    int (*trip)(double *x);
    double low, high, trips; /* of numbers, and at most */
    pg_scan scan;
} kind;

static inline size_t results_of(const kind *k)
{
    return k->state + !k->counts + k->scan.made;
}

/* Of the loop. */
static inline size_t operands_of(const kind *k)
{
    return k->state + 1 + k->captured + k->scan.given * k->scan.length;
}

static inline size_t results_of_loop(const kind *k)
{
    return k->state + 1 + k->scan.made * k->scan.length;
}

static double known_number(size_t at)
{
    return 0.25 + 0.125 * (double)at;
}

/* A square root, by Newton. */
static void make_root(pg_node *const *x, pg_node **out)
{
    out[0] = of(PG_OP_mul, of(PG_OP_add, x[0], of(PG_OP_div, x[1], x[0])), constant(0.5));
    pg_node *rest = of(PG_OP_sub, of(PG_OP_mul, out[0], out[0]), x[1]);
    out[1] = of(PG_OP_below, constant(1e-9), of(PG_OP_abs, rest, NULL));
}

static int trip_root(double *x)
{
    x[0] = (x[0] + x[1] / x[0]) * 0.5;
    return 1e-9 < fabs(x[0] * x[0] - x[1]);
}

/* Results that stand where other parts of the state do; one part apart from the others. */
static void make_crossing(pg_node *const *x, pg_node **out)
{
    out[0] = x[1];
    out[1] = of(PG_OP_add, of(PG_OP_mul, x[0], x[3]), x[1]);
    out[2] = of(PG_OP_add, of(PG_OP_mul, of(PG_OP_sin, x[2], NULL), of(PG_OP_cos, x[2], NULL)),
                of(PG_OP_tanh, x[4], NULL));
}

static int trip_crossing(double *x)
{
    const double first = x[1], second = x[0] * x[3] + x[1];
    x[2] = value(PG_OP_sin, x[2], 0.0) * value(PG_OP_cos, x[2], 0.0) + value(PG_OP_tanh, x[4], 0.0);
    x[0] = first, x[1] = second;
    return 1;
}

/* Of what is not read, and what no trip changes: the one before last is captured and not used. */
static void make_unread(pg_node *const *x, pg_node **out)
{
    out[0] = of(PG_OP_add, of(PG_OP_mul, x[0], x[4]), x[2]);
    out[1] = x[2];
    out[2] = constant(3.0);
}

static int trip_unread(double *x)
{
    x[0] = x[0] * x[4] + x[2];
    const double before = x[2];
    x[2] = 3.0;
    x[1] = before;
    return 1;
}

/* Tables: their items, and cells among keys. */
static void make_table(pg_node *const *x, pg_node **out)
{
    pg_node *items[4] = {of(PG_OP_mod, of(PG_OP_floor, x[1], NULL), constant(3.0)), x[2], x[3], x[0]};
    pg_node *keys[3] = {x[0], constant(0.25), constant(1.5)}, *others[3] = {x[0], x[4], x[3]};
    pg_node *taken = hold(pg_item_of(items, 3, 1)), *cell = hold(pg_cell_of(keys, 2, PG_SEARCH_LEFT, 1));
    pg_node *sum = of(PG_OP_add, of(PG_OP_mul, x[0], constant(0.5)), taken);
    pg_node *cells = of(PG_OP_add, cell, hold(pg_cell_of(others, 2, PG_BISECT_RIGHT, 1)));
    out[0] = of(PG_OP_add, sum, of(PG_OP_mul, cells, constant(0.25)));
    out[1] = of(PG_OP_add, x[1], constant(1.0));
}

static int trip_table(double *x)
{
    const double items[3] = {x[2], x[3], x[0]}, keys[2] = {0.25, 1.5}, others[2] = {x[4], x[3]};
    const double taken = item_of(value(PG_OP_mod, floor(x[1]), 3.0), items, 3);
    const double cells = cell_of(PG_SEARCH_LEFT, x[0], keys, 2) + cell_of(PG_BISECT_RIGHT, x[0], others, 2);
    x[0] = x[0] * 0.5 + taken + cells * 0.25;
    x[1] += 1.0;
    return 1;
}

/* As many trips as it takes to get there, and a step on the way that no derivative gets through. */
static void make_climbing(pg_node *const *x, pg_node **out)
{
    pg_node *choice[3] = {of(PG_OP_below, x[0], constant(1.0)), of(PG_OP_mul, x[0], x[2]), x[0]};
    pg_node *chosen = hold(node_of_op(PG_OP_where, choice, 0.0));
    out[0] = of(PG_OP_add, chosen, of(PG_OP_add, of(PG_OP_floor, x[0], NULL), constant(0.375)));
    out[1] = of(PG_OP_add, constant(1.0), of(PG_OP_mul0, x[0], x[2]));
    out[2] = of(PG_OP_at_most, out[0], x[3]);
}

static int trip_climbing(double *x)
{
    const double chosen = x[0] < 1.0 ? x[0] * x[2] : x[0], before = x[0];
    x[0] = chosen + (floor(x[0]) + 0.375);
    x[1] = 1.0 + value(PG_OP_mul0, before, x[2]);
    return x[0] <= x[3];
}

/* A loop in a loop, which goes on in turn for as many trips as the outer one's state says. */
static pg_loop *inner;

static void make_nested(pg_node *const *x, pg_node **out)
{
    pg_node *operands[6] = {x[0], x[1], x[0], x[1], x[2], x[3]}, *items[4];
    pg_status status;
    pg_node *n = pg_loop_node(inner, operands, items, &status);
    CHECK(n != NULL);
    hold(n);
    for (int i = 0; i < 4; i++)
        hold(items[i]);
    out[0] = of(PG_OP_mul, of(PG_OP_add, items[1], items[2]), constant(0.25));
    out[1] = of(PG_OP_sub, x[1], constant(1.0));
}

static int trip_nested(double *x)
{
    double state[5] = {x[0], x[1], x[0], x[2], x[3]};
    for (double trips = 0.0; trips < x[1]; trips += 1.0)
        trip_crossing(state);
    x[0] = (state[1] + state[2]) * 0.25;
    x[1] -= 1.0;
    return 1;
}

/* No state at all. */
static void make_empty(pg_node *const *x, pg_node **out)
{
    (void)x;
    (void)out;
}

static int trip_empty(double *x)
{
    (void)x;
    return 1;
}

/* Many trips, more than a history keeps. */
static void make_long(pg_node *const *x, pg_node **out)
{
    out[0] = of(PG_OP_mul, of(PG_OP_sin, x[0], NULL), x[1]);
}

static int trip_long(double *x)
{
    x[0] = value(PG_OP_sin, x[0], 0.0) * x[1];
    return 1;
}

/* What stays where it is; and sums of many, with a start and without. */
static void make_staying(pg_node *const *x, pg_node **out)
{
    pg_node *sum = hold(pg_compute_many(PG_SUM, (pg_node *[3]){x[0], x[1], x[0]}, 3, 0.0, NULL, NULL));
    pg_node *dot = hold(pg_compute_many(PG_DOT, (pg_node *[4]){x[0], x[1], x[1], sum}, 4, 0.0, NULL, NULL));
    sum->of.many->start = -0.0;
    pg_node *power = hold(node_of_op(PG_OP_pown, (pg_node *[3]){dot, NULL, NULL}, 2.5));
    pg_node *clipped = hold(node_of_op(PG_OP_clip, (pg_node *[3]){power, constant(-1.0), x[1]}, 0.0));
    out[0] = clipped;
    out[1] = x[1];
}

static int trip_staying(double *x)
{
    const double sum = -0.0 + x[0] + x[1] + x[0], dot = 0.0 + x[0] * x[1] + x[1] * sum;
    x[0] = pg_evaluate_one(PG_OP_clip, value(PG_OP_pown, dot, 2.5), -1.0, x[1]);
    return 1;
}

/* The same result twice, which its own slope is made of. */
static void make_twice(pg_node *const *x, pg_node **out)
{
    out[0] = out[1] = of(PG_OP_exp, of(PG_OP_neg, of(PG_OP_add, of(PG_OP_mul, x[0], x[2]), x[1]), NULL), NULL);
}

static int trip_twice(double *x)
{
    x[0] = x[1] = value(PG_OP_exp, -(x[0] * x[2] + x[1]), 0.0);
    return 1;
}

/* A scan: what is given and known, a column each, of which something is computed that is the same in all rows; what is
 * made is of what it is given, and what it has been. */
static void make_scan(pg_node *const *x, pg_node **out)
{
    out[0] = of(PG_OP_add, of(PG_OP_mul, x[0], x[1]), of(PG_OP_sin, x[2], NULL));
    out[1] = of(PG_OP_mul, x[0], of(PG_OP_add, x[2], of(PG_OP_sin, x[3], NULL)));
}

static int trip_scan(double *x)
{
    x[MADE] = x[0] * (x[2] + value(PG_OP_sin, x[3], 0.0));
    x[0] = x[0] * x[1] + value(PG_OP_sin, x[2], 0.0);
    return 1;
}

/* One that begins with the last, and ends early; what is given takes the place of the state, which is made. */
static void make_early(pg_node *const *x, pg_node **out)
{
    out[0] = x[1];
    out[1] = of(PG_OP_below, x[0], constant(1.0));
    out[2] = x[0];
}

static int trip_early(double *x)
{
    const double before = x[0];
    x[0] = x[1], x[MADE] = before;
    return before < 1.0;
}

/* Nothing but what is known. */
static void make_known(pg_node *const *x, pg_node **out)
{
    out[0] = of(PG_OP_mul, x[0], x[0]);
}

static int trip_known(double *x)
{
    x[MADE] = x[0] * x[0];
    return 1;
}

/* Many trips, with what is known and a scan in it. */
static pg_loop *inner_scan;

static void make_scans(pg_node *const *x, pg_node **out)
{
    pg_node *operands[5] = {x[0], constant(2.0), x[2], x[1], x[0]}, *items[4];
    pg_status status;
    pg_node *n = pg_loop_node(inner_scan, operands, items, &status);
    CHECK(n != NULL);
    hold(n);
    for (int i = 0; i < 4; i++)
        hold(items[i]);
    out[0] = of(PG_OP_sin, of(PG_OP_add, items[0], of(PG_OP_mul, items[2], items[3])), NULL);
}

static int trip_scans(double *x)
{
    double y[MOST_X] = {x[0], x[2], x[1], known_number(0)}, made = 1.0;
    for (int i = 0; i < 2; i++) {
        trip_scan(y);
        made *= y[MADE];
        y[2] = x[0], y[3] = known_number(1);
    }
    x[0] = value(PG_OP_sin, y[0] + made, 0.0);
    return 1;
}

/* Much that is alike side by side, which is packed; and sums of products in which an exact 0 wins. */
static void make_broad(pg_node *const *x, pg_node **out)
{
    out[0] = out[1] = constant(0.0);
    for (int i = 0; i < 9; i++) {
        pg_node *y = of(PG_OP_tanh, of(PG_OP_add, of(PG_OP_mul, x[0], constant(0.25 * i)), x[2]), NULL);
        out[0] = of(PG_OP_add, out[0], of(PG_OP_mul, y, x[1]));
        out[1] = of(PG_OP_add, out[1], of(PG_OP_mul0, x[0], of(PG_OP_sin, y, NULL)));
    }
}

static int trip_broad(double *x)
{
    double first = 0.0, second = 0.0;
    for (int i = 0; i < 9; i++) {
        const double y = value(PG_OP_tanh, x[0] * (0.25 * i) + x[2], 0.0);
        first += y * x[1];
        second += value(PG_OP_mul0, x[0], value(PG_OP_sin, y, 0.0));
    }
    x[0] = first, x[1] = second;
    return 1;
}

static const kind kinds[] = {
    {"root", 1, 1, 0, make_root, trip_root, 0.5, 4.0, 1.0, {0}},
    {"crossing", 3, 2, 1, make_crossing, trip_crossing, -1.5, 1.5, 7.0, {0}},
    {"unread", 3, 2, 1, make_unread, trip_unread, -1.5, 1.5, 5.0, {0}},
    {"table", 2, 3, 1, make_table, trip_table, 0.0, 2.0, 6.0, {0}},
    {"climbing", 2, 2, 0, make_climbing, trip_climbing, 0.7, 3.5, 1.0, {0}},
    {"nested", 2, 2, 1, make_nested, trip_nested, 0.0, 3.0, 4.0, {0}},
    {"empty", 0, 1, 1, make_empty, trip_empty, 0.0, 1.0, 3.0, {0}},
    {"long", 1, 1, 1, make_long, trip_long, 0.5, 1.1, 99.0, {0}},
    {"staying", 2, 0, 1, make_staying, trip_staying, 0.1, 0.9, 5.0, {0}},
    {"twice", 2, 1, 1, make_twice, trip_twice, 0.1, 0.9, 5.0, {0}},
    {"scan", 1, 1, 1, make_scan, trip_scan, -1.5, 1.5, 3.0, {1, 1, 1, 2, 0, NULL}},
    {"early", 1, 0, 0, make_early, trip_early, 0.5, 1.2, 1.0, {1, 1, 0, 2, 1, NULL}},
    {"known", 0, 0, 1, make_known, trip_known, 0.0, 1.0, 4.0, {0, 1, 1, 3, 1, NULL}},
    {"scans", 1, 1, 1, make_scans, trip_scans, 0.5, 1.5, 99.0, {0, 0, 1, 50, 0, NULL}},
    {"broad", 2, 1, 1, make_broad, trip_broad, -1.5, 1.5, 6.0, {0}},
};
enum { KINDS = sizeof kinds / sizeof *kinds, CROSSING = 1, CLIMBING = 4, NESTED = 5, LONG = 7, SCAN = 10, BROAD = 14 };

/* The nodes of a body: leaves for what it reads, and results. */
static inline void make_nodes(const kind *k, pg_node **leaves, pg_node **results)
{
    for (size_t i = 0; i < k->state + k->captured + k->scan.given + k->scan.known; i++)
        leaves[i] = constant(0.5 + 0.25 * (double)i);
    k->make(leaves, results);
}

static inline pg_body *try_body(const kind *k, pg_node *const *leaves, pg_node *const *results, double most,
                                pg_status *status)
{
    pg_node *opaque;
    pg_scan scan = k->scan;
    if (scan.length == 0)
        return pg_body_of(leaves, k->state, k->captured, results, results_of(k), k->counts, most, status, &opaque);
    *status = PG_NO_MEMORY;
    if (scan.known != 0 && (scan.numbers = pg_columns_make(scan.known * scan.length)) == NULL)
        return NULL;
    for (size_t i = 0; i < scan.known * scan.length; i++)
        scan.numbers->at[i] = known_number(i);
    pg_body *b = pg_scan_body(leaves, k->state, k->captured, results, results_of(k), k->counts, most, &scan, status,
                              &opaque);
    pg_columns_release(scan.numbers);
    return b;
}

static inline pg_body *body_of(const kind *k, double most)
{
    pg_node *leaves[6], *results[4];
    pg_status status;
    const size_t before = held_count;
    make_nodes(k, leaves, results);
    pg_body *b = try_body(k, leaves, results, most, &status);
    CHECK(b != NULL && status == PG_OK);
    let_go(before);
    return b;
}

static inline pg_loop *made_loop(const kind *k, double most)
{
    pg_loop *loop = pg_loop_make(body_of(k, most), NULL, NULL);
    CHECK(loop != NULL);
    return loop;
}

/* Operands at random: the state, how long, what is captured. */
static inline void any_operands(const kind *k, double *x)
{
    for (size_t i = 0; i < operands_of(k); i++)
        x[i] = between(k->low, k->high);
    x[k->state] = k->counts ? (double)below((size_t)k->trips + 1) : one_in(8) ? 0.0 : 1.0;
}

/* The items that trip i is given, and knows. */
static inline void put_items(const kind *k, const double *operands, double trip, double *x)
{
    const pg_scan *s = &k->scan;
    const size_t first = k->state + k->captured, at = s->reverse ? s->length - 1 - (size_t)trip : (size_t)trip;
    for (size_t i = 0; i < s->given; i++)
        x[first + i] = operands[first + 1 + i * s->length + at];
    for (size_t i = 0; i < s->known; i++)
        x[first + s->given + i] = known_number(i * s->length + at);
}

/* The state at last, the number of trips, and what they have made. */
static inline void run_plainly(const kind *k, const double *operands, double *out)
{
    double x[MOST_X] = {0}, trips = 0.0;
    const size_t n = k->state, length = k->scan.length;
    for (size_t i = 0; i < k->scan.made * length; i++)
        out[n + 1 + i] = 0.0;
    memcpy(x, operands, n * sizeof *x);
    memcpy(x + n, operands + n + 1, k->captured * sizeof *x);
    for (int on = operands[n] != 0.0; (length == 0 || trips < (double)length) && (k->counts ? trips < operands[n] : on);
         trips += 1.0) {
        put_items(k, operands, trips, x);
        on = k->trip(x);
        for (size_t i = 0; i < k->scan.made; i++)
            out[n + 1 + i * length + (k->scan.reverse ? length - 1 - (size_t)trips : (size_t)trips)] = x[MADE + i];
    }
    memcpy(out, x, n * sizeof *x);
    out[n] = trips;
}

/* Derivatives one way; what arrives is the caller's. */
static inline pg_status derive(pg_way way, pg_node *const *roots, size_t root_count, pg_node *const *stops,
                               size_t stop_count, pg_node *const *inputs, size_t input_count, const double *seeds,
                               pg_node **out)
{
    pg_node *root, *opaque;
    pg_sweep *s;
    pg_adjoint *a = NULL;
    const size_t count = way == PG_REVERSE ? input_count : root_count;
    for (size_t i = 0; i < count; i++)
        out[i] = NULL;
    pg_status status = pg_sort_sum(roots, root_count, stops, stop_count, &root, &s);
    if (status != PG_OK)
        return status;
    status = pg_adjoint_open(s, inputs, input_count, &a);
    if (status == PG_OK)
        status = pg_adjoint_prepare(a, ENOUGH);
    if (status == PG_OK)
        status = pg_adjoint_begin(a, way, seeds, NULL);
    if (status == PG_OK)
        status = pg_adjoint_step(a, ENOUGH, &opaque);
    for (size_t i = 0; status == PG_OK && i < count; i++) {
        out[i] = pg_adjoint_at(a, way == PG_REVERSE ? inputs[i] : roots[i]);
        status = out[i] == NULL ? PG_NO_MEMORY : PG_OK;
    }
    pg_adjoint_close(a);
    pg_sweep_abandon(s);
    pg_release(root);
    if (status != PG_OK)
        pg_release_all(out, count);
    return status;
}

static inline void begin_tracing(void)
{
    pg_tracing_threads = 1;
    pg_birth_flags = PG_TRACED;
    inner = made_loop(&kinds[CROSSING], 1e6);
    inner_scan = made_loop(&kinds[SCAN], 1e6);
}

static inline void end_tracing(void)
{
    pg_loop_release(inner);
    pg_loop_release(inner_scan);
    pg_forget_bodies();
    pg_tracing_threads = 0;
    pg_birth_flags = 0;
}

#endif
