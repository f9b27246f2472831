/* sweep.c: ops.def as numbers: the slopes of a node, and the reverse sweep over a sorted graph. */
#include "graph/sweep.h"

#include "graph/suppressed.h"
#include "ops/cells.h"
#include "ops/forward.h"

/* A slope that is 0 by convention is noted, as products are: see suppressed.h. */
#define NOTED(op) \
    PG_INLINE double noted_##op(double x, double y) \
    { \
        if (PG_UNLIKELY(pg_is_settled(PG_OP_##op, x, y))) \
            pg_suppressed++; \
        return forward_##op(x, y); \
    }
NOTED(div0)
NOTED(atan2_dxx)
NOTED(atan2_dxy)
#define forward_div0(x, y) noted_div0(x, y)
#define forward_atan2_dxx(x, y) noted_atan2_dxx(x, y)
#define forward_atan2_dxy(x, y) noted_atan2_dxy(x, y)

#define CALL1(op, a) forward_##op(a)
#define CALL2(op, a, b) forward_##op(a, b)
#define CALL3(op, a, b, c) forward_##op(a, b, c)
#define NUMBER(c) (c)
#include "ops/algebra.h"

/* What a rule's slope is for: the way back adds grad * slope to the operand's grad, the way forward adds
 * the operand's tangent * slope to *out, others want the slope. */
typedef enum { CONTRIBUTE, CARRY, TELL } purpose;

PG_INLINE void use(purpose what, pg_node *operand, double grad, double slope, double *out)
{
    if (what == CONTRIBUTE)
        operand->grad += pg_strong(grad, slope);
    else if (what == CARRY)
        *out += pg_strong(operand->grad, slope);
    else
        *out = slope;
}

/* Where the slope by operand i is told, if it is; the tangent has one place. */
#define SLOT(i) (what == TELL ? out + (i) : what == CARRY ? out : &unused)

PG_INLINE size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The rule of a sum, a dot product or given partials for the operands from one index to another. */
PG_INLINE void apply_many(purpose what, const pg_node *n, size_t from, size_t to, double *out)
{
    const double G = n->grad;
    const pg_many *m = n->of.many;
    pg_node *const *operands = m->operands;
    double unused;
    if (n->op == PG_SUM) {
        for (size_t i = from; i < to; i++)
            use(what, operands[i], G, 1.0, SLOT(i));
    } else if (n->op == PG_PARTIALS) {
        for (size_t i = from; i < to; i++)
            use(what, operands[i], G, m->partials[i], SLOT(i));
    } else if (n->op == PG_TAKE) {
        const size_t taken = 1 + pg_item_number(operands[0]->value, m->count - 1);
        for (size_t i = from; i < to; i++)
            use(what, operands[i], G, i == taken ? 1.0 : 0.0, SLOT(i));
    } else if (n->op == PG_SEARCH) {
        for (size_t i = from; what == TELL && i < to; i++) /* its operands need not be in the order */
            out[i] = 0.0;
    } else {
        const size_t half = m->count / 2; /* ws, then xs, then perhaps a bias */
        size_t i = from;
        for (; i < at_most(half, to); i++)
            use(what, operands[i], G, operands[half + i]->value, SLOT(i));
        for (; i < at_most(2 * half, to); i++)
            use(what, operands[i], G, operands[i - half]->value, SLOT(i));
        if (i < to)
            use(what, operands[i], G, 1.0, SLOT(i));
    }
}

/* The rule of a node with operands, read from the operands' present values. Inlined once for each
 * purpose, so that neither pays for the other. Operands in order: the order of accumulation is part of
 * the contract with pygrad/reference. */
PG_INLINE void apply_rule(purpose what, const pg_node *n, double *out)
{
    const double G = n->grad, Z = n->value;
    double unused;
    (void)Z;
    switch (n->op) {
#define UNARY(name, symbol, errors, forward, dx, doc) \
    case PG_OP_##name: { \
        const double X = n->of.two.a->value; \
        (void)X; \
        use(what, n->of.two.a, G, dx, SLOT(0)); \
        break; \
    }
#define BINARY(name, symbol, errors, forward, dx, dy, doc) \
    case PG_OP_##name: { \
        const double X = n->of.two.a->value, Y = n->of.two.b->value; \
        (void)X, (void)Y; \
        if (what != TELL && pg_is_condition(PG_OP_##name)) /* its operands need not be in the order */ \
            break; \
        use(what, n->of.two.a, G, dx, SLOT(0)); \
        use(what, n->of.two.b, G, dy, SLOT(1)); \
        break; \
    }
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) \
    case PG_OP_##name: { \
        pg_node *const *o = n->of.many->operands; \
        const double X = o[0]->value, Y = o[1]->value, W = o[2]->value; \
        (void)X, (void)Y, (void)W; \
        use(what, o[0], G, dx, SLOT(0)); \
        use(what, o[1], G, dy, SLOT(1)); \
        use(what, o[2], G, dw, SLOT(2)); \
        break; \
    }
#define CONSTANT(name, symbol, errors, forward, dx, doc) \
    case PG_OP_##name: { \
        const double X = n->of.constant.a->value, K = n->of.constant.k; \
        use(what, n->of.constant.a, G, dx, SLOT(0)); \
        break; \
    }
#define SLOPE1 UNARY
#define SLOPE2 BINARY
#include "ops.def"
    case PG_SUM:
    case PG_DOT:
    case PG_PARTIALS:
    case PG_SEARCH:
    case PG_TAKE:
        apply_many(what, n, 0, n->of.many->count, out);
        break;
    default: /* PG_LEAF, PG_CUSTOM: no rule */
        break;
    }
}

void pg_local_derivatives(const pg_node *n, double *out)
{
    apply_rule(TELL, n, out);
}

pg_status pg_propagate(const pg_node *n, double *slopes)
{
    pg_local_derivatives(n, slopes);
    size_t count = pg_operand_count(n);
    for (size_t i = 0; i < count; i++) {
        pg_node *operand = pg_operand(n, i);
        pg_status status = pg_write_grad(operand, operand->grad + mul0(n->grad, slopes[i]));
        if (status != PG_OK)
            return status;
    }
    return PG_OK;
}

/* From nodes that have arrived, the way back fetches their operands. */
enum { OPERANDS_AHEAD = 6 };

PG_INLINE void fetch_ahead(const pg_item *order, size_t left)
{
    if (left >= PG_NODES_AHEAD) {
        PG_PREFETCH(order[left - PG_NODES_AHEAD].node);
        const pg_node *soon = order[left - OPERANDS_AHEAD].node;
        PG_PREFETCH(soon->of.two.a); /* whatever of is, a prefetch does no harm */
        PG_PREFETCH(soon->of.two.b);
    }
}

/* So many operands are a step of their own. */
enum { WIDE = 1 << 15 };

PG_INLINE int is_wide(const pg_node *n)
{
    return pg_shapes[n->op] == PG_MANY && n->op != PG_CUSTOM && n->of.many->count > WIDE;
}

pg_status pg_sweep_step(pg_sweep *s, size_t budget, pg_node **closure)
{
    const pg_item *order = s->order;
    size_t left = s->left;
    size_t stop = left - s->stops > budget ? left - budget : s->stops;
    while (left != stop) {
        const pg_node *n = order[--left].node;
        fetch_ahead(order, left);
        if (PG_UNLIKELY(n->flags & PG_HAS_CLOSURE)) {
            s->left = left;
            s->within = 0;
            *closure = order[left].node;
            return PG_CLOSURE;
        }
        if (PG_UNLIKELY(is_wide(n))) {
            size_t to = at_most(n->of.many->count, s->within + WIDE);
            apply_many(CONTRIBUTE, n, s->within, to, NULL);
            s->within = to == n->of.many->count ? 0 : to;
            s->left = s->within == 0 ? left : left + 1;
            return s->left == s->stops ? PG_OK : PG_MORE;
        }
        apply_rule(CONTRIBUTE, n, NULL);
    }
    s->left = left;
    return left == s->stops ? PG_OK : PG_MORE;
}

size_t pg_sweep_find(const pg_sweep *s, size_t from, unsigned without, uint64_t before)
{
    const pg_item *order = s->order;
    for (; from < s->count; from++) {
        const pg_node *n = order[from].node;
        if (n->op == PG_LEAF && !(n->flags & without) && (n->of.leaf.birth < before || n->wrapper != NULL))
            break;
        if (n->op == PG_PARTIALS)
            break;
    }
    return from;
}

void pg_sweep_begin(pg_sweep *s, double seed)
{
    s->root->grad = seed;
    s->left = s->count;
}

/* Sets the grads of all nodes in order to 0: of leaves, too, if they count. */
static void clear_grads(pg_sweep *s, int leaves)
{
    for (size_t i = 0; i < s->count; i++)
        if (leaves || i < s->stops || s->order[i].node->op != PG_LEAF)
            s->order[i].node->grad = 0.0;
}

void pg_sweep_begin_below(pg_sweep *s, const double *seeds)
{
    clear_grads(s, 0);
    for (size_t i = 0; i < pg_operand_count(s->root); i++)
        pg_operand(s->root, i)->grad += seeds[i];
    s->left = s->count - 1;
}

void pg_sweep_begin_forward(pg_sweep *s, const double *tangents)
{
    clear_grads(s, 1);
    for (size_t i = 0; i < s->stops; i++)
        s->order[i].node->grad = tangents[i];
    s->left = s->count - s->stops - 1;
}

/* A node with a closure has slopes that nobody states; where no tangent arrives, none are needed. */
static int takes_a_tangent(const pg_node *n)
{
    for (size_t i = 0; i < pg_operand_count(n); i++)
        if (pg_operand(n, i)->grad != 0.0)
            return 1;
    return 0;
}

pg_node *pg_sweep_next(const pg_sweep *s)
{
    return s->left == s->stops ? NULL : s->order[s->left - 1].node;
}

pg_node *pg_sweep_next_forward(const pg_sweep *s)
{
    return s->left == 0 ? NULL : s->order[s->count - 1 - s->left].node;
}

pg_status pg_sweep_step_forward(pg_sweep *s, size_t budget, pg_node **closure)
{
    size_t stop = s->left > budget ? s->left - budget : 0;
    for (; s->left != stop; s->left--) {
        pg_node *n = pg_sweep_next_forward(s);
        double tangent = 0.0;
        if (PG_LIKELY(!(n->flags & PG_HAS_CLOSURE))) {
            apply_rule(CARRY, n, &tangent);
        } else if (takes_a_tangent(n)) {
            *closure = n;
            return PG_CLOSURE;
        }
        n->grad = tangent;
    }
    return s->left == 0 ? PG_OK : PG_MORE;
}
