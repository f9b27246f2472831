/* loop.h: loops of programs: what one is, and how it runs.
 *
 * A loop that goes forward has a state of n numbers and m that it has captured; its body is a program whose inputs are
 * these and whose results are the new state and, where a condition says how long it goes on, whether it does. Its operands
 * are the state at first, the number of trips, or whether it begins, and what is captured; its results the state at last
 * and the number of trips.
 *
 * A scan is a loop that is given an item of some columns at each trip, and makes one of others: see pg_scan. The inputs of
 * its body come behind those of any loop, and so do the body's results, the operands, column by column, and the results.
 * What no trip has made is 0. A scan that goes back is given what the other was, and what has arrived at what that made; it
 * makes the derivatives by what that was given.
 *
 * A loop that goes back is the derivative of one that goes forward: its operands are those of that one, and then what has
 * arrived at some of its results; its results are the derivatives by some operands. It runs the other loop first and keeps
 * the states on the way: all of them as long as they find room in PG_HISTORY bytes, for a block of rows, or
 * PG_HISTORY_OF_NUMBERS, then every second, fourth and so on.
 * Going back it computes those between two that were kept once more: two levels of checkpoints, as in Griewank and
 * Walther, Evaluating Derivatives, chapter 12. */
#ifndef PG_LOOP_H
#define PG_LOOP_H

#include "graph/several.h"
#include "program/block.h"
#include "program/failure.h"

/* Whose rules loops have: derived.c. */
extern const pg_several_kind pg_loop_kind;

enum { PG_HISTORY = 8 << 20, PG_HISTORY_OF_NUMBERS = 32 << 20 };

/* So many loops stand in one another at most, in what is traced and in files: one runs, is derived and is released within
 * the one around it, each on the stack, of which so many take less than 512 KiB. */
enum { PG_DEEPEST_LOOP = 64 };

/* Numbers that several bodies have. */
typedef struct {
    int refs;
    double at[];
} pg_columns;

/* What makes a loop a scan: columns, each of a number for a trip. All 0 in other loops. */
typedef struct {
    size_t given, made;    /* columns that are operands; columns of results */
    size_t known;          /* columns of numbers that are the same in each call */
    size_t length;         /* of a column; more trips there are not */
    int reverse;           /* the first trip has the last of them */
    pg_columns *numbers;   /* of the columns that are known, one after the other; NULL if there are none */
} pg_scan;

/* Numbers that stand side by side: so many uniforms from a slot on, which are those from a place on of a state. */
typedef struct {
    pg_slot slot;
    uint32_t place, count;
} pg_stretch;

typedef struct {
    pg_stretch *all;       /* those of a single number behind the others; NULL if there are none */
    size_t count, longer;
} pg_stretches;

/* The same body twice: for numbers, and for lanes. Shared. Its inputs are the state, what is captured, what is given and
 * what is known; its results the state, whether it goes on, and what it makes. */
typedef struct {
    pg_program *flat, *wide;
    pg_program *turned;    /* the other one of wide, or NULL: see turned.h */
    pg_pack *pack;         /* of flat, or NULL: see pack.h */
    const pg_program *numbers; /* what runs on numbers: flat, or the pack's own */
    pg_stretches begin, end; /* where numbers has the state: as inputs, as results */
    pg_stretches noted;    /* and the results that are noted: see noted.h */
    size_t state, captured;
    int counts;            /* the number of trips is given */
    double most;           /* trips */
    int refs;
    int contracts;         /* its sums are contracted, and those of its derivatives */
    pg_scan scan;
    size_t steps; /* of flat: pg_program_steps(); known before there is a loop of it, so that nobody goes down loops */
    unsigned depth; /* of loops in one another, this one among them */
    const char *calls; /* the same: pg_program_calls() of wide, which owns it */
} pg_body;

/* How many operands a loop that goes forward has; and how many flags its parts are: see parts in pg_loop. */
static inline size_t pg_operands_of(const pg_body *b)
{
    return b->state + 1 + b->captured + b->scan.given * b->scan.length;
}

static inline size_t pg_parts_of(const pg_body *b)
{
    return b->state + b->captured + b->scan.given + b->scan.made;
}

/* Whether there is one trip at most. */
static inline int pg_is_way(const pg_body *b)
{
    return b->most <= 1.0;
}

static inline size_t pg_count_flags(const uint8_t *flags, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += flags[i] != 0;
    return found;
}

struct pg_loop {
    pg_several base;
    pg_body *body;
    pg_body *back; /* NULL if it goes forward; else its state is the derivatives by parts of the body's state,
                            * then those by captured ones; it has captured the body's state, and what that has */
    pg_body *ahead, *behind; /* of one that goes back, the two for lanes that note: see noted.h; or body and back */
    size_t noted;
    pg_body *flat_ahead, *flat_behind; /* the same for numbers */
    size_t flat_noted, flat_kept;
    pg_stretches kept,
        restored; /* of flat_kept numbers: which of the state they are, and where the way back reads them */
    uint8_t *parts; /* for each number of the body's state, each that is captured, each column given, whether it is
                     * among these; for each column made, whether something has arrived there */
    size_t back_state; /* how many of the first kind */
    pg_loop **derived; /* made before, for other derivatives: see derived.c. Owned */
    size_t derived_count, derived_capacity;
    uint8_t *wanted; /* of a derived one: what it was made for. Owned; or NULL */
};

/* How many numbers an instruction gives, which is no guard. */
static inline size_t pg_results_of(const pg_program *p, const pg_instruction *in)
{
    return pg_is_several(in->code) ? ((const pg_several *)p->loops[in->a])->results : 1;
}

/* Gives a reference back; NULL is allowed. */
void pg_loop_release(pg_loop *loop);

/* One more reference; returns body. */
pg_body *pg_body_retain(pg_body *body);

/* NULL is allowed. */
void pg_body_release(pg_body *b);

/* A loop, or NULL. Takes over the bodies, also then; copies parts. Caller owns. */
pg_loop *pg_loop_make(pg_body *body, pg_body *back, const uint8_t *parts);

/* How so many slots, of which some may be PG_NO_SLOT, stand. Caller owns *out, in which pg_free takes all. False for want of
 * memory. */
int pg_stretches_of(const pg_slot *slots, size_t count, pg_stretches *out);

/* How many numbers of memory the loops of a program need, for numbers and for lanes. */
size_t pg_loops_flat(const pg_program *p);
size_t pg_loops_wide(const pg_program *p);

/* Runs it once on numbers, one for each operand. True, or false if it was stopped: see pg_loop_failure(). */
int pg_loop_run(const pg_loop *loop, const double *operands, double *results, double *frame, pg_work *work, int *met);

/* The same; a loop that goes forward hands its states to the way back of a later one, unless that is NULL, and a loop that
 * goes back takes those that are handed to it, unless that is NULL. */
int pg_loop_run_handed(const pg_loop *loop, const pg_loop *later, pg_handed *handed, const double *operands,
                       double *results, double *frame, pg_work *work, int *met);

/* The same where an instruction says so, on uniforms and on a block. */
int pg_loop_uniform(const pg_program *p, const pg_instruction *in, double *uniforms, double *frame, pg_work *work,
                    int *met);
int pg_loop_lanes(const pg_program *p, const pg_instruction *in, block *rows);

/* Memory for a loop on numbers. */
size_t pg_loop_flat(const pg_loop *loop);

/* -- what loop.c and turns.c share -------------------------------------------------------------- */

/* Numbers in whole registers. */
static inline size_t pg_whole(size_t numbers)
{
    return (numbers + 7) / 8 * 8;
}

/* How many numbers of memory a body needs on lanes. */
size_t pg_body_wide(const pg_body *b);

/* For whom a history keeps a number of the state: the way back, which reads it; or trips alone, which begin there once more;
 * or nobody. On lanes what is for trips alone is not kept at every trip: see history.h. */
enum { PG_FOR_NOBODY, PG_FOR_TRIPS, PG_FOR_BACK };

static inline int pg_kept_for(const pg_body *body, const pg_body *back, int wide, size_t k)
{
    const pg_program *one = wide ? body->wide : body->flat, *other = wide ? back->wide : back->flat;
    if (other->input_slots[back->state + k] != PG_NO_SLOT)
        return PG_FOR_BACK;
    return one->input_slots[k] != PG_NO_SLOT ? PG_FOR_TRIPS : PG_FOR_NOBODY;
}

static inline int pg_is_kept(const pg_body *body, const pg_body *back, int wide, size_t k)
{
    return pg_kept_for(body, back, wide, k) != PG_FOR_NOBODY;
}

static inline size_t pg_count_kept_for(const pg_body *body, const pg_body *back, int wide, int whom)
{
    size_t count = 0;
    for (size_t k = 0; k < body->state; k++)
        count += pg_kept_for(body, back, wide, k) == whom;
    return count;
}

static inline size_t pg_count_kept(const pg_body *body, const pg_body *back, int wide)
{
    return body->state - pg_count_kept_for(body, back, wide, PG_FOR_NOBODY);
}

/* Which results of a body say what it makes. */
static inline size_t pg_first_made(const pg_body *b)
{
    return b->state + !b->counts;
}

/* Which item of its columns trip i has, and whether trip i is beyond the last. */
static inline size_t pg_item_at(const pg_scan *s, size_t i)
{
    return s->reverse ? s->length - 1 - i : i;
}

static inline int pg_is_over(const pg_scan *s, double trips)
{
    return s->length != 0 && trips >= (double)s->length;
}

#endif
