/* captures.h: whether what a function reads from elsewhere is what it was when its programs were traced. */
#ifndef PG_PYTHON_CAPTURES_H
#define PG_PYTHON_CAPTURES_H

#include "python/object.h"

extern PyMethodDef pg_capture_functions[];

/* -1 with an exception set if Python lacks something. */
int pg_captures_init(void);

#endif
