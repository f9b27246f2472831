/* order.c: values, guards and results, one after the other; of rows with what is ready in between. */
#include "program/order.h"

#include "graph/sweep.h"
#include "program/growth.h"

#include <string.h>

static pg_parts parts_of(const pg_order *o, uint32_t result)
{
    const uint32_t whole = o->results[result];
    const draft *d = o->d;
    const value *v = &d->values[whole];
    if (!pg_is_total(o, result))
        return (pg_parts){whole, NONE, 0, NONE, 0};
    if (!v->row)
        return (pg_parts){NONE, NONE, 0, whole, 0};
    if (v->uses == 1 && is_product(v))
        return (pg_parts){v->a, v->b, v->op == PG_OP_mul0, NONE, 0};
    if (v->uses == 1 && v->op == PG_OP_neg)
        return (pg_parts){v->a, NONE, 0, NONE, 1};
    if (v->uses == 1 && v->op == PG_CODE_FUSED && v->head != NONE && v->head == v->tail && !is_row(d, v->a)) {
        const draft_term *t = &d->terms[v->head];
        if (is_row(d, t->a) && is_row(d, t->b) && !t->subtracted)
            return (pg_parts){t->a, t->b, t->absorbing != 0, v->a, 0};
    }
    return (pg_parts){whole, NONE, 0, NONE, 0};
}

static int is_guard_of_rows(const pg_order *o, uint32_t g)
{
    return is_row(o->d, o->guards[2 * g]) || is_row(o->d, o->guards[2 * g + 1]);
}

static int is_leaf(const value *v)
{
    return v->op == INPUT || v->op == LIVE || v->op == CONSTANT;
}

/* Whether there are instructions for results: a body that has no rows leaves them in its uniforms. */
static int gives_out(const pg_order *o)
{
    if (!o->trace->body)
        return 1;
    for (size_t i = 0; i < o->trace->sweep->stops; i++)
        if (o->trace->rows[i])
            return 1;
    return 0;
}

/* How many guards come before each value, as what is called back is to run behind them; NULL where that is 0 for all, as
 * mostly, or for want of memory. Caller owns. */
static uint32_t *guards_before(draft *d)
{
    int any = 0;
    for (uint32_t i = d->last_call; i != NONE; i = d->values[i].next)
        any = any || d->loops[d->values[i].users].guards != 0;
    uint32_t *before = any ? pg_alloc(d->count, sizeof *before) : NULL;
    if (any && before == NULL)
        draft_lacks_memory(d);
    if (before != NULL) /* constants may have larger numbers than what uses them */
        memset(before, 0, d->count * sizeof *before);
    for (size_t i = 0; before != NULL && i < d->count; i++) {
        const value *v = &d->values[i];
        const uint32_t operands[3] = {v->a, v->b, v->c};
        const int leaf = is_leaf(v);
        uint32_t most = v->op == PG_CODE_CALL ? d->loops[v->users].guards : 0;
        for (int k = 0; k < 3 && !leaf; k++)
            if (operands[k] != NONE && before[operands[k]] > most)
                most = before[operands[k]];
        for (uint32_t t = leaf ? NONE : v->head; t != NONE; t = d->terms[t].next) {
            most = before[d->terms[t].a] > most ? before[d->terms[t].a] : most;
            if (d->terms[t].b != NONE && before[d->terms[t].b] > most)
                most = before[d->terms[t].b];
        }
        before[i] = most;
    }
    return before;
}

/* The least number of guards beyond those of a stage that come before a value; NONE if there are no more. */
static uint32_t next_stage(const pg_order *o, uint32_t stage)
{
    uint32_t least = NONE;
    for (size_t i = 0; o->before != NULL && i < o->d->count; i++)
        if (o->before[i] > stage && o->before[i] < least)
            least = o->before[i];
    return least;
}

/* -- what is ready ------------------------------------------------------------------------------- */

/* Who uses what, among the items of rows: those values, then results, then guards, each with a number of its own. Most values of
 * a draft are not of rows, or not needed any more: the tables have the others alone. */
typedef struct {
    uint32_t value;        /* its number in the draft */
    uint32_t first, users; /* so many items use it: from users[first] on */
    uint32_t rest;         /* so many of these are not listed */
    uint32_t met;          /* 1 + the item that was last seen to use it */
} row_value;

typedef struct {
    pg_order *o;
    row_value *rows;
    uint32_t count, items; /* of values, and of all */
    uint32_t *users;
    uint32_t *left;        /* for each item: so many of its operands are not listed; LISTED once it is */
    uint32_t *waiting;     /* values that may be next, the last one first */
    size_t wait_count, wait_capacity;
    int gives_results;     /* they may be listed: all guards of rows are */
    int frees;             /* the value that is looked at is the last to use another */
} pg_ready;

enum { LISTED = NONE };

/* Of a value or a guard. */
static uint32_t number_of_item(const pg_ready *r, item it)
{
    return it.kind == ITEM_VALUE ? r->o->d->values[it.at].place
                                 : r->count + (uint32_t)r->o->trace->output_count + it.at;
}

static item item_of_number(const pg_ready *r, uint32_t number)
{
    const uint32_t results = (uint32_t)r->o->trace->output_count;
    if (number < r->count)
        return (item){ITEM_VALUE, r->rows[number].value};
    number -= r->count;
    return number < results ? (item){ITEM_RESULT, number} : (item){ITEM_GUARD, number - results};
}

/* A value of rows that an item uses, and has not been seen to; or NULL. */
static row_value *newly_used(const pg_ready *r, uint32_t v, uint32_t at)
{
    const value *used = &r->o->d->values[v];
    row_value *row = used->row ? &r->rows[used->place] : NULL;
    if (row == NULL || row->met == at + 1)
        return NULL;
    row->met = at + 1;
    return row;
}

static void count_use(void *with, uint32_t v, uint32_t at)
{
    pg_ready *r = with;
    row_value *used = newly_used(r, v, at);
    if (used == NULL)
        return;
    used->rest++;
    r->left[at] += (uint32_t)!is_leaf(&r->o->d->values[v]);
}

static void note_user(void *with, uint32_t v, uint32_t at)
{
    pg_ready *r = with;
    row_value *used = newly_used(r, v, at);
    if (used != NULL)
        r->users[used->first + used->users++] = at;
}

PG_INLINE void each_item(pg_ready *r, void (*visit)(void *with, uint32_t v, uint32_t at))
{
    const pg_order *o = r->o;
    for (uint32_t i = 0; i < r->count; i++)
        r->rows[i].met = 0;
    for (uint32_t i = (uint32_t)o->row_leaves; i < r->items && goes_on(o->d); i++)
        pg_each_use(o, item_of_number(r, i), visit, r, i);
}

/* False for want of memory. The caller closes it either way. */
static int ready_open(pg_ready *r, pg_order *o)
{
    const size_t count = o->row_count, items = count + o->trace->output_count + o->trace->guard_count;
    *r = (pg_ready){.o = o, .count = (uint32_t)count, .items = (uint32_t)items};
    r->rows = pg_alloc(count + 1, sizeof *r->rows);
    r->left = pg_alloc(items + 1, sizeof *r->left);
    if (r->rows == NULL || r->left == NULL)
        return 0;
    memset(r->left, 0, items * sizeof *r->left);
    for (size_t i = 0; i < count; i++)
        r->rows[i] = (row_value){.value = o->row_values[i]};
    each_item(r, count_use);
    size_t uses = 0;
    for (size_t i = 0; i < count; i++) {
        r->rows[i].first = (uint32_t)uses;
        uses += r->rows[i].rest;
    }
    r->users = pg_alloc(uses + 1, sizeof *r->users);
    if (r->users == NULL || uses > NONE)
        return 0;
    each_item(r, note_user);
    for (size_t i = 0; i < count; i++)
        r->rows[i].met = 0;
    return 1;
}

static void ready_close(pg_ready *r)
{
    pg_free(r->rows);
    pg_free(r->users);
    pg_free(r->left);
    pg_free(r->waiting);
}

/* Of a value that is ready, as long as it may not come before something else has. */
static void let_wait(pg_ready *r, uint32_t number)
{
    if (!pg_room((void **)&r->waiting, r->wait_count, &r->wait_capacity, sizeof *r->waiting)) {
        draft_lacks_memory(r->o->d);
        return;
    }
    r->waiting[r->wait_count++] = number;
}

/* One of its users is listed: of two, the other one will leave its lanes to others. */
static void used_once(void *with, uint32_t v, uint32_t at)
{
    pg_ready *r = with;
    row_value *used = newly_used(r, v, at);
    if (used == NULL || --used->rest != 1)
        return;
    const uint32_t *users = &r->users[used->first];
    for (uint32_t u = 0; u < used->users; u++)
        if (r->left[users[u]] == 0 && users[u] < r->count)
            let_wait(r, users[u]);
}

static void list_item(pg_order *o, item it)
{
    o->items[o->count++] = it;
    if (it.kind == ITEM_VALUE)
        o->last[it.at] = 0;
}

static void list_result(pg_ready *r, uint32_t number)
{
    const item it = item_of_number(r, number);
    list_item(r->o, it);
    r->left[number] = LISTED;
    pg_each_use(r->o, it, used_once, r, number);
}

/* A result that is ready. If it is not added up it waits for those that are written together with it. */
static void list_ready_result(pg_ready *r, uint32_t number)
{
    const uint32_t values = r->count, all = values + (uint32_t)r->o->trace->output_count;
    const uint32_t first = number - (number - values) % PG_TOGETHER;
    const uint32_t end = all - first < PG_TOGETHER ? all : first + PG_TOGETHER;
    if (pg_is_total(r->o, number - values)) {
        list_result(r, number);
        return;
    }
    for (uint32_t i = first; i < end; i++)
        if (r->left[i] != 0 && !pg_is_total(r->o, i - values))
            return;
    for (uint32_t i = first; i < end; i++)
        if (!pg_is_total(r->o, i - values))
            list_result(r, i);
}

/* What a value or guard that is listed makes ready: results are listed, too, if they may be, and values wait. */
static void was_listed(pg_ready *r, item it)
{
    const uint32_t number = number_of_item(r, it);
    r->left[number] = LISTED;
    pg_each_use(r->o, it, used_once, r, number);
    if (it.kind != ITEM_VALUE)
        return;
    const uint32_t *users = &r->users[r->rows[number].first], count = r->rows[number].users;
    for (uint32_t u = count; u-- != 0;)
        if (--r->left[users[u]] == 0 && users[u] < r->count)
            let_wait(r, users[u]);
    for (uint32_t u = 0; u < count && r->gives_results; u++)
        if (r->left[users[u]] == 0 && users[u] >= r->count)
            list_ready_result(r, users[u]);
}

/* All guards of rows are listed: so may results be. */
static void give_results(pg_ready *r)
{
    const uint32_t end = r->count + (uint32_t)r->o->trace->output_count;
    r->gives_results = 1;
    for (uint32_t i = r->count; i < end; i++)
        if (r->left[i] == 0)
            list_ready_result(r, i);
}

static void look_for_last_use(void *with, uint32_t v, uint32_t at)
{
    pg_ready *r = with;
    const value *used = &r->o->d->values[v];
    (void)at;
    r->frees |= used->row && r->rows[used->place].rest == 1;
}

/* Whether a value is the last to use another, and may be listed. What is called back is not, and its items stand where it
 * does; anything else may, whichever stage it is of: it has its operands. */
static int may_come(pg_ready *r, uint32_t i)
{
    const pg_order *o = r->o;
    const value *v = &o->d->values[i];
    if (o->last[i] != NONE || pg_is_several(v->op) || v->op == ITEM)
        return 0;
    r->frees = 0;
    pg_each_use(o, (item){ITEM_VALUE, i}, look_for_last_use, r, i);
    return r->frees;
}

/* -- listing ------------------------------------------------------------------------------------- */

/* A value, and the one that costs little beside it. */
static void list_value(pg_order *o, pg_ready *r, uint32_t i)
{
    const value *v = &o->d->values[i];
    const uint32_t partner = pg_partner(v->op) < 0 ? NONE : pg_draft_find(o->d, pg_partner(v->op), v->a, v->b);
    const int both = partner != NONE && o->d->values[partner].needed && o->last[partner] == NONE;
    list_item(o, (item){ITEM_VALUE, i});
    if (both)
        list_item(o, (item){ITEM_VALUE, partner});
    if (r != NULL)
        was_listed(r, (item){ITEM_VALUE, i});
    if (r != NULL && both)
        was_listed(r, (item){ITEM_VALUE, partner});
}

/* What waits and may come, and what then may. */
static void list_waiting(pg_order *o, pg_ready *r)
{
    while (r != NULL && r->wait_count != 0 && goes_on(o->d)) {
        const uint32_t i = r->rows[r->waiting[--r->wait_count]].value;
        if (may_come(r, i))
            list_value(o, r, i);
    }
}

/* The guards before number beyond whose sides are among the values before end. */
static void list_guards(pg_order *o, pg_ready *r, int row, uint32_t end, uint32_t beyond, uint32_t *next)
{
    while (*next < o->trace->guard_count && *next < beyond && o->guards[2 * *next] < end &&
           o->guards[2 * *next + 1] < end) {
        const item it = {ITEM_GUARD, (*next)++};
        if (is_guard_of_rows(o, it.at) != row)
            continue;
        list_item(o, it);
        if (r != NULL)
            was_listed(r, it);
    }
    if (r != NULL && !r->gives_results && *next == o->trace->guard_count)
        give_results(r);
}

/* Values before which so many guards come, and guards before the one beyond, from *next on. Choices by one condition stay
 * together: see choose() in lanes.h. */
static void list_stage(pg_order *o, pg_ready *r, int row, uint32_t stage, uint32_t beyond, uint32_t *next)
{
    const size_t count = row ? o->row_count : o->uniform_count;
    for (size_t k = row ? o->row_leaves : 0; k < count && goes_on(o->d); k++) {
        const uint32_t i = row ? o->row_values[k] : o->uniform_values[count - 1 - k];
        const value *v = &o->d->values[i];
        list_guards(o, r, row, i, beyond, next);
        if ((o->before != NULL && o->before[i] != stage) || o->last[i] != NONE)
            continue;
        if (v->op != PG_OP_where)
            list_waiting(o, r);
        if (o->last[i] == NONE)
            list_value(o, r, i);
    }
    if (o->d->failed == PG_OK)
        list_guards(o, r, row, (uint32_t)o->d->count, beyond, next);
    list_waiting(o, r);
}

static void list_stages(pg_order *o, pg_ready *r, int row)
{
    uint32_t next = 0;
    for (uint32_t stage = 0; stage != NONE;) {
        const uint32_t beyond = next_stage(o, stage);
        list_stage(o, r, row, stage, beyond, &next);
        stage = beyond;
    }
}

/* What is called back behind a guard, and what depends on that, makes another stage: a row that leaves there is never handed
 * over. In a body results stay where they are, behind all else. */
void pg_order_list(pg_order *o, int row)
{
    pg_ready ready, *r = row && o->d->rows && o->trace->optimise && !o->trace->body ? &ready : NULL;
    o->count = 0;
    if (r != NULL && !ready_open(r, o))
        draft_lacks_memory(o->d);
    if (o->d->failed == PG_OK)
        list_stages(o, r, row);
    for (uint32_t i = 0; row && gives_out(o) && i < o->trace->output_count; i++)
        if (r == NULL || o->d->failed != PG_OK)
            list_item(o, (item){ITEM_RESULT, i});
    if (r != NULL)
        ready_close(r);
}

/* What is left to be done: what is of rows, leaves in front, and what is computed once. Both share one array, from its two ends
 * on, as both together are no more than all values. */
static void sort_out(pg_order *o)
{
    for (uint32_t i = 0; i < o->d->count; i++) {
        value *v = &o->d->values[i];
        if (!v->needed)
            continue;
        o->last[i] = NONE;
        if (v->row) {
            v->place = (uint32_t)o->row_count;
            o->row_leaves += (size_t)is_leaf(v);
            o->row_values[o->row_count++] = i;
        } else if (!is_leaf(v)) {
            o->uniform_count++;
            *--o->uniform_values = i;
        } else {
            o->constant_count += v->op == CONSTANT;
        }
    }
}

int pg_order_open(pg_order *o)
{
    const size_t count = o->d->count + 1, results = o->trace->output_count;
    o->last = pg_alloc(2 * count, sizeof *o->last);
    o->parts = pg_alloc(results + 1, sizeof *o->parts);
    if (o->last == NULL || o->parts == NULL)
        return 0;
    o->row_values = o->last + count;
    o->uniform_values = o->last + 2 * count;
    for (uint32_t i = 0; i < results; i++)
        o->parts[i] = parts_of(o, i);
    for (uint32_t i = 0; i < results; i++)
        if (is_row(o->d, o->results[i]) && o->parts[i].a != o->results[i])
            o->d->values[o->results[i]].needed = 0;
    sort_out(o);
    o->items = pg_alloc(o->row_count + o->uniform_count + o->trace->guard_count + results + 1, sizeof *o->items);
    o->before = guards_before(o->d);
    return o->items != NULL && o->d->failed == PG_OK;
}

void pg_order_close(pg_order *o)
{
    pg_free(o->items);
    pg_free(o->last);
    pg_free(o->parts);
    pg_free(o->before);
}
