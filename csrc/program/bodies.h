/* bodies.h: the bodies of loops, as files have them.
 *
 * A file has each body once, whichever loops it is of: its program for lanes, from which the other one is made
 * (flatten.h), after those of the loops in it. Loops stand with the programs that they are in: numbers of bodies. What is
 * read is bounded: loops in loops no deeper than PG_DEEPEST_LOOP, and a program whose loops had their bodies in their
 * places, all the way down, no larger than PG_MOST_WRITTEN_OUT times what the file has. */
#ifndef PG_BODIES_H
#define PG_BODIES_H

#include "program/loop.h"

enum { PG_MOST_WRITTEN_OUT = 64 };

/* A body, and what it comes to with all that is in it. */
typedef struct pg_shelved {
    pg_body *body;
    uint64_t bytes;        /* of a file, with the bodies of its loops in their places */
} pg_shelved;

/* A loop of a program as a file has it: the numbers of its bodies, that of the way back or PG_NO_BODY; its parts, if it
 * goes back; and an empty slot for each number that it makes, so that nobody's memory is asked for more than the file's
 * size allows. */
#define PG_NO_BODY 0xffffffffu

/* What a program comes to with its loops: how many bytes, of how many that it may. */
typedef struct { uint64_t bytes, most; } pg_extent;

/* Of a program of so many bytes, before its loops; then with one more, of these numbers: false if that is too much. */
pg_extent pg_extent_of(const pg_bodies *bodies, uint64_t bytes);
int pg_extend(pg_extent *e, const pg_bodies *bodies, size_t body, size_t back);

/* The number of a body among them; PG_NO_BODY for NULL. */
uint32_t pg_body_number(const pg_bodies *bodies, const pg_body *body);

/* Whether a body is that of the way back through another one, with these parts. */
int pg_goes_back(const pg_body *back, const pg_body *body, const uint8_t *parts);

/* How many numbers a loop makes. */
static inline size_t pg_made_by(const pg_body *body, const pg_body *back)
{
    return (back == NULL ? body : back)->scan.made * body->scan.length;
}

/* Whether a program keeps to what the lanes of a loop's block rely on, of whose inputs so many, the last ones, are the same
 * in all rows: 1, 0, or -1 for want of memory. In verify.c. */
int pg_body_verify(const pg_program *wide, size_t known);

/* pg_program_read but for what a program is verified for, and what it comes to. In saved.c. */
int pg_program_parse(const unsigned char *bytes, size_t size, const uint16_t *codes, size_t count,
                     const pg_bodies *bodies, pg_extent *extent, pg_program **out);

/* Little-endian numbers of so many bytes. */
static inline unsigned char *pg_put(unsigned char *at, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(number >> 8 * i);
    return at + bytes;
}

static inline uint64_t pg_take(const unsigned char **at, int bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < bytes; i++)
        number |= (uint64_t)(*at)[i] << 8 * i;
    *at += bytes;
    return number;
}

static inline unsigned char *pg_put_double(unsigned char *at, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return pg_put(at, bits, 8);
}

static inline double pg_take_double(const unsigned char **at)
{
    const uint64_t bits = pg_take(at, 8);
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

#endif
