/* stopping.h: long work asks now and then whether it is to stop, as after Ctrl-C.
 *
 * Work is counted in steps of some nanoseconds. Who is told to stop gives back what it has and says so; what it was
 * to write is not written. */
#ifndef PG_STOPPING_H
#define PG_STOPPING_H

#include "graph/node.h"

/* Asked in the thread that works, which may hold Python's lock or not. NULL: nobody is to be asked. */
extern int (*pg_stop_asked)(void);

/* A flag that one thread sets while others look at it, and that orders nothing else. */
#if defined(__GNUC__)
#define PG_IS_SET(flag) __atomic_load_n(flag, __ATOMIC_RELAXED)
#define PG_SET(flag) __atomic_store_n(flag, 1, __ATOMIC_RELAXED)
#else /* MSVC, whose volatile accesses to an int are atomic */
#define PG_IS_SET(flag) (*(const volatile int *)(flag))
#define PG_SET(flag) (*(volatile int *)(flag) = 1)
#endif

typedef struct {
    size_t steps;          /* since it was asked last */
    int stopped;
    const int *stop;       /* a flag of others, or NULL */
    struct pg_handed *handed; /* what loops on numbers hand to others, or NULL; NULL in bodies: see handed.h */
} pg_work;

enum { PG_STEPS_UNASKED = 1 << 20 };

/* So many steps were done: false if this is to be the end, and then always. */
PG_INLINE int pg_goes_on(pg_work *w, size_t steps)
{
    w->steps += steps;
    if (PG_UNLIKELY(w->steps >= PG_STEPS_UNASKED)) {
        w->steps = 0;
        w->stopped = w->stopped || (w->stop != NULL && PG_IS_SET(w->stop)) ||
                     (pg_stop_asked != NULL && pg_stop_asked());
    }
    return !w->stopped;
}

#endif
