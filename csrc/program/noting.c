/* noting.c: values of a body and of its way back compared, and which of the same ones are noted. */
#include "program/noting.h"

#include "program/costs.h"

enum {
    LONGEST =
        400, /* instructions: longer bodies are left as they are for lanes; of ways, and for numbers, not weighed */
    NOBODY = PG_NOBODY,
    TO_NOTE = 5, /* what it costs, as cost_of() says */
    TO_NOTE_IN_PLACE = 1, /* in ways: see turns.c */
    TO_RESTORE = 2,
    TO_JOIN = 2 /* to compute a partner's, too */
};

static size_t argument_count(const pg_program *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->length; i++)
        count += 3 + 2 * (size_t)p->code[i].count;
    return count;
}

static int open_numbered(pg_numbered *n, const pg_program *p)
{
    const size_t slots = p->uniforms + p->lanes, arguments = argument_count(p);
    size_t hashes = 16;
    while (hashes < p->length)
        hashes *= 2;
    uint32_t *room = pg_alloc(3 * p->length + 1 + 2 * arguments + p->outputs + 2 * slots + hashes + 1, sizeof *room);
    *n = (pg_numbered){.p = p, .out = room, .mask = hashes - 1};
    if (room == NULL)
        return 0;
    n->first = n->out + p->length;
    n->values = n->first + p->length + 1;
    n->makers = n->values + arguments;
    n->results = n->makers + arguments;
    n->there = n->results + p->outputs;
    n->by = n->there + slots;
    n->before = n->by + slots;
    n->last = n->before + p->length;
    for (size_t i = 0; i < slots; i++)
        n->there[i] = n->by[i] = NOBODY;
    for (size_t i = 0; i < hashes; i++)
        n->last[i] = NOBODY;
    return 1;
}

static size_t place_of(const pg_program *p, pg_slot slot)
{
    return slot & PG_ROW ? p->uniforms + (slot & ~PG_ROW) : slot;
}

static void add_argument(pg_numbered *n, uint32_t *at, pg_slot slot)
{
    const size_t place = slot == PG_NO_SLOT ? 0 : place_of(n->p, slot);
    n->values[*at] = slot == PG_NO_SLOT ? NOBODY : n->there[place];
    n->makers[(*at)++] = slot == PG_NO_SLOT ? NOBODY : n->by[place];
}

/* Whether instruction i of one does the same as j of the other. */
static int is_same(const pg_numbered *a, size_t i, const pg_numbered *b, size_t j)
{
    const pg_instruction *x = &a->p->code[i], *y = &b->p->code[j];
    const size_t count = 3 + 2 * (size_t)x->count;
    if (x->code != y->code || x->expected != y->expected || x->count != y->count)
        return 0;
    for (uint32_t t = 0; t < x->count; t++)
        if (a->p->terms[x->first + t].absorbing != b->p->terms[y->first + t].absorbing ||
            a->p->terms[x->first + t].subtracted != b->p->terms[y->first + t].subtracted)
            return 0;
    return memcmp(a->values + a->first[i], b->values + b->first[j], count * sizeof *a->values) == 0;
}

/* Where a table has the instructions that read what instruction i reads, whatever they do with it. */
static uint32_t *place_by_hash(const pg_numbered *table, const pg_numbered *n, size_t i)
{
    uint64_t hash = 0;
    for (uint32_t k = n->first[i]; k < n->first[i + 1]; k++)
        hash = (hash ^ n->values[k]) * UINT64_C(0x9e3779b97f4a7c15);
    return &table->last[(size_t)(hash >> 20) & table->mask];
}

static void put_by_hash(pg_numbered *n, uint32_t i)
{
    uint32_t *place = place_by_hash(n, n, i);
    n->before[i] = *place;
    *place = i;
}

/* The last instruction of the body that does what i of the way back does, or NOBODY. */
static uint32_t same_in(const pg_numbered *body, const pg_numbered *back, size_t i)
{
    uint32_t j = *place_by_hash(body, back, i);
    while (j != NOBODY && !is_same(back, i, body, j))
        j = body->before[j];
    return j;
}

/* Constants have the numbers of those of the other program that are the same. */
static void number_constants(pg_numbered *n, const pg_numbered *other, uint32_t *next)
{
    const pg_program *p = n->p;
    for (size_t i = 0; i < p->constants; i++) {
        uint32_t *there = &n->there[p->lives + i];
        *there = *next;
        for (size_t j = 0; other != NULL && j < other->p->constants; j++)
            if (memcmp(&p->constant_values[i], &other->p->constant_values[j], sizeof(double)) == 0)
                *there = other->there[other->p->lives + j];
        *next += *there == *next;
    }
}

/* Which input of the body the one of that number is of the way back, or NOBODY: what has arrived is in front, and behind
 * what is given. */
static uint32_t input_of_body(const pg_body *body, const pg_body *back, size_t i)
{
    const size_t common = body->state + body->captured + body->scan.given;
    const size_t arrived = back->scan.given - body->scan.given;
    if (i < back->state)
        return NOBODY;
    i -= back->state;
    return i < common ? (uint32_t)i : i < common + arrived ? (uint32_t)NOBODY : (uint32_t)(i - arrived);
}

/* Inputs of the body have their numbers, also in the way back, in which others have fresh ones; back is NULL in the
 * body. */
static void number(pg_numbered *n, const pg_body *body, const pg_body *back, const pg_numbered *other, uint32_t *next)
{
    const pg_program *p = n->p;
    uint32_t at = 0;
    number_constants(n, other, next);
    for (size_t i = 0; i < p->inputs; i++)
        if (p->input_slots[i] != PG_NO_SLOT) {
            const uint32_t same = back == NULL ? (uint32_t)i : input_of_body(body, back, i);
            n->there[place_of(p, p->input_slots[i])] = same == NOBODY ? (*next)++ : same;
            n->by[place_of(p, p->input_slots[i])] = (uint32_t)(p->length + i);
        }
    for (uint32_t i = 0; i < p->length; i++) {
        const pg_instruction *in = &p->code[i];
        n->first[i] = at;
        add_argument(n, &at, in->a);
        add_argument(n, &at, in->b);
        add_argument(n, &at, in->c);
        for (uint32_t t = 0; t < in->count; t++) {
            add_argument(n, &at, p->terms[in->first + t].a);
            add_argument(n, &at, p->terms[in->first + t].b);
        }
        n->first[i + 1] = at;
        if (other == NULL)
            put_by_hash(n, i);
        const uint32_t same = other == NULL ? (uint32_t)NOBODY : same_in(other, n, i);
        n->out[i] = same == NOBODY ? (*next)++ : other->out[same];
        n->there[place_of(p, in->out)] = n->out[i];
        n->by[place_of(p, in->out)] = i;
    }
    n->first[p->length] = at;
    for (size_t i = 0; i < p->outputs; i++)
        n->results[i] = n->by[place_of(p, p->result_slots[i])];
}

/* -- which are noted ---------------------------------------------------------------------------- */

/* As costs.h has it. */
static size_t cost_of(const pg_instruction *in)
{
    const int is_sum = in->code == PG_CODE_FUSED || in->code == PG_CODE_CONTRACTED;
    return is_sum ? PG_COST_STEP + in->count : pg_cost_of_op(in->code);
}

static void need(pg_choice *c, uint32_t maker)
{
    if (maker != NOBODY)
        c->needed[maker] = 1;
}

/* What is needed if these are noted, and what it costs beside that which is there anyway. */
static size_t weigh(pg_choice *c)
{
    const pg_numbered *n = &c->back;
    const pg_program *p = n->p;
    size_t cost = 0;
    memset(c->needed, 0, p->length + p->inputs);
    for (size_t i = 0; i < p->outputs; i++)
        need(c, n->results[i]);
    for (size_t i = p->length; i-- != 0;) {
        const int is_there = c->same[i] == NOBODY;
        if (is_there)
            c->needed[i] = 1;
        if (!c->needed[i])
            continue;
        if (c->noted[i]) {
            cost += c->to_note + (c->joins[i] ? TO_JOIN : 0);
            continue;
        }
        cost += is_there ? 0 : cost_of(&p->code[i]);
        for (uint32_t k = n->first[i]; k < n->first[i + 1]; k++)
            need(c, n->makers[k]);
    }
    for (size_t i = c->seeds; i < p->inputs; i++)
        cost += c->needed[p->length + i] ? TO_RESTORE : 0;
    return cost;
}

/* Notes what an instruction reads, or does so no longer, as far as it may be. */
static void note_arguments(pg_choice *c, size_t i, const uint8_t *before)
{
    const pg_numbered *n = &c->back;
    for (uint32_t k = n->first[i]; k < n->first[i + 1]; k++) {
        const uint32_t maker = n->makers[k];
        if (maker < n->p->length && c->may[maker])
            c->noted[maker] = before == NULL ? 1 : before[maker];
    }
}

/* From the last one on: is it better noted, or computed, from what is noted already or from what it reads? Where costs
 * are equal all stays as it was. before has room for a copy. */
static void choose(pg_choice *c, uint8_t *before)
{
    const size_t length = c->back.p->length;
    size_t best = weigh(c);
    memcpy(before, c->noted, length);
    memset(c->noted, 0, length);
    const size_t none = weigh(c);
    if (none < best)
        best = none;
    else
        memcpy(c->noted, before, length);
    for (size_t i = length; i-- != 0;) {
        weigh(c);
        if (c->same[i] == NOBODY || !c->needed[i])
            continue;
        memcpy(before, c->noted, length);
        for (int way = 0; way < 3; way++) {
            const uint8_t was = c->noted[i];
            c->noted[i] = way == 0 ? c->may[i] : 0;
            if (way == 2)
                note_arguments(c, i, NULL);
            const size_t cost = weigh(c);
            if (cost < best) {
                best = cost;
                memcpy(before, c->noted, length);
                continue;
            }
            c->noted[i] = was;
            if (way == 2)
                note_arguments(c, i, before);
        }
    }
}

/* Leaves out what nobody needs; then, as long as there are more than so many, the one without which the rest costs least.
 * How many are left. */
static size_t leave_out(pg_choice *c, size_t most)
{
    const size_t length = c->back.p->length;
    size_t count = 0;
    weigh(c);
    for (size_t i = 0; i < length; i++) {
        c->noted[i] &= c->needed[i];
        count += c->noted[i];
    }
    for (; count > most; count--) {
        size_t least = SIZE_MAX, which = 0;
        for (size_t i = 0; i < length; i++)
            if (c->noted[i]) {
                c->noted[i] = 0;
                const size_t cost = weigh(c);
                c->noted[i] = 1;
                which = cost < least ? i : which;
                least = cost < least ? cost : least;
            }
        c->noted[which] = 0;
    }
    weigh(c);
    return count;
}

static int is_plain(const pg_program *p, size_t longest)
{
    if (p->length > longest)
        return 0;
    for (size_t i = 0; i < p->length; i++)
        if (pg_is_several(p->code[i].code) || is_of_table(p->code[i].code))
            return 0;
    return 1;
}

/* The body's instruction that computes the value of instruction i of the way back, or NOBODY. Only lanes have those of lanes. */
static uint32_t maker_of(const pg_choice *c, size_t i)
{
    const uint32_t at = c->back.out[i] - c->body.out[0]; /* the body's have numbers in a row */
    return at < c->body.p->length ? at : (uint32_t)NOBODY;
}

/* The same of one whose partner that is, if both read the same. */
static uint32_t partner_of(const pg_choice *c, size_t i, size_t from)
{
    const pg_numbered *a = &c->body, *b = &c->back;
    uint32_t j = *place_by_hash(a, b, i);
    while (j != NOBODY && (j < from || pg_partner(a->p->code[j].code) != b->p->code[i].code ||
                           memcmp(a->values + a->first[j], b->values + b->first[i], 2 * sizeof *a->values) != 0))
        j = a->before[j];
    return j;
}

/* Which of the body's are those of the way back, or partners, and which of these may be noted: the first of those that are
 * the same; for lanes no results, which have places already. All that may are, at first. taken has room for two flags for each
 * of the body's. */
static void compare(pg_choice *c, size_t state, int wide, uint8_t *taken)
{
    const pg_program *body = c->body.p, *back = c->back.p;
    const size_t from = wide ? body->spread : 0, from_back = wide ? back->spread : 0;
    memset(taken, 0, 2 * body->length);
    for (size_t k = 0; wide && k < state; k++)
        if (c->body.results[k] < body->length)
            taken[2 * (size_t)c->body.results[k]] = 1;
    for (size_t i = 0; i < back->length; i++) {
        c->same[i] = i >= from_back ? maker_of(c, i) : (uint32_t)NOBODY;
        if (i >= from_back && c->same[i] == NOBODY) {
            c->same[i] = partner_of(c, i, from);
            c->joins[i] = c->same[i] != NOBODY;
        }
        uint8_t *is_taken = c->same[i] == NOBODY ? NULL : &taken[2 * (size_t)c->same[i] + c->joins[i]];
        c->may[i] = is_taken != NULL && !*is_taken;
        if (is_taken != NULL)
            *is_taken = 1;
        c->noted[i] = 0;
    }
    for (size_t i = from_back; i < back->length; i++)
        for (uint32_t k = c->back.first[i]; c->same[i] == NOBODY && k < c->back.first[i + 1]; k++) {
            const uint32_t maker = c->back.makers[k];
            if (maker < back->length)
                c->noted[maker] = c->may[maker];
        }
}

int pg_choose_notes(pg_choice *c, const pg_body *body, const pg_body *back, int wide, size_t *noted)
{
    const int is_way = pg_is_way(body);
    const pg_program *p = wide ? body->wide : body->flat, *q = wide ? back->wide : back->flat;
    const size_t length = q->length, longest = is_way || !wide ? SIZE_MAX : LONGEST;
    uint32_t next = (uint32_t)p->inputs;
    *noted = 0;
    *c = (pg_choice){.seeds = back->state, .to_note = is_way ? TO_NOTE_IN_PLACE : TO_NOTE};
    if (!is_plain(p, longest) || !is_plain(q, longest))
        return 1;
    uint8_t *flags = c->may = pg_alloc(5 * length + q->inputs + 2 * p->length + 1, 1);
    c->same = pg_alloc(length + 1, sizeof *c->same);
    const int done = flags != NULL && c->same != NULL && open_numbered(&c->body, p) && open_numbered(&c->back, q);
    if (done) {
        c->noted = c->may + length;
        c->needed = c->noted + 2 * length;
        c->joins = c->needed + length + q->inputs;
        memset(c->joins, 0, length);
        number(&c->body, body, NULL, NULL, &next);
        number(&c->back, body, back, &c->body, &next);
        compare(c, body->state, wide, c->joins + length);
        if (length <= LONGEST)
            choose(c, c->noted + length);
        *noted = leave_out(c, is_way || !wide ? length : 1 + pg_count_kept(body, back, 1) / 2);
    }
    if (*noted == 0)
        pg_choice_close(c);
    return done;
}

void pg_choice_close(pg_choice *c)
{
    pg_free(c->may);
    pg_free(c->same);
    pg_free(c->body.out);
    pg_free(c->back.out);
}
