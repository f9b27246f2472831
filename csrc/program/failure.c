/* failure.c: why a run in this thread was stopped. */
#include "program/failure.h"

#include "graph/node.h"

static PG_THREAD_LOCAL struct {
    int why;
    size_t row;
    double trips;
} failure;

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
