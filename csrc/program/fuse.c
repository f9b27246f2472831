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

/* Something uses what is negated in the place of value i, which is the negation; which goes away where nothing else uses it. */
static uint32_t unsigned_of(draft *d, uint32_t i)
{
    value *v = &d->values[i];
    use(d, v->a);
    if (--v->uses == 0) {
        v->needed = 0;
        d->values[v->a].uses--;
    }
    return v->a;
}

/* One more factor or single term: of a negation what is negated, as x - y is x + -y and -(x * y) is -x * y, to the bit. In a
 * draft that contracts it would join other sums than today's. */
static uint32_t with_sign(draft *d, uint32_t i, draft_term *t)
{
    if (d->contracts || d->values[i].op != PG_OP_neg)
        return i;
    t->subtracted = !t->subtracted;
    return unsigned_of(d, i);
}

/* The value i as a term: its two factors if it is a product that nothing else uses, which goes away. An absorbing one whose
 * negative is meant stays: that would be -0.0 where an exact 0 wins, and not 0.0. */
static draft_term term_of(draft *d, uint32_t i, int row, int subtracted)
{
    draft_term t = {i, NONE, NONE, 0, (uint16_t)subtracted};
    value *v = &d->values[i];
    if (is_lone_product(d, i, row) && (d->contracts || !subtracted || v->op == PG_OP_mul)) {
        v->needed = 0;
        t.absorbing = v->op == PG_OP_mul0;
        t.b = with_sign(d, v->b, &t);
        t.a = with_sign(d, v->a, &t);
    } else {
        t.a = with_sign(d, i, &t);
    }
    return t;
}

static int is_lone_sum(const draft *d, uint32_t i, int row)
{
    return is_lone(&d->values[i], row) && d->values[i].op == PG_CODE_FUSED;
}

/* v takes over the terms of a sum, which goes away. */
static void lengthen(draft *d, value *v, uint32_t sum)
{
    value *of = &d->values[sum];
    of->needed = 0;
    v->a = of->a;
    v->head = of->head;
    v->tail = of->tail;
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
        lengthen(d, v, before);
        v->op = PG_CODE_FUSED;
    } else if (is_lone_product(d, added, row)) {
        v->op = PG_CODE_FUSED;
        v->a = before;
        if (d->values[before].row == row && is_lone_product(d, before, row)) {
            begin_with_nothing(d, v, start);
            pg_draft_add_term(d, v, term_of(d, before, row, 0));
        }
    } else {
        return;
    }
    v->b = NONE;
    pg_draft_add_term(d, v, term_of(d, added, row, 0));
}

/* A difference becomes a sum of terms if it lengthens one that nothing else uses, or subtracts a product, or if something is
 * subtracted from one, which is then added to what was subtracted from nothing: in a contracted sum both are rounded once. */
static void fuse_difference(draft *d, value *v, uint32_t start)
{
    const uint32_t before = v->a, taken = v->b;
    const int row = v->row, of_product = is_lone_product(d, before, row),
              takes_product = is_lone_product(d, taken, row) && (d->contracts || d->values[taken].op == PG_OP_mul);
    draft_term terms[2] = {{NONE, NONE, NONE, 0, 0}, {NONE, NONE, NONE, 0, 0}};
    if (is_lone_sum(d, before, row)) {
        lengthen(d, v, before);
    } else if (of_product) {
        begin_with_nothing(d, v, start);
        terms[!takes_product] = term_of(d, before, row, 0);
    } else if (!takes_product) {
        return;
    }
    terms[of_product && takes_product] = term_of(d, taken, row, 1);
    v->op = PG_CODE_FUSED;
    v->b = NONE;
    for (int i = 0; i < 2; i++)
        if (terms[i].a != NONE)
            pg_draft_add_term(d, v, terms[i]);
}

/* x + -y is x - y, and x - -y is x + y. */
static void take_sign(draft *d, value *v)
{
    if (d->contracts || v->a == v->b)
        return;
    if (d->values[v->b].op == PG_OP_neg) {
        v->op = v->op == PG_OP_add ? PG_OP_sub : PG_OP_add;
        v->b = unsigned_of(d, v->b);
    } else if (v->op == PG_OP_add && d->values[v->a].op == PG_OP_neg) {
        const uint32_t taken = v->a;
        v->op = PG_OP_sub;
        v->a = v->b;
        v->b = unsigned_of(d, taken);
    }
}

/* A sum or difference with something that is the same for all rows becomes a sum of terms, which takes that as it is. */
static void fuse_uniform_operand(draft *d, value *v, uint32_t start)
{
    const int less = v->op == PG_OP_sub, first = !is_row(d, v->a);
    const uint32_t lanes = first ? v->b : v->a, number = first ? v->a : v->b;
    v->op = PG_CODE_FUSED;
    v->b = NONE;
    if (first) {
        v->a = number;
        pg_draft_add_term(d, v, (draft_term){lanes, NONE, NONE, 0, (uint16_t)less});
    } else {
        begin_with_nothing(d, v, start);
        pg_draft_add_term(d, v, (draft_term){lanes, NONE, NONE, 0, 0});
        pg_draft_add_term(d, v, (draft_term){number, NONE, NONE, 0, (uint16_t)less});
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

/* Single terms of a sum of the user's that are products join it. */
static void fuse_terms(draft *d, value *v)
{
    for (uint32_t t = v->head; t != NONE; t = d->terms[t].next)
        if (d->terms[t].b == NONE) {
            uint32_t next = d->terms[t].next;
            d->terms[t] = term_of(d, d->terms[t].a, v->row, 0);
            d->terms[t].next = next;
        }
}

/* A sum or difference that is needed, or a sum of terms. */
static int is_sum(const value *v)
{
    return v->needed && (v->op == PG_OP_add || v->op == PG_OP_sub || v->op == PG_CODE_FUSED);
}

/* Whether one operand of a product, or of what else is to take it as it is, is the same for all rows, and the other one not. */
static int has_uniform_operand(const draft *d, const value *v, int body)
{
    return v->needed && (is_product(v) || (!body && (v->op == PG_OP_add || v->op == PG_OP_sub))) &&
           is_row(d, v->a) != is_row(d, v->b);
}

void pg_fuse(draft *d, int body)
{
    const uint32_t start = pg_draft_constant(d, -0.0);
    for (size_t i = 0; i < d->count; i++) {
        value *v = &d->values[i];
        if (!is_sum(v))
            continue;
        if (!goes_on(d))
            return;
        if (v->op == PG_CODE_FUSED)
            fuse_terms(d, v);
        else
            take_sign(d, v);
        if (v->op == PG_OP_add && v->a != v->b)
            fuse_addition(d, v, start);
        else if (v->op == PG_OP_sub && v->a != v->b)
            fuse_difference(d, v, start);
    }
    for (size_t i = 0; d->rows && i < d->count; i++) {
        value *v = &d->values[i];
        if (!has_uniform_operand(d, v, body))
            continue;
        if (!goes_on(d))
            return;
        if (is_product(v))
            fuse_uniform_factor(d, v, start);
        else
            fuse_uniform_operand(d, v, start);
    }
}
