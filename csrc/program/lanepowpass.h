/* lanepowpass.h: x ** y on whole blocks, for each set of vector instructions, with the bits that lane_pow() has: in passes
 * that vectorise, as so long a chain of steps in one leaves a processor waiting, those that look up apart. Included by
 * lanepowblock.h and lanegamma.h. */

/* Not of const numbers: GCC would take it that those of no lane are read. */
LANE_TARGET static void LANE_NAME(look_up_logs)(uint64_t *row, double *inverse, double *log, double *low, size_t some)
{
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        inverse[i] = lane_log_rows[row[i]].inverse;
        log[i] = lane_log_rows[row[i]].log;
        low[i] = lane_log_rows[row[i]].low;
    }
}

LANE_TARGET static void LANE_NAME(look_up_powers)(uint64_t *bits, double *value, double *low, size_t some)
{
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        value[i] = lane_exp_rows[bits[i] & 127].value;
        low[i] = lane_exp_rows[bits[i] & 127].low;
    }
}

/* What is no plain power, from what has been found as if it was. */
LANE_TARGET static void LANE_NAME(lanes_power_ends)(const double *x, const double *y, double *found, size_t some)
{
    uint64_t tiny = 0;
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        found[i] = lane_power_ends(x[i], y[i], found[i]);
        tiny |= lane_to_bits(fabs(x[i]) < 0x1p-1022 ? 1.0 : 0.0);
    }
    for (size_t i = 0; tiny && i < some; i++)
        if (fabs(x[i]) < 0x1p-1022)
            found[i] = lane_pow(x[i], y[i]);
}

/* Some lanes; z may be x or y. */
LANE_TARGET static void LANE_NAME(lanes_pow_of_some)(const double *x, const double *y, double *z, size_t some)
{
    double first[LANES_AT_ONCE], second[LANES_AT_ONCE], third[LANES_AT_ONCE];
    double k[LANES_AT_ONCE], m[LANES_AT_ONCE], r[LANES_AT_ONCE], found[LANES_AT_ONCE];
    uint64_t bits[LANES_AT_ONCE] = {0}, ends = 0, beyond = 0;
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        const struct lane_log_place at = lane_log_place(fabs(x[i]));
        k[i] = at.k;
        m[i] = at.m;
        bits[i] = at.row;
        ends |= lane_to_bits(lane_is_plain_power(x[i], y[i]) ? 0.0 : 1.0);
    }
    LANE_NAME(look_up_logs)(bits, first, second, third, some);
    LANE_LOOP
    for (size_t i = 0; i < some; i++) {
        const struct lane_log_row row = {first[i], second[i], third[i]};
        const struct lane_pair log = lane_log_pair((struct lane_log_place){k[i], m[i], 0}, row);
        const struct lane_power_place to = lane_power_place_amid(y[i], log);
        r[i] = to.r;
        bits[i] = to.bits;
        beyond |= lane_to_bits(fabs(to.product) < LANE_AMID ? 0.0 : 1.0);
    }
    if (beyond) {
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const struct lane_log_row row = {first[i], second[i], third[i]};
            const struct lane_pair log = lane_log_pair((struct lane_log_place){k[i], m[i], 0}, row);
            const struct lane_power_place to = lane_power_place(y[i], log);
            k[i] = to.product;
            r[i] = to.r;
            bits[i] = to.bits;
        }
    }
    LANE_NAME(look_up_powers)(bits, first, second, some);
    if (beyond) {
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const struct lane_exp_row row = {first[i], second[i]};
            found[i] = lane_scaled(lane_power_factor(r[i], row), k[i], bits[i]);
        }
    } else {
        LANE_LOOP
        for (size_t i = 0; i < some; i++) {
            const struct lane_exp_row row = {first[i], second[i]};
            found[i] = lane_scaled_amid(lane_power_factor(r[i], row), bits[i]);
        }
    }
    if (ends)
        LANE_NAME(lanes_power_ends)(x, y, found, some);
    memcpy(z, found, some * sizeof *z);
}

LANE_TARGET static void LANE_NAME(lanes_pow)(const double *x, const double *y, double *z, size_t count)
{
    for (size_t start = 0; start < count; start += LANES_AT_ONCE)
        LANE_NAME(lanes_pow_of_some)(x + start, y + start, z + start, lanes_from(start, count));
}
