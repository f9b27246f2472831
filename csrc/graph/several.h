/* several.h: nodes that have several results, as a loop has: what their rule is, and how one is made.
 *
 * A PG_SEVERAL node has operands, and a rule that it shares with others; result k of it is a PG_ITEM node, whose
 * operand it is. No sweep with numbers goes through them: they are made in traces alone, and their derivatives are nodes
 * that the rule makes. */
#ifndef PG_SEVERAL_H
#define PG_SEVERAL_H

#include "graph/node.h"

/* Adds to a count that other threads add to: what it is then. */
#if defined(__GNUC__)
#define PG_ADD(count, n) __atomic_add_fetch(count, n, __ATOMIC_ACQ_REL)
#else
#include <intrin.h>
#define PG_ADD(count, n) (_InterlockedExchangeAdd((volatile long *)(count), n) + (n))
#endif

typedef struct pg_several pg_several;

/* What rules of one kind do. */
typedef struct {
    /* The derivatives of n. On the way back given has one for each result, and out gets one for each operand that is
     * wanted; forward, given has one for each operand, and out gets one for each result. NULL is 0. Given ones are
     * borrowed; the caller owns what is put into out. PG_OK or what has kept it. */
    pg_status (*derive)(pg_way way, pg_node *n, pg_node *const *given, const uint8_t *wanted, pg_node **out);
    void (*destroy)(pg_several *rule);
    /* A node with the rule of n on other operands, if more belongs to it than that rule; NULL for want of memory, or with an
     * exception set. Caller owns. NULL: pg_compute_several does. */
    pg_node *(*again)(pg_node *n, pg_node *const *operands);
} pg_several_kind;

/* The head of a rule. */
struct pg_several {
    const pg_several_kind *kind;
    size_t operands, results;
    int refs;              /* programs give theirs back in any thread */
};

/* One more reference; returns rule. */
pg_several *pg_several_retain(pg_several *rule);

/* Gives one back; the last one destroys rule. */
void pg_several_release(pg_several *rule);

/* A node with this rule, or NULL for want of memory. Retains rule and operands. Caller owns. */
pg_node *pg_compute_several(pg_several *rule, pg_node *const *operands, double value);

/* Result k of n, of the given value, or NULL. Retains n. Caller owns. */
pg_node *pg_compute_item(pg_node *n, size_t k, double value);

#endif
