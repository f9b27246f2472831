/* units.c: see units.h. */
#include "program/units.h"

#include "graph/suppressed.h"
#include "program/loop.h"

typedef struct {
    const pg_program *p;
    pg_unit *units, *spare;
    size_t count;
    uint32_t *levels;      /* of slots: the first level at which they are there */
    uint32_t *shapes;      /* a table by hash of instructions, one for each shape; UINT32_MAX where there is none */
    uint32_t *shape_kinds;
    size_t shape_mask, kinds, most_levels;
} lister;

static void reach(const lister *m, pg_slot slot, uint32_t *level)
{
    if (slot != PG_NO_SLOT && m->levels[slot] > *level)
        *level = m->levels[slot];
}

/* The level of what an instruction reads. */
static uint32_t level_of(const lister *m, const pg_instruction *in)
{
    uint32_t level = 0;
    if (!pg_is_several(in->code))
        reach(m, in->a, &level);
    if (is_of_table(in->code)) {
        for (uint32_t i = 0; i < in->count; i++)
            reach(m, pg_slot_of_item(m->p, in, i), &level);
        return level;
    }
    reach(m, in->b, &level);
    reach(m, in->c, &level);
    for (uint32_t t = 0; t < in->count; t++) {
        reach(m, m->p->terms[in->first + t].a, &level);
        reach(m, m->p->terms[in->first + t].b, &level);
    }
    return level;
}

/* What a term's shape is: whether it is a product, whether an absorbing one, and whether it is subtracted. */
static uint32_t shape_of(const pg_term *t)
{
    return (t->b != PG_NO_SLOT ? 1u : 0u) + (t->absorbing != 0 ? 2u : 0u) + (t->subtracted != 0 ? 4u : 0u);
}

static int is_same_shape(const pg_program *p, const pg_instruction *x, const pg_instruction *y)
{
    if (x->code != y->code || x->count != y->count || x->expected != y->expected)
        return 0;
    for (uint32_t t = 0; t < x->count; t++)
        if (shape_of(&p->terms[x->first + t]) != shape_of(&p->terms[y->first + t]))
            return 0;
    return 1;
}

static uint32_t kind_of_sum(lister *m, uint32_t at)
{
    const pg_instruction *in = &m->p->code[at];
    uint64_t hash = in->count + ((uint64_t)in->code << 32);
    for (uint32_t t = 0; t < in->count; t++)
        hash = (hash ^ shape_of(&m->p->terms[in->first + t])) * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(hash >> 20) & m->shape_mask;
    while (m->shapes[i] != UINT32_MAX && !is_same_shape(m->p, in, &m->p->code[m->shapes[i]]))
        i = (i + 1) & m->shape_mask;
    if (m->shapes[i] == UINT32_MAX) {
        m->shapes[i] = at;
        m->shape_kinds[i] = (uint32_t)m->kinds++;
    }
    return m->shape_kinds[i];
}

static uint32_t kind_of(lister *m, uint32_t at, int is_pair)
{
    const pg_instruction *in = &m->p->code[at];
    if (in->code == PG_CODE_GUARD || pg_is_several(in->code))
        return PG_IN_ORDER;
    if (is_of_table(in->code) || (m->p->tells && pg_is_settled(in->code, 0.0, 0.0)))
        return PG_SINGLE;
    if (pg_is_sum(in->code))
        return kind_of_sum(m, at);
    return is_pair ? PG_PAIRS + in->code : PG_CODES + in->code;
}

/* Units with their levels and kinds. */
static void list_units(lister *m)
{
    const pg_program *p = m->p;
    uint32_t ordered = 0; /* the level of the last guard, loop or call */
    for (uint32_t at = 0; at < p->once;) {
        const pg_instruction *in = &p->code[at];
        const int pair = pg_is_pair(in, p->code + p->once);
        pg_unit u = {at, level_of(m, in), kind_of(m, at, pair)};
        if (u.kind == PG_IN_ORDER)
            u.level = ordered = u.level > ordered ? u.level : ordered;
        m->most_levels = u.level >= m->most_levels ? u.level + 1 : m->most_levels;
        for (int i = 0; i <= pair && in->code != PG_CODE_GUARD; i++)
            for (size_t r = 0; r < pg_results_of(p, in + i); r++)
                m->levels[in[i].out + r] = u.level + 1;
        m->units[m->count++] = u;
        at += 1 + (uint32_t)pair;
    }
}

/* Units by level, those of a level by kind, those of a kind as they were: false for want of memory. */
static int sort_units(lister *m)
{
    const size_t buckets = (m->kinds > m->most_levels ? m->kinds : m->most_levels) + 1;
    uint32_t *starts = pg_alloc(buckets, sizeof *starts);
    if (starts == NULL)
        return 0;
    for (int by_level = 0; by_level < 2; by_level++) {
        memset(starts, 0, buckets * sizeof *starts);
        for (size_t i = 0; i < m->count; i++)
            starts[1 + (by_level ? m->units[i].level : m->units[i].kind)]++;
        for (size_t i = 1; i < buckets; i++)
            starts[i] += starts[i - 1];
        for (size_t i = 0; i < m->count; i++)
            m->spare[starts[by_level ? m->units[i].level : m->units[i].kind]++] = m->units[i];
        pg_unit *sorted = m->spare;
        m->spare = m->units;
        m->units = sorted;
    }
    pg_free(starts);
    return 1;
}

static int open(lister *m, const pg_program *p)
{
    size_t shapes = 16, sums = 0;
    for (size_t i = 0; i < p->once; i++)
        sums += (size_t)pg_is_sum(p->code[i].code);
    while (shapes < 2 * sums)
        shapes *= 2;
    *m = (lister){.p = p, .kinds = PG_SHAPES, .shape_mask = shapes - 1};
    m->units = pg_alloc(p->once + 1, sizeof *m->units);
    m->spare = pg_alloc(p->once + 1, sizeof *m->spare);
    m->levels = pg_alloc(p->uniforms + 1, sizeof *m->levels);
    m->shapes = pg_alloc(shapes, sizeof *m->shapes);
    m->shape_kinds = pg_alloc(shapes, sizeof *m->shape_kinds);
    if (m->units == NULL || m->spare == NULL || m->levels == NULL || m->shapes == NULL || m->shape_kinds == NULL)
        return 0;
    for (size_t i = 0; i < shapes; i++)
        m->shapes[i] = UINT32_MAX;
    memset(m->levels, 0, p->uniforms * sizeof *m->levels);
    return 1;
}

int pg_units_of(const pg_program *p, pg_units *out)
{
    lister m;
    int listed = open(&m, p);
    if (listed) {
        list_units(&m);
        listed = sort_units(&m);
    }
    *out = (pg_units){m.units, m.count};
    pg_free(m.spare);
    pg_free(m.levels);
    pg_free(m.shapes);
    pg_free(m.shape_kinds);
    return listed;
}
