/* pack.c: packs made. What is alike and independent becomes a step, in the order of its operands' slots, so that what
 * stands side by side in one step does so in the next. */
#include "program/pack.h"

#include "program/growth.h"
#include "program/loop.h"
#include "program/units.h"

typedef struct {
    const pg_program *p;
    pg_pack *k;
    pg_units units;
    pg_unit *spare;        /* room for as many */
    uint64_t *keys;        /* of units in a group; room for twice as many */
    pg_slot *where;        /* for each slot of the program that of the pack */
} maker;

/* -- the order within a step --------------------------------------------------------------------- */

static int is_constant(const maker *m, pg_slot slot)
{
    return slot >= m->p->lives && slot < m->p->lives + m->p->constants;
}

/* Squares, and what has one constant operand, stand together; all else by its first operand. */
static uint64_t key_of(const maker *m, const pg_unit *u)
{
    const pg_instruction *in = &m->p->code[u->at];
    pg_slot a = in->a, b = in->b;
    if (pg_is_sum(in->code) && in->count != 0) {
        a = m->p->terms[in->first].a;
        b = m->p->terms[in->first].b;
    }
    const uint64_t first = m->where[a], second = b == PG_NO_SLOT ? 0 : m->where[b];
    if (b == PG_NO_SLOT || first == second)
        return first;
    if (is_constant(m, b))
        return (uint64_t)1 << 62 | second << 31 | first;
    return (uint64_t)(is_constant(m, a) ? 2 : 3) << 62 | first << 31 | second;
}

/* Few units by their keys. */
static void insert_each(pg_unit *units, uint64_t *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const pg_unit u = units[i];
        const uint64_t key = keys[i];
        size_t to = i;
        for (; to != 0 && keys[to - 1] > key; to--) {
            units[to] = units[to - 1];
            keys[to] = keys[to - 1];
        }
        units[to] = u;
        keys[to] = key;
    }
}

/* Many of them, byte by byte of the keys, of which most are the same for all. */
static void sort_by_bytes(maker *m, pg_unit *units, size_t count)
{
    for (int shift = 0; shift < 64; shift += 8) {
        size_t starts[257] = {0};
        for (size_t i = 0; i < count; i++)
            starts[1 + (m->keys[i] >> shift & 255)]++;
        if (starts[1 + (m->keys[0] >> shift & 255)] == count)
            continue;
        for (size_t i = 1; i < 257; i++)
            starts[i] += starts[i - 1];
        uint64_t *keys = m->keys + count;
        for (size_t i = 0; i < count; i++) {
            const size_t to = starts[m->keys[i] >> shift & 255]++;
            m->spare[to] = units[i];
            keys[to] = m->keys[i];
        }
        memcpy(units, m->spare, count * sizeof *units);
        memcpy(m->keys, keys, count * sizeof *keys);
    }
}

static void sort_group(maker *m, pg_unit *units, size_t count)
{
    enum { FEW = 64 };
    int sorted = 1;
    for (size_t i = 0; i < count; i++) {
        m->keys[i] = key_of(m, &units[i]);
        sorted &= i == 0 || m->keys[i - 1] <= m->keys[i];
    }
    if (sorted)
        return;
    if (count <= FEW)
        insert_each(units, m->keys, count);
    else
        sort_by_bytes(m, units, count);
}

/* -- steps --------------------------------------------------------------------------------------- */

static int put_word(pg_pack *k, uint32_t word)
{
    if (!pg_room((void **)&k->words, k->word_count, &k->word_capacity, sizeof word))
        return 0;
    k->words[k->word_count++] = word;
    return 1;
}

/* Which of an instruction's operands: a, b, c, or the factors of its terms. */
static pg_slot operand_of(const pg_program *p, const pg_instruction *in, size_t which)
{
    if (which == 0)
        return in->a;
    if (!pg_is_sum(in->code))
        return which == 1 ? in->b : in->c;
    const pg_term *t = &p->terms[in->first + (which - 1) / 2];
    return which % 2 == 1 ? t->a : t->b;
}

static size_t operand_count(const pg_instruction *in)
{
    if (pg_is_sum(in->code))
        return 1 + 2 * (size_t)in->count;
    return in->b == PG_NO_SLOT ? 1 : in->c == PG_NO_SLOT ? 2 : 3;
}

/* How numbers stand: all in one slot, side by side, or anyhow. */
typedef enum { FOR_ALL, SIDE_BY_SIDE, ANYHOW } order;

static order order_of(const pg_slot *slots, size_t count)
{
    int same = 1, in_a_row = 1;
    for (size_t i = 1; i < count; i++) {
        same &= slots[i] == slots[0];
        in_a_row &= slots[i] == slots[0] + i;
    }
    return same ? FOR_ALL : in_a_row ? SIDE_BY_SIDE : ANYHOW;
}

/* The slots of an operand of some units, no more than PG_SIDE. */
static size_t slots_of(const maker *m, const pg_unit *units, size_t count, size_t which, pg_slot *slots)
{
    const size_t side = count < PG_SIDE ? count : PG_SIDE;
    for (size_t i = 0; i < side; i++) {
        const pg_slot slot = operand_of(m->p, &m->p->code[units[i].at], which);
        slots[i] = slot == PG_NO_SLOT ? slot : m->where[slot];
    }
    return side;
}

/* Whether the next eight of an operand follow those before them as these follow each other. */
static int goes_on_so(const pg_slot *before, const pg_slot *slots, size_t count)
{
    const order of = order_of(before, PG_SIDE);
    return of == (count == 1 ? of : order_of(slots, count)) &&
           (of == FOR_ALL ? slots[0] == before[0] : of == SIDE_BY_SIDE && slots[0] == before[0] + PG_SIDE);
}

/* The first stretch of some units: its eights. */
static size_t stretch_of(const maker *m, const pg_unit *units, size_t count, size_t operands, size_t most)
{
    size_t eights = 1;
    for (; eights < most && eights * PG_SIDE < count; eights++)
        for (size_t which = 0; which < operands; which++) {
            pg_slot before[PG_SIDE], slots[PG_SIDE];
            slots_of(m, units + (eights - 1) * PG_SIDE, PG_SIDE, which, before);
            const size_t side = slots_of(m, units + eights * PG_SIDE, count - eights * PG_SIDE, which, slots);
            if (!goes_on_so(before, slots, side))
                return eights;
        }
    return eights;
}

static int put_operand(pg_pack *k, const pg_slot *slots, size_t count)
{
    const order of = order_of(slots, count);
    if (slots[0] == PG_NO_SLOT)
        return put_word(k, PG_NO_FACTOR);
    if (of != ANYHOW)
        return put_word(k, slots[0] | (of == FOR_ALL ? PG_FOR_ALL : 0));
    int put = put_word(k, PG_EACH);
    for (size_t i = 0; put && i < PG_SIDE; i++)
        put = put_word(k, slots[i < count ? i : count - 1]);
    return put;
}

static int put_operands(maker *m, const pg_unit *units, size_t count, size_t most)
{
    const size_t operands = operand_count(&m->p->code[units->at]);
    for (size_t i = 0, eights; i < count; i += eights * PG_SIDE) {
        eights = stretch_of(m, units + i, count - i, operands, most);
        if (!put_word(m->k, (uint32_t)eights))
            return 0;
        for (size_t which = 0; which < operands; which++) {
            pg_slot slots[PG_SIDE];
            const size_t side = slots_of(m, units + i, count - i, which, slots);
            if (!put_operand(m->k, slots, side))
                return 0;
        }
    }
    return 1;
}

static int add_step(pg_pack *k, pg_step step)
{
    if (!pg_room((void **)&k->steps, k->step_count, &k->step_capacity, sizeof step))
        return 0;
    k->steps[k->step_count++] = step;
    return 1;
}

/* What lanes do in a few instructions. */
static int is_simple(unsigned code)
{
    return pg_is_sum(code) || code == PG_OP_add || code == PG_OP_sub || code == PG_OP_mul || code == PG_OP_mul0 ||
           code == PG_OP_div || code == PG_OP_neg;
}

/* Units of one kind as a step. */
static int pack(maker *m, pg_unit *units, size_t count)
{
    pg_program *rest = &m->k->rest;
    const pg_instruction *in = &m->p->code[units->at];
    const int pair = pg_is_of_pairs(units->kind);
    const size_t whole = pg_whole(count);
    sort_group(m, units, count);
    pg_step step = {.code = (uint16_t)(pair ? PG_STEP_PAIR + in->code : in->code),
                    .absorbing = in->code == PG_OP_mul0 || (pg_is_sum(in->code) && in->expected),
                    .count = (uint32_t)count,
                    .out = (uint32_t)rest->uniforms,
                    .terms = pg_is_sum(in->code) ? in->count : (uint32_t)operand_count(in),
                    .like = units->at,
                    .words = m->k->word_count};
    if (!put_operands(m, units, count, is_simple(in->code) ? SIZE_MAX : PG_LANES / PG_SIDE) || !add_step(m->k, step))
        return 0;
    for (size_t i = 0; i < count; i++)
        for (int second = 0; second <= pair; second++)
            m->where[m->p->code[units[i].at + (uint32_t)second].out] = step.out + (pg_slot)(i + (size_t)second * whole);
    rest->uniforms += whole * (size_t)(1 + pair);
    return 1;
}

/* -- what stays alone ---------------------------------------------------------------------------- */

static pg_slot moved(const maker *m, pg_slot slot)
{
    return slot == PG_NO_SLOT ? slot : m->where[slot];
}

static int add_term(maker *m, pg_term t)
{
    pg_program *rest = &m->k->rest;
    if (!pg_room((void **)&rest->terms, rest->term_count, &m->k->term_capacity, sizeof t))
        return 0;
    rest->terms[rest->term_count++] = t;
    return 1;
}

static int is_still_in_a_row(const maker *m, const pg_instruction *in)
{
    for (uint32_t i = 0; i < in->count; i++)
        if (m->where[in->b + i] != m->where[in->b] + i)
            return 0;
    return 1;
}

/* An instruction with its operands where they are now. */
static int leave(maker *m, const pg_instruction *from)
{
    const pg_program *p = m->p;
    pg_program *rest = &m->k->rest;
    pg_instruction in = *from;
    const int table = is_of_table(in.code), in_a_row = table && in.b != PG_NO_SLOT && is_still_in_a_row(m, &in);
    if (!pg_is_several(in.code))
        in.a = moved(m, in.a);
    in.b = !table || in_a_row ? moved(m, in.b) : PG_NO_SLOT;
    in.c = moved(m, in.c);
    in.first = (uint32_t)rest->term_count;
    for (uint32_t i = 0; !in_a_row && i < in.count; i++) {
        pg_term t = {table ? pg_slot_of_item(p, from, i) : p->terms[from->first + i].a, PG_NO_SLOT, 0, 0};
        if (!table)
            t = p->terms[from->first + i];
        if (!add_term(m, (pg_term){moved(m, t.a), moved(m, t.b), t.absorbing, t.subtracted}))
            return 0;
    }
    if (!pg_room((void **)&rest->code, rest->length, &m->k->code_capacity, sizeof in))
        return 0;
    rest->code[rest->length++] = in;
    return 1;
}

/* Those of a unit, at the end of the last step if that is of such. */
static int leave_unit(maker *m, const pg_unit *u)
{
    pg_pack *k = m->k;
    const uint32_t count = pg_is_of_pairs(u->kind) ? 2 : 1;
    if (k->step_count == 0 || k->steps[k->step_count - 1].code != PG_STEP_ALONE)
        if (!add_step(k, (pg_step){.code = PG_STEP_ALONE, .out = (uint32_t)k->rest.length}))
            return 0;
    for (uint32_t i = 0; i < count; i++)
        if (!leave(m, &m->p->code[u->at + i]))
            return 0;
    k->steps[k->step_count - 1].count += count;
    return 1;
}

/* How many of a kind are worth a step. */
static size_t least(const maker *m, const pg_unit *u)
{
    return u->kind < PG_CODES ? SIZE_MAX : is_simple(m->p->code[u->at].code) ? 4 : 3;
}

static size_t group_at(const maker *m, size_t i)
{
    size_t end = i + 1;
    while (end < m->units.count && m->units.all[end].level == m->units.all[i].level &&
           m->units.all[end].kind == m->units.all[i].kind)
        end++;
    return end - i;
}

/* What stays alone of a level, then its steps: so that what stands alone stands together. */
static int write_level(maker *m, size_t from, size_t end)
{
    for (int packed = 0; packed < 2; packed++)
        for (size_t i = from, count; i < end; i += count) {
            count = group_at(m, i);
            const int worth = count >= least(m, &m->units.all[i]);
            if (worth != packed)
                continue;
            if (packed && !pack(m, &m->units.all[i], count))
                return 0;
            for (size_t j = i; !packed && j < i + count; j++)
                if (!leave_unit(m, &m->units.all[j]))
                    return 0;
        }
    return 1;
}

static int write_steps(maker *m)
{
    for (size_t i = 0, end; i < m->units.count; i = end) {
        for (end = i + 1; end < m->units.count && m->units.all[end].level == m->units.all[i].level;)
            end++;
        if (!write_level(m, i, end))
            return 0;
    }
    return 1;
}

/* -- the whole ----------------------------------------------------------------------------------- */

static int open(maker *m)
{
    const pg_program *p = m->p;
    m->k = pg_alloc(1, sizeof *m->k);
    if (m->k == NULL)
        return 0;
    *m->k = (pg_pack){.of = p, .rest = *p, .refs = 1};
    pg_program *rest = &m->k->rest;
    rest->code = NULL;
    rest->terms = NULL;
    rest->length = rest->term_count = 0;
    rest->uniforms = pg_whole(p->uniforms + 1);
    rest->result_slots = pg_alloc(p->outputs + 1, sizeof *rest->result_slots);
    m->spare = pg_alloc(p->once + 1, sizeof *m->spare);
    m->keys = pg_alloc(2 * p->once + 1, sizeof *m->keys);
    m->where = pg_alloc(p->uniforms + 1, sizeof *m->where);
    if (rest->result_slots == NULL || m->spare == NULL || m->keys == NULL || m->where == NULL)
        return 0;
    for (size_t i = 0; i < p->uniforms; i++)
        m->where[i] = (pg_slot)i;
    return 1;
}

static void close(maker *m)
{
    pg_free(m->units.all);
    pg_free(m->spare);
    pg_free(m->keys);
    pg_free(m->where);
}

static void finish(maker *m)
{
    pg_program *rest = &m->k->rest;
    rest->once = rest->spread = rest->length;
    rest->uniforms += PG_SIDE; /* the last operands may be read beyond their end */
    for (size_t i = 0; i < rest->outputs; i++)
        rest->result_slots[i] = moved(m, m->p->result_slots[i]);
}

/* Making one takes as long as some 40 calls save. */
static size_t after = 16;

void pg_pack_choose(size_t calls)
{
    after = calls;
}

size_t pg_pack_after(void)
{
    return after;
}

/* Whether enough becomes steps. What stands behind a guard may be done before it, in vain where the guard does not hold. */
static int is_worth_it(const maker *m)
{
    size_t packed = 0;
    for (size_t i = 0, count; i < m->units.count; i += count) {
        count = group_at(m, i);
        packed += count >= least(m, &m->units.all[i]) ? count : 0;
    }
    return packed != 0 && (m->p->guards != 0 ? 2 : 4) * packed >= m->units.count;
}

pg_status pg_pack_make(const pg_program *p, pg_pack **out)
{
    maker m = {.p = p};
    pg_status status = PG_NO_MEMORY;
    *out = NULL;
    if (p->uniforms + 3 * PG_SIDE * p->once >= PG_EACH) /* slots are words */
        return PG_OK;
    if (pg_units_of(p, &m.units)) {
        if (!is_worth_it(&m)) { /* most are not: nothing is made of them */
            status = PG_OK;
        } else if (open(&m) && write_steps(&m)) {
            finish(&m);
            *out = m.k;
            status = PG_OK;
        }
    }
    if (*out == NULL)
        pg_pack_release(m.k);
    close(&m);
    return status;
}

pg_pack *pg_pack_retain(pg_pack *k)
{
    k->refs++;
    return k;
}

void pg_pack_release(pg_pack *k)
{
    if (k == NULL || --k->refs != 0)
        return;
    pg_free(k->rest.code);
    pg_free(k->rest.terms);
    pg_free(k->rest.result_slots);
    pg_free(k->steps);
    pg_free(k->words);
    pg_free(k);
}
