/* helpers.h: threads that wait for work, and work beside the thread that has some.
 *
 * Whoever has work does it itself, and helpers that wake in time take part of it: the work is cut so that each takes what
 * nobody has taken. One that comes too late finds nothing, and nobody has waited for it. Helpers that have waited in vain for
 * some seconds end; in a child that a fork has made there are none, until they are needed. */
#ifndef PG_HELPERS_H
#define PG_HELPERS_H

#include "program/threads.h"

#include <fenv.h>

/* Work for several threads: the caller's, borrowed until pg_with_helpers() returns. */
typedef struct pg_task {
    void (*work)(struct pg_task *task, size_t who); /* returns when no more is to be begun; by each thread that works */
    void (*look)(struct pg_task *task); /* in the thread that called, now and then while it waits for others to end */
    /* What follows is for helpers.c alone. */
    size_t wanted; /* how many more may come */
    size_t came, at_work; /* helpers: in all, and of these */
    fenv_t rounding; /* of the thread that called */
    unsigned forks;
    pg_condition ended;
    struct pg_task *next;
} pg_task;

/* Does task->work in this thread, as who = 0, and in at most so many helpers, as 1, 2, ..., which compute as this thread
 * does; returns when none is at work. False if helpers were lost, as this is the child of a fork in the meantime: what
 * they had taken is not done. */
int pg_with_helpers(pg_task *task, size_t most);

/* For what threads tell of a task: one lock for all, held for a moment, which in a child that a fork makes is free, whoever
 * held it. */
void pg_take_tasks(void);
void pg_give_tasks(void);

#endif
