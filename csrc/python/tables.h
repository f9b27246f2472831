/* tables.h: tables read by Values: nodes in traces, plain Python elsewhere.
 *
 * In a trace searches are of the kind of conditions, and items are taken by ops; what reads from the same tuple of plain
 * numbers shares their leaves: see numbers.h. */
#ifndef PG_PYTHON_TABLES_H
#define PG_PYTHON_TABLES_H

#include "python/object.h"

extern PyMethodDef pg_table_functions[];

#endif
