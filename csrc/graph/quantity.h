/* quantity.h: a derivative on its way: a node, or a plain number while nothing but numbers has gone into it, so that a
 * slope of 1 or -1 costs no node.
 *
 * Whoever takes a quantity as an argument takes it over; *place stays its owner's. */
#ifndef PG_QUANTITY_H
#define PG_QUANTITY_H

#include "graph/graph.h"

typedef struct {
    pg_node *node;         /* owned, or NULL: a number */
    double number;
} quantity;

static inline quantity number(double x)
{
    return (quantity){NULL, x};
}

static inline quantity own(pg_node *n)
{
    return (quantity){pg_retain(n), 0.0};
}

static inline quantity copy(const quantity *place)
{
    return place->node != NULL ? own(place->node) : *place;
}

static inline void drop(quantity t)
{
    if (t.node != NULL)
        pg_release(t.node);
}

static inline int is_number(quantity t, double x)
{
    return t.node == NULL && t.number == x;
}

static inline double value_of(quantity t)
{
    return t.node != NULL ? t.node->value : t.number;
}

/* The quantity as a node that the caller owns; NULL for want of memory. */
static inline pg_node *node_of(quantity t)
{
    return t.node != NULL ? t.node : pg_born(pg_leaf(t.number));
}

#endif
