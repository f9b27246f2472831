/* loop.c: loops at work on numbers, one trip after the other; and the memory that loops need. */
#include "program/loop.h"

#include "program/call.h"
#include "program/history.h"

#include <string.h>

/* -- memory ------------------------------------------------------------------------------------- */

/* Uniforms, which begin at a whole register; the state twice. */
static size_t flat_of(const pg_body *b)
{
    return 7 + b->numbers->uniforms + 1 + 2 * b->state + pg_loops_flat(b->flat);
}

/* Uniforms; lanes and spare ones; the state twice, and whether it goes on; a flag for each of them; tiles of columns. */
size_t pg_body_wide(const pg_body *b)
{
    return pg_whole(b->wide->uniforms + 1 + pg_loops_flat(b->wide)) + b->wide->lanes * PG_LANES + SPARE +
           (2 * b->state + 1) * PG_LANES + pg_whole(b->state / sizeof(double) + 1) +
           b->scan.given * PG_TILE * PG_LANES + pg_loops_wide(b->wide);
}

/* Results of a loop, or of the one that goes forward and hands it its states, whichever are more. */
static size_t results_either_way(const pg_loop *loop)
{
    const pg_scan *s = &loop->body->scan;
    const size_t forward = loop->body->state + 1 + s->made * s->length;
    return loop->base.results > forward ? loop->base.results : forward;
}

/* Of a loop that goes back also for the one that hands its states to it. */
size_t pg_loop_flat(const pg_loop *loop)
{
    const size_t bodies = loop->back == NULL ? flat_of(loop->body)
                                             : flat_of(loop->flat_ahead) + flat_of(loop->flat_behind);
    return bodies + loop->base.operands + results_either_way(loop);
}

/* On a single row it runs on numbers; the results of a way may wait for their place: see gathered.h. */
static size_t loop_wide(const pg_loop *loop)
{
    const size_t wide = loop->back == NULL ? pg_body_wide(loop->body)
                                           : pg_body_wide(loop->ahead) + pg_body_wide(loop->behind);
    const size_t single = pg_whole(pg_loop_flat(loop)),
                 apart = pg_is_way(loop->body) ? results_either_way(loop) * PG_LANES : 0;
    return wide + apart > single ? wide + apart : single;
}

size_t pg_loops_flat(const pg_program *p)
{
    size_t most = 0;
    for (size_t i = 0; i < p->loop_count; i++) {
        const size_t one = pg_is_call(p->loops[i])
                               ? 0
                               : pg_loop_flat(p->loops[i]); /* once: the loops in it are asked, too */
        most = one > most ? one : most;
    }
    return most;
}

size_t pg_loops_wide(const pg_program *p)
{
    size_t most = 0;
    for (size_t i = 0; i < p->loop_count; i++) {
        const size_t one = pg_is_call(p->loops[i]) ? 0
                                                   : loop_wide(p->loops[i]); /* once: the loops in it are asked, too */
        most = one > most ? one : most;
    }
    return most;
}

/* -- on numbers --------------------------------------------------------------------------------- */

/* A body that runs on numbers. */
typedef struct {
    const pg_body *body;
    double *uniforms, *state;
    pg_work *work;
    int *met;
    size_t first; /* so many columns are in given, others in arrived */
    const double *given, *arrived;
    double *made; /* NULL if nobody asks */
} flat;

/* In the memory from *at on, of which it takes its part. */
static flat open_flat(const pg_body *b, double **at, pg_work *work, int *met)
{
    const size_t uniforms = b->numbers->uniforms + 1 + pg_loops_flat(b->flat);
    const size_t begin = (uintptr_t)*at / sizeof **at;
    flat f = {.body = b, .uniforms = *at + (pg_whole(begin) - begin)};
    f.state = f.uniforms + uniforms;
    if (b->pack != NULL)
        memset(f.uniforms, 0, uniforms * sizeof *f.uniforms);
    f.work = work;
    f.met = met;
    f.first = b->scan.given;
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

/* The items of trip i. */
static void put_items(flat *f, size_t i)
{
    const pg_scan *s = &f->body->scan;
    const size_t input = f->body->state + f->body->captured, at = pg_item_at(s, i);
    for (size_t k = 0; k < s->given; k++)
        put_flat(f, input + k,
                 k < f->first ? f->given[k * s->length + at] : f->arrived[(k - f->first) * s->length + at]);
    for (size_t k = 0; k < s->known; k++)
        put_flat(f, input + s->given + k, s->numbers->at[k * s->length + at]);
}

static void scatter(const pg_stretches *s, const double *from, double *uniforms)
{
    const pg_stretch *at = s->all, *end = at + s->count;
    for (const pg_stretch *longer = at + s->longer; at != longer; at++)
        memcpy(uniforms + at->slot, from + at->place, at->count * sizeof *uniforms);
    for (; at != end; at++)
        uniforms[at->slot] = from[at->place];
}

static void gather(const pg_stretches *s, const double *uniforms, double *into)
{
    const pg_stretch *at = s->all, *end = at + s->count;
    for (const pg_stretch *longer = at + s->longer; at != longer; at++)
        memcpy(into + at->place, uniforms + at->slot, at->count * sizeof *into);
    for (; at != end; at++)
        into[at->place] = uniforms[at->slot];
}

/* Trip i; whether it goes on is in *goes_on. False if it was stopped. */
static int trip_flat(flat *f, size_t i, int *goes_on)
{
    const pg_program *p = f->body->numbers;
    const pg_pack *pack = f->body->pack;
    const pg_scan *s = &f->body->scan;
    const size_t n = f->body->state;
    uint32_t guard;
    scatter(&f->body->begin, f->state, f->uniforms);
    put_items(f, i);
    if ((pack == NULL ? pg_run_uniform(p, f->uniforms, &guard, f->met, f->work)
                      : pg_pack_run_within(pack, f->uniforms, &guard, f->met, f->work)) != 1)
        return 0;
    gather(&f->body->end, f->uniforms, f->state);
    for (size_t k = 0; f->made != NULL && k < s->made; k++)
        f->made[k * s->length + pg_item_at(s, i)] = f->uniforms[p->result_slots[pg_first_made(f->body) + k]];
    if (!f->body->counts)
        *goes_on = f->uniforms[p->result_slots[n]] != 0.0;
    return pg_goes_on(f->work, f->body->flat->length + 4);
}

/* The trips that a count asks for: those of `while trips < count`. */
static double trips_of(double count)
{
    return count > 0.0 ? count : 0.0;
}

/* What trips from this one on would have made. */
static void clear_made(const flat *f, size_t from)
{
    const pg_scan *s = &f->body->scan;
    for (size_t k = 0; f->made != NULL && k < s->made; k++)
        for (size_t i = from; i < s->length; i++)
            f->made[k * s->length + pg_item_at(s, i)] = 0.0;
}

/* What is kept of the state into a history; where what is noted follows, or NULL as it was. */
static double *keep_flat(const flat *f, const pg_loop *back, double *into)
{
    if (into == NULL)
        return NULL;
    gather(&back->kept, f->state, into);
    return into + back->flat_kept;
}

static void open_history(pg_history *h, const pg_loop *back)
{
    pg_history_open(h, back->flat_kept + back->flat_noted, 0, PG_HISTORY_OF_NUMBERS);
}

/* Has the processor fetch numbers that will be read in a while, against the direction in which it expects that, or written. */
static void fetch(const double *numbers, size_t count)
{
    for (size_t i = 0; numbers != NULL && i < count; i += 8)
        PG_PREFETCH(numbers + i);
}

/* The trips from the present state on, which are noted if there is a way back; -1.0 if it was stopped. */
static double run_flat(flat *f, double control, const pg_loop *back, pg_history *h)
{
    double trips = 0.0, *into = NULL;
    int on = control != 0.0;
    while ((f->body->counts ? trips < trips_of(control) : on) && !pg_is_over(&f->body->scan, trips)) {
        if (trips >= f->body->most)
            return pg_loop_fail(TOO_LONG, SIZE_MAX, trips) - 1.0;
        if (back != NULL) {
            if (!pg_history_note(h, &into))
                return pg_loop_fail(LACKS_MEMORY, SIZE_MAX, 0.0) - 1.0;
            into = keep_flat(f, back, into);
            fetch(pg_history_next(h), h->width);
        }
        if (!trip_flat(f, (size_t)trips, &on))
            return -1.0;
        if (into != NULL)
            gather(&f->body->noted, f->uniforms, into);
        trips += 1.0;
    }
    clear_made(f, (size_t)trips);
    return trips;
}

/* The state before trip i, and what is noted of it; NULL if it was stopped. */
static const double *state_before_flat(flat *f, const pg_loop *back, pg_history *h, size_t i)
{
    const double *s = pg_history_at(h, i);
    size_t next;
    int ignored;
    if (s != NULL)
        return s;
    s = pg_history_begin(h, i, &next);
    if (s == NULL) {
        pg_loop_fail(LACKS_MEMORY, SIZE_MAX, 0.0);
        return NULL;
    }
    scatter(&back->kept, s, f->state);
    double *into = NULL; /* it was noted of the first one when it was kept */
    for (; next <= i + (back->flat_noted != 0); next++) {
        if (!trip_flat(f, next - 1, &ignored))
            return NULL;
        if (into != NULL)
            gather(&f->body->noted, f->uniforms, into);
        if (next <= i)
            into = keep_flat(f, back, pg_history_fill(h));
    }
    return pg_history_at(h, i);
}

/* Whether the way back through a way needs nothing but what is captured. */
static int needs_no_state(const pg_body *body, const pg_body *back)
{
    return pg_is_way(body) && body->counts && pg_count_kept(body, back, 0) == 0;
}

/* The trips of one that is not run for that. */
static double count_trips(double control, pg_history *h)
{
    double *into;
    if (control > 0.0 && !pg_history_note(h, &into))
        return pg_loop_fail(LACKS_MEMORY, SIZE_MAX, 0.0) - 1.0;
    return control > 0.0 ? 1.0 : 0.0;
}

/* Back from the last trip to the first. */
static int go_back_flat(const pg_loop *loop, flat *f, flat *back, pg_history *h, size_t trips)
{
    const size_t noted = loop->flat_noted;
    int ignored;
    for (size_t i = trips; i-- != 0;) {
        const double *s = state_before_flat(f, loop, h, i);
        if (s == NULL)
            return 0;
        scatter(&loop->restored, s, back->uniforms);
        if (noted != 0)
            memcpy(back->uniforms + back->body->flat->uniforms - noted, s + loop->flat_kept, noted * sizeof *s);
        if (i != 0)
            fetch(pg_history_at(h, i - 1), loop->flat_kept + noted);
        if (!trip_flat(back, i, &ignored))
            return 0;
    }
    clear_made(back, trips);
    return 1;
}

static int run_back_flat(const pg_loop *loop, flat *f, pg_handed *handed, const double *operands, double *results,
                         double *at)
{
    const size_t n = f->body->state, m = f->body->captured;
    const double *seeds = operands + n + 1 + m + f->first * f->body->scan.length;
    flat back = open_flat(loop->flat_behind, &at, f->work, f->met);
    back.first = f->first;
    back.given = f->given;
    back.arrived = seeds + loop->back_state;
    back.made = results + back.body->state;
    pg_history own, *h = handed != NULL ? &handed->history : &own;
    double trips;
    if (handed == NULL) {
        open_history(h, loop);
        trips = needs_no_state(f->body, loop->back) ? count_trips(operands[n], h) : run_flat(f, operands[n], loop, h);
    } else {
        trips = handed->trips[0];
    }
    int done = trips >= 0.0;
    for (size_t k = 0; k < back.body->state; k++)
        back.state[k] = k < loop->back_state ? seeds[k] : 0.0;
    for (size_t k = 0; k < m; k++)
        put_flat(&back, back.body->state + n + k, operands[n + 1 + k]);
    done = done && go_back_flat(loop, f, &back, h, (size_t)trips);
    if (handed == NULL)
        pg_history_close(h);
    if (done)
        memcpy(results, back.state, back.body->state * sizeof *results);
    return done;
}

int pg_loop_run_handed(const pg_loop *loop, const pg_loop *later, pg_handed *handed, const double *operands,
                       double *results, double *frame, pg_work *work, int *met)
{
    const size_t n = loop->body->state, m = loop->body->captured;
    double *at = frame;
    const pg_loop *back = loop->back != NULL ? loop : later;
    flat f = open_flat(back != NULL ? back->flat_ahead : loop->body, &at, work, met);
    for (size_t k = 0; k < m; k++)
        put_flat(&f, n + k, operands[n + 1 + k]);
    if (n != 0)
        memcpy(f.state, operands, n * sizeof *operands);
    f.given = operands + n + 1 + m;
    if (loop->back != NULL)
        return run_back_flat(loop, &f, handed, operands, results, at);
    f.made = results + n + 1;
    if (later != NULL)
        open_history(&handed->history, later);
    const double trips = run_flat(&f, operands[n], later, later == NULL ? NULL : &handed->history);
    if (later != NULL)
        handed->trips[0] = trips;
    if (trips < 0.0)
        return 0;
    if (n != 0)
        memcpy(results, f.state, n * sizeof *results);
    results[n] = trips;
    return 1;
}

int pg_loop_run(const pg_loop *loop, const double *operands, double *results, double *frame, pg_work *work, int *met)
{
    return pg_loop_run_handed(loop, NULL, NULL, operands, results, frame, work, met);
}
