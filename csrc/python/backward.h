/* backward.h: backward() and zero_grad(), as functions of the module. */
#ifndef PG_BACKWARD_H
#define PG_BACKWARD_H

#include "python/object.h"

extern PyMethodDef pg_backward_functions[];

#endif
