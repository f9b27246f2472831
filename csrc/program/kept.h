/* kept.h: what bodies were made of, as long as the trace runs that has made them.
 *
 * A body's program has neither the rules of the user's functions, but their numbers, nor what was simplified. So where a
 * body has such rules a derivative that is asked for in the same trace is that of its nodes; and where it is a way, which
 * has the bits then that it would have without a loop. What is kept is the thread's, and goes with its trace. */
#ifndef PG_KEPT_H
#define PG_KEPT_H

#include "graph/sweep.h"
#include "program/loop.h"

/* Its inputs come first in the order, then operands before their users. */
typedef struct pg_kept {
    struct pg_kept *next;
    pg_body *body;         /* owned */
    pg_node **order;       /* held by inputs and results */
    size_t count;
    pg_node **inputs, **results; /* owned */
    size_t input_count, result_count;
} pg_kept;

/* Keeps the nodes of a body, whose results were sorted down to its inputs; nothing where no trace runs. PG_OK or
 * PG_NO_MEMORY. */
pg_status pg_keep_body(pg_body *b, const pg_sweep *s, pg_node *const *inputs, size_t input_count,
                       pg_node *const *results, size_t result_count);

/* What is kept of a body, or NULL. Borrowed. */
const pg_kept *pg_kept_of(const pg_body *b);

/* The trace of this thread is over. */
void pg_forget_bodies(void);

#endif
