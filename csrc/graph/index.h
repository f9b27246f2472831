/* index.h: where in an order each node stands: a hash table from nodes to numbers, made for one order.
 *
 * At least half of its entries are free, so a search always ends; what was put there stays until it is closed.
 * Nodes are borrowed and only compared, never looked into. Where all nodes of an order are put in one by one, positions do,
 * in a quarter of the memory: whose place it is the order says. */
#ifndef PG_INDEX_H
#define PG_INDEX_H

#include "graph/sweep.h"

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

/* Where a search for n begins. Nodes lie 48 bytes apart: the multiplication (by the golden ratio, see Knuth, TAOCP 6.4)
 * spreads them. */
PG_INLINE size_t pg_index_hash(const pg_node *n, size_t mask)
{
    return (size_t)(((uint64_t)(uintptr_t)n * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & mask;
}

/* The entry of n, or the free one that it would take. */
PG_INLINE pg_index_entry *pg_index_entry_of(const pg_index *index, const pg_node *n)
{
    size_t i = pg_index_hash(n, index->mask);
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

/* -- positions ---------------------------------------------------------------------------------- */

typedef struct {
    const pg_item *order;  /* borrowed: of a sweep that is sorted */
    uint32_t *entries;     /* 1 + a place, or 0 in a free entry */
    size_t mask;           /* entries, a power of two and at least twice the nodes, less one */
} pg_positions;

/* Room for an order of so many nodes; false for want of memory. Give back with pg_positions_close. */
int pg_positions_open(pg_positions *positions, const pg_item *order, size_t count);
void pg_positions_close(pg_positions *positions);

/* Puts in the node at a place of the order, which is not there yet. */
PG_INLINE void pg_positions_put(pg_positions *positions, size_t place)
{
    size_t i = pg_index_hash(positions->order[place].node, positions->mask);
    while (positions->entries[i] != 0)
        i = (i + 1) & positions->mask;
    positions->entries[i] = (uint32_t)(place + 1);
}

/* Where n stands; false if it was not put in. */
PG_INLINE int pg_positions_find(const pg_positions *positions, const pg_node *n, size_t *place)
{
    size_t i = pg_index_hash(n, positions->mask);
    uint32_t entry;
    while ((entry = positions->entries[i]) != 0 && positions->order[entry - 1].node != n)
        i = (i + 1) & positions->mask;
    *place = (size_t)entry - 1;
    return entry != 0;
}

#endif
