/* noting.h: which values of a body the way forward notes for the way back, in the programs for lanes or those for numbers:
 * noting.c chooses them, noted.c writes the programs. */
#ifndef PG_NOTING_H
#define PG_NOTING_H

#include "program/loop.h"

enum { PG_NOBODY = INT32_MAX };

/* A program whose values have numbers: what has the same number in both is the same. An argument stands for a slot that an
 * instruction reads: which value is there, and which instruction has put it there, or, from the program's length on,
 * which input; or PG_NOBODY. */
typedef struct {
    const pg_program *p;
    uint32_t *out; /* for each instruction */
    uint32_t *first; /* its arguments, up to those of the next one */
    uint32_t *values, *makers; /* of arguments */
    uint32_t *results; /* makers of results */
    uint32_t *there, *by; /* what stands in a slot: uniforms, then lanes */
    uint32_t *last, *before; /* a table by hash of arguments: the last instruction, and the one before each */
    size_t mask;
} pg_numbered;

/* The instructions of the way back. */
typedef struct {
    pg_numbered body, back;
    size_t seeds; /* inputs of the way back before those that the body has, too */
    size_t to_note;
    uint32_t *same; /* for each instruction the body's of the same value, or its partner, or PG_NOBODY */
    uint8_t *joins; /* whether it is that: the way forward computes both, at little more than the price of one */
    uint8_t *may; /* whether that may be noted: a result has a place already */
    uint8_t *noted, *needed; /* needed ones go on with the inputs */
} pg_choice;

/* Chooses of the values of two programs, of bodies that may be noted. wide: those for lanes. False for want of memory; *noted
 * is how many, and with 0 there is nothing to close. Owns its memory until pg_choice_close. */
int pg_choose_notes(pg_choice *c, const pg_body *body, const pg_body *back, int wide, size_t *noted);
void pg_choice_close(pg_choice *c);

#endif
