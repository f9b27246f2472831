/* forms.c: see forms.h. */
#include "python/forms.h"

#include "graph/memory.h"
#include "python/layout.h"

#include <string.h>

enum { DEEPEST = 64 }; /* containers in containers */

/* -- from Python ------------------------------------------------------------------------------------- */

static int refuse(void)
{
    PyErr_SetString(PyExc_ValueError, "a form is (kind, object, parts or how many)");
    return 0;
}

static int take_shape(pg_form *form, PyObject *shape)
{
    form->size = 1;
    if (!PyTuple_Check(shape))
        return refuse();
    form->shape = pg_alloc((size_t)PyTuple_Size(shape) + 1, sizeof *form->shape);
    if (form->shape == NULL)
        return PyErr_NoMemory() != NULL;
    for (form->count = 0; form->count < PyTuple_Size(shape); form->count++) {
        const Py_ssize_t length = PyLong_AsSsize_t(PyTuple_GetItem(shape, form->count));
        if (length < 0)
            return PyErr_Occurred() ? 0 : refuse();
        form->shape[form->count] = length;
        form->size *= (size_t)length;
    }
    return 1;
}

static int read_form(pg_form *form, PyObject *described, int depth);

/* Whether parts are alike: lists of as many numbers, or tuples of them. */
static int are_rows(const pg_form *form)
{
    const pg_form *first = form->parts;
    for (Py_ssize_t i = 0; i < form->count; i++) {
        const pg_form *part = &form->parts[i];
        if ((part->kind != PG_FORM_LIST && part->kind != PG_FORM_TUPLE) || part->kind != first->kind ||
            part->count != first->count || part->parts != NULL)
            return 0;
    }
    return form->count > 0;
}

/* Parts that are forms themselves. */
static int take_parts(pg_form *form, PyObject *parts, int depth)
{
    const Py_ssize_t count = PyTuple_Size(parts);
    form->parts = pg_alloc((size_t)count + 1, sizeof *form->parts);
    if (form->parts == NULL)
        return PyErr_NoMemory() != NULL;
    for (form->count = 0; form->count < count; form->count++) {
        pg_form *part = &form->parts[form->count];
        *part = (pg_form){.kind = PG_FORM_NUMBER};
        if (!read_form(part, PyTuple_GetItem(parts, form->count), depth + 1)) {
            pg_form_clear(part);
            return 0;
        }
        form->size += part->size;
    }
    form->of_rows = are_rows(form);
    return 1;
}

/* Parts that are numbers, all of them: how many. */
static int take_count(pg_form *form, PyObject *count)
{
    form->count = PyLong_AsSsize_t(count);
    form->size = (size_t)form->count;
    return form->count >= 0 ? 1 : PyErr_Occurred() ? 0 : refuse();
}

static int read_form(pg_form *form, PyObject *described, int depth)
{
    if (!PyTuple_Check(described) || PyTuple_Size(described) != 3 || depth > DEEPEST)
        return refuse();
    const long kind = PyLong_AsLong(PyTuple_GetItem(described, 0));
    PyObject *object = PyTuple_GetItem(described, 1), *parts = PyTuple_GetItem(described, 2);
    if (kind < 0 || kind >= PG_FORM_KINDS)
        return PyErr_Occurred() ? 0 : refuse();
    form->kind = (pg_form_kind)kind;
    switch (form->kind) {
    case PG_FORM_NUMBER:
    case PG_FORM_TRUTH:
    case PG_FORM_FLOAT:
        form->size = 1;
        return 1;
    case PG_FORM_ARRAY:
        return take_shape(form, object);
    case PG_FORM_SAME:
        form->object = Py_NewRef(object);
        return 1;
    default:
        if (!(PyTuple_Check(parts) ? take_parts(form, parts, depth) : take_count(form, parts)))
            return 0;
        if (form->kind == PG_FORM_DICT && (!PyTuple_Check(object) || PyTuple_Size(object) != form->count))
            return refuse();
        form->object = Py_NewRef(object);
        return 1;
    }
}

int pg_form_from(pg_form *form, PyObject *described)
{
    *form = (pg_form){.kind = PG_FORM_NUMBER};
    return read_form(form, described, 0);
}

void pg_form_clear(pg_form *form)
{
    pg_form before = *form;
    *form = (pg_form){.kind = PG_FORM_NUMBER};
    for (Py_ssize_t i = 0; before.parts != NULL && i < before.count; i++)
        pg_form_clear(&before.parts[i]);
    pg_free(before.parts);
    pg_free(before.shape);
    Py_XDECREF(before.object);
}

int pg_form_traverse(const pg_form *form, visitproc visit, void *arg)
{
    Py_VISIT(form->object);
    for (Py_ssize_t i = 0; form->parts != NULL && i < form->count; i++) {
        const int stop = pg_form_traverse(&form->parts[i], visit, arg);
        if (stop)
            return stop;
    }
    return 0;
}

/* -- reading ------------------------------------------------------------------------------------------ */

enum { MOST_TYPES = 8 };

/* Types besides float whose objects are numbers: as an argument, and in a container. Owned. */
static PyTypeObject *alone[MOST_TYPES], *contained[MOST_TYPES];

static int is_among(PyTypeObject *const *types, PyTypeObject *type)
{
    for (int i = 0; i < MOST_TYPES && types[i] != NULL; i++)
        if (types[i] == type)
            return 1;
    return 0;
}

/* Apart, so that floats take the shortest way. */
PG_RARE static int read_other_number(PyObject *object, int within, double *out)
{
    if (!is_among(within ? contained : alone, Py_TYPE(object)))
        return 0;
    *out = PyFloat_AsDouble(object);
    if (*out == -1.0 && PyErr_Occurred()) { /* an int that no float can be */
        PyErr_Clear();
        return 0;
    }
    return 1;
}

PG_INLINE int read_number(PyObject *object, int within, double *out)
{
    if (PG_UNLIKELY(!PyFloat_CheckExact(object)))
        return read_other_number(object, within, out);
    *out = pg_float_at(object);
    return 1;
}

static void skip(pg_cursor *numbers, size_t count)
{
    numbers->slots += count;
    numbers->runs += count;
}

static int stand_side_by_side(const pg_cursor *numbers, size_t count)
{
    return count != 0 && numbers->runs[0] >= count;
}

static int read_array(const pg_form *form, PyObject *object, pg_cursor *to)
{
    const pg_array_layout *array = (pg_array_layout *)object;
    if (!pg_is_array(object) || array->axes != form->count)
        return 0;
    for (Py_ssize_t i = 0; i < form->count; i++)
        if (array->shape[i] != form->shape[i])
            return 0;
    if (PG_LIKELY(stand_side_by_side(to, form->size)))
        pg_array_read(array, to->uniforms + to->slots[0], NULL);
    else /* some are not needed */
        pg_array_read(array, to->uniforms, to->slots);
    skip(to, form->size);
    return 1;
}

/* The floats of a list or tuple from the first on, until there is another number or slots do not stand side by side; how
 * many. */
static Py_ssize_t read_floats(PyObject *const *items, Py_ssize_t count, const pg_cursor *to)
{
    Py_ssize_t i = 0;
    if (!pg_floats_known || items == NULL || !stand_side_by_side(to, (size_t)count))
        return 0;
    double *out = to->uniforms + to->slots[0];
    for (; i < count && PyFloat_CheckExact(items[i]); i++)
        out[i] = ((pg_float_layout *)items[i])->number;
    return i;
}

/* The numbers of a list or tuple that has nothing else. */
static int read_numbers(const pg_form *form, PyObject *list, pg_cursor *to)
{
    const Py_ssize_t count = form->count;
    const int is_list = form->kind == PG_FORM_LIST;
    for (Py_ssize_t i = read_floats(pg_items(list, is_list), count, to); i < count; i++)
        if (!read_number(is_list ? pg_list_item(list, i) : pg_tuple_item(list, i), 1, to->uniforms + to->slots[i]))
            return 0;
    skip(to, (size_t)count);
    return 1;
}

/* Whether rows can be read where they stand. */
static int are_in_place(const pg_form *form, const pg_cursor *to)
{
    return form->of_rows && pg_floats_known && pg_lists_known && pg_tuples_known && stand_side_by_side(to, form->size);
}

/* The numbers of a row, floats where they stand. */
PG_INLINE int read_row(PyObject *const *numbers, Py_ssize_t count, double *out)
{
    for (Py_ssize_t k = 0; k < count; k++)
        if (PG_LIKELY(PyFloat_CheckExact(numbers[k])))
            out[k] = ((pg_float_layout *)numbers[k])->number;
        else if (!read_other_number(numbers[k], 1, &out[k]))
            return 0;
    return 1;
}

/* So many rows of so many numbers each, all of them lists, or tuples. */
PG_INLINE int read_each(PyObject *const *rows, Py_ssize_t many, Py_ssize_t count, int are_lists, double *out)
{
    PyTypeObject *const type = are_lists ? &PyList_Type : &PyTuple_Type;
    for (PyObject *const *end = rows + many; rows != end; rows++, out += count) {
        PyObject *row = *rows;
        if (PG_UNLIKELY(Py_TYPE(row) != type || Py_SIZE(row) != count))
            return 0;
        if (!read_row(are_lists ? ((pg_list_layout *)row)->items : ((pg_tuple_layout *)row)->items, count, out))
            return 0;
    }
    return 1;
}

#define APART __attribute__((noinline)) /* a function that keeps all that its loop needs in registers */

APART static int read_pairs(PyObject *const *rows, Py_ssize_t many, int are_lists, double *out)
{
    return are_lists ? read_each(rows, many, 2, 1, out) : read_each(rows, many, 2, 0, out);
}

APART static int read_others(PyObject *const *rows, Py_ssize_t many, Py_ssize_t count, int are_lists, double *out)
{
    return are_lists ? read_each(rows, many, count, 1, out) : read_each(rows, many, count, 0, out);
}

/* All the numbers of such rows in one go. */
static int read_rows(const pg_form *form, PyObject *const *rows, pg_cursor *to)
{
    const Py_ssize_t count = form->parts->count;
    const int are_lists = form->parts->kind == PG_FORM_LIST;
    double *out = to->uniforms + to->slots[0];
    if (!(count == 2 ? read_pairs(rows, form->count, are_lists, out)
                     : read_others(rows, form->count, count, are_lists, out)))
        return 0;
    skip(to, form->size);
    return 1;
}

static int read_part(const pg_form *form, Py_ssize_t i, PyObject *object, pg_cursor *to)
{
    if (form->parts != NULL)
        return pg_form_read(&form->parts[i], object, 1, to);
    if (!read_number(object, 1, to->uniforms + to->slots[0]))
        return 0;
    skip(to, 1);
    return 1;
}

static int is_same(PyObject *object, PyObject *expected)
{
    if (object == expected)
        return 1;
    return PyUnicode_CheckExact(object) && PyUnicode_CheckExact(expected) && PyUnicode_Compare(object, expected) == 0;
}

static int read_dict(const pg_form *form, PyObject *dict, pg_cursor *to)
{
    PyObject *name, *item;
    Py_ssize_t place = 0, i = 0;
    if (!PyDict_CheckExact(dict) || PyDict_Size(dict) != form->count)
        return 0;
    for (; i < form->count && PyDict_Next(dict, &place, &name, &item); i++)
        if (!is_same(name, pg_tuple_item(form->object, i)) || !read_part(form, i, item, to))
            return 0;
    return 1;
}

static int read_items(const pg_form *form, PyObject *items, pg_cursor *to)
{
    const int is_list = form->kind == PG_FORM_LIST;
    if (is_list ? !PyList_CheckExact(items) || PyList_Size(items) != form->count
                : !PyTuple_CheckExact(items) || PyTuple_Size(items) != form->count)
        return 0;
    if (form->parts == NULL)
        return read_numbers(form, items, to);
    if (are_in_place(form, to))
        return read_rows(form, pg_items(items, is_list), to);
    for (Py_ssize_t i = 0; i < form->count; i++)
        if (!pg_form_read(&form->parts[i], is_list ? pg_list_item(items, i) : pg_tuple_item(items, i), 1, to))
            return 0;
    return 1;
}

int pg_form_read(const pg_form *form, PyObject *object, int within, pg_cursor *to)
{
    switch (form->kind) {
    case PG_FORM_FLOAT:
    case PG_FORM_NUMBER:
        if (form->kind == PG_FORM_FLOAT && !PyFloat_CheckExact(object))
            return 0;
        if (!read_number(object, within, to->uniforms + to->slots[0]))
            return 0;
        skip(to, 1);
        return 1;
    case PG_FORM_ARRAY:
        return read_array(form, object, to);
    case PG_FORM_LIST:
    case PG_FORM_TUPLE:
        return read_items(form, object, to);
    case PG_FORM_DICT:
        return read_dict(form, object, to);
    case PG_FORM_SAME:
        return is_same(object, form->object);
    default:
        return 0;
    }
}

/* -- making ------------------------------------------------------------------------------------------- */

static PyObject *made_array(const pg_form *form, pg_cursor *from)
{
    double *numbers;
    PyObject *array = pg_array_new((int)form->count, form->shape, &numbers);
    for (size_t i = 0; array != NULL && i < form->size; i++)
        numbers[i] = from->uniforms[from->slots[i]];
    from->slots += form->size;
    return array;
}

static PyObject *made_part(const pg_form *form, Py_ssize_t i, pg_cursor *from)
{
    return form->parts != NULL ? pg_form_made(&form->parts[i], from)
                               : PyFloat_FromDouble(from->uniforms[*from->slots++]);
}

/* A list or tuple of the parts. */
static PyObject *made_items(const pg_form *form, int is_tuple, pg_cursor *from)
{
    PyObject *items = is_tuple ? PyTuple_New(form->count) : PyList_New(form->count);
    for (Py_ssize_t i = 0; items != NULL && i < form->count; i++) {
        PyObject *item = made_part(form, i, from);
        if (item == NULL)
            Py_CLEAR(items);
        else if (is_tuple)
            PyTuple_SetItem(items, i, item);
        else
            PyList_SetItem(items, i, item);
    }
    return items;
}

static PyObject *made_dict(const pg_form *form, pg_cursor *from)
{
    PyObject *dict = PyDict_New();
    for (Py_ssize_t i = 0; dict != NULL && i < form->count; i++) {
        PyObject *item = made_part(form, i, from);
        if (item == NULL || PyDict_SetItem(dict, PyTuple_GetItem(form->object, i), item) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(item);
    }
    return dict;
}

static PyObject *made_by(const pg_form *form, pg_cursor *from)
{
    PyObject *items = made_items(form, 0, from);
    PyObject *made = items == NULL ? NULL : PyObject_CallFunctionObjArgs(form->object, items, NULL);
    Py_XDECREF(items);
    return made;
}

PyObject *pg_form_made(const pg_form *form, pg_cursor *from)
{
    switch (form->kind) {
    case PG_FORM_NUMBER:
        return PyFloat_FromDouble(from->uniforms[*from->slots++]);
    case PG_FORM_TRUTH:
        return PyBool_FromLong(from->uniforms[*from->slots++] != 0.0);
    case PG_FORM_ARRAY:
        return made_array(form, from);
    case PG_FORM_LIST:
    case PG_FORM_TUPLE:
        return made_items(form, form->kind == PG_FORM_TUPLE, from);
    case PG_FORM_DICT:
        return made_dict(form, from);
    case PG_FORM_MADE:
        return made_by(form, from);
    default:
        return Py_NewRef(form->object);
    }
}

/* -- for Python --------------------------------------------------------------------------------------- */

static int take_types(PyTypeObject **into, PyObject *types)
{
    if (!PyTuple_Check(types) || PyTuple_Size(types) > MOST_TYPES)
        return refuse();
    for (Py_ssize_t i = 0; i < PyTuple_Size(types); i++)
        into[i] = (PyTypeObject *)Py_NewRef(PyTuple_GetItem(types, i));
    return 1;
}

static PyObject *know_numbers(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *by_themselves, *in_containers;
    if (!PyArg_ParseTuple(args, "OO:know_numbers", &by_themselves, &in_containers))
        return NULL;
    if (!take_types(alone, by_themselves) || !take_types(contained, in_containers))
        return NULL;
    Py_RETURN_NONE;
}

PyMethodDef pg_form_functions[] = {
    {"know_numbers", know_numbers, METH_VARARGS,
     "know_numbers(alone, contained, /)\n--\n\n"
     "Types besides float whose objects C takes for numbers, as an argument and in a container: tuples."},
    {NULL, NULL, 0, NULL},
};
