/* loop.c: loops at work: on numbers one trip after the other, on lanes until the last row is done. */
#include "program/loop.h"

#include "program/history.h"

#include <string.h>

/* -- why a run was stopped ---------------------------------------------------------------------- */

enum { ASKED, LACKS_MEMORY, TOO_LONG };

static PG_THREAD_LOCAL struct {
    int why;
    size_t row;
    double trips;
} failure;

int pg_loop_failure(size_t *row, double *trips)
{
    const int why = failure.why;
    *row = failure.row;
    *trips = failure.trips;
    failure.why = ASKED;
    return why;
}

static int fail(int why, size_t row, double trips)
{
    failure.why = why;
    failure.row = row;
    failure.trips = trips;
    return 0;
}

/* -- memory ------------------------------------------------------------------------------------- */

static size_t whole(size_t numbers)
{
    return (numbers + 7) / 8 * 8;
}

static size_t flat_of(const pg_body *b)
{
    return b->flat->uniforms + 1 + 2 * b->state + pg_loops_flat(b->flat);
}

/* Uniforms; lanes and spare ones; the state twice. */
static size_t wide_of(const pg_body *b)
{
    return whole(b->wide->uniforms + 1 + pg_loops_flat(b->wide)) + b->wide->lanes * PG_LANES + SPARE +
           2 * b->state * PG_LANES + pg_loops_wide(b->wide);
}

size_t pg_loop_flat(const pg_loop *loop)
{
    return flat_of(loop->body) + (loop->back != NULL ? flat_of(loop->back) : 0) + loop->base.operands +
           loop->base.results;
}

static size_t loop_wide(const pg_loop *loop)
{
    return wide_of(loop->body) + (loop->back != NULL ? wide_of(loop->back) : 0);
}

size_t pg_loops_flat(const pg_program *p)
{
    size_t most = 0;
    for (size_t i = 0; i < p->loop_count; i++)
        most = pg_loop_flat(p->loops[i]) > most ? pg_loop_flat(p->loops[i]) : most;
    return most;
}

size_t pg_loops_wide(const pg_program *p)
{
    size_t most = 0;
    for (size_t i = 0; i < p->loop_count; i++)
        most = loop_wide(p->loops[i]) > most ? loop_wide(p->loops[i]) : most;
    return most;
}

/* -- on numbers --------------------------------------------------------------------------------- */

/* A body that runs on numbers. */
typedef struct {
    const pg_body *body;
    double *uniforms, *state, *frame;
    pg_work *work;
    int *met;
} flat;

/* In the memory from *at on, of which it takes its part. */
static flat open_flat(const pg_body *b, double **at, pg_work *work, int *met)
{
    flat f = {b, *at, *at + b->flat->uniforms + 1 + pg_loops_flat(b->flat), NULL, work, met};
    pg_place_constants(b->flat, f.uniforms);
    *at += flat_of(b);
    return f;
}

static void put_flat(flat *f, size_t input, double number)
{
    const pg_slot slot = f->body->flat->input_slots[input];
    if (slot != PG_NO_SLOT)
        f->uniforms[slot] = number;
}

/* One trip; whether it goes on is in *goes_on. False if it was stopped. */
static int trip_flat(flat *f, int *goes_on)
{
    const pg_program *p = f->body->flat;
    const size_t n = f->body->state;
    uint32_t guard;
    for (size_t k = 0; k < n; k++)
        put_flat(f, k, f->state[k]);
    if (pg_run_uniform(p, f->uniforms, &guard, f->met, f->work) != 1)
        return 0;
    for (size_t k = 0; k < n; k++)
        f->state[k] = f->uniforms[p->result_slots[k]];
    if (!f->body->counts)
        *goes_on = f->uniforms[p->result_slots[n]] != 0.0;
    return pg_goes_on(f->work, p->length + 4);
}

/* The trips that a count asks for: those of `while trips < count`. */
static double trips_of(double count)
{
    return count > 0.0 ? count : 0.0;
}

/* The trips from the present state on, which are noted; -1.0 if it was stopped. */
static double run_flat(flat *f, double control, pg_history *h)
{
    double trips = 0.0;
    int on = control != 0.0;
    while (f->body->counts ? trips < trips_of(control) : on) {
        if (trips >= f->body->most)
            return fail(TOO_LONG, SIZE_MAX, trips) - 1.0;
        if (h != NULL && !pg_history_note(h, f->state))
            return fail(LACKS_MEMORY, SIZE_MAX, 0.0) - 1.0;
        if (!trip_flat(f, &on))
            return -1.0;
        trips += 1.0;
    }
    return trips;
}

/* Back from the last trip to the first. */
static int go_back_flat(flat *f, flat *back, pg_history *h, size_t trips)
{
    const size_t n = f->body->state;
    int ignored;
    for (size_t i = trips; i-- != 0;) {
        const double *s = pg_history_at(h, i);
        while (s == NULL) { /* a segment is to be computed */
            const size_t next = pg_history_begin(h, i, f->state);
            if (next == SIZE_MAX)
                return fail(LACKS_MEMORY, SIZE_MAX, 0.0);
            for (size_t k = next; k <= i; k++) {
                if (!trip_flat(f, &ignored))
                    return 0;
                pg_history_fill(h, f->state);
            }
            s = pg_history_at(h, i);
        }
        for (size_t k = 0; k < n; k++)
            put_flat(back, back->body->state + k, s[k]);
        if (!trip_flat(back, &ignored))
            return 0;
    }
    return 1;
}

static int run_back_flat(const pg_loop *loop, flat *f, const double *operands, double *results, double *at)
{
    const size_t n = f->body->state, m = f->body->captured;
    flat back = open_flat(loop->back, &at, f->work, f->met);
    pg_history h;
    pg_history_open(&h, n, PG_HISTORY_OF_NUMBERS);
    const double trips = run_flat(f, operands[n], &h);
    int done = trips >= 0.0;
    for (size_t k = 0; k < back.body->state; k++)
        back.state[k] = k < loop->back_state ? operands[n + 1 + m + k] : 0.0;
    for (size_t k = 0; k < m; k++)
        put_flat(&back, back.body->state + n + k, operands[n + 1 + k]);
    done = done && go_back_flat(f, &back, &h, (size_t)trips);
    pg_history_close(&h);
    if (done)
        memcpy(results, back.state, back.body->state * sizeof *results);
    return done;
}

int pg_loop_run(const pg_loop *loop, const double *operands, double *results, double *frame, pg_work *work, int *met)
{
    const size_t n = loop->body->state, m = loop->body->captured;
    double *at = frame;
    flat f = open_flat(loop->body, &at, work, met);
    for (size_t k = 0; k < m; k++)
        put_flat(&f, n + k, operands[n + 1 + k]);
    if (n != 0)
        memcpy(f.state, operands, n * sizeof *operands);
    if (loop->back != NULL)
        return run_back_flat(loop, &f, operands, results, at);
    const double trips = run_flat(&f, operands[n], NULL);
    if (trips < 0.0)
        return 0;
    if (n != 0)
        memcpy(results, f.state, n * sizeof *results);
    results[n] = trips;
    return 1;
}

int pg_loop_uniform(const pg_program *p, const pg_instruction *in, double *uniforms, double *frame, pg_work *work,
                    int *met)
{
    const pg_loop *loop = p->loops[in->a];
    double *operands = frame + pg_loop_flat(loop) - loop->base.operands;
    for (size_t k = 0; k < loop->base.operands; k++)
        operands[k] = uniforms[p->terms[in->first + k].a];
    return pg_loop_run(loop, operands, uniforms + in->out, frame, work, met);
}

/* -- on lanes ----------------------------------------------------------------------------------- */

/* A body that runs on the lanes of a block. Its state stands where the program has its inputs, or, of what the program
 * does not read, in others. */
typedef struct {
    const pg_body *body;
    block rows;            /* as the body sees it */
    double *others, *gathered; /* PG_LANES numbers for each of the state */
    int crossing;          /* some results stand where others of the state do */
} wide;

static double *input_of(const wide *w, size_t input)
{
    double *lanes = w->rows.lanes;
    const pg_slot slot = w->body->wide->input_slots[input];
    return slot == PG_NO_SLOT ? NULL : LANE(slot);
}

static double *state_of(const wide *w, size_t k)
{
    double *at = input_of(w, k);
    return at == NULL ? w->others + k * PG_LANES : at;
}

static const double *result_of(const wide *w, size_t k)
{
    const double *lanes = w->rows.lanes;
    return LANE(w->body->wide->result_slots[k]);
}

static int is_crossing(const wide *w)
{
    const pg_program *p = w->body->wide;
    for (size_t k = 0; k < w->body->state; k++)
        for (size_t j = 0; j < w->body->state; j++)
            if (j != k && p->result_slots[k] == p->input_slots[j])
                return 1;
    return 0;
}

/* In the memory from *at on, of which it takes its part. False if it was stopped. */
static int open_wide(wide *w, const pg_body *b, double **at, const block *outer)
{
    const pg_program *p = b->wide;
    double *uniforms = *at, *lanes = uniforms + whole(p->uniforms + 1 + pg_loops_flat(p));
    uint32_t guard;
    int met = 0;
    w->body = b;
    w->rows = *outer;
    w->rows.uniforms = uniforms;
    w->rows.lanes = lanes;
    w->rows.spare = lanes + p->lanes * PG_LANES;
    w->rows.partial = NULL;
    w->rows.careful = 0;
    w->others = w->rows.spare + SPARE;
    w->gathered = w->others + b->state * PG_LANES;
    w->rows.frame = w->gathered + b->state * PG_LANES;
    w->crossing = is_crossing(w);
    *at += wide_of(b);
    pg_place_constants(p, uniforms);
    if (pg_run_uniform(p, uniforms, &guard, &met, outer->work) != 1)
        return 0;
    pg_spread(p, uniforms, lanes);
    return 1;
}

static void put_wide(const wide *w, size_t input, const double *numbers)
{
    double *into = input_of(w, input);
    if (into != NULL)
        memcpy(into, numbers, PG_LANES * sizeof *into);
}

/* An operand, whose number may be the same for all rows, into lanes. */
static void put_operand(const block *rows, pg_slot slot, double *into)
{
    const double *lanes = rows->lanes;
    if (into == NULL)
        return;
    if (slot & PG_ROW) {
        memcpy(into, LANE(slot), PG_LANES * sizeof *into);
        return;
    }
    for (int l = 0; l < PG_LANES; l++)
        into[l] = rows->uniforms[slot];
}

/* The state as one array, and back. */
static const double *gather(const wide *w)
{
    for (size_t k = 0; k < w->body->state; k++)
        memcpy(w->gathered + k * PG_LANES, state_of(w, k), PG_LANES * sizeof(double));
    return w->gathered;
}

static void scatter(const wide *w)
{
    for (size_t k = 0; k < w->body->state; k++)
        memcpy(state_of(w, k), w->gathered + k * PG_LANES, PG_LANES * sizeof(double));
}

/* One trip of the rows whose mask is set; false if it was stopped. */
static int trip_wide(wide *w, const int64_t *mask, int all)
{
    const pg_program *p = w->body->wide;
    const pg_turn *turn = pg_lane_turn();
    pg_run_block(p, &w->rows);
    if (w->rows.failed)
        return 0;
    for (size_t k = 0; w->crossing && k < w->body->state; k++)
        memcpy(w->gathered + k * PG_LANES, result_of(w, k), PG_LANES * sizeof(double));
    for (size_t k = 0; k < w->body->state; k++) {
        const double *given = w->crossing ? w->gathered + k * PG_LANES : result_of(w, k);
        double *into = state_of(w, k);
        if (given == into)
            continue;
        if (all)
            memcpy(into, given, PG_LANES * sizeof *into);
        else
            turn->blend(into, given, mask);
    }
    const pg_batch *batch = w->rows.batch;
    return pg_goes_on(w->rows.work, (p->length + 4) * (PG_LANES / 8)) && !pg_is_stopped(batch->stop);
}

/* Which rows begin: those that are there, and on the path, and are told to; how many. */
static int begin_mask(const wide *w, const double *control, int64_t *mask)
{
    const block *rows = &w->rows;
    const uint32_t *left = rows->batch->left == NULL || rows->staying == rows->count ? NULL
                                                                                     : rows->batch->left + rows->first;
    int count = 0;
    for (size_t l = 0; l < PG_LANES; l++) {
        const int there = l < rows->count && (left == NULL || left[l] == UINT32_MAX);
        const int begins = there && (w->body->counts ? control[l] > 0.0 : control[l] != 0.0);
        mask[l] = -begins;
        count += begins;
    }
    return count;
}

static int too_long(const wide *w, const int64_t *mask, double trips)
{
    size_t l = 0;
    while (mask[l] == 0)
        l++;
    return fail(TOO_LONG, row_of(w->rows.batch, w->rows.first + l), trips);
}

/* The trips of all rows, how many each has done in trips. False if it was stopped. */
static int run_wide(wide *w, const double *control, double *trips, pg_history *h)
{
    _Alignas(64) int64_t mask[PG_LANES];
    const pg_turn *turn = pg_lane_turn();
    const int counts = w->body->counts;
    double done = 0.0;
    for (int l = 0; l < PG_LANES; l++)
        trips[l] = 0.0;
    for (int running = begin_mask(w, control, mask); running != 0;) {
        if (done >= w->body->most)
            return too_long(w, mask, done);
        if (h != NULL && !pg_history_note(h, gather(w)))
            return fail(LACKS_MEMORY, SIZE_MAX, 0.0);
        if (!trip_wide(w, mask, running == PG_LANES))
            return 0;
        done += 1.0;
        running = turn->go_on(mask, trips, counts ? control : result_of(w, w->body->state), counts, done);
    }
    return 1;
}

/* The mask of trip i; how many rows do it. */
static int mask_of_trip(const double *trips, size_t i, int64_t *mask)
{
    int count = 0;
    for (int l = 0; l < PG_LANES; l++) {
        const int does = (double)i < trips[l];
        mask[l] = -does;
        count += does;
    }
    return count;
}

/* The state before trip i; NULL if it was stopped. */
static const double *state_before(wide *w, pg_history *h, const double *trips, size_t i)
{
    _Alignas(64) int64_t mask[PG_LANES];
    const double *s = pg_history_at(h, i);
    if (s != NULL)
        return s;
    const size_t next = pg_history_begin(h, i, w->gathered);
    if (next == SIZE_MAX) {
        fail(LACKS_MEMORY, SIZE_MAX, 0.0);
        return NULL;
    }
    scatter(w);
    for (size_t k = next; k <= i; k++) {
        const int running = mask_of_trip(trips, k - 1, mask);
        if (!trip_wide(w, mask, running == PG_LANES))
            return NULL;
        pg_history_fill(h, gather(w));
    }
    return pg_history_at(h, i);
}

static int go_back_wide(wide *w, wide *back, pg_history *h, const double *trips)
{
    _Alignas(64) int64_t mask[PG_LANES];
    double most = 0.0;
    for (int l = 0; l < PG_LANES; l++)
        most = trips[l] > most ? trips[l] : most;
    for (size_t i = (size_t)most; i-- != 0;) {
        const double *s = state_before(w, h, trips, i);
        if (s == NULL)
            return 0;
        for (size_t k = 0; k < w->body->state; k++)
            put_wide(back, back->body->state + k, s + k * PG_LANES);
        const int running = mask_of_trip(trips, i, mask);
        if (!trip_wide(back, mask, running == PG_LANES))
            return 0;
    }
    return 1;
}

static int run_back_wide(const pg_loop *loop, wide *w, const pg_term *operands, const block *rows,
                         const double *control, double *results, double *at)
{
    const size_t n = w->body->state, m = w->body->captured;
    _Alignas(64) double trips[PG_LANES];
    wide back;
    if (!open_wide(&back, loop->back, &at, rows))
        return 0;
    for (size_t k = 0; k < m; k++)
        put_operand(rows, operands[n + 1 + k].a, input_of(&back, back.body->state + n + k));
    for (size_t k = 0; k < back.body->state; k++) {
        double *into = state_of(&back, k);
        if (k < loop->back_state)
            put_operand(rows, operands[n + 1 + m + k].a, into);
        else
            memset(into, 0, PG_LANES * sizeof *into);
    }
    pg_history h;
    pg_history_open(&h, n * PG_LANES, PG_HISTORY);
    int done = run_wide(w, control, trips, &h);
    back.rows.singular = w->rows.singular;
    done = done && go_back_wide(w, &back, &h, trips);
    w->rows.singular = back.rows.singular;
    pg_history_close(&h);
    if (done)
        memcpy(results, gather(&back), back.body->state * PG_LANES * sizeof *results);
    return done;
}

int pg_loop_lanes(const pg_program *p, const pg_instruction *in, block *rows)
{
    const pg_loop *loop = p->loops[in->a];
    const pg_term *operands = p->terms + in->first;
    const size_t n = loop->body->state;
    _Alignas(64) double control[PG_LANES];
    double *lanes = rows->lanes, *results = LANE(in->out), *at = rows->frame;
    wide w;
    rows->failed = !open_wide(&w, loop->body, &at, rows);
    if (rows->failed)
        return 0;
    for (size_t k = 0; k < n; k++)
        put_operand(rows, operands[k].a, state_of(&w, k));
    put_operand(rows, operands[n].a, control);
    for (size_t k = 0; k < loop->body->captured; k++)
        put_operand(rows, operands[n + 1 + k].a, input_of(&w, n + k));
    if (loop->back != NULL) {
        rows->failed = !run_back_wide(loop, &w, operands, rows, control, results, at);
    } else {
        _Alignas(64) double trips[PG_LANES];
        rows->failed = !run_wide(&w, control, trips, NULL);
        memcpy(results, gather(&w), n * PG_LANES * sizeof *results);
        memcpy(results + n * PG_LANES, trips, sizeof trips);
    }
    rows->singular = w.rows.singular;
    return !rows->failed;
}
