/* graph.h: what one does with nodes besides what pygrad.h says: mark the new ones while tracing, fill one in
 * later.
 *
 * Tracing: a thread may mark the nodes that it makes, so that they can be told from those that were there before;
 * a sweep can stop at these (pg_sweep_within_trace). pg_traced_nodes counts the marked ones, whatever marks them
 * or lets them go; so once it is 0 nobody has to look for them. */
#ifndef PG_GRAPH_H
#define PG_GRAPH_H

#include "graph/newborn.h"

/* PG_TRACED while this thread traces, else 0: what is given to nodes that it makes. */
extern PG_THREAD_LOCAL uint8_t pg_birth_flags;
extern size_t pg_traced_nodes; /* nodes that exist with PG_TRACED */
extern int pg_tracing_threads; /* how many threads trace: to be asked first, as it costs less */

/* What leaves are born at. It grows with each recording, whose inputs are the first that are born at it. */
extern uint64_t pg_births;

/* While it is not 0, new sweeps of this thread may go through nodes of its unfinished ones, whose marks they take over:
 * those are adjoints, and look at no mark once they are sorted. */
extern PG_THREAD_LOCAL int pg_sweeps_shared;

PG_INLINE void pg_mark_traced(pg_node *n)
{
    pg_traced_nodes += !(n->flags & PG_TRACED);
    n->flags |= PG_TRACED;
}

/* The new node n (or NULL), marked as made in this thread's trace, if there is one. */
PG_INLINE pg_node *pg_born(pg_node *n)
{
    if (PG_UNLIKELY(pg_tracing_threads != 0) && n != NULL && pg_birth_flags != 0) {
        pg_mark_traced(n);
        if (pg_noted_births != NULL)
            pg_note_birth(n);
    }
    return n;
}

/* Gives a leaf the contents of the new node n, which is used up; the leaf keeps its grad, its users and its flags,
 * besides those of n. */
void pg_become(pg_node *leaf, pg_node *n);

/* So many times NULL, or NULL for want of memory. Caller owns. */
pg_node **pg_no_nodes(size_t count);

/* Releases those that are not NULL, and makes them NULL. */
void pg_release_all(pg_node **nodes, size_t count);

#endif
