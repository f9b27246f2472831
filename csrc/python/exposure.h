/* exposure.h: what the collector is shown late, as a function of the module. */
#ifndef PG_EXPOSURE_H
#define PG_EXPOSURE_H

#include "python/object.h"

extern PyMethodDef pg_exposure_functions[];

#endif
