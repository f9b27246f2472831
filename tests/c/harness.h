/* harness.h: what the tests of the C library share: nodes, sweeps from end to end, and how a test is run. */
#ifndef PG_HARNESS_H
#define PG_HARNESS_H

#include "graph/node.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            printf("line %d: not true: %s\n", __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

enum { ENOUGH = 1 << 30 };

/* How often something is tried; less often where each step is counted. */
#ifdef PG_COUNTED
#define TIMES(n) ((n) / 4)
#else
#define TIMES(n) (n)
#endif

/* What is tried one by one: all of it or, where a sanitizer has it take many times as long, every fourth, others at each
 * turn that tests/lib/shares.py says. */
#ifdef __SANITIZE_ADDRESS__
enum { SHARES = 4 };
#else
enum { SHARES = 1 };
#endif

static inline unsigned whose_turn(void)
{
    const char *said = getenv("PYGRAD_TURN");
    return said == NULL ? 0 : (unsigned)(strtoul(said, NULL, 10) % SHARES);
}

/* The n-th allocation from now fails, alone or with all later ones; 0 ends that. */
static inline void fail(size_t n, int alone)
{
    if (alone)
        pg_fail_once(n);
    else
        pg_fail_at(n);
}

static inline pg_node *add(pg_node *a, pg_node *b)
{
    return pg_compute(PG_OP_add, a, b, a->value + b->value);
}

static inline pg_node *mul(pg_node *a, pg_node *b)
{
    return pg_compute(PG_OP_mul, a, b, a->value * b->value);
}

/* a * b or a + b of nodes that are given up in turn. */
static inline pg_node *consumed(int op, pg_node *a, pg_node *b)
{
    pg_node *n = op == PG_OP_add ? add(a, b) : mul(a, b);
    pg_release(a);
    pg_release(b);
    return n;
}

/* A sweep that is sorted. */
static inline pg_sweep *sorted(pg_node *root, int writes, pg_node *const *stops, size_t count)
{
    pg_sweep *s;
    CHECK(pg_sweep_open(root, writes, &s) == PG_OK);
    CHECK(pg_sweep_stop_at(s, stops, count) == PG_OK);
    CHECK(pg_sweep_sort(s, ENOUGH) == PG_OK);
    return s;
}

/* A sweep from root to the end; sort and step by so many nodes at a time. Does nothing for closures. */
static inline pg_status sweep(pg_node *root, double seed, size_t budget)
{
    pg_sweep *s;
    pg_node *due;
    pg_status status = pg_sweep_open(root, 1, &s);
    if (status != PG_OK)
        return status;
    while ((status = pg_sweep_sort(s, budget)) == PG_MORE)
        continue;
    if (status != PG_OK) {
        pg_sweep_abandon(s);
        return status;
    }
    pg_sweep_begin(s, seed);
    while ((status = pg_sweep_step(s, budget, &due)) != PG_OK)
        CHECK(status == PG_MORE || status == PG_CLOSURE);
    pg_sweep_commit(s);
    return PG_OK;
}

/* A sweep that has been sorted and has begun. */
static inline pg_sweep *begun(pg_node *root)
{
    pg_sweep *s;
    CHECK(pg_sweep_open(root, 1, &s) == PG_OK);
    CHECK(pg_sweep_sort(s, ENOUGH) == PG_OK);
    pg_sweep_begin(s, 1.0);
    return s;
}

static inline void finish(pg_sweep *s)
{
    pg_node *due;
    while (pg_sweep_step(s, ENOUGH, &due) != PG_OK)
        continue;
    pg_sweep_commit(s);
}

static inline pg_node *chain(size_t length)
{
    pg_node *n = pg_leaf(1.0), *one = pg_leaf(1.0);
    for (size_t i = 0; i < length; i++) {
        pg_node *next = i % 3 == 0 ? add(n, one) : add(one, n);
        pg_release(n);
        n = next;
    }
    pg_release(one);
    return n;
}

#define RUN(test) (printf("%s\n", #test), fflush(stdout), test())

#endif
