/* sweep.h: the state of one sweep, which sort.c, sweep.c and journal.c share.
 *
 * In the order operands stand before their users, the stops first of all and the root last; every node in it has
 * the mark of the sweep and, beside it, the grad it had when it joined. Nodes are borrowed: the root, which the
 * caller keeps alive, keeps them. */
#ifndef PG_SWEEP_H
#define PG_SWEEP_H

#include "graph/node.h"

/* What an abandoned sweep has to undo besides its own order: single grads written from outside a rule,
 * and whole nested sweeps that were committed. Newest first. */
typedef struct pg_entry {
    struct pg_entry *next;
    pg_node *node;         /* retained; NULL: a nested sweep */
    double old;
    pg_sweep *nested;      /* owned */
    size_t at;             /* how many nodes were in order when this was noted */
} pg_entry;

/* A node in order, and the grad it had before the sweep. */
typedef struct {
    pg_node *node;
    double old;
} pg_item;

enum { PG_SMALL = 64 };    /* a sweep of so many nodes needs no further block */

struct pg_sweep {
    pg_node *root;         /* borrowed */
    pg_item *order;        /* operands before users */
    size_t count, capacity;
    uintptr_t *stack;      /* sort.c: the path from the root to at */
    size_t depth, stack_capacity;
    pg_node *at;           /* where the sort goes on; NULL once all is in order */
    size_t index;
    unsigned from;
    size_t stops;          /* so many nodes at the start of the order are where the sweep stops */
    size_t left;           /* nodes of the order that the way back, or forward, has still to do */
    size_t within;         /* operands done of the first of them, if it is a wide one */
    pg_entry *late;
    pg_entry adopted;      /* this sweep's entry in the sweep that encloses it */
    pg_sweep *outer;       /* the unfinished sweep of this thread that encloses it */
    pg_sweep *next;        /* list of all unfinished sweeps */
    uint16_t id;           /* the mark of its nodes */
    uint8_t traced;        /* goes no further than nodes made while tracing */
    uint8_t whole;         /* goes through conditions, too */
    uint8_t writes;        /* sets grads to 0 as it sorts; otherwise it only looks */
    pg_item small_order[PG_SMALL];
    uintptr_t small_stack[PG_SMALL];
};

/* Whatever goes back over the order fetches nodes so far ahead of their use. */
enum { PG_NODES_AHEAD = 24 };

/* Lets go of the order and the path. The largest are kept for a later sweep, under Python's lock as nodes are. */
void pg_sweep_free_arrays(pg_sweep *s);

/* Where in the order, from a place on, there is a leaf without any of these flags that was born before, or has a wrapper;
 * or a node with given partials. The count of nodes if nowhere. */
size_t pg_sweep_find(const pg_sweep *s, size_t from, unsigned without, uint64_t before);

#endif
