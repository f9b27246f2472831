/* index.c: the tables of index.h, made and freed. */
#include "graph/index.h"

#include <string.h>

/* A power of two, and at least twice the nodes. */
static size_t entries_for(size_t count)
{
    size_t size = 16;
    while (size / 2 < count && size <= SIZE_MAX / 2)
        size *= 2;
    return size;
}

/* So many entries that are free; NULL for want of memory. */
static void *free_entries(size_t count, size_t size)
{
    void *entries = pg_alloc(count, size);
    if (entries != NULL)
        memset(entries, 0, count * size);
    return entries;
}

int pg_index_open(pg_index *index, size_t count)
{
    const size_t size = entries_for(count);
    index->entries = free_entries(size, sizeof *index->entries);
    index->mask = size - 1;
    return index->entries != NULL;
}

void pg_index_close(pg_index *index)
{
    pg_free(index->entries);
    index->entries = NULL;
}

int pg_positions_open(pg_positions *positions, const pg_item *order, size_t count)
{
    const size_t size = entries_for(count);
    *positions = (pg_positions){order, NULL, size - 1};
    if (count < UINT32_MAX)
        positions->entries = free_entries(size, sizeof *positions->entries);
    return positions->entries != NULL;
}

void pg_positions_close(pg_positions *positions)
{
    pg_free(positions->entries);
    positions->entries = NULL;
}
