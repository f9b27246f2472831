/* pattern.c: which outputs of a program depend on which inputs: where its Jacobian has structural zeros.
 *
 * What matters of a program are its joins, the places where dependences of several operands meet; a number with
 * one such operand depends on what that does. Sets of inputs go through the joins as bits of a word, 64 inputs in
 * a pass (Griewank and Walther, Evaluating Derivatives, chapter 7). Joins stand in clusters, and a pass visits
 * only clusters that its inputs reach: a banded matrix takes time linear in its size, a full one a word for 64 of
 * its numbers. */
#include "graph/stopping.h"
#include "program/growth.h"
#include "program/joins.h"

#include <string.h>

enum { INPUTS_IN_PASS = 64, CLUSTER = 64 };

static size_t places(const finder *f)
{
    return 1 + f->inputs + f->join_count;
}

static size_t clusters(const finder *f)
{
    return (f->join_count + CLUSTER - 1) / CLUSTER;
}

/* -- what reaches what --------------------------------------------------------------------------- */

/* Counts become starts: list i ends where list i + 1 will start once it is filled. */
static void add_up(uint32_t *starts, size_t count)
{
    uint32_t total = 0;
    for (size_t i = 0; i <= count; i++) {
        const uint32_t here = starts[i];
        starts[i] = total;
        total += here;
    }
}

/* After filling, starts[i] is where list i ends. */
static void set_back(uint32_t *starts, size_t count)
{
    memmove(starts + 1, starts, count * sizeof *starts);
    starts[0] = 0;
}

static size_t source_of(const finder *f, uint32_t place)
{
    return place <= f->inputs ? place - 1 : f->inputs + (place - f->inputs - 1) / CLUSTER;
}

/* One round over all uses: counts the clusters that each source reaches (items NULL) or lists them. latest has for
 * each source the cluster that was noted last. */
static void note_reached(const finder *f, uint32_t *counts, uint32_t *items, uint32_t *latest)
{
    const size_t sources = f->inputs + clusters(f);
    for (size_t i = 0; i < sources; i++)
        latest[i] = UINT32_MAX;
    for (size_t k = 0; k < f->join_count; k++) {
        const uint32_t cluster = (uint32_t)(k / CLUSTER);
        for (uint32_t i = f->joins.starts[k]; i < f->joins.starts[k + 1]; i++) {
            const size_t source = source_of(f, f->joins.items[i]);
            if (latest[source] == cluster || source == f->inputs + cluster)
                continue;
            latest[source] = cluster;
            if (items != NULL)
                items[counts[source]] = cluster;
            counts[source]++;
        }
    }
}

static int list_reached(finder *f)
{
    const size_t sources = f->inputs + clusters(f);
    uint32_t *latest = pg_alloc(sources + 1, sizeof *latest);
    f->reached.starts = pg_alloc(sources + 1, sizeof *f->reached.starts);
    int room = latest != NULL && f->reached.starts != NULL;
    if (room) {
        memset(f->reached.starts, 0, (sources + 1) * sizeof *f->reached.starts);
        note_reached(f, f->reached.starts, NULL, latest);
        add_up(f->reached.starts, sources);
        f->reached.items = pg_alloc(f->reached.starts[sources] + (size_t)1, sizeof *f->reached.items);
        room = f->reached.items != NULL;
    }
    if (room) {
        note_reached(f, f->reached.starts, f->reached.items, latest);
        set_back(f->reached.starts, sources);
    }
    pg_free(latest);
    return room;
}

static int list_results(finder *f)
{
    f->results.starts = pg_alloc(places(f) + 1, sizeof *f->results.starts);
    f->results.items = pg_alloc(f->outputs + 1, sizeof *f->results.items);
    if (f->results.starts == NULL || f->results.items == NULL)
        return 0;
    memset(f->results.starts, 0, (places(f) + 1) * sizeof *f->results.starts);
    for (size_t i = 0; i < f->outputs; i++)
        f->results.starts[f->of_output[i]]++;
    add_up(f->results.starts, places(f));
    for (size_t i = 0; i < f->outputs; i++)
        f->results.items[f->results.starts[f->of_output[i]]++] = (uint32_t)i;
    set_back(f->results.starts, places(f));
    return 1;
}

/* -- passes -------------------------------------------------------------------------------------- */

/* Notes the outputs at a place, which depend on the inputs of this pass that bits names. */
static int note_results(finder *f, size_t place, size_t base, uint64_t bits)
{
    for (uint32_t i = f->results.starts[place]; i < f->results.starts[place + 1]; i++)
        for (uint64_t left = bits; left != 0; left &= left - 1) {
            if (!pg_room((void **)&f->pairs, f->pair_count, &f->pair_capacity, sizeof *f->pairs))
                return 0;
            f->pairs[f->pair_count][0] = f->results.items[i];
            f->pairs[f->pair_count++][1] = (uint32_t)(base + (size_t)__builtin_ctzll(left));
        }
    return 1;
}

static void activate(finder *f, size_t source)
{
    for (uint32_t i = f->reached.starts[source]; i < f->reached.starts[source + 1]; i++)
        f->active[f->reached.items[i] / 64] |= UINT64_C(1) << f->reached.items[i] % 64;
}

/* All joins of a cluster, in order; false for want of memory, or if it was stopped. */
static int visit(finder *f, size_t cluster, size_t base)
{
    const size_t end = (cluster + 1) * CLUSTER < f->join_count ? (cluster + 1) * CLUSTER : f->join_count;
    uint64_t any = 0;
    for (size_t k = cluster * CLUSTER; k < end; k++) {
        uint64_t bits = 0;
        for (uint32_t i = f->joins.starts[k]; i < f->joins.starts[k + 1]; i++)
            bits |= f->bits[f->joins.items[i]];
        const size_t place = 1 + f->inputs + k;
        f->bits[place] = bits;
        any |= bits;
        if (bits != 0 && !note_results(f, place, base, bits))
            return 0;
    }
    if (any != 0)
        activate(f, f->inputs + cluster);
    return pg_goes_on(&f->work, f->joins.starts[end] - f->joins.starts[cluster * CLUSTER] + CLUSTER);
}

/* The inputs from base on: visits what they reach, and leaves all bits 0. */
static int pass(finder *f, size_t base)
{
    const size_t end = base + INPUTS_IN_PASS < f->inputs ? base + INPUTS_IN_PASS : f->inputs;
    const size_t words = (clusters(f) + 63) / 64;
    size_t visits = 0;
    for (size_t i = base; i < end; i++) {
        f->bits[1 + i] = UINT64_C(1) << (i - base);
        if (!note_results(f, 1 + i, base, f->bits[1 + i]))
            return 0;
        activate(f, i);
    }
    for (size_t w = 0; w < words; w++)
        while (f->active[w] != 0) { /* a visit activates later ones only */
            const size_t cluster = 64 * w + (size_t)__builtin_ctzll(f->active[w]);
            f->active[w] &= f->active[w] - 1;
            f->visited[visits++] = (uint32_t)cluster;
            if (!visit(f, cluster, base))
                return 0;
        }
    for (size_t i = base; i < end; i++)
        f->bits[1 + i] = 0;
    for (size_t v = 0; v < visits; v++)
        for (size_t k = f->visited[v] * (size_t)CLUSTER; k < f->join_count && k / CLUSTER == f->visited[v]; k++)
            f->bits[1 + f->inputs + k] = 0;
    return 1;
}

/* -- the whole ----------------------------------------------------------------------------------- */

static int room_for_passes(finder *f)
{
    const size_t words = (clusters(f) + 63) / 64;
    f->bits = pg_alloc(places(f), sizeof *f->bits);
    f->active = pg_alloc(words + 1, sizeof *f->active);
    f->visited = pg_alloc(clusters(f) + 1, sizeof *f->visited);
    if (f->bits == NULL || f->active == NULL || f->visited == NULL)
        return 0;
    memset(f->bits, 0, places(f) * sizeof *f->bits);
    memset(f->active, 0, (words + 1) * sizeof *f->active);
    return 1;
}

/* The pairs by output. Each output's are in ascending order of inputs, as they were found. */
static pg_pattern *pattern_of(const finder *f)
{
    pg_pattern *m = pg_alloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    *m = (pg_pattern){.rows = f->outputs, .columns = f->inputs, .count = f->pair_count};
    m->starts = pg_alloc(f->outputs + 1, sizeof *m->starts);
    m->items = pg_alloc(f->pair_count + 1, sizeof *m->items);
    if (m->starts == NULL || m->items == NULL) {
        pg_pattern_free(m);
        return NULL;
    }
    memset(m->starts, 0, (f->outputs + 1) * sizeof *m->starts);
    for (size_t i = 0; i < f->pair_count; i++)
        m->starts[f->pairs[i][0]]++;
    add_up(m->starts, f->outputs);
    for (size_t i = 0; i < f->pair_count; i++)
        m->items[m->starts[f->pairs[i][0]]++] = f->pairs[i][1];
    set_back(m->starts, f->outputs);
    return m;
}

/* 1 if all was found, 0 if there are more than most, -1 for want of memory, -2 if it was stopped. */
static int find(finder *f, size_t most)
{
    if (!pg_find_joins(f) || !room_for_passes(f) || !list_reached(f) || !list_results(f))
        return -1;
    for (size_t base = 0; base < f->inputs; base += INPUTS_IN_PASS) {
        if (!pass(f, base))
            return f->work.stopped ? -2 : -1;
        if (f->pair_count > most)
            return 0;
    }
    return 1;
}

int pg_program_pattern(const pg_program *p, size_t first, size_t inputs, size_t outputs, size_t most, pg_pattern **out)
{
    finder f = {.p = p, .first = first, .inputs = inputs, .outputs = outputs};
    if (most > INT32_MAX)
        most = INT32_MAX;
    int found = find(&f, most);
    pg_pattern *m = found == 1 ? pattern_of(&f) : NULL;
    if (found == 1 && m == NULL)
        found = -1;
    if (found == 1)
        *out = m;
    pg_free(f.uniforms);
    pg_free(f.lanes);
    pg_free(f.zero_lanes);
    pg_free(f.joins.starts);
    pg_free(f.joins.items);
    pg_free(f.of_output);
    pg_free(f.reached.starts);
    pg_free(f.reached.items);
    pg_free(f.results.starts);
    pg_free(f.results.items);
    pg_free(f.bits);
    pg_free(f.active);
    pg_free(f.visited);
    pg_free(f.pairs);
    return found;
}

void pg_pattern_free(pg_pattern *m)
{
    if (m == NULL)
        return;
    pg_free(m->starts);
    pg_free(m->items);
    pg_free(m);
}
