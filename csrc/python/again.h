/* again.h: what a rule has recorded, made anew where the body of a loop is differentiated.
 *
 * A body is differentiated on nodes of its own, and what its rules have recorded is made of those that it was traced on. */
#ifndef PG_PYTHON_AGAIN_H
#define PG_PYTHON_AGAIN_H

#include "python/object.h"

extern PyMethodDef pg_again_functions[];

#endif
