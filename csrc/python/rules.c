/* rules.c: functions whose derivative is a rule of the user's: their nodes, and sweeps that meet these. */
#include "python/rules.h"

#include "graph/graph.h"
#include "program/made.h"
#include "python/convert.h"
#include "python/modes.h"
#include "python/sweeping.h"
#include "python/trace.h"
#include "python/value.h"
#include "python/watching.h"

size_t pg_rules;

/* -- what the rule says ------------------------------------------------------------------------- */

static void destroy(pg_several *rule)
{
    pg_rules--;
    pg_free(rule);
}

/* Values of nodes, None for NULL. */
static PyObject *values_of(pg_node *const *nodes, size_t count)
{
    PyObject *values = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; values != NULL && i < count; i++) {
        PyObject *v = nodes[i] == NULL ? Py_NewRef(Py_None) : pg_value_of(nodes[i]);
        if (v == NULL)
            Py_CLEAR(values);
        else
            PyTuple_SetItem(values, (Py_ssize_t)i, v);
    }
    return values;
}

static PyObject *marks_of(const uint8_t *wanted, size_t count)
{
    PyObject *marks = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; marks != NULL && i < count; i++)
        PyTuple_SetItem(marks, (Py_ssize_t)i, PyBool_FromLong(wanted[i]));
    return marks;
}

/* What the rule has given into out; false with an exception set. */
static int take(PyObject *found, pg_node **out, const uint8_t *wanted, size_t count)
{
    if (!PyTuple_Check(found) || (size_t)PyTuple_Size(found) != count) {
        PyErr_Format(PyExc_SystemError, "pygrad: a rule has not given %zu derivatives; please report this", count);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GetItem(found, (Py_ssize_t)i);
        if (item == Py_None || (wanted != NULL && !wanted[i]))
            continue;
        out[i] = pg_operand_node(item, "a derivative");
        if (out[i] == NULL)
            return 0;
        pg_keep(out[i]);
    }
    return 1;
}

static PyObject *rule_of(const pg_node *n)
{
    const pg_value *v = n->wrapper;
    if (v != NULL && v->extras != NULL && v->extras->closure != NULL)
        return Py_NewRef(v->extras->closure);
    return PyErr_Format(PyExc_SystemError, "pygrad: a node has lost its rule; please report this");
}

static pg_status derive(pg_way way, pg_node *n, pg_node *const *given, const uint8_t *wanted, pg_node **out)
{
    const pg_many *m = n->of.many;
    const size_t results = m->rule->results, inputs = m->rule->operands - results;
    const int reverse = way == PG_REVERSE;
    PyObject *rule = rule_of(n), *node = rule == NULL ? NULL : pg_value_of(n);
    PyObject *xs = node == NULL ? NULL : values_of(m->operands + results, inputs);
    PyObject *seeds = xs == NULL ? NULL : values_of(reverse ? given : given + results, reverse ? results : inputs);
    PyObject *marks = seeds == NULL ? NULL : marks_of(wanted + results, inputs);
    const int numbers = pg_numbers_alone && !pg_loops_idle;
    const int alone = pg_numbers_alone;
    pg_running_trace *t = pg_loops_idle ? pg_trace_running() : NULL; /* in the body of a loop */
    const int over = t == NULL ? 0 : t->errors.over;
    if (t != NULL) {
        t->errors.over = 1;
        t->loops++;
    }
    pg_numbers_alone = 0;
    pg_sweeps_shared++; /* what the rule differentiates meets nodes of this sweep */
    PyObject *found = marks == NULL ? NULL
                                    : PyObject_CallFunction(rule, "iiOOOO", reverse, numbers, node, xs, seeds, marks);
    pg_sweeps_shared--;
    pg_numbers_alone = alone;
    if (t != NULL) {
        t->errors.over = over;
        t->loops--;
    }
    const int taken = found != NULL && (reverse ? take(found, out + results, wanted + results, inputs)
                                                : take(found, out, NULL, results));
    Py_XDECREF(found);
    Py_XDECREF(marks);
    Py_XDECREF(seeds);
    Py_XDECREF(xs);
    Py_XDECREF(node);
    Py_XDECREF(rule);
    return taken ? PG_OK : PG_RAISED;
}

static pg_node *again(pg_node *n, pg_node *const *operands);

static const pg_several_kind kind = {derive, destroy, again};

int pg_has_rule(const pg_node *n)
{
    return n->op == PG_SEVERAL && n->of.many->rule->kind == &kind;
}

int pg_meets_rules(const pg_sweep *s)
{
    for (size_t i = 0; pg_rules != 0 && i < pg_sweep_count(s); i++)
        if (pg_has_rule(pg_sweep_node(s, i)))
            return 1;
    return 0;
}

pg_node *const *pg_rule_inputs(const pg_node *n, size_t *count)
{
    if (n->op != PG_ITEM || !pg_has_rule(n->of.constant.a))
        return NULL;
    const pg_many *m = n->of.constant.a->of.many;
    *count = m->rule->operands - m->rule->results;
    return m->operands + m->rule->results;
}

pg_node *const *pg_shown_operands(const pg_node *n, size_t *count, pg_node *room[2])
{
    pg_node *const *inputs = pg_rule_inputs(n, count);
    if (inputs != NULL)
        return inputs;
    *count = pg_operand_count(n);
    if (pg_shapes[n->op] == PG_MANY)
        return n->of.many->operands;
    for (size_t i = 0; i < *count; i++)
        room[i] = pg_operand(n, i);
    return room;
}

/* -- made --------------------------------------------------------------------------------------- */

/* The operands of such a node, each owned; NULL with an exception set. */
static pg_node **operands_of(PyObject *primals, PyObject *inputs, size_t results, size_t count)
{
    pg_node **nodes = pg_alloc(count + 1, sizeof *nodes);
    if (nodes == NULL)
        return (pg_node **)(void *)PyErr_NoMemory();
    for (size_t i = 0; i < count; i++) {
        PyObject *item = i < results ? PyTuple_GetItem(primals, (Py_ssize_t)i)
                                     : PyTuple_GetItem(inputs, (Py_ssize_t)(i - results));
        nodes[i] = pg_operand_node(item, i < results ? "a result" : "an argument");
        if (nodes[i] != NULL && i < results) {
            pg_node *plain = nodes[i];
            nodes[i] = PG_TRACING ? pg_born(pg_compute(PG_OP_ruled, plain, NULL, plain->value))
                                  : pg_number_leaf(plain->value);
            pg_release(plain);
            if (nodes[i] == NULL)
                PyErr_NoMemory();
        }
        if (nodes[i] == NULL) {
            while (i-- > 0)
                pg_release(nodes[i]);
            pg_free((void *)nodes);
            return NULL;
        }
    }
    return nodes;
}

/* The node, as a Value that holds the rule; NULL with an exception set. */
static PyObject *node_of(PyObject *rule, pg_node *const *operands, PyObject *inputs, size_t results, size_t count)
{
    pg_several *several = pg_alloc(1, sizeof *several);
    if (several == NULL)
        return PyErr_NoMemory();
    *several = (pg_several){&kind, count, results, 1};
    pg_rules++;
    PyObject *v = pg_wrap(pg_born(pg_compute_several(several, operands, 0.0)));
    pg_several_release(several);
    pg_extras *extras = v == NULL ? NULL : pg_extras_of((pg_value *)v);
    PyObject **objects = extras == NULL ? NULL : pg_alloc(count - results + 1, sizeof *objects);
    if (objects != NULL) {
        for (size_t i = 0; i < count - results; i++)
            objects[i] = PyTuple_GetItem(inputs, (Py_ssize_t)i);
        pg_set(&extras->closure, Py_NewRef(rule));
        PG_NODE(v)->flags |= PG_HAS_CLOSURE;
        pg_carry((pg_value *)v, rule);
    } else if (extras != NULL) {
        PyErr_NoMemory();
    }
    if (v != NULL && (objects == NULL || !pg_keep_operands(v, objects, count - results)))
        Py_CLEAR(v);
    pg_free((void *)objects);
    return v;
}

/* The results of a node that the rule of v stands for, as new Values called name, unless that is NULL. */
static PyObject *items_of(PyObject *v, PyObject *name)
{
    pg_node *n = PG_NODE(v);
    const size_t results = n->of.many->rule->results;
    PyObject *items = PyTuple_New((Py_ssize_t)results);
    for (size_t k = 0; items != NULL && k < results; k++) {
        PyObject *item = pg_wrap(pg_born(pg_compute_item(n, k, n->of.many->operands[k]->value)));
        if (item == NULL || !pg_keep_operands(item, &v, 1) || (name != NULL && !pg_name_op((pg_value *)item, name)) ||
            (PG_WATCHED && (item = pg_watched(item)) == NULL)) {
            Py_XDECREF(item);
            Py_CLEAR(items);
        } else {
            PyTuple_SetItem(items, (Py_ssize_t)k, item);
        }
    }
    return items;
}

static pg_node *again(pg_node *n, pg_node *const *operands)
{
    const size_t results = n->of.many->rule->results, count = n->of.many->rule->operands;
    PyObject *rule = rule_of(n), *inputs = rule == NULL ? NULL : values_of(operands + results, count - results);
    PyObject *v = inputs == NULL ? NULL : node_of(rule, operands, inputs, results, count);
    pg_node *made = v == NULL ? NULL : pg_retain(PG_NODE(v));
    if (made != NULL)
        pg_keep(made); /* its Value holds the rule */
    Py_XDECREF(v);
    Py_XDECREF(inputs);
    Py_XDECREF(rule);
    return made;
}

PyObject *pg_rule_again(const pg_node *n, PyObject *inputs)
{
    const pg_node *old = n->of.constant.a;
    const pg_many *m = old->of.many;
    const size_t results = m->rule->results, count = m->rule->operands;
    pg_node **operands = pg_alloc(count + 1, sizeof *operands);
    PyObject *rule = rule_of(old), *v = NULL;
    if (operands == NULL)
        PyErr_NoMemory();
    else if (rule != NULL) {
        for (size_t i = 0; i < count; i++)
            operands[i] = i < results ? m->operands[i] : PG_NODE(PyTuple_GetItem(inputs, (Py_ssize_t)(i - results)));
        v = node_of(rule, operands, inputs, results, count);
    }
    Py_XDECREF(rule);
    pg_free((void *)operands);
    return v;
}

int pg_rule_slopes(pg_node *n, double *slopes)
{
    pg_node *several = n->of.constant.a;
    const pg_many *m = several->of.many;
    const size_t results = m->rule->results, count = m->rule->operands;
    pg_node **nodes = pg_alloc(2 * count + 1, sizeof *nodes);
    uint8_t *wanted = pg_alloc(count + 1, 1);
    pg_node *one = pg_number_leaf(1.0);
    int done = nodes != NULL && wanted != NULL && one != NULL;
    if (done) {
        pg_node **given = nodes, **out = nodes + count;
        for (size_t i = 0; i < count; i++) {
            given[i] = i == (size_t)n->of.constant.k ? one : NULL;
            out[i] = NULL;
            wanted[i] = i >= results;
        }
        pg_numbers_alone++;
        done = derive(PG_REVERSE, several, given, wanted, out) == PG_OK;
        pg_numbers_alone--;
        for (size_t i = results; i < count; i++) {
            slopes[i - results] = out[i] == NULL ? 0.0 : out[i]->value;
            if (out[i] != NULL)
                pg_release(out[i]);
        }
    } else {
        PyErr_NoMemory();
    }
    if (one != NULL)
        pg_release(one);
    pg_free((void *)nodes);
    pg_free(wanted);
    return done;
}

static PyObject *lost; /* what raises in the place of a rule */

static PyObject *set_lost_rule(PyObject *module, PyObject *function)
{
    (void)module;
    pg_set(&lost, Py_NewRef(function));
    Py_RETURN_NONE;
}

pg_node *pg_rule_lost(pg_node *x)
{
    PyObject *v = pg_value_of(x), *inputs = v == NULL ? NULL : PyTuple_Pack(1, v);
    pg_node **operands = inputs == NULL ? NULL : operands_of(inputs, inputs, 1, 2), *item = NULL;
    PyObject *several = operands == NULL ? NULL : node_of(lost, operands, inputs, 1, 2);
    if (several != NULL) {
        item = pg_born(pg_compute_item(PG_NODE(several), 0, x->value));
        PyObject *result = item == NULL ? PyErr_NoMemory() : pg_value_of(item); /* which holds the rule */
        if (result == NULL || !pg_keep_operands(result, &several, 1)) {
            if (item != NULL)
                pg_release(item);
            item = NULL;
        }
        Py_XDECREF(result);
    }
    for (size_t i = 0; operands != NULL && i < 2; i++)
        pg_release(operands[i]);
    pg_free((void *)operands);
    Py_XDECREF(several);
    Py_XDECREF(inputs);
    Py_XDECREF(v);
    return item;
}

static PyObject *rule_made(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *rule, *name, *primals, *inputs, *items = NULL;
    if (!PyArg_ParseTuple(args, "OUO!O!:rule_made", &rule, &name, &PyTuple_Type, &primals, &PyTuple_Type, &inputs))
        return NULL;
    const size_t results = (size_t)PyTuple_Size(primals), count = results + (size_t)PyTuple_Size(inputs);
    pg_node **operands = operands_of(primals, inputs, results, count);
    if (operands == NULL)
        return NULL;
    for (size_t i = results; i < count; i++)
        if (operands[i]->op == PG_LEAF)
            operands[i]->of.leaf.ruled = 1;
    PyObject *v = node_of(rule, operands, inputs, results, count);
    for (size_t i = 0; i < count; i++)
        pg_release(operands[i]);
    pg_free((void *)operands);
    if (v != NULL)
        items = items_of(v, name);
    Py_XDECREF(v);
    return items;
}

static PyObject *rule_results(PyObject *module, PyObject *v)
{
    (void)module;
    if (!PG_IS_VALUE(v) || !pg_has_rule(PG_NODE(v)))
        return PyErr_Format(PyExc_TypeError, "rule_results() takes a Value that holds a rule, not %R", Py_TYPE(v));
    return items_of(v, NULL);
}

/* -- a way through what a rule has computed ------------------------------------------------------ */

/* Seeds taken apart: their numbers, and in place of some of them nodes (borrowed). */
static int read_seeds(PyObject *seeds, double *numbers, pg_node **nodes)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(seeds); i++) {
        PyObject *seed = PyTuple_GetItem(seeds, i);
        nodes[i] = NULL;
        if (!PG_IS_VALUE(seed)) {
            if (!pg_require_number(seed, "a seed", &numbers[i]))
                return 0;
        } else if (pg_require_built(seed)) {
            nodes[i] = PG_NODE(seed);
            numbers[i] = PG_NODE(seed)->value;
        } else {
            return 0;
        }
    }
    return 1;
}

/* What has arrived at nodes, as Values. */
static PyObject *arrived(pg_adjoint *a, pg_node *const *nodes, size_t count)
{
    PyObject *found = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; found != NULL && i < count; i++) {
        PyObject *v = pg_wrap(pg_adjoint_at(a, nodes[i]));
        if (v == NULL)
            Py_CLEAR(found);
        else
            PyTuple_SetItem(found, (Py_ssize_t)i, v);
    }
    return found;
}

static PyObject *gone(pg_sweep *s, pg_way way, pg_node **outs, size_t n_out, pg_node **ins, size_t n_in,
                      PyObject *seeds)
{
    const size_t count = (size_t)PyTuple_Size(seeds);
    PyObject *found = NULL;
    double *numbers = pg_alloc(count + 1, sizeof *numbers);
    pg_node **nodes = pg_alloc(count + 1, sizeof *nodes);
    if (numbers == NULL || nodes == NULL) {
        PyErr_NoMemory();
    } else if (count != (way == PG_REVERSE ? n_out : n_in)) {
        PyErr_Format(PyExc_ValueError, "there is to be a seed for each %s", way == PG_REVERSE ? "output" : "input");
    } else if (read_seeds(seeds, numbers, nodes)) {
        pg_adjoint *a = pg_ready_adjoint(s, ins, n_in);
        const pg_status status = a == NULL ? PG_RAISED : pg_adjoint_begin(a, way, numbers, nodes);
        if (a != NULL && status != PG_OK)
            pg_raise(status);
        if (status == PG_OK && pg_go_on(a))
            found = way == PG_REVERSE ? arrived(a, ins, n_in) : arrived(a, outs, n_out);
        pg_adjoint_close(a);
        for (size_t i = 0; found != NULL && i < count; i++)
            if (nodes[i] != NULL)
                pg_keep(nodes[i]);
        if (found != NULL)
            pg_keep_graph(s);
    }
    pg_free((void *)nodes);
    pg_free(numbers);
    return found;
}

/* Derivatives between outputs and inputs as Values, in a graph that ends at stops, among which the inputs need not be. */
static PyObject *rule_way(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *outputs, *inputs, *stops, *seeds, *found = NULL;
    int reverse;
    if (!PyArg_ParseTuple(args, "pO!O!O!O!:rule_way", &reverse, &PyTuple_Type, &outputs, &PyTuple_Type, &inputs,
                          &PyTuple_Type, &stops, &PyTuple_Type, &seeds))
        return NULL;
    pg_node **outs = pg_nodes_of(outputs, "outputs must be");
    pg_node **ins = outs == NULL ? NULL : pg_nodes_of(inputs, "inputs must be");
    pg_node **ends = ins == NULL ? NULL : pg_nodes_of(stops, "stops must be");
    if (ends != NULL) {
        const size_t n_out = (size_t)PyTuple_Size(outputs), n_in = (size_t)PyTuple_Size(inputs);
        pg_node *root = pg_compute_many(PG_SUM, outs, n_out, 0.0, NULL, NULL);
        pg_sweep *s = root == NULL ? (pg_sweep *)(void *)PyErr_NoMemory()
                                   : pg_sorted(root, 1, ends, (size_t)PyTuple_Size(stops));
        if (s != NULL) {
            found = gone(s, reverse ? PG_REVERSE : PG_FORWARD, outs, n_out, ins, n_in, seeds);
            pg_give_up(s);
        }
        if (root != NULL)
            pg_release(root);
    }
    pg_free((void *)ends);
    pg_free((void *)ins);
    pg_free((void *)outs);
    return found;
}

/* -- what a function has used besides its arguments ----------------------------------------------- */

/* Whether a node that is none of the function's arguments leads outside by itself. */
static int is_outside(const pg_node *n, uint64_t since)
{
    if (n->flags & PG_ACTIVE)
        return 1;
    return n->op == PG_LEAF && !(n->flags & PG_NUMBER) && !n->of.leaf.constant && n->of.leaf.birth < since;
}

/* Marks by their grads, which the sweep gives back, nodes that lead outside; the first of these, or NULL. */
static pg_node *first_outside(pg_sweep *s, size_t own, uint64_t since)
{
    pg_node *first = NULL;
    for (size_t i = 0; i < pg_sweep_count(s); i++) {
        pg_node *n = pg_sweep_node(s, i);
        int outside = i >= own && is_outside(n, since);
        if (outside && first == NULL)
            first = n;
        for (size_t k = 0;
             i >= own && !outside && n->op != PG_OP_stop_gradient && !pg_is_sealed(n->op) && k < pg_operand_count(n);
             k++)
            outside = pg_operand(n, k)->grad != 0.0;
        n->grad = outside;
    }
    return first != NULL && pg_sweep_node(s, pg_sweep_count(s) - 1)->grad != 0.0 ? first : NULL;
}

static PyObject *rule_captured(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *outputs, *inputs, *found = NULL;
    unsigned long long since;
    if (!PyArg_ParseTuple(args, "O!O!K:rule_captured", &PyTuple_Type, &outputs, &PyTuple_Type, &inputs, &since))
        return NULL;
    pg_node **outs = pg_nodes_of(outputs, "outputs must be");
    pg_node **ins = outs == NULL ? NULL : pg_nodes_of(inputs, "inputs must be");
    if (ins != NULL) {
        const size_t own = (size_t)PyTuple_Size(inputs);
        pg_node *root = pg_compute_many(PG_SUM, outs, (size_t)PyTuple_Size(outputs), 0.0, NULL, NULL);
        pg_sweep *s = root == NULL ? (pg_sweep *)(void *)PyErr_NoMemory() : pg_sorted(root, 1, ins, own);
        if (s != NULL) {
            pg_node *n = first_outside(s, own, since);
            pg_give_up(s);
            found = n == NULL ? Py_NewRef(Py_None) : pg_value_of(n);
        }
        if (root != NULL)
            pg_release(root);
    }
    pg_free((void *)ins);
    pg_free((void *)outs);
    return found;
}

static PyObject *body_derived(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    return PyBool_FromLong(pg_loops_idle != 0);
}

static PyObject *births(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    return PyLong_FromUnsignedLongLong(pg_births);
}

PyMethodDef pg_rule_functions[] = {
    {"births", births, METH_NOARGS, "births()\n--\n\nWhat leaves are born at now."},
    {"set_lost_rule", set_lost_rule, METH_O,
     "set_lost_rule(function, /)\n--\n\nSet what raises in the place of a rule that a program has lost."},
    {"body_derived", body_derived, METH_NOARGS,
     "body_derived()\n--\n\nWhether a rule is called in the body of a loop that is differentiated."},
    {"rule_made", rule_made, METH_VARARGS,
     "rule_made(rule, name, primals, inputs, /)\n--\n\n"
     "Values with the numbers of primals, whose derivatives by the inputs are what the rule says: it is called with\n"
     "whether the way is back, the node, its inputs, the derivatives that have arrived, and by which inputs some are\n"
     "wanted, and gives a tuple of derivatives."},
    {"rule_results", rule_results, METH_O,
     "rule_results(node, /)\n--\n\nThe results of the node that a rule is called with."},
    {"rule_way", rule_way, METH_VARARGS,
     "rule_way(reverse, outputs, inputs, stops, seeds, /)\n--\n\n"
     "Derivatives between outputs and inputs as Values, in a graph that ends at the stops."},
    {"rule_captured", rule_captured, METH_VARARGS,
     "rule_captured(outputs, inputs, since, /)\n--\n\n"
     "A Value that outputs depend on besides the inputs, which was there before births() was since; or None."},
    {NULL, NULL, 0, NULL},
};
