/* gathered.c: rows of a block that take a way, side by side. */
#include "program/gathered.h"

#include "program/single.h"

enum { MOVED = 2 }; /* instructions on a lane that take as long as to move a number of one */

static int has_loops(const pg_body *b)
{
    return b != NULL && b->wide->loop_count != 0;
}

int pg_can_gather(const pg_loop *loop)
{
    return pg_is_way(loop->body) && loop->body->scan.length == 0 && !has_loops(loop->body) && !has_loops(loop->back);
}

void pg_gather_lanes(const pg_loop *loop, const pg_loop *later, const block *rows, const int64_t *mask, size_t count,
                     pg_chosen *chosen)
{
    const size_t steps = loop->body->wide->length + (loop->back == NULL ? 0 : loop->back->wide->length);
    const size_t spared = (rows->width - pg_eights(count)) * steps;
    chosen->count = 0;
    if (!pg_can_gather(later != NULL ? later : loop) ||
        spared <= MOVED * count * (loop->base.operands + loop->base.results))
        return;
    for (size_t l = 0; l < rows->count; l++)
        if (mask[l] != 0)
            chosen->lanes[chosen->count++] = (uint8_t)l;
}

block pg_gathered(const pg_loop *loop, const block *rows, const pg_chosen *chosen)
{
    block some = *rows;
    some.frame += loop->base.results * PG_LANES;
    some.chosen = chosen;
    some.count = some.staying = chosen->count;
    some.width = pg_eights(chosen->count);
    return some;
}

void pg_scatter(const pg_loop *loop, const pg_term *operands, block *rows, const block *some, double *results)
{
    const pg_chosen *chosen = some->chosen;
    pg_pass_by(loop, operands, rows, results);
    for (size_t k = 0; k < loop->base.results; k++) {
        const double *found = rows->frame + k * PG_LANES;
        double *into = results + k * PG_LANES;
        for (size_t i = 0; i < chosen->count; i++)
            into[chosen->lanes[i]] = found[i];
        for (size_t l = rows->count; l < rows->width; l++)
            into[l] = into[rows->count - 1];
    }
    if (rows->singular == 0 && some->singular != 0)
        rows->singular = 1 + rows->first + chosen->lanes[some->singular - 1 - some->first];
}
