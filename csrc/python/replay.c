/* replay.c: a program run on Values, its instructions made nodes: so that a program that was loaded can be
 * differentiated, and traced as part of a larger one. As in a program, no op raises for a numeric reason. */
#include "python/replay.h"

#include "graph/cells.h"
#include "ops/compare.h"
#include "program/made.h"
#include "program/unfold.h"
#include "python/convert.h"
#include "python/outside.h"
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

/* Caller owns. */
static pg_node *value_of_term(const replay *r, const pg_term *term)
{
    pg_node *a = *place(r, term->a);
    return term->b == PG_NO_SLOT ? pg_retain(a) : product(a, *place(r, term->b), (int)term->absorbing);
}

/* Whether the sum starts with the constant -0.0, which changes no bit of what is added to it. */
static int starts_with_nothing(const replay *r, const pg_instruction *in)
{
    const pg_program *p = r->p;
    return in->count != 0 && in->a >= p->lives && in->a < p->lives + p->constants &&
           pg_same_bits(p->constant_values[in->a - p->lives], -0.0);
}

/* The start and its terms, added up one by one as the program does. Caller owns. */
static pg_node *sum_of(const replay *r, const pg_instruction *in)
{
    const pg_term *terms = &r->p->terms[in->first];
    uint32_t t = (uint32_t)starts_with_nothing(r, in);
    pg_node *sum = t != 0 ? value_of_term(r, terms) : pg_retain(*place(r, in->a));
    for (; sum != NULL && t < in->count; t++) {
        pg_node *added = value_of_term(r, &terms[t]);
        pg_node *next = added == NULL ? NULL : applied(PG_OP_add, (pg_node *[]){sum, added}, 2);
        if (added != NULL)
            pg_release(added);
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

/* One instruction; false with an exception set. */
static int run_one(replay *r, const pg_instruction *in)
{
    switch (in->code) {
    case PG_CODE_FUSED: {
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
        PyErr_SetString(PyExc_NotImplementedError,
                        "a compiled function with a loop takes no Values yet: give it numbers");
        return 0;
    default: {
        pg_node *n = op_of(r, in);
        return n != NULL && hold(place(r, in->out), n);
    }
    }
}

static int place_leaves(replay *r, PyObject *inputs, PyObject *lives)
{
    const pg_program *p = r->p;
    for (size_t i = 0; i < p->lives; i++)
        r->uniforms[i] = pg_retain(PG_NODE(PyTuple_GetItem(lives, (Py_ssize_t)i)));
    for (size_t i = 0; i < p->constants; i++)
        if (!hold(&r->uniforms[p->lives + i], pg_born(pg_leaf(p->constant_values[i]))))
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

static void let_go(pg_node **nodes, size_t count)
{
    pg_release_all(nodes, count);
    pg_free((void *)nodes);
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
