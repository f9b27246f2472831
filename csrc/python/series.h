/* series.h: what Taylor series are propagated with (pygrad/series), as functions of the module: the ops between inputs
 * and outputs of a recording, and each op of the table as rules compute it. */
#ifndef PG_SERIES_H
#define PG_SERIES_H

#include "python/object.h"

extern PyMethodDef pg_series_functions[];

#endif
