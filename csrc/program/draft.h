/* draft.h: a program in the making, shared by program.c, which finds out what is to be computed, and code.c, which
 * writes the instructions. */
#ifndef PG_DRAFT_H
#define PG_DRAFT_H

#include "program/program.h"

enum { NONE = INT32_MAX };      /* no value, no term */

/* Where a value comes from, besides the ops of the table and PG_CODE_FUSED. */
enum origin { INPUT = PG_CODE_COUNT, LIVE, CONSTANT };

typedef struct {
    union {
        double number;     /* of a constant */
        struct {
            uint32_t head, tail; /* fused: a list of terms after the start a; else NONE */
        };
    };
    uint32_t a, b, c;      /* operands, NONE where there are none; of an input or live value a is its number */
    uint32_t uses;
    uint32_t users;        /* the last value made whose last operand this is: the head of a chain */
    uint32_t next;         /* in that chain, or in one of values with the same hash */
    pg_slot slot, spread;  /* where its instruction puts it; where a uniform stands in lanes */
    uint16_t op;
    uint8_t row;           /* differs by row */
    uint8_t needed;
} value;

/* A term while the program is made: a * b, or a alone if b is NONE. */
typedef struct {
    uint32_t a, b, next;
    uint32_t absorbing;
} draft_term;

typedef struct {
    value *values;
    size_t count, capacity;
    draft_term *terms;
    size_t term_count, term_capacity;
    uint32_t *buckets;     /* heads of chains by hash, for constants and where chains of users get long */
    size_t bucket_mask;
    int failed;            /* no memory */
} draft;

/* Room for one more item of an array that grows; false for want of memory. */
int pg_draft_room(void **items, size_t count, size_t *capacity, size_t size);

/* The value of op on a, if there is one; else NONE. */
uint32_t pg_draft_find(const draft *d, int op, uint32_t a);

static inline int is_row(const draft *d, uint32_t i)
{
    return i != NONE && d->values[i].row;
}

static inline int is_product(const value *v)
{
    return v->op == PG_OP_mul || v->op == PG_OP_mul0;
}

/* code.c: the program for a draft whose uses are counted. guards has two values for each guard, results one for
 * each output. Caller owns. */
pg_status pg_write_program(draft *d, const pg_trace *t, const uint32_t *guards, const uint32_t *results,
                           pg_program **out);

#endif
