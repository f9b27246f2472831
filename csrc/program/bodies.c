/* bodies.c: the bodies of a file put together and read. */
#include "program/bodies.h"

#include "program/flatten.h"
#include "program/growth.h"
#include "program/made.h"

enum { HEAD = 12 }; /* bytes before a body's program: how many numbers its state has, and how many trips there may be */

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
    return (pg_extent){bytes, PG_MOST_WRITTEN_OUT * (bytes + (bodies == NULL ? 0 : bodies->bytes)), 0};
}

static int extend(pg_extent *e, const pg_shelved *body)
{
    e->bytes += body->bytes;
    e->depth = body->depth > e->depth ? body->depth : e->depth;
    return e->bytes <= e->most && e->depth <= PG_DEEPEST_LOOP;
}

int pg_extend(pg_extent *e, const pg_bodies *bodies, size_t body, size_t back)
{
    return extend(e, &bodies->all[body]) && (back == PG_NO_BODY || extend(e, &bodies->all[back]));
}

/* One more, of a program that comes to that; takes the body over, also if it fails: false for want of memory. */
static int put(pg_bodies *bodies, pg_body *body, const pg_extent *e)
{
    if (body == NULL || !pg_room((void **)&bodies->all, bodies->count, &bodies->capacity, sizeof *bodies->all)) {
        pg_body_release(body);
        return 0;
    }
    bodies->all[bodies->count] = (pg_shelved){body, e->bytes, e->depth + 1};
    bodies->bytes += pg_program_size(body->wide, body->wide->inputs);
    bodies->count++;
    return 1;
}

/* -- from programs ------------------------------------------------------------------------------- */

static int has_shape(const pg_body *b)
{
    return b->wide->inputs == b->state + b->captured && b->wide->outputs == b->state + !b->counts;
}

/* Whether it is one of loop.h, with nothing that files have no room for. */
static int is_plain(const pg_loop *loop)
{
    const pg_body *body = loop->body, *back = loop->back;
    const size_t plain = body->state + 1 + body->captured;
    if (loop->base.kind != &pg_loop_kind || !has_shape(body))
        return 0;
    if (back == NULL)
        return loop->base.operands == plain && loop->base.results == body->state + 1;
    return has_shape(back) && back->counts && loop->base.operands == plain + loop->back_state &&
           loop->base.results == back->state && back->captured == body->state + body->captured;
}

static int add_loops(pg_bodies *bodies, const pg_program *p, uint64_t bytes, unsigned level, pg_extent *e);

static int add_body(pg_bodies *bodies, pg_body *body, unsigned level)
{
    pg_extent e;
    if (body == NULL || pg_body_number(bodies, body) != PG_NO_BODY)
        return 1;
    if (level > PG_DEEPEST_LOOP)
        return 0;
    int known = pg_body_verify(body->wide);
    if (known == 1)
        known = add_loops(bodies, body->wide, pg_program_size(body->wide, body->wide->inputs), level, &e);
    if (known == 1)
        known = put(bodies, pg_body_retain(body), &e) ? 1 : -1;
    return known;
}

static int add_loops(pg_bodies *bodies, const pg_program *p, uint64_t bytes, unsigned level, pg_extent *e)
{
    for (size_t i = 0; i < p->loop_count; i++) {
        const pg_loop *loop = p->loops[i];
        int known = is_plain(loop);
        if (known == 1)
            known = add_body(bodies, loop->body, level + 1);
        if (known == 1)
            known = add_body(bodies, loop->back, level + 1);
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
    return add_loops(bodies, p, pg_program_size(p, inputs), 0, &e);
}

/* -- as bytes ------------------------------------------------------------------------------------ */

size_t pg_body_size(const pg_bodies *bodies, size_t i)
{
    const pg_program *p = pg_body_program(bodies, i);
    return HEAD + pg_program_size(p, p->inputs);
}

void pg_body_write(const pg_bodies *bodies, size_t i, const uint16_t *codes, unsigned char *out)
{
    const pg_body *body = bodies->all[i].body;
    const double most = body->most < MOST_TRIPS ? body->most : MOST_TRIPS;
    uint64_t bits;
    memcpy(&bits, &most, sizeof bits);
    out = pg_put(pg_put(out, body->state, 4), bits, 8);
    pg_program_write(body->wide, body->wide->inputs, codes, bodies, out);
}

/* Whether a program is that of a body with such a state, and at most so many trips: 1, 0, or -1 for want of memory. */
static int is_body(const pg_program *wide, size_t state, double most)
{
    if (state > wide->inputs || (wide->outputs != state && wide->outputs != state + 1) ||
        !(most >= 0.0 && most <= MOST_TRIPS) || most != (double)(uint64_t)most ||
        wide->uniforms + wide->inputs + wide->length + wide->term_count >= PG_NO_SLOT) /* as slots of the flat one */
        return 0;
    return pg_body_verify(wide);
}

int pg_body_read(pg_bodies *bodies, const unsigned char *bytes, size_t size, const uint16_t *codes, size_t count)
{
    if (size < HEAD)
        return 0;
    pg_extent e;
    pg_program *wide;
    const size_t state = (size_t)pg_take(&bytes, 4);
    const uint64_t bits = pg_take(&bytes, 8);
    double most;
    memcpy(&most, &bits, sizeof most);
    int sound = pg_program_parse(bytes, size - HEAD, codes, count, bodies, &e, &wide);
    if (sound != 1)
        return sound;
    sound = is_body(wide, state, most);
    pg_program *flat = sound == 1 ? pg_flattened(wide) : NULL;
    if (flat == NULL) {
        pg_program_free(wide);
        return sound == 1 ? -1 : sound;
    }
    pg_body *body = pg_body_make(flat, wide, state, wide->inputs - state, wide->outputs == state, most);
    return put(bodies, body, &e) ? 1 : -1;
}
