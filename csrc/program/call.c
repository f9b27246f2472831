/* call.c: functions that programs call back, at work: rows gathered, handed over, and their results put in place. */
#include "program/call.h"

#include "graph/graph.h"
#include "program/failure.h"
#include "program/growth.h"

#include <math.h>
#include <string.h>

/* -- life --------------------------------------------------------------------------------------- */

/* What has the rule is the sealed node behind a result. So nothing comes back to a call, and what goes forward ends here. */
static pg_status derive(pg_way way, pg_node *n, pg_node *const *given, const uint8_t *wanted, pg_node **out)
{
    (void)given, (void)wanted;
    if (way == PG_REVERSE)
        return PG_RULED;
    for (size_t k = 0; k < n->of.many->rule->results; k++)
        out[k] = NULL;
    return PG_OK;
}

static void destroy(pg_several *rule)
{
    pg_call *call = (pg_call *)rule;
    call->let_go(call->what);
    pg_free((void *)(uintptr_t)call->name);
    pg_free(call);
}

const pg_several_kind pg_call_kind = {derive, destroy, NULL};

pg_call *pg_call_make(size_t operands, int conditional, size_t results, const char *name, pg_call_function *run,
                      void (*let_go)(void *what), void *what)
{
    pg_call *call = pg_alloc(1, sizeof *call);
    char *copy = call == NULL ? NULL : pg_copied(name, strlen(name) + 1, 1);
    if (copy == NULL) {
        pg_free(call);
        let_go(what);
        return NULL;
    }
    *call = (pg_call){{&pg_call_kind, operands, results, 1}, run, let_go, what, copy, 0, conditional};
    return call;
}

pg_node *pg_call_node(const pg_call *call, pg_node *const *operands, const double *numbers, pg_node **items)
{
    pg_node *n = pg_born(pg_compute_several((pg_several *)(uintptr_t)&call->base, operands, 1.0));
    for (size_t k = 0; k < call->base.results; k++) {
        items[k] = n == NULL ? NULL : pg_born(pg_compute_item(n, k, numbers == NULL ? 0.5 : numbers[k]));
        if (items[k] == NULL) {
            while (k-- > 0)
                pg_release(items[k]);
            if (n != NULL)
                pg_release(n);
            return NULL;
        }
    }
    return n;
}

/* -- at work ------------------------------------------------------------------------------------ */

/* Numbers for so many rows: operands, and behind them results. NULL with the failure noted. */
static double *numbers_for(const pg_call *call, size_t rows)
{
    double *numbers = pg_alloc((call->base.operands + call->base.results) * rows + 1, sizeof *numbers);
    if (numbers == NULL)
        pg_loop_fail(LACKS_MEMORY, SIZE_MAX, 0.0);
    return numbers;
}

/* Runs it; false if it was stopped, with the failure noted. */
static int run(const pg_call *call, const double *operands, size_t rows, double *results, size_t *first, size_t *last)
{
    const int outcome = call->run(call, operands, rows, results, first, last);
    if (outcome == 1)
        return 1;
    return pg_loop_fail(outcome == 0 ? RAISED : ASKED, SIZE_MAX, 0.0);
}

int pg_call_uniform(const pg_program *p, const pg_instruction *in, double *uniforms)
{
    const pg_call *call = p->loops[in->a];
    const size_t count = pg_given_to(call);
    double *operands = numbers_for(call, 1), *results = operands + count;
    size_t first, last;
    if (operands == NULL)
        return 0;
    if (call->conditional && uniforms[p->terms[in->first + count].a] == 0.0) {
        for (size_t k = 0; k < call->base.results; k++)
            uniforms[in->out + k] = NAN;
        pg_free(operands);
        return 1;
    }
    for (size_t k = 0; k < count; k++)
        operands[k] = uniforms[p->terms[in->first + k].a];
    const int done = run(call, operands, 1, results, &first, &last);
    if (done)
        memcpy(uniforms + in->out, results, call->base.results * sizeof *results);
    pg_free(operands);
    return done;
}

/* Whether a lane with a row of its own is handed over. when: the operand that says so, or NULL. */
static int is_wanted(const block *rows, const pg_term *when, size_t l)
{
    const double *lanes = rows->lanes;
    if (when != NULL && (when->a & PG_ROW ? LANE(when->a)[l] : rows->uniforms[when->a]) == 0.0)
        return 0;
    if (rows->staying != rows->count && rows->batch->left[rows->first + l] != UINT32_MAX)
        return 0;
    for (const block *b = rows; b != NULL; b = b->around)
        if (b->mask != NULL && b->mask[l] == 0)
            return 0;
    return 1;
}

/* Results of the lanes that were handed over, nan in others; lanes without a row repeat the last one. */
static void scatter(const block *rows, const size_t *wanted, size_t count, const double *from, double *into)
{
    for (size_t l = 0; l < rows->count; l++)
        into[l] = NAN;
    for (size_t i = 0; i < count; i++)
        into[wanted[i]] = from[i];
    for (size_t l = rows->count; l < rows->width; l++)
        into[l] = into[rows->count - 1];
}

int pg_call_lanes(const pg_program *p, const pg_instruction *in, block *rows)
{
    const pg_call *call = p->loops[in->a];
    const size_t operand_count = pg_given_to(call);
    const pg_term *when = call->conditional ? &p->terms[in->first + operand_count] : NULL;
    const double *lanes = rows->lanes;
    size_t wanted[PG_LANES], count = 0, first = 0, last = 0;
    for (size_t l = 0; l < rows->count; l++)
        if (is_wanted(rows, when, l))
            wanted[count++] = l;
    double *operands = numbers_for(call, count), *results = operands + operand_count * count;
    rows->failed = operands == NULL;
    for (size_t k = 0; !rows->failed && k < operand_count; k++) {
        const pg_slot slot = p->terms[in->first + k].a;
        for (size_t i = 0; i < count; i++)
            operands[k * count + i] = slot & PG_ROW ? LANE(slot)[wanted[i]] : rows->uniforms[slot];
    }
    if (!rows->failed && count != 0 && !run(call, operands, count, results, &first, &last)) {
        pg_loop_failed_in(row_of(rows->batch, rows->first + wanted[first]),
                          (double)row_of(rows->batch, rows->first + wanted[last]));
        rows->failed = 1;
    }
    for (size_t k = 0; !rows->failed && k < call->base.results; k++)
        scatter(rows, wanted, count, results + k * count, rows->lanes + (size_t)((in->out & ~PG_ROW) + k) * PG_LANES);
    pg_free(operands);
    return !rows->failed;
}
