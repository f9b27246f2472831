/* code.c: the instructions of a program, and which slots their results go to. Uniform ones come
 * first; each slot of lanes is used again once the last user of its number has run. */
#include "program/code.h"

#include "graph/sweep.h"
#include "program/growth.h"
#include "program/loop.h"
#include "program/order.h"
#include "program/table.h"

typedef struct {
    draft *d;
    const pg_trace *trace;
    const uint32_t *guards, *results; /* values: two for each guard, one for each result */
    pg_order order;        /* in last: for each value the item that uses it last */
    pg_slot *free;         /* slots of lanes to use again */
    size_t free_count;
    pg_program *p;
    size_t code_capacity, term_capacity, loop_capacity;
} writer;

/* Whether there is nothing to add to a total, which starts at 0. */
static int is_no_number(const draft *d, uint32_t i)
{
    return i == NONE || (d->values[i].op == CONSTANT && d->values[i].number == 0.0);
}

static pg_slot take_lanes(writer *w)
{
    if (w->free_count != 0)
        return w->free[--w->free_count];
    return PG_ROW | (pg_slot)w->p->lanes++;
}

/* The lanes of a row value that this item was the last to use are free. */
static void free_lanes(void *with, uint32_t v, uint32_t at)
{
    writer *w = with;
    value *used = &w->d->values[v];
    if (pg_is_several(used->op) || (used->op == INPUT && w->trace->body))
        return;
    if (used->row && w->order.last[v] == at && used->slot != PG_NO_SLOT) {
        w->free[w->free_count++] = used->slot;
        used->slot = PG_NO_SLOT;
    }
}

static void write(writer *w, pg_instruction in)
{
    if (w->d->failed || !pg_room((void **)&w->p->code, w->p->length, &w->code_capacity, sizeof in)) {
        draft_lacks_memory(w->d);
        return;
    }
    w->p->code[w->p->length++] = in;
}

/* Where an operand of a lane instruction stands: its lanes, or those that its uniform was spread over. */
static pg_slot in_lanes(const writer *w, uint32_t v)
{
    if (v == NONE)
        return PG_NO_SLOT;
    return w->d->values[v].row ? w->d->values[v].slot : w->d->values[v].spread;
}

static pg_slot operand_slot(const writer *w, uint32_t v, int row)
{
    if (v == NONE)
        return PG_NO_SLOT;
    return row ? in_lanes(w, v) : w->d->values[v].slot;
}

static void write_terms(writer *w, const value *v, pg_instruction *in)
{
    pg_program *p = w->p;
    in->first = (uint32_t)p->term_count;
    for (uint32_t t = v->head; t != NONE; t = w->d->terms[t].next) {
        const draft_term *from = &w->d->terms[t];
        if (!pg_room((void **)&p->terms, p->term_count, &w->term_capacity, sizeof *p->terms)) {
            draft_lacks_memory(w->d);
            return;
        }
        p->terms[p->term_count++] = (pg_term){w->d->values[from->a].slot,
                                              from->b == NONE ? PG_NO_SLOT : w->d->values[from->b].slot,
                                              from->absorbing, from->subtracted};
        in->expected = (uint16_t)(in->expected | from->absorbing);
        pg_term *to = &p->terms[p->term_count - 1];
        if (!(to->a & PG_ROW) && to->b != PG_NO_SLOT && to->b & PG_ROW) /* lanes first */
            *to = (pg_term){to->b, to->a, to->absorbing, to->subtracted};
    }
    in->count = (uint32_t)(p->term_count - in->first);
}

/* A loop writes all its results, side by side, into slots that nothing else was put into before. */
static void write_loop(writer *w, value *v)
{
    pg_program *p = w->p;
    const pg_several *loop = w->d->loops[v->users].rule;
    pg_instruction in = {.code = v->op, .a = (pg_slot)p->loop_count, .b = PG_NO_SLOT, .c = PG_NO_SLOT};
    write_terms(w, v, &in);
    in.expected = 0;
    if (!pg_room((void **)&p->loops, p->loop_count, &w->loop_capacity, sizeof *p->loops)) {
        draft_lacks_memory(w->d);
        return;
    }
    p->loops[p->loop_count++] = pg_several_retain((pg_several *)(uintptr_t)loop);
    v->slot = v->row ? PG_ROW | (pg_slot)p->lanes : (pg_slot)p->uniforms;
    *(v->row ? &p->lanes : &p->uniforms) += loop->results;
    in.out = v->slot;
    write(w, in);
}

/* Whether a sum has to be computed by fused multiply-adds: plain ones, and a product alone, come out the same. */
static int is_contracted(const draft *d, const value *v)
{
    if (!d->contracts || v->op != PG_CODE_FUSED)
        return 0;
    const draft_term *first = v->head == NONE ? NULL : &d->terms[v->head];
    if (first == NULL || (v->head == v->tail && !first->subtracted && pg_is_nothing(d, v->a)))
        return 0;
    for (uint32_t t = v->head; t != NONE; t = d->terms[t].next)
        if (d->terms[t].b != NONE || d->terms[t].subtracted)
            return 1;
    return 0;
}

static void write_value(writer *w, uint32_t i)
{
    value *v = &w->d->values[i];
    if (pg_is_several(v->op)) {
        write_loop(w, v);
        return;
    }
    if (v->op == ITEM) {
        v->slot = w->d->values[v->a].slot + v->tail;
        return;
    }
    pg_instruction in = {
        .code = is_contracted(w->d, v) ? PG_CODE_CONTRACTED : v->op, .first = 0, .count = 0, .expected = v->rule};
    if (pg_has_items(v->op)) {
        in.a = w->d->values[v->a].slot;
        in.b = in.c = PG_NO_SLOT;
        if (!is_of_table(v->op) || !pg_stands_in_a_row(w->d, v, &in))
            write_terms(w, v, &in);
    } else {
        in.a = operand_slot(w, v->a, v->row);
        in.b = operand_slot(w, v->b, v->row);
        in.c = operand_slot(w, v->c, v->row);
    }
    v->slot = v->row ? take_lanes(w) : (pg_slot)w->p->uniforms++;
    in.out = v->slot;
    write(w, in);
}

static void write_guard(writer *w, uint32_t g, int row)
{
    const pg_guard *guard = &w->trace->guards[g];
    write(w, (pg_instruction){.code = PG_CODE_GUARD,
                              .expected = (uint16_t)(2 * guard->compare + (guard->outcome != 0)),
                              .out = g,
                              .a = operand_slot(w, w->guards[2 * g], row),
                              .b = operand_slot(w, w->guards[2 * g + 1], row),
                              .c = PG_NO_SLOT});
}

static void swap_factors(pg_instruction *in)
{
    pg_slot a = in->a;
    in->a = in->b;
    in->b = a;
}

/* Totals of products that follow each other and have a factor in common have it in a: see run_of_products(). */
static void share_factor(pg_program *p, pg_instruction *in)
{
    if (p->length == p->spread || p->code[p->length - 1].code != PG_CODE_TOTAL_PRODUCT)
        return;
    pg_instruction *last = &p->code[p->length - 1];
    int alone = p->length - p->spread < 2 || last[-1].code != PG_CODE_TOTAL_PRODUCT || last[-1].a != last->a;
    if (alone && last->a != in->a && last->a != in->b && (last->b == in->a || last->b == in->b))
        swap_factors(last);
    if (in->b == last->a)
        swap_factors(in);
}

static void write_result(writer *w, uint32_t r)
{
    const pg_parts of = w->order.parts[r];
    pg_instruction in = {.code = of.less                     ? PG_CODE_TOTAL_LESS
                                 : pg_is_total(&w->order, r) ? PG_CODE_TOTAL
                                                             : PG_CODE_OUTPUT,
                         .out = r,
                         .b = PG_NO_SLOT,
                         .c = PG_NO_SLOT};
    if (of.a == NONE)
        return;
    in.a = in_lanes(w, of.a);
    if (w->trace->body) {
        w->p->result_slots[r] = in.a;
        return;
    }
    if (of.b != NONE) {
        in.code = PG_CODE_TOTAL_PRODUCT;
        in.b = in_lanes(w, of.b);
        in.expected = (uint16_t)of.absorbing;
        in.c = is_no_number(w->d, of.uniform) ? PG_NO_SLOT : w->d->values[of.uniform].slot;
        share_factor(w->p, &in);
    }
    write(w, in);
}

/* Totals of what is the same for all rows come after all others, which are to stand together. */
static void write_uniform_totals(writer *w)
{
    for (uint32_t r = 0; r < w->trace->output_count; r++) {
        const uint32_t u = w->order.parts[r].uniform;
        if (w->order.parts[r].a == NONE && !is_no_number(w->d, u))
            write(w, (pg_instruction){.code = PG_CODE_TOTAL_UNIFORM,
                                      .out = r,
                                      .a = w->d->values[u].slot,
                                      .b = PG_NO_SLOT,
                                      .c = PG_NO_SLOT});
    }
}

/* What uses a value last is noted. A uniform that lane instructions use is spread over lanes of its own, but for those that
 * take it as it is. */
static void note_use(void *with, uint32_t v, uint32_t at)
{
    writer *w = with;
    value *used = &w->d->values[v];
    w->order.last[v] = at;
    if (used->row || used->spread != PG_NO_SLOT)
        return;
    const item it = w->order.items[at];
    if (it.kind == ITEM_VALUE && pg_has_items(w->d->values[it.at].op))
        return;
    used->spread = PG_ROW | (pg_slot)w->p->lanes++;
    write(w, (pg_instruction){
                 .code = PG_CODE_SPREAD, .out = used->spread, .a = used->slot, .b = PG_NO_SLOT, .c = PG_NO_SLOT});
}

static void write_item(writer *w, size_t at, int row)
{
    const item it = w->order.items[at];
    if (it.kind == ITEM_VALUE)
        write_value(w, it.at);
    else if (it.kind == ITEM_GUARD)
        write_guard(w, it.at, row);
    else
        write_result(w, it.at);
}

/* Uniform slots: lives, then constants; results follow as they are written. */
static void place_leaves(writer *w)
{
    pg_program *p = w->p;
    for (size_t i = 0; i < w->d->count; i++)
        if (w->d->values[i].op == LIVE) {
            w->d->values[i].slot = w->d->values[i].a;
            p->lives++;
        }
    for (size_t i = 0; i < w->d->count; i++)
        if (w->d->values[i].op == CONSTANT && w->d->values[i].needed) {
            w->d->values[i].slot = (pg_slot)(p->lives + p->constants);
            p->constant_values[p->constants++] = w->d->values[i].number;
        }
    p->uniforms = p->lives + p->constants;
    for (size_t i = 0; i < p->inputs; i++) {
        value *v = &w->d->values[i]; /* inputs were numbered first */
        if (v->needed)
            v->slot = v->row ? take_lanes(w) : (pg_slot)p->uniforms++;
        p->input_slots[i] = v->slot;
    }
}

static void write_code(writer *w)
{
    pg_program *p = w->p;
    place_leaves(w);
    pg_order_list(&w->order, 0);
    for (size_t i = 0; i < w->order.count && goes_on(w->d); i++)
        write_item(w, i, 0);
    for (uint32_t r = 0; r < w->trace->output_count; r++) {
        const value *v = &w->d->values[w->results[r]];
        p->result_slots[r] = v->row ? PG_NO_SLOT : v->slot;
    }
    p->once = p->length;
    pg_order_list(&w->order, 1);
    for (size_t i = 0; i < w->order.count && goes_on(w->d); i++)
        pg_each_use(&w->order, w->order.items[i], note_use, w, (uint32_t)i);
    p->spread = p->length;
    for (size_t i = 0; i < w->order.count && goes_on(w->d); i++) {
        write_item(w, i, 1);
        pg_each_use(&w->order, w->order.items[i], free_lanes, w, (uint32_t)i);
    }
    write_uniform_totals(w);
}

/* -- the whole ---------------------------------------------------------------------------------- */

pg_status pg_write_program(draft *d, const pg_trace *t, const uint32_t *guards, const uint32_t *results,
                           pg_program **out)
{
    writer w = {.d = d,
                .trace = t,
                .guards = guards,
                .results = results,
                .order = {.d = d, .trace = t, .guards = guards, .results = results}};
    w.p = pg_alloc(1, sizeof *w.p);
    if (w.p == NULL)
        return PG_NO_MEMORY;
    *w.p = (pg_program){.inputs = t->sweep->stops, .outputs = t->output_count, .guards = t->guard_count};
    w.p->input_slots = pg_alloc(w.p->inputs + 1, sizeof *w.p->input_slots);
    w.p->result_slots = pg_alloc(t->output_count + 1, sizeof *w.p->result_slots);
    const int ordered = pg_order_open(&w.order);
    w.free = pg_alloc(w.order.row_count + 1, sizeof *w.free);
    w.p->constant_values = pg_alloc(w.order.constant_count + 1, sizeof *w.p->constant_values);
    w.code_capacity = w.order.row_count + w.order.uniform_count + t->guard_count + 2 * t->output_count + 64;
    w.p->code = pg_alloc(w.code_capacity, sizeof *w.p->code); /* spread ones come on top */
    w.term_capacity = d->term_count + 1;
    w.p->terms = pg_alloc(w.term_capacity, sizeof *w.p->terms);
    if (!ordered || w.p->code == NULL || w.p->terms == NULL || w.p->result_slots == NULL || w.free == NULL ||
        w.p->constant_values == NULL || w.p->input_slots == NULL)
        draft_lacks_memory(d);
    else
        write_code(&w);
    pg_order_close(&w.order);
    pg_free(w.free);
    if (d->failed != PG_OK) {
        pg_program_free(w.p);
        return d->failed;
    }
    *out = w.p;
    return PG_OK;
}
