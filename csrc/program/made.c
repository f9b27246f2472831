/* made.c: loops and their bodies made and shared; loops as nodes. */
#include "program/made.h"

#include "graph/graph.h"
#include "program/growth.h"
#include "program/kept.h"
#include "program/noted.h"
#include "program/pack.h"
#include "program/steps.h"
#include "program/turned.h"

#include <math.h>
#include <string.h>

/* -- life --------------------------------------------------------------------------------------- */

/* The pack of a body that runs on numbers, if it is of use: of many trips. False for want of memory. */
static int packed(const pg_program *flat, pg_pack **out)
{
    const int may = flat != NULL && flat->loop_count == 0 && pg_pack_after() != SIZE_MAX;
    return !may || pg_pack_make(flat, out) == PG_OK;
}

/* Counts stretches of a single number, or the others, and writes them unless out is NULL. */
static size_t find_stretches(const pg_slot *slots, size_t count, int single, pg_stretch *out)
{
    size_t found = 0;
    for (size_t k = 0, next; k < count; k = next) {
        next = k + 1;
        if (slots[k] == PG_NO_SLOT)
            continue;
        while (next < count && slots[next] == slots[k] + (next - k))
            next++;
        if ((next - k == 1) != single)
            continue;
        if (out != NULL)
            out[found] = (pg_stretch){slots[k], (uint32_t)k, (uint32_t)(next - k)};
        found++;
    }
    return found;
}

int pg_stretches_of(const pg_slot *slots, size_t count, pg_stretches *out)
{
    const size_t longer = find_stretches(slots, count, 0, NULL);
    *out = (pg_stretches){NULL, longer + find_stretches(slots, count, 1, NULL), longer};
    if (out->count == 0)
        return 1;
    out->all = pg_alloc(out->count, sizeof *out->all);
    if (out->all == NULL)
        return 0;
    find_stretches(slots, count, 0, out->all);
    find_stretches(slots, count, 1, out->all + longer);
    return 1;
}

/* Where the state stands on numbers. */
static int find_state(pg_body *b)
{
    return b->numbers == NULL || (pg_stretches_of(b->flat->input_slots, b->state, &b->begin) &&
                                  pg_stretches_of(b->numbers->result_slots, b->state, &b->end));
}

/* Of a body with this program. */
static unsigned depth_of(const pg_program *p)
{
    unsigned deepest = 0;
    for (size_t i = 0; i < p->loop_count; i++) {
        const pg_loop *loop = p->loops[i];
        if (loop->base.kind != &pg_loop_kind)
            continue;
        const pg_body *const both[] = {loop->body, loop->back};
        for (size_t k = 0; k < 2; k++)
            if (both[k] != NULL && both[k]->depth > deepest)
                deepest = both[k]->depth;
    }
    return deepest + 1;
}

pg_body *pg_body_make(pg_program *flat, pg_program *wide, size_t state, size_t captured, int counts, double most)
{
    pg_program *turned = NULL;
    pg_pack *pack = NULL;
    const int turns = wide == NULL || pg_program_turn(wide, state, &turned);
    pg_body *b = turns && packed(flat, &pack) ? pg_alloc(1, sizeof *b) : NULL;
    if (b == NULL) {
        pg_pack_release(pack);
        pg_program_free(flat);
        pg_program_free(wide);
        pg_program_free(turned);
        return NULL;
    }
    *b = (pg_body){.flat = flat,
                   .wide = wide,
                   .turned = turned,
                   .pack = pack,
                   .numbers = pack == NULL ? flat : &pack->rest,
                   .state = state,
                   .captured = captured,
                   .counts = counts,
                   .most = most,
                   .refs = 1,
                   .steps = flat == NULL ? 0 : pg_program_steps(flat),
                   .depth = depth_of(flat != NULL ? flat : wide),
                   .calls = wide == NULL ? NULL : pg_program_calls(wide)};
    if (find_state(b))
        return b;
    pg_body_release(b);
    return NULL;
}

pg_body *pg_body_retain(pg_body *b)
{
    PG_ADD(&b->refs, 1);
    return b;
}

pg_columns *pg_columns_make(size_t count)
{
    pg_columns *numbers = pg_alloc(count + 1, sizeof(double)); /* the count stands in the place of one */
    if (numbers != NULL)
        numbers->refs = 1;
    return numbers;
}

pg_columns *pg_columns_retain(pg_columns *numbers)
{
    PG_ADD(&numbers->refs, 1);
    return numbers;
}

void pg_columns_release(pg_columns *numbers)
{
    if (numbers != NULL && PG_ADD(&numbers->refs, -1) == 0)
        pg_free(numbers);
}

void pg_body_release(pg_body *b)
{
    if (b == NULL || PG_ADD(&b->refs, -1) != 0)
        return;
    pg_columns_release(b->scan.numbers);
    pg_free(b->begin.all);
    pg_free(b->end.all);
    pg_free(b->noted.all);
    pg_pack_release(b->pack);
    pg_program_free(b->flat);
    pg_program_free(b->wide);
    pg_program_free(b->turned);
    pg_free(b);
}

static pg_loop *loop_of(const pg_several *rule)
{
    return (pg_loop *)(uintptr_t)rule;
}

void pg_loop_release(pg_loop *loop)
{
    if (loop != NULL)
        pg_several_release(&loop->base);
}

void pg_loop_destroy(pg_several *rule)
{
    pg_loop *loop = loop_of(rule);
    for (size_t i = 0; i < loop->derived_count; i++)
        pg_loop_release(loop->derived[i]);
    pg_free((void *)loop->derived);
    pg_body_release(loop->body);
    pg_body_release(loop->back);
    pg_body_release(loop->ahead);
    pg_body_release(loop->behind);
    pg_body_release(loop->flat_ahead);
    pg_body_release(loop->flat_behind);
    pg_free(loop->kept.all);
    pg_free(loop->restored.all);
    pg_free(loop->parts);
    pg_free(loop->wanted);
    pg_free(loop);
}

/* A body with another program for numbers or for lanes, or itself if both are NULL. NULL for want of memory. Takes the program
 * over, also then. Caller owns. */
static pg_body *with_program(pg_body *body, pg_program *flat, pg_program *wide)
{
    if (flat == NULL && wide == NULL)
        return pg_body_retain(body);
    pg_body *b = pg_body_make(flat, wide, body->state, body->captured, body->counts, body->most);
    if (b != NULL) {
        b->scan = body->scan;
        b->contracts = body->contracts;
    }
    if (b != NULL && b->scan.numbers != NULL)
        pg_columns_retain(b->scan.numbers);
    return b;
}

/* What histories of numbers keep of the state. False for want of memory. */
static int find_kept(pg_loop *loop)
{
    const pg_body *body = loop->flat_ahead, *back = loop->flat_behind;
    pg_slot *slots = pg_alloc(2 * body->state + 1, sizeof *slots), *inputs = slots + body->state;
    size_t count = 0;
    if (slots == NULL)
        return 0;
    for (size_t k = 0; k < body->state; k++)
        if (pg_is_kept(body, back, 0, k)) {
            slots[count] = (pg_slot)k;
            inputs[count++] = back->flat->input_slots[back->state + k];
        }
    loop->flat_kept = count;
    const int found = pg_stretches_of(slots, count, &loop->kept) && pg_stretches_of(inputs, count, &loop->restored);
    pg_free(slots);
    return found;
}

/* What the way back needs not compute once more is noted. False for want of memory. */
static int note(pg_loop *loop)
{
    pg_program *ahead, *behind;
    if (!pg_note(loop->body, loop->back, &ahead, &behind, &loop->noted))
        return 0;
    loop->ahead = with_program(loop->body, NULL, ahead);
    loop->behind = with_program(loop->back, NULL, behind);
    if (loop->ahead == NULL || loop->behind == NULL ||
        !pg_note_numbers(loop->body, loop->back, &ahead, &behind, &loop->flat_noted))
        return 0;
    loop->flat_ahead = with_program(loop->body, ahead, NULL);
    if (loop->flat_ahead == NULL || !pg_noted_side_by_side(loop->flat_ahead, behind, loop->flat_noted)) {
        pg_program_free(behind);
        return 0;
    }
    loop->flat_behind = with_program(loop->back, behind, NULL);
    return loop->flat_behind != NULL && find_kept(loop);
}

pg_loop *pg_loop_make(pg_body *body, pg_body *back, const uint8_t *parts)
{
    const size_t n = body->state, length = body->scan.length;
    pg_loop *loop = pg_alloc(1, sizeof *loop);
    uint8_t *copy = loop == NULL || parts == NULL ? NULL : pg_copied(parts, pg_parts_of(body), 1);
    if (loop == NULL || (parts != NULL && copy == NULL)) {
        pg_free(loop);
        pg_body_release(body);
        pg_body_release(back);
        return NULL;
    }
    *loop = (pg_loop){.base = {&pg_loop_kind, pg_operands_of(body), n + 1 + body->scan.made * length, 1},
                      .body = body,
                      .back = back,
                      .parts = copy};
    if (back != NULL) {
        loop->back_state = pg_count_flags(parts, n);
        loop->base.operands += loop->back_state + (back->scan.given - body->scan.given) * length;
        loop->base.results = back->state + back->scan.made * length;
    }
    if (back == NULL || note(loop))
        return loop;
    pg_loop_release(loop);
    return NULL;
}

/* -- nodes -------------------------------------------------------------------------------------- */

/* Not 0 while only the shape of what is made matters: no loop runs then. */
PG_THREAD_LOCAL int pg_loops_idle;
PG_THREAD_LOCAL int pg_contracts;

uint8_t pg_flags_of_inputs;

static pg_status run_now(const pg_loop *loop, pg_node *const *operands, double *results)
{
    const size_t count = loop->base.operands;
    double *frame = pg_alloc(pg_loop_flat(loop) + count + 1, sizeof *frame);
    if (frame == NULL)
        return PG_NO_MEMORY;
    double *numbers = frame + pg_loop_flat(loop);
    for (size_t i = 0; i < count; i++)
        numbers[i] = operands[i]->value;
    pg_work work = {0};
    int met = 0;
    pg_status status = PG_OK;
    if (!pg_loop_run(loop, numbers, results, frame, &work, &met)) {
        size_t row;
        double trips;
        const int why = pg_loop_failure(&row, &trips);
        status = why == 0 ? PG_STOPPED : why == 1 ? PG_NO_MEMORY : PG_OK; /* where it runs it will say so */
    }
    pg_free(frame);
    return status;
}

pg_node *pg_loop_node(const pg_loop *loop, pg_node *const *operands, pg_node **items, pg_status *status)
{
    const size_t count = loop->base.results;
    double *results = pg_alloc(count + 1, sizeof *results);
    *status = PG_NO_MEMORY;
    if (results == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        results[i] = pg_loops_idle ? 0.5 : NAN;
    if (!pg_loops_idle && (*status = run_now(loop, operands, results)) != PG_OK) {
        pg_free(results);
        return NULL;
    }
    pg_node *n = pg_born(pg_compute_several((pg_several *)(uintptr_t)&loop->base, operands, 1.0));
    int whole = n != NULL;
    for (size_t i = 0; i < count; i++) {
        items[i] = n == NULL ? NULL : pg_born(pg_compute_item(n, i, results[i]));
        whole = whole && items[i] != NULL;
    }
    pg_free(results);
    if (whole) {
        *status = PG_OK;
        return n;
    }
    pg_release_all(items, count);
    if (n != NULL)
        pg_release(n);
    *status = PG_NO_MEMORY;
    return NULL;
}

/* -- bodies ------------------------------------------------------------------------------------- */

pg_body *pg_body_of(pg_node *const *inputs, size_t state, size_t captured, pg_node *const *results, size_t result_count,
                    int counts, double most, pg_status *status, pg_node **opaque)
{
    return pg_scan_body(inputs, state, captured, results, result_count, counts, most, &(pg_scan){0}, status, opaque);
}

/* Whether a body is differentiated by its nodes while the trace runs: see kept.h. */
static int goes_by_nodes(const pg_body *b)
{
    int ruled = 0;
    for (size_t i = 0; i < b->flat->length; i++)
        ruled = ruled || b->flat->code[i].code == PG_OP_ruled;
    return ruled || pg_is_way(b);
}

/* Whether nothing but its inputs makes a body differ from trip to trip. */
static int leads_nowhere_else(const pg_sweep *s, size_t inputs)
{
    for (size_t i = inputs; i + 1 < s->count; i++) {
        const pg_node *n = s->order[i].node;
        if (!(n->flags & PG_TRACED) || (n->op == PG_LEAF && n->flags & pg_flags_of_inputs))
            return 0;
    }
    return 1;
}

pg_body *pg_scan_body(pg_node *const *inputs, size_t state, size_t captured, pg_node *const *results,
                      size_t result_count, int counts, double most, const pg_scan *scan, pg_status *status,
                      pg_node **opaque)
{
    pg_node *root;
    pg_sweep *s;
    pg_program *flat = NULL, *wide = NULL;
    const size_t differ = state + captured + scan->given, input_count = differ + scan->known;
    uint8_t *rows = pg_alloc(input_count + 1, 1);
    *status = rows == NULL ? PG_NO_MEMORY : pg_sort_sum(results, result_count, inputs, input_count, &root, &s);
    if (*status != PG_OK) {
        pg_free(rows);
        return NULL;
    }
    pg_trace t = {.sweep = s,
                  .rows = rows,
                  .outputs = results,
                  .output_count = result_count,
                  .optimise = 1,
                  .contract = pg_contracts,
                  .body = 1};
    memset(rows, 0, input_count + 1);
    *status = leads_nowhere_else(s, input_count) ? pg_program_make(&t, opaque, &flat) : PG_RULED;
    memset(rows, 1, differ != 0 ? differ : input_count); /* some have to differ for there to be lanes */
    if (*status == PG_OK)
        *status = pg_program_make(&t, opaque, &wide);
    pg_body *b = NULL;
    if (*status == PG_OK) {
        b = pg_body_make(flat, wide, state, captured, counts, most);
        *status = b == NULL ? PG_NO_MEMORY : b->depth > PG_DEEPEST_LOOP ? PG_NESTED : PG_OK;
    } else {
        pg_program_free(flat);
    }
    if (b != NULL) {
        b->scan = *scan;
        b->contracts = pg_contracts;
        if (scan->numbers != NULL)
            pg_columns_retain(scan->numbers);
        if (*status == PG_OK && goes_by_nodes(b))
            *status = pg_keep_body(b, s, inputs, input_count, results, result_count);
    }
    pg_sweep_abandon(s);
    pg_release(root);
    pg_free(rows);
    if (*status == PG_OK)
        return b;
    pg_body_release(b);
    return NULL;
}

/* A sum of nodes, sorted down to the stops. Caller abandons the sweep and releases the root. */
pg_status pg_sort_sum(pg_node *const *nodes, size_t count, pg_node *const *stops, size_t stop_count, pg_node **root,
                      pg_sweep **out)
{
    *root = pg_compute_many(PG_SUM, nodes, count, 0.0, NULL, NULL);
    if (*root == NULL)
        return PG_NO_MEMORY;
    pg_mark_traced(*root);
    pg_status status = pg_sweep_open(*root, 0, out);
    if (status == PG_OK) {
        pg_sweep_within_trace(*out);
        status = pg_sweep_stop_at(*out, stops, stop_count);
        if (status == PG_OK)
            status = pg_sweep_sort(*out, SIZE_MAX);
        if (status == PG_OK)
            return PG_OK;
        pg_sweep_abandon(*out);
    }
    pg_release(*root);
    return status;
}
