/* pack.h: the uniform instructions of a program once more, for one row after another: independent ones of a kind side by
 * side, as one step that does eight numbers at a time.
 *
 * Which numbers are computed, and from which, is as in the program, and so are their bits; only the order of independent
 * instructions is another. Guards and loops stay in theirs, so a call ends where it would have ended.
 *
 * Packed results stand in slots of their own behind those of the program, in blocks of eight. What is not packed, and what
 * the caller puts there (lives, constants, inputs), stays in the slot that the program has for it. */
#ifndef PG_PACK_H
#define PG_PACK_H

#include "program/program.h"

enum { PG_SIDE = 8 }; /* numbers that stand side by side */

/* Codes of steps besides those of instructions that are packed: count instructions of the rest, from number out on; and with
 * the code of an op added, it and its partner, whose block follows the other's. */
enum { PG_STEP_ALONE = PG_CODE_COUNT, PG_STEP_PAIR };

typedef struct {
    uint16_t code;
    uint16_t absorbing; /* one of the products is */
    uint32_t count, out; /* numbers; the first of their slots */
    uint32_t terms; /* of a fused sum; operands of another op */
    uint32_t like; /* one of the program's instructions that it stands for */
    size_t words; /* where its operands begin */
} pg_step;

/* Operands of a step, stretch by stretch: a word says how many eights the stretch has. Then one operand after the other, a
 * word: the first of slots side by side; or one slot for all and PG_FOR_ALL; or, in a stretch of one, PG_EACH and eight words
 * more; or PG_NO_FACTOR, of a term that has none. */
#define PG_FOR_ALL 0x80000000u
#define PG_EACH 0x7ffffffeu
#define PG_NO_FACTOR 0x7fffffffu

/* The rest is the program with what is not packed for its code. Its code, terms and result_slots are the pack's own, in its
 * slots; all else is the program's. */
struct pg_pack {
    const pg_program *of;
    size_t refs;
    pg_program rest;
    pg_step *steps;
    size_t step_count, step_capacity;
    uint32_t *words;
    size_t word_count, word_capacity, code_capacity, term_capacity;
};

/* A pack of a program that outlives it. PG_OK with *out NULL where it would not be worth its while. Caller owns a
 * reference, to be given back by pg_pack_release. Who counts references holds Python's lock. */
pg_status pg_pack_make(const pg_program *p, pg_pack **out);

/* One more reference. Returns k. */
pg_pack *pg_pack_retain(pg_pack *k);

/* One less; NULL is allowed. */
void pg_pack_release(pg_pack *k);

/* After how many calls a program is to be packed: see pg_pack_choose. */
size_t pg_pack_after(void);

/* pg_uniforms_run on memory of pg_uniform_bytes(&k->rest), which was 0 at first; results are where k->rest.result_slots
 * says. */
int pg_pack_run(const pg_pack *k, double *uniforms, uint32_t *guard);

#endif
