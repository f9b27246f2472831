/* newborn.h: the nodes that a thread makes in its trace, as long as somebody wants to know them. */
#ifndef PG_NEWBORN_H
#define PG_NEWBORN_H

#include "graph/node.h"

/* In the order in which they were made. Only compared, never looked into: one that has been released may stand here, and
 * again as another one, which then was made later. */
typedef struct {
    pg_node **nodes;       /* borrowed */
    size_t count, capacity;
    int lacks_memory;      /* some are missing */
    int depth;             /* how many want to know them, one in the other */
} pg_newborn;

/* This thread's, or NULL where nobody asks. */
extern PG_THREAD_LOCAL pg_newborn *pg_noted_births;

/* Notes a node; there has to be one who asks. */
void pg_note_birth(pg_node *n);

/* One more asks. False for want of memory. */
int pg_births_ask(void);

/* One less does; with the last one what was noted is forgotten. Nothing where nobody asks. */
void pg_births_let(void);

/* Nobody asks any more. */
void pg_births_forget(void);

#endif
