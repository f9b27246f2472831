/* call.h: functions that programs call back: what one is, and how it runs.
 *
 * A call has operands and results, each a number of a row, and a function that is given those of some rows at once. It is
 * among a program's loops, as it is a rule with several results, too, and its instruction has what that of a loop has.
 * Results are those of a node with the call as its rule, sealed: who differentiates asks another rule. */
#ifndef PG_CALL_H
#define PG_CALL_H

#include "graph/several.h"
#include "program/block.h"

typedef struct pg_call pg_call;

/* Operands stand one after the other, each with a number for each row, and so do results. 1; 0 if it has failed, with the
 * first and the last of the rows of which one was the reason in *first and *last; -1 if it was stopped, as by Ctrl-C. Any
 * thread calls it. */
typedef int pg_call_function(const pg_call *call, const double *operands, size_t rows, double *results, size_t *first,
                             size_t *last);

struct pg_call {
    pg_several base;
    pg_call_function *run;
    void (*let_go)(void *what); /* once nobody refers to it; in any thread */
    void *what;            /* that it calls */
    const char *name;      /* of what it calls, owned */
    uint32_t guards;       /* of its trace that came before: rows that leave at these are not handed to it */
    int conditional; /* there is one operand more, the last: where it is 0 there is no call, and results are nan */
};

extern const pg_several_kind pg_call_kind;

static inline int pg_is_call(const void *rule)
{
    return ((const pg_several *)rule)->kind == &pg_call_kind;
}

/* How many numbers of a row it is given. */
static inline size_t pg_given_to(const pg_call *call)
{
    return call->base.operands - (size_t)call->conditional;
}

/* A call, or NULL for want of memory, when what has been let go of. Copies name. Caller owns. */
pg_call *pg_call_make(size_t operands, int conditional, size_t results, const char *name, pg_call_function *run,
                      void (*let_go)(void *what), void *what);

/* The node of a call on operands; items for its results into items, which the caller owns: of these numbers, or of some
 * if that is NULL. NULL for want of memory. Caller owns. */
pg_node *pg_call_node(const pg_call *call, pg_node *const *operands, const double *numbers, pg_node **items);

/* As an instruction says: on uniforms, and on the rows of a block that are on the path and, in a body, go on; of others
 * results are nan. False if it was stopped: see pg_loop_failure(). */
int pg_call_uniform(const pg_program *p, const pg_instruction *in, double *uniforms);
int pg_call_lanes(const pg_program *p, const pg_instruction *in, block *rows);

#endif
