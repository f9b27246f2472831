/* program.c: a recorded graph as a linear program: what is needed, each thing once, sums of products fused.
 *
 * Three steps. Values: every node of the order becomes a value, numbered so that operands come first; what
 * is the same, or constant, or trivial, becomes an earlier value. Needs: from outputs and guards backwards,
 * what is used and how often; products used once join the sums that use them. Code: an instruction for each
 * value that is left, first those that are the same for all rows, and slots for the results. */
#include "program/draft.h"
#include "program/evaluate.h"
#include "graph/index.h"
#include "graph/sweep.h"

#include <string.h>

/* -- growing ------------------------------------------------------------------------------------ */

int pg_draft_room(void **items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return 1;
    size_t larger = *capacity == 0 ? 64 : 2 * *capacity;
    void *grown = larger > NONE      ? NULL
                  : *items == NULL ? pg_alloc(larger, size)
                                   : pg_resize(*items, count, larger, size);
    if (grown == NULL)
        return 0;
    *items = grown;
    *capacity = larger;
    return 1;
}

static uint32_t add_value(draft *d, value v)
{
    if (d->failed || !pg_draft_room((void **)&d->values, d->count, &d->capacity, sizeof v)) {
        d->failed = 1;
        return 0;
    }
    d->values[d->count] = v;
    return (uint32_t)d->count++;
}

static void add_term(draft *d, value *sum, draft_term t)
{
    if (d->failed || !pg_draft_room((void **)&d->terms, d->term_count, &d->term_capacity, sizeof t)) {
        d->failed = 1;
        return;
    }
    t.next = NONE;
    uint32_t at = (uint32_t)d->term_count++;
    d->terms[at] = t;
    if (sum->head == NONE)
        sum->head = at;
    else
        d->terms[sum->tail].next = at;
    sum->tail = at;
}

/* -- values ------------------------------------------------------------------------------------- */

static value blank(int op, uint32_t a, uint32_t b, uint32_t c)
{
    return (value){.op = (uint16_t)op, .a = a, .b = b, .c = c, .head = NONE, .tail = NONE, .users = NONE,
                   .next = NONE, .slot = PG_NO_SLOT, .spread = PG_NO_SLOT};
}

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static int same(const value *v, const value *w)
{
    return v->op == w->op && v->a == w->a && v->b == w->b && v->c == w->c &&
           bits_of(v->number) == bits_of(w->number);
}

static uint32_t *bucket_of(const draft *d, const value *v)
{
    uint64_t hash = bits_of(v->number);
    const uint32_t parts[4] = {v->op, v->a, v->b, v->c};
    for (int i = 0; i < 4; i++)
        hash = (hash ^ parts[i]) * UINT64_C(0x9E3779B97F4A7C15);
    return &d->buckets[(hash >> 32) & d->bucket_mask];
}

/* Where the same value stands, or a new one would. Most are found among the users of their last operand, which is
 * near them in memory as a hash table is not: on graphs of millions of nodes that is a third of the time. */
typedef struct {
    uint32_t found;        /* or NONE */
    uint32_t *head;        /* of the chain that a new one joins */
} location;

enum { LONG_CHAIN = 16, AHEAD = 8 };

static uint32_t last_operand(const value *v)
{
    uint32_t last = NONE;
    const uint32_t operands[3] = {v->a, v->b, v->c};
    for (int i = 0; i < 3; i++)
        if (operands[i] != NONE && (last == NONE || operands[i] > last))
            last = operands[i];
    return last;
}

static location locate(const draft *d, const value *v)
{
    const uint32_t last = last_operand(v);
    if (last != NONE) {
        uint32_t *head = &d->values[last].users, i = *head;
        int length = 0;
        for (; i != NONE && !same(&d->values[i], v); i = d->values[i].next)
            length++;
        if (i != NONE || length < LONG_CHAIN)
            return (location){i, head};
    }
    uint32_t *head = bucket_of(d, v), i = *head;
    while (i != NONE && !same(&d->values[i], v))
        i = d->values[i].next;
    return (location){i, head};
}

uint32_t pg_draft_find(const draft *d, int op, uint32_t a)
{
    const value v = blank(op, a, NONE, NONE);
    return locate(d, &v).found;
}

/* The value, or the one that is the same and was there before. */
static uint32_t unique(draft *d, value v)
{
    const location at = locate(d, &v);
    if (at.found != NONE)
        return at.found;
    v.next = *at.head;
    *at.head = (uint32_t)d->count; /* before the array moves; if it cannot grow all is given up */
    return add_value(d, v);
}

static uint32_t constant(draft *d, double number)
{
    value v = blank(CONSTANT, NONE, NONE, NONE);
    v.number = number;
    return unique(d, v);
}

static int is_constant(const draft *d, uint32_t i)
{
    return i == NONE || d->values[i].op == CONSTANT;
}

static int is_number(const draft *d, uint32_t i, double x)
{
    return i != NONE && d->values[i].op == CONSTANT && d->values[i].number == x;
}

static double number_of(const draft *d, uint32_t i)
{
    return i == NONE ? 0.0 : d->values[i].number;
}

static uint32_t operation(draft *d, int op, uint32_t a, uint32_t b, uint32_t c);

/* x ** n for the exponents that power() of scalar.h makes products; NONE for others. */
static uint32_t small_power(draft *d, uint32_t x, double n)
{
    if (n == 0.0)
        return constant(d, 1.0);
    if (n == 1.0)
        return x;
    if (n == -1.0)
        return operation(d, PG_OP_div, constant(d, 1.0), x, NONE);
    uint32_t square = n == 2.0 || n == 3.0 ? operation(d, PG_OP_mul, x, x, NONE) : NONE;
    return n == 3.0 ? operation(d, PG_OP_mul, square, x, NONE) : square;
}

/* The slope of such a power, whole and not negative: pow_dx() of scalar.h comes to the same bits. */
static uint32_t small_power_slope(draft *d, uint32_t x, double n)
{
    if (n != 0.0 && n != 1.0 && n != 2.0 && n != 3.0 && n != 4.0)
        return NONE;
    return n == 0.0 ? constant(d, 0.0) : operation(d, PG_OP_mul, constant(d, n), small_power(d, x, n - 1.0), NONE);
}

/* An op on values, simplified where that changes no bit of any result but the sign of a nan. */
static uint32_t operation(draft *d, int op, uint32_t a, uint32_t b, uint32_t c)
{
    if (d->failed)
        return 0;
    if (op == PG_OP_identity) /* stop_gradient stays: a loaded program may be differentiated */
        return a;
    if (is_constant(d, a) && is_constant(d, b) && is_constant(d, c))
        return constant(d, pg_evaluate_one(op, number_of(d, a), number_of(d, b), number_of(d, c)));
    if (op == PG_OP_mul || op == PG_OP_mul0) {
        if (is_number(d, a, 1.0))
            return b;
        if (is_number(d, b, 1.0))
            return a;
    }
    if ((op == PG_OP_pown || op == PG_OP_power || op == PG_OP_pow_dx) && is_constant(d, b)) {
        uint32_t product = op == PG_OP_pow_dx ? small_power_slope(d, a, number_of(d, b))
                                              : small_power(d, a, number_of(d, b));
        if (product != NONE)
            return product;
    }
    if ((op == PG_OP_add || op == PG_OP_mul || op == PG_OP_mul0) && b < a) {
        uint32_t larger = a;
        a = b;
        b = larger;
    }
    value v = blank(op, a, b, c);
    v.row = (uint8_t)(is_row(d, a) || is_row(d, b) || is_row(d, c));
    return unique(d, v);
}

/* A sum or dot node as one value: start + terms. */
static uint32_t sum_of(draft *d, const pg_node *n, const uint32_t *operands)
{
    const pg_many *m = n->of.many;
    size_t half = m->count / 2, products = n->op == PG_DOT ? half : 0;
    size_t plain = n->op == PG_DOT ? 0 : m->leads ? m->count - 1 : m->count;
    int leads = n->op == PG_DOT ? m->count % 2 == 1 : m->leads;
    value v = blank(PG_CODE_FUSED, leads ? operands[m->count - 1] : constant(d, m->start), NONE, NONE);
    v.row = (uint8_t)is_row(d, v.a);
    for (size_t i = 0; i < products + plain; i++) {
        draft_term t = {operands[i], i < products ? operands[half + i] : NONE, NONE, 0};
        v.row = (uint8_t)(v.row || is_row(d, t.a) || is_row(d, t.b));
        add_term(d, &v, t);
    }
    return add_value(d, v);
}

/* The numbers of nodes' values. Those of the trace's own nodes stand in their grads, which nothing else uses before the
 * trace has ended and which are 0 again then; an index has those of live nodes. */
static void number_node(pg_index *lives, pg_node *n, uint32_t v)
{
    if (n->flags & PG_TRACED)
        n->grad = v;
    else
        pg_index_put(lives, n, v);
}

static uint32_t number_of_node(const pg_index *lives, const pg_node *n)
{
    size_t found;
    if (n->flags & PG_TRACED)
        return (uint32_t)n->grad;
    return pg_index_find(lives, n, &found) ? (uint32_t)found : 0;
}

/* Node i of the order, those behind it on their way. */
static pg_node *node_at(const pg_sweep *s, size_t i)
{
    if (i + AHEAD < s->count)
        PG_PREFETCH(s->order[i + AHEAD].node);
    return s->order[i].node;
}

/* The value of a node made while tracing, whose operands have theirs. */
static uint32_t value_of(draft *d, const pg_node *n, const pg_index *lives, uint32_t *operands)
{
    size_t count = pg_operand_count(n);
    for (size_t i = 0; i < count; i++)
        operands[i] = number_of_node(lives, pg_operand(n, i));
    if (n->op == PG_SUM || n->op == PG_DOT)
        return sum_of(d, n, operands);
    uint32_t b = n->op == PG_OP_pown ? constant(d, n->of.constant.k) : count > 1 ? operands[1] : NONE;
    return operation(d, n->op, operands[0], b, count > 2 ? operands[2] : NONE);
}

/* Whether the nodes of a trace can be computed again from their operands. */
static int is_computable(const pg_node *n)
{
    return !(n->flags & PG_HAS_CLOSURE) && n->op != PG_CUSTOM && n->op != PG_PARTIALS;
}

/* The largest number of operands, at least 3, and how many nodes are not the trace's own. */
static size_t survey(const pg_sweep *s, size_t *lives)
{
    size_t widest = 3;
    *lives = 0;
    for (size_t i = 0; i + 1 < s->count; i++) {
        const pg_node *n = node_at(s, i);
        const size_t count = pg_operand_count(n);
        widest = count > widest ? count : widest;
        *lives += !(n->flags & PG_TRACED);
    }
    return widest;
}

static pg_status number_values(draft *d, const pg_trace *t, pg_index *lives, uint32_t *operands, pg_node **opaque)
{
    const pg_sweep *s = t->sweep;
    uint32_t live = 0;
    for (size_t i = 0; i + 1 < s->count && !d->failed; i++) {
        pg_node *n = node_at(s, i);
        uint32_t v;
        if (i < s->stops) {
            value input = blank(INPUT, (uint32_t)i, NONE, NONE);
            input.row = t->rows[i];
            v = add_value(d, input);
        } else if (!(n->flags & PG_TRACED)) {
            v = add_value(d, blank(LIVE, live++, NONE, NONE));
        } else if (n->op == PG_LEAF) {
            v = constant(d, n->value);
        } else if (is_computable(n)) {
            v = value_of(d, n, lives, operands);
        } else {
            *opaque = n;
            return PG_OPAQUE;
        }
        number_node(lives, n, v);
    }
    return d->failed ? PG_NO_MEMORY : PG_OK;
}

/* -- needs -------------------------------------------------------------------------------------- */

static void use(draft *d, uint32_t i)
{
    if (i != NONE)
        d->values[i].uses++;
}

/* Counts uses, from the last value back; only needed ones count. */
static void count_uses(draft *d, const uint32_t *roots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        use(d, roots[i]);
    for (size_t i = d->count; i-- != 0;) {
        value *v = &d->values[i];
        v->needed = v->uses != 0;
        if (!v->needed || v->op == INPUT || v->op == LIVE || v->op == CONSTANT)
            continue;
        use(d, v->a);
        use(d, v->b);
        use(d, v->c);
        for (uint32_t t = v->head; t != NONE; t = d->terms[t].next) {
            use(d, d->terms[t].a);
            use(d, d->terms[t].b);
        }
    }
}

/* Whether v may be computed where its only user, a row value or not, is: what is uniform stays so. */
static int is_lone(const value *v, int row)
{
    return v->uses == 1 && v->row == row;
}

static int is_lone_product(const draft *d, uint32_t i, int row)
{
    return is_lone(&d->values[i], row) && is_product(&d->values[i]);
}

/* The value i as a term: its two factors if it is a product that nothing else uses, which goes away. */
static draft_term term_of(draft *d, uint32_t i, int row)
{
    value *v = &d->values[i];
    if (!is_lone_product(d, i, row))
        return (draft_term){i, NONE, NONE, 0};
    v->needed = 0;
    return (draft_term){v->a, v->b, NONE, v->op == PG_OP_mul0};
}

static int is_lone_sum(const draft *d, uint32_t i, int row)
{
    return is_lone(&d->values[i], row) && d->values[i].op == PG_CODE_FUSED;
}

/* An addition becomes a sum of terms if it lengthens one that nothing else uses, or adds a product. */
static void fuse_addition(draft *d, value *v)
{
    uint32_t before = v->a, added = v->b;
    const int row = v->row;
    if (!is_lone_sum(d, before, row) &&
        (is_lone_sum(d, added, row) || !is_lone_product(d, added, row))) {
        before = v->b;
        added = v->a;
    }
    if (is_lone_sum(d, before, row)) {
        value *sum = &d->values[before];
        sum->needed = 0;
        v->a = sum->a;
        v->head = sum->head;
        v->tail = sum->tail;
    } else if (is_lone_product(d, added, row)) {
        v->a = before;
    } else {
        return;
    }
    v->op = PG_CODE_FUSED;
    v->b = NONE;
    add_term(d, v, term_of(d, added, row));
}

/* A product with a uniform factor becomes a sum of one term, which takes that factor as it is; -0.0 changes no bit of
 * what is added to it. */
static void fuse_uniform_factor(draft *d, value *v, uint32_t start)
{
    const uint32_t t = (uint32_t)d->term_count;
    add_term(d, v, (draft_term){v->a, v->b, NONE, v->op == PG_OP_mul0});
    if (d->failed)
        return;
    v->op = PG_CODE_FUSED;
    v->a = start;
    v->b = NONE;
    v->head = v->tail = t;
    use(d, start);
    d->values[start].needed = 1;
}

static void fuse(draft *d)
{
    const uint32_t start = constant(d, -0.0);
    for (size_t i = 0; i < d->count && !d->failed; i++) {
        value *v = &d->values[i];
        if (v->needed && v->op == PG_CODE_FUSED)
            for (uint32_t t = v->head; t != NONE; t = d->terms[t].next)
                if (d->terms[t].b == NONE) {
                    uint32_t next = d->terms[t].next;
                    d->terms[t] = term_of(d, d->terms[t].a, v->row);
                    d->terms[t].next = next;
                }
        if (v->needed && v->op == PG_OP_add && v->a != v->b)
            fuse_addition(d, v);
    }
    for (size_t i = 0; i < d->count && !d->failed; i++) {
        value *v = &d->values[i];
        if (v->needed && is_product(v) && is_row(d, v->a) != is_row(d, v->b))
            fuse_uniform_factor(d, v, start);
    }
}

/* -- the whole ---------------------------------------------------------------------------------- */

/* Totals start at +0.0: a 0 that a result adds is not needed. */
static uint32_t without_zero(const draft *d, uint32_t i)
{
    const value *v = &d->values[i];
    if (v->op != PG_OP_add)
        return i;
    return is_number(d, v->a, 0.0) ? v->b : is_number(d, v->b, 0.0) ? v->a : i;
}

/* The values of guards and results. */
static uint32_t *roots_of(const draft *d, const pg_trace *t, const pg_index *lives)
{
    size_t count = 2 * t->guard_count + t->output_count;
    uint32_t *roots = pg_alloc(count + 1, sizeof *roots);
    for (size_t i = 0; roots != NULL && i < count; i++) {
        const pg_node *n = i >= 2 * t->guard_count ? t->outputs[i - 2 * t->guard_count]
                           : i % 2 == 0            ? t->guards[i / 2].a
                                                   : t->guards[i / 2].b;
        roots[i] = number_of_node(lives, n);
        if (i >= 2 * t->guard_count && t->totals != NULL && t->totals[i - 2 * t->guard_count])
            roots[i] = without_zero(d, roots[i]);
    }
    return roots;
}

static pg_status make(draft *d, const pg_trace *t, const uint32_t *roots, pg_program **out)
{
    count_uses(d, roots, 2 * t->guard_count + t->output_count);
    if (t->optimise)
        fuse(d);
    return d->failed ? PG_NO_MEMORY : pg_write_program(d, t, roots, roots + 2 * t->guard_count, out);
}

/* Values and the roots among them; grads of the trace's nodes are 0 again. */
static pg_status draw_up(draft *d, const pg_trace *t, pg_node **opaque, uint32_t **roots)
{
    pg_index lives;
    size_t live_count, widest = survey(t->sweep, &live_count);
    uint32_t *operands = pg_alloc(widest, sizeof *operands);
    pg_status status = PG_NO_MEMORY;
    if (operands != NULL && pg_index_open(&lives, live_count)) {
        status = number_values(d, t, &lives, operands, opaque);
        *roots = status == PG_OK ? roots_of(d, t, &lives) : NULL;
        if (status == PG_OK && *roots == NULL)
            status = PG_NO_MEMORY;
        pg_index_close(&lives);
        for (size_t i = 0; i + 1 < t->sweep->count; i++)
            if (node_at(t->sweep, i)->flags & PG_TRACED)
                t->sweep->order[i].node->grad = 0.0;
    }
    pg_free(operands);
    return status;
}

pg_status pg_program_make(const pg_trace *t, pg_node **opaque, pg_program **out)
{
    draft d = {0};
    uint32_t *roots = NULL;
    if (t->sweep->count > NONE / 4)
        return PG_NO_MEMORY;
    size_t buckets = 64;
    while (buckets < t->sweep->count / 4)
        buckets *= 2;
    d.bucket_mask = buckets - 1;
    d.buckets = pg_alloc(buckets, sizeof *d.buckets);
    d.capacity = t->sweep->count + 64; /* nearly always enough: growth would copy and clear half of it again */
    d.values = pg_alloc(d.capacity, sizeof *d.values);
    for (size_t i = 0; d.buckets != NULL && i < buckets; i++)
        d.buckets[i] = NONE;
    pg_status status = d.buckets == NULL || d.values == NULL ? PG_NO_MEMORY : draw_up(&d, t, opaque, &roots);
    if (status == PG_OK)
        status = make(&d, t, roots, out);
    pg_free(roots);
    pg_free(d.buckets);
    pg_free(d.values);
    pg_free(d.terms);
    return status;
}
