/* singular.c: a sweep over a graph that has derivatives in it, in which an absent contribution is another thing than
 * a computed 0.
 *
 * A zero is fixed if it is 0 around the point, too: a number, a step, x - x, the slope of the operand that where() did
 * not choose, and what is computed from such zeros. Nothing that is multiplied by a fixed zero is passed on: it is
 * absent. Any other zero is a number, and 0 * inf is nan then, unless what is infinite has only overflowed. What has
 * passed a derivative on its way is of second order. */
#include "graph/singular.h"

#include "graph/index.h"
#include "graph/sweep.h"
#include "ops/cells.h"
#include "ops/forward.h"

/* -- numbers with a mark ------------------------------------------------------------------------ */

typedef struct {
    double number;
    int fixed;             /* the same around the point */
    int huge;              /* infinite as it has overflowed: no pole, and 0 times it is 0 */
} marked;

static int is_fixed_zero(marked x)
{
    return x.fixed && x.number == 0.0;
}

/* Ops whose slopes are all 0 by rule, and those that only rules make. */
#define CALL1(op, a) 0
#define CALL2(op, a, b) 0
#define CALL3(op, a, b, c) 0
#define NUMBER(c) ((c) == 0.0)
#include "ops/algebra.h"
#define X 0
#define Y 0
#define Z 0
#define W 0
#define K 0
static int is_flat(int op)
{
    switch (op) {
#define UNARY(name, symbol, errors, forward, dx, doc) \
    case PG_OP_##name: \
        return (dx);
#define BINARY(name, symbol, errors, forward, dx, dy, doc) \
    case PG_OP_##name: \
        return (dx) && (dy);
#define SLOPE1 UNARY
#define SLOPE2 BINARY
#include "ops.def"
    default:
        return 0;
    }
}

static int is_of_a_rule(int op)
{
    switch (op) {
#define SLOPE1(name, symbol, errors, forward, dx, doc) \
    case PG_OP_##name: \
        return PG_OP_##name != PG_OP_identity && PG_OP_##name != PG_OP_ruled;
#define SLOPE2(name, symbol, errors, forward, dx, dy, doc) \
    case PG_OP_##name: \
        return !((dx) && (dy));
#include "ops.def"
    default:
        return 0;
    }
}
#undef X
#undef Y
#undef Z
#undef W
#undef K
#undef CALL1
#undef CALL2
#undef CALL3
#undef NUMBER

/* A flat op that is 0 in a point alone. */
static int is_jump(int op, double number)
{
    return op == PG_OP_sign && number == 0.0;
}

/* Whether what the op gives is finite in truth where its operands are. */
static int has_no_pole(int op, double x, double y)
{
    switch (op) {
    case PG_OP_add:
    case PG_OP_sub:
    case PG_OP_neg:
    case PG_OP_mul:
    case PG_OP_mul0:
    case PG_OP_exp:
    case PG_OP_exp2:
    case PG_OP_expm1:
    case PG_OP_sinh:
    case PG_OP_cosh:
    case PG_SUM:
    case PG_DOT:
        return 1;
    case PG_OP_div:
    case PG_OP_div0:
        return y != 0.0;
    case PG_OP_pown:
    case PG_OP_pow:
    case PG_OP_power:
    case PG_OP_pow_dx:
    case PG_OP_pow_dxx:
    case PG_OP_pow_less:
    case PG_OP_pow_dy:
        return x != 0.0;
    default:
        return 0;
    }
}

static int is_pole(marked x)
{
    return isinf(x.number) && !x.huge;
}

static int is_huge(int op, double number, marked x, marked y)
{
    return isinf(number) && !is_pole(x) && !is_pole(y) && has_no_pole(op, x.number, y.number);
}

static marked call1(int op, double (*forward)(double), marked x)
{
    const double number = forward(x.number);
    return (marked){number, x.fixed || (is_flat(op) && !is_jump(op, number)), is_huge(op, number, x, x)};
}

static marked call2(int op, double (*forward)(double, double), marked x, marked y)
{
    if (pg_is_settled(op, x.number, y.number))
        return (marked){(double)NAN, 0, 0};
    const int vanishes = op == PG_OP_mul0 ? is_fixed_zero(x)
                                          : is_fixed_zero(y) && (op == PG_OP_pow_dx || op == PG_OP_pow_dxx);
    const double number = forward(x.number, y.number);
    return (marked){number, vanishes || (x.fixed && y.fixed) || is_flat(op), is_huge(op, number, x, y)};
}

/* where() alone is a word in rules. */
static marked call3(double (*forward)(double, double, double), marked x, marked y, marked w)
{
    return (marked){forward(x.number, y.number, w.number), y.fixed && w.fixed, 0};
}

#define CALL1(op, a) call1(PG_OP_##op, forward_##op, a)
#define CALL2(op, a, b) call2(PG_OP_##op, forward_##op, a, b)
#define CALL3(op, a, b, c) call3(forward_##op, a, b, c)
#define NUMBER(c) ((marked){(c), 1, 0})

/* -- the way ------------------------------------------------------------------------------------ */

/* What arrives at a node: a number once anything has arrived. */
typedef struct {
    double number;
    int present;
    int has_limit;         /* its products with 0 are 0 */
    uint32_t operand;      /* where it became nan, if it did: of the node there, */
    size_t place;          /* whose place, plus 1, this is */
} arrival;

typedef struct {
    double plain;          /* what the sweep itself computes */
    arrival all, second;   /* all of it with care, and the part of it that is of second order */
    int fixed, huge;       /* of the node's own number: see marked */
} state;

typedef struct {
    const pg_sweep *sweep;
    pg_way way;
    pg_index index;
    state *states;         /* of each node in order */
    pg_singularity *found; /* for FIND */
} walk;

/* The place of a node that is in order. */
static size_t place_of(const walk *w, const pg_node *n)
{
    return pg_index_entry_of(&w->index, n)->place;
}

/* The state of an input, which may be none of the order: then it is NULL. */
static state *state_of(const walk *w, const pg_node *n)
{
    size_t place;
    return pg_index_find(&w->index, n, &place) ? &w->states[place] : NULL;
}

static marked mark_of(const walk *w, const pg_node *n)
{
    const state *of = &w->states[place_of(w, n)];
    return (marked){n->value, of->fixed, of->huge};
}

static int is_derivative(const pg_node *n)
{
    return (n->op == PG_OP_add && n->flags & PG_BY_OP) || is_of_a_rule(n->op);
}

static void arrive(arrival *at, arrival from, marked slope, double plain_slope, int has_limit, size_t place,
                   size_t operand)
{
    if (!from.present || is_fixed_zero(slope))
        return;
    /* Out of an op's domain its slope is nan, and nothing is singular. */
    const int is_nan = plain_slope != plain_slope || (from.number != from.number && from.place == 0);
    const double plain = from.number * slope.number;
    const int overflows = isinf(plain) && isfinite(from.number) && isfinite(slope.number);
    has_limit |= from.has_limit || is_nan || slope.huge || overflows;
    const double product = has_limit ? mul0(from.number, slope.number) : plain;
    at->present = 1;
    at->has_limit |= has_limit && isinf(product);
    at->number += product;
    if (product == product || at->place != 0 || is_nan)
        return;
    at->place = from.place != 0 ? from.place : place + 1;
    at->operand = from.place != 0 ? from.operand : (uint32_t)operand;
}

/* What is done with the slope of the node at a place by an operand. */
typedef enum { PASS_ON, FIX, FIND } purpose;

static void use(walk *w, purpose what, size_t place, size_t operand, marked slope, double plain_slope)
{
    const pg_node *n = w->sweep->order[place].node;
    state *node = &w->states[place], *other = &w->states[place_of(w, pg_operand(n, operand))];
    if (what == FIX) {
        node->fixed = node->fixed && (other->fixed || (is_fixed_zero(slope) && !is_jump(n->op, n->value)));
        return;
    }
    const state *from = w->way == PG_REVERSE ? node : other;
    state *to = w->way == PG_REVERSE ? other : node;
    if (what == FIND) {
        const double product = from->all.number * slope.number;
        if (w->found->node == NULL && from->all.present && !other->fixed && !slope.huge &&
            (!isfinite(slope.number) || (product != product && from->all.place == 0)))
            *w->found = (pg_singularity){w->sweep->order[place].node, operand, from->plain, slope.number};
        return;
    }
    to->plain += mul0(from->plain, plain_slope);
    const int has_limit = pg_has_limit(n);
    arrive(&to->second, is_derivative(n) ? from->all : from->second, slope, plain_slope, has_limit, place, operand);
    arrive(&to->all, from->all, slope, plain_slope, has_limit, place, operand);
}

static void use_many(walk *w, purpose what, size_t place)
{
    const pg_node *n = w->sweep->order[place].node;
    const pg_many *m = n->of.many;
    const size_t half = m->count / 2,
                 taken = n->op == PG_TAKE ? pg_item_number(m->operands[0]->value, m->count - 1) : 0;
    for (size_t i = n->op == PG_TAKE; i < m->count; i++) {
        marked slope = {n->op == PG_TAKE && i != 1 + taken ? 0.0 : 1.0, 1, 0};
        if (n->op == PG_PARTIALS)
            slope = (marked){m->partials[i], m->given == NULL || m->given[i] == NULL, 0};
        else if (n->op == PG_DOT && i < 2 * half)
            slope = mark_of(w, m->operands[i < half ? i + half : i - half]);
        use(w, what, place, i, slope, slope.number);
    }
}

/* Whether y is -x, by the rule of its op. */
static int is_negative_of(const pg_node *y, const pg_node *x)
{
    return y->op == PG_OP_neg && !(y->flags & PG_HAS_CLOSURE) && y->of.two.a == x;
}

/* x - x, x + -x, -x + x: whatever x is, it is 0 and leads nowhere. */
static int cancels(const pg_node *n)
{
    const pg_node *a = n->of.two.a, *b = n->of.two.b;
    return (n->op == PG_OP_sub && a == b) || (n->op == PG_OP_add && (is_negative_of(a, b) || is_negative_of(b, a)));
}

static void apply_rule(walk *w, purpose what, size_t place)
{
    const pg_node *n = w->sweep->order[place].node;
    double plain[3];
    if (n->flags & PG_HAS_CLOSURE || cancels(n))
        return;
    if (n->op >= PG_OP_add)
        pg_local_derivatives(n, plain);
    const marked Z = {n->value, 0, w->states[place].huge};
    (void)Z;
    switch (n->op) {
#define UNARY(name, symbol, errors, forward, dx, doc) \
    case PG_OP_##name: { \
        const marked X = mark_of(w, n->of.two.a); \
        (void)X; \
        use(w, what, place, 0, dx, plain[0]); \
        break; \
    }
#define BINARY(name, symbol, errors, forward, dx, dy, doc) \
    case PG_OP_##name: { \
        if (pg_is_condition(PG_OP_##name)) /* its operands need not be in the order */ \
            break; \
        const marked X = mark_of(w, n->of.two.a), Y = mark_of(w, n->of.two.b); \
        (void)X, (void)Y; \
        use(w, what, place, 0, dx, plain[0]); \
        use(w, what, place, 1, dy, plain[1]); \
        break; \
    }
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) \
    case PG_OP_##name: { \
        pg_node *const *o = n->of.many->operands; \
        const marked X = mark_of(w, o[0]), Y = mark_of(w, o[1]), W = mark_of(w, o[2]); \
        (void)X, (void)Y, (void)W; \
        use(w, what, place, 0, dx, plain[0]); \
        use(w, what, place, 1, dy, plain[1]); \
        use(w, what, place, 2, dw, plain[2]); \
        break; \
    }
#define CONSTANT(name, symbol, errors, forward, dx, doc) \
    case PG_OP_##name: { \
        const marked X = mark_of(w, n->of.constant.a), K = {n->of.constant.k, 1, 0}; \
        use(w, what, place, 0, dx, plain[0]); \
        break; \
    }
#define SLOPE1 UNARY
#define SLOPE2 BINARY
#include "ops.def"
    case PG_SUM:
    case PG_DOT:
    case PG_PARTIALS:
    case PG_TAKE:
        use_many(w, what, place);
        break;
    default:
        break;
    }
}

/* -- whether there is one ------------------------------------------------------------------------ */

int pg_has_derivatives(const pg_sweep *s)
{
    for (size_t i = s->stops; i < s->count; i++)
        if (is_derivative(s->order[i].node))
            return 1;
    return 0;
}

/* A leaf that nobody can ask for its grad, or that stands for a number. */
static int is_constant(const pg_node *leaf)
{
    return leaf->wrapper == NULL || leaf->flags & PG_BY_OP;
}

/* Whether squares of it are infinite: then infinite slopes may have overflowed, and 0 is the limit. */
static int is_far_out(const pg_node *n)
{
    return !(fabs(n->value) < 0x1p511);
}

/* Whether a node is infinite as it has overflowed. */
static int has_overflowed(const walk *w, const pg_node *n)
{
    if (!isinf(n->value) || n->flags & PG_HAS_CLOSURE)
        return 0;
    for (size_t i = 0; i < pg_operand_count(n); i++)
        if (is_pole(mark_of(w, pg_operand(n, i))))
            return 0;
    return has_no_pole(n->op, pg_operand_count(n) > 0 ? pg_operand(n, 0)->value : 0.0,
                       pg_operand_count(n) > 1 ? pg_operand(n, 1)->value : 0.0);
}

/* Finds out what is fixed; false if an input is far out. */
static int fix(walk *w, pg_node *const *inputs, size_t count)
{
    const pg_sweep *s = w->sweep;
    for (size_t i = 0; i < s->count; i++) {
        const pg_node *n = s->order[i].node;
        pg_index_put(&w->index, n, i);
        w->states[i] = (state){.fixed = n->op != PG_LEAF || inputs != NULL || is_constant(n)};
        if (!w->states[i].fixed && is_far_out(n))
            return 0;
    }
    for (size_t i = 0; i < count; i++) {
        state *input = state_of(w, inputs[i]);
        if (input != NULL && is_far_out(inputs[i]))
            return 0;
        if (input != NULL)
            input->fixed = 0;
    }
    for (size_t i = s->stops; i < s->count; i++) {
        const pg_node *n = s->order[i].node;
        state *node = &w->states[i];
        node->huge = has_overflowed(w, n);
        if (n->flags & PG_HAS_CLOSURE || n->op == PG_CUSTOM)
            node->fixed = 0;
        else if (node->fixed)
            apply_rule(w, FIX, i);
    }
    return 1;
}

static void seed(walk *w, const pg_node *n, double number)
{
    state *at = state_of(w, n);
    if (at == NULL)
        return;
    at->plain += number;
    if (number != 0.0)
        at->all = (arrival){.number = at->all.number + number, .present = 1};
}

static void begin(walk *w, pg_node *const *inputs, size_t count, const double *seeds)
{
    const pg_node *root = w->sweep->root;
    if (seeds == NULL) {
        seed(w, root, 1.0);
        return;
    }
    const size_t operands = w->way == PG_REVERSE ? pg_operand_count(root) : count;
    for (size_t i = 0; i < operands; i++)
        seed(w, w->way == PG_REVERSE ? pg_operand(root, i) : inputs[i], seeds[i]);
}

/* Names the node by which the number at n depends on such a product. The way back meets the user's ops last, and the
 * nodes of their slopes before: what has an infinite slope and comes first in the order says more. */
static void look_at(walk *w, const pg_node *n)
{
    const state *at = state_of(w, n);
    if (w->found->node != NULL || at == NULL || at->second.place == 0 || !isfinite(at->plain))
        return;
    const size_t culprit = at->second.place - 1;
    for (size_t i = w->way == PG_REVERSE ? w->sweep->stops : culprit; w->found->node == NULL && i <= culprit; i++)
        apply_rule(w, FIND, i);
    if (w->found->node == NULL)
        *w->found = (pg_singularity){w->sweep->order[culprit].node, at->second.operand, 0.0, (double)INFINITY};
}

static void look(walk *w, pg_node *const *inputs, size_t count)
{
    const pg_sweep *s = w->sweep;
    if (w->way == PG_FORWARD) {
        for (size_t i = 0; i < pg_operand_count(s->root); i++)
            look_at(w, pg_operand(s->root, i));
        return;
    }
    for (size_t i = 0; i < count; i++)
        look_at(w, inputs[i]);
    for (size_t i = 0; inputs == NULL && i < s->count; i++)
        if (s->order[i].node->op == PG_LEAF && !is_constant(s->order[i].node))
            look_at(w, s->order[i].node);
}

pg_status pg_find_singular(const pg_sweep *s, pg_way way, pg_node *const *inputs, size_t count, const double *seeds,
                           pg_singularity *found)
{
    *found = (pg_singularity){0};
    if (!pg_has_derivatives(s))
        return PG_OK;
    walk w = {.sweep = s, .way = way, .found = found, .states = pg_alloc(s->count, sizeof *w.states)};
    if (w.states == NULL || !pg_index_open(&w.index, s->count)) {
        pg_free(w.states);
        return PG_NO_MEMORY;
    }
    if (fix(&w, inputs, count)) {
        begin(&w, inputs, count, seeds);
        const size_t last = s->count - (seeds != NULL); /* the root has no rule, if its operands have the seeds */
        for (size_t i = s->stops; i < last; i++)
            apply_rule(&w, PASS_ON, way == PG_REVERSE ? s->stops + last - 1 - i : i);
        look(&w, inputs, count);
    }
    pg_index_close(&w.index);
    pg_free(w.states);
    return PG_OK;
}
