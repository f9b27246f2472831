/* texts.c: texts of Values, which Python words: in lifted code and in traces; and what they are hashed as. */
#include "python/texts.h"

#include "python/convert.h"
#include "python/lifted.h"
#include "python/trace.h"

static PyObject *word; /* Python's function of a Value and a spec, set once */
static PyObject *key;  /* Python's function of a Value, set once */

/* Whether a spec may ask for all digits of a number: it has two digits after a point. */
static int is_long(PyObject *spec)
{
    if (spec == NULL || !PyUnicode_Check(spec))
        return 0;
    const Py_ssize_t length = PyUnicode_GetLength(spec), point = PyUnicode_FindChar(spec, '.', 0, length, 1);
    int digits = 0;
    for (Py_ssize_t i = point + 1; point >= 0 && i < length && i <= point + 2; i++) {
        const Py_UCS4 character = PyUnicode_ReadChar(spec, i);
        digits += character >= '0' && character <= '9';
    }
    return digits == 2;
}

PyObject *pg_text_instead(PyObject *v, PyObject *spec)
{
    if (word == NULL || (!PG_TRACING && !pg_lifted_code_is_about() && !is_long(spec)))
        return Py_NewRef(Py_None);
    return PyObject_CallFunctionObjArgs(word, v, spec == NULL ? Py_None : spec, NULL);
}

enum { FAR = 64 }; /* operations */

static int is_plain(const pg_node *n)
{
    return n->op == PG_LEAF && n->flags & PG_NUMBER;
}

/* Whether a way down from a node is seen to end at a leaf that is no plain number, and meets no comparison: most Values
 * are told by it, without Python. */
static int comes_of_value(const pg_node *n)
{
    for (int i = 0; i < FAR && n != NULL && !pg_is_condition(n->op); i++) {
        if (n->op == PG_LEAF)
            return !is_plain(n);
        const pg_node *down = NULL;
        for (size_t k = 0; k < pg_operand_count(n) && (down == NULL || down->op != PG_LEAF); k++)
            if (!is_plain(pg_operand(n, k)))
                down = pg_operand(n, k);
        n = down;
    }
    return 0;
}

PyObject *pg_key_instead(PyObject *v)
{
    if (key == NULL || !PG_TRACING || PG_NODE(v) == NULL || comes_of_value(PG_NODE(v)))
        return Py_NewRef(Py_None);
    return PyObject_CallFunctionObjArgs(key, v, NULL);
}

static PyObject *set_key(PyObject *module, PyObject *function)
{
    (void)module;
    pg_set(&key, Py_NewRef(function));
    Py_RETURN_NONE;
}

static PyObject *set_text(PyObject *module, PyObject *function)
{
    (void)module;
    pg_set(&word, Py_NewRef(function));
    Py_RETURN_NONE;
}

static PyObject *text(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *v, *spec;
    if (!PyArg_ParseTuple(args, "O!O:text", pg_value_type, &v, &spec) || !pg_require_built(v))
        return NULL;
    return pg_text_instead(v, spec);
}

/* The number of a Value on which a text is made. guarded: in a trace, the program holds for that number alone. */
static PyObject *number_in_text(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *v;
    int guarded;
    if (!PyArg_ParseTuple(args, "O!p:number_in_text", pg_value_type, &v, &guarded) || !pg_require_built(v))
        return NULL;
    pg_node *n = PG_NODE(v);
    const double x = n->value;
    if (guarded && PG_TRACING) {
        const int is_nan = x != x;
        if (is_nan ? !pg_trace_guard(n, n, 0.0, PG_UNEQUAL, 1) : !pg_trace_guard(n, NULL, x, PG_EQUAL, 1))
            return NULL;
    }
    return PyFloat_FromDouble(x);
}

static PyObject *is_of_inputs(PyObject *module, PyObject *v)
{
    (void)module;
    if (!PyObject_TypeCheck(v, pg_value_type) || !pg_require_built(v))
        return PyErr_Occurred() ? NULL : PyBool_FromLong(0);
    const int depends = PG_TRACING ? pg_trace_depends(v) : 0;
    return depends < 0 ? NULL : PyBool_FromLong(depends);
}

PyMethodDef pg_text_functions[] = {
    {"set_key", set_key, METH_O,
     "set_key(function, /)\n--\n\nSet what gives the number that a Value is hashed as in traces; or gives None."},
    {"set_text", set_text, METH_O,
     "set_text(function, /)\n--\n\nSet what words a Value, with a spec or None, in lifted code and traces; or gives None."},
    {"text", text, METH_VARARGS, "text(v, spec, /)\n--\n\nWhat stands for format(v, spec), or None."},
    {"number_in_text", number_in_text, METH_VARARGS,
     "number_in_text(v, guarded, /)\n--\n\nThe number of a Value; guarded: the program of a trace holds for it alone."},
    {"is_of_inputs", is_of_inputs, METH_O,
     "is_of_inputs(v, /)\n--\n\nWhether another call of the function that is traced may have another number in v."},
    {NULL, NULL, 0, NULL},
};
