/* pieces.h: rows of one run in pieces, which the threads that work on it take one after the other.
 *
 * Totals of a piece are added up before they join those of others, so how rows are cut for these depends on how many there
 * are, and on nothing else. Rows with results of their own may be cut between any two blocks. */
#ifndef PG_PIECES_H
#define PG_PIECES_H

#include "program/failure.h"
#include "program/helpers.h"
#include "program/program.h"

typedef struct {
    pg_task task; /* the first, as helpers know nothing else */
    const pg_program *p;
    const pg_batch *batch;
    size_t rows, count; /* of a piece, and how many pieces */
    size_t taken;       /* pieces that were, which are the first */
    size_t end;         /* the first piece that is not worth to be run, as it or an earlier one has failed */
    int stop;           /* all are to end: see pg_stop */
    int failed; /* there is a failure; threads tell of it, and of what follows, as they end: see pg_take_tasks() */
    pg_failure failure; /* that which wins, and its place in their order */
    size_t order;
    size_t singular; /* the least that threads tell of: see pg_program_run */
} pg_pieces;

/* The next piece, for this thread; false if there is none. */
int pg_take_piece(pg_pieces *pieces, size_t *piece);

/* That this thread was stopped in a piece; why is said by pg_failure_here(). */
void pg_piece_failed(pg_pieces *pieces, size_t piece);

/* What this thread has to tell: 1 + a row, or 0. */
void pg_pieces_tell(pg_pieces *pieces, size_t singular);

/* Takes pieces and runs them, with the batch's memory; in evaluate.c. */
void pg_run_pieces(const pg_program *p, const pg_batch *batch, pg_pieces *pieces);

#endif
