/* unfold.c: a program without rows as nodes; nodes that were kept once more. */
#include "program/unfold.h"

#include "graph/cells.h"
#include "graph/graph.h"
#include "graph/index.h"
#include "program/call.h"
#include "program/evaluate.h"
#include "program/made.h"

static int hold(pg_node **where, pg_node *n)
{
    *where = n;
    return n != NULL;
}

pg_node *pg_applied(int op, pg_node *const *x, int count)
{
    const double z = pg_evaluate_one(op, x[0]->value, count > 1 ? x[1]->value : 0.0, count > 2 ? x[2]->value : 0.0);
    pg_node *n = op == PG_OP_pown ? pg_compute_pown(x[0], x[1]->value, z)
                 : count == 3     ? pg_compute_many(op, x, 3, z, NULL, NULL)
                                  : pg_compute(op, x[0], count == 2 ? x[1] : NULL, z);
    return pg_born(n);
}

static pg_node *op_of(pg_node *const *slots, const pg_instruction *in)
{
    const pg_op_info *info = pg_op_at(in->code - PG_OP_add);
    const pg_slot at[3] = {in->a, in->b, in->c};
    pg_node *operands[3] = {NULL, NULL, NULL};
    const int count = info->arity + info->has_constant;
    for (int i = 0; i < count; i++)
        operands[i] = slots[at[i]];
    return pg_applied(in->code, operands, count);
}

/* Whether its sign is that of a factor, as 0 is 0.0 where an exact one wins; else it is subtracted from what is before it. */
static int has_signed_factor(const pg_term *t)
{
    return t->subtracted && t->absorbing;
}

static pg_node *term_of(pg_node *const *slots, const pg_term *t)
{
    if (t->b == PG_NO_SLOT)
        return pg_retain(slots[t->a]);
    if (!has_signed_factor(t))
        return pg_applied(t->absorbing ? PG_OP_mul0 : PG_OP_mul, (pg_node *[]){slots[t->a], slots[t->b]}, 2);
    pg_node *less = pg_applied(PG_OP_neg, &slots[t->a], 1);
    pg_node *n = less == NULL ? NULL : pg_applied(PG_OP_mul0, (pg_node *[]){less, slots[t->b]}, 2);
    if (less != NULL)
        pg_release(less);
    return n;
}

/* The start and the terms, one by one. */
static pg_node *sum_of(const pg_program *p, pg_node *const *slots, const pg_instruction *in)
{
    const pg_term *terms = p->terms + in->first;
    pg_node *sum = pg_retain(slots[in->a]);
    for (uint32_t t = 0; sum != NULL && t < in->count; t++) {
        pg_node *added = term_of(slots, &terms[t]);
        pg_node *next = added == NULL
                            ? NULL
                            : pg_applied(terms[t].subtracted && !has_signed_factor(&terms[t]) ? PG_OP_sub : PG_OP_add,
                                         (pg_node *[]){sum, added}, 2);
        if (added != NULL)
            pg_release(added);
        pg_release(sum);
        sum = next;
    }
    return sum;
}

/* A call's node, of numbers that do not matter; false for want of memory. */
static int call_of(const pg_program *p, pg_node **slots, const pg_instruction *in)
{
    const pg_call *call = p->loops[in->a];
    pg_node **operands = pg_alloc((size_t)in->count + 1, sizeof *operands), *n = NULL;
    for (uint32_t i = 0; operands != NULL && i < in->count; i++)
        operands[i] = slots[p->terms[in->first + i].a];
    if (operands != NULL)
        n = pg_call_node(call, operands, NULL, slots + in->out);
    if (n != NULL)
        pg_release(n);
    pg_free((void *)operands);
    return n != NULL;
}

/* A search or an item of a table. */
static pg_node *of_table(const pg_program *p, pg_node *const *slots, const pg_instruction *in)
{
    pg_node **nodes = pg_alloc((size_t)in->count + 1, sizeof *nodes);
    if (nodes == NULL)
        return NULL;
    nodes[0] = slots[in->a];
    for (uint32_t i = 0; i < in->count; i++)
        nodes[1 + i] = slots[pg_slot_of_item(p, in, i)];
    pg_node *n = in->code == PG_CODE_TAKE ? pg_item_of(nodes, in->count, 1)
                                          : pg_cell_of(nodes, in->count, in->expected, 1);
    pg_free(nodes);
    return pg_born(n);
}

static pg_node *value_of(const pg_program *p, pg_node *const *slots, const pg_instruction *in)
{
    switch (in->code) {
    case PG_CODE_FUSED:
    case PG_CODE_CONTRACTED:
        return sum_of(p, slots, in);
    case PG_CODE_SEARCH:
    case PG_CODE_TAKE:
        return of_table(p, slots, in);
    default:
        return op_of(slots, in);
    }
}

static pg_status loop_of(const pg_program *p, pg_node **slots, const pg_instruction *in)
{
    const pg_loop *loop = p->loops[in->a];
    pg_status status = PG_NO_MEMORY;
    pg_node **operands = pg_alloc(loop->base.operands + 1, sizeof *operands);
    if (operands == NULL)
        return PG_NO_MEMORY;
    for (size_t i = 0; i < loop->base.operands; i++)
        operands[i] = slots[p->terms[in->first + i].a];
    pg_node *n = pg_loop_node(loop, operands, slots + in->out, &status);
    if (n != NULL)
        pg_release(n);
    pg_free(operands);
    return n != NULL ? PG_OK : status;
}

static pg_status run(const pg_program *p, pg_node **slots)
{
    for (size_t i = 0; i < p->once; i++) {
        const pg_instruction *in = &p->code[i];
        if (in->code == PG_OP_ruled)
            return PG_RULED; /* the program has its numbers, and not its rule */
        if (in->code == PG_CODE_LOOP) {
            const pg_status status = loop_of(p, slots, in);
            if (status != PG_OK)
                return status;
        } else if (in->code == PG_CODE_CALL) {
            if (!call_of(p, slots, in))
                return PG_NO_MEMORY;
        } else if (!hold(&slots[in->out], value_of(p, slots, in))) {
            return PG_NO_MEMORY;
        }
    }
    return PG_OK;
}

pg_status pg_unfold(const pg_program *p, pg_node *const *inputs, pg_node **results)
{
    pg_node **slots = pg_no_nodes(p->uniforms);
    if (slots == NULL)
        return PG_NO_MEMORY;
    pg_status status = PG_OK;
    for (size_t i = 0; i < p->constants && status == PG_OK; i++)
        if (!hold(&slots[i], pg_born(pg_leaf(p->constant_values[i]))))
            status = PG_NO_MEMORY;
    for (size_t i = 0; i < p->inputs; i++)
        if (p->input_slots[i] != PG_NO_SLOT)
            slots[p->input_slots[i]] = pg_retain(inputs[i]);
    if (status == PG_OK)
        status = run(p, slots);
    for (size_t i = 0; i < p->outputs; i++)
        results[i] = status == PG_OK ? pg_retain(slots[p->result_slots[i]]) : NULL;
    pg_release_all(slots, p->uniforms);
    pg_free((void *)slots);
    return status;
}

/* -- what was kept -------------------------------------------------------------------------------- */

static pg_node *many_again(const pg_node *n, pg_node *const *operands, size_t count)
{
    pg_node *made = pg_compute_many(n->op, operands, count, 0.5, NULL, NULL);
    if (made != NULL) {
        made->of.many->start = n->of.many->start;
        made->of.many->leads = n->of.many->leads;
    }
    return pg_born(made);
}

static pg_node *several_again(pg_node *n, pg_node *const *operands)
{
    pg_several *rule = n->of.many->rule;
    return rule->kind->again != NULL ? rule->kind->again(n, operands)
                                     : pg_born(pg_compute_several(rule, operands, 1.0));
}

/* NULL for want of memory, or of a rule if it has one. Caller owns. */
static pg_node *node_again(pg_node *n, pg_node *const *operands, size_t count)
{
    if (n->op == PG_LEAF)
        return pg_retain(n);
    switch (n->op) {
    case PG_SEVERAL:
        return several_again(n, operands);
    case PG_ITEM:
        return pg_born(pg_compute_item(operands[0], (size_t)n->of.constant.k, 0.5));
    case PG_SUM:
    case PG_DOT:
        return many_again(n, operands, count);
    case PG_SEARCH:
        return pg_born(pg_cell_of(operands, count - 1, (unsigned)n->of.many->leads, 1));
    case PG_TAKE:
        return pg_born(pg_item_of(operands, count - 1, 1));
    case PG_OP_pown:
        return pg_born(pg_compute_pown(operands[0], n->of.constant.k, 0.5));
    default:
        return pg_applied(n->op, operands, (int)count);
    }
}

/* The node in the place of one that is an input or comes before in the order, as all do that are asked for. */
static pg_node *stand_in(const pg_index *index, pg_node *const *made, const pg_node *n)
{
    size_t place = 0;
    pg_index_find(index, n, &place);
    return made[place];
}

static size_t widest_of(const pg_kept *k)
{
    size_t widest = 0;
    for (size_t i = 0; i < k->count; i++) {
        const size_t count = pg_operand_count(k->order[i]);
        widest = count > widest ? count : widest;
    }
    return widest;
}

/* Into made; room for the operands of the widest. */
static pg_status make_again(const pg_kept *k, pg_index *index, pg_node **made, pg_node **operands)
{
    for (size_t i = 0; i < k->count; i++) {
        pg_node *n = k->order[i];
        size_t place;
        if (pg_index_find(index, n, &place)) /* an input */
            continue;
        const size_t count = pg_operand_count(n);
        for (size_t j = 0; j < count; j++)
            operands[j] = stand_in(index, made, pg_operand(n, j));
        made[k->input_count + i] = node_again(n, operands, count);
        if (made[k->input_count + i] == NULL)
            return n->op == PG_SEVERAL && n->of.many->rule->kind->again != NULL ? PG_RAISED : PG_NO_MEMORY;
        pg_index_put(index, n, k->input_count + i);
    }
    return PG_OK;
}

pg_status pg_unfold_kept(const pg_kept *k, pg_node *const *inputs, pg_node **results)
{
    const size_t count = k->input_count + k->count;
    pg_index index = {0};
    pg_node **made = pg_no_nodes(count), **operands = pg_no_nodes(widest_of(k));
    pg_status status = made != NULL && operands != NULL && pg_index_open(&index, count) ? PG_OK : PG_NO_MEMORY;
    if (status == PG_OK) {
        for (size_t i = 0; i < k->input_count; i++) {
            made[i] = pg_retain(inputs[i]);
            pg_index_put(&index, k->inputs[i], i);
        }
        status = make_again(k, &index, made, operands);
        for (size_t i = 0; status == PG_OK && i < k->result_count; i++)
            results[i] = pg_retain(stand_in(&index, made, k->results[i]));
        pg_index_close(&index);
    }
    pg_release_all(made, count);
    pg_free((void *)made);
    pg_free((void *)operands);
    return status;
}
