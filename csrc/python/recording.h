/* recording.h: the recordings of transforms and their derivatives, as functions of the module. */
#ifndef PG_RECORDING_H
#define PG_RECORDING_H

#include "python/object.h"

extern PyMethodDef pg_recording_functions[];

#endif
