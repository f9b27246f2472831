/* kept.c: the nodes of bodies, kept for the trace that runs. */
#include "program/kept.h"

#include "graph/graph.h"

static PG_THREAD_LOCAL pg_kept *newest;

static void let_go(pg_kept *k)
{
    pg_release_all(k->inputs, k->input_count);
    pg_release_all(k->results, k->result_count);
    pg_free((void *)k->inputs);
    pg_free((void *)k->results);
    pg_free((void *)k->order);
    pg_body_release(k->body);
    pg_free(k);
}

static pg_node **held(pg_node *const *nodes, size_t count)
{
    pg_node **copy = pg_alloc(count + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++)
        copy[i] = pg_retain(nodes[i]);
    return copy;
}

pg_status pg_keep_body(pg_body *b, const pg_sweep *s, pg_node *const *inputs, size_t input_count,
                       pg_node *const *results, size_t result_count)
{
    if (pg_birth_flags == 0)
        return PG_OK;
    pg_kept *k = pg_alloc(1, sizeof *k);
    if (k == NULL)
        return PG_NO_MEMORY;
    *k = (pg_kept){.body = pg_body_retain(b),
                   .count = s->count - 1, /* without the root */
                   .input_count = input_count,
                   .result_count = result_count};
    k->order = pg_alloc(k->count + 1, sizeof *k->order);
    k->inputs = held(inputs, input_count);
    k->results = held(results, result_count);
    if (k->order == NULL || k->inputs == NULL || k->results == NULL) {
        let_go(k);
        return PG_NO_MEMORY;
    }
    for (size_t i = 0; i < k->count; i++)
        k->order[i] = s->order[i].node;
    k->next = newest;
    newest = k;
    return PG_OK;
}

const pg_kept *pg_kept_of(const pg_body *b)
{
    const pg_kept *k = newest;
    while (k != NULL && k->body != b)
        k = k->next;
    return k;
}

void pg_forget_bodies(void)
{
    while (newest != NULL) {
        pg_kept *k = newest;
        newest = k->next;
        let_go(k);
    }
}
