/* verify.c: whether a program keeps to the rules that evaluate.c relies on. What code.c writes does; a program
 * that comes from elsewhere is asked first. */
#include "graph/several.h"
#include "ops/cells.h"
#include "program/bodies.h"
#include "program/call.h"

/* What a slot holds at a point of the program. */
enum {
    NOTHING,
    NUMBER,                /* a uniform, or lanes that the code computes or loads for each block */
    CONSTANT,              /* uniform: a constant */
    SPREAD, /* lanes: a uniform, written once for all blocks or for a trip, so never again; or an input of
                            * a body */
    SPREAD_CONSTANT
};

/* What an output has had: it is given out by row, or added up, from lanes and from a uniform. */
enum { BY_ROW = 1, ADDED_UP = 2, ADDED_UNIFORM = 4 };

/* What slots hold, and which guards and outputs have had their instructions. */
typedef struct {
    const pg_program *p;
    unsigned char *uniforms, *lanes, *guards, *outputs;
    int results_begun; /* rows that leave at a later guard would have been added up already */
    int body; /* of a loop: no rows leave, and results stay in lanes */
    size_t known; /* so many of its inputs, the last ones, may be uniform */
    size_t loops, terms; /* those that the instructions so far have had, which have them in order */
} checked;

static unsigned char holds(const checked *c, pg_slot slot)
{
    const size_t at = slot & ~PG_ROW;
    if (slot & PG_ROW)
        return at < c->p->lanes ? c->lanes[at] : NOTHING;
    return at < c->p->uniforms ? c->uniforms[at] : NOTHING;
}

static int is_row(pg_slot slot)
{
    return (slot & PG_ROW) != 0;
}

/* Whether the slot holds something, and has lanes or not as row says. */
static int has_kind(const checked *c, pg_slot slot, int row)
{
    return is_row(slot) == row && holds(c, slot) != NOTHING;
}

/* Notes what the slot holds from here on. Uniform slots are written once; lanes may be used again. */
static int gives(checked *c, pg_slot slot, int row, unsigned char what)
{
    const size_t at = slot & ~PG_ROW;
    if (is_row(slot) != row || at >= (row ? c->p->lanes : c->p->uniforms))
        return 0;
    unsigned char *held = &(row ? c->lanes : c->uniforms)[at];
    if (*held != NOTHING && (!row || *held != NUMBER || what != NUMBER))
        return 0;
    *held = what;
    return 1;
}

/* -- instructions ------------------------------------------------------------------------------- */

/* The operands from the given one on are not used, and say so: pg_program_run_once looks at all three. */
static int are_unused(const pg_instruction *in, int from)
{
    const pg_slot operands[3] = {in->a, in->b, in->c};
    for (int i = from; i < 3; i++)
        if (operands[i] != PG_NO_SLOT)
            return 0;
    return 1;
}

static int op_is_sound(checked *c, const pg_instruction *in, int row)
{
    if (in->code < PG_OP_add || in->code >= PG_OPCODE_COUNT)
        return 0;
    const pg_op_info *info = pg_op_at((int)in->code - PG_OP_add);
    const pg_slot operands[3] = {in->a, in->b, in->c};
    const int count = info->arity + info->has_constant;
    for (int i = 0; i < count; i++) /* lane functions may write before they have read all */
        if (!has_kind(c, operands[i], row) || operands[i] == in->out)
            return 0;
    if (info->has_constant && holds(c, in->b) != (row ? SPREAD_CONSTANT : CONSTANT))
        return 0;
    return are_unused(in, count) && gives(c, in->out, row, NUMBER);
}

/* Of loops, and where there are some, each has terms of its own, in order: so a program has no more results than it has of
 * these and of instructions. */
static int has_order(const checked *c)
{
    return c->body || c->p->loop_count != 0;
}

static int terms_are_in_order(checked *c, const pg_instruction *in)
{
    if (!has_order(c))
        return 1;
    if (in->first != c->terms)
        return 0;
    c->terms += in->count;
    return 1;
}

static int terms_are_sound(checked *c, const pg_instruction *in, int row)
{
    const pg_program *p = c->p;
    if (in->first > p->term_count || in->count > p->term_count - in->first || !terms_are_in_order(c, in))
        return 0;
    for (uint32_t t = 0; t < in->count; t++) {
        const pg_term *term = &p->terms[in->first + t];
        const int is_product = term->b != PG_NO_SLOT;
        if (holds(c, term->a) == NOTHING || (is_product && holds(c, term->b) == NOTHING) || term->a == in->out ||
            term->b == in->out)
            return 0;
        const int a_row = is_row(term->a), b_row = is_product && is_row(term->b);
        if ((!row && a_row) || (b_row && !a_row) || term->absorbing > in->expected ||
            term->subtracted > pg_is_sum(in->code))
            return 0;
    }
    return 1;
}

static int fused_is_sound(checked *c, const pg_instruction *in, int row)
{
    return holds(c, in->a) != NOTHING && (row || !is_row(in->a)) && in->a != in->out && are_unused(in, 1) &&
           in->expected <= 1 && terms_are_sound(c, in, row) && gives(c, in->out, row, NUMBER);
}

/* Terms are of one factor each. */
static int are_single(const checked *c, const pg_instruction *in)
{
    for (uint32_t t = 0; t < in->count; t++)
        if (c->p->terms[in->first + t].b != PG_NO_SLOT || c->p->terms[in->first + t].absorbing)
            return 0;
    return 1;
}

/* Items in uniform slots in a row, or as terms of one factor; whatever the index, evaluation stays among them. */
static int table_is_sound(checked *c, const pg_instruction *in, int row)
{
    if (holds(c, in->a) == NOTHING || (!row && is_row(in->a)) || in->a == in->out || in->c != PG_NO_SLOT ||
        in->count == 0 || in->expected >= (in->code == PG_CODE_SEARCH ? PG_RULE_COUNT : 1))
        return 0;
    if (in->b == PG_NO_SLOT) {
        if (!terms_are_sound(c, in, row) || !are_single(c, in))
            return 0;
    } else {
        if (is_row(in->a) != row || in->first != 0 || in->b >= c->p->uniforms || in->count > c->p->uniforms - in->b)
            return 0;
        for (uint32_t i = 0; i < in->count; i++)
            if (c->uniforms[in->b + i] == NOTHING)
                return 0;
    }
    return gives(c, in->out, row, NUMBER);
}

/* The next loop or call, whose results go where nothing was before. */
static int loop_is_sound(checked *c, const pg_instruction *in, int row)
{
    if (in->a != c->loops || c->loops == c->p->loop_count || in->b != PG_NO_SLOT || in->c != PG_NO_SLOT ||
        in->expected != 0)
        return 0;
    const pg_several *rule = c->p->loops[c->loops++];
    if (pg_is_call(rule) != (in->code == PG_CODE_CALL) || in->count != rule->operands || !terms_are_sound(c, in, row) ||
        !are_single(c, in))
        return 0;
    for (size_t k = 0; k < rule->results; k++)
        if (holds(c, in->out + (pg_slot)k) != NOTHING || !gives(c, in->out + (pg_slot)k, row, NUMBER))
            return 0;
    return 1;
}

static int guard_is_sound(checked *c, const pg_instruction *in, int row)
{
    if (in->out >= c->p->guards || c->guards[in->out] || c->results_begun || in->expected / 2u > PG_GREATER_EQUAL ||
        !has_kind(c, in->a, row) || !has_kind(c, in->b, row))
        return 0;
    c->guards[in->out] = 1;
    return are_unused(in, 2);
}

/* What goes to an output or total: as is one of the above. */
static int result_is_sound(checked *c, const pg_instruction *in, int operands, unsigned char as)
{
    if (c->body || in->out >= c->p->outputs || !has_kind(c, in->a, as != ADDED_UNIFORM) ||
        (operands == 2 && !has_kind(c, in->b, 1)))
        return 0;
    unsigned char *had = &c->outputs[in->out];
    if (*had & (as | BY_ROW) || (as == BY_ROW && *had != 0))
        return 0;
    *had = (unsigned char)(*had | as);
    c->results_begun = 1;
    return in->expected <= 1 && are_unused(in, operands);
}

/* A total of products, to each of which a uniform number may be added. */
static int products_are_sound(checked *c, const pg_instruction *in)
{
    pg_instruction plain = *in;
    plain.c = PG_NO_SLOT;
    return (in->c == PG_NO_SLOT || has_kind(c, in->c, 0)) && result_is_sound(c, &plain, 2, ADDED_UP);
}

/* One instruction of the part that is uniform (row 0) or of the one that is not. */
static int is_sound(checked *c, const pg_instruction *in, int row)
{
    if (!pg_has_items(in->code) && (in->first != 0 || in->count != 0))
        return 0;
    switch (in->code) {
    case PG_CODE_FUSED:
    case PG_CODE_CONTRACTED:
        return fused_is_sound(c, in, row);
    case PG_CODE_SEARCH:
    case PG_CODE_TAKE:
        return table_is_sound(c, in, row);
    case PG_CODE_LOOP:
    case PG_CODE_CALL:
        return loop_is_sound(c, in, row);
    case PG_CODE_GUARD:
        return guard_is_sound(c, in, row);
    case PG_CODE_OUTPUT:
        return row && result_is_sound(c, in, 1, BY_ROW);
    case PG_CODE_TOTAL:
    case PG_CODE_TOTAL_LESS:
        return row && result_is_sound(c, in, 1, ADDED_UP);
    case PG_CODE_TOTAL_PRODUCT:
        return row && products_are_sound(c, in);
    case PG_CODE_TOTAL_UNIFORM:
        return row && result_is_sound(c, in, 1, ADDED_UNIFORM);
    default:
        return op_is_sound(c, in, row);
    }
}

static int spread_is_sound(checked *c, const pg_instruction *in)
{
    if (in->code != PG_CODE_SPREAD || !has_kind(c, in->a, 0) || !are_unused(in, 1) || in->first != 0 || in->count != 0)
        return 0;
    return gives(c, in->out, 1, holds(c, in->a) == CONSTANT ? SPREAD_CONSTANT : SPREAD);
}

/* -- the whole ---------------------------------------------------------------------------------- */

static size_t results_of_loops(const pg_program *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->loop_count; i++)
        count += ((const pg_several *)p->loops[i])->results;
    return count;
}

/* Every slot is written by something, so that nobody's memory is asked for more than the program accounts for. */
static int counts_are_sound(const pg_program *p)
{
    if (p->once > p->spread || p->spread > p->length)
        return 0;
    const size_t more = results_of_loops(p);
    return p->lives <= p->uniforms && p->constants <= p->uniforms - p->lives &&
           p->uniforms - p->lives - p->constants <= p->inputs + p->once + more && p->uniforms < PG_NO_SLOT &&
           p->lanes <= p->inputs + (p->length - p->once) + more && p->lanes < PG_NO_SLOT && p->guards <= p->length &&
           p->lanes <= SIZE_MAX / 4 / (PG_LANES * sizeof(double)) && p->outputs <= SIZE_MAX / 4 / (8 * sizeof(double));
}

static int leaves_are_sound(checked *c)
{
    const pg_program *p = c->p;
    for (size_t i = 0; i < p->lives + p->constants; i++)
        c->uniforms[i] = i < p->lives ? NUMBER : CONSTANT;
    for (size_t i = 0; i < p->inputs; i++) {
        const pg_slot slot = p->input_slots[i];
        const int row = is_row(slot) || (c->body && i < p->inputs - c->known);
        if (slot != PG_NO_SLOT && (holds(c, slot) != NOTHING || !gives(c, slot, row, c->body && row ? SPREAD : NUMBER)))
            return 0;
    }
    return 1;
}

static int are_written(const unsigned char *slots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slots[i] == NOTHING)
            return 0;
    return 1;
}

static int code_is_sound(checked *c)
{
    const pg_program *p = c->p;
    for (size_t i = 0; i < p->once; i++)
        if (!is_sound(c, &p->code[i], 0))
            return 0;
    for (size_t i = 0; !c->body && i < p->outputs; i++)
        if (p->result_slots[i] != PG_NO_SLOT && !has_kind(c, p->result_slots[i], 0))
            return 0;
    for (size_t i = p->once; i < p->spread; i++)
        if (!spread_is_sound(c, &p->code[i]))
            return 0;
    for (size_t i = p->spread; i < p->length; i++)
        if (!is_sound(c, &p->code[i], 1))
            return 0;
    for (size_t i = 0; i < p->guards; i++)
        if (!c->guards[i])
            return 0;
    if (c->loops != p->loop_count || (has_order(c) && c->terms != p->term_count))
        return 0;
    for (size_t i = 0; c->body && i < p->outputs; i++)
        if (!has_kind(c, p->result_slots[i], 1))
            return 0;
    if (c->body && (!are_written(c->uniforms, p->uniforms) || !are_written(c->lanes, p->lanes)))
        return 0;
    for (size_t i = 0; i < p->outputs; i++) /* a uniform 0 is not added up */
        if (!c->outputs[i] && p->result_slots[i] == PG_NO_SLOT)
            return 0;
    return 1;
}

static unsigned char *cleared(size_t count)
{
    unsigned char *bytes = pg_alloc(count + 1, 1);
    for (size_t i = 0; bytes != NULL && i < count; i++)
        bytes[i] = 0;
    return bytes;
}

static int verify(const pg_program *p, int body, size_t known)
{
    if (!counts_are_sound(p) || (body && (p->lives != 0 || p->guards != 0)))
        return 0;
    checked c = {.p = p,
                 .uniforms = cleared(p->uniforms),
                 .lanes = cleared(p->lanes),
                 .guards = cleared(p->guards),
                 .outputs = cleared(p->outputs),
                 .body = body,
                 .known = known};
    int sound = -1;
    if (c.uniforms != NULL && c.lanes != NULL && c.guards != NULL && c.outputs != NULL)
        sound = leaves_are_sound(&c) && code_is_sound(&c);
    pg_free(c.uniforms);
    pg_free(c.lanes);
    pg_free(c.guards);
    pg_free(c.outputs);
    return sound;
}

int pg_program_verify(const pg_program *p)
{
    return verify(p, 0, 0);
}

int pg_body_verify(const pg_program *wide, size_t known)
{
    return verify(wide, 1, known);
}
