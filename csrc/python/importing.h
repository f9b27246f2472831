/* importing.h: what an import statement of lifted code calls. */
#ifndef PG_IMPORTING_H
#define PG_IMPORTING_H

#include "python/object.h"

extern PyMethodDef pg_importing_functions[];

#endif
