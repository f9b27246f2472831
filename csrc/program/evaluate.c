/* evaluate.c: a compiled program over rows: uniform instructions once, the others a block of rows at a time, so
 * that each instruction is a loop over lanes that the compiler turns into vector instructions.
 *
 * Products in which an exact 0 is to win are done plainly first; what has come out as nan is done again with mul0. */
#include "program/evaluate.h"

#include "graph/stopping.h"
#include "graph/suppressed.h"
#include "ops/cells.h"
#include "ops/compare.h"
#include "program/lanewords.h"
#include "program/laneremainder.h"
#include "program/block.h"
#include "program/contracted.h"
#include "program/call.h"
#include "program/costs.h"
#include "program/gammas.h"
#include "program/handed.h"
#include "program/lookup.h"
#include "program/loop.h"
#include "program/processor.h"
#include "program/pieces.h"
#include "program/standing.h"

#include <string.h>

/* -- parts that are the same for every set of instructions -------------------------------------- */

/* Notes which rows leave the path here; how many are left on it. */
static size_t guard_rows(const pg_instruction *in, const double *a, const double *b, block *rows)
{
    uint32_t *left = rows->batch->left + rows->first;
    size_t staying = 0;
    for (size_t l = 0; l < rows->count; l++) {
        if (pg_holds(in->expected / 2u, a[l], b[l]) != (in->expected & 1) && left[l] > in->out)
            left[l] = in->out;
        staying += left[l] == UINT32_MAX;
    }
    rows->staying = staying;
    return staying;
}

/* The lanes that count for totals: others, of rows that are not there or have left, are 0 in a copy. */
static const double *counted(const block *rows, const double *lanes, int which)
{
    if (rows->staying == PG_LANES)
        return lanes;
    double *copy = rows->spare + which * PG_LANES;
    const uint32_t *left = rows->staying == rows->count ? NULL : rows->batch->left + rows->first;
    memcpy(copy, lanes, rows->count * sizeof *copy);
    for (size_t l = rows->count; l < PG_LANES; l++)
        copy[l] = 0.0;
    for (size_t l = 0; left != NULL && l < rows->count; l++)
        if (left[l] != UINT32_MAX)
            copy[l] = 0.0;
    return copy;
}

/* What a term of a sum of lanes adds: lanes, times others or a number that is the same for all, or such a number; LESS: what it
 * takes away. Numbers have their sign changed first. */
typedef enum { TIMES_NUMBER, TIMES_LANES, LESS_TIMES_LANES, LANES_ALONE, LESS_LANES, NUMBER, RARE } term_kind;

static inline term_kind kind_of(const pg_term *t, int contracts)
{
    if (!(t->a & PG_ROW))
        return contracts && t->b != PG_NO_SLOT ? RARE : NUMBER;
    if (t->b & PG_ROW)
        return t->subtracted ? LESS_TIMES_LANES : TIMES_LANES;
    return t->b != PG_NO_SLOT ? TIMES_NUMBER : t->subtracted ? LESS_LANES : LANES_ALONE;
}

/* What a term adds that is the same for all lanes. */
static inline double number_of_term(const pg_term *t, const double *uniforms)
{
    return pg_with_sign(t, t->b == PG_NO_SLOT ? uniforms[t->a] : uniforms[t->a] * uniforms[t->b]);
}

/* A fused or contracted sum with one more term. */
static double with_term(const pg_instruction *in, double sum, const pg_term *t, double x, double y, int *met)
{
    return pg_with_term(sum, t, x, y, in->code == PG_CODE_CONTRACTED, met);
}

/* Notes the row of lane l, if it is the first that has met 0 * inf. */
static void note_lane(block *rows, size_t l, int met)
{
    if (met && rows->singular == 0)
        rows->singular = 1 + rows->first + (l < rows->count ? l : rows->count - 1);
}

/* A fused sum once more, with mul0 where that is meant. */
static void fused_again(const pg_term *terms, const pg_instruction *in, block *rows, size_t at, size_t count)
{
    const double *uniforms = rows->uniforms;
    double *lanes = rows->lanes;
    for (size_t l = at; l < at + count; l++) {
        double sum = in->a & PG_ROW ? LANE(in->a)[l] : uniforms[in->a];
        int met = 0;
        for (uint32_t t = 0; t < in->count; t++) {
            const pg_slot a = terms[t].a, b = terms[t].b;
            const double x = a & PG_ROW ? LANE(a)[l] : uniforms[a];
            const double y = b == PG_NO_SLOT ? 0.0 : b & PG_ROW ? LANE(b)[l] : uniforms[b];
            sum = with_term(in, sum, &terms[t], x, y, &met);
        }
        LANE(in->out)[l] = sum;
        note_lane(rows, l, met);
    }
}

/* 1 in each lane. */
static const double *ones(void)
{
#define EIGHT 1, 1, 1, 1, 1, 1, 1, 1
    static const _Alignas(64) double all[PG_LANES] = {EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT};
#undef EIGHT
    return all;
}

/* How many of the instructions from in on are totals of products with the same first factor, all of them with a number
 * beside the product or none. */
static size_t run_of_products(const pg_instruction *in, const pg_instruction *end)
{
    size_t count = 1;
    while (in + count != end && in[count].code == in->code && in[count].a == in->a &&
           (in[count].c == PG_NO_SLOT) == (in->c == PG_NO_SLOT))
        count++;
    return count;
}

/* Whether an op takes so few steps on a lane that a loop over all of them is worth to be unrolled. */
static inline int is_short(int op)
{
    return pg_cost_of_op(op) <= PG_COST_DIVISION;
}

static double uniform_or_zero(const double *uniforms, pg_slot slot)
{
    return slot == PG_NO_SLOT ? 0.0 : uniforms[slot];
}

/* How many of the outputs from in on are written together: four that stand side by side in each row, or one. */
static int outputs_together(const pg_instruction *in, const pg_instruction *end, const pg_batch *batch)
{
    const uint32_t i = in->out;
    if (end - in < PG_TOGETHER)
        return 1;
    for (uint32_t k = 1; k < PG_TOGETHER; k++)
        if (in[k].code != PG_CODE_OUTPUT || in[k].out != i + k || batch->outputs[i + k] != batch->outputs[i] + k ||
            batch->output_strides[i + k] != batch->output_strides[i])
            return 1;
    return PG_TOGETHER;
}

/* Four numbers of two vectors of four. */
#if defined __clang__ || (defined __GNUC__ && __GNUC__ >= 12)
#define LANE_MIX(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#endif

#define LANE_FILE "program/lanes.h"
#include "program/lanesets.h"

/* -- choosing ----------------------------------------------------------------------------------- */

typedef void run_block_function(const pg_program *p, block *rows);
typedef double one_function(int op, double x, double y, double w);
typedef int once_function(const pg_instruction *in, const pg_instruction *end, double *uniforms);

static const struct {
    const char *name;
    run_block_function *run_block;
    one_function *one;
    once_function *once;
    pg_turn turn;
} sets[] = {
#define SET(name) \
    { \
        #name, run_block_##name, one_##name, once_##name, \
        { \
            copy_##name, blend_##name, begin_##name, go_on_##name, is_all_##name, tile_##name \
        } \
    }
    SET(baseline),
#if defined(__x86_64__) && defined(__GNUC__)
    SET(avx2),
    SET(avx512),
#endif
#undef SET
};
static int level = 0; /* which of them is in use */

void pg_choose_lanes(int most)
{
    const int best = pg_vector_level();
    level = most < 0 ? 0 : most < best ? most : best;
}

const pg_turn *pg_lane_turn(void)
{
    return &sets[level].turn;
}

double pg_evaluate_one(int op, double x, double y, double w)
{
    return sets[level].one(op, x, y, w);
}

void pg_run_block(const pg_program *p, block *rows)
{
    sets[level].run_block(p, rows);
}

int pg_lane_level(void)
{
    return level;
}

const char *pg_lane_instructions(void)
{
    return sets[level].name;
}

/* -- running ------------------------------------------------------------------------------------ */

/* Scratch memory for lanes: the slots, then the spare ones, then eight sums for each total, then what loops need, then which columns
 * stand. */
static size_t lane_numbers(const pg_program *p)
{
    return p->lanes * PG_LANES + SPARE + 8 * p->outputs + pg_loops_wide(p) + pg_standing_numbers(p);
}

size_t pg_uniform_bytes(const pg_program *p)
{
    return (p->uniforms + 1 + pg_loops_flat(p)) * sizeof(double);
}

size_t pg_lane_bytes(const pg_program *p)
{
    return pg_whole(lane_numbers(p)) * sizeof(double);
}

/* A fused sum once more, with mul0 where that is meant, and a contracted one. */
static double fused_once_again(const pg_program *p, const pg_instruction *in, const double *uniforms, int *met)
{
    double sum = uniforms[in->a];
    const pg_term *terms = p->terms + in->first;
    for (uint32_t t = 0; t < in->count; t++)
        sum = with_term(in, sum, &terms[t], uniforms[terms[t].a], terms[t].b == PG_NO_SLOT ? 0.0 : uniforms[terms[t].b],
                        met);
    return sum;
}

/* As fused() for lanes: plainly first, once more where an exact 0 may have to win. */
static double fused_once(const pg_program *p, const pg_instruction *in, const double *uniforms, int *met)
{
    double sum = uniforms[in->a];
    const pg_term *terms = p->terms + in->first;
    for (uint32_t t = 0; t < in->count; t++)
        sum += number_of_term(&terms[t], uniforms);
    return PG_UNLIKELY(sum != sum) && in->expected ? fused_once_again(p, in, uniforms, met) : sum;
}

int pg_run_some(const pg_program *p, const pg_instruction *in, const pg_instruction *end, double *uniforms,
                uint32_t *guard, int *met, pg_work *work)
{
    once_function *once = sets[level].once;
    for (; in != end; in++) {
        switch (in->code) {
        case PG_CODE_FUSED:
            uniforms[in->out] = fused_once(p, in, uniforms, met);
            break;
        case PG_CODE_CONTRACTED:
            uniforms[in->out] = fused_once_again(p, in, uniforms, met);
            break;
        case PG_OP_add: /* these four as pg_evaluate_one() would, without a call */
            uniforms[in->out] = uniforms[in->a] + uniforms[in->b];
            break;
        case PG_OP_sub:
            uniforms[in->out] = uniforms[in->a] - uniforms[in->b];
            break;
        case PG_OP_mul:
            uniforms[in->out] = uniforms[in->a] * uniforms[in->b];
            break;
        case PG_OP_mul0:
            uniforms[in->out] = pg_strong_noted(uniforms[in->a], uniforms[in->b], met);
            break;
        case PG_CODE_SEARCH:
        case PG_CODE_TAKE:
            uniforms[in->out] = pg_table_once(p, in, uniforms);
            break;
        case PG_CODE_GUARD:
            if (pg_holds(in->expected / 2u, uniforms[in->a], uniforms[in->b]) != (in->expected & 1)) {
                *guard = in->out;
                return 0;
            }
            break;
        case PG_CODE_CALL:
            if (!pg_call_uniform(p, in, uniforms))
                return -1;
            break;
        case PG_CODE_LOOP:
            if (!pg_loop_uniform(p, in, uniforms, uniforms + p->uniforms + 1, work, met))
                return -1;
            break;
        default:
            if (p->tells && pg_is_settled(in->code, uniforms[in->a], uniform_or_zero(uniforms, in->b)))
                *met = 1;
            in += once(in, end, uniforms) - 1;
        }
    }
    return 1;
}

int pg_run_uniform(const pg_program *p, double *uniforms, uint32_t *guard, int *met, pg_work *work)
{
    return pg_run_some(p, p->code, p->code + p->once, uniforms, guard, met, work);
}

int pg_uniforms_run(const pg_program *p, double *uniforms, uint32_t *guard)
{
    pg_handed handed[PG_HANDED];
    pg_work work = {.handed = pg_handed_begin(handed, p)};
    int met = 0;
    const int outcome = pg_run_uniform(p, uniforms, guard, &met, &work);
    pg_handed_end(work.handed);
    return outcome != 1 ? outcome : 1 + (p->tells && met);
}

int pg_program_run_once(const pg_program *p, const pg_batch *batch, uint32_t *guard)
{
    double *uniforms = batch->uniforms;
    if (p->lives != 0)
        memcpy(uniforms, batch->lives, p->lives * sizeof *uniforms);
    pg_place_constants(p, uniforms);
    for (size_t i = 0; i < p->inputs; i++)
        if (p->input_slots[i] != PG_NO_SLOT && !(p->input_slots[i] & PG_ROW))
            uniforms[p->input_slots[i]] = *batch->inputs[i];
    return pg_uniforms_run(p, uniforms, guard);
}

/* Whether an input goes into lanes, and before the first instruction. */
static int has_lanes(const pg_program *p, const block *rows, size_t input)
{
    const pg_slot slot = p->input_slots[input];
    return slot != PG_NO_SLOT && slot & PG_ROW && pg_input_standing(rows, slot) == 0;
}

/* How many inputs from i on stand side by side in each row, and in lanes one behind the other, in whole tiles. */
static size_t side_by_side(const pg_program *p, const block *rows, size_t i)
{
    const pg_batch *batch = rows->batch;
    size_t count = 0;
    while (i + count < p->inputs && has_lanes(p, rows, i + count) &&
           batch->inputs[i + count] == batch->inputs[i] + count && batch->strides[i + count] == batch->strides[i] &&
           p->input_slots[i + count] == p->input_slots[i] + count)
        count++;
    return count / PG_TILE * PG_TILE;
}

/* So many inputs from i on, which stand side by side, of whole tiles of rows: a tile at a time, along the rows, as memory
 * is read fastest. */
static void load_tiles(const pg_program *p, const block *rows, size_t i, size_t count)
{
    const pg_batch *batch = rows->batch;
    double *lanes = rows->lanes;
    for (size_t l = 0; l + PG_TILE <= rows->count; l += PG_TILE) {
        const double *from[PG_TILE];
        for (size_t r = 0; r < PG_TILE; r++)
            from[r] = batch->inputs[i] + (ptrdiff_t)row_of(batch, rows->first + l + r) * batch->strides[i];
        for (size_t k = 0; k < count; k += PG_TILE) {
            sets[level].turn.tile(LANE(p->input_slots[i + k]) + l, from);
            for (size_t r = 0; r < PG_TILE; r++)
                from[r] += PG_TILE;
        }
    }
}

/* An input's numbers from row l of the block on. */
static void load_one(const block *rows, size_t i, double *into, size_t l)
{
    const pg_batch *batch = rows->batch;
    const double *from = batch->inputs[i];
    const ptrdiff_t stride = batch->strides[i];
    if (stride == 1 && batch->rows == NULL)
        memcpy(into + l, from + batch->first + rows->first + l, (rows->count - l) * sizeof *into);
    else
        for (; l < rows->count; l++)
            into[l] = from[(ptrdiff_t)row_of(batch, rows->first + l) * stride];
}

/* Between which inputs all are that have lanes: most of those that are the same for all rows, as a model's parameters, need
 * not be asked at each block. */
static void find_inputs_with_lanes(const pg_program *p, block *rows)
{
    rows->with_lanes = rows->behind = 0;
    for (size_t i = 0; i < p->inputs; i++) {
        if (p->input_slots[i] == PG_NO_SLOT || !(p->input_slots[i] & PG_ROW))
            continue;
        if (rows->behind == 0)
            rows->with_lanes = i;
        rows->behind = i + 1;
    }
}

/* The rows' numbers into lanes; lanes without a row repeat the last one. */
static void load(const pg_program *p, const block *rows)
{
    double *lanes = rows->lanes;
    size_t tiled = 0; /* inputs before this one have their whole tiles */
    for (size_t i = rows->with_lanes; i < rows->behind; i++) {
        if (!has_lanes(p, rows, i))
            continue;
        if (i >= tiled) {
            tiled = i + side_by_side(p, rows, i);
            load_tiles(p, rows, i, tiled - i);
        }
        double *into = LANE(p->input_slots[i]);
        load_one(rows, i, into, i < tiled ? rows->count / PG_TILE * PG_TILE : 0);
        for (size_t l = rows->count; l < rows->width; l++)
            into[l] = into[rows->count - 1];
    }
}

void pg_spread(const pg_program *p, const double *uniforms, double *lanes, size_t width)
{
    for (size_t i = p->once; i < p->spread; i++) {
        double *into = LANE(p->code[i].out);
        for (size_t l = 0; l < width; l++)
            into[l] = uniforms[p->code[i].a];
    }
}

static void clear_partial(const pg_program *p, block *rows)
{
    for (size_t i = 0; i < 8 * p->outputs; i++)
        rows->partial[i] = 0.0;
}

/* The eight sums of each total become one; true if any is nan. */
static int write_totals(const pg_program *p, const block *rows, double *totals)
{
    int found = 0;
    for (size_t i = 0; i < p->outputs; i++) {
        const double *s = rows->partial + 8 * i;
        totals[i] = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
        found |= totals[i] != totals[i];
    }
    return found;
}

void pg_stop(int *stop)
{
    PG_SET(stop);
}

int pg_is_stopped(const int *stop)
{
    return stop != NULL && PG_IS_SET(stop);
}

/* Some steps for a block's instructions, of which each does its lanes in some nanoseconds. */
static int goes_on(const pg_program *p, const block *rows, pg_work *work)
{
    return pg_goes_on(work, (p->length + 1) * (PG_LANES / 8)) && !pg_is_stopped(rows->batch->stop);
}

/* Rows from first on up to end; false if it was stopped. */
static int run_piece(const pg_program *p, block *rows, size_t first, size_t end, pg_work *work)
{
    const uint32_t *standing = rows->standing;
    const int adds_up = rows->batch->totals != NULL; /* in whole blocks */
    if (adds_up)
        clear_partial(p, rows);
    for (rows->first = first; rows->first < end; rows->first += rows->count) {
        rows->count = end - rows->first < PG_LANES ? end - rows->first : PG_LANES;
        rows->width = adds_up ? PG_LANES : pg_eights(rows->count);
        rows->staying = rows->count;
        for (size_t l = 0; p->guards != 0 && l < rows->count; l++)
            rows->batch->left[rows->first + l] = UINT32_MAX;
        rows->standing = rows->count == 1 ? NULL : standing; /* a single row runs on numbers */
        load(p, rows);
        sets[level].run_block(p, rows);
        if (rows->failed || !goes_on(p, rows, work))
            return 0;
    }
    rows->standing = standing;
    return 1;
}

/* One piece, and its totals: false if it was stopped. */
static int run_and_add(const pg_program *p, block *rows, const pg_pieces *pieces, size_t piece, pg_work *work)
{
    const pg_batch *batch = rows->batch;
    const size_t first = piece * pieces->rows;
    const size_t end = batch->count - first < pieces->rows ? batch->count : first + pieces->rows;
    double *totals = batch->totals == NULL ? NULL : batch->totals + piece * p->outputs;
    rows->careful = 0;
    if (!run_piece(p, rows, first, end, work))
        return 0;
    if (totals == NULL || !write_totals(p, rows, totals))
        return 1;
    rows->careful = 1;
    if (!run_piece(p, rows, first, end, work))
        return 0;
    write_totals(p, rows, totals);
    return 1;
}

static void run(const pg_program *p, const pg_batch *batch, pg_pieces *pieces, pg_handed *handed)
{
    double *lanes = batch->lanes, *spare = lanes + p->lanes * PG_LANES;
    pg_work work = {.stop = pieces->batch->stop}; /* that of all threads is looked at after each block */
    block rows = {.batch = batch,
                  .uniforms = batch->uniforms,
                  .lanes = lanes,
                  .spare = spare,
                  .partial = spare + SPARE,
                  .frame = spare + SPARE + 8 * p->outputs,
                  .work = &work,
                  .handed = handed};
    size_t piece;
    rows.standing = pg_find_standing(p, batch, rows.frame + pg_loops_wide(p));
    find_inputs_with_lanes(p, &rows);
    pg_spread(p, rows.uniforms, lanes, PG_LANES);
    while (pg_take_piece(pieces, &piece)) {
        if (!run_and_add(p, &rows, pieces, piece, &work)) {
            pg_piece_failed(pieces, piece);
            break;
        }
    }
    if (p->tells)
        pg_pieces_tell(pieces, rows.singular);
}

void pg_run_pieces(const pg_program *p, const pg_batch *batch, pg_pieces *pieces)
{
    pg_handed handed[PG_HANDED];
    for (size_t i = 0; i < PG_HANDED; i++)
        handed[i].to = handed[i].from = NULL;
    run(p, batch, pieces, handed);
    for (size_t i = 0; i < PG_HANDED; i++)
        pg_handed_close(&handed[i]);
}

int pg_program_call(const pg_program *p, pg_batch *batch, uint32_t *guard)
{
    const double *uniforms = batch->uniforms;
    const int outcome = pg_program_run_once(p, batch, guard);
    if (outcome < 0)
        *guard = PG_GUARD_STOPPED;
    if (outcome <= 0)
        return 0;
    for (size_t i = 0; i < p->outputs; i++)
        batch->outputs[i][0] = uniforms[p->result_slots[i]];
    batch->calls++;
    if (outcome == 1)
        return 1;
    *guard = PG_GUARD_TOLD;
    return 0;
}
