/* compile.c: a recorded graph as a linear program: what is needed, each thing once, sums of products fused.
 *
 * Three steps. Values (here): every node of the order becomes a value, numbered so that operands come first; what
 * is the same, or constant, or trivial, becomes an earlier value (draft.c, simplify.c). Needs (fuse.c): from
 * outputs and guards backwards, what is used and how often; products used once join the sums that use them. Code
 * (order.c, code.c): an instruction for each value that is left, first those that are the same for all rows, and slots for
 * the results. */
#include "graph/index.h"
#include "graph/sweep.h"
#include "graph/several.h"
#include "program/call.h"
#include "program/code.h"
#include "program/fuse.h"
#include "program/growth.h"
#include "program/loop.h"
#include "program/simplify.h"
#include "program/table.h"
#include "program/zeros.h"

/* -- values ------------------------------------------------------------------------------------- */

/* A sum or dot node as one value: start + terms. */
static uint32_t sum_of(draft *d, const pg_node *n, const uint32_t *operands)
{
    const pg_many *m = n->of.many;
    size_t half = m->count / 2, products = n->op == PG_DOT ? half : 0;
    size_t plain = n->op == PG_DOT ? 0 : m->leads ? m->count - 1 : m->count;
    int leads = n->op == PG_DOT ? m->count % 2 == 1 : m->leads;
    value v = blank(PG_CODE_FUSED, leads ? operands[m->count - 1] : pg_draft_constant(d, m->start), NONE, NONE);
    v.row = (uint8_t)is_row(d, v.a);
    for (size_t i = 0; i < products + plain; i++) {
        draft_term t = {operands[i], i < products ? operands[half + i] : NONE, NONE, 0, 0};
        v.row = (uint8_t)(v.row || is_row(d, t.a) || is_row(d, t.b));
        pg_draft_add_term(d, &v, t);
    }
    return pg_draft_add(d, &v);
}

/* Whether value i is a call of the same on the same operands. */
static int is_same_call(const draft *d, uint32_t i, const pg_call *call, const uint32_t *operands)
{
    const value *v = &d->values[i];
    const pg_call *known = (const pg_call *)(const void *)d->loops[v->users].rule;
    if (known->what != call->what || known->base.operands != call->base.operands ||
        known->base.results != call->base.results || known->conditional != call->conditional)
        return 0;
    for (uint32_t t = v->head; t != NONE; t = d->terms[t].next)
        if (d->terms[t].a != *operands++)
            return 0;
    return 1;
}

/* A call that is there already, which then has to run where the earlier of the two does; or NONE. */
static uint32_t known_call(draft *d, const pg_call *call, const uint32_t *operands)
{
    for (uint32_t i = d->last_call; i != NONE; i = d->values[i].next)
        if (is_same_call(d, i, call, operands)) {
            uint32_t *guards = &d->loops[d->values[i].users].guards;
            *guards = call->guards < *guards ? call->guards : *guards;
            return i;
        }
    return NONE;
}

/* A loop or a call, all whose operands stand beside each other. A call that comes after guards is not made for all rows. */
static uint32_t several_of(draft *d, const pg_node *n, const uint32_t *operands)
{
    const pg_several *rule = n->of.many->rule;
    const pg_call *call = pg_is_call(rule) ? (const pg_call *)(const void *)rule : NULL;
    const uint32_t known = call == NULL ? NONE : known_call(d, call, operands);
    if (known != NONE)
        return known;
    value v = blank(call == NULL ? PG_CODE_LOOP : PG_CODE_CALL, NONE, NONE, NONE);
    v.row = (uint8_t)(call != NULL && call->guards != 0 && d->rows);
    for (size_t i = 0; i < n->of.many->count; i++) {
        v.row = (uint8_t)(v.row || is_row(d, operands[i]));
        pg_draft_add_term(d, &v, (draft_term){operands[i], NONE, NONE, 0, 0});
    }
    if (d->failed || !pg_room((void **)&d->loops, d->loop_count, &d->loop_capacity, sizeof *d->loops)) {
        draft_lacks_memory(d);
        return 0;
    }
    v.users = (uint32_t)d->loop_count;
    d->loops[d->loop_count++] = (draft_several){rule, call == NULL ? 0 : call->guards, NONE};
    v.next = call == NULL ? NONE : d->last_call;
    const uint32_t added = pg_draft_add(d, &v);
    if (call != NULL)
        d->last_call = added;
    return added;
}

/* Whether a node's rule is one of programs: of others they have the numbers. */
static int is_of_programs(const pg_node *n)
{
    const pg_several *rule = n->of.many->rule;
    return rule->kind == &pg_loop_kind || pg_is_call(rule);
}

/* The numbers of nodes' values. Those of the trace's own nodes stand in their grads, which nothing else uses
 * before the trace has ended and which are 0 again then; an index has those of live nodes. */
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

/* A result of a loop or call; or of a rule, which is the operand that has its number. */
static uint32_t item_of(draft *d, const pg_index *lives, const pg_node *n, uint32_t loop)
{
    const pg_many *m = n->of.constant.a->of.many;
    if (!is_of_programs(n->of.constant.a))
        return number_of_node(lives, m->operands[(size_t)n->of.constant.k]);
    value v = blank(ITEM, loop, NONE, NONE);
    v.tail = (uint32_t)n->of.constant.k;
    v.row = d->values[loop].row;
    if (d->values[loop].op != PG_CODE_CALL)
        return pg_draft_add(d, &v);
    draft_several *call = &d->loops[d->values[loop].users]; /* which two nodes may share */
    for (uint32_t i = call->items; i != NONE; i = d->values[i].next)
        if (d->values[i].tail == v.tail)
            return i; /* another one would have its slot, which would be free while this one is used */
    v.next = call->items;
    call->items = pg_draft_add(d, &v);
    return call->items;
}

enum { AHEAD = 8 };

/* Node i of the order, those behind it on their way. */
static pg_node *node_at(const pg_sweep *s, size_t i)
{
    if (i + AHEAD < s->count)
        PG_PREFETCH(s->order[i + AHEAD].node);
    return s->order[i].node;
}

/* The value of a node with many operands, which have theirs. */
static uint32_t value_of_many(draft *d, const pg_node *n, const pg_index *lives, uint32_t *operands)
{
    const pg_many *m = n->of.many;
    for (size_t i = 0; i < m->count; i++)
        operands[i] = number_of_node(lives, m->operands[i]);
    if (n->op == PG_SUM || n->op == PG_DOT)
        return sum_of(d, n, operands);
    if (n->op == PG_SEARCH || n->op == PG_TAKE)
        return pg_value_of_table(d, n, operands);
    if (n->op == PG_SEVERAL)
        return is_of_programs(n) ? several_of(d, n, operands) : operands[0];
    return pg_simplified(d, n->op, operands[0], operands[1], operands[2]);
}

/* The same of any node made while tracing. */
static uint32_t value_of(draft *d, const pg_node *n, const pg_index *lives, uint32_t *operands)
{
    const unsigned shape = pg_shapes[n->op];
    if (shape == PG_MANY)
        return value_of_many(d, n, lives, operands);
    const uint32_t a = number_of_node(lives, n->of.two.a);
    if (n->op == PG_ITEM)
        return item_of(d, lives, n, a);
    const uint32_t b = shape == PG_TWO       ? number_of_node(lives, n->of.two.b)
                       : n->op == PG_OP_pown ? pg_draft_constant(d, n->of.constant.k)
                                             : NONE;
    return pg_simplified(d, n->op, a, b, NONE);
}

/* Whether the nodes of a trace can be computed again from their operands. */
static int is_computable(const pg_node *n)
{
    return (!(n->flags & PG_HAS_CLOSURE) || n->op == PG_SEVERAL) && n->op != PG_CUSTOM && n->op != PG_PARTIALS;
}

/* The largest number of operands, at least 3, and how many nodes are not the trace's own. */
static size_t survey(const pg_sweep *s, size_t *lives)
{
    size_t widest = 3;
    *lives = 0;
    for (size_t i = 0; i + 1 < s->count; i++) {
        const pg_node *n = node_at(s, i);
        const size_t count = pg_count_operands(n);
        widest = count > widest ? count : widest;
        *lives += !(n->flags & PG_TRACED);
    }
    return widest;
}

static pg_status number_values(draft *d, const pg_trace *t, pg_index *lives, uint32_t *operands, pg_node **opaque)
{
    const pg_sweep *s = t->sweep;
    uint32_t live = 0;
    for (size_t i = 0; i + 1 < s->count && goes_on(d); i++) {
        pg_node *n = node_at(s, i);
        uint32_t v;
        if (i < s->stops) {
            value input = blank(INPUT, (uint32_t)i, NONE, NONE);
            input.row = t->rows[i];
            d->rows = d->rows || input.row;
            v = pg_draft_add(d, &input);
        } else if (!(n->flags & PG_TRACED)) {
            const value from_outside = blank(LIVE, live++, NONE, NONE);
            v = pg_draft_add(d, &from_outside);
        } else if (n->op == PG_LEAF) {
            v = pg_draft_constant(d, n->value);
        } else if (is_computable(n)) {
            v = value_of(d, n, lives, operands);
        } else {
            *opaque = n;
            return PG_OPAQUE;
        }
        number_node(lives, n, v);
    }
    return d->failed;
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

static pg_status make(draft *d, const pg_trace *t, uint32_t *roots, pg_program **out)
{
    const size_t guards = 2 * t->guard_count, count = guards + t->output_count;
    d->contracts = t->contract && t->optimise;
    if (t->optimise && !t->body && !t->tells)
        pg_drop_zeros(d, roots, guards, count, t->totals);
    pg_count_uses(d, roots, count);
    if (t->optimise)
        pg_fuse(d, t->body);
    const pg_status status = d->failed != PG_OK ? d->failed : pg_write_program(d, t, roots, roots + guards, out);
    if (status == PG_OK)
        (*out)->tells = t->tells;
    return status;
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
        for (size_t i = 0; i + 1 < t->sweep->count; i++) {
            pg_node *n = t->sweep->order[i].node;
            if (n->flags & PG_TRACED)
                n->grad = 0.0;
        }
    }
    pg_free(operands);
    return status;
}

pg_status pg_program_make(const pg_trace *t, pg_node **opaque, pg_program **out)
{
    draft d;
    uint32_t *roots = NULL;
    if (t->sweep->count > NONE / 4)
        return PG_NO_MEMORY;
    pg_status status = pg_draft_open(&d, t->sweep->count) ? draw_up(&d, t, opaque, &roots) : PG_NO_MEMORY;
    if (status == PG_OK)
        status = make(&d, t, roots, out);
    pg_free(roots);
    pg_draft_close(&d);
    return status;
}
