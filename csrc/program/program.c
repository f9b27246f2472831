/* program.c: the immutable type: what its codes are called, and how one is freed. */
#include "program/program.h"

#include "graph/several.h"

const char *pg_code_name(int code)
{
    static const char *const names[] = {
        [PG_CODE_FUSED - PG_CODE_FUSED] = "fused",
        [PG_CODE_CONTRACTED - PG_CODE_FUSED] = "contracted",
        [PG_CODE_SEARCH - PG_CODE_FUSED] = "search",
        [PG_CODE_TAKE - PG_CODE_FUSED] = "take",
        [PG_CODE_SPREAD - PG_CODE_FUSED] = "spread",
        [PG_CODE_GUARD - PG_CODE_FUSED] = "guard",
        [PG_CODE_OUTPUT - PG_CODE_FUSED] = "output",
        [PG_CODE_TOTAL - PG_CODE_FUSED] = "total",
        [PG_CODE_TOTAL_LESS - PG_CODE_FUSED] = "total_less",
        [PG_CODE_TOTAL_PRODUCT - PG_CODE_FUSED] = "total_product",
        [PG_CODE_TOTAL_UNIFORM - PG_CODE_FUSED] = "total_uniform",
        [PG_CODE_LOOP - PG_CODE_FUSED] = "loop",
        [PG_CODE_CALL - PG_CODE_FUSED] = "call",
    };
    if (code >= PG_OPCODE_COUNT)
        return code < PG_CODE_COUNT ? names[code - PG_CODE_FUSED] : NULL;
    return code < PG_OP_add ? NULL : pg_op_at(code - PG_OP_add)->name;
}

void pg_program_free(pg_program *p)
{
    if (p == NULL)
        return;
    pg_free(p->constant_values);
    pg_free(p->input_slots);
    pg_free(p->result_slots);
    pg_free(p->code);
    pg_free(p->terms);
    for (size_t i = 0; i < p->loop_count; i++)
        pg_several_release(p->loops[i]);
    pg_free((void *)p->loops);
    pg_free(p);
}
