/* texts.h: texts of Values where they stand for numbers, or where a text would freeze one: pygrad/core/texts.py; and
 * what those are hashed as that stand for plain numbers. */
#ifndef PG_TEXTS_H
#define PG_TEXTS_H

#include "python/object.h"

/* What stands for the text of a Value, or None where it has none but its repr. spec is that of format(), or NULL.
 * New reference, or NULL with an exception set. */
PyObject *pg_text_instead(PyObject *v, PyObject *spec);

/* The number that a Value is hashed as in a trace, where eager code has a plain one in its place; None for others. New
 * reference, or NULL with an exception set. */
PyObject *pg_key_instead(PyObject *v);

extern PyMethodDef pg_text_functions[];

#endif
