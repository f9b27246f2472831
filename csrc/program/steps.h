/* steps.h: how long a program may run. */
#ifndef PG_STEPS_H
#define PG_STEPS_H

#include "program/program.h"

/* About how many instructions a row needs at most, those of bodies among them; SIZE_MAX where loops have more than one
 * trip. */
size_t pg_program_steps(const pg_program *p);

#endif
