/* singular.c: a product of a computed 0 and an infinite slope, shown to a function of Python. */
#include "python/singular.h"

#include "python/convert.h"
#include "python/modes.h"
#include "python/value.h"

static PyObject *teller; /* the function, set once */

static PyObject *set_singular(PyObject *module, PyObject *function)
{
    (void)module;
    pg_set(&teller, Py_NewRef(function));
    Py_RETURN_NONE;
}

/* A trace tells of nothing: its program runs at the same point, and says where another look is needed. Then the
 * function is traced once more, and looked at. */
static PG_THREAD_LOCAL int looks;
PG_THREAD_LOCAL int pg_higher_orders;

/* In one call of Python's, so that an interrupt cannot come between and leave the look on. */
static PyObject *look(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *function, *point;
    if (!PyArg_ParseTuple(args, "OO:look_for_singular", &function, &point))
        return NULL;
    const int before = looks;
    looks = 1;
    PyObject *result = PyObject_CallFunctionObjArgs(function, point, NULL);
    looks = before;
    return result;
}

static int call(const pg_singularity *found)
{
    PyObject *v = pg_value_of(found->node);
    PyObject *result = v == NULL ? NULL
                                 : PyObject_CallFunction(teller, "Odddi", v, found->node->value, found->derivative,
                                                         found->slope, (int)PG_WATCHED);
    Py_XDECREF(v);
    Py_XDECREF(result);
    return result != NULL;
}

int pg_tell_singular(unsigned before, const pg_sweep *s, pg_way way, pg_node *const *inputs, size_t count,
                     const double *seeds, int *told)
{
    if (pg_birth_flags != 0 && !pg_higher_orders)
        pg_higher_orders = pg_has_derivatives(s);
    if (pg_suppressed == before || *told || teller == NULL || (pg_birth_flags != 0 && !looks))
        return 1;
    pg_singularity found;
    pg_status status = pg_find_singular(s, way, inputs, count, seeds, &found);
    if (status != PG_OK)
        return pg_raise(status) != NULL;
    *told = found.node != NULL;
    return found.node == NULL || call(&found);
}

/* What pg_suppressed is; in a trace that nobody looks at always the same. */
static PyObject *suppressed(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    return PyLong_FromUnsignedLong(pg_birth_flags != 0 && !looks ? 0 : pg_suppressed);
}

PyMethodDef pg_singular_functions[] = {
    {"set_singular", set_singular, METH_O,
     "set_singular(function, /)\n--\n\nSet what is told of derivatives that are not to be relied on."},
    {"look_for_singular", look, METH_VARARGS,
     "look_for_singular(function, point, /)\n--\n\nfunction(point), in whose traces this thread looks for them."},
    {"suppressed", suppressed, METH_NOARGS,
     "suppressed()\n--\n\nHow often a product of 0 and what is not finite was taken for 0, where that is looked at."},
    {NULL, NULL, 0, NULL},
};
