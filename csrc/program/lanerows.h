/* lanerows.h: numbers that stand row by row into lanes, and lanes into rows, for lanes.h. */

/* Four numbers from each of four places: the first of each to one place, side by side, the second of each to the next one, and so
 * on. */
LANE_ALWAYS void LANE_NAME(turn)(const double *const *from, size_t at, double *const *to, size_t into)
{
#if LANE_WIDTH >= 4 && defined LANE_MIX
    typedef double vec __attribute__((vector_size(32), aligned(sizeof(double))));
    const vec a = *(const vec *)(const void *)(from[0] + at), b = *(const vec *)(const void *)(from[1] + at),
              c = *(const vec *)(const void *)(from[2] + at), d = *(const vec *)(const void *)(from[3] + at);
    const vec even = LANE_MIX(a, b, 0, 4, 2, 6), odd = LANE_MIX(a, b, 1, 5, 3, 7),
              other_even = LANE_MIX(c, d, 0, 4, 2, 6), other_odd = LANE_MIX(c, d, 1, 5, 3, 7);
    *(vec *)(void *)(to[0] + into) = LANE_MIX(even, other_even, 0, 1, 4, 5);
    *(vec *)(void *)(to[1] + into) = LANE_MIX(odd, other_odd, 0, 1, 4, 5);
    *(vec *)(void *)(to[2] + into) = LANE_MIX(even, other_even, 2, 3, 6, 7);
    *(vec *)(void *)(to[3] + into) = LANE_MIX(odd, other_odd, 2, 3, 6, 7);
#else
    for (size_t k = 0; k < 4; k++)
        for (size_t r = 0; r < 4; r++)
            to[k][into + r] = from[r][at + k];
#endif
}

/* Eight items of eight rows, which stand side by side in each: lanes of a block for each item. */
LANE_TARGET static void LANE_NAME(tile)(double *into, const double *const *from)
{
    for (size_t k = 0; k < PG_TILE; k += 4) {
        double *const lanes = into + k * PG_LANES;
        double *const to[4] = {lanes, lanes + PG_LANES, lanes + 2 * PG_LANES, lanes + 3 * PG_LANES};
        for (size_t r = 0; r < PG_TILE; r += 4)
            LANE_NAME(turn)(from + r, k, to, r);
    }
}

/* Whether one of the lanes at work is inf or nan. */
LANE_ALWAYS int LANE_NAME(is_beyond)(const double *a, size_t width)
{
    typedef LANE_NAME(vec) vec;
    enum { PARTS = PG_EIGHT / LANE_WIDTH };
    const vec *x = (const vec *)(const void *)a;
    vec all[PARTS] = {0};
    OVER_EIGHTS(for (size_t part = 0; part < PARTS; part++) all[part] += x[e * PARTS + part] - x[e * PARTS + part];)
    for (size_t part = 1; part < PARTS; part++)
        all[0] += all[part];
    return LANE_ANY(all[0] != all[0]);
}

/* Lanes to where an output's rows are, from lane number at on. */
LANE_ALWAYS void LANE_NAME(write_one)(const block *rows, const pg_instruction *in, size_t at)
{
    const double *lanes = rows->lanes, *from = LANE(in->a);
    const pg_batch *batch = rows->batch;
    double *out = batch->outputs[in->out];
    const ptrdiff_t stride = batch->output_strides[in->out];
    if (stride == 1 && batch->rows == NULL)
        memcpy(out + batch->first + rows->first + at, from + at, (rows->count - at) * sizeof *out);
    else
        for (size_t l = at; l < rows->count; l++)
            out[(ptrdiff_t)row_of(batch, rows->first + l) * stride] = from[l];
}

/* One output or four, as vectors along the rows; how many. */
LANE_TARGET static int LANE_NAME(write_outputs)(const pg_program *p, const pg_instruction *in, const block *rows)
{
    const pg_batch *batch = rows->batch;
    const double *lanes = rows->lanes;
    const int count = outputs_together(in, p->code + p->length, batch);
    size_t done = 0;
    if (count == PG_TOGETHER) {
        const double *const from[4] = {LANE(in[0].a), LANE(in[1].a), LANE(in[2].a), LANE(in[3].a)};
        double *out = batch->outputs[in->out];
        const ptrdiff_t stride = batch->output_strides[in->out];
        for (; done + 4 <= rows->count; done += 4) {
            double *to[4];
            for (size_t r = 0; r < 4; r++)
                to[r] = out + (ptrdiff_t)row_of(batch, rows->first + done + r) * stride;
            LANE_NAME(turn)(from, done, to, 0);
        }
    }
    for (int k = 0; k < count; k++) {
        LANE_NAME(write_one)(rows, &in[k], done);
        if (batch->beyond != NULL && LANE_NAME(is_beyond)(LANE(in[k].a), pg_width(rows)))
            PG_SET(batch->beyond);
    }
    return count;
}
