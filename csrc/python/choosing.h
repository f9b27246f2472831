/* choosing.h: a function for Values and the standard one of plain numbers, as one. */
#ifndef PG_CHOOSING_H
#define PG_CHOOSING_H

#include "python/object.h"

extern PyMethodDef pg_choosing_functions[];

#endif
