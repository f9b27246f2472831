/* replay.h: programs run on Values, as a function of the module. */
#ifndef PG_REPLAY_H
#define PG_REPLAY_H

#include "python/object.h"

extern PyMethodDef pg_replay_functions[];

#endif
