/* sweeping.h: sweeps and adjoints, step by step, with what Python wants to do between the steps.
 *
 * Nothing here commits a sweep, and only pg_sorted ends one, which has failed: whoever has it from there ends it,
 * with pg_sweep_commit or, if an exception is set, pg_give_up. No step takes longer than a signal may wait. */
#ifndef PG_SWEEPING_H
#define PG_SWEEPING_H

#include "python/object.h"

enum { PG_STEP_BUDGET = 1 << 15 }; /* nodes between two looks for a signal: about a millisecond */

/* Sorts it down to the stops (borrowed); false with an exception set. */
int pg_sort_fully(pg_sweep *s, pg_node *const *stops, size_t count);

/* A sweep from root, sorted down to the stops, or NULL with an exception set. Caller owns. */
pg_sweep *pg_sorted(pg_node *root, int writes, pg_node *const *stops, size_t count);

/* One from root that only looks, through conditions, too, or NULL with an exception set. Caller owns. */
pg_sweep *pg_sorted_whole(pg_node *root);

/* The way back of a sweep that has begun, closures called; false with an exception set. */
int pg_go_back(pg_sweep *s);

/* The way forward of one, with numbers; false with an exception set. */
int pg_go_forward(pg_sweep *s);

/* Abandons a sweep; an exception that is set stays as it is. */
void pg_give_up(pg_sweep *s);

/* Not 0 while this thread takes derivatives of which the numbers are kept, and not the nodes. */
extern PG_THREAD_LOCAL int pg_numbers_alone;

/* A prepared adjoint over a sorted sweep (borrowed), or NULL with an exception set. Caller owns. */
pg_adjoint *pg_ready_adjoint(const pg_sweep *s, pg_node *const *inputs, size_t count);

/* Every node of one way of a; false with an exception set. */
int pg_go_on(pg_adjoint *a);

/* Nodes were made in C that use nodes of the sweep: keeps what the Values of these carry. */
void pg_keep_graph(const pg_sweep *s);

#endif
