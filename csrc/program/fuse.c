/* fuse.c: which values are needed and how often, and which of them become sums of terms. */
#include "program/fuse.h"

static void use(draft *d, uint32_t i)
{
    if (i != NONE)
        d->values[i].uses++;
}

void pg_count_uses(draft *d, const uint32_t *roots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        use(d, roots[i]);
    for (size_t i = d->count; i-- != 0 && goes_on(d);) {
        value *v = &d->values[i];
        v->needed = v->uses != 0;
        if (!v->needed || v->op == INPUT || v->op == LIVE || v->op == CONSTANT)
            continue;
        use(d, v->a);
        use(d, v->b);
        use(d, v->c);
        for (uint32_t t = v->head; t != NONE; t = d->terms[t].next) {
            use(d, d->terms[t].a);
            use(d, d->terms[t].b);
        }
    }
}

/* Whether v may be computed where its only user, a row value or not, is: what is uniform stays so, but for products that
 * are to be rounded with the sum. */
static int is_lone(const value *v, int row)
{
    return v->uses == 1 && v->row == row;
}

static int is_lone_product(const draft *d, uint32_t i, int row)
{
    const value *v = &d->values[i];
    return is_product(v) && is_lone(v, d->contracts ? v->row : row);
}

/* The value i as a term: its two factors if it is a product that nothing else uses, which goes away. */
static draft_term term_of(draft *d, uint32_t i, int row)
{
    value *v = &d->values[i];
    if (!is_lone_product(d, i, row))
        return (draft_term){i, NONE, NONE, 0, 0};
    v->needed = 0;
    return (draft_term){v->a, v->b, NONE, v->op == PG_OP_mul0, 0};
}

static int is_lone_sum(const draft *d, uint32_t i, int row)
{
    return is_lone(&d->values[i], row) && d->values[i].op == PG_CODE_FUSED;
}

/* Lets a sum begin with -0.0, which changes no bit of what is added to it. */
static void begin_with_nothing(draft *d, value *v, uint32_t start)
{
    v->a = start;
    use(d, start);
    d->values[start].needed = 1;
}

/* An addition becomes a sum of terms if it lengthens one that nothing else uses, or adds a product. One of two products
 * becomes one of both, which begins with -0.0: that changes no bit of the first. */
static void fuse_addition(draft *d, value *v, uint32_t start)
{
    uint32_t before = v->a, added = v->b;
    const int row = v->row;
    if (!is_lone_sum(d, before, row) && (is_lone_sum(d, added, row) || !is_lone_product(d, added, row))) {
        before = v->b;
        added = v->a;
    }
    if (is_lone_sum(d, before, row)) {
        value *sum = &d->values[before];
        sum->needed = 0;
        v->a = sum->a;
        v->head = sum->head;
        v->tail = sum->tail;
        v->op = PG_CODE_FUSED;
    } else if (is_lone_product(d, added, row)) {
        v->op = PG_CODE_FUSED;
        v->a = before;
        if (d->values[before].row == row && is_lone_product(d, before, row)) {
            begin_with_nothing(d, v, start);
            pg_draft_add_term(d, v, term_of(d, before, row));
        }
    } else {
        return;
    }
    v->b = NONE;
    pg_draft_add_term(d, v, term_of(d, added, row));
}

/* v is before + added, or - added, as a sum of terms: of those of before if it is one that nothing else uses, else of this one
 * alone. */
static void contract(draft *d, value *v, uint32_t before, draft_term added)
{
    v->a = before;
    if (is_lone_sum(d, before, v->row)) {
        value *sum = &d->values[before];
        sum->needed = 0;
        v->a = sum->a;
        v->head = sum->head;
        v->tail = sum->tail;
    }
    v->op = PG_CODE_FUSED;
    v->b = NONE;
    pg_draft_add_term(d, v, added);
}

/* A difference becomes a sum of terms if it lengthens one that nothing else uses, or subtracts a product, or if something is
 * subtracted from one, which is then added to what was subtracted from nothing. */
static void contract_difference(draft *d, value *v, uint32_t nothing)
{
    const uint32_t before = v->a, taken = v->b;
    const int row = v->row;
    if (is_lone_product(d, taken, row) || is_lone_sum(d, before, row)) {
        draft_term t = term_of(d, taken, row);
        t.subtracted = 1;
        contract(d, v, before, t);
    } else if (is_lone_product(d, before, row)) {
        use(d, nothing);
        d->values[nothing].needed = 1;
        contract(d, v, nothing, (draft_term){taken, NONE, NONE, 0, 1});
        pg_draft_add_term(d, v, term_of(d, before, row));
    }
}

/* A product with a uniform factor becomes a sum of one term, which takes that factor as it is. */
static void fuse_uniform_factor(draft *d, value *v, uint32_t start)
{
    const uint32_t t = (uint32_t)d->term_count;
    pg_draft_add_term(d, v, (draft_term){v->a, v->b, NONE, v->op == PG_OP_mul0, 0});
    if (d->failed)
        return;
    v->op = PG_CODE_FUSED;
    v->b = NONE;
    v->head = v->tail = t;
    begin_with_nothing(d, v, start);
}

void pg_fuse(draft *d)
{
    const uint32_t start = pg_draft_constant(d, -0.0);
    for (size_t i = 0; i < d->count && goes_on(d); i++) {
        value *v = &d->values[i];
        if (v->needed && v->op == PG_CODE_FUSED)
            for (uint32_t t = v->head; t != NONE; t = d->terms[t].next)
                if (d->terms[t].b == NONE) {
                    uint32_t next = d->terms[t].next;
                    d->terms[t] = term_of(d, d->terms[t].a, v->row);
                    d->terms[t].next = next;
                }
        if (v->needed && v->op == PG_OP_add && v->a != v->b)
            fuse_addition(d, v, start);
        if (v->needed && d->contracts && v->op == PG_OP_sub && v->a != v->b)
            contract_difference(d, v, start);
    }
    for (size_t i = 0; i < d->count && goes_on(d); i++) {
        value *v = &d->values[i];
        if (v->needed && is_product(v) && is_row(d, v->a) != is_row(d, v->b))
            fuse_uniform_factor(d, v, start);
    }
}
