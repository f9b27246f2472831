/* pieces.c: how rows are cut, how many threads are worth it, and a run of all pieces by these. */
#include "program/pieces.h"

#include "graph/stopping.h"
#include "program/call.h"
#include "program/costs.h"
#include "program/loop.h"

/* -- how rows are cut ---------------------------------------------------------------------------- */

/* Rows of a piece, if they have totals: at most, and for less than twice so many there is one. A piece more costs each total
 * as much as a quarter of a block, at most. */
enum { MOST_ROWS = 16 * PG_LANES, FEW_ROWS = 4 * PG_LANES };
enum { PIECES_OF_A_THREAD = 8 }; /* if rows have results of their own: one that comes late then leaves more to others */

/* So many numbers in so many parts, of whole blocks; one, if there are none. */
static size_t in_blocks(size_t rows, size_t parts)
{
    const size_t blocks = (rows + PG_LANES - 1) / PG_LANES + (rows == 0);
    return (blocks + parts - 1) / parts * PG_LANES;
}

size_t pg_piece(size_t rows)
{
    if (rows < 2 * FEW_ROWS)
        return 2 * FEW_ROWS;
    return in_blocks(rows,
                     (rows + 2 * MOST_ROWS - 1) / (2 * MOST_ROWS) * 2); /* an even number: two threads get as many */
}

static size_t rows_of_a_piece(const pg_batch *batch)
{
    if (batch->totals != NULL)
        return batch->piece != 0 ? batch->piece : pg_piece(batch->count);
    return batch->threads < 2 ? SIZE_MAX / 2 : in_blocks(batch->count, batch->threads * PIECES_OF_A_THREAD);
}

void pg_add_pieces(double *totals, size_t pieces, size_t outputs)
{
    for (size_t k = 1; k < pieces; k++)
        for (size_t i = 0; i < outputs; i++)
            totals[i] += totals[k * outputs + i];
}

/* -- how many threads ----------------------------------------------------------------------------- */

/* Work of a thread, in the unit of costs.h, some tenths of a nanosecond: if there is less, others take longer to wake than it
 * takes. */
enum { WORTH_A_THREAD = 250000 };

enum { TRIPS = 32 }; /* of a loop, as nobody knows how many it takes */

/* How long a loop takes on a lane, or one of the ways of a condition; a call takes long. */
static size_t cost_of_loop(const pg_loop *loop)
{
    if (pg_is_call(loop) || loop->body->steps >= WORTH_A_THREAD)
        return WORTH_A_THREAD;
    return loop->body->steps * PG_COST_DIVISION * (pg_is_way(loop->body) ? 1 : TRIPS);
}

/* How long an instruction takes on a lane. */
static size_t cost_of(const pg_program *p, const pg_instruction *in)
{
    if (in->code == PG_CODE_LOOP || in->code == PG_CODE_CALL)
        return cost_of_loop(p->loops[in->a]);
    if (in->code == PG_CODE_FUSED || in->code == PG_CODE_CONTRACTED)
        return PG_COST_STEP * (size_t)in->count;
    return in->code < PG_OPCODE_COUNT ? pg_cost_of_op(in->code) : PG_COST_STEP;
}

size_t pg_threads(const pg_program *p, size_t rows, size_t most)
{
    const size_t blocks = (rows + PG_LANES - 1) / PG_LANES, least = most < blocks ? most : blocks;
    size_t work = 0;
    if (least < 2)
        return 1;
    for (const pg_instruction *in = p->code + p->spread; in != p->code + p->length; in++) {
        work += cost_of(p, in) * rows;
        if (work / WORTH_A_THREAD >= least)
            return least;
    }
    return work / WORTH_A_THREAD > 1 ? work / WORTH_A_THREAD : 1;
}

/* -- what threads do ------------------------------------------------------------------------------ */

int pg_take_piece(pg_pieces *pieces, size_t *piece)
{
    *piece = __atomic_fetch_add(&pieces->taken, 1, __ATOMIC_RELAXED);
    return *piece < __atomic_load_n(&pieces->end, __ATOMIC_RELAXED);
}

/* Which failures win: ends of all work, then those of earlier pieces, then that it was asked to stop. */
static size_t order_of(const pg_failure *failure, size_t piece)
{
    if (failure->why != ASKED)
        return piece + 1;
    return failure->interrupt != NULL ? 0 : SIZE_MAX;
}

static void keep(pg_pieces *pieces, pg_failure *failure, size_t piece)
{
    const size_t order = order_of(failure, piece);
    const int ends_all = order == 0 || order == SIZE_MAX;
    if (ends_all)
        pg_stop(&pieces->stop);
    if (!pieces->failed || order < pieces->order) {
        const pg_failure last = pieces->failure;
        pieces->failure = *failure;
        *failure = last;
        pieces->order = order;
        pieces->failed = 1;
    }
    if (ends_all || piece < pieces->end)
        __atomic_store_n(&pieces->end, ends_all ? 0 : piece, __ATOMIC_RELAXED);
}

void pg_piece_failed(pg_pieces *pieces, size_t piece)
{
    pg_failure failure = pg_failure_taken();
    pg_take_tasks();
    keep(pieces, &failure, piece);
    pg_give_tasks();
    pg_failure_drop(&failure);
}

void pg_pieces_tell(pg_pieces *pieces, size_t singular)
{
    pg_take_tasks();
    if (singular != 0 && (pieces->singular == 0 || singular < pieces->singular))
        pieces->singular = singular;
    pg_give_tasks();
}

static void work(pg_task *task, size_t who)
{
    pg_pieces *pieces = (pg_pieces *)task;
    pg_batch own = *pieces->batch;
    own.lanes = (unsigned char *)own.lanes + who * pg_lane_bytes(pieces->p);
    own.stop = &pieces->stop;
    pg_run_pieces(pieces->p, &own, pieces);
}

static void look(pg_task *task)
{
    pg_pieces *pieces = (pg_pieces *)task;
    if (!pg_is_stopped(&pieces->stop) &&
        (pg_is_stopped(pieces->batch->stop) || (pg_stop_asked != NULL && pg_stop_asked())))
        pg_piece_failed(pieces, pieces->count);
}

/* -- a run ---------------------------------------------------------------------------------------- */

static pg_pieces begin(const pg_program *p, const pg_batch *batch)
{
    const size_t rows = rows_of_a_piece(batch), count = (batch->count + rows - 1) / rows;
    return (pg_pieces){.task = {work, look}, .p = p, .batch = batch, .rows = rows, .count = count, .end = count};
}

static int64_t outcome(pg_pieces *pieces)
{
    if (!pieces->failed)
        return (int64_t)pieces->singular;
    pg_failure_drop(pg_failure_here());
    *pg_failure_here() = pieces->failure;
    return -1;
}

int64_t pg_program_run(const pg_program *p, const pg_batch *batch)
{
    pg_pieces pieces = begin(p, batch);
    const size_t threads = batch->threads < pieces.count ? batch->threads : pieces.count;
    if (threads > 1) {
        if (pg_with_helpers(&pieces.task, threads - 1))
            return outcome(&pieces);
        pieces = begin(p, batch);
    }
    pg_run_pieces(p, batch, &pieces);
    return outcome(&pieces);
}
