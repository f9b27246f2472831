/* order.h: what the code does, and in which order.
 *
 * Operands come before their users, partners stand together, a guard comes as soon as both its sides are there, and results
 * of rows after all guards of rows, so that a row that leaves its path adds nothing to a total. Beyond that values come in
 * the order of the draft; but what is of rows, and the last to use a number, comes as soon as it can, as results do: so the
 * numbers that are needed later stay few, and near the processor. */
#ifndef PG_ORDER_H
#define PG_ORDER_H

#include "program/draft.h"

/* What is done: values by number, guards and results. */
typedef enum { ITEM_VALUE, ITEM_GUARD, ITEM_RESULT } item_kind;

typedef struct {
    item_kind kind;
    uint32_t at;           /* number of the value, guard or result */
} item;

/* What is given out or added up over rows for a result: a, a * b, or uniform + a * b; or, if it is the same for
 * all rows, uniform alone. NONE where there is none. less: a is taken away. A value that is only there to be added up is not
 * computed: its parts are added up in its place. */
typedef struct {
    uint32_t a, b;
    int absorbing;
    uint32_t uniform;
    int less;
} pg_parts;

typedef struct {
    draft *d;
    const pg_trace *trace;
    const uint32_t *guards, *results; /* values: two for each guard, one for each result */
    pg_parts *parts;       /* of each result */
    uint32_t *row_values;  /* what is needed of rows, leaves first; within the block of last */
    uint32_t *uniform_values; /* what is computed once, the last one first; there, too */
    size_t row_count, row_leaves, uniform_count, constant_count;
    item *items;
    size_t count;
    uint32_t *last;        /* for each value that is needed NONE before it is listed; the caller's afterwards */
    uint32_t *before;      /* see guards_before() */
} pg_order;

static inline int pg_is_total(const pg_order *o, uint32_t result)
{
    return o->trace->totals != NULL && o->trace->totals[result];
}

/* Room for the items of a draft with uses counted, and what is asked of it above; false for want of memory. What is only there
 * to be added up is needed no more. Caller owns, until pg_order_close, either way. */
int pg_order_open(pg_order *o);
void pg_order_close(pg_order *o);

/* Lists what is of rows, or what is not, in the place of what was listed before. */
void pg_order_list(pg_order *o, int row);

/* Calls visit with every value that an item uses: some ten times for each item, so visit is to become part of it. */
PG_INLINE void pg_each_use(const pg_order *o, item it, void (*visit)(void *with, uint32_t v, uint32_t at), void *with,
                           uint32_t at)
{
    if (it.kind == ITEM_GUARD) {
        visit(with, o->guards[2 * it.at], at);
        visit(with, o->guards[2 * it.at + 1], at);
        return;
    }
    if (it.kind == ITEM_RESULT) {
        const pg_parts *p = &o->parts[it.at];
        if (p->a != NONE)
            visit(with, p->a, at);
        if (p->b != NONE)
            visit(with, p->b, at);
        return;
    }
    const value *v = &o->d->values[it.at];
    const uint32_t operands[3] = {v->a, v->b, v->c};
    for (int i = 0; i < 3; i++)
        if (operands[i] != NONE)
            visit(with, operands[i], at);
    for (uint32_t t = v->head; t != NONE; t = o->d->terms[t].next) {
        visit(with, o->d->terms[t].a, at);
        if (o->d->terms[t].b != NONE)
            visit(with, o->d->terms[t].b, at);
    }
}

#endif
