/* lanepowpass.h: what passes over whole blocks look up in the tables of powers, for each set of vector instructions, apart from
 * those that vectorise. Included by lanepowblock.h and lanegamma.h. */

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
