/* cells.h: nodes of tables: which cell of its keys a number is in, and which item is taken.
 *
 * They are made where a trace runs: outside, what is searched for is a number, and what is taken is the item itself.
 * nodes are borrowed: first what is searched for, or the number of an item, then keys or items. */
#ifndef PG_GRAPH_CELLS_H
#define PG_GRAPH_CELLS_H

#include "graph/node.h"
#include "ops/cells.h"

/* The value of a node PG_SEARCH or PG_TAKE from the numbers of its operands; nan where there is no such item. */
double pg_table_value(const pg_node *n);

/* The cell by a rule: a node PG_SEARCH, or else a leaf. NULL for want of memory. Caller owns. */
pg_node *pg_cell_of(pg_node *const *nodes, size_t keys, unsigned rule, int as_node);

/* What is taken: a node PG_TAKE; or else the item itself, and where there is none a leaf of nan. NULL for want of
 * memory. Caller owns. */
pg_node *pg_item_of(pg_node *const *nodes, size_t items, int as_node);

#endif
