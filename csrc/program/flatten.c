/* flatten.c: lanes as numbers: slots renamed, instruction by instruction. */
#include "program/flatten.h"

#include "program/growth.h"
#include "program/loop.h"

typedef struct {
    const pg_program *wide;
    pg_program *flat;
    pg_slot *now;          /* for each slot of lanes the uniform that has its number */
} flattening;

static pg_slot uniform_of(const flattening *f, pg_slot slot)
{
    return slot != PG_NO_SLOT && slot & PG_ROW ? f->now[slot & ~PG_ROW] : slot;
}

/* Slots of their own for what an instruction of lanes gives. */
static void rename_results(flattening *f, pg_instruction *in)
{
    const pg_slot first = (pg_slot)f->flat->uniforms, out = in->out & ~PG_ROW;
    const size_t count = pg_results_of(f->wide, in);
    for (size_t i = 0; i < count; i++)
        f->now[out + i] = first + (pg_slot)i;
    f->flat->uniforms += count;
    in->out = first;
}

static void add_instruction(flattening *f, pg_instruction in)
{
    if (!pg_is_several(in.code)) {
        in.a = uniform_of(f, in.a);
        in.b = uniform_of(f, in.b);
        in.c = uniform_of(f, in.c);
    }
    const int in_a_row = is_of_table(in.code) && in.b != PG_NO_SLOT; /* items of which there are no terms */
    for (uint32_t t = in.first; !in_a_row && t < in.first + in.count; t++) {
        pg_term *term = &f->flat->terms[t];
        term->a = uniform_of(f, term->a);
        term->b = uniform_of(f, term->b);
    }
    if (in.out & PG_ROW)
        rename_results(f, &in);
    f->flat->code[f->flat->length++] = in;
}

static void add_code(flattening *f)
{
    const pg_program *p = f->wide;
    for (size_t i = 0; i < p->inputs; i++) {
        f->flat->input_slots[i] = PG_NO_SLOT;
        if (p->input_slots[i] == PG_NO_SLOT)
            continue;
        if (p->input_slots[i] & PG_ROW)
            f->now[p->input_slots[i] & ~PG_ROW] = (pg_slot)f->flat->uniforms++;
        f->flat->input_slots[i] = uniform_of(f, p->input_slots[i]);
    }
    for (size_t i = 0; i < p->length; i++)
        if (i < p->once || i >= p->spread)
            add_instruction(f, p->code[i]);
        else
            f->now[p->code[i].out & ~PG_ROW] = p->code[i].a;
    for (size_t i = 0; i < p->outputs; i++)
        f->flat->result_slots[i] = uniform_of(f, p->result_slots[i]);
    f->flat->once = f->flat->spread = f->flat->length;
}

/* The loops, shared; false for want of memory. */
static int share_loops(const pg_program *from, pg_program *to)
{
    to->loops = from->loop_count == 0 ? NULL
                                      : (void **)pg_copied((const void *)from->loops, from->loop_count, sizeof(void *));
    if (to->loops == NULL)
        return from->loop_count == 0;
    for (; to->loop_count < from->loop_count; to->loop_count++)
        pg_several_retain(to->loops[to->loop_count]);
    return 1;
}

pg_program *pg_flattened(const pg_program *wide)
{
    flattening f = {wide, pg_alloc(1, sizeof *f.flat), pg_alloc(wide->lanes + 1, sizeof *f.now)};
    int whole = 0;
    if (f.flat != NULL && f.now != NULL) {
        pg_program *p = f.flat;
        *p = (pg_program){.inputs = wide->inputs,
                          .uniforms = wide->uniforms,
                          .constants = wide->constants,
                          .outputs = wide->outputs,
                          .term_count = wide->term_count};
        p->constant_values = pg_copied(wide->constant_values, wide->constants, sizeof *p->constant_values);
        p->terms = pg_copied(wide->terms, wide->term_count, sizeof *p->terms);
        p->input_slots = pg_alloc(wide->inputs + 1, sizeof *p->input_slots);
        p->result_slots = pg_alloc(wide->outputs + 1, sizeof *p->result_slots);
        p->code = pg_alloc(wide->length + 1, sizeof *p->code);
        whole = p->constant_values != NULL && p->terms != NULL && p->input_slots != NULL && p->result_slots != NULL &&
                p->code != NULL && share_loops(wide, p);
        if (whole)
            add_code(&f);
        else
            pg_program_free(p);
    } else {
        pg_free(f.flat);
    }
    pg_free(f.now);
    return whole ? f.flat : NULL;
}
