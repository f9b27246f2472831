/* again.c: nodes once more, made of others. */
#include "python/again.h"

#include "graph/graph.h"
#include "program/unfold.h"
#include "python/convert.h"
#include "python/sweeping.h"
#include "python/value.h"

/* Three tuples of Values as nodes, borrowed, in arrays that the caller frees. */
typedef struct {
    pg_node **outputs, **made_of, **others;
    size_t count, of; /* outputs; what they are made of */
} renewal;

/* The nodes of Values, whose trace may be over, or that of their body; NULL with an exception set. */
static pg_node **nodes_in(PyObject *values)
{
    const Py_ssize_t count = PyTuple_Size(values);
    pg_node **nodes = pg_alloc((size_t)count + 1, sizeof *nodes);
    if (nodes == NULL)
        return (pg_node **)(void *)PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *v = PyTuple_GetItem(values, i);
        if (!PG_IS_VALUE(v)) {
            PyErr_Format(PyExc_TypeError, "rule_again() takes Values, not %R", Py_TYPE(v));
            pg_free((void *)nodes);
            return NULL;
        }
        nodes[i] = PG_NODE(v);
    }
    return nodes;
}

/* Into results, which the caller owns, the outputs that were sorted down to what they are made of. */
static pg_status make(const renewal *r, const pg_sweep *s, pg_node **results)
{
    const size_t count = pg_sweep_count(s) - 1; /* without the root */
    pg_node **order = pg_alloc(count + 1, sizeof *order);
    if (order == NULL)
        return PG_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        order[i] = pg_sweep_node(s, i);
    const pg_kept kept = {.order = order,
                          .count = count,
                          .inputs = r->made_of,
                          .input_count = r->of,
                          .results = r->outputs,
                          .result_count = r->count};
    const pg_status status = pg_unfold_kept(&kept, r->others, results);
    pg_free((void *)order);
    return status;
}

static PyObject *wrapped(pg_node *const *nodes, size_t count)
{
    PyObject *values = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; values != NULL && i < count; i++) {
        PyObject *v = pg_value_of(nodes[i]);
        if (v == NULL)
            Py_CLEAR(values);
        else
            PyTuple_SetItem(values, (Py_ssize_t)i, v);
    }
    return values;
}

static PyObject *renewed(const renewal *r)
{
    PyObject *values = NULL;
    pg_node **results = pg_no_nodes(r->count);
    pg_node *root = results == NULL ? NULL : pg_compute_many(PG_SUM, r->outputs, r->count, 0.0, NULL, NULL);
    if (root == NULL) {
        PyErr_NoMemory();
    } else {
        pg_sweep *s = pg_sorted(root, 1, r->made_of, r->of);
        if (s != NULL) {
            const pg_status status = make(r, s, results);
            pg_give_up(s);
            values = status == PG_OK ? wrapped(results, r->count) : pg_raise(status);
        }
        pg_release(root);
    }
    if (results != NULL)
        pg_release_all(results, r->count);
    pg_free((void *)results);
    return values;
}

static PyObject *rule_again(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *outputs, *made_of, *others, *values = NULL;
    if (!PyArg_ParseTuple(args, "O!O!O!:rule_again", &PyTuple_Type, &outputs, &PyTuple_Type, &made_of, &PyTuple_Type,
                          &others))
        return NULL;
    if (PyTuple_Size(made_of) != PyTuple_Size(others))
        return PyErr_Format(PyExc_ValueError, "rule_again() takes as many Values as there were");
    renewal r = {.count = (size_t)PyTuple_Size(outputs), .of = (size_t)PyTuple_Size(made_of)};
    r.outputs = nodes_in(outputs);
    r.made_of = r.outputs == NULL ? NULL : nodes_in(made_of);
    r.others = r.made_of == NULL ? NULL : nodes_in(others);
    if (r.others != NULL)
        values = renewed(&r);
    pg_free((void *)r.others);
    pg_free((void *)r.made_of);
    pg_free((void *)r.outputs);
    return values;
}

PyMethodDef pg_again_functions[] = {
    {"rule_again", rule_again, METH_VARARGS,
     "rule_again(outputs, made_of, others, /)\n--\n\n"
     "The outputs made of other Values in the place of some that they were made of; their numbers do not matter."},
    {NULL, NULL, 0, NULL},
};
