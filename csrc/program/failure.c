/* failure.c: why a run in this thread was stopped. */
#include "program/failure.h"

#include "graph/node.h"

static PG_THREAD_LOCAL pg_failure failure;

void (*pg_drop_exception)(void *exception);

pg_failure *pg_failure_here(void)
{
    return &failure;
}

pg_failure pg_failure_taken(void)
{
    const pg_failure taken = failure;
    failure = (pg_failure){.why = ASKED};
    return taken;
}

void pg_failure_drop(pg_failure *of)
{
    if (of->interrupt != NULL)
        pg_drop_exception(of->interrupt);
    if (of->error != NULL)
        pg_drop_exception(of->error);
    *of = (pg_failure){.why = ASKED};
}

int pg_loop_failure(size_t *row, double *trips)
{
    const int why = failure.why;
    *row = failure.row;
    *trips = failure.trips;
    failure.why = ASKED;
    return why;
}

int pg_loop_fail(int why, size_t row, double trips)
{
    failure.why = why;
    failure.row = row;
    failure.trips = trips;
    return 0;
}

void pg_loop_failed_in(size_t row, double last)
{
    failure.row = row;
    failure.trips = last;
}

void pg_loop_failed_alone(size_t row)
{
    pg_loop_failed_in(row, failure.why == RAISED ? (double)row : failure.trips);
}
