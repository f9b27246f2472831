/* failure.h: why a run in this thread was stopped, for pg_loop_failure(). */
#ifndef PG_FAILURE_H
#define PG_FAILURE_H

#include <stddef.h>

enum { ASKED, LACKS_MEMORY, TOO_LONG, RAISED };

/* Of a run: what pg_loop_failure() says, and exceptions that Python's layer keeps beside it, owned: one that is to end all
 * work, as Ctrl-C, and what a call has failed with. NULL: none. */
typedef struct {
    int why;
    size_t row;
    double trips;
    void *interrupt, *error;
} pg_failure;

/* This thread's. Static. */
pg_failure *pg_failure_here(void);

/* The same, which is this thread's no more. */
pg_failure pg_failure_taken(void);

/* Gives back exceptions that nobody will raise; set by Python's layer, called in any thread. */
extern void (*pg_drop_exception)(void *exception);

void pg_failure_drop(pg_failure *failure);

/* 0. */
int pg_loop_fail(int why, size_t row, double trips);

/* The row in which the loop failed that ran on numbers; or the rows of a call, from the first to the last. */
void pg_loop_failed_in(size_t row, double last);

/* The same where one loop ran on numbers, for one row. */
void pg_loop_failed_alone(size_t row);

#endif
