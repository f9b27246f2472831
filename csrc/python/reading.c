/* reading.c: what code reads by name from elsewhere, seen in its instructions.
 *
 * A first call asks this of all code that it may run. What is found are tuples (kind, name, attributes), as
 * pygrad/core/reading.py has them: the attributes are those that are asked for right after the name, one of the other. */
#include "python/reading.h"

/* What an instruction does, as Python says it: a letter for each. Others are of no matter here. */
enum {
    GLOBAL = 'g',
    CELL = 'c',
    CLASS_CELL = 'k', /* which is looked up in the class first */
    LOCAL = 'l',
    TWO_LOCALS = 'm',
    IMPORT = 'i',
    IMPORT_FROM = 'f',
    SUPER = 's',      /* an attribute of super() */
    ATTRIBUTE = 'a',
    STORE_LOCAL = 'L',
    STORE_TWO = 'M',
    STORE_AND_LOAD = 'N',
    STORE_CELL = 'C',
    STORE_GLOBAL = 'G',
    STORE = 'S',      /* elsewhere */
    COPY = 'd',
    CALL = '(',
    CONSTANT = '=',
    SMALL_INT = '1',
    ADDITION = '+'
};

enum { KIND, NAME, ATTRIBUTES }; /* of a read */

/* Kinds of reads, and an attribute; made once, and kept. */
static PyObject *of_argument, *of_inner, *of_global, *of_cell, *of_module, *of_super, *class_of_it, *no_attributes;

typedef struct {
    /* All borrowed. */
    const unsigned char *ops;
    const char *letters;          /* for each opcode what it does */
    Py_ssize_t count;
    PyObject *values;             /* what goes with each instruction */
    PyObject *found;              /* a dict: its keys are the reads */
    PyObject *own, *around;       /* cells of functions around this code; what local names stand for there, or None */
    /* All owned. */
    PyObject *arguments, *cells, *free; /* names */
    PyObject *local; /* a dict: what local names stand for: arguments, and what is given to a name once */
    PyObject *stored; /* a dict: for names that are given a value whether that is at one place only */
} reader;

static char does(const reader *r, Py_ssize_t at)
{
    return (char)(at < r->count ? r->letters[r->ops[at]] : 0);
}

/* What goes with an instruction. Borrowed. */
static PyObject *value(const reader *r, Py_ssize_t at)
{
    return PyTuple_GetItem(r->values, at);
}

static int is_text(PyObject *object, const char *text)
{
    return PyUnicode_Check(object) && PyUnicode_CompareWithASCIIString(object, text) == 0;
}

/* -- reads: all functions that take one own it from then on, and return a new one or NULL with an exception set --- */

static PyObject *new_read(PyObject *kind, PyObject *name, PyObject *attributes)
{
    return PyTuple_Pack(3, kind, name, attributes);
}

static PyObject *part(PyObject *read, Py_ssize_t which)
{
    return PyTuple_GetItem(read, which);
}

/* The same with further attributes, a tuple that is taken over. */
static PyObject *with(PyObject *read, PyObject *attributes)
{
    PyObject *all = attributes == NULL ? NULL : PySequence_Concat(part(read, ATTRIBUTES), attributes);
    PyObject *longer = all == NULL ? NULL : new_read(part(read, KIND), part(read, NAME), all);
    Py_XDECREF(attributes);
    Py_XDECREF(all);
    Py_DECREF(read);
    return longer;
}

/* The same with the attributes that are asked for from *end on, which is then where they end. */
static PyObject *with_attributes(const reader *r, PyObject *read, Py_ssize_t *end)
{
    const Py_ssize_t first = *end;
    while (does(r, *end) == ATTRIBUTE)
        ++*end;
    return *end == first ? read : with(read, PyTuple_GetSlice(r->values, first, *end));
}

/* getattr(name, "attribute"), hasattr(name, "attribute") and type(name): attributes, too. */
static PyObject *with_attributes_by_call(const reader *r, PyObject *read, Py_ssize_t at, Py_ssize_t *end)
{
    PyObject *function = value(r, at - 1);
    if (is_text(function, "getattr") || is_text(function, "hasattr")) {
        PyObject *asked = does(r, *end) == CONSTANT ? value(r, *end) : NULL;
        return asked != NULL && PyUnicode_Check(asked) ? with(read, PyTuple_Pack(1, asked)) : read;
    }
    if (!is_text(function, "type") || does(r, *end) != CALL || PyLong_AsLong(value(r, *end)) != 1)
        return read;
    ++*end;
    read = with(read, PyTuple_Pack(1, class_of_it));
    return read == NULL ? NULL : with_attributes(r, read, end);
}

/* -- names that are given values ------------------------------------------------------------------------ */

static int gives(char what)
{
    return what == STORE_LOCAL || what == STORE_TWO || what == STORE_AND_LOAD || what == STORE_CELL;
}

/* How many names an instruction gives values that stand on top of the stack. */
static Py_ssize_t given_count(char what)
{
    return what == STORE_TWO ? 2 : gives(what);
}

/* One of the names that go with an instruction. Borrowed. */
static PyObject *name_of(const reader *r, Py_ssize_t at, Py_ssize_t which)
{
    PyObject *names = value(r, at);
    return PyTuple_Check(names) ? PyTuple_GetItem(names, which) : names;
}

static int find_stored(const reader *r)
{
    for (Py_ssize_t at = 0; at < r->count; at++)
        for (Py_ssize_t i = 0; i < given_count(does(r, at)); i++) {
            PyObject *name = name_of(r, at, i);
            const int again = PyDict_Contains(r->stored, name);
            if (again < 0 || PyDict_SetItem(r->stored, name, again ? Py_False : Py_True) < 0)
                return 0;
        }
    return 1;
}

/* From now on a name stands for what was read, if it is given nothing else. */
static int give(const reader *r, PyObject *name, PyObject *read)
{
    if (PyDict_GetItemWithError(r->stored, name) != Py_True)
        return !PyErr_Occurred();
    const int known = PyDict_Contains(r->local, name), free = PySequence_Contains(r->free, name);
    return known >= 0 && free >= 0 && (known || free || PyDict_SetItem(r->local, name, read) == 0);
}

/* -- instructions that read ------------------------------------------------------------------------------ */

/* What a local name stands for; NULL if nothing, or with an exception set. */
static PyObject *found_local(const reader *r, PyObject *name)
{
    PyObject *found = PyDict_GetItemWithError(r->local, name);
    return Py_XNewRef(found);
}

static PyObject *found_cell(const reader *r, PyObject *name)
{
    const int own = PySequence_Contains(r->cells, name), of_others = own ? 0 : PySequence_Contains(r->own, name);
    return own != 0 || of_others != 0 ? NULL : new_read(of_cell, name, no_attributes);
}

static PyObject *found_module(PyObject *name)
{
    const Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, PyUnicode_GetLength(name), 1);
    return dot == -1 ? new_read(of_module, name, no_attributes) : NULL;
}

static PyObject *found_super(PyObject *name)
{
    PyObject *attributes = PyTuple_Pack(1, name);
    PyObject *read = attributes == NULL ? NULL : new_read(of_super, of_super, attributes);
    Py_XDECREF(attributes);
    return read;
}

/* What an instruction reads; NULL if nothing, or with an exception set. */
static PyObject *read_at(const reader *r, Py_ssize_t at)
{
    PyObject *name = value(r, at), *found;
    switch (does(r, at)) {
    case GLOBAL:
        return new_read(of_global, name, no_attributes);
    case LOCAL:
        return found_local(r, name);
    case TWO_LOCALS: /* attributes are asked for of the second */
    case STORE_AND_LOAD:
        return found_local(r, name_of(r, at, 1));
    case CELL:
        found = found_local(r, name);
        return found != NULL || PyErr_Occurred() ? found : found_cell(r, name);
    case CLASS_CELL:
        return found_cell(r, name);
    case IMPORT:
        return found_module(name);
    case SUPER:
        return found_super(name);
    default:
        return NULL;
    }
}

/* from module import name, within a function: it is read at each call. */
static int add_imported(const reader *r, Py_ssize_t at)
{
    PyObject *module = value(r, at);
    for (char next; (next = does(r, ++at)) != 0;) {
        if (next == IMPORT_FROM) {
            PyObject *read = new_read(of_module, module, no_attributes);
            read = read == NULL ? NULL : with(read, PyTuple_Pack(1, value(r, at)));
            const int failed = read == NULL || PyDict_SetItem(r->found, read, Py_None) < 0;
            Py_XDECREF(read);
            if (failed)
                return 0;
        } else if (!gives(next) && next != STORE_GLOBAL && next != STORE) {
            break;
        }
    }
    return 1;
}

/* Whether a name is read only to be counted up, name += 1; -1 with an exception set. */
static int is_counted(const reader *r, Py_ssize_t at)
{
    const char one = does(r, at + 1), store = does(r, at + 3);
    if ((one != CONSTANT && one != SMALL_INT) || does(r, at + 2) != ADDITION ||
        (store != STORE_GLOBAL && store != STORE_CELL))
        return 0;
    return PyObject_RichCompareBool(value(r, at + 3), value(r, at), Py_EQ);
}

/* Whether an instruction may stand between super and the call of it, which then is one without arguments, or is that. */
static int is_of_super(char what)
{
    return what == CALL || what == CELL || what == LOCAL || what == TWO_LOCALS;
}

/* What an instruction reads, with its attributes as far as one expression has them; *end: where that is over. */
static PyObject *expression(const reader *r, PyObject *read, Py_ssize_t at, Py_ssize_t *end)
{
    *end = at + 1;
    if (part(read, KIND) == of_global && is_text(part(read, NAME), "super")) {
        Py_DECREF(read);
        read = new_read(of_super, of_super, no_attributes);
        while (is_of_super(does(r, *end)))
            ++*end;
    }
    if (read != NULL)
        read = with_attributes(r, read, end);
    return read == NULL || at == 0 || does(r, at - 1) != GLOBAL ? read : with_attributes_by_call(r, read, at, end);
}

/* The same read once it was given to names on its way: (name := ...).attribute */
static PyObject *given_on(const reader *r, PyObject *read, Py_ssize_t *end)
{
    while (read != NULL && does(r, *end) == COPY && gives(does(r, *end + 1))) {
        const char what = does(r, *end + 1);
        for (Py_ssize_t i = 0; i < given_count(what); i++)
            if (!give(r, name_of(r, *end + 1, i), read)) {
                Py_DECREF(read);
                return NULL;
            }
        if (what == STORE_TWO ||
            what == STORE_AND_LOAD) /* which take the next value from the stack, or put one there */
            break;
        *end += 2;
        read = with_attributes(r, read, end);
    }
    return read;
}

/* Notes what an instruction reads, which is taken over, and to which names it is given. */
static int add_read(const reader *r, PyObject *read, Py_ssize_t at)
{
    Py_ssize_t end;
    read = expression(r, read, at, &end);
    read = given_on(r, read, &end);
    if (read == NULL)
        return 0;
    const int alone = part(read, KIND) == of_inner && PyTuple_Size(part(read, ATTRIBUTES)) == 0;
    int done = alone || PyDict_SetItem(r->found, read, Py_None) == 0;
    if (done && gives(does(r, end)))
        done = give(r, name_of(r, end, 0), read);
    Py_DECREF(read);
    return done;
}

static int add_reads(const reader *r)
{
    for (Py_ssize_t at = 0; at < r->count; at++) {
        if (does(r, at) == IMPORT && !add_imported(r, at))
            return 0;
        PyObject *read = read_at(r, at);
        if (read == NULL && PyErr_Occurred())
            return 0;
        const int counted = read == NULL ? 1 : is_counted(r, at);
        if (counted) {
            Py_XDECREF(read);
            if (counted < 0)
                return 0;
        } else if (!add_read(r, read, at)) {
            return 0;
        }
    }
    return 1;
}

/* -- one code ------------------------------------------------------------------------------------------------ */

/* What free names stand for around this code they stand for in it. */
static int take_around(const reader *r)
{
    for (Py_ssize_t i = 0; r->around != Py_None && i < PyTuple_Size(r->free); i++) {
        PyObject *name = PyTuple_GetItem(r->free, i), *read = PyDict_GetItemWithError(r->around, name);
        if (read == NULL ? PyErr_Occurred() != NULL : PyDict_SetItem(r->local, name, read) < 0)
            return 0;
    }
    return 1;
}

static int take_arguments(const reader *r)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(r->arguments); i++) {
        PyObject *name = PyTuple_GetItem(r->arguments, i);
        PyObject *read = new_read(r->around == Py_None ? of_argument : of_inner, name, no_attributes);
        const int failed = read == NULL || PyDict_SetItem(r->local, name, read) < 0;
        Py_XDECREF(read);
        if (failed)
            return 0;
    }
    return 1;
}

/* A number that code has under a name, or -1 with an exception set. */
static Py_ssize_t number(PyObject *code, const char *name)
{
    PyObject *found = PyObject_GetAttrString(code, name);
    const Py_ssize_t n = found == NULL ? -1 : PyLong_AsSsize_t(found);
    Py_XDECREF(found);
    return n;
}

/* The names of its arguments but those that take what is left; NULL with an exception set. */
static PyObject *arguments_of(PyObject *code)
{
    const Py_ssize_t count = number(code, "co_argcount"), by_name = number(code, "co_kwonlyargcount");
    PyObject *variables = PyObject_GetAttrString(code, "co_varnames"), *names = NULL;
    if (variables != NULL && count >= 0 && by_name >= 0)
        names = PyTuple_GetSlice(variables, 0, count + by_name);
    Py_XDECREF(variables);
    return names;
}

static int take_code(reader *r, PyObject *code)
{
    r->arguments = arguments_of(code);
    r->cells = PyObject_GetAttrString(code, "co_cellvars");
    r->free = PyObject_GetAttrString(code, "co_freevars");
    r->local = PyDict_New();
    r->stored = PyDict_New();
    return r->arguments != NULL && r->cells != NULL && r->free != NULL && r->local != NULL && r->stored != NULL;
}

static PyObject *add_names_read(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *code, *local = NULL;
    Py_ssize_t letters;
    reader r = {.count = 0};
    if (!PyArg_ParseTuple(args, "O!Oy#O!y#O!O:add_names_read", &PyDict_Type, &r.found, &code, &r.ops, &r.count,
                          &PyTuple_Type, &r.values, &r.letters, &letters, &PyTuple_Type, &r.own, &r.around))
        return NULL;
    if (PyTuple_Size(r.values) != r.count || letters != 256) {
        PyErr_SetString(PyExc_ValueError, "add_names_read() takes a value for each instruction, and 256 letters");
        return NULL;
    }
    if (take_code(&r, code) && find_stored(&r) && take_around(&r) && take_arguments(&r) && add_reads(&r))
        local = Py_NewRef(r.local);
    Py_XDECREF(r.arguments);
    Py_XDECREF(r.cells);
    Py_XDECREF(r.free);
    Py_XDECREF(r.local);
    Py_XDECREF(r.stored);
    return local;
}

int pg_reading_init(void)
{
    of_argument = PyUnicode_InternFromString("argument");
    of_inner = PyUnicode_InternFromString("inner");
    of_global = PyUnicode_InternFromString("global");
    of_cell = PyUnicode_InternFromString("cell");
    of_module = PyUnicode_InternFromString("module");
    of_super = PyUnicode_InternFromString("super");
    class_of_it = PyUnicode_InternFromString("__class__");
    no_attributes = PyTuple_New(0);
    return of_argument != NULL && of_inner != NULL && of_global != NULL && of_cell != NULL && of_module != NULL &&
                   of_super != NULL && class_of_it != NULL && no_attributes != NULL
               ? 0
               : -1;
}

PyMethodDef pg_reading_functions[] = {
    {"add_names_read", add_names_read, METH_VARARGS,
     "add_names_read(found, code, ops, values, letters, own, around, /)\n--\n\nAdds what code reads by name to the keys of a "
     "dict. Returns what its local names stand for."},
    {NULL, NULL, 0, NULL},
};
