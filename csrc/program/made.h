/* made.h: bodies of nodes as programs, and loops as nodes. */
#ifndef PG_MADE_H
#define PG_MADE_H

#include "program/loop.h"

/* A body of nodes: its inputs (state and captured ones) and its results, as programs. NULL with *status set, and *opaque
 * for PG_OPAQUE. Caller owns. The nodes are of the trace that runs. */
pg_body *pg_body_of(pg_node *const *inputs, size_t state, size_t captured, pg_node *const *results, size_t result_count,
                    int counts, double most, pg_status *status, pg_node **opaque);

/* A body, or NULL for want of memory; takes the programs over, also then. Caller owns. */
pg_body *pg_body_make(pg_program *flat, pg_program *wide, size_t state, size_t captured, int counts, double most);

/* The same of a scan, whose inputs and results have in this order: the state, what is captured, what is given, what is
 * known; the new state, whether it goes on, what is made. Retains the numbers of scan. */
pg_body *pg_scan_body(pg_node *const *inputs, size_t state, size_t captured, pg_node *const *results,
                      size_t result_count, int counts, double most, const pg_scan *scan, pg_status *status,
                      pg_node **opaque);

/* Room for so many numbers, or NULL for want of memory. Caller owns. */
pg_columns *pg_columns_make(size_t count);
pg_columns *pg_columns_retain(pg_columns *numbers);
void pg_columns_release(pg_columns *numbers); /* which may be NULL */

/* The node of a loop on operands, its results computed, and items for all of them into items, which the caller owns; they
 * are nan where it has not ended. NULL for want of memory, or if it was stopped, as *status says. Caller owns. */
pg_node *pg_loop_node(const pg_loop *loop, pg_node *const *operands, pg_node **items, pg_status *status);

/* The end of a loop that nobody refers to. */
void pg_loop_destroy(pg_several *rule);

/* Not 0 while only the shape of what is made matters: no loop runs then. */
extern PG_THREAD_LOCAL int pg_loops_idle;

/* What marks leaves that rules of the user's are not to take for numbers: flags of wrappers. */
extern uint8_t pg_flags_of_inputs;

/* Not 0 while bodies are made whose sums are to be contracted. */
extern PG_THREAD_LOCAL int pg_contracts;

/* A sum of nodes, sorted down to the stops. Caller abandons the sweep and releases the root. */
pg_status pg_sort_sum(pg_node *const *nodes, size_t count, pg_node *const *stops, size_t stop_count, pg_node **root,
                      pg_sweep **out);

#endif
