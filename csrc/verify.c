/* verify.c: whether a program keeps to the rules that evaluate.c relies on. What program.c makes does; a program
 * that comes from elsewhere is asked first. */
#include "program.h"

/* What has a number at a point of the program: uniform slots, and lanes. */
typedef struct {
    const pg_program *p;
    unsigned char *uniforms, *lanes;
} checked;

static int has(const checked *c, pg_slot slot)
{
    if (slot & PG_ROW)
        return (slot & ~PG_ROW) < c->p->lanes && c->lanes[slot & ~PG_ROW];
    return slot < c->p->uniforms && c->uniforms[slot];
}

static int has_kind(const checked *c, pg_slot slot, int row)
{
    return slot != PG_NO_SLOT && ((slot & PG_ROW) != 0) == row && has(c, slot);
}

static int gives(checked *c, pg_slot slot, int row)
{
    if (slot == PG_NO_SLOT || ((slot & PG_ROW) != 0) != row)
        return 0;
    const size_t at = slot & ~PG_ROW;
    if (at >= (row ? c->p->lanes : c->p->uniforms))
        return 0;
    (row ? c->lanes : c->uniforms)[at] = 1;
    return 1;
}

static int operand_count(unsigned code)
{
    if (code < PG_OP_add || code >= PG_OPCODE_COUNT)
        return 0;
    const pg_op_info *info = pg_op_at((int)code - PG_OP_add);
    return info->arity + info->has_constant;
}

static int terms_are_sound(const checked *c, const pg_instruction *in, int row)
{
    const pg_program *p = c->p;
    if (in->first > p->term_count || in->count > p->term_count - in->first || !has(c, in->a) ||
        (!row && in->a & PG_ROW))
        return 0;
    for (uint32_t t = in->first; t < in->first + in->count; t++) {
        const pg_term *term = &p->terms[t];
        if (!has(c, term->a) || (term->b != PG_NO_SLOT && !has(c, term->b)))
            return 0;
        int a_row = (term->a & PG_ROW) != 0, b_row = term->b != PG_NO_SLOT && term->b & PG_ROW;
        if ((!row && (a_row || b_row)) || (b_row && !a_row) || (term->absorbing && !in->expected))
            return 0;
    }
    return 1;
}

/* One instruction of the part that is uniform (row 0) or of the one that is not. */
static int is_sound(checked *c, const pg_instruction *in, int row)
{
    const pg_program *p = c->p;
    switch (in->code) {
    case PG_CODE_FUSED:
        return terms_are_sound(c, in, row) && gives(c, in->out, row);
    case PG_CODE_GUARD:
        return in->out < p->guards && in->expected / 2u <= PG_GREATER_EQUAL && has_kind(c, in->a, row) &&
               has_kind(c, in->b, row);
    case PG_CODE_OUTPUT:
    case PG_CODE_TOTAL:
        return row && in->out < p->outputs && has_kind(c, in->a, 1);
    case PG_CODE_TOTAL_UNIFORM:
        return row && in->out < p->outputs && has_kind(c, in->a, 0);
    case PG_CODE_TOTAL_PRODUCT:
        return row && in->out < p->outputs && has_kind(c, in->a, 1) && has_kind(c, in->b, 1);
    default: {
        const pg_slot operands[3] = {in->a, in->b, in->c};
        int count = operand_count(in->code);
        for (int i = 0; i < count; i++)
            if (!has_kind(c, operands[i], row))
                return 0;
        return count != 0 && gives(c, in->out, row);
    }
    }
}

static int leaves_are_sound(checked *c)
{
    const pg_program *p = c->p;
    if (p->lives > p->uniforms || p->constants > p->uniforms - p->lives)
        return 0;
    for (size_t i = 0; i < p->lives + p->constants; i++)
        c->uniforms[i] = 1;
    for (size_t i = 0; i < p->inputs; i++) {
        pg_slot slot = p->input_slots[i];
        if (slot != PG_NO_SLOT && !gives(c, slot, (slot & PG_ROW) != 0))
            return 0;
    }
    return 1;
}

static int code_is_sound(checked *c)
{
    const pg_program *p = c->p;
    if (p->once > p->spread || p->spread > p->length)
        return 0;
    for (size_t i = 0; i < p->once; i++)
        if (!is_sound(c, &p->code[i], 0))
            return 0;
    for (size_t i = 0; i < p->outputs; i++)
        if (p->result_slots[i] != PG_NO_SLOT && !has_kind(c, p->result_slots[i], 0))
            return 0;
    for (size_t i = p->once; i < p->spread; i++)
        if (p->code[i].code != PG_CODE_SPREAD || !has_kind(c, p->code[i].a, 0) || !gives(c, p->code[i].out, 1))
            return 0;
    for (size_t i = p->spread; i < p->length; i++)
        if (!is_sound(c, &p->code[i], 1))
            return 0;
    return 1;
}

int pg_program_verify(const pg_program *p)
{
    checked c = {p, pg_alloc(p->uniforms + 1, 1), pg_alloc(p->lanes + 1, 1)};
    int sound = -1;
    if (c.uniforms != NULL && c.lanes != NULL) {
        for (size_t i = 0; i < p->uniforms; i++)
            c.uniforms[i] = 0;
        for (size_t i = 0; i < p->lanes; i++)
            c.lanes[i] = 0;
        sound = leaves_are_sound(&c) && code_is_sound(&c);
    }
    pg_free(c.uniforms);
    pg_free(c.lanes);
    return sound;
}
