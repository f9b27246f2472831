/* single.c: loops on single rows of a block. */
#include "program/single.h"

#include <string.h>

void pg_put_operand(const block *rows, pg_slot slot, double *into)
{
    const double *lanes = rows->lanes;
    if (into == NULL)
        return;
    if (slot & PG_ROW && rows->chosen != NULL) {
        const pg_chosen *chosen = rows->chosen;
        for (size_t i = 0; i < rows->width; i++)
            into[i] = LANE(slot)[chosen->lanes[i < chosen->count ? i : chosen->count - 1]];
        return;
    }
    if (slot & PG_ROW) {
        memcpy(into, LANE(slot), rows->width * sizeof *into);
        return;
    }
    const double number = rows->uniforms[slot];
    for (size_t l = 0; l < rows->width; l++)
        into[l] = number;
}

int pg_mask_begin(const pg_body *body, const block *rows, const double *control, int64_t *mask)
{
    const uint32_t *left = rows->batch->left;
    const int running = pg_lane_turn()->begin(mask, control, body->counts, 0.0, rows->width);
    int64_t count = 0;
    if (left == NULL || rows->staying == rows->count)
        return running;
    for (size_t l = 0; l < rows->width; l++) {
        const size_t row = rows->first + (l < rows->count ? l : rows->count - 1);
        mask[l] &= -(int64_t)(left[row] == UINT32_MAX);
        count -= mask[l];
    }
    return (int)count;
}

/* Row l of a block, on numbers. */
static int run_row(const pg_loop *loop, const pg_loop *later, pg_handed *handed, const pg_term *operands, block *rows,
                   size_t l, double *results)
{
    const double *lanes = rows->lanes;
    double *given = rows->frame + pg_loop_flat(later != NULL ? later : loop) - loop->base.operands,
           *found = given - loop->base.results;
    int met = 0;
    for (size_t k = 0; k < loop->base.operands; k++)
        given[k] = operands[k].a & PG_ROW ? LANE(operands[k].a)[l] : rows->uniforms[operands[k].a];
    if (!pg_loop_run_handed(loop, later, handed, given, found, rows->frame, rows->work, &met)) {
        pg_loop_failed_alone(row_of(rows->batch, rows->first + l));
        return 0;
    }
    for (size_t k = 0; k < loop->base.results; k++)
        results[k * PG_LANES + l] = found[k];
    if (met && rows->singular == 0)
        rows->singular = 1 + rows->first + l;
    return 1;
}

int pg_loop_single(const pg_loop *loop, const pg_loop *later, pg_handed *handed, const pg_term *operands, block *rows,
                   double *results)
{
    if (!run_row(loop, later, handed, operands, rows, 0, results))
        return 0;
    for (size_t k = 0; k < loop->base.results; k++)
        for (size_t l = 1; l < rows->width; l++)
            results[k * PG_LANES + l] = results[k * PG_LANES];
    return 1;
}

size_t pg_count_taking(const pg_loop *loop, const pg_term *operands, const block *rows, int64_t *mask)
{
    _Alignas(64) double control[PG_LANES];
    if (!pg_is_way(loop->body) || loop->body->scan.length != 0)
        return SIZE_MAX;
    pg_put_operand(rows, operands[loop->body->state].a, control);
    size_t count = (size_t)pg_mask_begin(loop->body, rows, control, mask);
    for (size_t l = rows->count; l < rows->width; l++)
        count -= mask[l] != 0;
    return count;
}

void pg_pass_by(const pg_loop *loop, const pg_term *operands, const block *rows, double *results)
{
    const pg_body *b = loop->body;
    const size_t same = loop->back == NULL ? b->state : loop->back_state;
    const pg_term *from = loop->back == NULL ? operands : operands + pg_operands_of(b);
    for (size_t k = 0; k < loop->base.results; k++)
        if (k < same)
            pg_put_operand(rows, from[k].a, results + k * PG_LANES);
        else
            memset(results + k * PG_LANES, 0, rows->width * sizeof *results);
}

int pg_loop_few(const pg_loop *loop, const pg_term *operands, block *rows, const int64_t *mask, double *results)
{
    pg_pass_by(loop, operands, rows, results);
    for (size_t l = 0; l < rows->count; l++)
        if (mask[l] != 0 && !run_row(loop, NULL, NULL, operands, rows, l, results))
            return 0;
    return 1;
}
