/* few.c: a call on memory that is kept: of few rows what is done beside the program would take longer than the program. */
#include "program/program.h"

#include <string.h>

/* The next guard after the last one at which rows left, or UINT32_MAX. */
static uint32_t next_guard(const uint32_t *left, size_t count, int64_t last)
{
    uint32_t next = UINT32_MAX;
    for (size_t l = 0; l < count; l++)
        next = left[l] < next && (int64_t)left[l] > last ? left[l] : next;
    return next;
}

static size_t row_of(const pg_batch *batch, size_t l)
{
    return batch->rows != NULL ? batch->rows[l] : batch->first + l;
}

/* Rows that left at a guard into where; how many. */
static size_t gather(const pg_batch *batch, uint32_t guard, size_t *where)
{
    size_t found = 0;
    for (size_t l = 0; l < batch->count; l++)
        if (batch->left[l] == guard)
            where[found++] = row_of(batch, l);
    return found;
}

static void group(const pg_batch *batch, pg_leaving *leaving)
{
    size_t all = 0;
    uint32_t guard = next_guard(batch->left, batch->count, -1);
    for (; guard != UINT32_MAX; guard = next_guard(batch->left, batch->count, guard)) {
        const size_t found = gather(batch, guard, leaving->spare + all);
        leaving->guards[leaving->guard_count] = guard;
        leaving->counts[leaving->guard_count++] = found;
        all += found;
    }
    memcpy(leaving->rows, leaving->spare, all * sizeof *leaving->rows);
}

/* All rows leave at a guard that is the same for them. */
static int all_leave(const pg_program *p, const pg_batch *batch, uint32_t guard, pg_leaving *leaving)
{
    for (size_t l = 0; l < batch->count; l++)
        batch->left[l] = guard;
    for (size_t i = 0; batch->totals != NULL && i < p->outputs; i++)
        batch->totals[i] = 0.0;
    group(batch, leaving);
    return PG_RUN_LEFT;
}

int pg_program_run_few(const pg_program *p, const pg_batch *batch, pg_leaving *leaving)
{
    uint32_t guard;
    const int once = pg_program_run_once(p, batch, &guard);
    leaving->guard_count = 0;
    if (once < 0)
        return PG_RUN_STOPPED;
    if (once == 0)
        return all_leave(p, batch, guard, leaving);
    const size_t piece = pg_piece(batch->count), pieces = (batch->count + piece - 1) / piece;
    const int64_t told = pg_program_run(p, batch);
    if (told < 0)
        return PG_RUN_STOPPED;
    const int tells = once == 2 || told != 0;
    if (batch->totals != NULL)
        pg_add_pieces(batch->totals, pieces, p->outputs);
    if (tells)
        leaving->told = row_of(batch, once == 2 ? 0 : (size_t)told - 1);
    if (p->guards != 0)
        group(batch, leaving);
    return (leaving->guard_count != 0 ? PG_RUN_LEFT : 0) | (tells ? PG_RUN_TOLD : 0);
}

int pg_all_finite(const double *numbers, size_t count)
{
    uint64_t beyond = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, numbers + i, sizeof bits);
        /* Where all bits of the exponent are set it carries. */
        beyond |= (bits & 0x7ff0000000000000u) + 0x0010000000000000u;
    }
    return beyond >> 63 == 0;
}
