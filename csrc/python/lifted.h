/* lifted.h: whether the code that runs is lifted (pygrad/lifting/): there Values stand for numbers. */
#ifndef PG_LIFTED_H
#define PG_LIFTED_H

#include "python/object.h"

/* Its globals say so. -1 with an exception set. */
int pg_in_lifted_code(void);

/* The same of what has called pygrad's Python, if that is what runs. */
int pg_called_by_lifted_code(void);

/* Whether it is lifted, or was called by such code and is Python's collections, as Counter(...). */
int pg_is_key_of_lifted_code(void);

/* Whether there may be lifted code at all. */
int pg_lifted_code_is_about(void);

extern PyMethodDef pg_lifted_functions[];

#endif
