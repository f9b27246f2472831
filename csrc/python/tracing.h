/* tracing.h: the program of a trace, as functions of the module. */
#ifndef PG_TRACING_H
#define PG_TRACING_H

#include "python/object.h"

extern PyMethodDef pg_tracing_functions[];

#endif
