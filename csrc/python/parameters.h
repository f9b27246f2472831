/* parameters.h: the type of a list of Values that an optimiser updates, and a step of one.
 *
 * A step that is ready cannot fail: its numbers were read, and the memory that it needs is there. What it moves is borrowed:
 * whoever has the step keeps the Parameters. */
#ifndef PG_PARAMETERS_H
#define PG_PARAMETERS_H

#include "python/object.h"

enum { PG_MOST_SETTINGS = 5 };

typedef struct pg_rule pg_rule;

typedef struct {
    PyObject *parameters;  /* borrowed */
    const pg_rule *rule;   /* static */
    double settings[PG_MOST_SETTINGS];
} pg_step;

/* A step of a Parameters by a rule ("sgd", "nesterov", "dampened", "adam", "adamw", "amsgrad", "amsgradw", "rmsprop"), with a
 * tuple of its settings; false with an exception set. */
int pg_step_ready(PyObject *parameters, const char *rule, PyObject *settings, pg_step *step);

/* Moves every parameter once, by its present grad. Never fails. */
void pg_step_take(const pg_step *step);

/* The tuple of Values that it moves. Borrowed. */
PyObject *pg_step_values(const pg_step *step);

/* Makes the type and adds it to the module; -1 with an exception set. */
int pg_parameters_init(PyObject *module);

#endif
