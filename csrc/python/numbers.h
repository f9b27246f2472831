/* numbers.h: the leaves that a trace has made for tuples of plain numbers.
 *
 * A list of them, its trace's; each owns its tuple and its leaves. A tuple is known by being the same object. */
#ifndef PG_PYTHON_NUMBERS_H
#define PG_PYTHON_NUMBERS_H

#include "python/object.h"

typedef struct pg_numbers {
    struct pg_numbers *next;
    PyObject *tuple;       /* owned */
    size_t count;
    pg_node *leaves[];     /* owned */
} pg_numbers;

/* Those of a tuple, or NULL. Borrowed. */
const pg_numbers *pg_find_numbers(const pg_numbers *all, const PyObject *tuple);

/* Keeps as many leaves (borrowed) as the tuple has items; without memory it does not. */
void pg_keep_numbers(pg_numbers **all, PyObject *tuple, pg_node *const *leaves);

/* Gives up all of a list; NULL is allowed. */
void pg_forget_numbers(pg_numbers *all);

#endif
