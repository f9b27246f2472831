/* history.c: states of a loop kept and found. */
#include "program/history.h"

#include "graph/memory.h"
#include "program/growth.h"

#include <string.h>
#if !defined(__GNUC__)
#include <intrin.h>
#endif

enum { CHUNK = 1 << 14, APART = 4 }; /* numbers of the first, about; see apart */
enum { LEAST = 1 << APART };         /* states for which there is room in any case */

/* -- chunks ------------------------------------------------------------------------------------- *
 * Those of histories that are over are kept for the next ones, some of each size, of the larger ones one, which are 14 MiB
 * at most: the C library would give them back to the system, and then each page costs more than what is written to it. They
 * begin where registers do; before that stand the block that is to be freed and for how many numbers there is room. */

enum { SMALL = 4, SIZES = 7, OF_A_SIZE = 4, BEFORE = 16 };

static void *spare[SIZES][OF_A_SIZE];

/* What was there. */
static void *exchange(void **at, void *block)
{
#if defined(__GNUC__)
    return __atomic_exchange_n(at, block, __ATOMIC_ACQ_REL);
#else
    return _InterlockedExchangePointer(at, block);
#endif
}

typedef struct {
    void *block;
    size_t numbers;
} heading;

static heading *heading_of(double *chunk)
{
    return (heading *)(void *)chunk - 1;
}

static void free_chunk(double *chunk)
{
    if (chunk != NULL)
        pg_free(heading_of(chunk)->block);
}

static size_t kept_of_size(size_t which)
{
    return which < SMALL ? OF_A_SIZE : 1;
}

/* Not where each request is to be seen: by those that let them fail, and by sanitizers. */
static int is_kept_for_others(size_t which, size_t numbers)
{
#ifdef PG_HOSTILE
    (void)which;
    (void)numbers;
    return 0;
#else
    const size_t most = (size_t)CHUNK << (which < SMALL ? SMALL : SIZES - 1);
    return which < SIZES && numbers <= most && !pg_faults.armed;
#endif
}

static double *new_chunk(size_t which, size_t numbers)
{
    for (size_t i = 0; is_kept_for_others(which, numbers) && i < kept_of_size(which); i++) {
        double *chunk = exchange(&spare[which][i], NULL);
        if (chunk != NULL && heading_of(chunk)->numbers >= numbers)
            return chunk;
        free_chunk(chunk);
    }
    char *block = pg_alloc_to_fill(numbers + BEFORE, sizeof(double));
    if (block == NULL)
        return NULL;
    char *at = block + sizeof(heading);
    double *chunk = (double *)(void *)(at + (-(uintptr_t)at & 63));
    *heading_of(chunk) = (heading){block, numbers};
    return chunk;
}

static void give_chunk(size_t which, double *chunk)
{
    const int kept = is_kept_for_others(which, heading_of(chunk)->numbers);
    for (size_t i = 0; kept && chunk != NULL && i < kept_of_size(which); i++)
        chunk = exchange(&spare[which][i], chunk);
    free_chunk(chunk);
}

/* -- histories ---------------------------------------------------------------------------------- */

static size_t limit = SIZE_MAX;

void pg_limit_histories(size_t bytes)
{
    limit = bytes;
}

/* An empty one, of which each state that is 2 ** apart after another one has more behind it. */
static pg_history opened(size_t width, size_t more, size_t bytes, unsigned apart)
{
    pg_history h = {.width = width, .more = more, .apart = apart, .loaded = SIZE_MAX};
    const size_t most = bytes / sizeof(double) / (width + (more >> apart) + 1);
    h.most = most >> (apart + 1) << (apart + 1); /* so that the next one stays, whichever of them go */
    h.most = h.most < LEAST ? LEAST : h.most;
    while (h.in_chunk < apart || ((width + 1) << h.in_chunk) < CHUNK)
        h.in_chunk++;
    return h;
}

void pg_history_open(pg_history *h, size_t width, size_t more, size_t bytes)
{
    *h = opened(width, more, bytes < limit ? bytes : limit, more != 0 ? APART : 0);
}

void pg_history_close(pg_history *h)
{
    for (size_t i = 0; i < h->chunk_count; i++)
        give_chunk(i, h->chunks[i]);
    pg_free((void *)h->chunks);
    pg_free(h->segment);
}

/* How many states there are in the first so many chunks. */
static size_t in_chunks(const pg_history *h, size_t count)
{
    return count == 0 ? 0 : (size_t)1 << (h->in_chunk + count - 1);
}

static size_t stride(const pg_history *h)
{
    return (size_t)1 << h->stride;
}

/* The bits of a number, without leading zeros. */
static unsigned length_of(size_t number)
{
#if defined(__GNUC__)
    return number == 0 ? 0 : 64 - (unsigned)__builtin_clzll(number);
#else
    unsigned length = 0;
    for (; number != 0; number >>= 1)
        length++;
    return length;
#endif
}

/* How many numbers so many states of a chunk take: each chunk begins with one that has more behind it. */
static size_t numbers_of(const pg_history *h, size_t count)
{
    return count * h->width + ((count + ((size_t)1 << h->apart) - 1) >> h->apart) * h->more;
}

static double *kept(const pg_history *h, size_t i)
{
    const size_t chunk = length_of(i >> h->in_chunk);
    return h->chunks[chunk] + numbers_of(h, i - in_chunks(h, chunk));
}

static size_t numbers_at(const pg_history *h, size_t i)
{
    return (i & (((size_t)1 << h->apart) - 1)) == 0 ? h->width + h->more : h->width;
}

/* Every second one goes. */
static void thin_out(pg_history *h)
{
    for (size_t i = 1; h->width + h->more != 0 && 2 * i < h->count; i++)
        memcpy(kept(h, i), kept(h, 2 * i), numbers_at(h, i) * sizeof(double));
    h->count = (h->count + 1) / 2;
    h->stride++;
}

/* Another chunk, if those that are there have no room for one more. */
static int add_chunk(pg_history *h)
{
    const size_t first = in_chunks(h, h->chunk_count), end = in_chunks(h, h->chunk_count + 1);
    if (h->count < first)
        return 1;
    if (!pg_room((void **)&h->chunks, h->chunk_count, &h->chunk_capacity, sizeof *h->chunks))
        return 0;
    double *chunk = new_chunk(h->chunk_count, numbers_of(h, (end < h->most ? end : h->most) - first) + 1);
    if (chunk != NULL)
        h->chunks[h->chunk_count++] = chunk;
    return chunk != NULL;
}

/* Room for some more. */
static int make_room(pg_history *h)
{
    if (h->count == h->most)
        thin_out(h);
    if (!add_chunk(h))
        return 0;
    const size_t end = in_chunks(h, length_of(h->count >> h->in_chunk) + 1);
    h->next = kept(h, h->count);
    h->until = end < h->most ? end : h->most;
    return 1;
}

/* Where one more goes, or NULL for want of memory. */
static double *another(pg_history *h)
{
    if (h->count == h->until && !make_room(h))
        return NULL;
    double *into = h->next;
    h->next += numbers_at(h, h->count++);
    return into;
}

/* Whether a segment will be longer than all that is kept once every second one is gone. */
static int is_too_far_apart(const pg_history *h)
{
    return h->apart != 0 && 2 * stride(h) << h->apart > h->most;
}

/* Only states that have more behind them stay, and from now on each has: a segment is as long as before, and what is kept of
 * it grows with the trips no faster than of a history that has been so from the start. False for want of memory. */
static int keep_beginnings(pg_history *h)
{
    const size_t bytes = h->most * (h->width + (h->more >> h->apart) + 1) * sizeof(double);
    pg_history other = opened(h->width, h->more, bytes, 0);
    other.stride = h->stride + h->apart;
    other.noted = h->noted;
    for (size_t i = 0; i < h->count; i += (size_t)1 << h->apart) {
        double *into = another(&other);
        if (into == NULL) {
            pg_history_close(&other);
            return 0;
        }
        memcpy(into, kept(h, i), (h->width + h->more) * sizeof(double));
    }
    pg_history_close(h);
    *h = other;
    return 1;
}

int pg_history_note(pg_history *h, double **into)
{
    const size_t i = h->noted++;
    *into = NULL;
    if ((i & (stride(h) - 1)) != 0)
        return 1;
    if (h->count == h->most && is_too_far_apart(h) && !keep_beginnings(h))
        return 0;
    *into = another(h);
    return *into != NULL;
}

const double *pg_history_at(const pg_history *h, size_t i)
{
    const size_t at = i >> h->stride, segment = at >> h->apart;
    if ((i & (stride(h) - 1)) == 0)
        return kept(h, at);
    return h->loaded == segment ? h->segment + (i - (segment << h->apart << h->stride) - 1) * h->width : NULL;
}

const double *pg_history_begin(pg_history *h, size_t i, size_t *next)
{
    if (h->segment == NULL) {
        h->segment = pg_alloc(((stride(h) << h->apart) - 1) * h->width + 1, sizeof *h->segment);
        if (h->segment == NULL)
            return NULL;
    }
    h->loaded = i >> h->stride >> h->apart;
    h->filled = 0;
    *next = (h->loaded << h->apart << h->stride) + 1;
    return kept(h, h->loaded << h->apart);
}

double *pg_history_fill(pg_history *h)
{
    return h->segment + h->filled++ * h->width;
}
