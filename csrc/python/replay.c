/* replay.c: a program run on Values, its instructions made nodes: so that a program that was loaded can be
 * differentiated, and traced as part of a larger one. As in a program, no op raises for a numeric reason. */
#include "python/replay.h"

#include "graph/cells.h"
#include "ops/compare.h"
#include "program/growth.h"
#include "program/made.h"
#include "program/unfold.h"
#include "python/calls.h"
#include "python/convert.h"
#include "python/interrupts.h"
#include "python/outside.h"
#include "python/rules.h"
#include "python/sweeping.h"
#include "python/trace.h"
#include "python/value.h"
#include "python/watching.h"

/* What each slot holds, and each output: nodes that are owned here, or NULL. */
typedef struct {
    const pg_program *p;
    pg_node **uniforms, **lanes, **outputs;
    size_t left;           /* the guard where the path was left, or SIZE_MAX */
} replay;

static pg_node **place(const replay *r, pg_slot slot)
{
    return slot & PG_ROW ? &r->lanes[slot & ~PG_ROW] : &r->uniforms[slot];
}

/* Puts a new node, which it takes over, in its place; false with MemoryError set for NULL. */
static int hold(pg_node **where, pg_node *n)
{
    if (n == NULL)
        return PyErr_NoMemory() != NULL;
    pg_node *old = *where;
    *where = n;
    if (old != NULL)
        pg_release(old);
    return 1;
}

/* n once debug_nans() has seen it, if it is on; NULL with n given back if it raised. */
static pg_node *seen(pg_node *n)
{
    if (n == NULL || !PG_WATCHED)
        return n;
    PyObject *shown = pg_watched(pg_wrap(pg_retain(n)));
    if (shown == NULL) {
        pg_release(n);
        return NULL;
    }
    Py_DECREF(shown);
    return n;
}

/* A new node of an op of the table on count operands, a constant exponent among them. Caller owns; NULL with an
 * exception set. */
static pg_node *applied(int op, pg_node *const *x, int count)
{
    pg_node *n = pg_applied(op, x, count);
    return n == NULL ? (pg_node *)(void *)PyErr_NoMemory() : seen(n);
}

static pg_node *product(pg_node *a, pg_node *b, int absorbing)
{
    return applied(absorbing ? PG_OP_mul0 : PG_OP_mul, (pg_node *[]){a, b}, 2);
}

/* Whether its sign is that of a factor, as 0 is 0.0 where an exact one wins; else it is subtracted from what is before it. */
static int has_signed_factor(const pg_term *term)
{
    return term->subtracted && term->absorbing;
}

/* Caller owns. */
static pg_node *value_of_term(const replay *r, const pg_term *term)
{
    pg_node *a = *place(r, term->a);
    if (term->b == PG_NO_SLOT)
        return pg_retain(a);
    if (!has_signed_factor(term))
        return product(a, *place(r, term->b), (int)term->absorbing);
    pg_node *less = applied(PG_OP_neg, &a, 1), *n = less == NULL ? NULL : product(less, *place(r, term->b), 1);
    if (less != NULL)
        pg_release(less);
    return n;
}

/* The sum with a product that a contracted sum has, where the trace contracts, too. As a product of its own it would be
 * one that others use where dot() has had it several times, and such are rounded. Caller owns. */
static pg_node *with_contracted(const replay *r, pg_node *sum, const pg_term *term)
{
    pg_node *const operands[] = {*place(r, term->a), *place(r, term->b), sum};
    const double value = sum->value + operands[0]->value * operands[1]->value;
    pg_node *n = pg_compute_many(PG_DOT, operands, 3, value, NULL, NULL);
    return n == NULL ? (pg_node *)(void *)PyErr_NoMemory() : seen(pg_born(n));
}

/* The sum with one more term. Caller owns, and releases sum. */
static pg_node *with_term(const replay *r, pg_node *sum, const pg_term *term, int contracted)
{
    if (contracted && term->b != PG_NO_SLOT && !term->absorbing && !term->subtracted)
        return with_contracted(r, sum, term);
    pg_node *added = value_of_term(r, term);
    if (added == NULL)
        return NULL;
    pg_node *next = applied(term->subtracted && !has_signed_factor(term) ? PG_OP_sub : PG_OP_add,
                            (pg_node *[]){sum, added}, 2);
    pg_release(added);
    return next;
}

/* Whether the sum starts with the constant -0.0, which changes no bit of what is added to it. */
static int starts_with_nothing(const replay *r, const pg_instruction *in)
{
    const pg_program *p = r->p;
    return in->count != 0 && !p->terms[in->first].subtracted && in->a >= p->lives && in->a < p->lives + p->constants &&
           pg_same_bits(p->constant_values[in->a - p->lives], -0.0);
}

/* The start and its terms, added up one by one as the program does. Caller owns. */
static pg_node *sum_of(const replay *r, const pg_instruction *in)
{
    const pg_term *terms = &r->p->terms[in->first];
    uint32_t t = (uint32_t)starts_with_nothing(r, in);
    const int contracted = in->code == PG_CODE_CONTRACTED && PG_TRACING && pg_contracts;
    pg_node *sum = t != 0 ? value_of_term(r, terms) : pg_retain(*place(r, in->a));
    for (; sum != NULL && t < in->count; t++) {
        pg_node *next = with_term(r, sum, &terms[t], contracted);
        pg_release(sum);
        sum = next;
    }
    return sum;
}

static pg_node *op_of(const replay *r, const pg_instruction *in)
{
    const pg_op_info *info = pg_op_at(in->code - PG_OP_add);
    const pg_slot slots[3] = {in->a, in->b, in->c};
    pg_node *operands[3] = {NULL, NULL, NULL};
    const int count = info->arity + info->has_constant;
    for (int i = 0; i < count; i++)
        operands[i] = *place(r, slots[i]);
    return applied(in->code, operands, count);
}

/* A search or an item of a table: a node in a trace; else what eager code has in its place. Caller owns. */
static pg_node *of_table(const replay *r, const pg_instruction *in)
{
    pg_node **nodes = pg_alloc((size_t)in->count + 1, sizeof *nodes);
    if (nodes == NULL)
        return (pg_node *)(void *)PyErr_NoMemory();
    nodes[0] = *place(r, in->a);
    for (uint32_t i = 0; i < in->count; i++)
        nodes[1 + i] = *place(r, pg_slot_of_item(r->p, in, i));
    pg_node *n = in->code == PG_CODE_TAKE ? pg_item_of(nodes, in->count, PG_TRACING)
                                          : pg_cell_of(nodes, in->count, in->expected, PG_TRACING);
    pg_free(nodes);
    return n == NULL ? (pg_node *)(void *)PyErr_NoMemory() : seen(pg_born(n));
}

/* Compares as the function did, which a trace notes. False with an exception set. */
static int compare(replay *r, const pg_instruction *in)
{
    pg_node *a = *place(r, in->a), *b = *place(r, in->b);
    const unsigned how = in->expected / 2u;
    const int outcome = pg_holds(how, a->value, b->value);
    if (outcome != (in->expected & 1))
        r->left = in->out;
    if (!PG_TRACING)
        return 1;
    PyObject *left = pg_value_of(a), *right = left == NULL ? NULL : pg_value_of(b);
    int noted = right != NULL && pg_trace_comparison(left, right, 0.0, (pg_comparison)how, outcome);
    Py_XDECREF(left);
    Py_XDECREF(right);
    return noted;
}

static int several_of(replay *r, const pg_instruction *in);

/* One instruction; false with an exception set. */
static int run_one(replay *r, const pg_instruction *in)
{
    switch (in->code) {
    case PG_CODE_FUSED:
    case PG_CODE_CONTRACTED: {
        pg_node *sum = sum_of(r, in);
        return sum != NULL && hold(place(r, in->out), sum);
    }
    case PG_CODE_SEARCH:
    case PG_CODE_TAKE: {
        pg_node *n = of_table(r, in);
        return n != NULL && hold(place(r, in->out), n);
    }
    case PG_CODE_SPREAD:
        return hold(place(r, in->out), pg_retain(*place(r, in->a)));
    case PG_CODE_GUARD:
        return compare(r, in);
    case PG_CODE_OUTPUT:
    case PG_CODE_TOTAL:
        return hold(&r->outputs[in->out], pg_retain(*place(r, in->a)));
    case PG_CODE_TOTAL_LESS: {
        pg_node *n = applied(PG_OP_neg, (pg_node *[]){*place(r, in->a)}, 1);
        return n != NULL && hold(&r->outputs[in->out], n);
    }
    case PG_CODE_TOTAL_PRODUCT: {
        pg_node *n = product(*place(r, in->a), *place(r, in->b), in->expected), *sum = n;
        if (n != NULL && in->c != PG_NO_SLOT) {
            sum = applied(PG_OP_add, (pg_node *[]){*place(r, in->c), n}, 2);
            pg_release(n);
        }
        return sum != NULL && hold(&r->outputs[in->out], sum);
    }
    case PG_CODE_TOTAL_UNIFORM: { /* the rest of a sum, after what differs by row, or all there is */
        pg_node *before = r->outputs[in->out], *uniform = *place(r, in->a);
        pg_node *n = before == NULL ? pg_retain(uniform) : applied(PG_OP_add, (pg_node *[]){before, uniform}, 2);
        return n != NULL && hold(&r->outputs[in->out], n);
    }
    case PG_CODE_LOOP:
    case PG_CODE_CALL:
        return several_of(r, in);
    case PG_OP_ruled: {
        pg_node *n = pg_rule_lost(*place(r, in->a));
        return n != NULL && hold(place(r, in->out), n);
    }
    default: {
        pg_node *n = op_of(r, in);
        return n != NULL && hold(place(r, in->out), n);
    }
    }
}

static int place_constants(const replay *r)
{
    const pg_program *p = r->p;
    for (size_t i = 0; i < p->constants; i++)
        if (!hold(&r->uniforms[p->lives + i], pg_born(pg_leaf(p->constant_values[i]))))
            return 0;
    return 1;
}

static int place_leaves(replay *r, PyObject *inputs, PyObject *lives)
{
    const pg_program *p = r->p;
    for (size_t i = 0; i < p->lives; i++)
        r->uniforms[i] = pg_retain(PG_NODE(PyTuple_GetItem(lives, (Py_ssize_t)i)));
    if (!place_constants(r))
        return 0;
    for (size_t i = 0; i < p->inputs; i++)
        if (p->input_slots[i] != PG_NO_SLOT)
            *place(r, p->input_slots[i]) = pg_retain(PG_NODE(PyTuple_GetItem(inputs, (Py_ssize_t)i)));
    return 1;
}

static int run_all(replay *r)
{
    for (size_t i = 0; i < r->p->length && r->left == SIZE_MAX; i++)
        if (!run_one(r, &r->p->code[i]) || (i % PG_STEP_BUDGET == 0 && PyErr_CheckSignals() < 0))
            return 0;
    for (size_t i = 0; i < r->p->outputs && r->left == SIZE_MAX; i++)
        if (r->outputs[i] == NULL) /* a uniform 0, which needs no adding up */
            r->outputs[i] = pg_retain(*place(r, r->p->result_slots[i]));
    return 1;
}

/* -- loops, trip by trip -------------------------------------------------------------------------- */

/* A body on nodes: those of its state, which are owned here, and the slots of its program for numbers. */
typedef struct {
    const pg_body *body;
    replay slots;
    pg_node **state;
    size_t first;          /* of the columns that it is given so many are in given, others in arrived */
    pg_node *const *given, *const *arrived;
    pg_node **made;        /* NULL if nobody asks */
} trips;

static void let_go(pg_node **nodes, size_t count)
{
    pg_release_all(nodes, count);
    pg_free((void *)nodes);
}

static void put_input(const trips *t, size_t input, pg_node *n)
{
    const pg_slot slot = t->slots.p->input_slots[input];
    if (slot != PG_NO_SLOT)
        hold(place(&t->slots, slot), pg_retain(n));
}

/* False with an exception set; the caller ends it, either way. */
static int begin_trips(trips *t, const pg_body *b, pg_node *const *state)
{
    t->body = b;
    t->slots = (replay){b->flat, pg_no_nodes(b->flat->uniforms), NULL, NULL, SIZE_MAX};
    t->state = pg_no_nodes(b->state);
    if (t->slots.uniforms == NULL || t->state == NULL)
        return PyErr_NoMemory() != NULL;
    for (size_t k = 0; k < b->state; k++)
        t->state[k] = pg_retain(state[k]);
    return place_constants(&t->slots);
}

static void end_trips(trips *t)
{
    let_go(t->slots.uniforms, t->slots.p->uniforms);
    let_go(t->state, t->body->state);
}

/* The items of trip i. */
static int put_items(const trips *t, size_t i)
{
    const pg_scan *s = &t->body->scan;
    const size_t input = t->body->state + t->body->captured, at = pg_item_at(s, i);
    for (size_t k = 0; k < s->given; k++)
        put_input(t, input + k,
                  k < t->first ? t->given[k * s->length + at] : t->arrived[(k - t->first) * s->length + at]);
    for (size_t k = 0; k < s->known; k++) {
        const pg_slot slot = t->slots.p->input_slots[input + s->given + k];
        if (slot != PG_NO_SLOT && !hold(place(&t->slots, slot), pg_born(pg_leaf(s->numbers->at[k * s->length + at]))))
            return 0;
    }
    return 1;
}

/* What no trip has made. */
static int fill_made(const trips *t)
{
    const size_t count = t->body->scan.made * t->body->scan.length;
    for (size_t k = 0; k < count; k++)
        if (t->made[k] == NULL && !hold(&t->made[k], pg_born(pg_leaf(0.0))))
            return 0;
    return 1;
}

/* Trip i; whether it goes on is in *goes_on. */
static int trip(trips *t, size_t i, int *goes_on)
{
    const pg_program *p = t->slots.p;
    const pg_scan *s = &t->body->scan;
    const size_t n = t->body->state, first_made = pg_first_made(t->body);
    for (size_t k = 0; k < n; k++)
        put_input(t, k, t->state[k]);
    if (!put_items(t, i))
        return 0;
    for (size_t at = 0; at < p->once; at++)
        if (!run_one(&t->slots, &p->code[at]))
            return 0;
    for (size_t k = 0; k < n; k++)
        hold(&t->state[k], pg_retain(*place(&t->slots, p->result_slots[k])));
    for (size_t k = 0; t->made != NULL && k < s->made; k++)
        hold(&t->made[k * s->length + pg_item_at(s, i)], pg_retain(*place(&t->slots, p->result_slots[first_made + k])));
    *goes_on = t->body->counts || (*place(&t->slots, p->result_slots[n]))->value != 0.0;
    return PyErr_CheckSignals() == 0;
}

/* The states before each trip, for the way back. */
typedef struct {
    pg_node **nodes;
    size_t count, capacity;
} states;

static int keep_state(states *kept, const trips *t)
{
    for (size_t k = 0; k < t->body->state; k++) {
        if (!pg_room((void **)&kept->nodes, kept->count, &kept->capacity, sizeof *kept->nodes))
            return PyErr_NoMemory() != NULL;
        kept->nodes[kept->count++] = pg_retain(t->state[k]);
    }
    return 1;
}

/* How many trips it takes; -1.0 with an exception set. */
static double go_forward(trips *t, pg_node *const *operands, states *kept)
{
    const pg_body *b = t->body;
    const double control = operands[b->state]->value;
    double done = 0.0;
    int on = control != 0.0;
    for (size_t k = 0; k < b->captured; k++)
        put_input(t, b->state + k, operands[b->state + 1 + k]);
    for (; (b->counts ? done < control : on) && !pg_is_over(&b->scan, done); done += 1.0) {
        if (done >= b->most) {
            pg_loop_fail(TOO_LONG, SIZE_MAX, done);
            return pg_raise_interrupt() != NULL ? 0.0 : -1.0;
        }
        if ((kept != NULL && !keep_state(kept, t)) || !trip(t, (size_t)done, &on))
            return -1.0;
    }
    return done;
}

/* Back through the trips whose states were kept. */
static int go_back(trips *back, const pg_loop *loop, pg_node *const *operands, const states *kept, double done)
{
    const size_t n = loop->body->state, m = loop->body->captured;
    int ignored;
    for (size_t k = 0; k < m; k++)
        put_input(back, back->body->state + n + k, operands[n + 1 + k]);
    for (size_t i = (size_t)done; i-- != 0;) {
        for (size_t k = 0; k < n; k++)
            put_input(back, back->body->state + k, kept->nodes[i * n + k]);
        if (!trip(back, i, &ignored))
            return 0;
    }
    return 1;
}

/* The results of a loop that goes back; false with an exception set. */
static int run_back(const pg_loop *loop, pg_node *const *operands, trips *forward, pg_node **results)
{
    const size_t plain = forward->first * loop->body->scan.length + loop->body->state + 1 + loop->body->captured;
    const size_t count = loop->back->state;
    states kept = {.count = 0};
    trips back = {.body = loop->back,
                  .slots = {.p = loop->back->flat},
                  .first = forward->first,
                  .given = forward->given,
                  .arrived = operands + plain + loop->back_state,
                  .made = results + count};
    pg_node **first = pg_no_nodes(count), *zero = first == NULL ? NULL : pg_born(pg_leaf(0.0));
    int whole = zero != NULL || PyErr_NoMemory() != NULL;
    for (size_t k = 0; whole && k < count; k++)
        first[k] = pg_retain(k < loop->back_state ? operands[plain + k] : zero);
    const double done = whole ? go_forward(forward, operands, &kept) : -1.0;
    whole = done >= 0.0 && begin_trips(&back, loop->back, first) && go_back(&back, loop, operands, &kept, done) &&
            fill_made(&back);
    for (size_t k = 0; whole && k < count; k++)
        results[k] = pg_retain(back.state[k]);
    end_trips(&back);
    let_go(first, count);
    if (zero != NULL)
        pg_release(zero);
    let_go(kept.nodes, kept.count);
    return whole;
}

/* The results of a loop, each a node that is owned by the caller: what eager code has in its place. */
static int unroll(const pg_several *rule, pg_node *const *operands, pg_node **results)
{
    const pg_loop *loop = (const pg_loop *)(const void *)rule;
    const size_t n = loop->body->state;
    trips forward = {.first = loop->body->scan.given, .given = operands + n + 1 + loop->body->captured};
    if (loop->back == NULL)
        forward.made = results + n + 1;
    int whole = begin_trips(&forward, loop->body, operands);
    if (whole && loop->back != NULL) {
        whole = run_back(loop, operands, &forward, results);
    } else if (whole) {
        const double done = go_forward(&forward, operands, NULL);
        whole = done >= 0.0 && fill_made(&forward) && hold(&results[n], pg_born(pg_leaf(done)));
        for (size_t k = 0; whole && k < n; k++)
            results[k] = pg_retain(forward.state[k]);
    }
    end_trips(&forward);
    return whole;
}

/* The same in a trace: one node. */
static int roll(const pg_several *rule, pg_node *const *operands, pg_node **results)
{
    const pg_loop *loop = (const pg_loop *)(const void *)rule;
    pg_status status;
    pg_node *n = pg_loop_node(loop, operands, results, &status);
    if (n == NULL)
        return pg_raise(status) != NULL;
    pg_release(n);
    return 1;
}

/* The same where nothing is remembered: leaves. */
static int run_on_numbers(const pg_several *rule, pg_node *const *operands, pg_node **results)
{
    const pg_loop *loop = (const pg_loop *)(const void *)rule;
    const size_t count = loop->base.operands, found = loop->base.results;
    double *frame = pg_alloc(pg_loop_flat(loop) + count + found + 1, sizeof *frame);
    if (frame == NULL)
        return PyErr_NoMemory() != NULL;
    double *numbers = frame + pg_loop_flat(loop), *given = numbers + count;
    pg_work work = {0};
    int met = 0;
    for (size_t k = 0; k < count; k++)
        numbers[k] = operands[k]->value;
    int whole = pg_loop_run(loop, numbers, given, frame, &work, &met) || pg_raise_interrupt() != NULL;
    for (size_t k = 0; whole && k < found; k++)
        whole = hold(&results[k], pg_detached_leaf(given[k], operands, count));
    pg_free(frame);
    return whole;
}

/* Whatever runs, the function does that is called back. */
static int call_back(const pg_several *rule, pg_node *const *operands, pg_node **results)
{
    return pg_call_on_nodes((const pg_call *)(const void *)rule, operands, results);
}

/* The results of a loop or a call. */
static int several_of(replay *r, const pg_instruction *in)
{
    const pg_several *rule = r->p->loops[in->a];
    const size_t count = rule->operands, found = rule->results;
    pg_node **operands = pg_no_nodes(count), **results = pg_no_nodes(found);
    int whole = (operands != NULL && results != NULL) || PyErr_NoMemory() != NULL;
    for (size_t k = 0; whole && k < count; k++)
        operands[k] = *place(r, r->p->terms[in->first + k].a);
    int (*run)(const pg_several *, pg_node *const *, pg_node **) = in->code == PG_CODE_CALL    ? call_back
                                                                   : PG_TRACING                ? roll
                                                                   : PG_NO_GRAD && !PG_WATCHED ? run_on_numbers
                                                                                               : unroll;
    whole = whole && run(rule, operands, results);
    for (size_t k = 0; whole && k < found; k++)
        whole = hold(place(r, in->out + (pg_slot)k), pg_retain(results[k]));
    let_go(results, found);
    pg_free((void *)operands);
    return whole;
}

/* -- the whole ------------------------------------------------------------------------------------- */

static PyObject *detached(pg_node *n)
{
    pg_node *leaf = pg_detached_leaf(n->value, &n, 1);
    return leaf == NULL && PyErr_Occurred() ? NULL : pg_wrap(leaf);
}

/* A tuple of the outputs as Values, or the number of the guard; within no_grad() Values that remember nothing. */
static PyObject *result_of(const replay *r)
{
    if (r->left != SIZE_MAX)
        return PyLong_FromSize_t(r->left);
    PyObject *results = PyTuple_New((Py_ssize_t)r->p->outputs);
    for (size_t i = 0; results != NULL && i < r->p->outputs; i++) {
        pg_node *n = r->outputs[i];
        PyObject *v = PG_DETACHED ? detached(n) : PG_NO_GRAD ? pg_wrap(pg_stopped(pg_retain(n))) : pg_value_of(n);
        if (v == NULL)
            Py_CLEAR(results);
        else
            PyTuple_SetItem(results, (Py_ssize_t)i, v);
    }
    return results;
}

/* Operands have got users in C: what their Values carry stays with them. */
static void keep_all(PyObject *values)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(values); i++)
        pg_keep(PG_NODE(PyTuple_GetItem(values, i)));
}

static PyObject *replayed(const pg_program *p, PyObject *inputs, PyObject *lives)
{
    replay r = {p, pg_no_nodes(p->uniforms), pg_no_nodes(p->lanes), pg_no_nodes(p->outputs), SIZE_MAX};
    PyObject *result = NULL;
    if (r.uniforms == NULL || r.lanes == NULL || r.outputs == NULL)
        PyErr_NoMemory();
    else if (place_leaves(&r, inputs, lives) && run_all(&r))
        result = result_of(&r);
    let_go(r.uniforms, p->uniforms);
    let_go(r.lanes, p->lanes);
    let_go(r.outputs, p->outputs);
    keep_all(inputs);
    keep_all(lives);
    return result;
}

static PyObject *replay_program(PyObject *module, PyObject *args)
{
    (void)module;
    Py_ssize_t address;
    PyObject *inputs, *lives;
    if (!PyArg_ParseTuple(args, "nO!O!:replay", &address, &PyTuple_Type, &inputs, &PyTuple_Type, &lives) ||
        !pg_require_values(inputs, "replay() takes") || !pg_require_values(lives, "replay() takes"))
        return NULL;
    const pg_program *p = (const pg_program *)(intptr_t)address;
    if ((size_t)PyTuple_Size(inputs) != p->inputs || (size_t)PyTuple_Size(lives) != p->lives)
        return PyErr_Format(PyExc_ValueError, "this program takes %zu inputs and %zu lives", p->inputs, p->lives);
    return replayed(p, inputs, lives);
}

PyMethodDef pg_replay_functions[] = {
    {"replay", replay_program, METH_VARARGS,
     "replay(address, inputs, lives, /)\n--\n\n"
     "A program's results as Values, or the number of the guard where these inputs leave it."},
    {NULL, NULL, 0, NULL},
};
