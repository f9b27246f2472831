/* stopping.c: who is asked. */
#include "graph/stopping.h"

int (*pg_stop_asked)(void);
