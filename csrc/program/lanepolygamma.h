/* lanepolygamma.h: the steps of lanepolygammaone.h on whole blocks, for one order that all lanes have. Included by lanegamma.h,
 * once for each set of vector instructions; counts are of whole eights. */

/* Numbers as pairs. */
struct LANE_NAME(pairs) { numbers high, low; };

LANE_ALWAYS struct lane_pair LANE_NAME(pair_at)(const struct LANE_NAME(pairs) * x, size_t i)
{
    return (struct lane_pair){x->high.at[i], x->low.at[i]};
}

LANE_ALWAYS void LANE_NAME(put_pair)(struct LANE_NAME(pairs) * to, size_t i, struct lane_pair x)
{
    to->high.at[i] = x.high;
    to->low.at[i] = x.low;
}

LANE_TARGET static void LANE_NAME(square)(struct LANE_NAME(pairs) * x, size_t count)
{
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const struct lane_pair y = LANE_NAME(pair_at)(x, i);
        LANE_NAME(put_pair)(x, i, lane_times_pair(y, y));
    }
}

LANE_TARGET static void LANE_NAME(square_and_multiply)(struct LANE_NAME(pairs) * x, struct LANE_NAME(pairs) * product,
                                                       size_t count)
{
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const struct lane_pair y = LANE_NAME(pair_at)(x, i), z = lane_times_pair(y, y);
        LANE_NAME(put_pair)(x, i, z);
        LANE_NAME(put_pair)(product, i, lane_times_pair(LANE_NAME(pair_at)(product, i), z));
    }
}

/* lane_whole_power() of what the first are, which become others. */
LANE_TARGET static void LANE_NAME(whole_powers)(struct LANE_NAME(pairs) * x, struct LANE_NAME(pairs) * product,
                                                unsigned n, size_t count)
{
    for (; n % 2 == 0; n /= 2)
        LANE_NAME(square)(x, count);
    memcpy(product->high.at, x->high.at, count * sizeof *x->high.at);
    memcpy(product->low.at, x->low.at, count * sizeof *x->low.at);
    while (n /= 2) {
        if (n % 2)
            LANE_NAME(square_and_multiply)(x, product, count);
        else
            LANE_NAME(square)(x, count);
    }
}

/* -- coefficients and polynomials ---------------------------------------------------------------- */

typedef double LANE_NAME(reals) __attribute__((vector_size(LANE_WIDTH * sizeof(double)), aligned(sizeof(double))));

enum { LANE_NAME(PARTS) = EIGHT / LANE_WIDTH };

#define EACH_PART_OF_EIGHT for (int k = 0; k < LANE_NAME(PARTS); k++)

/* lane_order_terms(), eight and eight */
LANE_TARGET static void LANE_NAME(order_terms)(const double *weights, const double *table, int width, double *terms)
{
    typedef LANE_NAME(reals) vec;
    for (int at = 0; at < width; at += EIGHT) {
        vec sum[LANE_NAME(PARTS)] = {{0.0}};
        for (int i = 0; i < LANE_ORDER_TERMS; i++)
            EACH_PART_OF_EIGHT sum[k] += weights[i] * *(const vec *)(table + i * width + at + k * LANE_WIDTH);
        EACH_PART_OF_EIGHT *(vec *)(terms + at + k * LANE_WIDTH) = sum[k];
    }
}

/* lane_near_terms() and lane_far_terms() */
LANE_TARGET static void LANE_NAME(near_terms)(struct lane_order *of)
{
    double weights[LANE_ORDER_TERMS];
    if (of->n < LANE_ORDERS_SMOOTH) {
        memcpy(of->near, lane_near_of_first_orders[of->n - LANE_ORDERS_FIRST], sizeof *lane_near_of_first_orders);
        return;
    }
    lane_order_weights(of->n, LANE_ORDERS_SMOOTH, weights);
    LANE_NAME(order_terms)(weights, lane_near_of_orders[0], LANE_NEAR_TERMS, of->near);
}

LANE_TARGET static void LANE_NAME(far_terms)(struct lane_order *of)
{
    double weights[LANE_ORDER_TERMS];
    lane_order_weights(of->n, LANE_ORDERS_FIRST, weights);
    LANE_NAME(order_terms)(weights, lane_far_of_orders[0], LANE_FAR_TERMS, of->far_terms);
}

/* lane_terms_at() */
LANE_TARGET static void LANE_NAME(terms_at)(const double *terms, int terms_count, const double *t, double *z,
                                            size_t count)
{
    typedef LANE_NAME(reals) vec;
    for (size_t at = 0; at < count; at += EIGHT) {
        vec x[LANE_NAME(PARTS)], square[LANE_NAME(PARTS)], fourth[LANE_NAME(PARTS)], sum[LANE_NAME(PARTS)] = {{0.0}};
        EACH_PART_OF_EIGHT
        {
            x[k] = *(const vec *)(t + at + k * LANE_WIDTH);
            square[k] = x[k] * x[k];
            fourth[k] = square[k] * square[k];
        }
        for (int i = terms_count - 4; i >= 0; i -= 4) {
            const vec none = {0.0}, a = terms[i] - none, b = terms[i + 1] - none, c = terms[i + 2] - none,
                      d = terms[i + 3] - none;
            EACH_PART_OF_EIGHT
            {
                const vec cubic = LANE_FMA(square[k], LANE_FMA(x[k], d, c), LANE_FMA(x[k], b, a));
                sum[k] = LANE_FMA(fourth[k], sum[k], cubic);
            }
        }
        EACH_PART_OF_EIGHT *(vec *)(z + at + k * LANE_WIDTH) = sum[k];
    }
}

/* -- sums ---------------------------------------------------------------------------------------- */

/* A sum for each lane, scaled, as pairs: what lane_scaled_pair_by() gives. */
LANE_TARGET static void LANE_NAME(sums_above)(struct lane_order *of, const double *x, const double *low,
                                              struct LANE_NAME(pairs) * z, size_t count)
{
    struct LANE_NAME(pairs) part, base, power;
    numbers r, k, near_at, far_at, near, far;
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const struct lane_sum_place at = lane_sum_place(of, x[i], low[i]);
        LANE_NAME(put_pair)(&part, i, at.over.part);
        LANE_NAME(put_pair)(&base, i, at.over.part);
        r.at[i] = at.over.r;
        k.at[i] = at.over.k;
        near_at.at[i] = at.near;
        far_at.at[i] = at.far;
    }
    if (LANE_NAME(some_are_below)(x, count, of->far)) {
        LANE_NAME(near_terms)(of);
        LANE_NAME(terms_at)(of->near, lane_near_count(of), near_at.at, near.at, count);
    }
    LANE_NAME(far_terms)(of);
    LANE_NAME(terms_at)(of->far_terms, LANE_FAR_TERMS, far_at.at, far.at, count);
    LANE_NAME(whole_powers)(&base, &power, of->n, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const struct lane_reciprocal over = {r.at[i], k.at[i], LANE_NAME(pair_at)(&part, i)};
        const struct lane_scaled_sum sum = lane_sum_above(of, x[i], over, LANE_NAME(pair_at)(&power, i), near.at[i],
                                                          far.at[i]);
        LANE_NAME(put_pair)(z, i, lane_scaled_pair_by(sum));
    }
}

/* Reciprocals to a whole power. */
LANE_TARGET static void LANE_NAME(powers_below)(const struct LANE_NAME(pairs) * x, unsigned n, double *k,
                                                struct LANE_NAME(pairs) * z, size_t count)
{
    struct LANE_NAME(pairs) part;
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const struct lane_reciprocal over = lane_reciprocal(x->high.at[i], x->low.at[i]);
        LANE_NAME(put_pair)(&part, i, over.part);
        k[i] = over.k;
    }
    LANE_NAME(whole_powers)(&part, z, n, count);
}

/* Of lanes with an x <= 0, or nan, from the sums above. */
LANE_TARGET static void LANE_NAME(polygammas_below)(const struct lane_order *of, const double *x,
                                                    const struct LANE_NAME(pairs) * above, double *z, size_t count)
{
    struct LANE_NAME(pairs) q, away, power, other;
    numbers part, k, k_other, square, apart;
    double terms[LANE_APART_TERMS];
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        part.at[i] = lane_part_of(x[i]);
        const double size = fabs(part.at[i]), distance = fma(-2.0, size, 1.0);
        LANE_NAME(put_pair)(&q, i, (struct lane_pair){size, 0.0});
        LANE_NAME(put_pair)(&away, i, lane_one_less(size));
        square.at[i] = distance * distance;
    }
    lane_order_apart(of, terms);
    LANE_NAME(terms_at)(terms, LANE_APART_TERMS, square.at, apart.at, count);
    LANE_NAME(powers_below)(&q, of->n + 1, k.at, &power, count);
    LANE_NAME(powers_below)(&away, of->n + 1, k_other.at, &other, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const struct lane_scaled_sum about = lane_sum_about(of, k.at[i], k_other.at[i], LANE_NAME(pair_at)(&power, i),
                                                            LANE_NAME(pair_at)(&other, i));
        const double found = lane_sum_below(of, part.at[i], lane_scaled_pair_by(about), apart.at[i],
                                            LANE_NAME(pair_at)(above, i));
        z[i] = lane_polygamma_order_ends(of, x[i], found);
    }
}

/* Of an order from LANE_ORDERS_FIRST to LANE_ORDERS_LAST: all lanes above 0, and those that are not once more, together. */
LANE_TARGET static void LANE_NAME(polygammas_of_order)(double n, const double *x, double *z, size_t count)
{
    struct lane_order of;
    struct LANE_NAME(pairs) above;
    numbers a, low;
    uint64_t below[LANES_AT_ONCE], many = 0;
    lane_order_begin(&of, n);
    LANE_LOOP
    for (size_t i = 0; i < count; i++) {
        const struct lane_pair less = lane_one_less(x[i]);
        a.at[i] = x[i] > 0.0 ? x[i] : less.high;
        low.at[i] = x[i] > 0.0 ? 0.0 : less.low;
        below[i] = lane_to_bits(x[i] > 0.0 ? 0.0 : 1.0) >> 61 & 1;
        many += below[i];
    }
    LANE_NAME(sums_above)(&of, a.at, low.at, &above, count);
    LANE_LOOP
    for (size_t i = 0; i < count; i++)
        z[i] = lane_polygamma_order_ends(&of, x[i], above.high.at[i]);
    if (many == 0)
        return;
    struct LANE_NAME(pairs) sums;
    numbers some, found;
    uint8_t places[LANES_AT_ONCE];
    places_of(below, count, places);
    for (size_t i = 0; i < whole_eights(many); i++) {
        const size_t place = places[i < many ? i : 0];
        some.at[i] = x[place];
        LANE_NAME(put_pair)(&sums, i, LANE_NAME(pair_at)(&above, place));
    }
    LANE_NAME(polygammas_below)(&of, some.at, &sums, found.at, whole_eights(many));
    for (size_t i = 0; i < many; i++)
        z[places[i]] = found.at[i];
}

#undef EACH_PART_OF_EIGHT
