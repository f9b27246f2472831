/* draft.h: a program in the making: values, each what an instruction would compute, before it is known which are
 * needed and where they go.
 *
 * A value is its number in the list; its operands have smaller numbers, and no two values of the table are the
 * same. What comes in between is noted in failed, a want of memory or a wish to stop: what is added from there on does
 * not matter. */
#ifndef PG_DRAFT_H
#define PG_DRAFT_H

#include "graph/several.h"
#include "graph/stopping.h"
#include "program/program.h"

#include <math.h>

enum { NONE = INT32_MAX };      /* no value, no term */

/* Where a value comes from, besides the ops of the table, PG_CODE_FUSED, PG_CODE_LOOP, PG_CODE_CALL and those of tables.
 * An item is the result of the loop or call a whose number is in tail. */
enum origin { INPUT = PG_CODE_COUNT, LIVE, CONSTANT, ITEM };

typedef struct {
    union {
        double number; /* of a constant */
        struct { uint32_t head, tail; /* fused: a list of terms after the start a; of a table the items; else NONE */ };
    };
    uint32_t a, b, c; /* operands, NONE where there are none; of an input or live value a is its number */
    uint32_t uses;
    uint32_t
        users; /* the last value made whose last operand this is: the head of a chain; of a loop or call its number */
    uint32_t next; /* in that chain, or in one of values with the same hash, or of all calls, or items of one */
    pg_slot slot; /* where its instruction puts it */
    union {
        pg_slot spread; /* where a uniform stands in lanes */
        uint32_t place; /* of rows: among what is needed of them */
    };
    uint16_t op;
    uint8_t row; /* differs by row */
    uint8_t needed;
    uint8_t rule; /* of a search */
} value;

/* A term while the program is made: a * b, or a alone if b is NONE. */
typedef struct {
    uint32_t a, b, next;
    uint16_t absorbing, subtracted;
} draft_term;

/* A loop or a call of a node's. */
typedef struct {
    const pg_several *rule; /* borrowed */
    uint32_t guards; /* of a call: how many have to hold before it runs */
    uint32_t items; /* of a call: the head of a chain of values, or NONE */
} draft_several;

typedef struct {
    value *values;
    size_t count, capacity;
    draft_term *terms;
    size_t term_count, term_capacity;
    uint32_t *buckets; /* heads of chains by hash, for constants and where chains of users get long */
    size_t bucket_mask;
    struct draft_table *tables; /* see table.c */
    size_t table_count, table_capacity;
    draft_several *loops; /* and calls */
    size_t loop_count, loop_capacity;
    int contracts; /* sums may be: see fuse.h */
    uint32_t last_call; /* a value, the head of a chain of all calls; or NONE */
    int rows; /* an input differs by row */
    pg_status failed; /* PG_OK, PG_NO_MEMORY, PG_STOPPED */
    pg_work work;
} draft;

/* An empty draft for about so many nodes; false for want of memory. Caller owns, until pg_draft_close, either way. */
int pg_draft_open(draft *d, size_t nodes);
void pg_draft_close(draft *d);

/* Notes that no memory was had, if nothing is noted yet. */
static inline void draft_lacks_memory(draft *d)
{
    if (d->failed == PG_OK)
        d->failed = PG_NO_MEMORY;
}

/* Adds a value, whatever is there, and gives its number. */
uint32_t pg_draft_add(draft *d, const value *v);

/* Adds a term behind those that sum has. */
void pg_draft_add_term(draft *d, value *sum, draft_term t);

/* The value, or the one that is the same and was there before; *v is written to. */
uint32_t pg_draft_unique(draft *d, value *v);

/* The value of a number; bits make the difference, so 0.0 and -0.0 are two. */
uint32_t pg_draft_constant(draft *d, double number);

/* The value of op on a, and on b if that is not NONE, if there is one; else NONE. */
uint32_t pg_draft_find(const draft *d, int op, uint32_t a, uint32_t b);

/* A value, or an item of the code, was dealt with: false if that is to be the end. */
static inline int goes_on(draft *d)
{
    enum { STEPS = 8 };
    if (PG_UNLIKELY(!pg_goes_on(&d->work, STEPS)) && d->failed == PG_OK)
        d->failed = PG_STOPPED;
    return d->failed == PG_OK;
}

static inline int is_row(const draft *d, uint32_t i)
{
    return i != NONE && d->values[i].row;
}

static inline int is_product(const value *v)
{
    return v->op == PG_OP_mul || v->op == PG_OP_mul0;
}

static inline value blank(int op, uint32_t a, uint32_t b, uint32_t c)
{
    return (value){.op = (uint16_t)op,
                   .a = a,
                   .b = b,
                   .c = c,
                   .head = NONE,
                   .tail = NONE,
                   .users = NONE,
                   .next = NONE,
                   .slot = PG_NO_SLOT,
                   .spread = PG_NO_SLOT};
}

static inline int is_constant(const draft *d, uint32_t i)
{
    return i == NONE || d->values[i].op == CONSTANT;
}

static inline int is_number(const draft *d, uint32_t i, double x)
{
    return i != NONE && d->values[i].op == CONSTANT && d->values[i].number == x;
}

/* Whether it changes no bit of what is added to it. */
static inline int pg_is_nothing(const draft *d, uint32_t i)
{
    return is_number(d, i, 0.0) && signbit(d->values[i].number);
}

static inline double number_of(const draft *d, uint32_t i)
{
    return i == NONE ? 0.0 : d->values[i].number;
}

#endif
