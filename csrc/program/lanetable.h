/* lanetable.h: tables for a block of rows; included by lanes.h once for each set of instructions, whose bits are the
 * same. Numbers in a row are searched for in all lanes at once: each lane goes the same halves as it would alone. */

/* One step: masks in the place of branches, which loops over lanes must not have. */
#define SEARCH_STEP(name, is_behind) \
    LANE_TARGET static void LANE_NAME(name)(const double *restrict keys, const double *restrict x, \
                                            int64_t *restrict low, int64_t *restrict size, size_t width) \
    { \
        LANE_LOOP \
        for (size_t l = 0; l < width; l++) { \
            const int64_t half = size[l] >> 1, middle = low[l] + half, open = -(int64_t)(size[l] > 0); \
            const double key = keys[middle & open], at = x[l]; \
            const int64_t behind = open & -(int64_t)(is_behind); \
            low[l] += (half + 1) & behind; \
            size[l] = half + ((size[l] - 2 * half - 1) & behind); \
        } \
    }
SEARCH_STEP(bisect_left, key < at)
SEARCH_STEP(bisect_right, !(at < key))
SEARCH_STEP(search_left, (key < at) | ((at != at) & (key == key)))
SEARCH_STEP(search_right, !((at < key) | ((key != key) & (at == at))))
#undef SEARCH_STEP

LANE_TARGET static void LANE_NAME(search)(const pg_program *p, const pg_instruction *in, const block *rows)
{
    const size_t width = pg_width(rows);
    const double *uniforms = rows->uniforms;
    double *lanes = rows->lanes;
    double *z = LANE(in->out);
    if (in->b == PG_NO_SLOT || in->expected == PG_LIKE_INTERP) {
        for (size_t l = 0; l < width; l++)
            z[l] = pg_table_in_lane(p, in, uniforms, lanes, l);
        return;
    }
    const double *x = LANE(in->a), *keys = uniforms + in->b;
    _Alignas(64) int64_t low[PG_LANES], size[PG_LANES];
    for (size_t l = 0; l < width; l++) {
        low[l] = 0;
        size[l] = in->count;
    }
    for (size_t left = in->count; left != 0; left >>= 1)
        switch ((pg_rule)in->expected) {
        case PG_BISECT_LEFT:
            LANE_NAME(bisect_left)(keys, x, low, size, width);
            break;
        case PG_SEARCH_LEFT:
            LANE_NAME(search_left)(keys, x, low, size, width);
            break;
        case PG_SEARCH_RIGHT:
            LANE_NAME(search_right)(keys, x, low, size, width);
            break;
        default:
            LANE_NAME(bisect_right)(keys, x, low, size, width);
            break;
        }
    for (size_t l = 0; l < width; l++)
        z[l] = (double)low[l];
}

LANE_TARGET static void LANE_NAME(take)(const pg_program *p, const pg_instruction *in, const block *rows)
{
    const size_t width = pg_width(rows);
    const double *uniforms = rows->uniforms;
    double *lanes = rows->lanes;
    double *z = LANE(in->out);
    if (in->b == PG_NO_SLOT) {
        for (size_t l = 0; l < width; l++)
            z[l] = pg_table_in_lane(p, in, uniforms, lanes, l);
        return;
    }
    const double *index = LANE(in->a), *items = uniforms + in->b, count = (double)in->count;
    LANE_LOOP
    for (size_t l = 0; l < width; l++) {
        const int within = (index[l] >= 0.0) & (index[l] < count);
        const int32_t number = (int32_t)(within ? index[l] : 0.0);
        const double item = items[number];
        z[l] = (within & ((double)number == index[l])) ? item : (double)NAN;
    }
}
