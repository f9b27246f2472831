/* reading.h: what code reads by name from elsewhere, seen in its instructions. */
#ifndef PG_PYTHON_READING_H
#define PG_PYTHON_READING_H

#include "python/object.h"

extern PyMethodDef pg_reading_functions[];

/* -1 with an exception set. */
int pg_reading_init(void);

#endif
