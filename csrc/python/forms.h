/* forms.h: arguments read as numbers, and numbers made a result, by what Python has said of their structure
 * (pygrad/programs/forms.py): a tree of kinds.
 *
 * Nothing here is called back by what is read; where something else stands than the form says it is for Python to look. */
#ifndef PG_FORMS_H
#define PG_FORMS_H

#include "python/object.h"

/* As pygrad/programs/forms.py numbers them. */
typedef enum {
    PG_FORM_NUMBER,
    PG_FORM_TRUTH, /* of results: a bool */
    PG_FORM_ARRAY, /* of float64, of one shape */
    PG_FORM_LIST,
    PG_FORM_TUPLE,
    PG_FORM_DICT,
    PG_FORM_SAME, /* one object, always */
    PG_FORM_MADE, /* of results: what a function makes of a list */
    PG_FORM_FLOAT, /* of arguments: a float, and no other number */
    PG_FORM_KINDS
} pg_form_kind;

typedef struct pg_form pg_form;
struct pg_form {
    pg_form_kind kind;
    Py_ssize_t count;      /* of parts; axes of an array */
    size_t size;           /* numbers in it */
    PyObject *object;      /* names of a dict, a tuple; what is always the same; what makes; or NULL. Owned */
    pg_form *parts;        /* owned; NULL: all are numbers */
    Py_ssize_t *shape;     /* of an array; owned */
    int of_rows;           /* parts are lists, or tuples, of as many numbers each */
};

/* Where the next numbers go, or come from: slots of uniforms, one for each number. */
typedef struct {
    double *uniforms;
    const pg_slot *slots;
    const uint32_t *runs;  /* for each slot how many from it on stand side by side; reading only */
} pg_cursor;

/* Reads a form as Python describes it into *form. False with an exception set; *form can be cleared then, too. */
int pg_form_from(pg_form *form, PyObject *described);

/* Gives back all that it owns, and shows it to the collector. */
void pg_form_clear(pg_form *form);
int pg_form_traverse(const pg_form *form, visitproc visit, void *arg);

/* The numbers of an object; false, without an exception, if it is not of that form. within: in a container. */
int pg_form_read(const pg_form *form, PyObject *object, int within, pg_cursor *to);

/* An object of the numbers; NULL with an exception set. */
PyObject *pg_form_made(const pg_form *form, pg_cursor *from);

extern PyMethodDef pg_form_functions[];

#endif
