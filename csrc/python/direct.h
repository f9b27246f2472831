/* direct.h: calls of compiled functions that C does from arguments to result.
 *
 * A Direct is for arguments of one form and one state of what the function reads from elsewhere: it has all paths of a
 * program that calls have taken. Calls has those of one function; Called is what its class derives from. What none of
 * them knows goes to Python, with nothing done. */
#ifndef PG_DIRECT_H
#define PG_DIRECT_H

#include "python/object.h"

extern PyMethodDef pg_direct_functions[];

/* Adds the types; -1 with an exception set. */
int pg_direct_init(PyObject *module);

#endif
