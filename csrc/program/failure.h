/* failure.h: why a run in this thread was stopped, for pg_loop_failure(). */
#ifndef PG_FAILURE_H
#define PG_FAILURE_H

#include <stddef.h>

enum { ASKED, LACKS_MEMORY, TOO_LONG, RAISED };

/* 0. */
int pg_loop_fail(int why, size_t row, double trips);

/* The row in which the loop failed that ran on numbers; or the rows of a call, from the first to the last. */
void pg_loop_failed_in(size_t row, double last);

/* The same where one loop ran on numbers, for one row. */
void pg_loop_failed_alone(size_t row);

#endif
