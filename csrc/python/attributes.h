/* attributes.h: slots of the type for what a Value shows of its node: attributes, hash, text. */
#ifndef PG_ATTRIBUTES_H
#define PG_ATTRIBUTES_H

#include "python/object.h"

#include <structmember.h>

extern PyGetSetDef pg_attributes[];
extern PyMemberDef pg_offsets[];

/* The setter of label; closure is not used. -1 with an exception set. */
int pg_set_label(PyObject *self, PyObject *content, void *closure);

/* Text of _op for a node of the table, whatever it is called by now. New reference. */
PyObject *pg_op_text(const pg_node *n);

int pg_value_setattro(PyObject *self, PyObject *name, PyObject *content);
Py_hash_t pg_value_hash(PyObject *self);
PyObject *pg_value_repr(PyObject *self);

#endif
