/* core.h: what the library's own files know of a node. Not for its users. */
#ifndef PG_CORE_H
#define PG_CORE_H

#include "pygrad.h"

#if defined(__GNUC__)
#define PG_LIKELY(c) __builtin_expect(!!(c), 1)
#define PG_UNLIKELY(c) __builtin_expect(!!(c), 0)
#define PG_INLINE static inline __attribute__((always_inline))
#define PG_PREFETCH(address) __builtin_prefetch(address)
#else
#define PG_LIKELY(c) (c)
#define PG_UNLIKELY(c) (c)
#define PG_INLINE static inline
#define PG_PREFETCH(address) ((void)(address))
#endif

#if defined(_MSC_VER) /* which has no _Thread_local in C before 2022 */
#define PG_THREAD_LOCAL __declspec(thread)
#else
#define PG_THREAD_LOCAL _Thread_local
#endif

/* Opcodes: five kinds of node that are no line of the table, then the table in its order. */
enum pg_opcode {
    PG_LEAF,               /* no operands */
    PG_CUSTOM,             /* operands and perhaps a user closure, no rule */
    PG_PARTIALS,           /* operands and the partial derivatives given with them */
    PG_SUM,                /* a sum of operands */
    PG_DOT,                /* ws, xs and perhaps a bias: an odd count has one */
#define UNARY(name, ...) PG_OP_##name,
#define BINARY(name, ...) PG_OP_##name,
#define TERNARY(name, ...) PG_OP_##name,
#define CONSTANT(name, ...) PG_OP_##name,
#define SLOPE1(name, ...) PG_OP_##name,
#define SLOPE2(name, ...) PG_OP_##name,
#include "ops.def"
    PG_OPCODE_COUNT
};

/* How a node holds its operands. */
enum pg_shape { PG_NO_OPERANDS, PG_ONE, PG_TWO, PG_MANY };

/* The shape of each opcode. Static. */
extern const uint8_t pg_shapes[PG_OPCODE_COUNT];

/* Operands of a node with other than one or two of them; one allocation with the arrays it points to. */
typedef struct {
    size_t count;
    double start;          /* PG_SUM: the number it starts with */
    int leads;             /* PG_SUM: the last operand comes first, in place of start */
    double *partials;      /* count numbers, or NULL */
    pg_node **given;       /* count nodes or NULLs, or NULL */
    pg_node *operands[];
} pg_many;

enum pg_flags {
    PG_VISIBLE = 1,        /* owned by its wrapper, which holds its parents' wrappers for the collector */
    PG_CARRIES = 2,        /* the wrapper carries something to keep: a label, _op, type, plain attributes */
    PG_PINNED = 4,         /* the node holds a reference to its wrapper */
    PG_UNBUILT = 8,        /* made by __new__, not yet by __init__ */
    PG_HAS_CLOSURE = 16,   /* the wrapper holds a closure that replaces the rule */
    PG_WHOLE_EXPONENT = 32, /* x ** n was written with an int */
    PG_NUMBER = 32,        /* a leaf: stands for a number that was an operand, such as the 2 of a * 2 */
    PG_TRACED = 128,       /* made while its thread was tracing: see tracing.c */
    PG_ACTIVE = 64         /* an input of a transform that is running the user's function: see recording.c */
};

/* Operands with any of these need more than a node made: see the number protocol's slow path. */
#define PG_SLOW (PG_VISIBLE | PG_CARRIES | PG_UNBUILT)

struct pg_node {
    double value;
    double grad;
    union {
        struct {
            pg_node *a, *b;
        } two;             /* shapes one and two */
        struct {
            pg_node *a;
            double k;
        } constant;        /* x ** k */
        pg_many *many;
    } of;
    void *wrapper;         /* the one Python object of this node, borrowed, or NULL; link when free or doomed */
    uint32_t refs;         /* sticks at UINT32_MAX */
    uint16_t mark;         /* number of the last sweep that has met this node, or 0 */
    uint8_t op;
    uint8_t flags;
};

/* PG_TRACED while this thread traces, else 0: what slow paths give to nodes they make. */
extern PG_THREAD_LOCAL uint8_t pg_birth_flags;
extern size_t pg_traced_nodes; /* nodes that exist with PG_TRACED */
extern int pg_tracing_threads; /* how many threads trace: to be asked first, as it costs less */

PG_INLINE void pg_mark_traced(pg_node *n)
{
    pg_traced_nodes += !(n->flags & PG_TRACED);
    n->flags |= PG_TRACED;
}

/* The new node n (or NULL), marked as made in this thread's trace, if there is one. */
PG_INLINE pg_node *pg_born(pg_node *n)
{
    if (PG_UNLIKELY(pg_tracing_threads != 0) && n != NULL && pg_birth_flags != 0)
        pg_mark_traced(n);
    return n;
}

/* A leaf for a number that is an operand, or NULL. Caller owns. */
PG_INLINE pg_node *pg_number_leaf(double number)
{
    pg_node *n = pg_born(pg_leaf(number));
    if (n != NULL)
        n->flags |= PG_NUMBER;
    return n;
}

_Static_assert(sizeof(pg_node) <= 48, "a node at rest takes 48 bytes");
_Static_assert(PG_OPCODE_COUNT <= 256, "an opcode takes one byte");

/* memory.c: calls visit with every node that exists. It is to make and release none. */
void pg_pool_each(void (*visit)(pg_node *n, void *context), void *context);

/* graph.c: gives a leaf that is marked PG_UNBUILT the contents of the new node n, which is used up. */
void pg_become(pg_node *unbuilt, pg_node *n);

#endif
