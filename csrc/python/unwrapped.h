/* unwrapped.h: nodes of which no Value is made: derivatives that nothing but the program of a trace asks for. */
#ifndef PG_UNWRAPPED_H
#define PG_UNWRAPPED_H

#include "graph/graph.h"
#include "python/object.h"

/* A capsule with room for so many nodes, which it gives back when it goes; NULL with an exception set. Caller owns. */
PyObject *pg_unwrapped(size_t count);

/* Puts a node, which it takes over, behind those that are in a capsule with room for it. */
void pg_put_unwrapped(PyObject *capsule, pg_node *n);

/* The nodes, one after the other, of a tuple of Values and such capsules, and how many; NULL with an exception set, a
 * TypeError that starts with what if there is something else. Caller owns the array; the nodes are borrowed. */
pg_node **pg_all_nodes_of(PyObject *items, const char *what, size_t *count);

#endif
