/* recording.h: the recordings of transforms and their derivatives, as functions of the module. */
#ifndef PG_RECORDING_H
#define PG_RECORDING_H

#include "python/object.h"

/* While this thread runs a function for a transform: notes that the number in v is read here. False with an exception
 * set. */
int pg_note_read(PyObject *v);

/* A Value states how it depends on these children, a tuple: that their numbers were read has cut nothing. False with an
 * exception set. */
int pg_forget_reads(PyObject *children);

extern PyMethodDef pg_recording_functions[];

#endif
