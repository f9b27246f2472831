/* joins.h: the places of a program where dependences meet: see pattern.c. */
#ifndef PG_JOINS_H
#define PG_JOINS_H

#include "graph/stopping.h"
#include "program/program.h"

enum { NOWHERE = 0 };

/* Lists of numbers: list i is items[starts[i]] to items[starts[i + 1] - 1]. */
typedef struct { uint32_t *starts, *items; } lists;

/* A place is NOWHERE, or 1 plus an input, or after those a join. */
typedef struct {
    const pg_program *p;
    size_t first, inputs, outputs;
    uint8_t matters[PG_OPCODE_COUNT]; /* for each op a bit for each operand by which its slope is not ZERO */
    uint32_t *uniforms, *lanes; /* the place on which each slot depends now */
    uint8_t *zero_lanes;   /* slots of lanes that a constant 0 was spread over */
    lists joins;           /* the operands of each join */
    size_t join_count, use_count;
    int lacks_memory;
    uint32_t *of_output;   /* the place on which each output depends */
    lists reached;         /* for each input, and then for each cluster, the clusters that use it directly */
    lists results;         /* for each place the outputs there */
    uint64_t *bits;        /* for each place the inputs of this pass on which it depends */
    uint64_t *active;      /* a bit for each cluster that is to be visited */
    uint32_t *visited;
    uint32_t (*pairs)[2];  /* output and input */
    size_t pair_count, pair_capacity;
    pg_work work;
} finder;

/* Finds the joins, and on which place each output depends; 0 for want of memory. What it has made is f's, also then. */
int pg_find_joins(finder *f);

#endif
