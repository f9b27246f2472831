/* program.h: a compiled program: what its makers and readers know of pg_program besides pygrad.h.
 *
 * Nobody changes a program once it is made. What verify.c checks holds for each: every instruction reads what was
 * written before it and stays within its slots, uniform slots are written once, guards of rows come before
 * results. */
#ifndef PG_PROGRAM_H
#define PG_PROGRAM_H

#include "graph/node.h"

#include <string.h>

/* See loop.h. */
typedef struct pg_loop pg_loop;

/* See pack.h. */
typedef struct pg_pack pg_pack;

/* Rows of a block; and lanes at work: of a block of few rows so many more that they are eights. */
enum { PG_LANES = 64, PG_EIGHT = 8 };

/* Codes of instructions that are no op of the table. */
enum pg_code {
    PG_CODE_FUSED = PG_OPCODE_COUNT, /* out = a + sum of terms, from left to right */
    PG_CODE_CONTRACTED,    /* the same, each product and the addition behind it rounded once: see contracted.h */
    PG_CODE_SEARCH,        /* out = the cell of a among a table of keys, by the rule expected: see lookup.h */
    PG_CODE_TAKE,          /* out = the item of a table that a is the number of, or nan */
    PG_CODE_SPREAD,        /* out (lanes) = a (uniform) */
    PG_CODE_GUARD,         /* rows where comparing a and b does not give expected leave the path */
    PG_CODE_OUTPUT,        /* output number out of each row = a */
    PG_CODE_TOTAL,         /* total number out += a, over rows */
    PG_CODE_TOTAL_LESS,    /* total number out -= a, over rows */
    PG_CODE_TOTAL_PRODUCT, /* total number out += a * b, or c (uniform) + a * b, over rows */
    PG_CODE_TOTAL_UNIFORM, /* total number out += a, which is uniform, for each row */
    PG_CODE_LOOP,          /* slots from out on = the results of loop number a, whose operands are the terms */
    PG_CODE_CALL,          /* the same of a call, which stands among the loops: see call.h */
    PG_CODE_COUNT
};

/* Whether a code reads from a table; and the slot of item i of such an instruction. */
static inline int is_of_table(unsigned code)
{
    return code == PG_CODE_SEARCH || code == PG_CODE_TAKE;
}

static inline pg_slot pg_slot_of_item(const pg_program *p, const pg_instruction *in, uint32_t i)
{
    return in->b != PG_NO_SLOT ? in->b + i : p->terms[in->first + i].a;
}

/* Whether a code is of sums of terms. */
static inline int pg_is_sum(unsigned code)
{
    return code == PG_CODE_FUSED || code == PG_CODE_CONTRACTED;
}

/* Whether a code has several results, and in the place of operand a the number of a loop or call. */
static inline int pg_is_several(unsigned code)
{
    return code == PG_CODE_LOOP || code == PG_CODE_CALL;
}

/* Whether instructions of a code have terms, or items of a table: others have none, so that who goes through those of any
 * instruction need not ask. */
static inline int pg_has_items(unsigned code)
{
    return pg_is_sum(code) || pg_is_several(code) || is_of_table(code);
}

/* Constants into their uniform slots. */
static inline void pg_place_constants(const pg_program *p, double *uniforms)
{
    if (p->constants != 0)
        memcpy(uniforms + p->lives, p->constant_values, p->constants * sizeof *uniforms);
}

/* The op that costs little in lanes beside op on the same operands, -1 if none does: order.c puts the two together. */
static inline int pg_partner(int op)
{
    switch (op) {
    case PG_OP_tanh:
        return PG_OP_sech2;
    case PG_OP_sech2:
        return PG_OP_tanh;
    case PG_OP_sigmoid:
        return PG_OP_sigmoid_dx;
    case PG_OP_sigmoid_dx:
        return PG_OP_sigmoid;
    case PG_OP_sin:
        return PG_OP_cos;
    case PG_OP_cos:
        return PG_OP_sin;
    case PG_OP_pow:
    case PG_OP_pown:
    case PG_OP_power:
        return PG_OP_pow_dx;
    case PG_OP_gamma:
        return PG_OP_gamma_dx;
    case PG_OP_lgamma:
        return PG_OP_digamma;
    default:
        return -1;
    }
}

/* Whether two instructions in a row are partners, which one function computes together. */
static inline int pg_is_pair(const pg_instruction *in, const pg_instruction *end)
{
#ifndef PG_LIBM_LANES
    if (in + 1 == end || in[1].code != pg_partner(in->code))
        return 0;
    const int like = (in[1].a == in->a) & (in[1].b == in->b), apart = in[1].out != in->out;
    const int first = (in->out != in->a) & (in->out != in->b), second = (in[1].out != in->a) & (in[1].out != in->b);
    return like & apart & first & second;
#else
    (void)in, (void)end;
    return 0;
#endif
}

#endif
