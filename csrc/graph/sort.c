/* sort.c: the topological sort, a depth-first post-order over operands in their order, without recursion
 * and in steps. It marks the nodes it meets with the sweep's number. A node that joins the order has its
 * grad noted beside it and, if the sweep is one that writes, set to 0 while it is at hand. */
#include "graph/journal.h"
#include "graph/memory.h"

#include <string.h>

/* Room grows in two steps and then to what all live nodes would need: a large block costs nothing where
 * it is not touched, and is never copied. */
enum { MIDDLE = 4096 };

static size_t next_capacity(size_t capacity)
{
    if (capacity < MIDDLE)
        return MIDDLE;
    size_t live = pg_live_nodes() + 1;
    return live > capacity ? live : 2 * capacity;
}

/* The largest array of each kind that a sweep has given back. The pages of a new one would cost as much as a fifth of
 * the sweep, and of a training loop every step sweeps about as many nodes. */
typedef struct {
    void *array;
    size_t capacity;
} spare;
static spare spare_order, spare_stack;

/* An array with the contents of the old one, which is freed unless it is the small one inside the sweep: the one that was
 * kept, if it has room for least, or else a new one of *capacity. NULL for want of memory, with the old one still in place. */
static void *grown(spare *kept, void *array, const void *small, size_t count, size_t least, size_t *capacity,
                   size_t size)
{
    const int is_kept = kept->capacity >= least;
    void *larger = !is_kept ? pg_alloc(*capacity, size) : pg_refused() ? NULL : kept->array;
    if (larger == NULL)
        return NULL;
    if (is_kept) {
        *capacity = kept->capacity;
        *kept = (spare){NULL, 0};
    }
    memcpy(larger, array, count * size);
    if (array != small)
        pg_free(array);
    return larger;
}

#ifdef PG_HOSTILE /* where a use of what was given back is to be seen */
enum { MOST_KEPT = 0 };
#else
enum { MOST_KEPT = 1 << 26 }; /* bytes: of a larger sweep pages are a smaller part, and memory is scarcer */
#endif

static void give_back(spare *kept, void *array, size_t capacity, size_t size)
{
    if (capacity > kept->capacity && capacity <= MOST_KEPT / size) {
        pg_free(kept->array);
        *kept = (spare){array, capacity};
    } else {
        pg_free(array);
    }
}

void pg_sweep_free_arrays(pg_sweep *s)
{
    if (s->order != s->small_order)
        give_back(&spare_order, s->order, s->capacity, sizeof *s->order);
    if (s->stack != s->small_stack)
        give_back(&spare_stack, s->stack, s->stack_capacity, sizeof *s->stack);
}

/* The path is a stack of words: a node's address with a state in the low bits, which alignment leaves
 * free. AFTER_FIRST, AFTER_LAST: which operand the path went down to. IN_MANY: the index of the operand to
 * go on with is in a word of its own below, whose state bits are 0. */
enum { STATE_BITS = 3, INDEX_SHIFT = 2, AFTER_FIRST = 1, AFTER_LAST = 2, IN_MANY = 3, WORDS = 2 };

static int grow_order(pg_sweep *s)
{
    size_t capacity = next_capacity(s->capacity);
    pg_item *order = grown(&spare_order, s->order, s->small_order, s->count, s->capacity + 1, &capacity, sizeof *order);
    if (order == NULL)
        return 0;
    s->order = order;
    s->capacity = capacity;
    return 1;
}

static int grow_stack(pg_sweep *s)
{
    size_t least = s->stack_capacity + WORDS; /* room for WORDS more, whatever it is */
    size_t capacity = next_capacity(least - 1);
    uintptr_t *stack = grown(&spare_stack, s->stack, s->small_stack, s->depth, least, &capacity, sizeof *stack);
    if (stack == NULL)
        return 0;
    s->stack = stack;
    s->stack_capacity = capacity;
    return 1;
}

/* What changes with every node, for registers: where the next node in order and the next word of the path go, and where
 * there is no more room. The sweep has it while the sort pauses, and while room grows. */
typedef struct {
    pg_item *next;
    const pg_item *end;
    uintptr_t *top, *bottom;
    const uintptr_t *limit;
} cursor;

PG_INLINE cursor cursor_of(const pg_sweep *s)
{
    return (cursor){s->order + s->count, s->order + s->capacity, s->stack + s->depth, s->stack,
                    s->stack + s->stack_capacity};
}

PG_INLINE void put_back(pg_sweep *s, cursor c)
{
    s->count = (size_t)(c.next - s->order);
    s->depth = (size_t)(c.top - s->stack);
}

PG_INLINE int grow(pg_sweep *s, cursor *c, int grow_one(pg_sweep *))
{
    put_back(s, *c);
    const int done = grow_one(s);
    *c = cursor_of(s);
    return done;
}

/* A sweep over a large graph waits for memory more than it computes. Nodes lie in memory about as they were made, and join
 * the order about so, block by block; so each fetches one that is made a while after it. The distance was measured on
 * MLP-shaped, chained and random graphs, see benchmarks/sweep.py; from 100 to 500 it makes no difference. */
enum { MADE_AFTER = 150 };

PG_INLINE void fetch_made_after(const pg_node *n)
{
    PG_PREFETCH((void *)((uintptr_t)n + MADE_AFTER * sizeof *n)); /* perhaps no node's address: no harm */
}

PG_INLINE int append(pg_sweep *s, cursor *c, pg_node *n)
{
    if (PG_UNLIKELY(c->next == c->end) && !grow(s, c, grow_order))
        return 0;
    fetch_made_after(n);
    *c->next++ = (pg_item){n, n->grad};
    return 1;
}

PG_INLINE int push(pg_sweep *s, cursor *c, pg_node *n, unsigned state)
{
    if (PG_UNLIKELY(c->limit - c->top < WORDS) && !grow(s, c, grow_stack))
        return 0;
    *c->top++ = (uintptr_t)n | state;
    return 1;
}

PG_INLINE int push_many(pg_sweep *s, cursor *c, pg_node *n, size_t next)
{
    if (PG_UNLIKELY(c->limit - c->top < WORDS) && !grow(s, c, grow_stack))
        return 0;
    *c->top++ = next << INDEX_SHIFT;
    *c->top++ = (uintptr_t)n | IN_MANY;
    return 1;
}

/* What to do about an operand: nothing more, go down to it, or fail. */
typedef enum { DONE, DOWN, BUSY, NO_MEMORY } verdict;

/* Whether all that a node of two operands waits for is in order, so that the path need not go down to it. */
PG_INLINE int is_next(const pg_node *n, const uint8_t *shapes, uint16_t id)
{
    return shapes[n->op] == PG_TWO && n->of.two.a->mark == id && n->of.two.b->mark == id;
}

/* What kind of sweep it is, for constants: sorts are compiled once for the plain ones, which write, are the only unfinished
 * ones and go beyond a trace's nodes, and once for all others. */
typedef struct {
    const uint8_t *shapes;
    uint16_t id;
    int plain, alone;
} manner;

PG_INLINE verdict look(pg_sweep *s, cursor *c, pg_node *operand, manner how)
{
    if (operand->mark == how.id)
        return DONE;
    const int ends = operand->op == PG_LEAF || (!how.plain && s->traced && !(operand->flags & PG_TRACED));
    if (!ends && !how.alone && pg_sweep_keeps(operand->mark)) /* a leaf may be in another unfinished sweep, too */
        return BUSY;
    if (!ends && !is_next(operand, how.shapes, how.id))
        return DOWN;
    if (!append(s, c, operand))
        return NO_MEMORY;
    operand->mark = how.id;
    if (!ends && (how.plain || s->writes))
        operand->grad = 0.0;
    return DONE;
}

/* Shapes as derivatives see them: conditions, and what a rule stands beside, have no operands. */
static const uint8_t shapes_of_slopes[PG_OPCODE_COUNT] = {
    [PG_LEAF] = PG_NO_OPERANDS, [PG_CUSTOM] = PG_MANY,  [PG_PARTIALS] = PG_MANY,
    [PG_SUM] = PG_MANY,         [PG_DOT] = PG_MANY,     [PG_SEARCH] = PG_NO_OPERANDS,
    [PG_TAKE] = PG_MANY,        [PG_SEVERAL] = PG_MANY, [PG_ITEM] = PG_ONE,
#define UNARY(name, ...) [PG_OP_##name] = PG_ONE,
#define BINARY(name, ...) [PG_OP_##name] = PG_TWO,
#define TERNARY(name, ...) [PG_OP_##name] = PG_MANY,
#define CONSTANT(name, ...) [PG_OP_##name] = PG_ONE,
#define SLOPE1(name, ...) [PG_OP_##name] = PG_OP_##name < PG_OP_ruled ? PG_ONE : PG_NO_OPERANDS,
#define SLOPE2(name, ...) [PG_OP_##name] = PG_OP_##name < PG_OP_below ? PG_TWO : PG_NO_OPERANDS,
#include "ops.def"
};

/* The path ends at n, a marked node that is not in order yet; from and i say how far it has got. */
PG_INLINE pg_status sort(pg_sweep *s, size_t budget, manner how)
{
    pg_node *n = s->at, *down;
    unsigned from = s->from;
    size_t i = s->index;
    cursor c = cursor_of(s);
    verdict v;
    if (n == NULL)
        return PG_OK;
    for (;;) {
        switch (how.shapes[n->op]) {
        case PG_TWO:
            if (from == 0) {
                down = n->of.two.a;
                if ((v = look(s, &c, down, how)) != DONE) {
                    if (v == DOWN && push(s, &c, n, AFTER_FIRST))
                        break;
                    goto fail;
                }
            }
            if (from != AFTER_LAST) {
                down = n->of.two.b;
                if ((v = look(s, &c, down, how)) != DONE) {
                    if (v == DOWN && push(s, &c, n, AFTER_LAST))
                        break;
                    goto fail;
                }
            }
            goto up;
        case PG_ONE:
            if (from == 0) {
                down = n->of.two.a;
                if ((v = look(s, &c, down, how)) != DONE) {
                    if (v == DOWN && push(s, &c, n, AFTER_LAST))
                        break;
                    goto fail;
                }
            }
            goto up;
        case PG_MANY: {
            const pg_many *m = n->of.many;
            for (v = DONE; i < m->count; i++) {
                if (PG_UNLIKELY(budget-- == 0))
                    goto pause;
                down = m->operands[i];
                if ((v = look(s, &c, down, how)) != DONE)
                    break;
            }
            if (v == DONE)
                goto up;
            if (v == DOWN && push_many(s, &c, n, i + 1))
                break;
            goto fail;
        }
        default: /* a leaf as root, or a condition */
        up:
            if (!append(s, &c, n)) {
                v = NO_MEMORY;
                goto fail;
            }
            if ((how.plain || s->writes) && n->op != PG_LEAF)
                n->grad = 0.0;
            if (c.top == c.bottom) {
                put_back(s, c);
                s->at = NULL;
                return PG_OK;
            }
            const uintptr_t top = *--c.top;
            n = (pg_node *)(top & ~(uintptr_t)STATE_BITS);
            from = (unsigned)(top & STATE_BITS);
            if (from == IN_MANY)
                i = *--c.top >> INDEX_SHIFT;
            continue;
        }
        /* down to an operand that was not met before */
        n = down;
        n->mark = how.id;
        PG_PREFETCH(n->of.two.b); /* whatever of is, a prefetch does no harm */
        from = 0;
        i = 0;
        if (PG_UNLIKELY(budget-- == 0))
            goto pause;
    }
pause:
    put_back(s, c);
    s->at = n;
    s->from = from;
    s->index = i;
    return PG_MORE;
fail:
    put_back(s, c);
    s->at = n;
    return v == BUSY ? PG_BUSY : PG_NO_MEMORY;
}

pg_status pg_sweep_sort(pg_sweep *s, size_t budget)
{
    const uint8_t *const shapes = s->whole ? pg_shapes : shapes_of_slopes;
    const int alone = pg_sweep_alone(s);
    if (alone && s->writes && !s->traced)
        return sort(s, budget, (manner){shapes, s->id, 1, 1});
    return sort(s, budget, (manner){shapes, s->id, 0, alone});
}

pg_status pg_sweep_open(pg_node *root, int writes, pg_sweep **out)
{
    if (root->op != PG_LEAF && pg_sweep_keeps(root->mark))
        return PG_BUSY;
    pg_sweep *s = pg_alloc(1, sizeof *s);
    if (s == NULL)
        return PG_NO_MEMORY;
    s->root = root;
    s->order = s->small_order;
    s->stack = s->small_stack;
    s->capacity = s->stack_capacity = PG_SMALL;
    s->count = s->depth = s->stops = s->left = s->within = 0;
    s->late = NULL;
    s->writes = writes != 0;
    s->traced = s->whole = 0;
    pg_status status = pg_sweep_register(s);
    if (status != PG_OK) {
        pg_free(s);
        return status;
    }
    s->at = root;
    s->from = 0;
    s->index = 0;
    root->mark = s->id;
    *out = s;
    return PG_OK;
}

void pg_sweep_within_trace(pg_sweep *s)
{
    s->traced = s->whole = 1;
}

void pg_sweep_through_conditions(pg_sweep *s)
{
    s->whole = 1;
}

pg_status pg_sweep_stop_at(pg_sweep *s, pg_node *const *stops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pg_node *n = stops[i];
        if (n->mark == s->id)
            continue;
        if (n->op != PG_LEAF && pg_sweep_keeps(n->mark))
            return PG_BUSY;
        cursor c = cursor_of(s);
        if (!append(s, &c, n))
            return PG_NO_MEMORY;
        put_back(s, c);
        n->mark = s->id;
        if (s->writes)
            n->grad = 0.0;
    }
    s->stops = s->count;
    return PG_OK;
}

size_t pg_sweep_count(const pg_sweep *s)
{
    return s->count;
}

pg_node *pg_sweep_node(const pg_sweep *s, size_t i)
{
    return s->order[i].node;
}

double pg_sweep_old_grad(const pg_sweep *s, size_t i)
{
    return s->order[i].old;
}
