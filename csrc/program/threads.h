/* threads.h: a lock, a condition and threads of this system's: POSIX's or Windows'.
 *
 * A lock or a condition of PG_LOCK_FREE or PG_CONDITION_NEW needs no more to begin with. */
#ifndef PG_THREADS_H
#define PG_THREADS_H

#include "graph/node.h"

#if defined(_WIN32)
/* What Windows' header says of them, whose macros have names like far. */
typedef struct { void *of_system; } pg_lock;
typedef struct { void *of_system; } pg_condition;
#define PG_LOCK_FREE {NULL}
#define PG_CONDITION_NEW {NULL}

#else
#include <pthread.h>

typedef pthread_mutex_t pg_lock;
typedef pthread_cond_t pg_condition;
#define PG_LOCK_FREE PTHREAD_MUTEX_INITIALIZER
#define PG_CONDITION_NEW PTHREAD_COND_INITIALIZER
#endif

void pg_take_lock(pg_lock *lock);
void pg_give_lock(pg_lock *lock);

/* Gives the lock back, waits until it is woken or so many milliseconds are over, and has it again; true if it was
 * woken, as it may be by nobody. */
int pg_wait(pg_condition *condition, pg_lock *lock, unsigned milliseconds);

/* Wakes one of those that wait. */
void pg_wake(pg_condition *condition);

/* A thread that nobody joins, that signals of the process leave alone; false if there is none to be had. */
int pg_start_thread(void (*run)(void));

/* Has the function called in each child that a fork makes, before anything else there. */
void pg_when_forked(void (*forget)(void));

/* Some nanoseconds. */
void pg_pause(void);

#endif
