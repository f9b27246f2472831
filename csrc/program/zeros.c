/* zeros.c: backwards for whose zeros' signs are seen, then forwards for what is 0. */
#include "program/zeros.h"

/* What is known of a value: nobody has asked for it; the sign of a 0 is not seen; it is. */
enum { UNUSED, UNSIGNED, SIGNED };

typedef struct {
    draft *d;
    uint8_t *seen;         /* of each value one of these */
    uint32_t *now;         /* of each value the one in its place */
    uint32_t zero;         /* the constant 0.0 */
} zeros;

/* Whether there is something to be found: a product in which a constant 0 wins. */
static int has_zeros(const draft *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const value *v = &d->values[i];
        if (v->op == PG_OP_mul0 && (is_number(d, v->a, 0.0) || is_number(d, v->b, 0.0)))
            return 1;
    }
    return 0;
}

static void see(zeros *z, uint32_t i, uint8_t how)
{
    if (i != NONE && z->seen[i] < how)
        z->seen[i] = how;
}

/* Whether it is 0.0, to which a 0 of any sign may be added. */
static int is_positive_zero(const draft *d, uint32_t i)
{
    return is_number(d, i, 0.0) && !signbit(d->values[i].number);
}

/* How the sign of a 0 is seen that is an operand of v. In these ops it changes nothing but the sign of a 0 that comes out; and
 * not even that where 0.0 is added. */
static uint8_t sight_of_operands(const zeros *z, const value *v, uint8_t seen)
{
    switch (v->op) {
    case PG_OP_add:
        return is_positive_zero(z->d, v->a) || is_positive_zero(z->d, v->b) ? UNSIGNED : seen;
    case PG_OP_sub:
        return is_positive_zero(z->d, v->a) ? UNSIGNED : seen;
    case PG_OP_neg:
    case PG_OP_mul:
    case PG_OP_mul0:
        return seen;
    case PG_CODE_FUSED:
        return is_positive_zero(z->d, v->a) ? UNSIGNED : seen;
    default:
        return SIGNED;
    }
}

static void see_operands(zeros *z, size_t i)
{
    const value *v = &z->d->values[i];
    if (z->seen[i] == UNUSED || v->op == INPUT || v->op == LIVE || v->op == CONSTANT)
        return;
    const uint8_t how = sight_of_operands(z, v, z->seen[i]);
    see(z, v->a, how);
    see(z, v->b, how);
    see(z, v->c, how);
    for (uint32_t t = v->head; t != NONE; t = z->d->terms[t].next) {
        see(z, z->d->terms[t].a, how);
        see(z, z->d->terms[t].b, how);
    }
}

/* Value x in the place of value i; but not one that is the same for all rows where that is not: it is added up in another way. */
static uint32_t alike(const zeros *z, uint32_t i, uint32_t x)
{
    return z->d->values[x].row == z->d->values[i].row ? x : i;
}

/* What takes the place of value i, whose operands are those that stand now. */
static uint32_t found_for(zeros *z, uint32_t i)
{
    value *v = &z->d->values[i];
    if (z->seen[i] != UNSIGNED)
        return i;
    const int first = is_number(z->d, v->a, 0.0), second = v->b != NONE && is_number(z->d, v->b, 0.0);
    switch (v->op) {
    case PG_OP_mul0:
        return first || second ? z->zero : i;
    case PG_OP_neg:
        return first ? z->zero : i;
    case PG_OP_add:
        return first ? alike(z, i, v->b) : second ? alike(z, i, v->a) : i;
    case PG_OP_sub:
        if (second)
            return alike(z, i, v->a);
        if (first) {
            v->op = PG_OP_neg;
            v->a = v->b;
            v->b = NONE;
        }
        return i;
    default:
        return i;
    }
}

static void replace(zeros *z, uint32_t *i)
{
    if (*i != NONE)
        *i = z->now[*i];
}

static void replace_in(zeros *z, uint32_t i)
{
    value *v = &z->d->values[i];
    z->now[i] = i;
    if (z->seen[i] == UNUSED || v->op == INPUT || v->op == LIVE || v->op == CONSTANT)
        return;
    replace(z, &v->a);
    replace(z, &v->b);
    replace(z, &v->c);
    for (uint32_t t = v->head; t != NONE; t = z->d->terms[t].next) {
        replace(z, &z->d->terms[t].a);
        replace(z, &z->d->terms[t].b);
    }
    z->now[i] = found_for(z, i);
}

void pg_drop_zeros(draft *d, uint32_t *roots, size_t guards, size_t count, const uint8_t *added)
{
    if (!has_zeros(d))
        return;
    zeros z = {.d = d, .zero = pg_draft_constant(d, 0.0)};
    z.seen = pg_alloc(d->count + 1, sizeof *z.seen);
    z.now = pg_alloc(d->count + 1, sizeof *z.now);
    if (z.seen == NULL || z.now == NULL)
        draft_lacks_memory(d);
    for (size_t i = 0; d->failed == PG_OK && i < d->count; i++) {
        z.seen[i] = UNUSED;
        z.now[i] = (uint32_t)i; /* constants may have larger numbers than what uses them */
    }
    for (size_t i = 0; d->failed == PG_OK && i < count; i++)
        see(&z, roots[i], i >= guards && added != NULL && added[i - guards] ? UNSIGNED : SIGNED);
    for (size_t i = d->count; d->failed == PG_OK && i-- != 0 && goes_on(d);)
        see_operands(&z, i);
    for (size_t i = 0; i < d->count && goes_on(d); i++)
        replace_in(&z, (uint32_t)i);
    for (size_t i = 0; d->failed == PG_OK && i < count; i++)
        replace(&z, &roots[i]);
    pg_free(z.seen);
    pg_free(z.now);
}
