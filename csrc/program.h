/* program.h: a compiled program, shared by program.c, which makes it, and evaluate.c, which runs it. */
#ifndef PG_PROGRAM_H
#define PG_PROGRAM_H

#include "core.h"

/* Where a number is kept while a program runs. Numbers that are the same for all rows (uniform) stand one by
 * one; the others in lanes, a block of PG_LANES rows at a time. A slot says which by its highest bit. */
typedef uint32_t pg_slot;
#define PG_ROW UINT32_C(0x80000000)
#define PG_NO_SLOT UINT32_C(0x7fffffff)
enum { PG_LANES = 64, PG_PIECE = 16 * PG_LANES };

/* Codes of instructions that are no op of the table. */
enum pg_code {
    PG_CODE_FUSED = PG_OPCODE_COUNT, /* out = a + sum of terms, from left to right */
    PG_CODE_SPREAD,        /* out (lanes) = a (uniform) */
    PG_CODE_GUARD,         /* rows where comparing a and b does not give expected leave the path */
    PG_CODE_OUTPUT,        /* output number out of each row = a */
    PG_CODE_TOTAL,         /* total number out += a, over rows */
    PG_CODE_TOTAL_PRODUCT  /* total number out += a * b, over rows, where an exact 0 wins */
};

typedef struct {
    uint16_t code;         /* an op of the table, or a pg_code */
    uint16_t expected;     /* guard: how to compare, times 2, plus the outcome; sums and products: whether one of
                            * the products is absorbing */
    uint32_t out;          /* a slot, or a number of an output, total or guard */
    pg_slot a, b, c;
    uint32_t first, count; /* fused: its terms */
} pg_instruction;

/* a * b, or a alone if b is PG_NO_SLOT. If only one has lanes it is a. */
typedef struct {
    pg_slot a, b;
    uint32_t absorbing;    /* an exact 0 wins over inf and nan in the product */
} pg_term;

struct pg_program {
    size_t inputs;         /* how many; input i is uniform or has lanes, see input_slots */
    size_t lives;          /* uniforms that are read at each call, after the inputs */
    size_t uniforms;       /* uniform slots: lives, constants, results */
    size_t constants;      /* those that follow the lives */
    size_t lanes;          /* slots of lanes */
    size_t outputs, guards;
    double *constant_values;
    pg_slot *input_slots;  /* for input i: where it goes, or PG_NO_SLOT if nothing needs it */
    pg_slot *result_slots; /* for output i: its slot if it is uniform, or PG_NO_SLOT */
    pg_instruction *code;
    size_t length;
    size_t once;           /* instructions before this one are uniform: once per call */
    size_t spread;         /* from there to before this one: uniforms spread over lanes, once per thread */
    pg_term *terms;
    size_t term_count;
};

#endif
