/* graph.c: nodes made, shared and released. */
#include "graph/graph.h"
#include "graph/memory.h"
#include "graph/several.h"

#include <string.h>

void (*pg_unpin)(void *wrapper);
PG_THREAD_LOCAL uint8_t pg_birth_flags;
int pg_tracing_threads;
size_t pg_traced_nodes;
uint64_t pg_births;

/* -- making ------------------------------------------------------------------------------------- */

pg_node *pg_retain(pg_node *n)
{
    if (n->refs != UINT32_MAX)
        n->refs++;
    return n;
}

PG_INLINE pg_node *make(int op, double value)
{
    pg_node *n = pg_pool_take();
    if (n == NULL)
        return NULL;
    n->value = value;
    n->grad = 0.0;
    n->wrapper = NULL;
    n->refs = 1;
    n->mark = 0;
    n->op = (uint8_t)op;
    n->flags = 0;
    return n;
}

pg_node *pg_leaf(double value)
{
    pg_node *n = make(PG_LEAF, value);
    if (PG_LIKELY(n != NULL))
        n->of.leaf = (pg_leaf_origin){pg_births, 0, 0, 0};
    return n;
}

pg_node *pg_compute(int op, pg_node *a, pg_node *b, double value)
{
    pg_node *n = make(op, value);
    if (n == NULL)
        return NULL;
    n->of.two.a = pg_retain(a);
    n->of.two.b = b == NULL ? NULL : pg_retain(b);
    return n;
}

pg_node *pg_compute_pown(pg_node *x, double k, double value)
{
    pg_node *n = make(PG_OP_pown, value);
    if (n == NULL)
        return NULL;
    n->of.constant.a = pg_retain(x);
    n->of.constant.k = k;
    return n;
}

/* One block for the operands and, behind them, given nodes and partial numbers where there are any. */
static pg_many *make_many(size_t count, int with_partials, int with_given)
{
    size_t each = sizeof(pg_node *);
    if (with_given)
        each += sizeof(pg_node *);
    if (with_partials)
        each += sizeof(double);
    const size_t fixed = sizeof(pg_many) + sizeof(double);
    if (count > (SIZE_MAX - fixed) / each)
        return NULL;
    pg_many *m = pg_alloc(1, fixed + count * each);
    if (m == NULL)
        return NULL;
    m->count = count;
    m->start = 0.0;
    m->leads = 0;
    m->rule = NULL;
    pg_node **behind = m->operands + count;
    m->given = with_given ? behind : NULL;
    if (with_given)
        behind += count;
    const uintptr_t most = _Alignof(double) - 1; /* a pointer may be smaller than a double */
    m->partials = with_partials ? (double *)(((uintptr_t)behind + most) & ~most) : NULL;
    return m;
}

pg_node *pg_compute_many(int op, pg_node *const *operands, size_t count, double value, const double *partials,
                         pg_node *const *given)
{
    pg_many *m = make_many(count, partials != NULL, given != NULL);
    if (m == NULL)
        return NULL;
    pg_node *n = make(op, value);
    if (n == NULL) {
        pg_free(m);
        return NULL;
    }
    n->of.many = m;
    for (size_t i = 0; i < count; i++) {
        m->operands[i] = pg_retain(operands[i]);
        if (given != NULL)
            m->given[i] = given[i] == NULL ? NULL : pg_retain(given[i]);
    }
    if (partials != NULL && count != 0)
        memcpy(m->partials, partials, count * sizeof *partials);
    return n;
}

void pg_become(pg_node *leaf, pg_node *n)
{
    leaf->value = n->value;
    leaf->op = n->op;
    leaf->of = n->of;
    pg_traced_nodes -= (leaf->flags & n->flags & PG_TRACED) != 0;
    leaf->flags |= n->flags;
    pg_pool_give(n);
}

/* -- releasing ---------------------------------------------------------------------------------- */

static pg_node *doomed;    /* nodes nobody refers to, linked through their wrapper fields */
static int clearing;       /* pg_release is at work further up the C stack, or in another thread */

/* One reference less; a node without any joins the doomed. */
PG_INLINE void drop(pg_node *n)
{
    if (PG_UNLIKELY(n->refs == UINT32_MAX))
        return;
    if (--n->refs == 0) {
        n->wrapper = doomed;
        doomed = n;
        PG_PREFETCH(n->of.two.a); /* dropped next; whatever of is, a prefetch does no harm */
        PG_PREFETCH(n->of.two.b);
    } else if (PG_UNLIKELY(n->flags & PG_PINNED) && n->refs == 1) {
        n->flags = (uint8_t)(n->flags & ~PG_PINNED);
        pg_unpin(n->wrapper);
    }
}

static void drop_many(pg_many *m)
{
    for (size_t i = 0; i < m->count; i++) {
        drop(m->operands[i]);
        if (m->given != NULL && m->given[i] != NULL)
            drop(m->given[i]);
    }
    if (PG_UNLIKELY(m->rule != NULL))
        pg_several_release(m->rule);
    pg_free(m);
}

void pg_release(pg_node *n)
{
    drop(n);
    if (clearing || doomed == NULL)
        return;
    clearing = 1;
    while (doomed != NULL) {
        pg_node *dead = doomed;
        doomed = dead->wrapper;
        switch (pg_shapes[dead->op]) {
        case PG_TWO:
            drop(dead->of.two.b);
            /* fall through */
        case PG_ONE:
            drop(dead->of.two.a);
            break;
        case PG_MANY:
            drop_many(dead->of.many);
            break;
        default:
            break;
        }
        pg_traced_nodes -= PG_UNLIKELY(dead->flags & PG_TRACED) != 0;
        pg_pool_give(dead);
    }
    clearing = 0;
}

pg_node **pg_no_nodes(size_t count)
{
    pg_node **nodes = pg_alloc(count + 1, sizeof *nodes);
    for (size_t i = 0; nodes != NULL && i < count; i++)
        nodes[i] = NULL;
    return nodes;
}

void pg_release_all(pg_node **nodes, size_t count)
{
    for (size_t i = 0; nodes != NULL && i < count; i++)
        if (nodes[i] != NULL) {
            pg_release(nodes[i]);
            nodes[i] = NULL;
        }
}
