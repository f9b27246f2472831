/* stays.h: the context managers of the modes, as types of the module.
 *
 * A stay is one time that a thread is in a mode. It belongs to what its `with` statement has on the stack of its
 * frame, so it ends with the frame's block at the latest, whatever an interrupt has kept from running; where a mode
 * was entered by hand the stay belongs to the object that was entered. */
#ifndef PG_STAYS_H
#define PG_STAYS_H

#include "python/object.h"

/* Adds them; -1 with an exception set. */
int pg_stays_init(PyObject *module);

extern PyMethodDef pg_stay_functions[];

#endif
