/* reach.c: dependences of a body, by its program for numbers. */
#include "program/reach.h"

#include <string.h>

/* The operands of an instruction by which it has a derivative: slots into out, which has room for 3, or terms. */
static size_t operands_of(const pg_instruction *in, pg_slot *out)
{
    if (pg_is_sum(in->code)) {
        out[0] = in->a;
        return 1;
    }
    if (pg_is_several(in->code) || in->code == PG_CODE_TAKE || pg_is_condition(in->code))
        return 0;
    const pg_op_info *info = pg_op_at(in->code - PG_OP_add);
    const pg_slot slots[3] = {in->a, in->b, in->c};
    size_t count = 0;
    for (int i = 0; i < info->arity; i++)
        if (strcmp(info->rules[i], "ZERO") != 0)
            out[count++] = slots[i];
    return count;
}

/* By what an instruction has a derivative: operands, and after them the factors of its terms, or items of its table. */
typedef struct {
    pg_slot operands[3];
    size_t few, all; /* operands; all of them */
} dependences;

static dependences dependences_of(const pg_instruction *in)
{
    dependences d;
    d.few = operands_of(in, d.operands);
    d.all = d.few + (in->code == PG_CODE_SEARCH ? 0 : 2 * (size_t)in->count);
    return d;
}

/* The factors of term i, or item i and PG_NO_SLOT. */
static pg_term term_at(const pg_program *p, const pg_instruction *in, uint32_t i)
{
    return in->code == PG_CODE_TAKE ? (pg_term){pg_slot_of_item(p, in, i), PG_NO_SLOT, 0, 0} : p->terms[in->first + i];
}

/* The slot of dependence i, or PG_NO_SLOT. */
static pg_slot dependence(const pg_program *p, const pg_instruction *in, const dependences *d, size_t i)
{
    if (i < d->few)
        return d->operands[i];
    const pg_term t = term_at(p, in, (uint32_t)((i - d->few) / 2));
    return (i - d->few) % 2 == 0 ? t.a : t.b;
}

/* Whether a rule of the user's has made what an instruction gives: by which inputs it has a derivative the program does not
 * say. */
static int is_ruled(const pg_instruction *in)
{
    return in->code == PG_OP_ruled;
}

/* Marks slots that depend on marked ones; given: whether any input is marked. */
static void mark_forward(const pg_program *p, uint8_t *slots, uint8_t given)
{
    for (const pg_instruction *in = p->code; in != p->code + p->once; in++) {
        const dependences d = dependences_of(in);
        uint8_t any = is_ruled(in) ? given : 0;
        for (size_t i = 0; i < d.all; i++) {
            const pg_slot by = dependence(p, in, &d, i);
            any = (uint8_t)(any | (by != PG_NO_SLOT && slots[by]));
        }
        memset(slots + in->out, any, pg_results_of(p, in));
    }
}

/* Marks slots on which marked ones depend; whether a rule is among these, so that any input may be. */
static int mark_back(const pg_program *p, uint8_t *slots)
{
    int ruled = 0;
    for (const pg_instruction *in = p->code + p->once; in-- != p->code;) {
        const dependences d = dependences_of(in);
        const size_t results = pg_results_of(p, in);
        uint8_t any = 0;
        for (size_t i = 0; i < results; i++)
            any |= slots[in->out + i];
        if (!any)
            continue;
        ruled |= is_ruled(in);
        for (size_t i = 0; i < d.all; i++) {
            const pg_slot by = dependence(p, in, &d, i);
            if (by != PG_NO_SLOT)
                slots[by] = 1;
        }
    }
    return ruled;
}

static int is_marked(const pg_program *p, const uint8_t *slots, size_t input)
{
    return p->input_slots[input] != PG_NO_SLOT && slots[p->input_slots[input]];
}

pg_status pg_reach_forward(const pg_body *b, uint8_t *flags)
{
    const pg_program *p = b->flat;
    const size_t differ = b->state + b->captured + b->scan.given;
    uint8_t *slots = pg_alloc(p->uniforms + 1, 1);
    if (slots == NULL)
        return PG_NO_MEMORY;
    for (size_t before = SIZE_MAX; before != pg_count_flags(flags, b->state);) {
        before = pg_count_flags(flags, b->state);
        memset(slots, 0, p->uniforms + 1);
        for (size_t i = 0; i < differ; i++)
            if (p->input_slots[i] != PG_NO_SLOT)
                slots[p->input_slots[i]] = flags[i];
        mark_forward(p, slots, pg_count_flags(flags, differ) != 0);
        for (size_t k = 0; k < b->state; k++)
            flags[k] = (uint8_t)(flags[k] | slots[p->result_slots[k]]);
    }
    for (size_t k = 0; k < b->scan.made; k++)
        flags[differ + k] = slots[p->result_slots[pg_first_made(b) + k]];
    pg_free(slots);
    return PG_OK;
}

pg_status pg_reach_back(const pg_body *b, uint8_t *flags, const uint8_t *made, uint8_t *others)
{
    const pg_program *p = b->flat;
    uint8_t *slots = pg_alloc(p->uniforms + 1, 1);
    if (slots == NULL)
        return PG_NO_MEMORY;
    for (size_t before = SIZE_MAX; before != pg_count_flags(flags, b->state);) {
        before = pg_count_flags(flags, b->state);
        memset(slots, 0, p->uniforms + 1);
        for (size_t k = 0; k < b->state; k++)
            if (flags[k])
                slots[p->result_slots[k]] = 1;
        for (size_t k = 0; k < b->scan.made; k++)
            if (made[k])
                slots[p->result_slots[pg_first_made(b) + k]] = 1;
        const int ruled = mark_back(p, slots);
        for (size_t k = 0; k < b->state; k++)
            flags[k] = (uint8_t)(flags[k] || ruled || is_marked(p, slots, k));
        for (size_t k = 0; k < b->captured + b->scan.given; k++)
            others[k] = (uint8_t)(ruled || is_marked(p, slots, b->state + k));
    }
    pg_free(slots);
    return PG_OK;
}
