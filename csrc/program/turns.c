/* turns.c: loops at work on the lanes of a block, until the last row is done. */
#include "program/loop.h"

#include "program/gathered.h"
#include "program/handed.h"
#include "program/history.h"
#include "program/single.h"
#include "program/standing.h"

#include <math.h>

/* A body that runs on the lanes of a block. Its state stands where the program has its inputs, or, of what the program
 * does not read, in others. Where the body has two programs they take turns: see turned.h. */
typedef struct {
    const pg_body *body;
    const pg_program *next; /* of the next trip */
    const pg_program *last; /* of the one before */
    block rows;            /* as the body sees it */
    double *others;        /* PG_LANES numbers for each of the state */
    double *aside;         /* the same for each result */
    uint8_t *crossing;     /* of each result whether it stands where another of the state does: it is put aside */
    int unread;            /* some of the state is read by nobody: it counts once a row is done */
    double *uniforms;      /* those of rows */
    const block *outer;    /* where operands stand */
    size_t first;          /* of the columns that are given so many are in given, others in arrived */
    const pg_term *given, *arrived;
    double *tiles;         /* of each column that is given, if it is read where it stands */
    size_t tile;           /* which are there: so many tiles are before them in a column; SIZE_MAX: none */
    double *made;          /* NULL if nobody asks */
} wide;

static double *input_of(const wide *w, size_t input)
{
    double *lanes = w->rows.lanes;
    const pg_slot slot = w->next->input_slots[input];
    return slot == PG_NO_SLOT ? NULL : LANE(slot);
}

static double *state_of(const wide *w, size_t k)
{
    double *at = input_of(w, k);
    return at == NULL ? w->others + k * PG_LANES : at;
}

/* The result of the last trip. */
static const double *result_of(const wide *w, size_t k)
{
    const double *lanes = w->rows.lanes;
    return w->crossing[k] ? w->aside + k * PG_LANES : LANE(w->last->result_slots[k]);
}

static int is_crossing(const wide *w, size_t k)
{
    const pg_program *p = w->body->wide;
    for (size_t j = 0; j < w->body->state; j++)
        if (j != k && p->result_slots[k] == p->input_slots[j])
            return 1;
    return 0;
}

/* In the memory from *at on, of which it takes its part, but for its lanes, which end at another place unless that is NULL.
 * False if it was stopped. */
static int open_wide(wide *w, const pg_body *b, double **at, const block *outer, double *end)
{
    const pg_program *p = b->wide;
    double *uniforms = *at, *own = uniforms + pg_whole(p->uniforms + 1 + pg_loops_flat(p));
    double *lanes = end == NULL ? own : end - p->lanes * PG_LANES;
    uint32_t guard;
    int met = 0;
    w->body = b;
    w->next = w->last = p;
    w->rows = *outer;
    w->rows.uniforms = uniforms;
    w->rows.lanes = lanes;
    w->rows.spare = own + p->lanes * PG_LANES;
    w->rows.partial = NULL;
    w->rows.handed = NULL;
    w->rows.standing = NULL;
    w->rows.careful = 0;
    w->rows.around = outer;
    w->rows.mask = NULL;
    w->rows.chosen = NULL;
    w->others = w->rows.spare + SPARE;
    w->aside = w->others + b->state * PG_LANES;
    w->crossing = (uint8_t *)(void *)(w->aside + (b->state + 1) * PG_LANES);
    w->tiles = w->aside + (b->state + 1) * PG_LANES + pg_whole(b->state / sizeof(double) + 1);
    w->tile = SIZE_MAX;
    w->rows.frame = w->tiles + b->scan.given * PG_TILE * PG_LANES;
    w->unread = 0;
    for (size_t k = 0; k < pg_first_made(b); k++)
        w->crossing[k] = (uint8_t)(b->turned == NULL && is_crossing(w, k));
    for (size_t k = 0; k < b->state; k++)
        w->unread = w->unread || p->input_slots[k] == PG_NO_SLOT;
    w->uniforms = uniforms;
    w->outer = outer;
    w->first = b->scan.given;
    w->given = w->arrived = NULL;
    w->made = NULL;
    *at += pg_body_wide(b);
    pg_place_constants(p, uniforms);
    if (b->scan.known != 0) /* there are none before a trip has items */
        return 1;
    if (pg_run_uniform(p, uniforms, &guard, &met, outer->work) != 1)
        return 0;
    pg_spread(p, uniforms, lanes, outer->width);
    return 1;
}

static void take_results(const wide *w, double *results)
{
    for (size_t k = 0; k < w->body->state; k++)
        pg_lane_turn()->copy(results + k * PG_LANES, state_of(w, k), w->rows.width);
}

/* How many lanes both directions of a way have at most, where they stand in its history: they end together, so that what
 * is noted is there already. 0 where they do not. */
static size_t lanes_in_place(const pg_loop *back)
{
    if (!pg_is_way(back->body) || back->noted == 0 || pg_count_kept(back->ahead, back->behind, 1) != 0)
        return 0;
    const size_t ahead = back->ahead->wide->lanes, behind = back->behind->wide->lanes;
    return ahead > behind ? ahead : behind;
}

/* For the states of a loop before each trip, and what is noted of it. Where lanes stand in it, *end is where they end. False
 * if it was stopped. */
static int open_history(pg_history *h, const pg_loop *back, double **end)
{
    const size_t in_place = lanes_in_place(back);
    const size_t more = pg_count_kept_for(back->ahead, back->behind, 1, PG_FOR_TRIPS),
                 each = pg_count_kept_for(back->ahead, back->behind, 1, PG_FOR_BACK) + back->noted;
    const size_t width = in_place != 0 ? in_place : each;
    pg_history_open(h, width * PG_LANES, more * PG_LANES, PG_HISTORY);
    *end = NULL;
    if (pg_is_way(back->body))
        h->in_chunk = 0;
    if (in_place == 0)
        return 1;
    if (!pg_history_note(h, end)) {
        pg_history_close(h);
        *h = (pg_history){0};
        return pg_loop_fail(LACKS_MEMORY, SIZE_MAX, 0.0);
    }
    *end += width * PG_LANES;
    return 1;
}

/* Where lanes end that stand in a history, or NULL. */
static double *end_in_place(const pg_history *h, const pg_loop *back)
{
    const size_t in_place = lanes_in_place(back);
    return in_place == 0 ? NULL : (double *)(uintptr_t)pg_history_at(h, 0) + in_place * PG_LANES;
}

/* What is kept of the state for one of them into a history; where what follows goes. */
static double *keep_wide(const wide *w, const pg_body *back, int whom, double *into)
{
    for (size_t k = 0; k < w->body->state; k++)
        if (pg_kept_for(w->body, back, 1, k) == whom) {
            pg_lane_turn()->copy(into, state_of(w, k), w->rows.width);
            into += PG_LANES;
        }
    return into;
}

/* The other way round. */
static const double *take_kept(const wide *w, const pg_body *back, int whom, const double *kept)
{
    for (size_t k = 0; k < w->body->state; k++)
        if (pg_kept_for(w->body, back, 1, k) == whom) {
            pg_lane_turn()->copy(state_of(w, k), kept, w->rows.width);
            kept += PG_LANES;
        }
    return kept;
}

/* Where the body has what is noted, or the way back its inputs: see noted.h. */
static double *noted_of(const wide *w, size_t noted)
{
    return w->rows.lanes + (w->next->lanes - noted) * PG_LANES;
}

static void note_wide(const wide *w, size_t noted, double *into)
{
    const double *from = noted_of(w, noted);
    for (size_t k = 0; k < noted; k++)
        pg_lane_turn()->copy(into + k * PG_LANES, from + k * PG_LANES, w->rows.width);
}

/* From a history to where the way back has its inputs, of which so many were noted. */
static void restore(const wide *back, const pg_body *ahead, size_t noted, const double *kept)
{
    for (size_t k = 0; k < ahead->state; k++)
        if (pg_kept_for(ahead, back->body, 1, k) == PG_FOR_BACK) {
            pg_lane_turn()->copy(input_of(back, back->body->state + k), kept, back->rows.width);
            kept += PG_LANES;
        }
    double *into = noted_of(back, noted);
    for (size_t k = 0; k < noted; k++)
        pg_lane_turn()->copy(into + k * PG_LANES, kept + k * PG_LANES, back->rows.width);
}

/* Results into the state, of rows whose mask is set: either what the next trip reads, or the rest. */
static void pass_on(const wide *w, const int64_t *mask, int all, int read)
{
    const pg_turn *turn = pg_lane_turn();
    for (size_t k = 0; k < w->body->state; k++) {
        const double *given = result_of(w, k);
        double *into = state_of(w, k);
        if ((w->next->input_slots[k] != PG_NO_SLOT) != read)
            continue;
        if (all)
            turn->copy(into, given, w->rows.width);
        else
            turn->blend(into, given, into, mask, w->rows.width);
    }
}

/* The same where results become the state as they are: of the other rows they are what the state was. */
static void stay(wide *w, const int64_t *mask, int all)
{
    double *lanes = w->rows.lanes;
    const pg_program *p = w->last;
    for (size_t k = 0; !all && k < w->body->state; k++)
        if (p->input_slots[k] != PG_NO_SLOT && p->input_slots[k] != p->result_slots[k]) {
            double *given = LANE(p->result_slots[k]);
            pg_lane_turn()->blend(given, given, LANE(p->input_slots[k]), mask, w->rows.width);
        }
    w->next = p == w->body->wide ? w->body->turned : w->body->wide;
}

/* A number that is known, for all rows. */
static void put_known(wide *w, size_t input, double number)
{
    const pg_slot slot = w->next->input_slots[input];
    double *lanes = w->rows.lanes;
    if (slot == PG_NO_SLOT)
        return;
    if (!(slot & PG_ROW)) {
        w->uniforms[slot] = number;
        return;
    }
    for (size_t l = 0; l < w->rows.width; l++)
        LANE(slot)[l] = number;
}

/* Another tile of a column that stands, and the one behind it in the same direction, if there is one, fetched. */
static void read_tile(const wide *w, size_t k, size_t input, size_t tile, size_t before)
{
    const size_t length = w->body->scan.length, at = tile * PG_TILE, left = length - at;
    const int goes_on = before != SIZE_MAX && 2 * tile - before < length / PG_TILE;
    const ptrdiff_t next = goes_on ? (ptrdiff_t)(tile - before) * PG_TILE : 0;
    pg_read_tile(w->outer, input, at, left < PG_TILE ? left : PG_TILE, next, w->tiles + k * PG_TILE * PG_LANES);
}

/* The items of trip i that are given. */
static void put_given(wide *w, size_t i)
{
    const pg_scan *s = &w->body->scan;
    const size_t first = w->body->state + w->body->captured, at = pg_item_at(s, i), before = w->tile;
    w->tile = at / PG_TILE;
    for (size_t k = 0; k < s->given; k++) {
        const pg_term *from = k < w->first ? w->given + k * s->length : w->arrived + (k - w->first) * s->length;
        const uint32_t input = k < w->first ? pg_input_standing(w->outer, from[0].a) : 0;
        double *into = input_of(w, first + k);
        if (input == 0) {
            pg_put_operand(w->outer, from[at].a, into);
            continue;
        }
        if (w->tile != before)
            read_tile(w, k, input - 1, w->tile, before);
        if (into != NULL)
            pg_lane_turn()->copy(into, w->tiles + (k * PG_TILE + at % PG_TILE) * PG_LANES, w->rows.width);
    }
}

/* The items of trip i; false if it was stopped. */
static int put_items(wide *w, size_t i)
{
    const pg_scan *s = &w->body->scan;
    const size_t input = w->body->state + w->body->captured, at = pg_item_at(s, i);
    put_given(w, i);
    if (s->known == 0)
        return 1;
    for (size_t k = 0; k < s->known; k++)
        put_known(w, input + s->given + k, s->numbers->at[k * s->length + at]);
    uint32_t guard;
    int met = 0;
    if (pg_run_uniform(w->next, w->uniforms, &guard, &met, w->rows.work) != 1)
        return 0;
    pg_spread(w->next, w->uniforms, w->rows.lanes, w->rows.width);
    return 1;
}

/* What trip i has made, of rows whose mask is set. */
static void take_made(const wide *w, size_t i, const int64_t *mask, int all)
{
    const pg_scan *s = &w->body->scan;
    const double *lanes = w->rows.lanes;
    for (size_t k = 0; w->made != NULL && k < s->made; k++) {
        const double *given = LANE(w->last->result_slots[pg_first_made(w->body) + k]);
        double *into = w->made + (k * s->length + pg_item_at(s, i)) * PG_LANES;
        if (all) {
            pg_lane_turn()->copy(into, given, w->rows.width);
        } else {
            memset(into, 0, w->rows.width * sizeof *into);
            pg_lane_turn()->blend(into, given, into, mask, w->rows.width);
        }
    }
}

/* What trips from this one on would have made. */
static void clear_made(const wide *w, size_t from)
{
    const pg_scan *s = &w->body->scan;
    for (size_t k = 0; w->made != NULL && k < s->made; k++)
        for (size_t i = from; i < s->length; i++)
            memset(w->made + (k * s->length + pg_item_at(s, i)) * PG_LANES, 0, w->rows.width * sizeof *w->made);
}

/* Trip i of the rows whose mask is set, but for what is not read; false if it was stopped. */
static int trip_wide(wide *w, size_t i, const int64_t *mask, int all)
{
    const pg_program *p = w->next;
    const double *lanes = w->rows.lanes;
    if (!put_items(w, i))
        return 0;
    w->rows.mask = all ? NULL : mask;
    pg_run_block(p, &w->rows);
    if (w->rows.failed)
        return 0;
    w->last = p;
    take_made(w, i, mask, all);
    if (w->body->turned != NULL) {
        stay(w, mask, all);
    } else {
        for (size_t k = 0; k < pg_first_made(w->body); k++)
            if (w->crossing[k])
                pg_lane_turn()->copy(w->aside + k * PG_LANES, LANE(p->result_slots[k]), w->rows.width);
        pass_on(w, mask, all, 1);
    }
    const pg_batch *batch = w->rows.batch;
    return pg_goes_on(w->rows.work, (p->length + 4) * (w->rows.width / 8)) && !pg_is_stopped(batch->stop);
}

/* The least of a block's numbers; nan counts as 0. */
static double least_of(const double *control, size_t width)
{
    double least = INFINITY;
    for (size_t l = 0; l < width; l++)
        least = control[l] >= least ? least : control[l] > 0.0 ? control[l] : 0.0;
    return least;
}

static int too_long(const wide *w, const int64_t *mask, double trips)
{
    size_t l = 0;
    while (mask[l] == 0)
        l++;
    const size_t lane = w->outer->chosen != NULL ? w->outer->chosen->lanes[l] : l;
    return pg_loop_fail(TOO_LONG, row_of(w->rows.batch, w->rows.first + lane), trips);
}

/* What nobody reads, of the rows that did the last of the trips. */
static void pass_on_unread(const wide *w, const double *trips, double done)
{
    _Alignas(64) int64_t mask[PG_LANES];
    pg_lane_turn()->begin(mask, trips, 1, done - 1.0, w->rows.width);
    pass_on(w, mask, 0, 0);
}

/* The trips of all rows, how many each has done in trips; noted if there is a way back. False if it was stopped. As long
 * as all lanes go on together nothing is counted for each. */
static int run_wide(wide *w, const double *control, double *trips, const pg_loop *back, pg_history *h)
{
    _Alignas(64) int64_t mask[PG_LANES];
    const pg_turn *turn = pg_lane_turn();
    const int counts = w->body->counts;
    const size_t width = w->rows.width;
    const double least = counts && !pg_is_way(w->body) ? least_of(control, width) : 0.0;
    double done = 0.0, *into = NULL;
    int running = pg_mask_begin(w->body, &w->rows, control, mask), together = running == (int)width;
    for (size_t l = 0; l < width; l++)
        trips[l] = 0.0;
    while (running != 0) {
        if (done >= w->body->most)
            return too_long(w, mask, done);
        if (back != NULL) {
            if (!pg_history_note(h, &into))
                return pg_loop_fail(LACKS_MEMORY, SIZE_MAX, 0.0);
            into = into == NULL ? NULL : keep_wide(w, back->behind, PG_FOR_BACK, into);
            if (into != NULL && pg_history_begins(h))
                keep_wide(w, back->behind, PG_FOR_TRIPS, into + back->noted * PG_LANES);
        }
        if (!trip_wide(w, (size_t)done, mask, running == (int)width))
            return 0;
        if (into != NULL)
            note_wide(w, back->noted, into);
        const int is_over = pg_is_over(&w->body->scan, done + 1.0);
        const double *says = counts ? control : result_of(w, w->body->state);
        done += 1.0;
        if (together && !is_over && (counts ? done < least : turn->is_all(says, width)))
            continue;
        for (size_t l = 0; together && l < width; l++)
            trips[l] = done - 1.0;
        together = 0;
        const int before = running;
        running = turn->go_on(mask, trips, says, counts, done, width);
        if (is_over)
            running = 0;
        if (w->unread && running != before)
            pass_on_unread(w, trips, done);
    }
    clear_made(w, (size_t)done);
    return 1;
}

/* The state before trip i, and what is noted of it; NULL if it was stopped. */
static const double *state_before(wide *w, const pg_loop *back, pg_history *h, const double *trips, size_t i)
{
    _Alignas(64) int64_t mask[PG_LANES];
    const double *s = pg_history_at(h, i);
    size_t next;
    if (s != NULL)
        return s;
    s = pg_history_begin(h, i, &next);
    if (s == NULL) {
        pg_loop_fail(LACKS_MEMORY, SIZE_MAX, 0.0);
        return NULL;
    }
    s = take_kept(w, back->behind, PG_FOR_BACK, s);
    take_kept(w, back->behind, PG_FOR_TRIPS, s + back->noted * PG_LANES);
    double *into = NULL; /* it was noted of the first one when it was kept */
    for (; next <= i + (back->noted != 0); next++) {
        const int running = pg_lane_turn()->begin(mask, trips, 1, (double)(next - 1), w->rows.width);
        if (!trip_wide(w, next - 1, mask, running == (int)w->rows.width))
            return NULL;
        if (into != NULL)
            note_wide(w, back->noted, into);
        if (next <= i)
            into = keep_wide(w, back->behind, PG_FOR_BACK, pg_history_fill(h));
    }
    return pg_history_at(h, i);
}

static int go_back_wide(const pg_loop *loop, wide *w, wide *back, pg_history *h, const double *trips)
{
    _Alignas(64) int64_t mask[PG_LANES];
    const size_t width = w->rows.width;
    const int in_place = lanes_in_place(loop) != 0;
    double most = 0.0;
    for (size_t l = 0; l < width; l++)
        most = trips[l] > most ? trips[l] : most;
    const int all = pg_lane_turn()->begin(mask, trips, 1, 0.0, width);
    int running = 0;
    for (size_t i = (size_t)most; i-- != 0;) {
        const double *s = state_before(w, loop, h, trips, i);
        if (s == NULL)
            return 0;
        if (!in_place)
            restore(back, w->body, loop->noted, s);
        if (running != all)
            running = pg_lane_turn()->begin(mask, trips, 1, (double)i, width);
        if (!trip_wide(back, i, mask, running == (int)width))
            return 0;
    }
    clear_made(back, (size_t)most);
    if (most > 0.0)
        pass_on(back, mask, running == (int)width, 0);
    return 1;
}

/* h: handed, or open. */
static int run_back_wide(const pg_loop *loop, wide *w, const pg_term *operands, const block *rows, pg_handed *handed,
                         pg_history *h, const double *control, double *results, double *at)
{
    const size_t n = w->body->state, m = w->body->captured;
    const pg_term *seeds = operands + n + 1 + m + w->first * w->body->scan.length;
    _Alignas(64) double own_trips[PG_LANES];
    double *trips = handed != NULL ? handed->trips : own_trips, *const end = end_in_place(h, loop);
    wide back;
    if (handed == NULL && !run_wide(w, control, trips, end == NULL ? loop : NULL, h))
        return 0;
    if (!open_wide(&back, loop->behind, &at, rows, end))
        return 0;
    back.first = w->first;
    back.given = w->given;
    back.arrived = seeds + loop->back_state;
    back.made = results + back.body->state * PG_LANES;
    for (size_t k = 0; k < m; k++)
        pg_put_operand(rows, operands[n + 1 + k].a, input_of(&back, back.body->state + n + k));
    for (size_t k = 0; k < back.body->state; k++) {
        double *into = state_of(&back, k);
        if (k < loop->back_state)
            pg_put_operand(rows, seeds[k].a, into);
        else
            memset(into, 0, rows->width * sizeof *into);
    }
    back.rows.singular = w->rows.singular;
    const int done = go_back_wide(loop, w, &back, h, trips);
    w->rows.singular = back.rows.singular;
    if (done)
        take_results(&back, results);
    return done;
}

/* -- one for both ways -------------------------------------------------------------------------- */

static int run_rows(const pg_loop *loop, const pg_loop *later, pg_handed *handed, const pg_term *operands, block *rows,
                    double *results)
{
    const size_t n = loop->body->state;
    _Alignas(64) double control[PG_LANES];
    _Alignas(64) double own_trips[PG_LANES];
    double *at = rows->frame, *end = NULL;
    pg_history own, *h = handed != NULL ? &handed->history : &own;
    const pg_loop *back = loop->back != NULL ? loop : later;
    const int opens = back != NULL && (loop->back == NULL || handed == NULL);
    wide w;
    const pg_body *body = back != NULL ? back->ahead : loop->body;
    if (opens && !open_history(h, back, &end))
        return 0;
    int done = open_wide(&w, body, &at, rows, end);
    for (size_t k = 0; done && k < n; k++)
        pg_put_operand(rows, operands[k].a, state_of(&w, k));
    pg_put_operand(rows, operands[n].a, control);
    for (size_t k = 0; done && k < loop->body->captured; k++)
        pg_put_operand(rows, operands[n + 1 + k].a, input_of(&w, n + k));
    w.given = operands + n + 1 + loop->body->captured;
    if (done && loop->back != NULL) {
        done = run_back_wide(loop, &w, operands, rows, handed, h, control, results, at);
    } else if (done) {
        double *trips = later != NULL ? handed->trips : own_trips;
        w.made = results + (n + 1) * PG_LANES;
        done = run_wide(&w, control, trips, end == NULL ? later : NULL, h);
        take_results(&w, results);
        pg_lane_turn()->copy(results + n * PG_LANES, trips, rows->width);
    }
    if (opens && loop->back != NULL)
        pg_history_close(h);
    rows->singular = w.rows.singular;
    return done;
}

/* The same on the rows that take a way alone. */
static int run_gathered(const pg_loop *loop, const pg_loop *later, pg_handed *handed, const pg_term *operands,
                        block *rows, const pg_chosen *chosen, double *results)
{
    block some = pg_gathered(loop, rows, chosen);
    if (!run_rows(loop, later, handed, operands, &some, rows->frame))
        return 0;
    pg_scatter(loop, operands, rows, &some, results);
    return 1;
}

/* A way that no row takes, or few, on the numbers of these. Nothing is handed. */
static int run_few(const pg_loop *loop, const pg_instruction *in, const pg_term *operands, block *rows,
                   const int64_t *mask, double *results)
{
    pg_handed *handed = rows->handed == NULL || loop->back == NULL ? NULL : pg_handed_to(rows->handed, in);
    const int done = pg_loop_few(loop, operands, rows, mask, results);
    if (handed != NULL)
        pg_handed_close(handed);
    return done;
}

int pg_loop_lanes(const pg_program *p, const pg_instruction *in, block *rows)
{
    const pg_loop *loop = p->loops[in->a], *later = NULL;
    const pg_term *operands = p->terms + in->first;
    pg_handed *handed = rows->handed;
    double *lanes = rows->lanes;
    pg_chosen chosen = {0};
    _Alignas(64) int64_t mask[PG_LANES];
    const size_t taking = rows->count == 1 ? SIZE_MAX : pg_count_taking(loop, operands, rows, mask);
    if (taking <= (pg_can_gather(loop) ? PG_ALONE : PG_FEW)) {
        rows->failed = !run_few(loop, in, operands, rows, mask, LANE(in->out));
        return !rows->failed;
    }
    if (handed != NULL)
        handed = loop->back == NULL ? pg_handed_from(handed, p, in) : pg_handed_to(handed, in);
    if (handed != NULL && loop->back == NULL && handed->to != NULL)
        later = p->loops[handed->to->a];
    if (taking != SIZE_MAX)
        pg_gather_lanes(loop, later, rows, mask, taking, &chosen);
    if (handed != NULL && loop->back == NULL)
        handed->chosen = chosen;
    else if (handed != NULL)
        chosen = handed->chosen;
    if (rows->count == 1)
        rows->failed = !pg_loop_single(loop, later, handed, operands, rows, LANE(in->out));
    else if (chosen.count != 0)
        rows->failed = !run_gathered(loop, later, handed, operands, rows, &chosen, LANE(in->out));
    else
        rows->failed = !run_rows(loop, later, handed, operands, rows, LANE(in->out));
    if (handed != NULL && loop->back != NULL)
        pg_handed_close(handed);
    return !rows->failed;
}
