/* rounding.c: Python is told of large whole numbers that were made of a Value in lifted code. */
#include "python/rounding.h"

#include <math.h>

#include "python/convert.h"
#include "python/lifted.h"

static PyObject *told; /* Python's function of a Value and its whole number, set once */

int pg_may_round(PyObject *x, double z)
{
    if (told == NULL || !isfinite(z) || !pg_lifted_code_is_about())
        return 1;
    PyObject *number = PyFloat_FromDouble(z);
    PyObject *result = number == NULL ? NULL : PyObject_CallFunctionObjArgs(told, x, number, NULL);
    Py_XDECREF(number);
    Py_XDECREF(result);
    return result != NULL;
}

static PyObject *set_rounding(PyObject *module, PyObject *function)
{
    (void)module;
    pg_set(&told, Py_NewRef(function));
    Py_RETURN_NONE;
}

static PyObject *may_round(PyObject *module, PyObject *x)
{
    (void)module;
    if (!PyObject_TypeCheck(x, pg_value_type) || !pg_require_built(x))
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    const double z = PG_NODE(x)->value;
    return !(fabs(z) >= PG_LARGE_WHOLE) || pg_may_round(x, z) ? Py_NewRef(Py_None) : NULL;
}

PyMethodDef pg_rounding_functions[] = {
    {"set_rounding", set_rounding, METH_O,
     "set_rounding(function, /)\n--\n\nSet what is told of a Value and the large whole number that it was rounded to."},
    {"may_round", may_round, METH_O, "may_round(x, /)\n--\n\nThat tells of a Value if it is that large."},
    {NULL, NULL, 0, NULL},
};
