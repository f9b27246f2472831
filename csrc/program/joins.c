/* joins.c: from instructions to joins. A scan is followed trip by trip: what a trip makes depends on the items of the trips
 * before alone. */
#include "program/joins.h"

#include "program/loop.h"

#include <string.h>

/* Scans are followed trip by trip if that takes no more operands than these; in longer ones each result depends on each
 * operand, as in other loops. */
enum { MOST_FOLLOWED = 1 << 21 };

static void read_table(finder *f)
{
    for (int op = PG_OP_add; op < PG_OPCODE_COUNT; op++)
        for (int i = 0; i < 3; i++) {
            const char *rule = pg_op_at(op - PG_OP_add)->rules[i];
            if (rule != NULL && strcmp(rule, "ZERO") != 0)
                f->matters[op] = (uint8_t)(f->matters[op] | 1u << i);
        }
}

static int is_zero(const finder *f, pg_slot slot)
{
    const pg_program *p = f->p;
    if (slot & PG_ROW)
        return f->zero_lanes[slot & ~PG_ROW];
    return slot >= p->lives && slot < p->lives + p->constants && p->constant_values[slot - p->lives] == 0.0;
}

/* An operand of the join that is being made. */
static void take_place(finder *f, uint32_t place)
{
    if (place != NOWHERE &&
        (f->use_count == f->joins.starts[f->join_count] || f->joins.items[f->use_count - 1] != place))
        f->joins.items[f->use_count++] = place;
}

static uint32_t place_of(const finder *f, pg_slot slot)
{
    return slot & PG_ROW ? f->lanes[slot & ~PG_ROW] : f->uniforms[slot];
}

static void take(finder *f, pg_slot slot)
{
    if (slot != PG_NO_SLOT)
        take_place(f, place_of(f, slot));
}

static void take_product(finder *f, pg_slot a, pg_slot b)
{
    if (b != PG_NO_SLOT && (is_zero(f, a) || is_zero(f, b))) /* an exact 0 wins, and is a slope of 0 */
        return;
    take(f, a);
    take(f, b);
}

static void take_operands(finder *f, const pg_instruction *in)
{
    switch (in->code) {
    case PG_CODE_LOOP:
    case PG_CODE_CALL: /* each result depends on each operand */
        for (uint32_t t = in->first; t < in->first + in->count; t++)
            take(f, f->p->terms[t].a);
        return;
    case PG_CODE_FUSED:
    case PG_CODE_CONTRACTED:
        take(f, in->a);
        for (uint32_t t = in->first; t < in->first + in->count; t++)
            take_product(f, f->p->terms[t].a, f->p->terms[t].b);
        return;
    case PG_CODE_SEARCH:
        return;
    case PG_CODE_TAKE:
        for (uint32_t i = 0; i < in->count; i++)
            take(f, pg_slot_of_item(f->p, in, i));
        return;
    case PG_OP_mul:
    case PG_OP_mul0:
    case PG_CODE_TOTAL_PRODUCT:
        take_product(f, in->a, in->b);
        if (in->c != PG_NO_SLOT)
            take(f, in->c);
        return;
    case PG_OP_ruled: /* by what it has a derivative, a rule says that the program does not have */
        for (size_t i = 0; i < f->inputs; i++)
            take_place(f, (uint32_t)(1 + i));
        return;
    default:
        break;
    }
    const pg_slot operands[3] = {in->a, in->b, in->c};
    const unsigned matters = in->code < PG_OPCODE_COUNT ? f->matters[in->code] : 1; /* others pass on a */
    for (unsigned i = 0; i < 3; i++)
        if (matters & 1u << i)
            take(f, operands[i]);
}

/* Where the operands that were taken meet: the only one, or a new join. */
static uint32_t meet(finder *f)
{
    const size_t start = f->joins.starts[f->join_count], count = f->use_count - start;
    if (count < 2) {
        f->use_count = start;
        return count == 0 ? NOWHERE : f->joins.items[start];
    }
    f->joins.starts[++f->join_count] = (uint32_t)f->use_count;
    return (uint32_t)(f->inputs + f->join_count);
}

/* -- scans ---------------------------------------------------------------------------------------- */

/* At most so many operands come of an instruction. */
static size_t uses_of(const pg_program *p, const pg_instruction *in);

static size_t uses_in(const pg_program *p)
{
    size_t uses = 0;
    for (size_t i = 0; i < p->length; i++)
        uses += uses_of(p, &p->code[i]);
    return uses;
}

/* Whether all trips of a scan are done, in each call. */
static int is_whole(const pg_program *p, const pg_loop *loop, const pg_instruction *in)
{
    const pg_slot control = p->terms[in->first + loop->body->state].a;
    return loop->body->scan.length != 0 && loop->body->counts && control >= p->lives &&
           control < p->lives + p->constants &&
           p->constant_values[control - p->lives] >= (double)loop->body->scan.length;
}

/* The operands of all trips of a scan, or 0 if it is not followed. */
static size_t followed_uses(const pg_program *p, const pg_instruction *in)
{
    const pg_loop *loop = p->loops[in->a];
    if (!is_whole(p, loop, in))
        return 0;
    const size_t length = loop->body->scan.length;
    const size_t uses = uses_in(loop->body->flat) + (loop->back != NULL ? uses_in(loop->back->flat) : 0) + 1;
    return uses <= MOST_FOLLOWED / length ? length * uses : 0;
}

static size_t uses_of(const pg_program *p, const pg_instruction *in)
{
    const size_t followed = in->code == PG_CODE_LOOP ? followed_uses(p, in) : 0;
    return 4 + (pg_has_items(in->code) ? 2 * (size_t)in->count : 0) + followed +
           (in->code == PG_OP_ruled ? p->inputs : 0);
}

static void follow(finder *f, const pg_instruction *in);

/* A body at work on places in the place of numbers. */
typedef struct {
    const pg_body *body;
    uint32_t *uniforms;
} body_places;

static void put_place(const body_places *b, size_t input, uint32_t place)
{
    const pg_slot slot = b->body->flat->input_slots[input];
    if (slot != PG_NO_SLOT)
        b->uniforms[slot] = place;
}

static void run_body(finder *f, const body_places *b)
{
    const pg_program *p = f->p;
    uint32_t *uniforms = f->uniforms;
    f->p = b->body->flat;
    f->uniforms = b->uniforms;
    for (size_t i = 0; i < f->p->once; i++)
        follow(f, &f->p->code[i]);
    f->p = p;
    f->uniforms = uniforms;
}

/* The trips of a scan: places of operands to those of results. states has room for those before each trip and after the
 * last, and then for those of the way back. */
static void follow_trips(finder *f, const pg_loop *loop, const pg_term *operands, uint32_t *states, body_places *b,
                         body_places *back, uint32_t *results)
{
    const pg_scan *s = &loop->body->scan;
    const size_t n = loop->body->state, m = loop->body->captured;
    const pg_term *given = operands + n + 1 + m, *seeds = given + s->given * s->length;
    for (size_t k = 0; k < n; k++)
        states[k] = place_of(f, operands[k].a);
    for (size_t k = 0; k < m; k++)
        put_place(b, n + k, place_of(f, operands[n + 1 + k].a));
    for (size_t i = 0; i < s->length; i++) {
        const size_t at = pg_item_at(s, i);
        for (size_t k = 0; k < n; k++)
            put_place(b, k, states[i * n + k]);
        for (size_t k = 0; k < s->given; k++)
            put_place(b, n + m + k, place_of(f, given[k * s->length + at].a));
        run_body(f, b);
        for (size_t k = 0; k < n; k++)
            states[(i + 1) * n + k] = b->uniforms[b->body->flat->result_slots[k]];
        for (size_t k = 0; loop->back == NULL && k < s->made; k++)
            results[n + 1 + k * s->length + at] = b->uniforms[b->body->flat->result_slots[pg_first_made(b->body) + k]];
    }
    if (loop->back == NULL) {
        memcpy(results, states + s->length * n, n * sizeof *results);
        results[n] = NOWHERE;
        return;
    }
    const size_t n1 = loop->back->state;
    const pg_term *arrived = seeds + loop->back_state;
    uint32_t *after = states + (s->length + 1) * n;
    for (size_t k = 0; k < n1; k++)
        after[k] = k < loop->back_state ? place_of(f, seeds[k].a) : (uint32_t)NOWHERE;
    for (size_t k = 0; k < m; k++)
        put_place(back, n1 + n + k, place_of(f, operands[n + 1 + k].a));
    for (size_t i = s->length; i-- != 0;) {
        const size_t at = pg_item_at(s, i), first = n1 + n + m;
        for (size_t k = 0; k < n1; k++)
            put_place(back, k, after[k]);
        for (size_t k = 0; k < n; k++)
            put_place(back, n1 + k, states[i * n + k]);
        for (size_t k = 0; k < loop->back->scan.given; k++)
            put_place(
                back, first + k,
                place_of(f, k < s->given ? given[k * s->length + at].a : arrived[(k - s->given) * s->length + at].a));
        run_body(f, back);
        for (size_t k = 0; k < n1; k++)
            after[k] = back->uniforms[back->body->flat->result_slots[k]];
        for (size_t k = 0; k < loop->back->scan.made; k++)
            results[n1 + k * s->length + at] = back->uniforms[back->body->flat->result_slots[n1 + k]];
    }
    memcpy(results, after, n1 * sizeof *results);
}

/* Result i of an instruction has a place, and is no exact 0. */
static void put_result(finder *f, const pg_instruction *in, size_t i, uint32_t place)
{
    const size_t slot = (in->out & ~PG_ROW) + i;
    (in->out & PG_ROW ? f->lanes : f->uniforms)[slot] = place;
    if (in->out & PG_ROW)
        f->zero_lanes[slot] = 0;
}

/* Whether a body's uniforms have found room. */
static int open_places(body_places *b, const pg_body *body)
{
    *b = (body_places){body, body == NULL ? NULL : pg_alloc(body->flat->uniforms + 1, sizeof *b->uniforms)};
    if (b->uniforms != NULL)
        memset(b->uniforms, 0, body->flat->uniforms * sizeof *b->uniforms);
    return body == NULL || b->uniforms != NULL;
}

static void follow_scan(finder *f, const pg_instruction *in)
{
    const pg_loop *loop = f->p->loops[in->a];
    const size_t back_state = loop->back == NULL ? 0 : loop->back->state, count = loop->base.results;
    uint32_t *states = pg_alloc((loop->body->scan.length + 1) * loop->body->state + back_state + 1, sizeof *states);
    uint32_t *results = pg_alloc(count + 1, sizeof *results);
    body_places body, back;
    const int room = open_places(&body, loop->body) + open_places(&back, loop->back) == 2;
    if (states == NULL || results == NULL || !room) {
        f->lacks_memory = 1;
    } else {
        follow_trips(f, loop, f->p->terms + in->first, states, &body, &back, results);
        for (size_t i = 0; i < count; i++)
            put_result(f, in, i, results[i]);
    }
    pg_free(states);
    pg_free(results);
    pg_free(body.uniforms);
    pg_free(back.uniforms);
}

/* -- the code -------------------------------------------------------------------------------------- */

static void follow(finder *f, const pg_instruction *in)
{
    if (in->code == PG_CODE_GUARD)
        return;
    if (in->code == PG_CODE_LOOP && followed_uses(f->p, in) != 0) {
        follow_scan(f, in);
        return;
    }
    take_operands(f, in);
    const int is_result = in->code >= PG_CODE_OUTPUT && !pg_is_several(in->code);
    if (is_result && in->out < f->outputs) /* what is added up may come in parts */
        take_place(f, f->of_output[in->out]);
    const uint32_t place = meet(f);
    if (is_result) {
        if (in->out < f->outputs)
            f->of_output[in->out] = place;
    } else if (pg_is_several(in->code)) {
        for (size_t i = 0; i < pg_results_of(f->p, in); i++)
            put_result(f, in, i, place);
    } else if (in->out & PG_ROW) {
        f->lanes[in->out & ~PG_ROW] = place;
        f->zero_lanes[in->out & ~PG_ROW] = in->code == PG_CODE_SPREAD && is_zero(f, in->a);
    } else {
        f->uniforms[in->out] = place;
    }
}

static void find_joins(finder *f)
{
    const pg_program *p = f->p;
    memset(f->uniforms, 0, p->uniforms * sizeof *f->uniforms);
    memset(f->lanes, 0, p->lanes * sizeof *f->lanes);
    memset(f->zero_lanes, 0, p->lanes);
    for (size_t i = 0; i < f->inputs; i++) {
        const pg_slot slot = p->input_slots[f->first + i];
        if (slot != PG_NO_SLOT)
            (slot & PG_ROW ? f->lanes : f->uniforms)[slot & ~PG_ROW] = (uint32_t)(1 + i);
    }
    f->joins.starts[0] = 0;
    for (size_t i = 0; i < p->once; i++)
        follow(f, &p->code[i]);
    for (size_t i = 0; i < f->outputs; i++)
        f->of_output[i] = p->result_slots[i] == PG_NO_SLOT ? NOWHERE : f->uniforms[p->result_slots[i]];
    for (size_t i = p->once; i < p->length; i++)
        follow(f, &p->code[i]);
}

static int room_for_joins(finder *f)
{
    const pg_program *p = f->p;
    const size_t uses = uses_in(p); /* a join for every two of them at most */
    if (uses > INT32_MAX || p->length + f->inputs > INT32_MAX)
        return 0;
    f->uniforms = pg_alloc(p->uniforms + 1, sizeof *f->uniforms);
    f->lanes = pg_alloc(p->lanes + 1, sizeof *f->lanes);
    f->zero_lanes = pg_alloc(p->lanes + 1, 1);
    f->of_output = pg_alloc(f->outputs + 1, sizeof *f->of_output);
    f->joins.starts = pg_alloc(uses + 1, sizeof *f->joins.starts);
    f->joins.items = pg_alloc(uses + 1, sizeof *f->joins.items);
    return f->uniforms != NULL && f->lanes != NULL && f->zero_lanes != NULL && f->of_output != NULL &&
           f->joins.starts != NULL && f->joins.items != NULL;
}

int pg_find_joins(finder *f)
{
    read_table(f);
    if (!room_for_joins(f))
        return 0;
    find_joins(f);
    return !f->lacks_memory;
}
