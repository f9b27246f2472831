/* history.h: the states of a loop on the way, for the way back.
 *
 * Noted one after the other: all, as long as they find room; then every second, fourth and so on, by what is called the
 * stride. On the way back those between two of them are computed once more, a segment at a time. */
#ifndef PG_HISTORY_H
#define PG_HISTORY_H

#include "pygrad.h"

typedef struct {
    size_t width;          /* numbers of a state */
    size_t most;           /* states that are kept */
    double *kept;          /* state i * stride at i */
    size_t count, capacity, stride, noted;
    double *segment;       /* stride states, from the kept one with the number loaded on */
    size_t loaded, filled; /* SIZE_MAX: none */
} pg_history;

void pg_history_open(pg_history *h, size_t width);
void pg_history_close(pg_history *h);

/* The state before the next trip; false for want of memory. */
int pg_history_note(pg_history *h, const double *state);

/* The state before trip i, or NULL if it is to be computed: see pg_history_begin. */
double *pg_history_at(pg_history *h, size_t i);

/* Puts the state from which trip i's is to be computed into state; SIZE_MAX for want of memory, or the number of the first
 * one after it. They are given to pg_history_fill one by one. */
size_t pg_history_begin(pg_history *h, size_t i, double *state);
void pg_history_fill(pg_history *h, const double *state);

#endif
