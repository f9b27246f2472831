/* index.c: the table of index.h, made and freed. */
#include "graph/index.h"

#include <string.h>

int pg_index_open(pg_index *index, size_t count)
{
    size_t size = 16;
    while (size / 2 < count && size <= SIZE_MAX / 2)
        size *= 2;
    index->entries = pg_alloc(size, sizeof *index->entries);
    if (index->entries == NULL)
        return 0;
    memset(index->entries, 0, size * sizeof *index->entries);
    index->mask = size - 1;
    return 1;
}

void pg_index_close(pg_index *index)
{
    pg_free(index->entries);
    index->entries = NULL;
}
