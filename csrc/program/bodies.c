/* bodies.c: the bodies of a file put together and read. */
#include "program/bodies.h"

#include "program/flatten.h"
#include "program/growth.h"
#include "program/made.h"

/* Bytes before a body's program: how many numbers its state has, and how many trips there may be; and those of a scan, as
 * that number says by a bit: its counts, whether it is in reverse, and which body has the numbers of its columns first, or
 * PG_NO_BODY if there are none. Of that body they follow. Another bit says whether its sums are contracted. */
enum { HEAD = 12, SCAN = 24 };
static const uint32_t IS_SCAN = 0x80000000u, CONTRACTS = 0x40000000u;

/* More trips are not told apart from one more. */
static const double MOST_TRIPS = 9007199254740992.0;

pg_bodies *pg_bodies_open(void)
{
    pg_bodies *bodies = pg_alloc(1, sizeof *bodies);
    if (bodies != NULL)
        *bodies = (pg_bodies){0};
    return bodies;
}

void pg_bodies_close(pg_bodies *bodies)
{
    if (bodies == NULL)
        return;
    for (size_t i = 0; i < bodies->count; i++)
        pg_body_release(bodies->all[i].body);
    pg_free(bodies->all);
    pg_free(bodies);
}

const pg_program *pg_body_program(const pg_bodies *bodies, size_t i)
{
    return bodies->all[i].body->wide;
}

uint32_t pg_body_number(const pg_bodies *bodies, const pg_body *body)
{
    for (size_t i = bodies->count; body != NULL && i-- != 0;)
        if (bodies->all[i].body == body)
            return (uint32_t)i;
    return PG_NO_BODY;
}

/* -- what a program comes to --------------------------------------------------------------------- */

pg_extent pg_extent_of(const pg_bodies *bodies, uint64_t bytes)
{
    return (pg_extent){bytes, PG_MOST_WRITTEN_OUT * (bytes + (bodies == NULL ? 0 : bodies->bytes))};
}

static int extend(pg_extent *e, const pg_shelved *body)
{
    e->bytes += body->bytes;
    return e->bytes <= e->most && body->body->depth <= PG_DEEPEST_LOOP;
}

int pg_extend(pg_extent *e, const pg_bodies *bodies, size_t body, size_t back)
{
    return extend(e, &bodies->all[body]) && (back == PG_NO_BODY || extend(e, &bodies->all[back]));
}

/* One more, of a program that comes to that; takes the body over, also if it fails: false for want of memory. */
static int put(pg_bodies *bodies, pg_body *body, const pg_extent *e)
{
    if (!pg_room((void **)&bodies->all, bodies->count, &bodies->capacity, sizeof *bodies->all)) {
        pg_body_release(body);
        return 0;
    }
    bodies->all[bodies->count] = (pg_shelved){body, e->bytes};
    bodies->bytes += pg_program_size(body->wide, body->wide->inputs);
    bodies->count++;
    return 1;
}

/* -- from programs ------------------------------------------------------------------------------- */

/* Columns have their numbers in slots. */
static int has_columns(const pg_scan *s)
{
    const size_t most = s->length == 0 ? 0 : (PG_NO_SLOT - 1) / s->length;
    return s->length < PG_NO_SLOT && s->given <= most && s->made <= most && s->known <= most;
}

static int has_shape(const pg_body *b)
{
    const pg_scan *s = &b->scan;
    return has_columns(s) && b->wide->inputs == b->state + b->captured + s->given + s->known &&
           b->wide->outputs == pg_first_made(b) + s->made;
}

int pg_goes_back(const pg_body *back, const pg_body *body, const uint8_t *parts)
{
    const pg_scan *s = &body->scan, *t = &back->scan;
    const size_t count = body->state + body->captured;
    for (size_t k = 0; k < pg_parts_of(body); k++)
        if (parts[k] > 1)
            return 0;
    return back->counts && back->state == pg_count_flags(parts, count) && back->captured == count &&
           t->given == s->given + pg_count_flags(parts + count + s->given, s->made) &&
           t->made == pg_count_flags(parts + count, s->given) && t->known == s->known && t->length == s->length &&
           t->reverse == s->reverse && t->numbers == s->numbers;
}

/* Whether it is one of loop.h, with nothing that files have no room for. */
static int is_plain(const pg_loop *loop)
{
    const pg_body *body = loop->body, *back = loop->back;
    const size_t plain = pg_operands_of(body), made = pg_made_by(body, back);
    if (!has_shape(body))
        return 0;
    if (back == NULL)
        return loop->base.operands == plain && loop->base.results == body->state + 1 + made;
    const size_t arrived = (back->scan.given - body->scan.given) * body->scan.length;
    return has_shape(back) && pg_goes_back(back, body, loop->parts) &&
           loop->base.operands == plain + loop->back_state + arrived && loop->base.results == back->state + made;
}

static int add_loops(pg_bodies *bodies, const pg_program *p, uint64_t bytes, pg_extent *e);

static int add_body(pg_bodies *bodies, pg_body *body)
{
    pg_extent e;
    if (body == NULL || pg_body_number(bodies, body) != PG_NO_BODY)
        return 1;
    int known = pg_body_verify(body->wide, body->scan.known);
    if (known == 1)
        known = add_loops(bodies, body->wide, pg_program_size(body->wide, body->wide->inputs), &e);
    if (known == 1)
        known = put(bodies, pg_body_retain(body), &e) ? 1 : -1;
    return known;
}

static int add_loops(pg_bodies *bodies, const pg_program *p, uint64_t bytes, pg_extent *e)
{
    for (size_t i = 0; i < p->loop_count; i++) {
        const pg_loop *loop = p->loops[i];
        int known = loop->base.kind == &pg_loop_kind && is_plain(loop);
        if (known == 1)
            known = add_body(bodies, loop->body);
        if (known == 1)
            known = add_body(bodies, loop->back);
        if (known != 1)
            return known;
    }
    *e = pg_extent_of(bodies, bytes);
    for (size_t i = 0; i < p->loop_count; i++) {
        const pg_loop *loop = p->loops[i];
        if (!pg_extend(e, bodies, pg_body_number(bodies, loop->body), pg_body_number(bodies, loop->back)))
            return 0;
    }
    return 1;
}

int pg_bodies_add(pg_bodies *bodies, const pg_program *p, size_t inputs)
{
    pg_extent e;
    return add_loops(bodies, p, pg_program_size(p, inputs), &e);
}

/* -- as bytes ------------------------------------------------------------------------------------ */

/* Which body has the numbers of this one's columns first; PG_NO_BODY if there are none. */
static size_t columns_of(const pg_bodies *bodies, size_t i)
{
    const pg_columns *numbers = bodies->all[i].body->scan.numbers;
    size_t first = 0;
    while (bodies->all[first].body->scan.numbers != numbers)
        first++;
    return numbers == NULL ? PG_NO_BODY : first;
}

size_t pg_body_size(const pg_bodies *bodies, size_t i)
{
    const pg_program *p = pg_body_program(bodies, i);
    const pg_scan *s = &bodies->all[i].body->scan;
    const size_t numbers = columns_of(bodies, i) == i ? s->known * s->length : 0;
    const size_t head = s->length == 0 ? HEAD : HEAD + SCAN;
    return head + 8 * numbers + pg_program_size(p, p->inputs);
}

static unsigned char *write_scan(const pg_bodies *bodies, size_t i, unsigned char *out)
{
    const pg_scan *s = &bodies->all[i].body->scan;
    const size_t first = columns_of(bodies, i);
    out = pg_put(pg_put(pg_put(out, s->given, 4), s->made, 4), s->known, 4);
    out = pg_put(pg_put(pg_put(out, s->length, 4), s->reverse != 0, 4), first, 4);
    for (size_t k = 0; first == i && k < s->known * s->length; k++)
        out = pg_put_double(out, s->numbers->at[k]);
    return out;
}

void pg_body_write(const pg_bodies *bodies, size_t i, const uint16_t *codes, unsigned char *out)
{
    const pg_body *body = bodies->all[i].body;
    const int is_scan = body->scan.length != 0;
    out = pg_put(out, body->state | (is_scan ? IS_SCAN : 0) | (body->contracts ? CONTRACTS : 0), 4);
    out = pg_put_double(out, body->most < MOST_TRIPS ? body->most : MOST_TRIPS);
    if (is_scan)
        out = write_scan(bodies, i, out);
    pg_program_write(body->wide, body->wide->inputs, codes, bodies, out);
}

/* The numbers of columns, which the caller owns: 1, 0, or -1 for want of memory. */
static int read_numbers(const pg_bodies *bodies, const unsigned char **at, const unsigned char *end, pg_scan *s)
{
    const size_t first = (size_t)pg_take(at, 4), count = s->known * s->length;
    if (count == 0)
        return first == PG_NO_BODY;
    if (first < bodies->count) {
        const pg_scan *other = &bodies->all[first].body->scan;
        if (other->known != s->known || other->length != s->length)
            return 0;
        s->numbers = pg_columns_retain(other->numbers);
        return 1;
    }
    if (first != bodies->count || count > (size_t)(end - *at) / 8)
        return 0;
    s->numbers = pg_columns_make(count);
    for (size_t k = 0; s->numbers != NULL && k < count; k++)
        s->numbers->at[k] = pg_take_double(at);
    return s->numbers == NULL ? -1 : 1;
}

/* The same of what a scan has besides. */
static int read_scan(const pg_bodies *bodies, const unsigned char **at, const unsigned char *end, pg_scan *s)
{
    if (end - *at < SCAN)
        return 0;
    s->given = (size_t)pg_take(at, 4);
    s->made = (size_t)pg_take(at, 4);
    s->known = (size_t)pg_take(at, 4);
    s->length = (size_t)pg_take(at, 4);
    const uint64_t reverse = pg_take(at, 4);
    s->reverse = (int)(reverse & 1);
    return reverse > 1 || s->length == 0 || !has_columns(s) ? 0 : read_numbers(bodies, at, end, s);
}

/* How many slots the program for numbers has. */
static size_t flat_slots(const pg_program *wide)
{
    size_t slots = wide->uniforms + wide->inputs + wide->length;
    for (size_t i = 0; i < wide->loop_count; i++)
        slots += ((const pg_several *)wide->loops[i])->results;
    return slots;
}

/* Whether a program is that of a body with such a state, at most so many trips, and such columns: 1, 0, or -1 for want of
 * memory. */
static int is_body(const pg_program *wide, size_t state, double most, const pg_scan *s)
{
    if (state + s->given + s->known > wide->inputs ||
        (wide->outputs != state + s->made && wide->outputs != state + 1 + s->made) ||
        !(most >= 0.0 && most <= MOST_TRIPS) || most != (double)(uint64_t)most || flat_slots(wide) >= PG_NO_SLOT)
        return 0;
    return pg_body_verify(wide, s->known);
}

/* Takes the numbers of the scan over, also if it fails. */
static int read_body(pg_bodies *bodies, const unsigned char *bytes, size_t size, const uint16_t *codes, size_t count,
                     size_t state, double most, const pg_scan *s)
{
    pg_extent e;
    pg_program *wide = NULL, *flat = NULL;
    pg_body *body = NULL;
    int sound = pg_program_parse(bytes, size, codes, count, bodies, &e, &wide);
    if (sound == 1)
        sound = is_body(wide, state, most, s);
    if (sound == 1)
        flat = pg_flattened(wide);
    if (flat == NULL) {
        pg_program_free(wide);
        sound = sound == 1 ? -1 : sound;
    } else {
        const size_t captured = wide->inputs - state - s->given - s->known;
        body = pg_body_make(flat, wide, state, captured, wide->outputs == state + s->made, most);
    }
    if (body == NULL) {
        pg_columns_release(s->numbers);
        return sound == 1 ? -1 : sound;
    }
    body->scan = *s;
    return put(bodies, body, &e) ? 1 : -1;
}

int pg_body_read(pg_bodies *bodies, const unsigned char *bytes, size_t size, const uint16_t *codes, size_t count)
{
    const unsigned char *end = bytes + size;
    pg_scan scan = {0};
    if (size < HEAD)
        return 0;
    const uint32_t state = (uint32_t)pg_take(&bytes, 4);
    const double most = pg_take_double(&bytes);
    const int sound = state & IS_SCAN ? read_scan(bodies, &bytes, end, &scan) : 1;
    if (sound != 1)
        return sound;
    const int read = read_body(bodies, bytes, (size_t)(end - bytes), codes, count, state & ~(IS_SCAN | CONTRACTS), most,
                               &scan);
    if (read == 1)
        bodies->all[bodies->count - 1].body->contracts = (state & CONTRACTS) != 0;
    return read;
}
