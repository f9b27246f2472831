/* memory.c: the one place where memory comes from, and the one place where it can be told to fail. */
#define _DEFAULT_SOURCE /* madvise */

#include "graph/memory.h"

#include <stdlib.h>
#include <string.h>
#if defined(_WIN32)
#include <malloc.h>
#elif defined(__linux__)
#include <sys/mman.h>
#endif

/* -- fault injection ---------------------------------------------------------------------------- */
pg_fault_injection pg_faults;

static void fail_between(size_t first, size_t last)
{
    pg_faults.armed = first != 0;
    if (first != 0)
        pg_faults = (pg_fault_injection){.armed = 1, .first = first, .last = last};
}

void pg_fail_at(size_t n)
{
    fail_between(n, SIZE_MAX);
}

void pg_fail_once(size_t n)
{
    fail_between(n, n);
}

size_t pg_allocations(void)
{
    return pg_faults.requests;
}

size_t pg_allocated(void)
{
    return pg_faults.bytes;
}

/* -- blocks ------------------------------------------------------------------------------------- */
/* A block so large gets pages so large: a sweep touches every node once, in an order of its own, and would
 * spend most of its time on page faults and address translation. */
enum { HUGE_PAGE = 1 << 21 };

/* alignment is a power of two. The part of a large block that fills whole huge pages asks for them. */
static void *aligned_block(size_t alignment, size_t bytes)
{
#if defined(_WIN32)
    return _aligned_malloc(bytes, alignment);
#else
    void *block;
    if (posix_memalign(&block, alignment, bytes) != 0)
        return NULL;
#if defined(MADV_HUGEPAGE)
    if (alignment == HUGE_PAGE)
        (void)madvise(block, bytes & ~(size_t)(HUGE_PAGE - 1), MADV_HUGEPAGE); /* a wish: refusal is no error */
#endif
    return block;
#endif
}

static void *block_of(size_t bytes)
{
#if defined(MADV_HUGEPAGE)
    if (bytes >= HUGE_PAGE)
        return aligned_block(HUGE_PAGE, bytes);
#endif
    return malloc(bytes ? bytes : 1);
}

static int is_refused(size_t count, size_t size)
{
    if (pg_refused() || (size != 0 && count > SIZE_MAX / size))
        return 1;
    if (PG_UNLIKELY(pg_faults.armed))
        pg_faults.bytes += count * size;
    return 0;
}

void *pg_alloc(size_t count, size_t size)
{
    return is_refused(count, size) ? NULL : block_of(count * size);
}

void *pg_alloc_to_fill(size_t count, size_t size)
{
    if (is_refused(count, size))
        return NULL;
    size_t bytes = count * size;
#if defined(MADV_HUGEPAGE)
    if (bytes >= HUGE_PAGE / 8 && bytes < HUGE_PAGE)
        bytes = HUGE_PAGE;
#endif
    return block_of(bytes);
}

void *pg_resize(void *block, size_t old_count, size_t count, size_t size)
{
    void *larger = pg_alloc(count, size);
    if (larger != NULL) {
        memcpy(larger, block, (old_count < count ? old_count : count) * size);
        free(block);
    }
    return larger;
}

void pg_free(void *block)
{
    free(block);
}

/* -- nodes -------------------------------------------------------------------------------------- *
 * With PG_HOSTILE each node is a block of its own, so that a sanitizer sees every use after release. */
#ifdef PG_HOSTILE

typedef struct block {
    struct block *next, *previous;
    pg_node node;
} block;

static block *blocks;
static size_t live;

size_t pg_live_nodes(void)
{
    return live;
}

size_t pg_pool_bytes(void)
{
    return live * sizeof(pg_node);
}

pg_node *pg_pool_take(void)
{
    block *b = pg_alloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->previous = NULL;
    b->next = blocks;
    if (blocks != NULL)
        blocks->previous = b;
    blocks = b;
    live++;
    return &b->node;
}

void pg_pool_give(pg_node *n)
{
    block *b = (block *)(void *)((char *)n - offsetof(block, node));
    if (b->next != NULL)
        b->next->previous = b->previous;
    if (b->previous != NULL)
        b->previous->next = b->next;
    else
        blocks = b->next;
    live--;
    pg_free(b);
}

void pg_pool_each(void (*visit)(pg_node *n, void *context), void *context)
{
    for (block *b = blocks; b != NULL; b = b->next)
        if (b->node.refs != 0)
            visit(&b->node, context);
}

#else

pg_slab *pg_current_slab;

static struct {
    pg_slab *partial, *empty;
    pg_slab *all;
    size_t next_block;     /* bytes of the next block of slabs */
    size_t bytes;
} pool = {NULL, NULL, NULL, PG_SLAB, 0};

size_t pg_live_nodes(void)
{
    size_t live = 0;
    for (const pg_slab *s = pool.all; s != NULL; s = s->older)
        live += s->live;
    return live;
}

size_t pg_pool_bytes(void)
{
    return pool.bytes;
}

static void enter(pg_slab **list, pg_slab *s, pg_slab_state state)
{
    s->state = state;
    s->previous = NULL;
    s->next = *list;
    if (s->next != NULL)
        s->next->previous = s;
    *list = s;
}

static void leave(pg_slab **list, pg_slab *s)
{
    if (s->next != NULL)
        s->next->previous = s->previous;
    if (s->previous != NULL)
        s->previous->next = s->next;
    else
        *list = s->next;
}

/* More empty slabs; false for want of memory. */
static int more_slabs(void)
{
    if (pg_refused())
        return 0;
    char *block = aligned_block(pool.next_block < HUGE_PAGE ? PG_SLAB : HUGE_PAGE, pool.next_block);
    if (block == NULL)
        return 0;
    for (size_t at = pool.next_block; at != 0; at -= PG_SLAB) {
        pg_slab *s = (pg_slab *)(void *)(block + at - PG_SLAB);
        s->live = 0;
        s->end = pg_first_node(s) + (PG_SLAB - sizeof(pg_slab)) / sizeof(pg_node);
        s->older = pool.all;
        pool.all = s;
        pg_slab_reset(s);
        enter(&pool.empty, s, PG_SLAB_EMPTY);
    }
    pool.bytes += pool.next_block;
    if (pool.next_block < HUGE_PAGE)
        pool.next_block *= 2;
    return 1;
}

/* Another current slab: an empty one if there is one. False for want of memory. */
static int next_slab(void)
{
    if (pool.empty == NULL && pool.partial == NULL && !more_slabs())
        return 0;
    if (pg_current_slab != NULL)
        pg_current_slab->state = PG_SLAB_FULL;
    pg_slab **list = pool.empty != NULL ? &pool.empty : &pool.partial;
    pg_current_slab = *list;
    leave(list, pg_current_slab);
    pg_current_slab->state = PG_SLAB_CURRENT;
    return 1;
}

/* The current slab is used up: a node from another. */
pg_node *pg_pool_take_slowly(void)
{
    if (!next_slab())
        return NULL;
    return pg_slab_take(pg_current_slab);
}

/* A slab that is not the current one has got a node back and was full, or is empty, before which it was partial. */
void pg_slab_given(pg_slab *s)
{
    if (s->live != 0) {
        enter(&pool.partial, s, PG_SLAB_PARTIAL);
        return;
    }
    leave(&pool.partial, s);
    enter(&pool.empty, s, PG_SLAB_EMPTY);
}

void pg_pool_each(void (*visit)(pg_node *n, void *context), void *context)
{
    for (pg_slab *s = pool.all; s != NULL; s = s->older)
        for (pg_node *n = pg_first_node(s); n != s->fresh; n++)
            if (n->refs != 0)
                visit(n, context);
}

#endif
