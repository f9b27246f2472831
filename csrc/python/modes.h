/* modes.h: what a thread may be in: no_grad, debug_nans, a recording, a trace.
 *
 * pg_special_threads counts for each thread whether it is within no_grad(), whether it is watched and whether it
 * traces, so that where it is 0 nothing else need be asked. */
#ifndef PG_MODES_H
#define PG_MODES_H

#include "graph/graph.h"
#include "python/object.h"

/* Of one thread, NULL in one that was in no mode yet. Its own while the thread lives. */
typedef struct pg_stay pg_stay;
typedef struct {
    int no_grad; /* stays since the last recording that runs began: that records whatever its caller is in */
    int watched; /* stays in debug_nans */
    size_t inputs; /* active ones, of this thread's recordings */
    int special; /* what it adds to pg_special_threads, but for a trace */
    int ended; /* the thread is no more */
    pg_stay *last; /* see stays.c */
} pg_thread_modes;

extern int pg_special_threads;
extern PG_THREAD_LOCAL pg_thread_modes *pg_modes;
/* Not 0 while a watcher runs, which is itself not watched. */
extern PG_THREAD_LOCAL int pg_watcher_runs;
#define PG_SPECIAL PG_UNLIKELY(pg_special_threads != 0)
#define PG_NO_GRAD (PG_SPECIAL && pg_modes != NULL && pg_modes->no_grad > 0)
/* Results are to be leaves. In a trace they are not, or a program could not compute them again: see pg_recorded. */
#define PG_DETACHED (PG_NO_GRAD && pg_birth_flags == 0)
#define PG_WATCHED (PG_SPECIAL && pg_modes != NULL && pg_modes->watched != 0 && !pg_watcher_runs)

/* This thread's, made if it has none; NULL with an exception set. */
pg_thread_modes *pg_modes_of_thread(void);

#endif
