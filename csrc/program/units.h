/* units.h: which of a program's uniform instructions are alike and independent, for pack.c.
 *
 * Each has a level, one more than the highest of its operands' levels: those of a level do not depend on each other. And a
 * kind: the same op, or sums of the same terms. As in Larsen and Amarasinghe, Exploiting superword level parallelism
 * (2000), but by levels, in linear time. */
#ifndef PG_UNITS_H
#define PG_UNITS_H

#include "program/program.h"

/* An instruction, or two that are partners. */
typedef struct {
    uint32_t at;           /* its number */
    uint32_t level, kind;
} pg_unit;

/* Kinds: guards and loops, which stay in order; what is never packed; then one for each code, one for each pair, and one for
 * each shape of fused sums. */
enum { PG_IN_ORDER, PG_SINGLE, PG_CODES, PG_PAIRS = PG_CODES + PG_CODE_COUNT, PG_SHAPES = PG_PAIRS + PG_CODE_COUNT };

static inline int pg_is_of_pairs(uint32_t kind)
{
    return kind >= PG_PAIRS && kind < PG_SHAPES;
}

typedef struct {
    pg_unit *all;
    size_t count;
} pg_units;

/* Those of a program: by level, those of a level by kind, those of a kind as they were. False for want of memory; caller
 * frees all with pg_free, either way. */
int pg_units_of(const pg_program *p, pg_units *out);

#endif
