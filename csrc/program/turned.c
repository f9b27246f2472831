/* turned.c: bodies of loops whose state and results change places. */
#include "program/turned.h"

#include "program/growth.h"

pg_program *pg_program_copy(const pg_program *p)
{
    pg_program *c = pg_copied(p, 1, sizeof *p);
    if (c == NULL)
        return NULL;
    c->constant_values = pg_copied(p->constant_values, p->constants, sizeof *p->constant_values);
    c->input_slots = pg_copied(p->input_slots, p->inputs, sizeof *p->input_slots);
    c->result_slots = pg_copied(p->result_slots, p->outputs, sizeof *p->result_slots);
    c->code = pg_copied(p->code, p->length, sizeof *p->code);
    c->terms = pg_copied(p->terms, p->term_count, sizeof *p->terms);
    c->loops = NULL;
    c->loop_count = 0;
    if (c->constant_values != NULL && c->input_slots != NULL && c->result_slots != NULL && c->code != NULL &&
        c->terms != NULL)
        return c;
    pg_program_free(c);
    return NULL;
}

/* Whether result k is an instruction's of its own, and stands where nothing else of the state or of the inputs does. */
static int stands_alone(const pg_program *p, size_t n, size_t k)
{
    const pg_slot slot = p->result_slots[k];
    int written = 0;
    for (size_t i = 0; i < p->inputs; i++)
        if (p->input_slots[i] == slot)
            return 0;
    for (size_t j = 0; j < n; j++)
        if (j != k && p->result_slots[j] == slot)
            return 0;
    for (size_t i = p->spread; i < p->length; i++)
        written = written || p->code[i].out == slot;
    return written;
}

static int is_moved(const pg_program *p, size_t k)
{
    return p->input_slots[k] != PG_NO_SLOT && p->input_slots[k] != p->result_slots[k];
}

/* Whether all that moves has a place of its own, and nothing has to stand side by side. */
static int can_turn(const pg_program *p, size_t n)
{
    size_t moved = 0;
    for (size_t i = 0; i < p->length; i++)
        if (pg_is_several(p->code[i].code) || (is_of_table(p->code[i].code) && p->code[i].b != PG_NO_SLOT))
            return 0;
    for (size_t k = 0; k < n; k++) {
        if (is_moved(p, k) && !stands_alone(p, n, k))
            return 0;
        moved += (size_t)is_moved(p, k);
    }
    return moved != 0;
}

static void move(const pg_slot *to, pg_slot *slot)
{
    if (*slot != PG_NO_SLOT && *slot & PG_ROW)
        *slot = to[*slot & ~PG_ROW];
}

static void move_all(pg_program *p, const pg_slot *to)
{
    for (size_t i = p->once; i < p->length; i++) {
        move(to, &p->code[i].out);
        move(to, &p->code[i].a);
        move(to, &p->code[i].b);
        move(to, &p->code[i].c);
    }
    for (size_t i = 0; i < p->term_count; i++) {
        move(to, &p->terms[i].a);
        move(to, &p->terms[i].b);
    }
    for (size_t i = 0; i < p->inputs; i++)
        move(to, &p->input_slots[i]);
    for (size_t i = 0; i < p->outputs; i++)
        move(to, &p->result_slots[i]);
}

int pg_program_turn(const pg_program *p, size_t n, pg_program **out)
{
    *out = NULL;
    if (!can_turn(p, n))
        return 1;
    pg_slot *to = pg_alloc(p->lanes + 1, sizeof *to);
    *out = to == NULL ? NULL : pg_program_copy(p);
    if (*out != NULL) {
        for (size_t i = 0; i < p->lanes; i++)
            to[i] = PG_ROW | (pg_slot)i;
        for (size_t k = 0; k < n; k++)
            if (is_moved(p, k)) {
                to[p->input_slots[k] & ~PG_ROW] = p->result_slots[k];
                to[p->result_slots[k] & ~PG_ROW] = p->input_slots[k];
            }
        move_all(*out, to);
    }
    pg_free(to);
    return *out != NULL;
}
