/* instructions.h: code decoded: its instructions, with the names and constants that they have. */
#ifndef PG_PYTHON_INSTRUCTIONS_H
#define PG_PYTHON_INSTRUCTIONS_H

#include "python/object.h"

extern PyMethodDef pg_instruction_functions[];

#endif
