/* code.c: the instructions of a program: in which order, and which slots their results go to. Uniform ones come
 * first; each slot of lanes is used again once the last user of its number has run. */
#include "program/code.h"

#include "graph/sweep.h"
#include "program/growth.h"
#include "program/loop.h"
#include "program/table.h"

#include <string.h>

/* What the code does, in order: values by number, guards and results. */
typedef enum { ITEM_VALUE, ITEM_GUARD, ITEM_RESULT } item_kind;

typedef struct {
    item_kind kind;
    uint32_t at;           /* number of the value, guard or result */
} item;

typedef struct {
    draft *d;
    const pg_trace *trace;
    const uint32_t *guards, *results; /* values: two for each guard, one for each result */
    item *items;
    size_t count;
    uint32_t *last;        /* for each value the item that uses it last */
    uint32_t *before;      /* see guards_before() */
    pg_slot *free;         /* slots of lanes to use again */
    size_t free_count;
    pg_program *p;
    size_t code_capacity, term_capacity, loop_capacity;
} writer;

static int is_total(const writer *w, uint32_t result)
{
    return w->trace->totals != NULL && w->trace->totals[result];
}

/* What is given out or added up over rows for a result: a, a * b, or uniform + a * b; or, if it is the same for
 * all rows, uniform alone. NONE where there is none. */
typedef struct {
    uint32_t a, b;
    int absorbing;
    uint32_t uniform;
} parts;

/* Whether there is nothing to add to a total, which starts at 0. */
static int is_no_number(const draft *d, uint32_t i)
{
    return i == NONE || (d->values[i].op == CONSTANT && d->values[i].number == 0.0);
}

/* A value that is only there to be added up is not computed: its parts are added up in its place. */
static parts parts_of(const writer *w, uint32_t result)
{
    const uint32_t whole = w->results[result];
    const draft *d = w->d;
    const value *v = &d->values[whole];
    if (!is_total(w, result))
        return (parts){whole, NONE, 0, NONE};
    if (!v->row)
        return (parts){NONE, NONE, 0, whole};
    if (v->uses == 1 && is_product(v))
        return (parts){v->a, v->b, v->op == PG_OP_mul0, NONE};
    if (v->uses == 1 && v->op == PG_CODE_FUSED && v->head != NONE && v->head == v->tail && !is_row(d, v->a)) {
        const draft_term *t = &d->terms[v->head];
        if (is_row(d, t->a) && is_row(d, t->b) && !t->subtracted)
            return (parts){t->a, t->b, t->absorbing != 0, v->a};
    }
    return (parts){whole, NONE, 0, NONE};
}

static int is_guard_of_rows(const writer *w, uint32_t g)
{
    return is_row(w->d, w->guards[2 * g]) || is_row(w->d, w->guards[2 * g + 1]);
}

static void list_value(writer *w, uint32_t i)
{
    w->items[w->count++] = (item){ITEM_VALUE, i};
    w->last[i] = 0; /* listed */
}

/* Whether there are instructions for results: a body that has no rows leaves them in its uniforms. */
static int gives_out(const writer *w)
{
    if (!w->trace->body)
        return 1;
    for (size_t i = 0; i < w->p->inputs; i++)
        if (w->trace->rows[i])
            return 1;
    return 0;
}

/* How many guards come before each value, as what is called back is to run behind them; NULL where that is 0 for all, as
 * mostly, or for want of memory. Caller owns. */
static uint32_t *guards_before(draft *d)
{
    int any = 0;
    for (uint32_t i = d->last_call; i != NONE; i = d->values[i].next)
        any = any || d->loops[d->values[i].users].guards != 0;
    uint32_t *before = any ? pg_alloc(d->count, sizeof *before) : NULL;
    if (any && before == NULL)
        draft_lacks_memory(d);
    if (before != NULL) /* constants may have larger numbers than what uses them */
        memset(before, 0, d->count * sizeof *before);
    for (size_t i = 0; before != NULL && i < d->count; i++) {
        const value *v = &d->values[i];
        const uint32_t operands[3] = {v->a, v->b, v->c};
        const int leaf = v->op == INPUT || v->op == LIVE || v->op == CONSTANT;
        uint32_t most = v->op == PG_CODE_CALL ? d->loops[v->users].guards : 0;
        for (int k = 0; k < 3 && !leaf; k++)
            if (operands[k] != NONE && before[operands[k]] > most)
                most = before[operands[k]];
        for (uint32_t t = leaf ? NONE : v->head; t != NONE; t = d->terms[t].next) {
            most = before[d->terms[t].a] > most ? before[d->terms[t].a] : most;
            if (d->terms[t].b != NONE && before[d->terms[t].b] > most)
                most = before[d->terms[t].b];
        }
        before[i] = most;
    }
    return before;
}

/* The least number of guards beyond those of a stage that come before a value; NONE if there are no more. */
static uint32_t next_stage(const writer *w, uint32_t stage)
{
    uint32_t least = NONE;
    for (size_t i = 0; w->before != NULL && i < w->d->count; i++)
        if (w->before[i] > stage && w->before[i] < least)
            least = w->before[i];
    return least;
}

/* Values before which so many guards come, and guards before the one beyond, from *next on. */
static void list_stage(writer *w, int row, uint32_t stage, uint32_t beyond, uint32_t *next)
{
    for (uint32_t i = 0; i < w->d->count && goes_on(w->d); i++) {
        const value *v = &w->d->values[i];
        const int here = w->before == NULL || w->before[i] == stage;
        if (here && v->needed && v->row == row && v->op != INPUT && v->op != LIVE && v->op != CONSTANT &&
            w->last[i] == NONE) {
            list_value(w, i);
            const uint32_t partner = pg_partner(v->op) < 0 ? NONE : pg_draft_find(w->d, pg_partner(v->op), v->a, v->b);
            if (partner != NONE && w->d->values[partner].needed && w->last[partner] == NONE)
                list_value(w, partner);
        }
        while (*next < w->trace->guard_count && *next < beyond && w->guards[2 * *next] <= i &&
               w->guards[2 * *next + 1] <= i) {
            if (is_guard_of_rows(w, *next) == row)
                w->items[w->count++] = (item){ITEM_GUARD, *next};
            ++*next;
        }
    }
}

/* Lists what to do: values in order, partners together, each guard as soon as both sides are there, results after
 * all guards, so that rows that leave the path add nothing to totals. What is called back behind a guard, and what
 * depends on that, makes another stage: a row that leaves there is never handed over. */
static void list_items(writer *w, int row)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < w->d->count; i++)
        w->last[i] = NONE;
    for (uint32_t stage = 0; stage != NONE;) {
        const uint32_t beyond = next_stage(w, stage);
        list_stage(w, row, stage, beyond, &next);
        stage = beyond;
    }
    for (uint32_t r = 0; row && gives_out(w) && r < w->trace->output_count; r++)
        w->items[w->count++] = (item){ITEM_RESULT, r};
}

/* Calls visit with every value that an item uses. */
static void each_use(writer *w, size_t at, void (*visit)(writer *w, uint32_t v, size_t at))
{
    const item it = w->items[at];
    const value *v;
    if (it.kind == ITEM_GUARD) {
        visit(w, w->guards[2 * it.at], at);
        visit(w, w->guards[2 * it.at + 1], at);
        return;
    }
    if (it.kind == ITEM_RESULT) {
        const parts p = parts_of(w, it.at);
        if (p.a != NONE)
            visit(w, p.a, at);
        if (p.b != NONE)
            visit(w, p.b, at);
        return;
    }
    v = &w->d->values[it.at];
    const uint32_t operands[3] = {v->a, v->b, v->c};
    for (int i = 0; i < 3; i++)
        if (operands[i] != NONE)
            visit(w, operands[i], at);
    for (uint32_t t = v->head; t != NONE; t = w->d->terms[t].next) {
        visit(w, w->d->terms[t].a, at);
        if (w->d->terms[t].b != NONE)
            visit(w, w->d->terms[t].b, at);
    }
}

static void note_use(writer *w, uint32_t v, size_t at)
{
    w->last[v] = (uint32_t)at;
}

static pg_slot take_lanes(writer *w)
{
    if (w->free_count != 0)
        return w->free[--w->free_count];
    return PG_ROW | (pg_slot)w->p->lanes++;
}

/* The lanes of a row value that this item was the last to use are free. */
static void free_lanes(writer *w, uint32_t v, size_t at)
{
    value *used = &w->d->values[v];
    if (pg_is_several(used->op) || (used->op == INPUT && w->trace->body))
        return;
    if (used->row && w->last[v] == at && used->slot != PG_NO_SLOT) {
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
    const parts of = parts_of(w, r);
    pg_instruction in = {
        .code = is_total(w, r) ? PG_CODE_TOTAL : PG_CODE_OUTPUT, .out = r, .b = PG_NO_SLOT, .c = PG_NO_SLOT};
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
        const uint32_t u = parts_of(w, r).uniform;
        if (parts_of(w, r).a == NONE && !is_no_number(w->d, u))
            write(w, (pg_instruction){.code = PG_CODE_TOTAL_UNIFORM,
                                      .out = r,
                                      .a = w->d->values[u].slot,
                                      .b = PG_NO_SLOT,
                                      .c = PG_NO_SLOT});
    }
}

/* A uniform that lane instructions use is spread over lanes of its own, but for those that take it as it is. */
static void want_spread(writer *w, uint32_t v, size_t at)
{
    value *used = &w->d->values[v];
    const item it = w->items[at];
    const int as_it_is = it.kind == ITEM_VALUE && pg_has_items(w->d->values[it.at].op);
    if (used->row || used->spread != PG_NO_SLOT || as_it_is)
        return;
    used->spread = PG_ROW | (pg_slot)w->p->lanes++;
    write(w, (pg_instruction){
                 .code = PG_CODE_SPREAD, .out = used->spread, .a = used->slot, .b = PG_NO_SLOT, .c = PG_NO_SLOT});
}

static void write_item(writer *w, size_t at, int row)
{
    const item it = w->items[at];
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
    w->before = guards_before(w->d);
    for (uint32_t r = 0; r < w->trace->output_count; r++)
        if (is_row(w->d, w->results[r]) && parts_of(w, r).a != w->results[r])
            w->d->values[w->results[r]].needed = 0;
    list_items(w, 0);
    for (size_t i = 0; i < w->count && goes_on(w->d); i++)
        write_item(w, i, 0);
    for (uint32_t r = 0; r < w->trace->output_count; r++) {
        const value *v = &w->d->values[w->results[r]];
        p->result_slots[r] = v->row ? PG_NO_SLOT : v->slot;
    }
    p->once = p->length;
    w->count = 0;
    list_items(w, 1);
    for (size_t i = 0; i < w->count && goes_on(w->d); i++)
        each_use(w, i, note_use);
    for (size_t i = 0; i < w->count && goes_on(w->d); i++)
        each_use(w, i, want_spread);
    p->spread = p->length;
    for (size_t i = 0; i < w->count && goes_on(w->d); i++) {
        write_item(w, i, 1);
        each_use(w, i, free_lanes);
    }
    write_uniform_totals(w);
}

/* -- the whole ---------------------------------------------------------------------------------- */

pg_status pg_write_program(draft *d, const pg_trace *t, const uint32_t *guards, const uint32_t *results,
                           pg_program **out)
{
    writer w = {.d = d, .trace = t, .guards = guards, .results = results};
    size_t most = d->count + t->guard_count + t->output_count + 1;
    w.p = pg_alloc(1, sizeof *w.p);
    if (w.p == NULL)
        return PG_NO_MEMORY;
    *w.p = (pg_program){.inputs = t->sweep->stops, .outputs = t->output_count, .guards = t->guard_count};
    w.items = pg_alloc(most, sizeof *w.items);
    w.last = pg_alloc(d->count + 1, sizeof *w.last);
    w.free = pg_alloc(d->count + 1, sizeof *w.free);
    w.p->constant_values = pg_alloc(d->count + 1, sizeof *w.p->constant_values);
    w.p->input_slots = pg_alloc(w.p->inputs + 1, sizeof *w.p->input_slots);
    w.p->result_slots = pg_alloc(t->output_count + 1, sizeof *w.p->result_slots);
    for (size_t i = 0; i < d->count; i++)
        w.code_capacity += d->values[i].needed;
    w.code_capacity += t->guard_count + 2 * t->output_count + 64; /* spread ones come on top */
    w.p->code = pg_alloc(w.code_capacity, sizeof *w.p->code);
    w.term_capacity = d->term_count + 1;
    w.p->terms = pg_alloc(w.term_capacity, sizeof *w.p->terms);
    if (w.p->code == NULL || w.p->terms == NULL || w.p->result_slots == NULL || w.items == NULL || w.last == NULL ||
        w.free == NULL || w.p->constant_values == NULL || w.p->input_slots == NULL)
        draft_lacks_memory(d);
    else
        write_code(&w);
    pg_free(w.items);
    pg_free(w.last);
    pg_free(w.before);
    pg_free(w.free);
    if (d->failed != PG_OK) {
        pg_program_free(w.p);
        return d->failed;
    }
    *out = w.p;
    return PG_OK;
}
