/* sums.h: sum and dot, as functions of the module. */
#ifndef PG_SUMS_H
#define PG_SUMS_H

#include "python/object.h"

extern PyMethodDef pg_sum_functions[];

#endif
