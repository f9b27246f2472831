/* draft.c: the values and terms of a draft: how they are added, and how one that was there before is found again. */
#include "program/draft.h"

#include "program/growth.h"

#include <string.h>

int pg_draft_open(draft *d, size_t nodes)
{
    *d = (draft){.last_call = NONE};
    size_t buckets = 64;
    while (buckets < nodes / 4)
        buckets *= 2;
    d->bucket_mask = buckets - 1;
    d->buckets = pg_alloc(buckets, sizeof *d->buckets);
    d->capacity = nodes + 64; /* nearly always enough: growth would copy and clear half of it again */
    d->values = pg_alloc(d->capacity, sizeof *d->values);
    for (size_t i = 0; d->buckets != NULL && i < buckets; i++)
        d->buckets[i] = NONE;
    return d->buckets != NULL && d->values != NULL;
}

void pg_draft_close(draft *d)
{
    pg_free(d->buckets);
    pg_free(d->values);
    pg_free(d->terms);
    pg_free(d->tables);
    pg_free(d->loops);
}

uint32_t pg_draft_add(draft *d, const value *v)
{
    if (d->failed || !pg_room((void **)&d->values, d->count, &d->capacity, sizeof *v)) {
        draft_lacks_memory(d);
        return 0;
    }
    d->values[d->count] = *v;
    return (uint32_t)d->count++;
}

void pg_draft_add_term(draft *d, value *sum, draft_term t)
{
    if (d->failed || !pg_room((void **)&d->terms, d->term_count, &d->term_capacity, sizeof t)) {
        draft_lacks_memory(d);
        return;
    }
    t.next = NONE;
    uint32_t at = (uint32_t)d->term_count++;
    d->terms[at] = t;
    if (sum->head == NONE)
        sum->head = at;
    else
        d->terms[sum->tail].next = at;
    sum->tail = at;
}

/* -- each value once --------------------------------------------------------------------------- */

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static int same(const value *v, const value *w)
{
    return v->op == w->op && v->a == w->a && v->b == w->b && v->c == w->c && v->rule == w->rule &&
           bits_of(v->number) == bits_of(w->number);
}

static uint32_t *bucket_of(const draft *d, const value *v)
{
    uint64_t hash = bits_of(v->number);
    const uint32_t parts[4] = {v->op, v->a, v->b, v->c};
    for (int i = 0; i < 4; i++)
        hash = (hash ^ parts[i]) * UINT64_C(0x9E3779B97F4A7C15);
    return &d->buckets[(hash >> 32) & d->bucket_mask];
}

/* Where the same value stands, or a new one would. Most are found among the users of their last operand, which is
 * near them in memory as a hash table is not: on graphs of millions of nodes that is a third of the time. */
typedef struct {
    uint32_t found;        /* or NONE */
    uint32_t *head;        /* of the chain that a new one joins */
} location;

enum { LONG_CHAIN = 16 };

/* Its number, or NONE. */
static uint32_t last_operand(const value *v)
{
    const uint32_t operands[3] = {v->a, v->b, v->c};
    uint32_t end = 0; /* 1 + the number; NONE, the largest of all, comes to 0 */
    for (int i = 0; i < 3; i++) {
        const uint32_t next = (operands[i] + 1) & NONE;
        end = next > end ? next : end;
    }
    return (end - 1) & NONE;
}

static location locate(const draft *d, const value *v)
{
    const uint32_t last = last_operand(v);
    if (last != NONE) {
        uint32_t *head = &d->values[last].users, i = *head;
        int length = 0;
        for (; i != NONE && !same(&d->values[i], v); i = d->values[i].next)
            length++;
        if (i != NONE || length < LONG_CHAIN)
            return (location){i, head};
    }
    uint32_t *head = bucket_of(d, v), i = *head;
    while (i != NONE && !same(&d->values[i], v))
        i = d->values[i].next;
    return (location){i, head};
}

uint32_t pg_draft_find(const draft *d, int op, uint32_t a, uint32_t b)
{
    const value v = blank(op, a, b, NONE);
    return locate(d, &v).found;
}

uint32_t pg_draft_unique(draft *d, value *v)
{
    const location at = locate(d, v);
    if (at.found != NONE)
        return at.found;
    v->next = *at.head;
    *at.head = (uint32_t)d->count; /* before the array moves; if it cannot grow all is given up */
    return pg_draft_add(d, v);
}

uint32_t pg_draft_constant(draft *d, double number)
{
    value v = blank(CONSTANT, NONE, NONE, NONE);
    v.number = number;
    return pg_draft_unique(d, &v);
}
