/* history.c: states of a loop kept and found. */
#include "program/history.h"

#include "program/loop.h"

#include <string.h>

void pg_history_open(pg_history *h, size_t width)
{
    *h = (pg_history){.width = width, .stride = 1, .loaded = SIZE_MAX};
    h->most = PG_HISTORY / sizeof(double) / (width + 1);
    h->most = h->most < 16 ? 16 : h->most / 2 * 2;
}

void pg_history_close(pg_history *h)
{
    pg_free(h->kept);
    pg_free(h->segment);
}

/* Every second one goes. */
static void thin_out(pg_history *h)
{
    for (size_t i = 1; 2 * i < h->count; i++)
        memcpy(h->kept + i * h->width, h->kept + 2 * i * h->width, h->width * sizeof *h->kept);
    h->count = (h->count + 1) / 2;
    h->stride *= 2;
}

static int grow(pg_history *h)
{
    size_t larger = h->capacity == 0 ? 16 : 2 * h->capacity;
    larger = larger > h->most ? h->most : larger;
    double *grown = h->kept == NULL
                        ? pg_alloc(larger * h->width + 1, sizeof *grown)
                        : pg_resize(h->kept, h->capacity * h->width + 1, larger * h->width + 1, sizeof *grown);
    if (grown == NULL)
        return 0;
    h->kept = grown;
    h->capacity = larger;
    return 1;
}

int pg_history_note(pg_history *h, const double *state)
{
    const size_t i = h->noted++;
    if (i % h->stride != 0)
        return 1;
    if (h->count == h->most) {
        thin_out(h);
        if (i % h->stride != 0)
            return 1;
    }
    if (h->count == h->capacity && !grow(h))
        return 0;
    if (h->width != 0)
        memcpy(h->kept + h->count * h->width, state, h->width * sizeof *state);
    h->count++;
    return 1;
}

double *pg_history_at(pg_history *h, size_t i)
{
    const size_t at = i / h->stride, within = i % h->stride;
    if (within == 0)
        return h->kept + at * h->width;
    return h->loaded == at && within <= h->filled ? h->segment + (within - 1) * h->width : NULL;
}

size_t pg_history_begin(pg_history *h, size_t i, double *state)
{
    if (h->segment == NULL) {
        h->segment = pg_alloc((h->stride - 1) * h->width + 1, sizeof *h->segment);
        if (h->segment == NULL)
            return SIZE_MAX;
    }
    h->loaded = i / h->stride;
    h->filled = 0;
    if (h->width != 0)
        memcpy(state, h->kept + h->loaded * h->width, h->width * sizeof *state);
    return h->loaded * h->stride + 1;
}

void pg_history_fill(pg_history *h, const double *state)
{
    if (h->width != 0)
        memcpy(h->segment + h->filled * h->width, state, h->width * sizeof *state);
    h->filled++;
}
