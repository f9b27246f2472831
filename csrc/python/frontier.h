/* frontier.h: Jacobians of rows by way of what rows share.
 *
 * In a trace of rows, derivatives by numbers that all rows share often go through values that these share, too: the
 * frontier. Up to there a sweep goes back for each row; from there on derivatives by the inputs are the same for all
 * rows, and computed once a call. */
#ifndef PG_FRONTIER_H
#define PG_FRONTIER_H

#include "python/object.h"

extern PyMethodDef pg_frontier_functions[];

#endif
