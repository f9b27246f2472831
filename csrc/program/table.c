/* table.c: tables in drafts. */
#include "program/table.h"

#include "ops/cells.h"
#include "program/growth.h"

#include <math.h>
#include <string.h>

struct draft_table {
    uint64_t hash;
    size_t count;
    uint32_t head, tail;   /* its terms */
    uint8_t row;           /* one of its items differs by row */
};

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static uint64_t key_of(const draft *d, uint32_t item)
{
    return is_constant(d, item) ? bits_of(number_of(d, item)) : item;
}

static uint64_t hash_of(const draft *d, const uint32_t *items, size_t count)
{
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ key_of(d, items[i])) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
    }
    return hash;
}

static int has_items(const draft *d, const struct draft_table *t, const uint32_t *items)
{
    size_t i = 0;
    for (uint32_t term = t->head; term != NONE; term = d->terms[term].next, i++)
        if (is_constant(d, items[i]) != is_constant(d, d->terms[term].a) ||
            key_of(d, items[i]) != key_of(d, d->terms[term].a))
            return 0;
    return 1;
}

static int are_constants(const draft *d, const uint32_t *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_constant(d, items[i]))
            return 0;
    return 1;
}

/* A constant that is no other's, though its number may be the same. */
static uint32_t own_constant(draft *d, double number)
{
    value v = blank(CONSTANT, NONE, NONE, NONE);
    v.number = number;
    return pg_draft_add(d, &v);
}

/* The table of these items, new if it was not there before; NULL if the draft has failed. */
static const struct draft_table *table_of(draft *d, const uint32_t *items, size_t count)
{
    const uint64_t hash = hash_of(d, items, count);
    for (size_t i = d->table_count; i-- != 0;)
        if (d->tables[i].count == count && d->tables[i].hash == hash && has_items(d, &d->tables[i], items))
            return &d->tables[i];
    if (!pg_room((void **)&d->tables, d->table_count, &d->table_capacity, sizeof *d->tables)) {
        draft_lacks_memory(d);
        return NULL;
    }
    value list = blank(PG_CODE_TAKE, NONE, NONE, NONE);
    const int constant = are_constants(d, items, count);
    for (size_t i = 0; i < count; i++) {
        const uint32_t item = constant ? own_constant(d, number_of(d, items[i])) : items[i];
        list.row = (uint8_t)(list.row || is_row(d, item));
        pg_draft_add_term(d, &list, (draft_term){item, NONE, NONE, 0, 0});
    }
    d->tables[d->table_count] = (struct draft_table){hash, count, list.head, list.tail, list.row};
    return d->failed != PG_OK ? NULL : &d->tables[d->table_count++];
}

typedef struct {
    const draft *d;
    const uint32_t *items;
} constants;

#define CONSTANT_ITEM(i) number_of(from.d, from.items[i])
PG_CELL_FUNCTION(cell_among_constants, constants, CONSTANT_ITEM)

uint32_t pg_value_of_table(draft *d, const pg_node *n, const uint32_t *operands)
{
    const size_t count = pg_operand_count(n) - 1;
    const uint32_t x = operands[0], *items = operands + 1;
    if (n->op == PG_TAKE && is_constant(d, x)) {
        const size_t number = pg_item_number(number_of(d, x), count);
        return number < count ? items[number] : pg_draft_constant(d, (double)NAN);
    }
    const unsigned rule = n->op == PG_SEARCH ? (unsigned)n->of.many->leads : 0;
    if (count == 0) /* no key has been passed, no item is there */
        return pg_draft_constant(d, n->op == PG_SEARCH ? 0.0 : (double)NAN);
    if (n->op == PG_SEARCH && is_constant(d, x) && are_constants(d, items, count))
        return pg_draft_constant(d, (double)cell_among_constants((constants){d, items}, rule, count, number_of(d, x)));
    const struct draft_table *table = table_of(d, items, count);
    if (table == NULL)
        return 0;
    value v = blank(n->op == PG_SEARCH ? PG_CODE_SEARCH : PG_CODE_TAKE, x, NONE, NONE);
    v.head = table->head;
    v.tail = table->tail;
    v.rule = (uint8_t)rule;
    v.row = (uint8_t)(is_row(d, x) || table->row);
    return pg_draft_unique(d, &v);
}

int pg_stands_in_a_row(const draft *d, const value *v, pg_instruction *in)
{
    const pg_slot first = d->values[d->terms[v->head].a].slot;
    uint32_t count = 0;
    for (uint32_t t = v->head; t != NONE; t = d->terms[t].next, count++) {
        const value *item = &d->values[d->terms[t].a];
        if (item->row || item->slot != first + count)
            return 0;
    }
    in->b = first;
    in->count = count;
    return 1;
}
