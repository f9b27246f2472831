/* derived.c: loops differentiated. */
#include "program/derived.h"

#include "graph/graph.h"
#include "graph/suppressed.h"
#include "program/growth.h"
#include "program/reach.h"
#include "program/unfold.h"

#include <string.h>

static pg_loop *loop_of(const pg_several *rule)
{
    return (pg_loop *)(uintptr_t)rule;
}

static size_t count_flags(const uint8_t *flags, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += flags[i] != 0;
    return found;
}

/* Fresh nodes of a body: leaves for its inputs, and its results. */
typedef struct {
    pg_node **leaves, **results;
    size_t leaf_count, result_count, n, m;
} unfolded;

static void fold(unfolded *u)
{
    pg_release_all(u->leaves, u->leaf_count);
    pg_release_all(u->results, u->result_count);
    pg_free((void *)u->leaves);
    pg_free((void *)u->results);
}

static pg_status fill_with_leaves(pg_node **nodes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((nodes[i] = pg_born(pg_leaf(0.5))) == NULL)
            return PG_NO_MEMORY;
    return PG_OK;
}

static pg_status unfold(const pg_body *b, unfolded *u)
{
    *u = (unfolded){.n = b->state, .m = b->captured};
    u->leaves = pg_no_nodes(b->state + b->captured);
    u->results = pg_no_nodes(b->flat->outputs);
    if (u->leaves == NULL || u->results == NULL)
        return PG_NO_MEMORY;
    u->leaf_count = b->state + b->captured;
    u->result_count = b->flat->outputs;
    const pg_status status = fill_with_leaves(u->leaves, u->leaf_count);
    return status == PG_OK ? pg_unfold(b->flat, u->leaves, u->results) : status;
}

/* One way over nodes: seeds go to roots on the way back, to inputs forward; what arrives is put into out, of the inputs
 * or of the roots. */
static pg_status go(pg_way way, pg_node *const *roots, size_t root_count, pg_node *const *stops, size_t stop_count,
                    pg_node *const *inputs, size_t input_count, pg_node *const *seeds, pg_node **out)
{
    pg_node *root, *opaque;
    pg_sweep *s;
    pg_adjoint *a = NULL;
    const size_t seed_count = way == PG_REVERSE ? root_count : input_count;
    double *numbers = pg_alloc(seed_count + 1, sizeof *numbers);
    if (numbers == NULL)
        return PG_NO_MEMORY;
    pg_status status = pg_sort_sum(roots, root_count, stops, stop_count, &root, &s);
    if (status == PG_OK) {
        status = pg_adjoint_open(s, inputs, input_count, &a);
        if (status == PG_OK)
            status = pg_adjoint_prepare(a, SIZE_MAX);
        for (size_t i = 0; i < seed_count; i++)
            numbers[i] = seeds[i]->value;
        if (status == PG_OK)
            status = pg_adjoint_begin(a, way, numbers, seeds);
        if (status == PG_OK)
            status = pg_adjoint_step(a, SIZE_MAX, &opaque);
        const size_t count = way == PG_REVERSE ? input_count : root_count;
        for (size_t i = 0; status == PG_OK && i < count; i++) {
            out[i] = pg_adjoint_at(a, way == PG_REVERSE ? inputs[i] : roots[i]);
            status = out[i] == NULL ? PG_NO_MEMORY : PG_OK;
        }
        pg_adjoint_close(a);
        pg_sweep_abandon(s);
        pg_release(root);
    }
    pg_free(numbers);
    return status;
}

/* Those of some nodes that are flagged, behind those that are there. */
static size_t pick(pg_node *const *from, const uint8_t *flags, size_t count, pg_node **into)
{
    size_t picked = 0;
    for (size_t i = 0; i < count; i++)
        if (flags[i])
            into[picked++] = from[i];
    return picked;
}

/* The body whose state, and what it has captured, has derivatives behind it: of the parts that are flagged. */
static pg_body *forward_body(const pg_body *b, const uint8_t *parts, pg_status *status)
{
    const size_t n = b->state, m = b->captured, n1 = count_flags(parts, n), m1 = count_flags(parts + n, m);
    const size_t results = b->flat->outputs, rest = results - n;
    unfolded u;
    pg_body *made = NULL;
    pg_node **tangents = pg_no_nodes(n1 + m1), **inputs = pg_no_nodes(n1 + m1), **all = pg_no_nodes(n + n1 + m + m1);
    pg_node **roots = pg_no_nodes(n1), **out = pg_no_nodes(n1), **outcome = pg_no_nodes(n + n1 + rest), *opaque;
    *status = unfold(b, &u);
    if (tangents == NULL || inputs == NULL || all == NULL || roots == NULL || out == NULL || outcome == NULL)
        *status = PG_NO_MEMORY;
    if (*status == PG_OK)
        *status = fill_with_leaves(tangents, n1 + m1);
    if (*status == PG_OK) {
        pick(u.leaves, parts, n + m, inputs);
        pick(u.results, parts, n, roots);
        memcpy(all, u.leaves, n * sizeof *all);
        memcpy(all + n, tangents, n1 * sizeof *all);
        memcpy(all + n + n1, u.leaves + n, m * sizeof *all);
        memcpy(all + n + n1 + m, tangents + n1, m1 * sizeof *all);
        if (n1 != 0)
            *status = go(PG_FORWARD, roots, n1, u.leaves, n + m, inputs, n1 + m1, tangents, out);
    }
    if (*status == PG_OK) {
        memcpy(outcome, u.results, n * sizeof *outcome);
        memcpy(outcome + n, out, n1 * sizeof *outcome);
        memcpy(outcome + n + n1, u.results + n, rest * sizeof *outcome);
        made = pg_body_of(all, n + n1, m + m1, outcome, n + n1 + rest, b->counts, b->most, status, &opaque);
    }
    pg_release_all(out, n1);
    pg_release_all(tangents, n1 + m1);
    pg_free((void *)tangents);
    pg_free((void *)inputs);
    pg_free((void *)all);
    pg_free((void *)roots);
    pg_free((void *)out);
    pg_free((void *)outcome);
    fold(&u);
    return made;
}

/* The body of the way back: see pg_loop. Derivatives by what is captured begin with those of the trips before. */
static pg_body *back_body(const pg_body *b, const uint8_t *parts, pg_status *status)
{
    const size_t n = b->state, m = b->captured, n1 = count_flags(parts, n), m1 = count_flags(parts + n, m);
    const size_t k = n1 + m1;
    unfolded u;
    pg_body *made = NULL;
    pg_node **seeds = pg_no_nodes(k), **inputs = pg_no_nodes(k), **roots = pg_no_nodes(k), **out = pg_no_nodes(k);
    pg_node **all = pg_no_nodes(k + n + m), *opaque;
    *status = unfold(b, &u);
    if (seeds == NULL || inputs == NULL || roots == NULL || out == NULL || all == NULL)
        *status = PG_NO_MEMORY;
    if (*status == PG_OK)
        *status = fill_with_leaves(seeds, k);
    if (*status == PG_OK) {
        pick(u.leaves, parts, n + m, inputs);
        pick(u.results, parts, n, roots);
        pick(u.leaves + n, parts + n, m, roots + n1);
        memcpy(all, seeds, k * sizeof *all);
        memcpy(all + k, u.leaves, (n + m) * sizeof *all);
        *status = go(PG_REVERSE, roots, k, u.leaves, n + m, inputs, k, seeds, out);
    }
    if (*status == PG_OK)
        made = pg_body_of(all, k, n + m, out, k, 1, b->most, status, &opaque);
    pg_release_all(out, k);
    pg_release_all(seeds, k);
    pg_free((void *)seeds);
    pg_free((void *)inputs);
    pg_free((void *)roots);
    pg_free((void *)out);
    pg_free((void *)all);
    fold(&u);
    return made;
}

/* -- derived loops ------------------------------------------------------------------------------ */

/* The derivative of a loop that goes forward, by what is flagged and all that depends on it (a loop that goes back: of
 * the one whose way back it is); or the way back, with these parts. Borrowed from loop. */
static pg_loop *derived(pg_loop *loop, pg_way way, const uint8_t *parts, pg_status *status)
{
    const size_t count = loop->body->state + loop->body->captured;
    for (size_t i = 0; i < loop->derived_count; i++) {
        pg_loop *known = loop->derived[i];
        if (known->wanted[count] == (way == PG_REVERSE) && memcmp(known->wanted, parts, count) == 0)
            return known;
    }
    const unsigned suppressed = pg_suppressed;
    pg_loops_idle++;
    pg_body *body = way == PG_REVERSE ? back_body(loop->body, parts, status) : forward_body(loop->body, parts, status);
    pg_loops_idle--;
    pg_suppressed = suppressed;
    if (body == NULL)
        return NULL;
    pg_loop *made = way == PG_REVERSE ? pg_loop_make(pg_body_retain(loop->body), body, parts)
                                      : pg_loop_make(body, NULL, NULL);
    *status = PG_NO_MEMORY;
    if (made == NULL)
        return NULL;
    made->wanted = pg_alloc(count + 1, 1);
    if (made->wanted == NULL ||
        !pg_room((void **)&loop->derived, loop->derived_count, &loop->derived_capacity, sizeof(pg_loop *))) {
        pg_loop_release(made);
        return NULL;
    }
    memcpy(made->wanted, parts, count);
    made->wanted[count] = way == PG_REVERSE;
    loop->derived[loop->derived_count++] = made;
    *status = PG_OK;
    return made;
}

/* The node of a derivative forward along tangents (by operand, NULL is 0) of the loop with these operands. Its parts are
 * written to parts; its items, of which there are 1 more than its state has, to *items, which the caller frees. */
static pg_node *forward_node(pg_loop *loop, pg_node *const *operands, pg_node *const *tangents, uint8_t *parts,
                             pg_node ***items, size_t *item_count, pg_status *status)
{
    const pg_body *b = loop->body;
    const size_t n = b->state, m = b->captured;
    for (size_t k = 0; k < n + m; k++)
        parts[k] = tangents[k < n ? k : k + 1] != NULL;
    *status = pg_reach_forward(b, parts);
    pg_loop *j = *status == PG_OK ? derived(loop, PG_FORWARD, parts, status) : NULL;
    if (j == NULL)
        return NULL;
    pg_node **all = pg_no_nodes(j->base.operands), *zero = pg_born(pg_leaf(0.0)), *made = NULL;
    *items = pg_no_nodes(j->base.results);
    *item_count = j->base.results;
    if (all == NULL || zero == NULL || *items == NULL) {
        *status = PG_NO_MEMORY;
    } else {
        size_t at = 0;
        for (size_t k = 0; k < n; k++)
            all[at++] = operands[k];
        for (size_t k = 0; k < n; k++)
            if (parts[k])
                all[at++] = tangents[k] != NULL ? tangents[k] : zero;
        for (size_t k = 0; k < m + 1; k++) /* how long it goes on comes first */
            all[at++] = operands[n + k];
        for (size_t k = 0; k < m; k++)
            if (parts[n + k])
                all[at++] = tangents[n + 1 + k];
        made = pg_loop_node(j, all, *items, status);
    }
    if (zero != NULL)
        pg_release(zero);
    pg_free((void *)all);
    if (made == NULL) {
        pg_free((void *)*items);
        *items = NULL;
    }
    return made;
}

static pg_node *taken(pg_node **items, size_t k)
{
    return pg_retain(items[k]);
}

/* The way back through a loop that goes forward. */
static pg_status derive_back(pg_loop *loop, pg_node *const *operands, pg_node *const *given, const uint8_t *wanted,
                             pg_node **out)
{
    const pg_body *b = loop->body;
    const size_t n = b->state, m = b->captured;
    uint8_t *parts = pg_alloc(3 * (n + m) + 1, 1);
    if (parts == NULL)
        return PG_NO_MEMORY;
    uint8_t *after = parts + n + m, *captured = after + n;
    for (size_t k = 0; k < n + m; k++)
        parts[k] = wanted[k < n ? k : k + 1] != 0;
    for (size_t k = 0; k < n; k++)
        after[k] = given[k] != NULL;
    memset(captured, 0, m);
    pg_status status = pg_reach_forward(b, parts);
    /* a captured number that is wanted counts where it gets to a part that is */
    if (status == PG_OK)
        status = pg_reach_back(b, after, captured);
    for (size_t k = 0; k < n; k++)
        parts[k] = parts[k] && after[k];
    for (size_t k = 0; k < m; k++)
        parts[n + k] = parts[n + k] && captured[k];
    const size_t n1 = count_flags(parts, n), k1 = n1 + count_flags(parts + n, m);
    pg_loop *v = status == PG_OK && n1 != 0 ? derived(loop, PG_REVERSE, parts, &status) : NULL;
    pg_node **all = v == NULL ? NULL : pg_no_nodes(v->base.operands), **items = v == NULL ? NULL : pg_no_nodes(k1);
    pg_node *zero = v == NULL ? NULL : pg_born(pg_leaf(0.0)), *made = NULL;
    if (v != NULL && (all == NULL || items == NULL || zero == NULL)) {
        status = PG_NO_MEMORY;
    } else if (v != NULL) {
        size_t at = n + 1 + m;
        memcpy(all, operands, at * sizeof *all);
        for (size_t k = 0; k < n; k++)
            if (parts[k])
                all[at++] = given[k] != NULL ? given[k] : zero;
        made = pg_loop_node(v, all, items, &status);
    }
    if (made != NULL) {
        size_t at = 0;
        for (size_t k = 0; k < n + m; k++)
            if (parts[k]) {
                if (wanted[k < n ? k : k + 1])
                    out[k < n ? k : k + 1] = taken(items, at);
                at++;
            }
        pg_release_all(items, k1);
        pg_release(made);
    }
    if (zero != NULL)
        pg_release(zero);
    pg_free((void *)all);
    pg_free((void *)items);
    pg_free(parts);
    return status;
}

/* Forward through a loop that goes forward. */
static pg_status derive_forward(pg_loop *loop, pg_node *const *operands, pg_node *const *given, pg_node **out)
{
    const size_t n = loop->body->state, m = loop->body->captured;
    uint8_t *parts = pg_alloc(n + m + 1, 1);
    pg_node **items = NULL;
    size_t count = 0;
    pg_status status = PG_NO_MEMORY;
    pg_node *j = parts == NULL ? NULL : forward_node(loop, operands, given, parts, &items, &count, &status);
    if (j != NULL) {
        size_t at = n;
        for (size_t k = 0; k < n; k++)
            if (parts[k])
                out[k] = taken(items, at++);
        pg_release_all(items, count);
        pg_free((void *)items);
        pg_release(j);
    }
    pg_free(parts);
    return status;
}

/* Either way through a loop that goes back: see derived.h. */
static pg_status derive_of_back(pg_loop *loop, pg_way way, pg_node *const *operands, pg_node *const *given,
                                const uint8_t *wanted, pg_node **out)
{
    const size_t n = loop->body->state, m = loop->body->captured, plain = n + 1 + m;
    const int reverse = way == PG_REVERSE;
    pg_node **along = pg_no_nodes(plain), **items = NULL;
    uint8_t *parts = pg_alloc(n + m + 1, 1);
    size_t count = 0;
    pg_status status = PG_NO_MEMORY;
    if (along != NULL &&
        parts != NULL) { /* on the way back results are derivatives by parts; forward operands are given */
        size_t at = 0;
        for (size_t k = 0; k < n + m; k++) {
            const size_t operand = k < n ? k : k + 1;
            if (!reverse)
                along[operand] = given[operand];
            else if (loop->parts[k])
                along[operand] = given[at++];
        }
        pg_node *j = forward_node(loop, operands, along, parts, &items, &count, &status);
        const size_t n1 = j == NULL ? 0 : count_flags(parts, n);
        const size_t j_operands = j == NULL ? 0 : pg_operand_count(j);
        pg_node **arrived = j == NULL ? NULL : pg_no_nodes(count), **by = j == NULL ? NULL : pg_no_nodes(j_operands);
        uint8_t *asked = j == NULL ? NULL : pg_alloc(j_operands + 1, 1);
        if (j != NULL && (arrived == NULL || by == NULL || asked == NULL))
            status = PG_NO_MEMORY;
        if (status == PG_OK) {
            memset(asked, 0, j_operands + 1);
            size_t a = 0, tangent = n;
            for (size_t k = 0; k < n; k++) {
                if (loop->parts[k]) {
                    if (parts[k])
                        arrived[tangent] = operands[plain + a];
                    if (!reverse)
                        arrived[k] = given[plain + a];
                    else if (parts[k] && wanted[plain + a])
                        out[plain + a] = taken(items, tangent);
                    a++;
                }
                tangent += parts[k];
            }
            for (size_t k = 0; k < n + m; k++) /* behind the state come derivatives of it */
                asked[k < n ? k : n1 + k + 1] = reverse ? wanted[k < n ? k : k + 1] : loop->parts[k];
            status = derive_back(loop_of(j->of.many->rule), j->of.many->operands, arrived, asked, by);
        }
        size_t result = 0;
        for (size_t k = 0; status == PG_OK && k < n + m; k++) {
            pg_node **found = &by[k < n ? k : n1 + k + 1];
            if (reverse || loop->parts[k]) {
                out[reverse ? (k < n ? k : k + 1) : result++] = *found;
                *found = NULL;
            }
        }
        pg_release_all(by, j_operands);
        pg_free((void *)by);
        pg_free((void *)arrived);
        pg_free(asked);
        if (j != NULL) {
            pg_release_all(items, count);
            pg_free((void *)items);
            pg_release(j);
        }
    }
    pg_free((void *)along);
    pg_free(parts);
    return status;
}

static pg_status derive(pg_way way, pg_node *n, pg_node *const *given, const uint8_t *wanted, pg_node **out)
{
    pg_loop *loop = loop_of(n->of.many->rule);
    pg_node *const *operands = n->of.many->operands;
    if (loop->back != NULL)
        return derive_of_back(loop, way, operands, given, wanted, out);
    return way == PG_REVERSE ? derive_back(loop, operands, given, wanted, out)
                             : derive_forward(loop, operands, given, out);
}

const pg_several_kind pg_loop_kind = {derive, pg_loop_destroy};
