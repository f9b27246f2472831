/* memory.h: where nodes come from. The part that runs for every node is inline; memory.c has the rest.
 *
 * Every block comes from pg_alloc and every node from pg_pool_take, so that any of them can be told to fail. A
 * node belongs to whoever took it until pg_pool_give; refs is 0 in one that is free or about to be. */
#ifndef PG_MEMORY_H
#define PG_MEMORY_H

#include "graph/node.h"

typedef struct {
    int armed;
    size_t first, last;    /* requests that fail */
    size_t requests;       /* since it was armed */
    size_t bytes;          /* asked for in blocks since then */
} pg_fault_injection;

extern pg_fault_injection pg_faults;

PG_INLINE int pg_refused(void)
{
    return PG_UNLIKELY(pg_faults.armed) && ++pg_faults.requests >= pg_faults.first &&
           pg_faults.requests <= pg_faults.last;
}

#ifdef PG_HOSTILE

/* For sanitizers: see memory.c. */
pg_node *pg_pool_take(void);
void pg_pool_give(pg_node *n);

#else

/* Nodes live in slabs, and a slab that has become empty is filled from its start again. So the graphs of a
 * training loop, step after step, lie in memory in the order they are made, which is what a sweep's
 * speed depends on: from a single list of free nodes it was three times slower once nodes had been freed
 * in some other order. Slabs are aligned, so a node finds its own; they are kept for reuse. */
enum { PG_SLAB = 1 << 16 };

typedef enum { PG_SLAB_CURRENT, PG_SLAB_FULL, PG_SLAB_PARTIAL, PG_SLAB_EMPTY } pg_slab_state;

typedef struct pg_slab {
    struct pg_slab *next, *previous; /* among those of its state, if PARTIAL or EMPTY */
    struct pg_slab *older;           /* among all */
    pg_node *free;                   /* given back, linked through their wrapper fields */
    pg_node *fresh, *end;            /* the part that was not used since it was empty */
    uint32_t live;
    pg_slab_state state;
} pg_slab;

/* The one that nodes are taken from, or NULL at first. */
extern pg_slab *pg_current_slab;

/* What pg_pool_take and pg_pool_give do where the current slab has no node left, and where a slab changes its state. */
pg_node *pg_pool_take_slowly(void);
void pg_slab_given(pg_slab *s);

_Static_assert(sizeof(pg_slab) % _Alignof(pg_node) == 0, "nodes follow the slab's head");

PG_INLINE pg_node *pg_first_node(pg_slab *s)
{
    return (pg_node *)(void *)((char *)s + sizeof(pg_slab));
}

PG_INLINE void pg_slab_reset(pg_slab *s)
{
    s->free = NULL;
    s->fresh = pg_first_node(s);
}

/* A node of a slab that has one. */
PG_INLINE pg_node *pg_slab_take(pg_slab *s)
{
    pg_node *n = s->free;
    if (n != NULL)
        s->free = n->wrapper;
    else
        n = s->fresh++;
    s->live++;
    return n;
}

/* A node without contents, for pg_pool_give, or NULL for want of memory. */
PG_INLINE pg_node *pg_pool_take(void)
{
    if (pg_refused())
        return NULL;
    pg_slab *s = pg_current_slab;
    if (PG_UNLIKELY(s == NULL || (s->free == NULL && s->fresh == s->end)))
        return pg_pool_take_slowly();
    return pg_slab_take(s);
}

PG_INLINE void pg_pool_give(pg_node *n)
{
    pg_slab *s = (pg_slab *)((uintptr_t)n & ~(uintptr_t)(PG_SLAB - 1));
    n->refs = 0; /* says that it is free, to pg_pool_each */
    n->wrapper = s->free;
    s->free = n;
    s->live--;
    if (PG_UNLIKELY(s->live == 0))
        pg_slab_reset(s);
    if (PG_UNLIKELY(s->state == PG_SLAB_FULL || s->live == 0) && s->state != PG_SLAB_CURRENT)
        pg_slab_given(s);
}

#endif

/* Calls visit with every node that exists. It is to make and release none. */
void pg_pool_each(void (*visit)(pg_node *n, void *context), void *context);

#endif
