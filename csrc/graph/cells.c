/* cells.c: nodes of tables. */
#include "graph/cells.h"

#include <math.h>

#define VALUE_OF_NODE(i) (from[i]->value)
PG_CELL_FUNCTION(cell_among_nodes, pg_node *const *, VALUE_OF_NODE)

static double cell_of(pg_node *const *nodes, size_t keys, unsigned rule)
{
    return keys == 0 ? 0.0 : (double)cell_among_nodes(nodes + 1, rule, keys, nodes[0]->value);
}

static double value_taken(pg_node *const *nodes, size_t items)
{
    const size_t number = pg_item_number(nodes[0]->value, items);
    return number < items ? nodes[1 + number]->value : (double)NAN;
}

double pg_table_value(const pg_node *n)
{
    const pg_many *m = n->of.many;
    if (n->op == PG_TAKE)
        return value_taken(m->operands, m->count - 1);
    return cell_of(m->operands, m->count - 1, (unsigned)m->leads);
}

pg_node *pg_cell_of(pg_node *const *nodes, size_t keys, unsigned rule, int as_node)
{
    const double cell = cell_of(nodes, keys, rule);
    if (!as_node)
        return pg_leaf(cell);
    pg_node *n = pg_compute_many(PG_SEARCH, nodes, keys + 1, cell, NULL, NULL);
    if (n != NULL)
        n->of.many->leads = (int)rule;
    return n;
}

pg_node *pg_item_of(pg_node *const *nodes, size_t items, int as_node)
{
    const size_t number = pg_item_number(nodes[0]->value, items);
    if (as_node)
        return pg_compute_many(PG_TAKE, nodes, items + 1, value_taken(nodes, items), NULL, NULL);
    return number < items ? pg_retain(nodes[1 + number]) : pg_leaf((double)NAN);
}
