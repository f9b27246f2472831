/* handed.h: states that a loop of a block leaves to the one that goes the same way back. */
#ifndef PG_HANDED_H
#define PG_HANDED_H

#include "program/history.h"
#include "program/program.h"

/* How many loops have theirs handed at a time. */
enum { PG_HANDED = 4 };

/* The states of a loop that goes forward, for the instruction that goes the same way back. */
typedef struct {
    const pg_instruction *to; /* NULL: there are none */
    const pg_instruction *from, *way; /* what was looked for last, and what was found */
    pg_history history;
    _Alignas(64) double trips[PG_LANES];
} pg_handed;

/* Frees what has not been taken. */
static inline void pg_handed_close(pg_handed *handed)
{
    if (handed->to != NULL)
        pg_history_close(&handed->history);
    handed->to = NULL;
}

/* Where a loop that goes forward is to leave its states, of PG_HANDED places; NULL if there is no room. Borrowed. */
pg_handed *pg_handed_from(pg_handed *handed, const pg_program *p, const pg_instruction *in);

/* What a loop that goes back is handed, or NULL. Borrowed. */
pg_handed *pg_handed_to(pg_handed *handed, const pg_instruction *in);

#endif
