/* newborn.c: a list of the nodes that a trace makes. */
#include "graph/newborn.h"

#include <string.h>

PG_THREAD_LOCAL pg_newborn *pg_noted_births;

PG_RARE void pg_note_birth(pg_node *n)
{
    pg_newborn *b = pg_noted_births;
    if (b->count == b->capacity) {
        const size_t capacity = b->capacity == 0 ? 256 : 2 * b->capacity;
        pg_node **nodes = capacity > b->capacity ? pg_alloc(capacity, sizeof *nodes) : NULL;
        if (nodes == NULL) {
            b->lacks_memory = 1;
            return;
        }
        if (b->count != 0)
            memcpy((void *)nodes, (void *)b->nodes, b->count * sizeof *nodes);
        pg_free((void *)b->nodes);
        b->nodes = nodes;
        b->capacity = capacity;
    }
    b->nodes[b->count++] = n;
}

int pg_births_ask(void)
{
    if (pg_noted_births == NULL) {
        pg_noted_births = pg_alloc(1, sizeof *pg_noted_births);
        if (pg_noted_births == NULL)
            return 0;
        *pg_noted_births = (pg_newborn){.count = 0};
    }
    pg_noted_births->depth++;
    return 1;
}

void pg_births_let(void)
{
    if (pg_noted_births != NULL && --pg_noted_births->depth == 0)
        pg_births_forget();
}

void pg_births_forget(void)
{
    if (pg_noted_births == NULL)
        return;
    pg_free((void *)pg_noted_births->nodes);
    pg_free(pg_noted_births);
    pg_noted_births = NULL;
}
