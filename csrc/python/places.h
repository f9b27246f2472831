/* places.h: where in the code a trace's guards come from. */
#ifndef PG_PYTHON_PLACES_H
#define PG_PYTHON_PLACES_H

#include "python/object.h"

#include <stdint.h>

#define PG_MOST_PLACES 255 /* that is also the number of those for which there was no room */

/* Lines of code, each there once, and which of them each guard is from. */
typedef struct {
    PyObject *codes[PG_MOST_PLACES]; /* owned */
    int lines[PG_MOST_PLACES];
    int count;
    uint8_t *of_guards;
    size_t capacity;
} pg_places;

/* The line that runs now is that of a guard, by its number. What there is no memory for is not noted. */
void pg_places_note(pg_places *places, size_t guard);

/* A byte for each of the guards, and a list of code and line; NULL with an exception set. */
PyObject *pg_places_told(const pg_places *places, size_t guards);

void pg_places_forget(pg_places *places);

#endif
