/* adjoint.c: ops.def as nodes: the two ways over a sorted graph, whose results can be differentiated again.
 *
 * A derivative on its way is a quantity. Numbers come from rules and seeds only, never from data, so the shape of what
 * is built does not depend on the point where it is built. */
#include "graph/cells.h"
#include "graph/graph.h"
#include "graph/index.h"
#include "graph/quantity.h"
#include "graph/several.h"
#include "graph/suppressed.h"
#include "graph/sweep.h"
#include "ops/forward.h"

struct pg_adjoint {
    const pg_sweep *sweep;
    pg_node *const *inputs;
    size_t count;          /* of the inputs */
    pg_positions positions;   /* in the order */
    pg_index input_index;  /* which nodes are inputs, unless there is none or these are where the order begins */
    size_t prepared;       /* so many nodes of the order are among the positions */
    quantity *derivatives; /* the derivative at each node of the order; the number 0 where none arrived */
    quantity **of_results; /* of each node of the order with several results theirs; NULL as long as there is none */
    unsigned char *depends; /* whether each node of the order depends on an input */
    pg_way way;
    size_t at;             /* the place of the node whose rule is at work */
    size_t left;           /* nodes still to do */
    size_t within;         /* operands done of the next one, if it has many */
    int constants;         /* partials given as numbers are taken for constants */
    int failed;            /* no memory; what is made from here on does not matter */
};

static quantity made(pg_adjoint *a, pg_node *n)
{
    if (n == NULL)
        a->failed = 1;
    return n == NULL ? number(0.0) : (quantity){pg_born(n), 0.0};
}

/* -- the algebra -------------------------------------------------------------------------------- */

static quantity call1(pg_adjoint *a, int op, double (*forward)(double), quantity x)
{
    double value = forward(value_of(x));
    if (x.node == NULL)
        return number(value);
    quantity z = made(a, pg_compute(op, x.node, NULL, value));
    drop(x);
    return z;
}

static quantity call2(pg_adjoint *a, int op, double (*forward)(double, double), quantity x, quantity y)
{
    double value = forward(value_of(x), value_of(y));
    pg_suppressed += (unsigned)pg_is_settled(op, value_of(x), value_of(y));
    if (x.node == NULL && y.node == NULL)
        return number(value);
    pg_node *left = node_of(x), *right = node_of(y);
    quantity z = made(a, left == NULL || right == NULL ? NULL : pg_compute(op, left, right, value));
    if (left != NULL)
        pg_release(left);
    if (right != NULL)
        pg_release(right);
    return z;
}

/* The same where a rule says so, which knows the limits of its logarithms and of products with 0. */
static quantity word1(pg_adjoint *a, int op, double (*forward)(double), quantity x)
{
    quantity z = call1(a, op, forward, x);
    if (z.node != NULL && op == PG_OP_log)
        z.node->flags |= PG_BY_OP;
    return z;
}

static quantity word2(pg_adjoint *a, int op, double (*forward)(double, double), quantity x, quantity y)
{
    quantity z = call2(a, op, forward, x, y);
    if (z.node != NULL && op == PG_OP_mul0)
        z.node->flags |= PG_BY_OP;
    return z;
}

static quantity call3(pg_adjoint *a, int op, double (*forward)(double, double, double), quantity x, quantity y,
                      quantity w)
{
    double value = forward(value_of(x), value_of(y), value_of(w));
    pg_node *nodes[3] = {node_of(x), node_of(y), node_of(w)};
    int whole = nodes[0] != NULL && nodes[1] != NULL && nodes[2] != NULL;
    quantity z = made(a, whole ? pg_compute_many(op, nodes, 3, value, NULL, NULL) : NULL);
    for (int i = 0; i < 3; i++)
        if (nodes[i] != NULL)
            pg_release(nodes[i]);
    return z;
}

/* A derivative times a slope: the sweep's product, whose trivial cases make no node. */
static quantity times(pg_adjoint *a, quantity derivative, quantity slope)
{
    for (int turn = 0; turn < 2; turn++) {
        quantity first = turn == 0 ? derivative : slope, second = turn == 0 ? slope : derivative;
        if (is_number(first, 1.0))
            return second;
        if (is_number(first, -1.0))
            return call1(a, PG_OP_neg, forward_neg, second);
        if (is_number(first, 0.0)) {
            drop(second);
            return first;
        }
    }
    quantity z = call2(a, PG_OP_mul0, pg_strong, derivative, slope);
    if (z.node != NULL && pg_has_limit(a->sweep->order[a->at].node))
        z.node->flags |= PG_BY_OP;
    return z;
}

static void add_to(pg_adjoint *a, quantity *place, quantity contribution)
{
    if (is_number(*place, 0.0))
        *place = contribution;
    else
        *place = call2(a, PG_OP_add, forward_add, *place, contribution);
}

#define CALL1(op, x) word1(a, PG_OP_##op, forward_##op, x)
#define CALL2(op, x, y) word2(a, PG_OP_##op, forward_##op, x, y)
#define CALL3(op, x, y, w) call3(a, PG_OP_##op, forward_##op, x, y, w)
#define NUMBER(c) number(c)
#include "ops/algebra.h"

/* -- one node ----------------------------------------------------------------------------------- */

enum { WIDE = 1 << 14 };   /* so many operands are a step of their own */

/* Where an operand stands, plus 1; or 0 if no derivative by it is wanted. */
static size_t wanted(const pg_adjoint *a, const pg_node *operand)
{
    size_t place;
    if (!pg_positions_find(&a->positions, operand, &place) || !a->depends[place])
        return 0;
    return a->way == PG_FORWARD && is_number(a->derivatives[place], 0.0) ? 0 : place + 1;
}

static void pass(pg_adjoint *a, size_t operand, quantity slope)
{
    quantity *node = &a->derivatives[a->at], *other = &a->derivatives[operand];
    if (a->way == PG_REVERSE)
        add_to(a, other, times(a, copy(node), slope));
    else
        add_to(a, node, times(a, copy(other), slope));
}

/* Passes the derivative on between the node at work and an operand, if that is wanted. The slope is an
 * expression that is evaluated only then. */
#define PASS(operand, slope) \
    do { \
        size_t place = wanted(a, operand); \
        if (place != 0) \
            pass(a, place - 1, slope); \
    } while (0)

/* The slope of an item by what is taken: whether the index is its number. */
static quantity is_taken(pg_adjoint *a, pg_node *index, size_t number_of_item)
{
    return call2(a, PG_OP_equal, forward_equal, own(index), number((double)number_of_item));
}

/* The tangents of the items of a table into nodes, those that are not wanted 0; how many could be made. */
static size_t tangents_of(pg_adjoint *a, const pg_many *m, pg_node **nodes, pg_node *zero)
{
    for (size_t i = 1; i < m->count; i++) {
        const size_t place = wanted(a, m->operands[i]);
        nodes[i] = place == 0 ? pg_retain(zero) : node_of(copy(&a->derivatives[place - 1]));
        if (nodes[i] == NULL)
            return i;
    }
    return m->count;
}

/* The tangent of what is taken: the one of that number among the tangents of the items. */
static void take_forward(pg_adjoint *a, const pg_node *n)
{
    const pg_many *m = n->of.many;
    pg_node **nodes = pg_alloc(m->count, sizeof *nodes), *zero = nodes == NULL ? NULL : pg_born(pg_leaf(0.0));
    const size_t count = zero == NULL ? 1 : tangents_of(a, m, nodes, zero);
    if (count == m->count) {
        nodes[0] = m->operands[0];
        add_to(a, &a->derivatives[a->at], made(a, pg_item_of(nodes, count - 1, 1)));
    } else {
        a->failed = 1;
    }
    for (size_t i = 1; i < count; i++)
        pg_release(nodes[i]);
    if (zero != NULL)
        pg_release(zero);
    pg_free(nodes);
}

static int any_wanted(const pg_adjoint *a, const pg_many *m)
{
    for (size_t i = 1; i < m->count; i++)
        if (wanted(a, m->operands[i]) != 0)
            return 1;
    return 0;
}

/* A sum, a dot product, given partials or an item of a table, up to a number of operands at a time. */
static pg_status pass_many(pg_adjoint *a, const pg_node *n)
{
    const pg_many *m = n->of.many;
    const size_t half = m->count / 2;
    if (n->op == PG_TAKE && a->way == PG_FORWARD) {
        if (any_wanted(a, m))
            take_forward(a, n);
        return PG_OK;
    }
    for (size_t done = 0; a->within < m->count; a->within++, done++) {
        const size_t i = a->within;
        pg_node *operand = m->operands[i];
        if (done == WIDE)
            return PG_MORE;
        if (n->op == PG_TAKE) {
            if (i != 0)
                PASS(operand, is_taken(a, m->operands[0], i - 1));
        } else if (n->op == PG_PARTIALS && pg_given_partial(n, i) == NULL) {
            if (wanted(a, operand) && !a->constants)
                return PG_OPAQUE;
            PASS(operand, made(a, pg_leaf(m->partials[i])));
        } else if (n->op == PG_PARTIALS) {
            PASS(operand, own(m->given[i]));
        } else if (n->op == PG_DOT && i < 2 * half) {
            PASS(operand, own(m->operands[i < half ? i + half : i - half]));
        } else {
            PASS(operand, ONE);
        }
    }
    a->within = 0;
    return PG_OK;
}

/* The derivatives at the results of a node with several, whose place is given; NULL for want of memory. */
static quantity *results_at(pg_adjoint *a, size_t place)
{
    const size_t count = a->sweep->count;
    if (a->of_results == NULL) {
        a->of_results = pg_alloc(count, sizeof *a->of_results);
        for (size_t i = 0; a->of_results != NULL && i < count; i++)
            a->of_results[i] = NULL;
    }
    if (a->of_results == NULL)
        return NULL;
    quantity *found = a->of_results[place];
    const size_t results = a->sweep->order[place].node->of.many->rule->results;
    if (found == NULL) {
        found = a->of_results[place] = pg_alloc(results + 1, sizeof *found);
        for (size_t i = 0; found != NULL && i < results; i++)
            found[i] = number(0.0);
    }
    return found;
}

/* Between a result and those of its node, where they meet the rule: see pass_several. */
static pg_status pass_item(pg_adjoint *a, const pg_node *n)
{
    size_t place;
    if (!pg_positions_find(&a->positions, n->of.constant.a, &place) || !a->depends[place])
        return PG_OK;
    quantity *results = results_at(a, place);
    if (results == NULL)
        return PG_NO_MEMORY;
    const size_t k = (size_t)n->of.constant.k;
    if (a->way == PG_REVERSE) {
        add_to(a, &results[k], copy(&a->derivatives[a->at]));
        a->derivatives[place] = number(1.0); /* something has arrived */
    } else {
        a->derivatives[a->at] = copy(&results[k]);
    }
    return PG_OK;
}

/* The rule of a node with several results, which gets and gives nodes. */
static pg_status use_several(pg_adjoint *a, pg_node *n, quantity *results, pg_node **given, pg_node **out,
                             uint8_t *asked)
{
    const pg_several *rule = n->of.many->rule;
    const int reverse = a->way == PG_REVERSE;
    int any = 0;
    for (size_t i = 0; i < rule->operands; i++)
        asked[i] = wanted(a, n->of.many->operands[i]) != 0;
    for (size_t i = 0; i < (reverse ? rule->results : rule->operands); i++) {
        const size_t place = reverse ? 0 : wanted(a, n->of.many->operands[i]);
        const quantity *from = reverse ? &results[i] : place == 0 ? NULL : &a->derivatives[place - 1];
        if (from == NULL || is_number(*from, 0.0))
            continue;
        any = 1;
        given[i] = node_of(copy(from));
        if (given[i] == NULL)
            return PG_NO_MEMORY;
    }
    const pg_status status = any ? rule->kind->derive(a->way, n, given, asked, out) : PG_OK;
    for (size_t i = 0; status == PG_OK && i < (reverse ? rule->operands : rule->results); i++) {
        if (out[i] == NULL)
            continue;
        if (reverse) {
            add_to(a, &a->derivatives[wanted(a, n->of.many->operands[i]) - 1], own(out[i]));
        } else {
            results[i] = own(out[i]);
            a->derivatives[a->at] = number(1.0);
        }
    }
    return status;
}

static pg_status pass_several(pg_adjoint *a, pg_node *n)
{
    const pg_several *rule = n->of.many->rule;
    const size_t most = rule->operands > rule->results ? rule->operands : rule->results;
    pg_node **nodes = pg_alloc(2 * most + 1, sizeof *nodes);
    uint8_t *asked = pg_alloc(most + 1, 1);
    quantity *results = results_at(a, a->at);
    for (size_t i = 0; nodes != NULL && i < 2 * most; i++)
        nodes[i] = NULL;
    const pg_status status = nodes == NULL || asked == NULL || results == NULL
                                 ? PG_NO_MEMORY
                                 : use_several(a, n, results, nodes, nodes + most, asked);
    for (size_t i = 0; nodes != NULL && i < 2 * most; i++)
        if (nodes[i] != NULL)
            pg_release(nodes[i]);
    pg_free((void *)nodes);
    pg_free(asked);
    return status;
}

/* The rule of n, whose X Y W K Z are made where the rule names them. */
static pg_status apply_rule(pg_adjoint *a, pg_node *n)
{
    if (n->flags & PG_HAS_CLOSURE && n->op != PG_SEVERAL) /* a rule is held where a closure would be */
        return PG_OPAQUE;
    switch (n->op) {
#define X own(n->of.two.a)
#define Y own(n->of.two.b)
#define Z own(n)
#define K number(n->of.constant.k)
#define UNARY(name, symbol, errors, forward, dx, doc) \
    case PG_OP_##name: \
        PASS(n->of.two.a, dx); \
        break;
#define BINARY(name, symbol, errors, forward, dx, dy, doc) \
    case PG_OP_##name: \
        PASS(n->of.two.a, dx); \
        PASS(n->of.two.b, dy); \
        break;
#define CONSTANT UNARY
#define SLOPE1 UNARY
#define SLOPE2 BINARY
#include "ops.def"
#undef X
#undef Y
#define X own(n->of.many->operands[0])
#define Y own(n->of.many->operands[1])
#define W own(n->of.many->operands[2])
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) \
    case PG_OP_##name: \
        PASS(n->of.many->operands[0], dx); \
        PASS(n->of.many->operands[1], dy); \
        PASS(n->of.many->operands[2], dw); \
        break;
#include "ops.def"
    case PG_SUM:
    case PG_DOT:
    case PG_PARTIALS:
    case PG_TAKE:
        return pass_many(a, n);
    case PG_SEVERAL:
        return pass_several(a, n);
    case PG_ITEM:
        return pass_item(a, n);
    default: /* PG_LEAF, PG_CUSTOM: no rule */
        break;
    }
    return PG_OK;
}

/* -- the two ways ------------------------------------------------------------------------------- */

/* The place of the node to be done next. */
static size_t next_place(const pg_adjoint *a)
{
    const pg_sweep *s = a->sweep;
    return a->way == PG_REVERSE ? s->stops + a->left - 1 : s->count - 1 - a->left;
}

pg_node *pg_adjoint_next(const pg_adjoint *a)
{
    return a->left == 0 ? NULL : a->sweep->order[next_place(a)].node;
}

pg_way pg_adjoint_way(const pg_adjoint *a)
{
    return a->way;
}

static pg_status do_node(pg_adjoint *a, size_t place, pg_node **opaque)
{
    pg_node *n = a->sweep->order[place].node;
    if (!a->depends[place] || (a->way == PG_REVERSE && is_number(a->derivatives[place], 0.0)))
        return PG_OK;
    a->at = place;
    pg_status status = apply_rule(a, n);
    if (status == PG_OPAQUE)
        *opaque = n;
    return a->failed ? PG_NO_MEMORY : status;
}

pg_status pg_adjoint_step(pg_adjoint *a, size_t budget, pg_node **opaque)
{
    for (; a->left != 0; a->left--) {
        if (budget-- == 0)
            return PG_MORE;
        pg_status status = do_node(a, next_place(a), opaque);
        if (status != PG_OK)
            return status;
    }
    return PG_OK;
}

static void drop_results(pg_adjoint *a)
{
    for (size_t i = 0; a->of_results != NULL && i < a->prepared; i++) {
        quantity *results = a->of_results[i];
        if (results == NULL)
            continue;
        for (size_t k = 0; k < a->sweep->order[i].node->of.many->rule->results; k++)
            drop(results[k]);
        pg_free(results);
        a->of_results[i] = NULL;
    }
}

static void drop_derivatives(pg_adjoint *a)
{
    for (size_t i = 0; i < a->prepared; i++) {
        drop(a->derivatives[i]);
        a->derivatives[i] = number(0.0);
    }
    drop_results(a);
}

static void seed(pg_adjoint *a, const pg_node *n, double x, pg_node *node)
{
    size_t place;
    if (pg_positions_find(&a->positions, n, &place) && a->depends[place])
        add_to(a, &a->derivatives[place], node != NULL ? own(node) : number(x));
}

pg_status pg_adjoint_begin(pg_adjoint *a, pg_way way, const double *seeds, pg_node *const *seed_nodes)
{
    const pg_node *root = a->sweep->root;
    drop_derivatives(a);
    a->way = way;
    a->left = a->sweep->count - a->sweep->stops - 1; /* all but the root */
    a->within = 0;
    size_t count = way == PG_REVERSE ? pg_operand_count(root) : a->count;
    for (size_t i = 0; i < count; i++)
        seed(a, way == PG_REVERSE ? pg_operand(root, i) : a->inputs[i], seeds[i],
             seed_nodes == NULL ? NULL : seed_nodes[i]);
    return a->failed ? PG_NO_MEMORY : PG_OK;
}

pg_node *pg_adjoint_at(pg_adjoint *a, const pg_node *n)
{
    size_t place;
    if (!pg_positions_find(&a->positions, n, &place))
        return pg_born(pg_leaf(0.0));
    quantity t = a->derivatives[place];
    if (t.node == NULL)
        return pg_born(pg_leaf(0.0 + t.number));
    /* Grads start at +0.0, to which contributions are added: that makes a difference to a sum that is -0.0. */
    pg_node *zero = pg_born(pg_leaf(0.0));
    if (zero == NULL)
        return NULL;
    pg_node *sum = pg_born(pg_compute(PG_OP_add, zero, t.node, 0.0 + t.node->value));
    pg_release(zero);
    if (sum != NULL)
        sum->flags |= PG_BY_OP; /* a derivative: what is computed from it and differentiated is of a higher order */
    return sum;
}

void pg_adjoint_take_constants(pg_adjoint *a)
{
    a->constants = 1;
}

double pg_adjoint_value_at(const pg_adjoint *a, const pg_node *n)
{
    size_t place;
    return pg_positions_find(&a->positions, n, &place) ? value_of(a->derivatives[place]) : 0.0;
}

/* -- life --------------------------------------------------------------------------------------- */

/* Whether the order begins with the inputs, each there once, and stops at no other node. */
static int begins_with_inputs(const pg_adjoint *a)
{
    size_t i = 0;
    while (i < a->count && a->sweep->stops == a->count && a->sweep->order[i].node == a->inputs[i])
        i++;
    return i == a->count;
}

static int is_input(const pg_adjoint *a, size_t i)
{
    const pg_node *n = a->sweep->order[i].node;
    size_t place;
    if (a->inputs == NULL)
        return n->op == PG_LEAF;
    return a->input_index.entries == NULL ? i < a->count : pg_index_find(&a->input_index, n, &place);
}

/* Whether an operand depends on an input; operands were looked at before. */
static int inherits(const pg_adjoint *a, const pg_node *n)
{
    size_t operands = pg_count_operands(n), place;
    for (size_t k = 0; k < operands; k++)
        if (pg_positions_find(&a->positions, pg_nth_operand(n, k), &place) && a->depends[place])
            return 1;
    return 0;
}

pg_status pg_adjoint_prepare(pg_adjoint *a, size_t budget)
{
    const pg_sweep *s = a->sweep;
    for (; a->prepared < s->count; a->prepared++) {
        if (budget-- == 0)
            return PG_MORE;
        const size_t i = a->prepared;
        pg_positions_put(&a->positions, i);
        a->derivatives[i] = number(0.0);
        a->depends[i] = is_input(a, i) || (i >= s->stops && inherits(a, s->order[i].node));
    }
    return PG_OK;
}

pg_status pg_adjoint_open(const pg_sweep *s, pg_node *const *inputs, size_t count, pg_adjoint **out)
{
    pg_adjoint *a = pg_alloc(1, sizeof *a);
    if (a == NULL)
        return PG_NO_MEMORY;
    *a = (pg_adjoint){.sweep = s, .inputs = inputs, .count = count};
    a->derivatives = pg_alloc(s->count, sizeof *a->derivatives);
    a->depends = pg_alloc(s->count, sizeof *a->depends);
    const int by_index = inputs != NULL && !begins_with_inputs(a);
    if (a->derivatives == NULL || a->depends == NULL || !pg_positions_open(&a->positions, s->order, s->count) ||
        (by_index && !pg_index_open(&a->input_index, count))) {
        pg_adjoint_close(a);
        return PG_NO_MEMORY;
    }
    for (size_t i = 0; by_index && i < count; i++)
        pg_index_put(&a->input_index, inputs[i], i);
    *out = a;
    return PG_OK;
}

void pg_adjoint_close(pg_adjoint *a)
{
    if (a == NULL)
        return;
    drop_derivatives(a);
    pg_index_close(&a->input_index);
    pg_positions_close(&a->positions);
    pg_free((void *)a->of_results);
    pg_free(a->derivatives);
    pg_free(a->depends);
    pg_free(a);
}
