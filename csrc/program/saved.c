/* saved.c: a program as bytes and back. Little-endian, field by field, so that a file does not depend on the
 * machine: the counts below, then constants, slots of inputs, slots of results, instructions, terms and loops. */
#include "program/bodies.h"

enum { COUNTS = 11, INSTRUCTION = 28, TERM = 12, LOOP = 8, SLOT = 4 }; /* how many counts, and bytes of an item */

/* -- bytes -------------------------------------------------------------------------------------- */

static uint32_t take_slot(const unsigned char **at)
{
    return (uint32_t)pg_take(at, 4);
}

/* Bytes of a loop: what it is of; its parts, if it goes back; and a slot for each number that it makes. */
static uint64_t size_of_loop(const pg_loop *loop)
{
    const uint64_t parts = loop->back == NULL ? 0 : pg_parts_of(loop->body);
    return LOOP + parts + SLOT * (uint64_t)pg_made_by(loop->body, loop->back);
}

/* Bytes of a program with these counts, without its loops. Counts come from four bytes each, so nothing overflows. */
static uint64_t size_of(const pg_program *p)
{
    return 4 * COUNTS + 8 * (uint64_t)p->constants + 4 * ((uint64_t)p->inputs + p->outputs) +
           INSTRUCTION * (uint64_t)p->length + TERM * (uint64_t)p->term_count;
}

/* -- writing ------------------------------------------------------------------------------------ */

size_t pg_program_size(const pg_program *p, size_t inputs)
{
    pg_program counts = *p;
    counts.inputs = inputs;
    uint64_t size = size_of(&counts);
    for (size_t i = 0; i < p->loop_count; i++) {
        const pg_loop *loop = p->loops[i];
        if (loop->base.kind == &pg_loop_kind) /* calls have no bytes: pg_bodies_add() refuses them */
            size += size_of_loop(loop);
    }
    return (size_t)size;
}

static unsigned char *write_loop(const pg_loop *loop, const pg_bodies *bodies, unsigned char *out)
{
    out = pg_put(out, pg_body_number(bodies, loop->body), 4);
    out = pg_put(out, pg_body_number(bodies, loop->back), 4);
    for (size_t k = 0; loop->back != NULL && k < pg_parts_of(loop->body); k++)
        *out++ = loop->parts[k] != 0;
    for (size_t k = 0; k < pg_made_by(loop->body, loop->back); k++)
        out = pg_put(out, PG_NO_SLOT, SLOT);
    return out;
}

void pg_program_write(const pg_program *p, size_t inputs, const uint16_t *codes, const pg_bodies *bodies,
                      unsigned char *out)
{
    const size_t counts[COUNTS] = {inputs,    p->lives,  p->uniforms, p->constants, p->lanes,     p->outputs,
                                   p->guards, p->length, p->once,     p->spread,    p->term_count};
    for (int i = 0; i < COUNTS; i++)
        out = pg_put(out, counts[i], 4);
    for (size_t i = 0; i < p->constants; i++)
        out = pg_put_double(out, p->constant_values[i]);
    for (size_t i = 0; i < inputs; i++)
        out = pg_put(out, p->input_slots[i], 4);
    for (size_t i = 0; i < p->outputs; i++)
        out = pg_put(out, p->result_slots[i], 4);
    for (size_t i = 0; i < p->length; i++) {
        const pg_instruction *in = &p->code[i];
        out = pg_put(pg_put(out, codes[in->code], 2), in->expected, 2);
        out = pg_put(pg_put(pg_put(pg_put(out, in->out, 4), in->a, 4), in->b, 4), in->c, 4);
        out = pg_put(pg_put(out, in->first, 4), in->count, 4);
    }
    for (size_t i = 0; i < p->term_count; i++) {
        const pg_term *t = &p->terms[i];
        out = pg_put(pg_put(out, t->a, 4), t->b, 4);
        out = pg_put(pg_put(out, t->absorbing, 2), t->subtracted, 2);
    }
    for (size_t i = 0; i < p->loop_count; i++)
        out = write_loop(p->loops[i], bodies, out);
}

/* -- reading ------------------------------------------------------------------------------------ */

static void read_counts(pg_program *p, const unsigned char **at)
{
    size_t *const counts[COUNTS] = {&p->inputs, &p->lives,  &p->uniforms, &p->constants, &p->lanes,     &p->outputs,
                                    &p->guards, &p->length, &p->once,     &p->spread,    &p->term_count};
    for (int i = 0; i < COUNTS; i++)
        *counts[i] = (size_t)pg_take(at, 4);
}

static int read_arrays(pg_program *p, const unsigned char *at, const uint16_t *codes, size_t count)
{
    for (size_t i = 0; i < p->constants; i++)
        p->constant_values[i] = pg_take_double(&at);
    for (size_t i = 0; i < p->inputs; i++)
        p->input_slots[i] = take_slot(&at);
    for (size_t i = 0; i < p->outputs; i++)
        p->result_slots[i] = take_slot(&at);
    for (size_t i = 0; i < p->length; i++) {
        pg_instruction *in = &p->code[i];
        const size_t code = (size_t)pg_take(&at, 2);
        if (code >= count)
            return 0;
        in->code = codes[code];
        in->expected = (uint16_t)pg_take(&at, 2);
        in->out = take_slot(&at);
        in->a = take_slot(&at);
        in->b = take_slot(&at);
        in->c = take_slot(&at);
        in->first = take_slot(&at);
        in->count = take_slot(&at);
    }
    for (size_t i = 0; i < p->term_count; i++) {
        pg_term *t = &p->terms[i];
        t->a = take_slot(&at);
        t->b = take_slot(&at);
        t->absorbing = (uint16_t)pg_take(&at, 2);
        t->subtracted = (uint16_t)pg_take(&at, 2);
    }
    return 1;
}

/* Room for the arrays, whose counts are known; false for want of memory. */
static int make_room(pg_program *p)
{
    p->constant_values = pg_alloc(p->constants + 1, sizeof *p->constant_values);
    p->input_slots = pg_alloc(p->inputs + 1, sizeof *p->input_slots);
    p->result_slots = pg_alloc(p->outputs + 1, sizeof *p->result_slots);
    p->code = pg_alloc(p->length + 1, sizeof *p->code);
    p->terms = pg_alloc(p->term_count + 1, sizeof *p->terms);
    return p->constant_values != NULL && p->input_slots != NULL && p->result_slots != NULL && p->code != NULL &&
           p->terms != NULL;
}

/* -- loops --------------------------------------------------------------------------------------- */

/* A loop as it stands there. */
typedef struct {
    uint32_t body, back;
    const unsigned char *parts;
} named;

/* The next one before the end; false if there is none. */
static int next_loop(const unsigned char **at, const unsigned char *end, const pg_bodies *bodies, named *found)
{
    const size_t count = bodies == NULL ? 0 : bodies->count;
    if (end - *at < LOOP)
        return 0;
    found->body = (uint32_t)pg_take(at, 4);
    found->back = (uint32_t)pg_take(at, 4);
    found->parts = *at;
    if (found->body >= count || (found->back >= count && found->back != PG_NO_BODY))
        return 0;
    const pg_body *body = bodies->all[found->body].body;
    const pg_body *back = found->back == PG_NO_BODY ? NULL : bodies->all[found->back].body;
    const size_t parts = back == NULL ? 0 : pg_parts_of(body);
    if (parts > (size_t)(end - *at) || (back != NULL && !pg_goes_back(back, body, found->parts)))
        return 0;
    *at += parts;
    for (size_t k = pg_made_by(body, back); k != 0; k--)
        if (end - *at < SLOT || take_slot(at) != PG_NO_SLOT)
            return 0;
    return 1;
}

/* The loops from here to the end. 1, 0, or -1 for want of memory. */
static int read_loops(pg_program *p, const unsigned char *at, const unsigned char *end, const pg_bodies *bodies,
                      pg_extent *extent)
{
    named loop;
    size_t count = 0;
    for (const unsigned char *next = at; next != end; count++)
        if (!next_loop(&next, end, bodies, &loop) || !pg_extend(extent, bodies, loop.body, loop.back))
            return 0;
    p->loops = count == 0 ? NULL : (void **)pg_alloc(count, sizeof *p->loops);
    if (p->loops == NULL)
        return count == 0 ? 1 : -1;
    while (next_loop(&at, end, bodies, &loop)) {
        pg_body *body = bodies->all[loop.body].body;
        pg_body *back = loop.back == PG_NO_BODY ? NULL : bodies->all[loop.back].body;
        pg_loop *made = pg_loop_make(pg_body_retain(body), back == NULL ? NULL : pg_body_retain(back),
                                     back == NULL ? NULL : loop.parts);
        if (made == NULL)
            return -1;
        p->loops[p->loop_count++] = made;
    }
    return 1;
}

/* -- the whole ------------------------------------------------------------------------------------ */

int pg_program_parse(const unsigned char *bytes, size_t size, const uint16_t *codes, size_t count,
                     const pg_bodies *bodies, pg_extent *extent, pg_program **out)
{
    const unsigned char *at = bytes;
    pg_program counts = {0};
    if (size < 4 * COUNTS)
        return 0;
    read_counts(&counts, &at);
    const uint64_t plain = size_of(&counts);
    if (plain > size)
        return 0;
    pg_program *p = pg_alloc(1, sizeof *p);
    if (p == NULL)
        return -1;
    *p = counts;
    *extent = pg_extent_of(bodies, size);
    int sound = read_loops(p, bytes + plain, bytes + size, bodies, extent);
    if (sound == 1)
        sound = !make_room(p) ? -1 : read_arrays(p, at, codes, count);
    if (sound == 1)
        *out = p;
    else
        pg_program_free(p);
    return sound;
}

int pg_program_read(const unsigned char *bytes, size_t size, size_t lives, const uint16_t *codes, size_t count,
                    const pg_bodies *bodies, pg_program **out)
{
    pg_extent extent;
    pg_program *p;
    int sound = pg_program_parse(bytes, size, codes, count, bodies, &extent, &p);
    if (sound != 1)
        return sound;
    sound = p->lives == lives ? pg_program_verify(p) : 0;
    if (sound == 1)
        *out = p;
    else
        pg_program_free(p);
    return sound;
}
