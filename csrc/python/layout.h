/* layout.h: what stands in floats, lists, tuples and NumPy's arrays, read where it stands.
 *
 * The limited API asks for each item by a call, and does not know arrays at all. Their structs have been the same in all
 * versions of Python and NumPy that we know; each is compared with an object whose contents are known, once, and where
 * it has become another one pg_float_at and its like ask by a call, and no array is recognised. */
#ifndef PG_LAYOUT_H
#define PG_LAYOUT_H

#include "python/object.h"

typedef struct {
    PyObject_HEAD
    double number;
} pg_float_layout;

typedef struct {
    PyObject_VAR_HEAD PyObject **items;
    Py_ssize_t allocated;
} pg_list_layout;

typedef struct {
    PyObject_HEAD
    char *data;
    int axes;
    Py_ssize_t *shape, *strides;
    PyObject *base, *dtype;
    int flags;
} pg_array_layout;

typedef struct { PyObject_VAR_HEAD PyObject *items[]; } pg_tuple_layout;

extern int pg_floats_known, pg_lists_known, pg_tuples_known;
extern PyTypeObject *pg_array_type; /* NULL: no array is recognised */
extern PyObject *pg_float64; /* the dtype of which there is one */

/* The number of an exact float. */
static inline double pg_float_at(PyObject *object)
{
    return PG_LIKELY(pg_floats_known) ? ((pg_float_layout *)object)->number : PyFloat_AsDouble(object);
}

/* Item i of an exact list that has it. Borrowed. */
static inline PyObject *pg_list_item(PyObject *list, Py_ssize_t i)
{
    return PG_LIKELY(pg_lists_known) ? ((pg_list_layout *)list)->items[i] : PyList_GetItem(list, i);
}

/* The same of an exact tuple. */
static inline PyObject *pg_tuple_item(PyObject *tuple, Py_ssize_t i)
{
    return PG_LIKELY(pg_tuples_known) ? ((pg_tuple_layout *)tuple)->items[i] : PyTuple_GetItem(tuple, i);
}

/* The items of an exact list, else of an exact tuple, where they stand; NULL if they can only be asked for. */
static inline PyObject *const *pg_items(PyObject *sequence, int is_list)
{
    if (is_list)
        return PG_LIKELY(pg_lists_known) ? ((pg_list_layout *)sequence)->items : NULL;
    return PG_LIKELY(pg_tuples_known) ? ((pg_tuple_layout *)sequence)->items : NULL;
}

/* Whether an object is an array of float64 of NumPy's own class, in the computer's order of bytes. */
static inline int pg_is_array(PyObject *object)
{
    return Py_TYPE(object) == pg_array_type && ((pg_array_layout *)object)->dtype == pg_float64;
}

/* Whether the numbers of such an array stand one after the other, in C's order, where doubles may stand. */
static inline int pg_array_in_place(PyObject *array)
{
    enum { CONTIGUOUS_AND_ALIGNED = 0x101 }; /* as NumPy numbers them */
    return (((pg_array_layout *)array)->flags & CONTIGUOUS_AND_ALIGNED) == CONTIGUOUS_AND_ALIGNED;
}

/* Numbers of such an array, all of them, in C's order: to out[0], out[1], ..., or to out[places[0]], ... */
void pg_array_read(const pg_array_layout *array, double *out, const uint32_t *places);

/* A new array of float64, and where its numbers are to be written to; NULL with an exception set. */
PyObject *pg_array_new(int axes, const Py_ssize_t *shape, double **numbers);

extern PyMethodDef pg_layout_functions[];

/* -1 with an exception set if Python lacks something. */
int pg_layout_init(void);

#endif
