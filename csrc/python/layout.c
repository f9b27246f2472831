/* layout.c: see layout.h. */
#include "python/layout.h"

#include <string.h>

int pg_floats_known, pg_lists_known, pg_tuples_known;
PyTypeObject *pg_array_type;
PyObject *pg_float64;

enum { FLOAT64 = 12, C_CONTIGUOUS = 1 }; /* as NumPy numbers them */

/* Of NumPy's table of functions, which only grows: where an entry of it stands. */
enum { GET_ABI_VERSION = 0, ARRAY_TYPE = 2, ARRAY_NEW = 93 };

typedef unsigned get_abi_version(void);
typedef PyObject *array_new(PyTypeObject *type, int axes, const Py_ssize_t *shape, int number,
                            const Py_ssize_t *strides, void *data, int item_size, int flags, PyObject *of);

static array_new *new_array;

/* -- Python's --------------------------------------------------------------------------------------- */

/* -1 with an exception set. */
static Py_ssize_t size_of(PyTypeObject *type)
{
    PyObject *size = PyObject_GetAttrString((PyObject *)type, "__basicsize__");
    const Py_ssize_t found = size == NULL ? -1 : PyLong_AsSsize_t(size);
    Py_XDECREF(size);
    return found;
}

static int float_is(double number)
{
    PyObject *object = PyFloat_FromDouble(number);
    const int same = object != NULL && ((pg_float_layout *)object)->number == number;
    Py_XDECREF(object);
    return same;
}

static int list_is_known(void)
{
    PyObject *list = PyList_New(2);
    if (list == NULL)
        return 0;
    PyList_SetItem(list, 0, Py_NewRef(Py_None));
    PyList_SetItem(list, 1, Py_NewRef(Py_True));
    const pg_list_layout *layout = (pg_list_layout *)list;
    const int same = layout->items[0] == Py_None && layout->items[1] == Py_True;
    Py_DECREF(list);
    return same;
}

static int tuple_is_known(void)
{
    PyObject *tuple = PyTuple_Pack(2, Py_None, Py_True);
    if (tuple == NULL)
        return 0;
    const pg_tuple_layout *layout = (pg_tuple_layout *)tuple;
    const int same = layout->items[0] == Py_None && layout->items[1] == Py_True;
    Py_DECREF(tuple);
    return same;
}

int pg_layout_init(void)
{
    pg_floats_known = size_of(&PyFloat_Type) == sizeof(pg_float_layout) && float_is(0.1) && float_is(-2e300);
    pg_lists_known = size_of(&PyList_Type) == sizeof(pg_list_layout) && list_is_known();
    pg_tuples_known = size_of(&PyTuple_Type) == sizeof(pg_tuple_layout) && tuple_is_known();
    return PyErr_Occurred() ? -1 : 0;
}

/* -- NumPy's ---------------------------------------------------------------------------------------- */

static int is_number(PyObject *items, Py_ssize_t i, Py_ssize_t number)
{
    return PyLong_AsSsize_t(PyTuple_GetItem(items, i)) == number;
}

/* Whether an array of two axes is laid out as we think, given what it says of itself. */
static int array_is_known(PyObject *array, PyObject *address, PyObject *shape, PyObject *strides, int flags)
{
    const pg_array_layout *layout = (pg_array_layout *)array;
    if ((void *)layout->data != PyLong_AsVoidPtr(address) || layout->axes != 2 || layout->flags != flags)
        return 0;
    for (Py_ssize_t i = 0; i < 2; i++)
        if (!is_number(shape, i, layout->shape[i]) || !is_number(strides, i, layout->strides[i]))
            return 0;
    return 1;
}

/* Its own functions, or NULL where the table is none that we know. */
static array_new *function_of(void **table, PyTypeObject *type)
{
    union {
        void *entry;
        get_abi_version *asked;
        array_new *made;
    } function = {.entry = table[GET_ABI_VERSION]};
    const unsigned version = function.asked() >> 24;
    if ((version != 1 && version != 2) || table[ARRAY_TYPE] != (void *)type)
        return NULL;
    function.entry = table[ARRAY_NEW];
    return function.made;
}

static PyObject *know_arrays(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *array, *dtype, *address, *shape, *strides, *functions;
    int flags;
    if (!PyArg_ParseTuple(args, "OOO!O!O!iO!:know_arrays", &array, &dtype, &PyLong_Type, &address, &PyTuple_Type,
                          &shape, &PyTuple_Type, &strides, &flags, &PyCapsule_Type, &functions))
        return NULL;
    if (size_of(Py_TYPE(array)) < (Py_ssize_t)sizeof(pg_array_layout) || PyTuple_Size(shape) != 2 ||
        PyTuple_Size(strides) != 2 || !array_is_known(array, address, shape, strides, flags))
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_False);
    void **table = PyCapsule_GetPointer(functions, NULL);
    if (table == NULL)
        return NULL;
    new_array = function_of(table, Py_TYPE(array));
    if (new_array == NULL || ((pg_array_layout *)array)->dtype != dtype)
        Py_RETURN_FALSE;
    pg_set(&pg_float64, Py_NewRef(dtype));
    pg_array_type = (PyTypeObject *)Py_NewRef((PyObject *)Py_TYPE(array));
    Py_RETURN_TRUE;
}

/* Where numbers of an array go: one after the other, or to places in out. */
typedef struct {
    double *out;
    const uint32_t *places; /* or NULL */
    size_t done;
} target;

static void read_axis(const pg_array_layout *array, int axis, const char *data, target *to)
{
    if (axis == array->axes) {
        memcpy(to->out + (to->places == NULL ? to->done : to->places[to->done]), data, sizeof *to->out);
        to->done++;
        return;
    }
    for (Py_ssize_t i = 0; i < array->shape[axis]; i++)
        read_axis(array, axis + 1, data + i * array->strides[axis], to);
}

void pg_array_read(const pg_array_layout *array, double *out, const uint32_t *places)
{
    if (places != NULL || !(array->flags & C_CONTIGUOUS)) {
        read_axis(array, 0, array->data, &(target){.out = out, .places = places});
        return;
    }
    size_t count = 1;
    for (int i = 0; i < array->axes; i++)
        count *= (size_t)array->shape[i];
    memcpy(out, array->data, count * sizeof *out);
}

PyObject *pg_array_new(int axes, const Py_ssize_t *shape, double **numbers)
{
    PyObject *array = new_array(pg_array_type, axes, shape, FLOAT64, NULL, NULL, 0, 0, NULL);
    *numbers = array == NULL ? NULL : (double *)(void *)((pg_array_layout *)array)->data;
    return array;
}

PyMethodDef pg_layout_functions[] = {
    {"know_arrays", know_arrays, METH_VARARGS,
     "know_arrays(array, dtype, address, shape, strides, flags, functions, /)\n--\n\n"
     "Have NumPy's arrays recognised, if one of two axes is laid out as it says. functions: NumPy's table for C."},
    {NULL, NULL, 0, NULL},
};
