/* node.h: what a node is.
 *
 * A node is a number, how it was computed, and what has arrived at it on the way back: 48 bytes, and a block
 * beside them for operands that are not one or two. It owns a reference to each operand; operands never change, so
 * a graph has no cycle. While anybody owns a reference to the node, it stays where it is. */
#ifndef PG_NODE_H
#define PG_NODE_H

#include "pygrad.h"

#if defined(__GNUC__) && !defined(PG_COUNTED) /* which is a build whose branches are counted, each once */
#define PG_LIKELY(c) __builtin_expect(!!(c), 1)
#define PG_UNLIKELY(c) __builtin_expect(!!(c), 0)
#define PG_RARE __attribute__((noinline, cold)) /* a function out of the way of its callers */
#define PG_INLINE static inline __attribute__((always_inline))
#define PG_PREFETCH(address) __builtin_prefetch(address)
#else
#define PG_LIKELY(c) (c)
#define PG_UNLIKELY(c) (c)
#define PG_RARE
#define PG_INLINE static inline
#define PG_PREFETCH(address) ((void)(address))
#endif

#if defined(_MSC_VER) /* which has no _Thread_local in C before 2022 */
#define PG_THREAD_LOCAL __declspec(thread)
#else
#define PG_THREAD_LOCAL _Thread_local
#endif

/* Opcodes: seven kinds of node that are no line of the table, then the table in its order. */
enum pg_opcode {
    PG_LEAF,               /* no operands */
    PG_CUSTOM,             /* operands and perhaps a user closure, no rule */
    PG_PARTIALS,           /* operands and the partial derivatives given with them */
    PG_SUM,                /* a sum of operands */
    PG_DOT,                /* ws, xs and perhaps a bias: an odd count has one */
    PG_SEARCH,             /* x, then keys: which cell of them x is in, as pg_many.leads says: a condition */
    PG_TAKE,               /* a whole number, then items: the item of that number; see ops/cells.h */
    PG_SEVERAL,            /* operands, several results and a rule of its own: see several.h */
    PG_ITEM,               /* result k of such a node */
#define UNARY(name, ...) PG_OP_##name,
#define BINARY(name, ...) PG_OP_##name,
#define TERNARY(name, ...) PG_OP_##name,
#define CONSTANT(name, ...) PG_OP_##name,
#define SLOPE1(name, ...) PG_OP_##name,
#define SLOPE2(name, ...) PG_OP_##name,
#include "ops.def"
    PG_OPCODE_COUNT
};

/* Whether an op compares, searches, or joins comparisons: its slopes are 0, and no sweep for derivatives goes further. */
PG_INLINE int pg_is_condition(unsigned op)
{
    return op >= PG_OP_below || op == PG_SEARCH;
}

/* Whether no sweep for derivatives goes further than an op, whose operands need not be in its order: a condition, or
 * what a rule of the user's stands beside (see several.h). */
PG_INLINE int pg_is_sealed(unsigned op)
{
    return op >= PG_OP_ruled || op == PG_SEARCH;
}

_Static_assert(PG_OP_below == PG_OP_ruled + 1, "what is sealed stands before conditions");
_Static_assert(PG_OP_either == PG_OPCODE_COUNT - 1, "conditions are the last lines of the table");

/* How a node holds its operands. */
enum pg_shape { PG_NO_OPERANDS, PG_ONE, PG_TWO, PG_MANY };

/* The shape of each opcode. Static. */
extern const uint8_t pg_shapes[PG_OPCODE_COUNT];

/* Operands of a node with other than one or two of them; one allocation with the arrays it points to. */
typedef struct {
    size_t count;
    double start;          /* PG_SUM: the number it starts with */
    int leads;             /* PG_SUM: the last operand comes first, in place of start; PG_SEARCH: a pg_rule */
    double *partials;      /* count numbers, or NULL */
    pg_node **given;       /* count nodes or NULLs, or NULL; references are owned */
    struct pg_several *rule; /* PG_SEVERAL: owned; NULL for others */
    pg_node *operands[];   /* references are owned */
} pg_many;

/* What a node knows about itself. The bits from PG_FLAGS_OF_WRAPPERS up to PG_BY_OP mean nothing here: they belong to
 * whoever makes wrappers. */
enum pg_flags {
    PG_PINNED = 1,         /* the node holds a reference to its wrapper: see pg_unpin */
    PG_HAS_CLOSURE = 2,    /* a closure that the wrapper holds takes the place of the rule: see PG_CLOSURE */
    PG_TRACED = 4,         /* made while its thread was tracing: see graph.h */
    PG_FLAGS_OF_WRAPPERS = 8,
    PG_BY_OP = 128         /* goes by the op. A sum of two: an adjoint has given it out as a derivative; mul0, log: a
                            * rule made it; a leaf: it stands for a number; others: see the flags of wrappers */
};

/* Of a leaf. */
typedef struct {
    uint64_t birth;        /* pg_births when it was made */
    uint8_t detached;      /* 1: no_grad() has made it of what depends on an input of a transform that was running */
    uint8_t constant;      /* 1: the user wants no grad in it, which sweeps do not know: see backward.c */
    uint8_t ruled;         /* 1: there are derivatives by it that a rule makes, which holds its Value: see rules.c */
} pg_leaf_origin;

struct pg_node {
    double value;
    double grad;
    union {
        struct { pg_node *a, *b; } two; /* shapes one and two */
        struct {
            pg_node *a;
            double k;
        } constant; /* x ** k, or item k of a */
        pg_many *many;
        pg_leaf_origin leaf;
    } of;
    void *wrapper;         /* the one object that stands for this node elsewhere, borrowed, or NULL; in a node that is
                            * free or doomed, a link */
    uint32_t refs;         /* sticks at UINT32_MAX */
    uint16_t mark;         /* number of the last sweep that has met this node, or 0 */
    uint8_t op;
    uint8_t flags;
};

/* How many operands a node has, and one of them: pg_operand_count and pg_operand where they are asked for every node. */
PG_INLINE size_t pg_count_operands(const pg_node *n)
{
    const unsigned shape = pg_shapes[n->op];
    return shape == PG_MANY ? n->of.many->count : shape;
}

PG_INLINE pg_node *pg_nth_operand(const pg_node *n, size_t i)
{
    return pg_shapes[n->op] == PG_MANY ? n->of.many->operands[i] : i == 0 ? n->of.two.a : n->of.two.b;
}

_Static_assert(PG_NO_OPERANDS == 0 && PG_ONE == 1 && PG_TWO == 2, "shapes count operands");
_Static_assert(sizeof(pg_node) <= 48, "a node at rest takes 48 bytes");
_Static_assert(PG_OPCODE_COUNT <= 256, "an opcode takes one byte");

#endif
