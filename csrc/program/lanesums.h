/* lanesums.h: fused and contracted sums of a block of rows, for lanes.h. */

/* So many sums are under way at once that none waits for its last addition. */
enum { LANE_NAME(sums) = 8, LANE_NAME(chunk) = 8 * LANE_WIDTH };

LANE_ALWAYS LANE_NAME(vec) LANE_NAME(same)(double number)
{
    const LANE_NAME(vec) zero = {0};
    return number - zero; /* 0 + number would lose the sign of -0.0 */
}

/* One of a term's factors, or 1 where it has none. */
LANE_ALWAYS LANE_NAME(vec) LANE_NAME(factor)(pg_slot slot, const double *uniforms, const double *lanes, size_t at)
{
    if (slot == PG_NO_SLOT)
        return LANE_NAME(same)(1.0);
    return slot & PG_ROW ? *(const LANE_NAME(vec) *)(const void *)(LANE(slot) + at) : LANE_NAME(same)(uniforms[slot]);
}

/* A term of a contracted sum that is subtracted, or the same for all rows; so rare that it need not be fast. */
LANE_TARGET static void LANE_NAME(add_rare)(const pg_term *t, const double *uniforms, const double *lanes, size_t at,
                                            LANE_NAME(vec) * sum)
{
    const LANE_NAME(vec) sign = LANE_NAME(same)(t->subtracted ? -1.0 : 1.0);
    for (size_t k = 0; k < LANE_NAME(sums); k++) {
        const LANE_NAME(vec) x = sign * LANE_NAME(factor)(t->a, uniforms, lanes, at + k * LANE_WIDTH);
        sum[k] = LANE_FMA(x, LANE_NAME(factor)(t->b, uniforms, lanes, at + k * LANE_WIDTH), sum[k]);
    }
}

/* A sum and a product, rounded once or twice. */
#define LANE_ADDED(sum, x, y) (contracts ? LANE_FMA(x, y, sum) : (sum) + (x) * (y))

/* Terms with lanes have them in a (see code.c). */
LANE_ALWAYS void LANE_NAME(sum_up)(const pg_program *p, const pg_instruction *in, const double *uniforms, double *lanes,
                                   block *rows, const int contracts)
{
    typedef LANE_NAME(vec) vec;
    enum { SUMS = LANE_NAME(sums) };
    const pg_term *terms = p->terms + in->first;
    for (size_t at = 0; at < PG_LANES; at += LANE_NAME(chunk)) {
        vec sum[SUMS];
        if (in->a & PG_ROW) {
            const vec *start = (const vec *)(const void *)(LANE(in->a) + at);
            for (int k = 0; k < SUMS; k++)
                sum[k] = start[k];
        } else {
            const vec start = LANE_NAME(same)(uniforms[in->a]);
            for (int k = 0; k < SUMS; k++)
                sum[k] = start;
        }
        for (uint32_t t = 0; t < in->count; t++) {
            const pg_slot sa = terms[t].a, sb = terms[t].b;
            if (contracts && PG_UNLIKELY(terms[t].subtracted != 0 || (!(sa & PG_ROW) && sb != PG_NO_SLOT))) {
                LANE_NAME(add_rare)(&terms[t], uniforms, lanes, at, sum);
                continue;
            }
            if (!(sa & PG_ROW)) {
                const double x = sb == PG_NO_SLOT ? uniforms[sa] : uniforms[sa] * uniforms[sb];
                for (int k = 0; k < SUMS; k++)
                    sum[k] += x;
                continue;
            }
            const vec *x = (const vec *)(const void *)(LANE(sa) + at);
            if (sb & PG_ROW) {
                const vec *y = (const vec *)(const void *)(LANE(sb) + at);
                for (int k = 0; k < SUMS; k++)
                    sum[k] = LANE_ADDED(sum[k], x[k], y[k]);
            } else if (sb == PG_NO_SLOT) {
                for (int k = 0; k < SUMS; k++)
                    sum[k] += x[k];
            } else {
                const vec y = LANE_NAME(same)(uniforms[sb]);
                for (int k = 0; k < SUMS; k++)
                    sum[k] = LANE_ADDED(sum[k], x[k], y);
            }
        }
        vec *out = (vec *)(void *)(LANE(in->out) + at);
        for (int k = 0; k < SUMS; k++)
            out[k] = sum[k];
        if (!in->expected)
            continue;
        const vec all = ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
        double any = 0.0;
        for (int i = 0; i < LANE_WIDTH; i++)
            any += all[i];
        if (any != any)
            fused_again(terms, in, rows, at, LANE_NAME(chunk));
    }
}

LANE_TARGET static void LANE_NAME(fused)(const pg_program *p, const pg_instruction *in, block *rows)
{
    LANE_NAME(sum_up)(p, in, rows->uniforms, rows->lanes, rows, 0);
}

LANE_TARGET static void LANE_NAME(contracted)(const pg_program *p, const pg_instruction *in, block *rows)
{
    LANE_NAME(sum_up)(p, in, rows->uniforms, rows->lanes, rows, 1);
}

#undef LANE_ADDED
