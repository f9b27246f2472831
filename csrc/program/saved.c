/* saved.c: a program as bytes and back. Little-endian, field by field, so that a file does not depend on the
 * machine: the counts below, then constants, slots of inputs, slots of results, instructions and terms. */
#include "program/program.h"

#include <string.h>

enum { COUNTS = 11, INSTRUCTION = 28, TERM = 12 }; /* how many counts, and bytes of an item */

/* -- bytes -------------------------------------------------------------------------------------- */

static unsigned char *put(unsigned char *at, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(number >> 8 * i);
    return at + bytes;
}

static uint64_t take(const unsigned char **at, int bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < bytes; i++)
        number |= (uint64_t)(*at)[i] << 8 * i;
    *at += bytes;
    return number;
}

static uint32_t take_slot(const unsigned char **at)
{
    return (uint32_t)take(at, 4);
}

/* Bytes of a program with these counts. Counts come from four bytes each, so nothing overflows. */
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
    return (size_t)size_of(&counts);
}

void pg_program_write(const pg_program *p, size_t inputs, const uint16_t *codes, unsigned char *out)
{
    const size_t counts[COUNTS] = {inputs,    p->lives,  p->uniforms, p->constants, p->lanes,     p->outputs,
                                   p->guards, p->length, p->once,     p->spread,    p->term_count};
    for (int i = 0; i < COUNTS; i++)
        out = put(out, counts[i], 4);
    for (size_t i = 0; i < p->constants; i++) {
        uint64_t bits;
        memcpy(&bits, &p->constant_values[i], sizeof bits);
        out = put(out, bits, 8);
    }
    for (size_t i = 0; i < inputs; i++)
        out = put(out, p->input_slots[i], 4);
    for (size_t i = 0; i < p->outputs; i++)
        out = put(out, p->result_slots[i], 4);
    for (size_t i = 0; i < p->length; i++) {
        const pg_instruction *in = &p->code[i];
        out = put(put(out, codes[in->code], 2), in->expected, 2);
        out = put(put(put(put(out, in->out, 4), in->a, 4), in->b, 4), in->c, 4);
        out = put(put(out, in->first, 4), in->count, 4);
    }
    for (size_t i = 0; i < p->term_count; i++)
        out = put(put(put(out, p->terms[i].a, 4), p->terms[i].b, 4), p->terms[i].absorbing, 4);
}

/* -- reading ------------------------------------------------------------------------------------ */

static void read_counts(pg_program *p, const unsigned char **at)
{
    size_t *const counts[COUNTS] = {&p->inputs, &p->lives,  &p->uniforms, &p->constants, &p->lanes,     &p->outputs,
                                    &p->guards, &p->length, &p->once,     &p->spread,    &p->term_count};
    for (int i = 0; i < COUNTS; i++)
        *counts[i] = (size_t)take(at, 4);
}

static int read_arrays(pg_program *p, const unsigned char *at, const uint16_t *codes, size_t count)
{
    for (size_t i = 0; i < p->constants; i++) {
        uint64_t bits = take(&at, 8);
        memcpy(&p->constant_values[i], &bits, sizeof bits);
    }
    for (size_t i = 0; i < p->inputs; i++)
        p->input_slots[i] = take_slot(&at);
    for (size_t i = 0; i < p->outputs; i++)
        p->result_slots[i] = take_slot(&at);
    for (size_t i = 0; i < p->length; i++) {
        pg_instruction *in = &p->code[i];
        const size_t code = (size_t)take(&at, 2);
        if (code >= count)
            return 0;
        in->code = codes[code];
        in->expected = (uint16_t)take(&at, 2);
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
        t->absorbing = take_slot(&at);
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

int pg_program_read(const unsigned char *bytes, size_t size, size_t lives, const uint16_t *codes, size_t count,
                    pg_program **out)
{
    if (size < 4 * COUNTS)
        return 0;
    pg_program counts = {0};
    read_counts(&counts, &bytes);
    if (size_of(&counts) != size || counts.lives != lives)
        return 0;
    pg_program *p = pg_alloc(1, sizeof *p);
    if (p == NULL)
        return -1;
    *p = counts;
    int sound = !make_room(p) ? -1 : read_arrays(p, bytes, codes, count) ? pg_program_verify(p) : 0;
    if (sound == 1)
        *out = p;
    else
        pg_program_free(p);
    return sound;
}
