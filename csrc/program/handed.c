/* handed.c: which loop takes the states that another one leaves. */
#include "program/handed.h"

#include "program/loop.h"

static int are_same(const pg_program *p, const pg_instruction *a, const pg_instruction *b, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (p->terms[a->first + k].a != p->terms[b->first + k].a)
            return 0;
    return 1;
}

static int writes_operand(const pg_program *p, pg_slot out, const pg_instruction *loop, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (p->terms[loop->first + k].a == out)
            return 1;
    return 0;
}

pg_handed *pg_handed_begin(pg_handed *handed, const pg_program *p)
{
    if (p->loop_count < 2)
        return NULL;
    for (size_t i = 0; i < PG_HANDED; i++)
        handed[i].to = handed[i].from = NULL;
    return handed;
}

void pg_handed_end(pg_handed *handed)
{
    for (size_t i = 0; handed != NULL && i < PG_HANDED; i++)
        pg_handed_close(&handed[i]);
}

/* The last of the slots that it reads: many instructions write to others behind. */
static pg_slot last_operand(const pg_program *p, const pg_instruction *loop, size_t count)
{
    pg_slot last = 0;
    for (size_t k = 0; k < count; k++)
        last = p->terms[loop->first + k].a > last ? p->terms[loop->first + k].a : last;
    return last;
}

/* The instruction behind a loop that goes forward that goes the same way back: with the same body, and the same operands,
 * which nothing has written to in between (a loop writes to slots of its own). NULL if there is none, or another loop
 * goes forward first: only one has its states handed, beside ways, which have few. */
static const pg_instruction *way_back(const pg_program *p, const pg_instruction *in)
{
    const pg_loop *loop = p->loops[in->a];
    const size_t count = loop->base.operands;
    const pg_instruction *lanes = p->code + p->once, *end = in < lanes ? lanes : p->code + p->length, *found = in + 1;
    for (; found != end; found++) {
        const pg_loop *other = found->code == PG_CODE_LOOP ? p->loops[found->a] : NULL;
        if (other != NULL && other->back == NULL && !pg_is_way(other->body) && !pg_is_way(loop->body))
            return NULL;
        if (other != NULL && other->back != NULL && other->body == loop->body && are_same(p, in, found, count))
            break;
    }
    const pg_slot last = last_operand(p, in, count);
    for (const pg_instruction *i = in + 1; found != end && i != found; i++)
        if (!pg_is_several(i->code) && i->code != PG_CODE_GUARD && (i->out & PG_ROW) == (last & PG_ROW) &&
            i->out <= last && writes_operand(p, i->out, in, count))
            return NULL;
    return found == end ? NULL : found;
}

pg_handed *pg_handed_from(pg_handed *handed, const pg_program *p, const pg_instruction *in)
{
    pg_handed *found = NULL;
    for (size_t i = 0; found == NULL && i < PG_HANDED; i++)
        if (handed[i].from == in)
            found = &handed[i];
    for (size_t i = 0; found == NULL && i < PG_HANDED; i++)
        if (handed[i].to == NULL)
            found = &handed[i];
    if (found == NULL)
        return NULL;
    pg_handed_close(found); /* by rows that have left the path */
    if (found->from != in) {
        found->from = in;
        found->way = way_back(p, in);
    }
    found->to = found->way;
    found->history = (pg_history){0};
    found->chosen.count = 0;
    return found;
}

pg_handed *pg_handed_to(pg_handed *handed, const pg_instruction *in)
{
    for (size_t i = 0; i < PG_HANDED; i++)
        if (handed[i].to == in)
            return &handed[i];
    return NULL;
}
