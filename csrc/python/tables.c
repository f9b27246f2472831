/* tables.c: tables read by Values: searches and items, as nodes in a trace and as plain Python elsewhere. */
#include "python/tables.h"

#include "graph/cells.h"
#include "python/convert.h"
#include "python/numbers.h"
#include "python/trace.h"
#include "python/value.h"
#include "python/watching.h"

/* -- numbers on which eager code searches ----------------------------------------------------------- */

/* Keys that are looked at one by one; once one is no number, an exception is set and the rest does not matter. */
typedef struct {
    PyObject *keys;
    int failed;
} objects;

static double number_of(PyObject *object, int *failed)
{
    double number = 0.0;
    if (PyFloat_CheckExact(object))
        return PyFloat_AsDouble(object);
    if (*failed)
        return 0.0;
    if (PG_IS_VALUE(object)) {
        if (pg_require_built(object))
            return PG_NODE(object)->value;
        *failed = 1;
    } else if (!pg_require_number(object, "a number of a table", &number)) {
        *failed = 1;
    }
    return number;
}

static double key_at(objects *from, size_t i)
{
    PyObject *key = PyTuple_Check(from->keys) ? PyTuple_GetItem(from->keys, (Py_ssize_t)i)
                                              : PyList_GetItem(from->keys, (Py_ssize_t)i);
    if (key == NULL) { /* a conversion has shortened the list */
        from->failed = 1;
        return 0.0;
    }
    Py_INCREF(key);
    const double number = number_of(key, &from->failed);
    Py_DECREF(key);
    return number;
}

#define KEY_AT(i) key_at(from, i)
PG_CELL_FUNCTION(cell_among_objects, objects *, KEY_AT)

/* -- nodes ----------------------------------------------------------------------------------------- */

/* Nodes for x and the items of a tuple into nodes, which has room; how many there are now, all owned. Fewer than all
 * with an exception set. *values counts Values among the items. */
static size_t gather(pg_running_trace *t, PyObject *x, PyObject *tuple, pg_node **nodes, size_t *values)
{
    const size_t count = (size_t)PyTuple_Size(tuple);
    const struct pg_numbers *known = pg_find_numbers(t->numbers, tuple);
    size_t done = 0;
    *values = 0;
    if ((nodes[0] = pg_operand_node(x, "what is looked up in a table")) == NULL)
        return 0;
    for (done = 1; done <= count; done++) {
        PyObject *item = PyTuple_GetItem(tuple, (Py_ssize_t)done - 1);
        nodes[done] = known != NULL ? pg_retain(known->leaves[done - 1]) : pg_operand_node(item, "an item of a table");
        if (nodes[done] == NULL)
            return done;
        *values += known == NULL && PG_IS_VALUE(item);
    }
    return done;
}

/* What eager code would raise of an index that no item has: raised in a trace, too, where somebody would catch it, and
 * then whether it was is a guard; see handlers.h. False with an exception set. */
static int tried(pg_running_trace *t, pg_node *index, size_t count)
{
    if (t->loops != 0)
        return pg_errors_unheard(&t->errors, "IndexError");
    if (t->errors.over)
        return 1;
    const int guarded = pg_errors_guarded(&t->errors);
    if (guarded <= 0)
        return guarded == 0;
    const double last = (double)count - 1.0, x = index->value;
    if (!pg_trace_guard(index, NULL, 0.0, PG_GREATER_EQUAL, x >= 0.0) ||
        !pg_trace_guard(index, NULL, last, PG_LESS_EQUAL, x <= last))
        return 0;
    if (x >= 0.0 && x <= last)
        return 1;
    PyErr_Format(PyExc_IndexError, "an index is out of range for a table of %zu item%s", count, count == 1 ? "" : "s");
    return pg_errors_take(&t->errors) == 0;
}

/* A node on x and the items of a tuple; rule is negative for one that takes an item. New reference. */
static PyObject *node_of(PyObject *x, PyObject *tuple, int rule)
{
    pg_running_trace *t = pg_trace_running();
    const size_t count = (size_t)PyTuple_Size(tuple);
    pg_node **nodes = pg_alloc(count + 1, sizeof *nodes), *n = NULL;
    PyObject *made = NULL;
    size_t values;
    if (nodes == NULL)
        return PyErr_NoMemory();
    const size_t gathered = gather(t, x, tuple, nodes, &values);
    if (gathered == count + 1 && (rule >= 0 || tried(t, nodes[0], count))) {
        if (values == 0 && pg_find_numbers(t->numbers, tuple) == NULL)
            pg_keep_numbers(&t->numbers, tuple, nodes + 1);
        n = rule < 0 ? pg_item_of(nodes, count, 1) : pg_cell_of(nodes, count, (unsigned)rule, 1);
        made = pg_wrap(pg_recorded(n));
    }
    for (size_t i = 0; made != NULL && i < gathered; i++)
        pg_keep(nodes[i]); /* what they carry */
    for (size_t i = 0; i < gathered; i++)
        pg_release(nodes[i]);
    pg_free(nodes);
    return pg_watched(made);
}

static int has_values(PyObject *tuple)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(tuple); i++)
        if (PG_IS_VALUE(PyTuple_GetItem(tuple, i)))
            return 1;
    return 0;
}

/* -- from Python ------------------------------------------------------------------------------------ */

static PyObject *search_plainly(PyObject *keys, PyObject *x, unsigned rule)
{
    objects from = {keys, 0};
    const double number = number_of(x, &from.failed);
    const size_t count = (size_t)(PyTuple_Check(keys) ? PyTuple_Size(keys) : PyList_Size(keys));
    const size_t cell = from.failed || count == 0 ? 0 : cell_among_objects(&from, rule, count, number);
    return from.failed ? NULL : PyLong_FromSize_t(cell);
}

static PyObject *search(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *keys, *x;
    int rule;
    if (!PyArg_ParseTuple(args, "OOi:search", &keys, &x, &rule))
        return NULL;
    if (!PyTuple_Check(keys) && !PyList_Check(keys))
        return PyErr_Format(PyExc_TypeError, "search() takes a tuple or list of keys, not %R", Py_TYPE(keys));
    if (rule < 0 || rule >= PG_RULE_COUNT)
        return PyErr_Format(PyExc_ValueError, "search() has no rule %d", rule);
    if (!PG_TRACING || pg_trace_running() == NULL)
        return search_plainly(keys, x, (unsigned)rule);
    PyObject *tuple = pg_tuple(keys, "the keys");
    if (tuple == NULL)
        return NULL;
    PyObject *found = PG_IS_VALUE(x) || has_values(tuple) ? node_of(x, tuple, rule)
                                                          : search_plainly(tuple, x, (unsigned)rule);
    Py_DECREF(tuple);
    return found;
}

static PyObject *take(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *items, *index;
    if (!PyArg_ParseTuple(args, "O!O:take", &PyTuple_Type, &items, &index))
        return NULL;
    if (PG_TRACING && pg_trace_running() != NULL && PG_IS_VALUE(index))
        return node_of(index, items, -1);
    int failed = 0;
    const double number = number_of(index, &failed);
    const size_t count = (size_t)PyTuple_Size(items), at = pg_item_number(number, count);
    if (failed)
        return NULL;
    return at < count ? Py_NewRef(PyTuple_GetItem(items, (Py_ssize_t)at)) : PyFloat_FromDouble(Py_NAN);
}

PyMethodDef pg_table_functions[] = {
    {"search", search, METH_VARARGS,
     "search(keys, x, rule, /)\n--\n\n"
     "Which cell of ascending keys x is in, by a rule of csrc/ops/cells.h: an int, or in a trace a Value."},
    {"take", take, METH_VARARGS,
     "take(items, index, /)\n--\n\n"
     "The item of that number, nan where there is none: in a trace, where the index is a Value, a node."},
    {NULL, NULL, 0, NULL},
};
