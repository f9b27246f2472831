/* suppressed.c: the counter of what sweeps have taken to be 0. */
#include "graph/suppressed.h"

unsigned pg_suppressed;
