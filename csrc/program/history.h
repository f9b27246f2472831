/* history.h: the states of a loop on the way, for the way back.
 *
 * Noted one after the other: all, as long as they find room; then every second, fourth and so on, by what is called the
 * stride. On the way back those between two of them are computed once more, a segment at a time. What only that needs is kept
 * with every sixteenth one, from which a segment begins; or, once segments would be longer than all that is kept, with each. */
#ifndef PG_HISTORY_H
#define PG_HISTORY_H

#include "pygrad.h"

typedef struct {
    size_t width;          /* numbers of a state */
    size_t more;           /* that many stand behind those of one from which others are computed */
    unsigned apart;        /* from one of these to the next there are 2 ** apart states that are kept */
    size_t most;           /* states that are kept */
    double **chunks;       /* of states that are kept: the one before trip i << stride is number i */
    unsigned in_chunk;     /* 2 ** in_chunk states of the first chunk; each other one has as many as all before it */
    size_t chunk_count, chunk_capacity;
    size_t count, noted;
    double *next; /* where the next one that is kept goes, if there are fewer than so many: */
    size_t until;
    unsigned stride; /* 2 ** stride */
    double *segment; /* those states after the kept one of number loaded */
    size_t loaded, filled; /* SIZE_MAX: none */
} pg_history;

/* For states of so many numbers, and so many more to compute others, which may take so many bytes; but for 16 states there is
 * room. pg_history_close ends it. */
void pg_history_open(pg_history *h, size_t width, size_t more, size_t bytes);

/* For tests: use no more than so many bytes of those. Not while a program runs. */
void pg_limit_histories(size_t bytes);

/* Some of its memory is kept for the next ones. */
void pg_history_close(pg_history *h);

/* Where the state before the next trip is to be written (borrowed, as all states here are, until h is closed), or NULL in
 * *into if it is not kept; false for want of memory. */
int pg_history_note(pg_history *h, double **into);

/* Where the state after the one that was noted last will be kept, or NULL as long as nobody knows. */
static inline const double *pg_history_next(const pg_history *h)
{
    return h->count < h->until ? h->next : NULL;
}

/* Whether more is to be written behind the state that was noted last, if it is kept. */
static inline int pg_history_begins(const pg_history *h)
{
    return h->more != 0 && ((h->count - 1) & (((size_t)1 << h->apart) - 1)) == 0;
}

/* The state before trip i, of which each is asked for after those behind it, or NULL if it is to be computed: see
 * pg_history_begin. */
const double *pg_history_at(const pg_history *h, size_t i);

/* The state, with more behind it, from which trip i's is to be computed, or NULL for want of memory, and the number of the
 * first one after it. They are written to where pg_history_fill says, one by one. */
const double *pg_history_begin(pg_history *h, size_t i, size_t *next);
double *pg_history_fill(pg_history *h);

#endif
