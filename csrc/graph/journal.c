/* journal.c: unfinished sweeps, and how one ends: its grads kept, or every old grad restored. */
#include "graph/journal.h"

#include "graph/graph.h"
#include "graph/memory.h"

static pg_sweep *unfinished;                  /* all of them, in any thread */
static uint16_t last_id;
static PG_THREAD_LOCAL pg_sweep *innermost;     /* this thread's */

/* Whether a number is an unfinished sweep's. */
static int is_unfinished(uint16_t id)
{
    const pg_sweep *s = unfinished;
    while (s != NULL && s->id != id)
        s = s->next;
    return s != NULL;
}

PG_THREAD_LOCAL int pg_sweeps_shared;

int pg_sweep_keeps(uint16_t id)
{
    const pg_sweep *s = pg_sweeps_shared == 0 ? NULL : innermost;
    while (s != NULL && s->id != id)
        s = s->outer;
    return s == NULL && is_unfinished(id);
}

int pg_sweep_alone(const pg_sweep *s)
{
    return unfinished == s && s->next == NULL;
}

static void clear_mark(pg_node *n, void *context)
{
    (void)context;
    if (!is_unfinished(n->mark))
        n->mark = 0;
}

/* Marks are never taken off a node: a mark that is no unfinished sweep's says nothing. Before numbers
 * come round again, all such marks go at once. */
pg_status pg_sweep_register(pg_sweep *s)
{
    unsigned tries = 0;
    do {
        if (tries++ == UINT16_MAX)
            return PG_TOO_DEEP;
        if (++last_id == 0) {
            pg_pool_each(clear_mark, NULL);
            last_id = 1;
        }
    } while (is_unfinished(last_id));
    s->id = last_id;
    s->next = unfinished;
    unfinished = s;
    s->outer = innermost;
    innermost = s;
    return PG_OK;
}

/* The sweep of this thread, s or one around it, that writes. */
static pg_sweep *writing(pg_sweep *s)
{
    while (s != NULL && !s->writes)
        s = s->outer;
    return s;
}

int pg_sweep_notes_grads(void)
{
    return writing(innermost) != NULL;
}

static void unregister(pg_sweep *s)
{
    pg_sweep **link = &unfinished;
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
    link = &innermost;
    while (*link != s)
        link = &(*link)->outer;
    *link = s->outer;
}

/* Frees s and what it has journalled. Recursion here and in undo() is as deep as sweeps were nested. */
static void discard(pg_sweep *s)
{
    pg_entry *entry = s->late;
    while (entry != NULL) {
        pg_entry *next = entry->next;
        if (entry->node != NULL) {
            pg_release(entry->node);
            pg_free(entry);
        } else {
            pg_sweep *nested = entry->nested;
            for (size_t i = 0; i < nested->count; i++)
                pg_release(nested->order[i].node);
            discard(nested);
        }
        entry = next;
    }
    pg_sweep_free_arrays(s);
    pg_free(s);
}

/* Restores the grads of the order from item first on. */
static void restore(const pg_sweep *s, size_t first, size_t *last)
{
    while (*last > first) {
        --*last;
        if (*last >= PG_NODES_AHEAD)
            PG_PREFETCH(s->order[*last - PG_NODES_AHEAD].node);
        s->order[*last].node->grad = s->order[*last].old;
    }
}

/* Restores every grad that was changed, the newest change first. */
static void undo(const pg_sweep *s)
{
    size_t last = s->count;
    for (const pg_entry *entry = s->late; entry != NULL; entry = entry->next) {
        restore(s, entry->at, &last);
        if (entry->node != NULL)
            entry->node->grad = entry->old;
        else
            undo(entry->nested);
    }
    restore(s, 0, &last);
}

static void note(pg_sweep *s, pg_entry *entry)
{
    entry->at = s->count;
    entry->next = s->late;
    s->late = entry;
}

pg_status pg_write_grad(pg_node *n, double grad)
{
    pg_sweep *s = writing(innermost);
    /* What is in order is noted there. While the sort is under way, a mark does not mean that yet. */
    if (s != NULL && (n->mark != s->id || s->at != NULL)) {
        pg_entry *entry = pg_alloc(1, sizeof *entry);
        if (entry == NULL)
            return PG_NO_MEMORY;
        entry->node = pg_retain(n);
        entry->old = n->grad;
        note(s, entry);
    }
    n->grad = grad;
    return PG_OK;
}

void pg_sweep_commit(pg_sweep *s)
{
    unregister(s);
    pg_sweep *outer = writing(s->outer);
    if (outer == NULL) {
        discard(s);
        return;
    }
    /* The outer sweep may still be abandoned: it takes this one over, with its journal. */
    for (size_t i = 0; i < s->count; i++)
        pg_retain(s->order[i].node);
    s->adopted.node = NULL;
    s->adopted.nested = s;
    note(outer, &s->adopted);
}

void pg_sweep_abandon(pg_sweep *s)
{
    if (s->writes)
        undo(s);
    unregister(s);
    discard(s);
}
