/* inspection.h: what modules ask about a node, as functions of the module. None of them changes anything. */
#ifndef PG_INSPECTION_H
#define PG_INSPECTION_H

#include "python/object.h"

extern PyMethodDef pg_inspection_functions[];

#endif
