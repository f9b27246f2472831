/* lanesums.h: fused and contracted sums of a block of rows, for lanes.h. */

/* So many vectors of sums are under way at once that none waits for its last addition; in a block of few rows fewer. */
enum { LANE_NAME(sums) = 8, LANE_NAME(chunk) = 8 * LANE_WIDTH };

LANE_ALWAYS LANE_NAME(vec) LANE_NAME(same)(double number)
{
    const LANE_NAME(vec) zero = {0};
    return number - zero; /* 0 + number would lose the sign of -0.0 */
}

/* A contracted sum and a product that is the same for all rows; so rare that it need not be fast. */
LANE_APART LANE_NAME(vec) LANE_NAME(with_rare)(LANE_NAME(vec) sum, const pg_term *t, const double *uniforms)
{
    return LANE_FMA(LANE_NAME(same)(pg_with_sign(t, uniforms[t->a])), LANE_NAME(same)(uniforms[t->b]), sum);
}

/* A sum and a product, rounded once or twice. */
#define LANE_ADDED(sum, x, y) (contracts ? LANE_FMA(x, y, sum) : (sum) + (x) * (y))

/* The terms of a kind that stand together, from t on: a loop of its own for each kind, so that nearly nothing is asked
 * between two of them. */
#define TERMS_OF(kind, ...) \
    case kind: \
        do { \
            __VA_ARGS__ \
            t++; \
        } while (t != end && kind_of(t, contracts) == (kind)); \
        break;
#define LANES_OF_TERM(slot) ((const vec *)(const void *)(LANE(slot) + at))
#define EACH_SUM for (int k = 0; k < count; k++)

/* So many vectors of a sum, from lane number at on. Terms with lanes have them in a (see code.c). */
LANE_ALWAYS void LANE_NAME(sum_some)(const pg_program *p, const pg_instruction *in, block *rows, size_t at,
                                     const int contracts, const int count)
{
    typedef LANE_NAME(vec) vec;
    const pg_term *terms = p->terms + in->first, *t = terms, *end = terms + in->count;
    const double *uniforms = rows->uniforms;
    double *lanes = rows->lanes;
    vec sum[LANE_NAME(sums)];
    if (in->a & PG_ROW) {
        const vec *start = LANES_OF_TERM(in->a);
        EACH_SUM sum[k] = start[k];
    } else {
        const vec start = LANE_NAME(same)(uniforms[in->a]);
        EACH_SUM sum[k] = start;
    }
    while (t != end)
        switch (kind_of(t, contracts)) {
            TERMS_OF(TIMES_NUMBER, const vec *x = LANES_OF_TERM(t->a);
                     const vec y = LANE_NAME(same)(pg_with_sign(t, uniforms[t->b]));
                     EACH_SUM sum[k] = LANE_ADDED(sum[k], x[k], y);)
            TERMS_OF(TIMES_LANES, const vec *x = LANES_OF_TERM(t->a), *y = LANES_OF_TERM(t->b);
                     EACH_SUM sum[k] = LANE_ADDED(sum[k], x[k], y[k]);)
            TERMS_OF(LESS_TIMES_LANES, const vec *x = LANES_OF_TERM(t->a), *y = LANES_OF_TERM(t->b);
                     EACH_SUM sum[k] = LANE_ADDED(sum[k], -x[k], y[k]);)
            TERMS_OF(LANES_ALONE, const vec *x = LANES_OF_TERM(t->a); EACH_SUM sum[k] += x[k];)
            TERMS_OF(LESS_LANES, const vec *x = LANES_OF_TERM(t->a); EACH_SUM sum[k] -= x[k];)
            TERMS_OF(NUMBER, const double x = number_of_term(t, uniforms); EACH_SUM sum[k] += x;)
            TERMS_OF(RARE, EACH_SUM sum[k] = LANE_NAME(with_rare)(sum[k], t, uniforms);)
        }
    vec *out = (vec *)(void *)(LANE(in->out) + at);
    EACH_SUM out[k] = sum[k];
    if (!in->expected)
        return;
    LANE_NAME(ints) any = {0};
    EACH_SUM any |= sum[k] != sum[k];
    if (LANE_ANY(any))
        fused_again(terms, in, rows, at, (size_t)count * LANE_WIDTH);
}

/* So many vectors of what is left, if there are as many, of eights of lanes; which lane comes next. */
LANE_ALWAYS size_t LANE_NAME(sum_rest)(const pg_program *p, const pg_instruction *in, block *rows, size_t at,
                                       const int contracts, const int count)
{
    const size_t width = (size_t)count * LANE_WIDTH;
    if (width < PG_EIGHT || pg_width(rows) - at < width)
        return at;
    LANE_NAME(sum_some)(p, in, rows, at, contracts, count);
    return at + width;
}

LANE_ALWAYS void LANE_NAME(sum_up)(const pg_program *p, const pg_instruction *in, block *rows, const int contracts)
{
    enum { SUMS = LANE_NAME(sums), CHUNK = LANE_NAME(chunk) };
    const size_t width = pg_width(rows);
    size_t at = 0;
    for (; width - at >= CHUNK; at += CHUNK)
        LANE_NAME(sum_some)(p, in, rows, at, contracts, SUMS);
    at = LANE_NAME(sum_rest)(p, in, rows, at, contracts, SUMS / 2);
    at = LANE_NAME(sum_rest)(p, in, rows, at, contracts, SUMS / 4);
    LANE_NAME(sum_rest)(p, in, rows, at, contracts, SUMS / 8);
}

/* Whether a sum is of a number, a term with lanes, and perhaps a number that is the same for all, as most in loops are. A sign
 * is changed with a number, if one is there. */
static inline int LANE_NAME(is_simple)(const pg_instruction *in, const pg_term *t)
{
    return t->a & PG_ROW && !(t->subtracted && t->b & PG_ROW) &&
           (in->count == 1 || (in->count == 2 && !(t[1].a & PG_ROW)));
}

/* Such a sum, all of it in one go. shared: whether the number it starts with is the same for all; alike: whether that is so of
 * the other factor; ends: whether there is a number behind; checks: whether an exact 0 may have to win. A sum of the sums is
 * nan if one of them is. */
LANE_ALWAYS void LANE_NAME(add_simply)(const pg_term *t, const pg_instruction *in, block *rows, const int shared,
                                       const int alike, const int ends, const int checks)
{
    typedef LANE_NAME(vec) vec;
    enum { PARTS = PG_EIGHT / LANE_WIDTH }; /* so many sums of sums are under way */
    const size_t width = pg_width(rows);
    const double *uniforms = rows->uniforms;
    double *lanes = rows->lanes, last = 0.0;
    if (ends)
        last = number_of_term(&t[1], uniforms);
    const vec more = LANE_NAME(same)(last), first = LANE_NAME(same)(shared ? uniforms[in->a] : 0.0),
              times = LANE_NAME(same)(pg_with_sign(t, !alike || t->b == PG_NO_SLOT ? 1.0 : uniforms[t->b]));
    const vec *start = (const vec *)(const void *)(shared ? NULL : LANE(in->a)),
              *x = (const vec *)(const void *)LANE(t->a), *y = (const vec *)(const void *)(alike ? NULL : LANE(t->b));
    vec *z = (vec *)(void *)LANE(in->out), all[PARTS] = {0};
    OVER_EIGHTS(for (size_t part = 0; part < PARTS; part++) {
        const size_t k = e * PARTS + part;
        const vec begun = (shared ? first : start[k]) + x[k] * (alike ? times : y[k]);
        z[k] = ends ? begun + more : begun;
        if (checks)
            all[part] += z[k];
    })
    for (size_t part = 1; part < PARTS; part++)
        all[0] += all[part];
    if (checks && LANE_ANY(all[0] != all[0]))
        fused_again(t, in, rows, 0, width);
}

LANE_ALWAYS void LANE_NAME(add_by_kind)(const pg_term *t, const pg_instruction *in, block *rows, const int shared,
                                        const int alike)
{
    if (in->count == 2 && in->expected != 0)
        LANE_NAME(add_simply)(t, in, rows, shared, alike, 1, 1);
    else if (in->count == 2)
        LANE_NAME(add_simply)(t, in, rows, shared, alike, 1, 0);
    else if (in->expected != 0)
        LANE_NAME(add_simply)(t, in, rows, shared, alike, 0, 1);
    else
        LANE_NAME(add_simply)(t, in, rows, shared, alike, 0, 0);
}

LANE_APART void LANE_NAME(simple)(const pg_term *t, const pg_instruction *in, block *rows)
{
    if (in->a & PG_ROW && t->b & PG_ROW)
        LANE_NAME(add_by_kind)(t, in, rows, 0, 0);
    else if (in->a & PG_ROW)
        LANE_NAME(add_by_kind)(t, in, rows, 0, 1);
    else if (t->b & PG_ROW)
        LANE_NAME(add_by_kind)(t, in, rows, 1, 0);
    else
        LANE_NAME(add_by_kind)(t, in, rows, 1, 1);
}

LANE_APART void LANE_NAME(fused)(const pg_program *p, const pg_instruction *in, block *rows)
{
    LANE_NAME(sum_up)(p, in, rows, 0);
}

LANE_TARGET static void LANE_NAME(contracted)(const pg_program *p, const pg_instruction *in, block *rows)
{
    LANE_NAME(sum_up)(p, in, rows, 1);
}

#undef LANE_ADDED
#undef TERMS_OF
#undef LANES_OF_TERM
#undef EACH_SUM
