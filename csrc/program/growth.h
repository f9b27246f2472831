/* growth.h: arrays that grow one item at a time, and copies of arrays.
 *
 * Such an array is count items in a block with room for capacity of them, both kept by its owner; items are
 * numbered by 31 bits, so it never has more than INT32_MAX. */
#ifndef PG_GROWTH_H
#define PG_GROWTH_H

#include "graph/node.h"

/* Room for one more item; false for want of memory, and nothing has changed. The caller owns the block before and
 * after. */
int pg_make_room(void **items, size_t count, size_t *capacity, size_t size);

PG_INLINE int pg_room(void **items, size_t count, size_t *capacity, size_t size)
{
    return PG_LIKELY(count < *capacity) || pg_make_room(items, count, capacity, size);
}

/* A copy of so many items with room for one more, or NULL for want of memory. Caller owns. */
void *pg_copied(const void *items, size_t count, size_t size);

#endif
