/* recording.h: the recordings of transforms and their derivatives, as functions of the module. */
#ifndef PG_RECORDING_H
#define PG_RECORDING_H

#include "python/object.h"

/* Inputs of transforms that run a function now, in all threads. */
extern int pg_active_inputs;

/* A new tuple with an input for each of a tuple of numbers and Values; NULL with an exception set. */
PyObject *pg_inputs_for(PyObject *points);

/* The recording of these inputs begins, and ends. */
void pg_activate(PyObject *inputs);
void pg_retire(PyObject *inputs);

/* While this thread runs a function for a transform: notes that the number in v is read here. False with an exception
 * set. */
int pg_note_read(PyObject *v);

/* A Value states how it depends on these children, a tuple: that their numbers were read has cut nothing. False with an
 * exception set. */
int pg_forget_reads(PyObject *children);

/* This thread runs no function for a transform any more. */
void pg_forget_all_reads(void);

extern PyMethodDef pg_recording_functions[];

#endif
