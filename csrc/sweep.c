/* sweep.c: ops.def as numbers: the slopes of a node, and the reverse sweep over a sorted graph. */
#include "forward.h"
#include "sweep.h"

#define CALL1(op, a) forward_##op(a)
#define CALL2(op, a, b) forward_##op(a, b)
#define CALL3(op, a, b, c) forward_##op(a, b, c)
#define NUMBER(c) (c)
#include "algebra.h"

/* What a rule's slope is for: the sweep adds grad * slope to the operand, others want the slope. */
typedef enum { CONTRIBUTE, TELL } purpose;

PG_INLINE void use(purpose what, pg_node *operand, double grad, double slope, double *out)
{
    if (what == CONTRIBUTE)
        operand->grad += mul0(grad, slope);
    else
        *out = slope;
}

/* Where the slope by operand i is told, if it is. */
#define SLOT(i) (what == TELL ? out + (i) : &unused)

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
 * the contract with pygrad/reference.py. */
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
    size_t stop = left > budget ? left - budget : 0;
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
            return s->left == 0 ? PG_OK : PG_MORE;
        }
        apply_rule(CONTRIBUTE, n, NULL);
    }
    s->left = left;
    return left == 0 ? PG_OK : PG_MORE;
}

void pg_sweep_begin(pg_sweep *s, double seed)
{
    s->root->grad = seed;
    s->left = s->count;
}
