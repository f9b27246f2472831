/* derived.h: derivatives of loops, which are loops: see several.h for what is asked of a rule.
 *
 * Let L be a loop that goes forward. Its derivative forward is one that carries derivatives beside the state. Its
 * derivative on the way back, V, is a loop that goes back. V's own derivatives need no loop of another kind: with x what V
 * is taken by and a what has arrived, V(x) a times v is a times the derivative of L along v; so the derivative of V by x is
 * the way back through the forward derivative of L along v, and that by a is the forward derivative. */
#ifndef PG_DERIVED_H
#define PG_DERIVED_H

#include "program/loop.h"

extern const pg_several_kind pg_loop_kind;

/* A body of nodes: count inputs (leaves; state and captured ones) and its results under one root, as programs.
 * NULL with *status set. Caller owns. The nodes are of the trace that runs. */
pg_body *pg_body_of(pg_node *const *inputs, size_t state, size_t captured, pg_node *const *results, size_t result_count,
                    int counts, double most, pg_status *status, pg_node **opaque);

/* The node of a loop on operands, its results computed, and items for all of them into items, which the caller owns.
 * NULL for want of memory, or if it was stopped, as status says; nan where it has not ended. Caller owns. */
pg_node *pg_loop_node(const pg_loop *loop, pg_node *const *operands, pg_node **items, pg_status *status);

#endif
