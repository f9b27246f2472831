/* derived.c: loops differentiated. */
#include "program/derived.h"

#include "graph/graph.h"
#include "graph/suppressed.h"
#include "program/growth.h"
#include "program/made.h"
#include "program/reach.h"
#include "program/unfold.h"

#include <string.h>

static pg_loop *loop_of(const pg_several *rule)
{
    return (pg_loop *)(uintptr_t)rule;
}

/* Fresh nodes of a body: leaves for its inputs, and its results. */
typedef struct {
    pg_node **leaves, **results;
    size_t leaf_count, result_count;
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
    for (size_t i = 0; i < count; i++) {
        if ((nodes[i] = pg_born(pg_leaf(0.5))) == NULL)
            return PG_NO_MEMORY;
        nodes[i]->flags |= pg_flags_of_inputs;
    }
    return PG_OK;
}

static pg_status unfold(const pg_body *b, unfolded *u)
{
    const size_t inputs = b->state + b->captured + b->scan.given + b->scan.known;
    *u = (unfolded){0};
    u->leaves = pg_no_nodes(inputs);
    u->results = pg_no_nodes(b->flat->outputs);
    if (u->leaves == NULL || u->results == NULL)
        return PG_NO_MEMORY;
    u->leaf_count = inputs;
    u->result_count = b->flat->outputs;
    const pg_status status = fill_with_leaves(u->leaves, u->leaf_count);
    if (status != PG_OK)
        return status;
    const pg_kept *kept = pg_kept_of(b);
    return kept != NULL ? pg_unfold_kept(kept, u->leaves, u->results) : pg_unfold(b->flat, u->leaves, u->results);
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

/* How many of its parts are flagged, of the state, what is captured, what is given and what is made. */
typedef struct { size_t n, m, given, made; } parts_count;

static parts_count count_parts(const pg_body *b, const uint8_t *parts)
{
    const size_t n = b->state, m = b->captured, given = b->scan.given;
    return (parts_count){pg_count_flags(parts, n), pg_count_flags(parts + n, m), pg_count_flags(parts + n + m, given),
                         pg_count_flags(parts + n + m + given, b->scan.made)};
}

static size_t append(pg_node **to, size_t at, pg_node *const *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[at + i] = from[i];
    return at + count;
}

/* The body whose state, what it has captured, what it is given and what it makes has derivatives behind it: of the parts
 * that are flagged. */
static pg_body *forward_body(const pg_body *b, const uint8_t *parts, pg_status *status)
{
    const size_t n = b->state, m = b->captured, w = b->scan.given, v = b->scan.made;
    const size_t first_made = pg_first_made(b);
    const parts_count of = count_parts(b, parts);
    const size_t count = of.n + of.m + of.given, root_count = of.n + of.made;
    unfolded u;
    pg_body *made = NULL;
    pg_node **tangents = pg_no_nodes(count), **inputs = pg_no_nodes(count), **roots = pg_no_nodes(root_count);
    pg_node **all = pg_no_nodes(n + m + w + b->scan.known + count), **out = pg_no_nodes(root_count), *opaque;
    pg_node **outcome = pg_no_nodes(first_made + v + root_count);
    *status = unfold(b, &u);
    if (tangents == NULL || inputs == NULL || all == NULL || roots == NULL || out == NULL || outcome == NULL)
        *status = PG_NO_MEMORY;
    if (*status == PG_OK)
        *status = fill_with_leaves(tangents, count);
    if (*status == PG_OK) {
        pick(u.leaves, parts, n + m + w, inputs);
        pick(u.results, parts, n, roots);
        pick(u.results + first_made, parts + n + m + w, v, roots + of.n);
        if (root_count != 0)
            *status = go(PG_FORWARD, roots, root_count, u.leaves, u.leaf_count, inputs, count, tangents, out);
    }
    if (*status == PG_OK) {
        size_t at = append(all, 0, u.leaves, n);
        at = append(all, at, tangents, of.n);
        at = append(all, at, u.leaves + n, m);
        at = append(all, at, tangents + of.n, of.m);
        at = append(all, at, u.leaves + n + m, w);
        at = append(all, at, tangents + of.n + of.m, of.given);
        append(all, at, u.leaves + n + m + w, b->scan.known);
        at = append(outcome, 0, u.results, n);
        at = append(outcome, at, out, of.n);
        at = append(outcome, at, u.results + n, first_made - n + v);
        at = append(outcome, at, out + of.n, of.made);
        pg_scan scan = b->scan;
        scan.given += of.given;
        scan.made += of.made;
        made = pg_scan_body(all, n + of.n, m + of.m, outcome, at, b->counts, b->most, &scan, status, &opaque);
    }
    pg_release_all(out, root_count);
    pg_release_all(tangents, count);
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
    const size_t n = b->state, m = b->captured, w = b->scan.given, v = b->scan.made;
    const parts_count of = count_parts(b, parts);
    const size_t k = of.n + of.m, root_count = k + of.made, input_count = k + of.given;
    unfolded u;
    pg_body *made = NULL;
    pg_node **seeds = pg_no_nodes(root_count), **roots = pg_no_nodes(root_count);
    pg_node **inputs = pg_no_nodes(input_count), **out = pg_no_nodes(input_count);
    pg_node **all = pg_no_nodes(root_count + n + m + w + b->scan.known), *opaque;
    *status = unfold(b, &u);
    if (seeds == NULL || inputs == NULL || roots == NULL || out == NULL || all == NULL)
        *status = PG_NO_MEMORY;
    if (*status == PG_OK)
        *status = fill_with_leaves(seeds, root_count);
    if (*status == PG_OK) {
        pick(u.leaves, parts, n + m + w, inputs);
        pick(u.results, parts, n, roots);
        pick(u.leaves + n, parts + n, m, roots + of.n);
        pick(u.results + pg_first_made(b), parts + n + m + w, v, roots + k);
        *status = go(PG_REVERSE, roots, root_count, u.leaves, u.leaf_count, inputs, input_count, seeds, out);
    }
    if (*status == PG_OK) {
        size_t at = append(all, 0, seeds, k);
        at = append(all, at, u.leaves, n + m + w);
        at = append(all, at, seeds + k, of.made);
        append(all, at, u.leaves + n + m + w, b->scan.known);
        pg_scan scan = b->scan;
        scan.given += of.made;
        scan.made = of.given;
        made = pg_scan_body(all, k, n + m, out, input_count, 1, b->most, &scan, status, &opaque);
    }
    pg_release_all(out, input_count);
    pg_release_all(seeds, root_count);
    pg_free((void *)seeds);
    pg_free((void *)inputs);
    pg_free((void *)roots);
    pg_free((void *)out);
    pg_free((void *)all);
    fold(&u);
    return made;
}

/* -- derived loops ------------------------------------------------------------------------------ */

/* What of the parts that are no results, the state first, operand i of a loop belongs to, which is not how long it
 * goes on. */
static size_t part_of(const pg_body *b, size_t operand)
{
    const size_t plain = b->state + 1 + b->captured;
    return operand < b->state ? operand
           : operand < plain  ? operand - 1
                              : b->state + b->captured + (operand - plain) / b->scan.length;
}

/* Nodes for each trip of the columns that are flagged, zero where there is none, behind those that are there. */
static size_t pick_columns(pg_node *const *from, const uint8_t *flags, size_t columns, size_t length, pg_node *zero,
                           pg_node **to, size_t at)
{
    for (size_t k = 0; k < columns; k++)
        for (size_t i = 0; flags[k] && i < length; i++)
            to[at++] = from[k * length + i] != NULL ? from[k * length + i] : zero;
    return at;
}

/* Whether there is any node for a trip of each column. */
static void flag_columns(pg_node *const *nodes, size_t columns, size_t length, uint8_t *flags)
{
    for (size_t k = 0; k < columns; k++) {
        flags[k] = 0;
        for (size_t i = 0; i < length; i++)
            flags[k] = (uint8_t)(flags[k] | (nodes[k * length + i] != NULL));
    }
}

/* The derivative of a loop that goes forward, by what is flagged and all that depends on it (a loop that goes back: of
 * the one whose way back it is); or the way back, with these parts. Borrowed from loop. */
static pg_loop *derived(pg_loop *loop, pg_way way, const uint8_t *parts, pg_status *status)
{
    const size_t count = pg_parts_of(loop->body);
    for (size_t i = 0; i < loop->derived_count; i++) {
        pg_loop *known = loop->derived[i];
        if (known->wanted[count] == (way == PG_REVERSE) && memcmp(known->wanted, parts, count) == 0)
            return known;
    }
    const unsigned suppressed = pg_suppressed;
    const int contracts = pg_contracts;
    pg_contracts = loop->body->contracts;
    pg_loops_idle++;
    pg_body *body = way == PG_REVERSE ? back_body(loop->body, parts, status) : forward_body(loop->body, parts, status);
    pg_loops_idle--;
    pg_contracts = contracts;
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
 * written to parts; its items, and how many there are, to *items and *item_count, which the caller frees. */
static pg_node *forward_node(pg_loop *loop, pg_node *const *operands, pg_node *const *tangents, uint8_t *parts,
                             pg_node ***items, size_t *item_count, pg_status *status)
{
    const pg_body *b = loop->body;
    const size_t n = b->state, m = b->captured, w = b->scan.given, length = b->scan.length;
    for (size_t k = 0; k < n + m; k++)
        parts[k] = tangents[k < n ? k : k + 1] != NULL;
    flag_columns(tangents + n + 1 + m, w, length, parts + n + m);
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
        at = append(all, at, operands + n + 1 + m, w * length);
        pick_columns(tangents + n + 1 + m, parts + n + m, w, length, zero, all, at);
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

/* Which parts the way back is to have: those that depend on what is wanted, and on which what has arrived depends. */
static pg_status parts_back(const pg_body *b, pg_node *const *given, const uint8_t *wanted, uint8_t *parts)
{
    const size_t n = b->state, m = b->captured, w = b->scan.given, v = b->scan.made, length = b->scan.length;
    uint8_t *after = pg_alloc(pg_parts_of(b) + 1, 1), *others = after == NULL ? NULL : after + n;
    if (after == NULL)
        return PG_NO_MEMORY;
    memset(parts, 0, pg_parts_of(b));
    for (size_t i = 0; i < pg_operands_of(b); i++)
        if (i != n && wanted[i])
            parts[part_of(b, i)] = 1;
    for (size_t k = 0; k < n; k++)
        after[k] = given[k] != NULL;
    memset(others, 0, m + w);
    flag_columns(given + n + 1, v, length, others + m + w);
    pg_status status = pg_reach_forward(b, parts);
    /* a captured number that is wanted counts where it gets to a part that is */
    if (status == PG_OK)
        status = pg_reach_back(b, after, others + m + w, others);
    for (size_t k = 0; k < pg_parts_of(b); k++)
        parts[k] = parts[k] && after[k];
    pg_free(after);
    return status;
}

/* The way back through a loop that goes forward. */
static pg_status derive_back(pg_loop *loop, pg_node *const *operands, pg_node *const *given, const uint8_t *wanted,
                             pg_node **out)
{
    const pg_body *b = loop->body;
    const size_t n = b->state, m = b->captured, w = b->scan.given, length = b->scan.length;
    uint8_t *parts = pg_alloc(pg_parts_of(b) + 1, 1);
    if (parts == NULL)
        return PG_NO_MEMORY;
    pg_status status = parts_back(b, given, wanted, parts);
    const parts_count of = count_parts(b, parts);
    pg_loop *v = status == PG_OK && of.n + of.made != 0 ? derived(loop, PG_REVERSE, parts, &status) : NULL;
    const size_t results = v == NULL ? 0 : v->base.results;
    pg_node **all = v == NULL ? NULL : pg_no_nodes(v->base.operands), **items = v == NULL ? NULL : pg_no_nodes(results);
    pg_node *zero = v == NULL ? NULL : pg_born(pg_leaf(0.0)), *made = NULL;
    if (v != NULL && (all == NULL || items == NULL || zero == NULL)) {
        status = PG_NO_MEMORY;
    } else if (v != NULL) {
        size_t at = append(all, 0, operands, pg_operands_of(b));
        for (size_t k = 0; k < n; k++)
            if (parts[k])
                all[at++] = given[k] != NULL ? given[k] : zero;
        pick_columns(given + n + 1, parts + n + m + w, b->scan.made, length, zero, all, at);
        made = pg_loop_node(v, all, items, &status);
    }
    if (made != NULL) {
        size_t at = 0;
        for (size_t i = 0; i < pg_operands_of(b); i++)
            if (i != n && parts[part_of(b, i)]) {
                if (wanted[i])
                    out[i] = taken(items, at);
                at++;
            }
        pg_release_all(items, results);
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
    const pg_body *b = loop->body;
    const size_t n = b->state, inputs = n + b->captured + b->scan.given, made = b->scan.made * b->scan.length;
    uint8_t *parts = pg_alloc(pg_parts_of(b) + 1, 1);
    pg_node **items = NULL;
    size_t count = 0;
    pg_status status = PG_NO_MEMORY;
    pg_node *j = parts == NULL ? NULL : forward_node(loop, operands, given, parts, &items, &count, &status);
    if (j != NULL) {
        size_t at = n;
        for (size_t k = 0; k < n; k++)
            if (parts[k])
                out[k] = taken(items, at++);
        at += 1 + made;
        for (size_t i = 0; i < made; i++)
            if (parts[inputs + i / b->scan.length])
                out[n + 1 + i] = taken(items, at++);
        pg_release_all(items, count);
        pg_free((void *)items);
        pg_release(j);
    }
    pg_free(parts);
    return status;
}

/* Where the forward derivative of a loop has what the loop has: operand i, its only other ones being derivatives. */
static size_t operand_of_forward(const pg_body *b, const parts_count *of, size_t i)
{
    return i < b->state ? i : i < b->state + 1 + b->captured ? i + of->n : i + of->n + of->m;
}

/* The way back through j, the forward derivative of the loop that another goes back through: what is asked of the latter
 * into out. */
static pg_status derive_through(pg_loop *loop, int reverse, pg_node *j, pg_node **items, const uint8_t *parts,
                                pg_node *const *operands, pg_node *const *given, const uint8_t *wanted, pg_node **out)
{
    const pg_body *b = loop->body;
    const size_t n = b->state, inputs = n + b->captured + b->scan.given, made = b->scan.made * b->scan.length;
    const size_t plain = pg_operands_of(b), j_operands = pg_operand_count(j);
    const parts_count of = count_parts(b, parts);
    pg_loop *through = loop_of(j->of.many->rule);
    pg_node **arrived = pg_no_nodes(through->base.results), **by = pg_no_nodes(j_operands);
    uint8_t *asked = pg_alloc(j_operands + 1, 1);
    pg_status status = arrived == NULL || by == NULL || asked == NULL ? PG_NO_MEMORY : PG_OK;
    size_t a = plain, result = 0;
    for (size_t k = 0, tangent = n; status == PG_OK && k < n + 1 + made; k++) {
        const size_t part = k < n ? k : inputs + (k == n ? 0 : (k - n - 1) / b->scan.length);
        const size_t same = k < n ? k : k + of.n;
        if (k == n) { /* the number of trips */
            tangent = n + of.n + 1 + made;
            continue;
        }
        if (loop->parts[part]) {
            if (parts[part])
                arrived[tangent] = operands[a];
            if (!reverse)
                arrived[same] = given[a];
            else if (parts[part] && wanted[a])
                out[a] = taken(items, tangent);
            a++;
        }
        tangent += parts[part];
    }
    if (status == PG_OK) {
        memset(asked, 0, j_operands + 1);
        for (size_t i = 0; i < plain; i++)
            if (i != n)
                asked[operand_of_forward(b, &of, i)] = reverse ? wanted[i] : loop->parts[part_of(b, i)];
        status = derive_back(through, j->of.many->operands, arrived, asked, by);
    }
    for (size_t i = 0; status == PG_OK && i < plain; i++) {
        if (i == n || !(reverse || loop->parts[part_of(b, i)]))
            continue;
        pg_node **found = &by[operand_of_forward(b, &of, i)];
        out[reverse ? i : result++] = *found;
        *found = NULL;
    }
    pg_release_all(by, j_operands);
    pg_free((void *)by);
    pg_free((void *)arrived);
    pg_free(asked);
    return status;
}

/* Either way through a loop that goes back: see derived.h. */
static pg_status derive_of_back(pg_loop *loop, pg_way way, pg_node *const *operands, pg_node *const *given,
                                const uint8_t *wanted, pg_node **out)
{
    const pg_body *b = loop->body;
    const size_t plain = pg_operands_of(b);
    const int reverse = way == PG_REVERSE;
    pg_node **along = pg_no_nodes(plain), **items = NULL;
    uint8_t *parts = pg_alloc(pg_parts_of(b) + 1, 1);
    size_t count = 0;
    pg_status status = PG_NO_MEMORY;
    if (along != NULL && parts != NULL) {
        /* on the way back results are derivatives by parts; forward operands are given */
        for (size_t i = 0, at = 0; i < plain; i++)
            if (i != b->state && !reverse)
                along[i] = given[i];
            else if (i != b->state && loop->parts[part_of(b, i)])
                along[i] = given[at++];
        pg_node *j = forward_node(loop, operands, along, parts, &items, &count, &status);
        if (j != NULL) {
            status = derive_through(loop, reverse, j, items, parts, operands, given, wanted, out);
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

const pg_several_kind pg_loop_kind = {derive, pg_loop_destroy, NULL};
