/* index.h: where in an order each node stands: a hash table from nodes to numbers, made for one order.
 *
 * At least half of its entries are free, so a search always ends; what was put there stays until it is closed.
 * Nodes are borrowed and only compared, never looked into. */
#ifndef PG_INDEX_H
#define PG_INDEX_H

#include "graph/node.h"

typedef struct {
    const pg_node *node;   /* borrowed, NULL in a free entry */
    size_t place;
} pg_index_entry;

typedef struct {
    pg_index_entry *entries;
    size_t mask;           /* entries, a power of two and at least twice the nodes, less one */
} pg_index;

/* Room for count nodes; false for want of memory. Give back with pg_index_close. */
int pg_index_open(pg_index *index, size_t count);
void pg_index_close(pg_index *index);

/* The entry of n, or the free one that it would take. Nodes lie 48 bytes apart: the multiplication (by the
 * golden ratio, see Knuth, TAOCP 6.4) spreads them. */
PG_INLINE pg_index_entry *pg_index_entry_of(const pg_index *index, const pg_node *n)
{
    size_t i = (size_t)(((uint64_t)(uintptr_t)n * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & index->mask;
    while (index->entries[i].node != n && index->entries[i].node != NULL)
        i = (i + 1) & index->mask;
    return &index->entries[i];
}

PG_INLINE void pg_index_put(pg_index *index, const pg_node *n, size_t place)
{
    *pg_index_entry_of(index, n) = (pg_index_entry){n, place};
}

/* Where n stands; false if it was never put there. */
PG_INLINE int pg_index_find(const pg_index *index, const pg_node *n, size_t *place)
{
    const pg_index_entry *entry = pg_index_entry_of(index, n);
    *place = entry->place;
    return entry->node != NULL;
}

#endif
