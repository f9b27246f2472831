/* standing.c: which columns of scans are read where they stand, and how. */
#include "program/standing.h"

#include "program/loop.h"

/* In a slot's word beside 1 + the input: something else has been written there since. */
static const uint32_t WRITTEN = (uint32_t)1 << 31;

size_t pg_standing_numbers(const pg_program *p)
{
    return p->loop_count == 0 ? 0 : pg_whole(p->lanes / 2 + 1);
}

static uint32_t *word_of(uint32_t *words, pg_slot slot)
{
    return &words[slot & ~PG_ROW];
}

/* The items of a loop's columns among its operands. */
static const pg_term *columns_of(const pg_program *p, const pg_instruction *in, size_t *count, size_t *length)
{
    const pg_body *body = ((const pg_loop *)p->loops[in->a])->body;
    *count = body->scan.given;
    *length = body->scan.length;
    return p->terms + in->first + body->state + 1 + body->captured;
}

/* A slot is read as it is: if it has an input still that is to be loaded. */
static void note_read(uint32_t *words, pg_slot slot)
{
    if (slot & PG_ROW && !(*word_of(words, slot) & WRITTEN))
        *word_of(words, slot) = 0;
}

/* An item of a column may stand, unless what has been written in its place is meant. */
static void note_item(uint32_t *words, pg_slot slot)
{
    if (slot & PG_ROW && *word_of(words, slot) & WRITTEN)
        *word_of(words, slot) = 0;
}

static void note_loop(const pg_program *p, const pg_instruction *in, uint32_t *words)
{
    size_t count, length;
    const pg_term *columns = columns_of(p, in, &count, &length), *terms = p->terms + in->first;
    for (const pg_term *t = terms; t != terms + in->count; t++)
        if (t >= columns && t < columns + count * length)
            note_item(words, t->a);
        else
            note_read(words, t->a);
}

static void note_reads(const pg_program *p, const pg_instruction *in, uint32_t *words)
{
    if (in->code == PG_CODE_LOOP) {
        note_loop(p, in, words);
        return;
    }
    if (in->code != PG_CODE_CALL)
        note_read(words, in->a);
    note_read(words, in->b);
    note_read(words, in->c);
    for (uint32_t i = 0; is_of_table(in->code) && i < in->count; i++)
        note_read(words, pg_slot_of_item(p, in, i));
    for (uint32_t i = 0; (pg_is_sum(in->code) || in->code == PG_CODE_CALL) && i < in->count; i++) {
        note_read(words, p->terms[in->first + i].a);
        note_read(words, p->terms[in->first + i].b);
    }
}

static void note_writes(const pg_program *p, const pg_instruction *in, uint32_t *words)
{
    for (size_t k = 0; in->out & PG_ROW && k < pg_results_of(p, in); k++)
        if (*word_of(words, in->out + (pg_slot)k) != 0)
            *word_of(words, in->out + (pg_slot)k) |= WRITTEN;
}

/* Whether all items of a column have inputs that need not be loaded, and stand side by side in each row. */
static int does_stand(const pg_batch *batch, uint32_t *words, const pg_term *items, size_t length)
{
    const size_t first = length >= PG_TILE && items[0].a & PG_ROW ? *word_of(words, items[0].a) & ~WRITTEN : 0;
    if (first == 0)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (!(items[i].a & PG_ROW) || (*word_of(words, items[i].a) & ~WRITTEN) != first + i)
            return 0;
        if (batch->inputs[first - 1 + i] != batch->inputs[first - 1] + i ||
            batch->strides[first - 1 + i] != batch->strides[first - 1])
            return 0;
    }
    return 1;
}

/* The items of a column are to be loaded; whether one has been left so far. */
static int drop(uint32_t *words, const pg_term *items, size_t length)
{
    int dropped = 0;
    for (size_t i = 0; i < length; i++)
        if (items[i].a & PG_ROW && *word_of(words, items[i].a) != 0) {
            *word_of(words, items[i].a) = 0;
            dropped = 1;
        }
    return dropped;
}

/* The same of all columns that do not stand as a whole. */
static int drop_parts(const pg_program *p, const pg_batch *batch, uint32_t *words)
{
    int dropped = 0;
    for (const pg_instruction *in = p->code + p->spread; in != p->code + p->length; in++) {
        size_t count = 0, length = 0;
        const pg_term *items = in->code == PG_CODE_LOOP ? columns_of(p, in, &count, &length) : NULL;
        for (size_t k = 0; k < count; k++, items += length)
            if (!does_stand(batch, words, items, length))
                dropped |= drop(words, items, length);
    }
    return dropped;
}

const uint32_t *pg_find_standing(const pg_program *p, const pg_batch *batch, void *memory)
{
    uint32_t *words = memory, any = 0;
    if (p->loop_count == 0 || batch->count < 2)
        return NULL;
    memset(words, 0, p->lanes * sizeof *words);
    for (size_t i = 0; i < p->inputs; i++)
        if (p->input_slots[i] != PG_NO_SLOT && p->input_slots[i] & PG_ROW)
            *word_of(words, p->input_slots[i]) = (uint32_t)i + 1;
    for (const pg_instruction *in = p->code + p->spread; in != p->code + p->length; in++) {
        note_reads(p, in, words);
        note_writes(p, in, words);
    }
    while (drop_parts(p, batch, words))
        ;
    for (size_t i = 0; i < p->lanes; i++)
        any |= words[i] &= ~WRITTEN;
    return any == 0 ? NULL : words;
}

/* -- tiles -------------------------------------------------------------------------------------- */

/* Where the items of each lane's row are. */
static void find_rows(const block *rows, size_t input, size_t at, const double **from)
{
    const pg_batch *batch = rows->batch;
    const ptrdiff_t stride = batch->strides[input];
    const size_t count = rows->count;
    const double *items = batch->inputs[input] + at;
    if (batch->rows == NULL) {
        items += (ptrdiff_t)(batch->first + rows->first) * stride;
        for (size_t l = 0; l < count; l++, items += stride)
            from[l] = items;
    } else {
        for (size_t l = 0; l < count; l++)
            from[l] = items + (ptrdiff_t)batch->rows[rows->first + l] * stride;
    }
    for (size_t l = count; l < rows->width; l++)
        from[l] = from[count - 1];
}

/* Where items are in two lines of memory, both. */
static void fetch(const double *items)
{
#if defined(__GNUC__)
    __builtin_prefetch(items);
    __builtin_prefetch(items + PG_TILE - 1);
#else
    (void)items;
#endif
}

void pg_read_tile(const block *rows, size_t input, size_t at, size_t items, ptrdiff_t next, double *tile)
{
    const double *from[PG_LANES];
    find_rows(rows, input, at, from);
    for (size_t l = 0; next != 0 && l < rows->count; l++)
        fetch(from[l] + next);
    for (size_t l = 0; l < rows->width; l += PG_TILE)
        if (items == PG_TILE)
            pg_lane_turn()->tile(tile + l, from + l);
        else
            for (size_t k = 0; k < items; k++)
                for (size_t r = 0; r < PG_TILE; r++)
                    tile[k * PG_LANES + l + r] = from[l + r][k];
}
