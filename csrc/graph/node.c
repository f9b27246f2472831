/* node.c: the shape of each op, and a node's operands whatever its shape. */
#include "graph/node.h"

const uint8_t pg_shapes[PG_OPCODE_COUNT] = {
    [PG_LEAF] = PG_NO_OPERANDS, [PG_CUSTOM] = PG_MANY, [PG_PARTIALS] = PG_MANY, [PG_SUM] = PG_MANY, [PG_DOT] = PG_MANY,
    [PG_SEARCH] = PG_MANY,      [PG_TAKE] = PG_MANY,   [PG_SEVERAL] = PG_MANY,  [PG_ITEM] = PG_ONE,
#define UNARY(name, ...) [PG_OP_##name] = PG_ONE,
#define BINARY(name, ...) [PG_OP_##name] = PG_TWO,
#define TERNARY(name, ...) [PG_OP_##name] = PG_MANY,
#define CONSTANT(name, ...) [PG_OP_##name] = PG_ONE,
#define SLOPE1(name, ...) [PG_OP_##name] = PG_ONE,
#define SLOPE2(name, ...) [PG_OP_##name] = PG_TWO,
#include "ops.def"
};

size_t pg_operand_count(const pg_node *n)
{
    return pg_count_operands(n);
}

pg_node *pg_operand(const pg_node *n, size_t i)
{
    return pg_nth_operand(n, i);
}

pg_node *pg_given_partial(const pg_node *n, size_t i)
{
    return n->op == PG_PARTIALS && n->of.many->given != NULL ? n->of.many->given[i] : NULL;
}
