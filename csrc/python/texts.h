/* texts.h: texts of Values where they stand for numbers, or where a text would freeze one: pygrad/core/texts.py. */
#ifndef PG_TEXTS_H
#define PG_TEXTS_H

#include "python/object.h"

/* What stands for the text of a Value, or None where it has none but its repr. spec is that of format(), or NULL.
 * New reference, or NULL with an exception set. */
PyObject *pg_text_instead(PyObject *v, PyObject *spec);

extern PyMethodDef pg_text_functions[];

#endif
