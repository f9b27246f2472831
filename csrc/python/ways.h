/* ways.h: ways of a branch that only the rows run which take them: what a way computes is the body of a loop of no trip
 * or one.
 *
 * Both ways are traced as all else is. What a way has made, between two places in the list of new nodes, becomes a body
 * afterwards; what it uses of what was there before is captured. A node of the way that is used elsewhere, too, by a guard
 * say, stands in both. */
#ifndef PG_PYTHON_WAYS_H
#define PG_PYTHON_WAYS_H

#include "python/object.h"

extern PyMethodDef pg_way_functions[];

#endif
