/* growth.c: room for one more, and copies. */
#include "program/growth.h"

#include <string.h>

int pg_make_room(void **items, size_t count, size_t *capacity, size_t size)
{
    size_t larger = *capacity == 0 ? 64 : 2 * *capacity;
    void *grown = larger > INT32_MAX ? NULL
                  : *items == NULL   ? pg_alloc(larger, size)
                                     : pg_resize(*items, count, larger, size);
    if (grown == NULL)
        return 0;
    *items = grown;
    *capacity = larger;
    return 1;
}

void *pg_copied(const void *items, size_t count, size_t size)
{
    void *copy = pg_alloc(count + 1, size);
    if (copy != NULL && count != 0)
        memcpy(copy, items, count * size);
    return copy;
}
