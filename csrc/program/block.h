/* block.h: one block of rows while it runs, which evaluate.c and turns.c share. */
#ifndef PG_BLOCK_H
#define PG_BLOCK_H

#include "graph/stopping.h"
#include "program/gammas.h"
#include "program/history.h"
#include "program/program.h"

/* How many loops have theirs handed at a time; how many rows and items are read together: see standing.h. */
enum { PG_HANDED = 4, PG_TILE = 8 };

/* Lanes of a block, in their order. */
typedef struct {
    size_t count;
    uint8_t lanes[PG_LANES];
} pg_chosen;

/* The states of a loop that goes forward, for the instruction that goes the same way back: see handed.h. */
typedef struct pg_handed {
    const pg_instruction *to; /* NULL: there are none */
    const pg_instruction *from, *way; /* what was looked for last, and what was found */
    pg_history history;
    pg_chosen chosen;      /* which rows its lanes are of, if they were gathered; else none */
    _Alignas(64) double trips[PG_LANES];
} pg_handed;

/* Frees what has not been taken. */
static inline void pg_handed_close(pg_handed *handed)
{
    if (handed->to != NULL)
        pg_history_close(&handed->history);
    handed->to = NULL;
}

/* Rows of a block while it runs. */
typedef struct block {
    const pg_batch *batch;
    const double *uniforms;
    double *lanes;
    double *partial;       /* eight strided sums for each total */
    double *spare;         /* SPARE numbers */
    double *frame;         /* where loops keep what is theirs */
    const struct block *around; /* in bodies, the block whose instruction the loop is; else NULL */
    const pg_chosen *chosen; /* of rows that were gathered from lanes: which these are; else NULL */
    const int64_t *mask;   /* in bodies, of a trip that some lanes do: which; else NULL */
    pg_work *work;
    pg_handed *handed;     /* PG_HANDED of them; NULL in bodies */
    const uint32_t *standing; /* inputs that are not loaded: see standing.h; NULL: none, or in bodies */
    size_t with_lanes, behind; /* inputs: the first that has lanes, and the one behind the last */
    int careful;           /* in products to be added up an exact 0 wins over inf and nan, as they mean it */
    int failed;            /* a loop was stopped: see pg_loop_failure() */
    size_t first, count;   /* rows of the call in this block */
    size_t width;          /* lanes at work, in eights: behind the rows they do what the last one does */
    size_t staying;        /* how many of them are on the path still */
    size_t singular;       /* 1 + the first row of the call that has met 0 * inf, or 0 */
} block;

enum { SPARE = 4 * PG_LANES }; /* room beside the slots */

/* How many lanes are at work for so many rows. */
static inline size_t pg_eights(size_t rows)
{
    return (rows + PG_EIGHT - 1) / PG_EIGHT * PG_EIGHT;
}

/* The width of a block, in words that tell the compiler of the eights, so that loops over lanes leave no rest, and that there
 * is one stretch of them. */
static inline size_t pg_width(const block *rows)
{
    const size_t width = rows->width & ~(size_t)(PG_EIGHT - 1);
#if defined __GNUC__ && !defined PG_COUNTED
    if (width == 0 || width > PG_LANES)
        __builtin_unreachable();
#endif
    return width;
}

#define LANE(slot) (lanes + (size_t)((slot) & ~PG_ROW) * PG_LANES)

static inline size_t row_of(const pg_batch *batch, size_t i)
{
    return batch->rows != NULL ? batch->rows[i] : batch->first + i;
}

/* Whether an op has a function for whole blocks: loops over lanes have none of its code. */
static inline int pg_is_in_block(int op)
{
#ifdef PG_LIBM_LANES
    (void)op;
    return 0;
#else
    return op == PG_OP_exp || op == PG_OP_log || op == PG_OP_tanh || op == PG_OP_sech2 || op == PG_OP_sigmoid ||
           op == PG_OP_sigmoid_dx || op == PG_OP_sin || op == PG_OP_cos || op == PG_OP_tan || op == PG_OP_pow ||
           op == PG_OP_pown || op == PG_OP_power || op == PG_OP_pow_dx || op == PG_OP_pow_less || op == PG_OP_pow_dxx ||
           op == PG_OP_pow_dy || op == PG_OP_mod || op == PG_OP_floordiv || pg_is_of_gammas(op);
#endif
}

/* The uniform instructions: 1; 0 where a guard fails, which is then in *guard; -1 if a loop was stopped. *met is set to
 * 1 where 0 * inf is. */
int pg_run_uniform(const pg_program *p, double *uniforms, uint32_t *guard, int *met, pg_work *work);

/* The same for some of them. */
int pg_run_some(const pg_program *p, const pg_instruction *in, const pg_instruction *end, double *uniforms,
                uint32_t *guard, int *met, pg_work *work);

/* pg_run_uniform of a pack, on its memory: see pack.h. In packed.c. */
int pg_pack_run_within(const pg_pack *k, double *uniforms, uint32_t *guard, int *met, pg_work *work);

/* Uniforms into so many of the lanes over which they are spread. */
void pg_spread(const pg_program *p, const double *uniforms, double *lanes, size_t width);

/* The other instructions, of which each does its lanes. */
void pg_run_block(const pg_program *p, block *rows);

/* What loops do after a trip to the lanes of a block that are at work: see lanes.h. */
typedef struct {
    void (*copy)(double *to, const double *from, size_t width);
    void (*blend)(double *into, const double *given, const double *other, const int64_t *mask, size_t width);
    int (*begin)(int64_t *mask, const double *says, int counts, double done, size_t width);
    int (*go_on)(int64_t *mask, double *trips, const double *says, int counts, double done, size_t width);
    int (*is_all)(const double *says, size_t width);
    void (*tile)(double *into,
                 const double *const *from); /* eight items of eight rows: a block's lanes for each item */
} pg_turn;

/* Those of the set of instructions that is in use. Static. */
const pg_turn *pg_lane_turn(void);

#endif
