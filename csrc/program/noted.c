/* noted.c: the two programs that note values for the way back, and need not compute them once more. */
#include "program/noted.h"

#include "program/growth.h"
#include "program/noting.h"
#include "program/pack.h"
#include "program/turned.h"

#include <stdlib.h>

/* -- for lanes ---------------------------------------------------------------------------------- */

static void rename_slot(const pg_slot *now, pg_slot *slot)
{
    if (*slot != PG_NO_SLOT && *slot & PG_ROW)
        *slot = now[*slot & ~PG_ROW];
}

static void rename_arguments(const pg_program *p, const pg_slot *now, pg_instruction *in)
{
    rename_slot(now, &in->a);
    rename_slot(now, &in->b);
    rename_slot(now, &in->c);
    for (uint32_t t = 0; t < in->count; t++) {
        rename_slot(now, &p->terms[in->first + t].a);
        rename_slot(now, &p->terms[in->first + t].b);
    }
}

/* Instructions whose place is not NO_SLOT write there; they go away if keep is NULL or says so. now has room for the
 * slots. */
static void rewrite(pg_program *p, const pg_slot *places, const uint8_t *keep, pg_slot *now)
{
    size_t length = 0;
    for (size_t i = 0; i < p->lanes; i++)
        now[i] = PG_ROW | (pg_slot)i;
    for (size_t i = 0; i < p->length; i++) {
        pg_instruction in = p->code[i];
        if (i >= p->spread) {
            const pg_slot slot = in.out & ~PG_ROW;
            rename_arguments(p, now, &in);
            now[slot] = places[i] != PG_NO_SLOT ? places[i] : in.out;
            in.out = now[slot];
        }
        if (keep == NULL || keep[i])
            p->code[length++] = in;
    }
    p->length = length;
    for (size_t i = 0; i < p->outputs; i++)
        rename_slot(now, &p->result_slots[i]);
}

/* Those that join stand behind their partners; what is noted stands in the last slots of both programs, in the same order.
 * False for want of memory. */
static int join(const pg_choice *c, size_t count, pg_program *ahead, const pg_slot *places_back)
{
    const pg_program *back = c->back.p;
    const size_t joining = pg_count_flags(c->joins, back->length), first = ahead->lanes - count;
    pg_instruction *code = joining == 0 ? NULL : pg_alloc(ahead->length + joining, sizeof *code);
    size_t length = 0;
    if (code == NULL)
        return joining == 0;
    for (size_t j = 0; j < ahead->length; j++) {
        code[length++] = ahead->code[j];
        for (size_t i = back->spread; i < back->length; i++)
            if (c->noted[i] && c->joins[i] && c->same[i] == j) {
                code[length] = ahead->code[j];
                code[length].code = back->code[i].code;
                code[length++].out = PG_ROW | (pg_slot)(first + (places_back[i] & ~PG_ROW) - back->lanes);
            }
    }
    pg_free(ahead->code);
    ahead->code = code;
    ahead->length = length;
    return 1;
}

/* Both programs, with count numbers noted. False for want of memory. */
static int write_both(pg_choice *c, size_t count, pg_program **ahead, pg_program **behind)
{
    const pg_program *body = c->body.p, *back = c->back.p;
    const size_t most = body->length + back->length + body->lanes + back->lanes + 3 * count;
    pg_slot *places = pg_alloc(most + 1, sizeof *places);
    *ahead = places == NULL ? NULL : pg_program_copy(body);
    *behind = *ahead == NULL ? NULL : pg_program_copy(back);
    if (*behind == NULL) {
        pg_program_free(*ahead);
        pg_free(places);
        *ahead = NULL;
        return 0;
    }
    pg_slot *places_back = places + body->length, *now = places_back + back->length;
    for (size_t i = 0; i < body->length + back->length; i++)
        places[i] = PG_NO_SLOT;
    for (size_t i = 0; i < back->length; i++)
        if (c->noted[i]) {
            const pg_slot place = PG_ROW | (pg_slot)(*ahead)->lanes++;
            if (!c->joins[i])
                places[c->same[i]] = place;
            places_back[i] = PG_ROW | (pg_slot)(*behind)->lanes++;
            c->needed[i] = 0;
        }
    rewrite(*ahead, places, NULL, now);
    const int done = join(c, count, *ahead, places_back);
    for (size_t i = c->seeds; i < back->inputs; i++)
        if (!c->needed[back->length + i])
            (*behind)->input_slots[i] = PG_NO_SLOT;
    for (size_t i = 0; i < back->spread; i++)
        c->needed[i] = 1;
    rewrite(*behind, places_back, c->needed, now);
    pg_free(places);
    if (!done) {
        pg_program_free(*ahead);
        pg_program_free(*behind);
        *ahead = *behind = NULL;
    }
    return done;
}

int pg_note(const pg_body *body, const pg_body *back, pg_program **ahead, pg_program **behind, size_t *noted)
{
    pg_choice c;
    *ahead = *behind = NULL;
    if (!pg_choose_notes(&c, body, back, 1, noted))
        return 0;
    if (*noted == 0)
        return 1;
    const int done = write_both(&c, *noted, ahead, behind);
    pg_choice_close(&c);
    return done;
}

/* -- for numbers -------------------------------------------------------------------------------- *
 * Each slot is written once, so what is noted stays where it is: it is a result of the body more. In the way back it has
 * the last slots, in the order in which it stands where a pack computes it: then packs find it side by side. */

/* Which are noted. */
static void list_noted(const pg_choice *c, uint32_t *order)
{
    size_t count = 0;
    for (size_t i = 0; i < c->back.p->length; i++)
        if (c->noted[i])
            order[count++] = (uint32_t)i;
}

/* The body with results more. A partner that joins stands behind what it joins. NULL for want of memory. */
static pg_program *with_results(const pg_choice *c, const uint32_t *order, size_t count)
{
    const pg_program *body = c->body.p;
    pg_program *p = pg_program_copy(body);
    pg_instruction *code = p == NULL ? NULL : pg_alloc(body->length + count + 1, sizeof *code);
    pg_slot *results = code == NULL ? NULL : pg_alloc(body->outputs + count + 1, sizeof *results);
    if (results == NULL) {
        pg_program_free(p);
        pg_free(code);
        return NULL;
    }
    memcpy(results, p->result_slots, body->outputs * sizeof *results);
    size_t length = 0;
    for (size_t j = 0; j < body->length; j++) {
        code[length++] = body->code[j];
        for (size_t k = 0; k < count; k++) {
            const uint32_t i = order[k];
            if (c->same[i] != j)
                continue;
            results[body->outputs + k] = c->joins[i] ? (pg_slot)p->uniforms++ : body->code[j].out;
            if (c->joins[i]) {
                code[length] = body->code[j];
                code[length].code = c->back.p->code[i].code;
                code[length++].out = results[body->outputs + k];
            }
        }
    }
    pg_free(p->code);
    pg_free(p->result_slots);
    p->code = code;
    p->result_slots = results;
    p->length = p->once = p->spread = length;
    p->outputs += count;
    return p;
}

static void move_slot(const pg_slot *now, pg_slot *slot)
{
    if (*slot != PG_NO_SLOT)
        *slot = now[*slot];
}

/* What instructions read, and results. */
static void move_all(const pg_slot *now, pg_program *p)
{
    for (size_t i = 0; i < p->length; i++) {
        pg_instruction *in = &p->code[i];
        move_slot(now, &in->a);
        move_slot(now, &in->b);
        move_slot(now, &in->c);
        for (uint32_t t = 0; t < in->count; t++) {
            move_slot(now, &p->terms[in->first + t].a);
            move_slot(now, &p->terms[in->first + t].b);
        }
    }
    for (size_t i = 0; i < p->outputs; i++)
        move_slot(now, &p->result_slots[i]);
}

/* The way back with what is noted in its last slots, and without what nobody needs then. NULL for want of memory. */
static pg_program *without(const pg_choice *c, const uint32_t *order, size_t count)
{
    const pg_program *back = c->back.p;
    pg_program *p = pg_program_copy(back);
    pg_slot *now = p == NULL ? NULL : pg_alloc(back->uniforms + 1, sizeof *now);
    if (now == NULL) {
        pg_program_free(p);
        return NULL;
    }
    for (size_t i = 0; i < back->uniforms; i++)
        now[i] = (pg_slot)i;
    for (size_t k = 0; k < count; k++) {
        now[back->code[order[k]].out] = (pg_slot)p->uniforms++;
        c->needed[order[k]] = 0;
    }
    p->length = 0;
    for (size_t i = 0; i < back->length; i++)
        if (c->needed[i])
            p->code[p->length++] = back->code[i];
    p->once = p->spread = p->length;
    move_all(now, p);
    for (size_t i = c->seeds; i < p->inputs; i++)
        if (!c->needed[back->length + i])
            p->input_slots[i] = PG_NO_SLOT;
    pg_free(now);
    return p;
}

int pg_note_numbers(const pg_body *body, const pg_body *back, pg_program **ahead, pg_program **behind, size_t *noted)
{
    pg_choice c;
    *ahead = *behind = NULL;
    *noted = 0;
    if (pg_is_way(body))
        return 1;
    if (!pg_choose_notes(&c, body, back, 0, noted))
        return 0;
    if (*noted == 0)
        return 1;
    uint32_t *order = pg_alloc(*noted, sizeof *order);
    if (order != NULL) {
        list_noted(&c, order);
        *ahead = with_results(&c, order, *noted);
        *behind = *ahead == NULL ? NULL : without(&c, order, *noted);
    }
    pg_free(order);
    pg_choice_close(&c);
    if (*behind != NULL)
        return 1;
    pg_program_free(*ahead);
    *ahead = NULL;
    return 0;
}

/* A slot of a pack, and which of those that are noted stands there. */
typedef struct {
    pg_slot slot;
    uint32_t which;
} placed;

static int compare_slots(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static void permute(pg_slot *results, const placed *order, size_t count, pg_slot *room)
{
    for (size_t k = 0; k < count; k++)
        room[k] = results[order[k].which];
    memcpy(results, room, count * sizeof *results);
}

/* What is noted in the order of its slots in the pack, there and in the way back. False for want of memory. */
static int arrange(pg_body *ahead, pg_program *behind, size_t first, size_t noted)
{
    const size_t first_back = behind->uniforms - noted;
    pg_slot *packed = ahead->pack->rest.result_slots + first;
    placed *order = pg_alloc(noted, sizeof *order);
    pg_slot *now = order == NULL ? NULL : pg_alloc(behind->uniforms, sizeof *now);
    if (now == NULL) {
        pg_free(order);
        return 0;
    }
    for (size_t k = 0; k < noted; k++)
        order[k] = (placed){packed[k], (uint32_t)k};
    qsort(order, noted, sizeof *order, compare_slots);
    permute(packed, order, noted, now);
    permute(ahead->flat->result_slots + first, order, noted, now);
    for (size_t i = 0; i < first_back; i++)
        now[i] = (pg_slot)i;
    for (size_t k = 0; k < noted; k++)
        now[first_back + order[k].which] = (pg_slot)(first_back + k);
    move_all(now, behind);
    pg_free(now);
    pg_free(order);
    return 1;
}

int pg_noted_side_by_side(pg_body *ahead, pg_program *behind, size_t noted)
{
    const size_t first = ahead->flat->outputs - noted;
    if (noted == 0)
        return 1;
    return (ahead->pack == NULL || arrange(ahead, behind, first, noted)) &&
           pg_stretches_of(ahead->numbers->result_slots + first, noted, &ahead->noted);
}
