/* traces.h: functions at random, as a trace records them, and what their programs are to compute. */
#ifndef PG_TRACES_H
#define PG_TRACES_H

#include "random.h"

#include "graph/cells.h"
#include "graph/graph.h"
#include "program/evaluate.h"
#include "program/program.h"

enum { MOST_INPUTS = 6, LIVES = 3, MOST_NODES = 60, MOST_OUTPUTS = 8, MOST_GUARDS = 4 };
enum { MOST_ALL = MOST_INPUTS + LIVES + MOST_NODES + 2 * MOST_OUTPUTS };

/* A trace; all its nodes are owned by the array. */
typedef struct {
    pg_node *nodes[MOST_ALL]; /* inputs, lives, then what was made */
    size_t inputs, count;
    pg_node *outputs[MOST_OUTPUTS]; /* borrowed */
    pg_guard guards[MOST_GUARDS];
    size_t output_count, guard_count;
    uint8_t rows[MOST_INPUTS], totals[MOST_OUTPUTS];
    int optimise, contract;
} trace;

static inline pg_node *traced(pg_node *n)
{
    pg_mark_traced(n);
    return n;
}

/* Whether x belongs behind a key, said once more. */
static inline int is_behind(pg_rule rule, double key, double x)
{
    const int x_last = rule == PG_SEARCH_LEFT || rule == PG_SEARCH_RIGHT;
    if (rule == PG_BISECT_LEFT || rule == PG_SEARCH_LEFT)
        return x_last && isnan(x) ? !isnan(key) : key < x;
    return x_last && isnan(key) ? isnan(x) : rule == PG_LIKE_INTERP ? x >= key : isnan(x) || isnan(key) || key <= x;
}

/* What a search comes to, halving by halving. */
static inline double cell_of(pg_rule rule, double x, const double *keys, size_t count)
{
    size_t low = 0, high = count;
    if (rule == PG_LIKE_INTERP && count != 0) {
        if (x > keys[count - 1])
            return (double)count + 1.0;
        if (x < keys[0])
            return 0.0;
        for (size_t i = 1; i < (count <= 4 ? count : 4); i++)
            if (count <= 4 ? !(x >= keys[i]) : x < keys[i])
                return (double)i;
        if (count <= 4)
            return (double)count;
        low = 3;
        high = count > 10 && x < keys[9] ? 9 : count;
    }
    while (low != high) {
        const size_t middle = (low + high) / 2;
        if (is_behind(rule, keys[middle], x))
            low = middle + 1;
        else
            high = middle;
    }
    return (double)low;
}

static inline double item_of(double index, const double *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (index == (double)i)
            return items[i];
    return (double)NAN;
}

/* An op as programs compute it: lane functions in the place of libm's. */
static inline double lane_value(const pg_node *n, const double *operands)
{
    const size_t count = pg_operand_count(n);
    if (n->op == PG_SUM || n->op == PG_DOT) {
        const pg_many *m = n->of.many;
        const size_t half = count / 2, products = n->op == PG_DOT ? half : 0;
        const int leads = n->op == PG_DOT ? count % 2 == 1 : m->leads;
        double sum = leads ? operands[count - 1] : m->start;
        for (size_t i = 0; i < products; i++)
            sum += operands[i] * operands[half + i];
        for (size_t i = 2 * products; i < count - (size_t)leads; i++)
            sum += operands[i];
        return sum;
    }
    if (n->op == PG_TAKE)
        return item_of(operands[0], operands + 1, count - 1);
    if (n->op == PG_SEARCH)
        return cell_of((pg_rule)n->of.many->leads, operands[0], operands + 1, count - 1);
    const double second = n->op == PG_OP_pown ? n->of.constant.k : count > 1 ? operands[1] : 0.0;
    return pg_evaluate_one(n->op, operands[0], second, count > 2 ? operands[2] : 0.0);
}

static inline pg_node *anything(const trace *t)
{
    if (one_in(12))
        return t->nodes[below(t->inputs + LIVES)];
    return t->nodes[one_in(3) ? below(t->count) : t->count - 1 - below(t->count < 6 ? t->count : 6)];
}

/* Products and sums, which are fused, stand for half of the ops. */
static inline int some_op(void)
{
    static const int usual[] = {PG_OP_add,      PG_OP_add,  PG_OP_add,   PG_OP_mul,   PG_OP_mul, PG_OP_mul0,
                                PG_OP_sub,      PG_OP_tanh, PG_OP_sech2, PG_OP_sin,   PG_OP_cos, PG_OP_pow,
                                PG_OP_identity, PG_OP_pown, PG_OP_power, PG_OP_pow_dx};
    if (one_in(2))
        return usual[below(sizeof usual / sizeof *usual)];
    return PG_OP_add + (int)below(PG_OPCODE_COUNT - PG_OP_add);
}

/* A search or an item of a table: of numbers of the trace's own, of what was there before, or of anything. */
static inline pg_node *of_table(const trace *t)
{
    pg_node *operands[9] = {anything(t)};
    const size_t count = below(9), kind = below(3);
    for (size_t i = 1; i <= count && i < 9; i++)
        operands[i] = kind == 2 ? anything(t) : t->nodes[kind == 1 ? t->inputs + below(LIVES) : below(t->count)];
    for (size_t i = t->count, found = 0; kind == 0 && i-- != 0;) /* as many constants as there are */
        if (t->nodes[i]->op == PG_LEAF && t->nodes[i]->flags & PG_TRACED && i >= t->inputs && found < count &&
            found < 8)
            operands[++found] = t->nodes[i];
    const size_t all = count < 8 ? count : 8;
    const pg_rule rule = (pg_rule)below(PG_RULE_COUNT);
    return one_in(2) ? pg_cell_of(operands, all, rule, 1) : pg_item_of(operands, all, 1);
}

static inline pg_node *wide(const trace *t)
{
    pg_node *operands[9] = {NULL};
    const size_t count = below(9);
    const int op = one_in(2) ? PG_SUM : PG_DOT;
    for (size_t i = 0; i < count; i++)
        operands[i] = anything(t);
    pg_node *n = pg_compute_many(op, operands, count, 0.0, NULL, NULL);
    if (op == PG_SUM) {
        n->of.many->leads = count != 0 && one_in(2);
        n->of.many->start = one_in(2) ? between(-1.0, 1.0) : 0.0;
    }
    return n;
}

/* The last constant there is, if there is one. */
static inline pg_node *constant_of(const trace *t)
{
    for (size_t i = t->count; i-- != t->inputs;)
        if (t->nodes[i]->op == PG_LEAF && t->nodes[i]->flags & PG_TRACED)
            return t->nodes[i];
    return t->nodes[0];
}

static inline pg_node *next_node(const trace *t)
{
    static const double exponents[] = {-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.5, -2.5};
    const int op = some_op();
    pg_node *operands[3];
    for (int i = 0; i < 3; i++)
        operands[i] = anything(t);
    if (one_in(10))
        return wide(t);
    if (one_in(10))
        return of_table(t);
    if (one_in(10)) /* a constant */
        return pg_leaf(one_in(2) ? exponents[below(9)] : any_number());
    if (one_in(8)) /* an operation of a number on itself */
        operands[1] = operands[0];
    if ((op == PG_OP_pow || op == PG_OP_power || op == PG_OP_pow_dx) && one_in(2))
        operands[1] = constant_of(t);
    return node_of_op(op, operands, exponents[below(9)]);
}

/* Its values are those of lanes, so that guards have the outcomes that programs find. */
static inline void revalue(pg_node *n)
{
    double operands[11];
    for (size_t i = 0; i < pg_operand_count(n); i++)
        operands[i] = pg_operand(n, i)->value;
    if (n->op != PG_LEAF)
        n->value = lane_value(n, operands);
}

static inline pg_node *append(trace *t, pg_node *n)
{
    revalue(traced(n));
    return t->nodes[t->count++] = n;
}

/* Outputs that are added up and are products, many with a factor in common, as a network's gradients are. */
static inline void make_products(trace *t)
{
    pg_node *factors[4];
    for (int i = 0; i < 4; i++)
        factors[i] = anything(t);
    for (size_t i = 0; i < t->output_count; i++) {
        const int op = one_in(4) ? PG_OP_mul0 : PG_OP_mul;
        pg_node *x = factors[below(4)], *y = factors[below(4)];
        pg_node *o = append(t, node_of_op(op, (pg_node *[3]){x, y}, 0.0));
        if (one_in(3))
            o = append(t, one_in(2) ? add(factors[below(4)], o) : add(o, t->nodes[below(t->inputs + LIVES)]));
        t->outputs[i] = o;
        t->totals[i] = !one_in(8);
    }
}

static inline void make_trace(trace *t, size_t nodes, double (*number)(void))
{
    *t = (trace){.inputs = 1 + below(MOST_INPUTS)};
    t->optimise = !one_in(4);
    t->output_count = 1 + below(one_in(4) ? MOST_OUTPUTS : 3);
    t->guard_count = one_in(2) ? 0 : below(MOST_GUARDS + 1);
    const int uniform = one_in(8);
    for (size_t i = 0; i < t->inputs; i++) {
        t->nodes[t->count++] = traced(pg_leaf(number()));
        t->rows[i] = (uint8_t)(!uniform && !one_in(3));
    }
    pg_node *x = pg_leaf(number()), *y = pg_leaf(number()), *lives[LIVES] = {x, y, add(x, y)};
    for (size_t i = 0; i < LIVES; i++)
        t->nodes[t->count++] = lives[i];
    for (size_t i = 0; i < nodes; i++)
        append(t, next_node(t));
    for (size_t i = 0; i < t->output_count; i++) {
        t->outputs[i] = one_in(6) ? t->nodes[below(t->count)] : t->nodes[t->count - 1 - below(nodes < 8 ? nodes : 8)];
        t->totals[i] = (uint8_t)one_in(3);
    }
    if (one_in(3))
        make_products(t);
    for (size_t i = 0; i < t->guard_count; i++) {
        pg_guard *g = &t->guards[i];
        g->a = t->nodes[below(t->count)];
        g->b = t->nodes[below(t->count)];
        g->compare = (pg_comparison)below(6);
        const double a = g->a->value, b = g->b->value;
        const int outcomes[6] = {a<b, a <= b, a == b, a != b, a> b, a >= b};
        g->outcome = outcomes[g->compare];
    }
}

static inline void drop_trace(trace *t)
{
    while (t->count != 0)
        pg_release(t->nodes[--t->count]);
}

/* The order of the trace under a root of its own, as csrc/python/tracing.c makes it; both are the caller's. */
static inline pg_sweep *order_of(const trace *t, pg_node **root)
{
    pg_node *all[2 * MOST_GUARDS + MOST_OUTPUTS];
    size_t count = 0;
    pg_sweep *s;
    for (size_t i = 0; i < t->guard_count; i++) {
        all[count++] = t->guards[i].a;
        all[count++] = t->guards[i].b;
    }
    for (size_t i = 0; i < t->output_count; i++)
        all[count++] = t->outputs[i];
    *root = traced(pg_compute_many(PG_SUM, all, count, 0.0, NULL, NULL));
    CHECK(pg_sweep_open(*root, 0, &s) == PG_OK);
    pg_sweep_within_trace(s);
    CHECK(pg_sweep_stop_at(s, t->nodes, t->inputs) == PG_OK);
    CHECK(pg_sweep_sort(s, ENOUGH) == PG_OK);
    return s;
}

/* What pg_program_make is told; the first totals of none is NULL. */
static inline pg_trace told(const trace *t, const pg_sweep *s)
{
    int any = 0;
    for (size_t i = 0; i < t->output_count; i++)
        any |= t->totals[i];
    return (pg_trace){.sweep = s,
                      .rows = t->rows,
                      .guards = t->guards,
                      .guard_count = t->guard_count,
                      .outputs = t->outputs,
                      .output_count = t->output_count,
                      .totals = any ? t->totals : NULL,
                      .optimise = t->optimise,
                      .contract = t->contract};
}

/* The program of a trace, and the values of the live nodes that it reads. */
static inline pg_program *program_of(const trace *t, double *lives)
{
    pg_node *root, *opaque;
    pg_program *p;
    pg_sweep *s = order_of(t, &root);
    const pg_trace what = told(t, s);
    CHECK(pg_program_make(&what, &opaque, &p) == PG_OK);
    for (size_t i = t->inputs; i < pg_sweep_count(s); i++)
        if (!(pg_sweep_node(s, i)->flags & PG_TRACED))
            *lives++ = pg_sweep_node(s, i)->value;
    pg_sweep_abandon(s);
    pg_release(root);
    return p;
}

/* -- rows ------------------------------------------------------------------------------------------ */

/* A batch of rows, and what is to come out of them. */
typedef struct {
    size_t count;
    double *inputs[MOST_INPUTS]; /* a number for each row */
    ptrdiff_t strides[MOST_INPUTS], output_strides[MOST_OUTPUTS];
    double *outputs[MOST_OUTPUTS], *expected[MOST_OUTPUTS], *totals;
    uint32_t *left, *leaves; /* at which guard, as is found and as is expected */
    double *lives;
    size_t pieces, each;   /* totals: so many pieces, so many of each */
    void *uniforms, *lanes;
} row_set;

/* The values of the trace's nodes in one row; and the first guard that does not hold. */
static inline uint32_t run_row(const trace *t, const double *inputs, double *results)
{
    double values[MOST_ALL] = {0}, operands[11]; /* compilers look at more keys than there are */
    uint32_t left = UINT32_MAX;
    for (size_t i = 0; i < t->count; i++)
        t->nodes[i]->grad = (double)i;
    for (size_t i = 0; i < t->count; i++) {
        const pg_node *n = t->nodes[i];
        values[i] = i < t->inputs ? inputs[i] : n->value;
        if (n->op == PG_LEAF || !(n->flags & PG_TRACED))
            continue;
        for (size_t k = 0; k < pg_operand_count(n); k++)
            operands[k] = values[(size_t)pg_operand(n, k)->grad];
        values[i] = lane_value(n, operands);
    }
    for (size_t i = t->guard_count; i-- != 0;) {
        const pg_guard *g = &t->guards[i];
        const double a = values[(size_t)g->a->grad], b = values[(size_t)g->b->grad];
        const int outcomes[6] = {a<b, a <= b, a == b, a != b, a> b, a >= b};
        left = outcomes[g->compare] != g->outcome ? (uint32_t)i : left;
    }
    for (size_t i = 0; i < t->output_count; i++)
        results[i] = values[(size_t)t->outputs[i]->grad];
    for (size_t i = 0; i < t->count; i++)
        t->nodes[i]->grad = 0.0;
    return left;
}

static inline void *room(size_t count, size_t size)
{
    void *block = aligned_alloc(64, (count * size + 64) / 64 * 64);
    CHECK(block != NULL);
    return block;
}

static inline size_t pieces_of(size_t rows)
{
    const size_t piece = pg_piece(rows);
    return (rows + piece - 1) / piece;
}

/* Rows for a program, with numbers from number(); in the first row, those of the trace. */
static inline void make_rows(row_set *r, const trace *t, const pg_program *p, size_t count, double (*number)(void))
{
    double inputs[MOST_INPUTS], results[MOST_OUTPUTS];
    *r = (row_set){.count = count, .pieces = pieces_of(count), .each = t->output_count};
    for (size_t i = 0; i < t->inputs; i++) {
        r->inputs[i] = room(count, sizeof(double));
        r->strides[i] = 1;
        for (size_t k = 0; k < count; k++)
            r->inputs[i][k] = k == 0 || !t->rows[i] ? t->nodes[i]->value : number();
    }
    for (size_t i = 0; i < t->output_count; i++) {
        r->outputs[i] = room(count, sizeof(double));
        r->expected[i] = room(count, sizeof(double));
        r->output_strides[i] = 1;
    }
    r->totals = room(r->pieces * t->output_count, sizeof(double));
    r->left = room(count, sizeof *r->left);
    r->leaves = room(count, sizeof *r->leaves);
    r->lives = room(LIVES, sizeof(double));
    r->uniforms = room(pg_uniform_bytes(p), 1);
    r->lanes = room(pg_lane_bytes(p), 1);
    for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < t->inputs; i++)
            inputs[i] = r->inputs[i][k];
        r->leaves[k] = run_row(t, inputs, results);
        for (size_t i = 0; i < t->output_count; i++)
            r->expected[i][k] = results[i];
    }
}

static inline pg_batch batch_of(const row_set *r, const pg_program *p)
{
    return (pg_batch){.inputs = (const double *const *)r->inputs,
                      .strides = r->strides,
                      .lives = r->lives,
                      .count = r->count,
                      .outputs = r->outputs,
                      .output_strides = r->output_strides,
                      .totals = r->totals,
                      .left = p->guards == 0 ? NULL : r->left,
                      .uniforms = r->uniforms,
                      .lanes = r->lanes};
}

static inline void drop_rows(row_set *r)
{
    for (size_t i = 0; i < MOST_INPUTS; i++)
        free(r->inputs[i]);
    for (size_t i = 0; i < MOST_OUTPUTS; i++) {
        free(r->outputs[i]);
        free(r->expected[i]);
    }
    free(r->totals);
    free(r->left);
    free(r->leaves);
    free(r->lives);
    free(r->uniforms);
    free(r->lanes);
}

/* Runs a program that was found sound, with such numbers: sanitizers say whether it keeps to its memory. */
static inline void run_anything(const pg_program *p, double (*number)(void))
{
    enum { ROWS = 70 };
    const size_t wide = p->inputs + p->outputs + 1;
    double *numbers = room(ROWS, sizeof *numbers), *out = room(wide * ROWS, sizeof *out),
           *lives = room(p->lives + 1, 8);
    const double **inputs = room(wide, sizeof *inputs);
    double **outputs = room(wide, sizeof *outputs), *totals = room(p->outputs + 1, sizeof *totals);
    ptrdiff_t *strides = room(wide, sizeof *strides);
    uint32_t left[ROWS], guard;
    void *uniforms = room(pg_uniform_bytes(p), 1), *lanes = room(pg_lane_bytes(p), 1);
    for (size_t i = 0; i < ROWS; i++)
        numbers[i] = number();
    for (size_t i = 0; i <= p->lives; i++)
        lives[i] = number();
    for (size_t i = 0; i < wide; i++) {
        inputs[i] = numbers;
        outputs[i] = out + i * ROWS;
        strides[i] = 1;
    }
    const pg_batch batch = {.inputs = inputs,
                            .strides = strides,
                            .lives = lives,
                            .count = ROWS,
                            .outputs = outputs,
                            .output_strides = strides,
                            .totals = totals,
                            .left = left,
                            .uniforms = uniforms,
                            .lanes = lanes};
    if (pg_program_run_once(p, &batch, &guard) > 0)
        pg_program_run(p, &batch);
    free(numbers), free(out), free(lives), free(inputs), free(outputs), free(totals), free(strides), free(uniforms);
    free(lanes);
}

#endif
