/* loops.h: loops of a trace, whose bodies are traced once. */
#ifndef PG_PYTHON_LOOPS_H
#define PG_PYTHON_LOOPS_H

#include "python/object.h"

extern PyMethodDef pg_loop_functions[];

#endif
