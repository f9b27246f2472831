/* instructions.c: code decoded: its instructions, with the names and constants that they have.
 *
 * What differs between versions of Python comes from pygrad/core/instructions.py, which asks `dis`: for each opcode
 * what its number leads to. */
#include "python/instructions.h"

/* What a number leads to, as Python says it: a letter for each opcode. */
enum {
    PASSED = '.',   /* nothing: the instruction does nothing */
    EXTENDED = 'x', /* the upper bits of the next number */
    NAME = 'n',
    VARIABLE = 'v',
    TWO_VARIABLES = '2',
    CELL = 'f',
    CONSTANT = 'c',
    COMPARISON = '=',
    ITSELF = '#',
    NOTHING = '-'
};

/* What numbers stand for, tuples of each kind: all owned, but for the comparisons. */
typedef struct { PyObject *names, *variables, *cells, *constants, *comparisons; } meanings;

static void forget(meanings *m)
{
    Py_XDECREF(m->names);
    Py_XDECREF(m->variables);
    Py_XDECREF(m->cells);
    Py_XDECREF(m->constants);
}

/* Those of cells that are not among local variables, too: since 3.11 all variables stand in one row. */
static PyObject *only_cells(PyObject *cells, PyObject *local)
{
    PyObject *found = PyList_New(0);
    for (Py_ssize_t i = 0; found != NULL && i < PyTuple_Size(cells); i++) {
        PyObject *name = PyTuple_GetItem(cells, i);
        const int is_local = PySequence_Contains(local, name);
        if (is_local < 0 || (!is_local && PyList_Append(found, name) < 0))
            Py_CLEAR(found);
    }
    PyObject *tuple = found == NULL ? NULL : PyList_AsTuple(found);
    Py_XDECREF(found);
    return tuple;
}

/* One tuple behind the other; NULL with an exception set. Takes over both. */
static PyObject *joined(PyObject *first, PyObject *second)
{
    PyObject *both = first == NULL || second == NULL ? NULL : PySequence_Concat(first, second);
    Py_XDECREF(first);
    Py_XDECREF(second);
    return both;
}

static int find_meanings(meanings *m, PyObject *code)
{
    PyObject *local = PyObject_GetAttrString(code, "co_varnames");
    PyObject *cells = PyObject_GetAttrString(code, "co_cellvars");
    PyObject *free = PyObject_GetAttrString(code, "co_freevars");
    m->names = PyObject_GetAttrString(code, "co_names");
    m->constants = PyObject_GetAttrString(code, "co_consts");
    if (local != NULL && cells != NULL && free != NULL && m->names != NULL && m->constants != NULL) {
        m->cells = joined(Py_NewRef(cells), Py_NewRef(free));
        m->variables = joined(joined(Py_NewRef(local), only_cells(cells, local)), Py_NewRef(free));
    }
    Py_XDECREF(local);
    Py_XDECREF(cells);
    Py_XDECREF(free);
    return m->cells != NULL && m->variables != NULL;
}

static PyObject *item(PyObject *tuple, size_t number)
{
    PyObject *found = PyTuple_GetItem(tuple, (Py_ssize_t)number);
    return Py_XNewRef(found);
}

/* Variables two at once, whose numbers have four bits each. */
static PyObject *two(PyObject *variables, size_t number)
{
    PyObject *first = PyTuple_GetItem(variables, (Py_ssize_t)(number >> 4));
    PyObject *second = PyTuple_GetItem(variables, (Py_ssize_t)(number & 15));
    return first == NULL || second == NULL ? NULL : PyTuple_Pack(2, first, second);
}

/* What goes with an instruction; NULL with an exception set. */
static PyObject *meant(const meanings *m, char kind, size_t number)
{
    switch (kind) {
    case NAME:
        return item(m->names, number);
    case VARIABLE:
        return item(m->variables, number);
    case TWO_VARIABLES:
        return two(m->variables, number);
    case CELL:
        return item(m->cells, number);
    case CONSTANT:
        return item(m->constants, number);
    case COMPARISON:
        return item(m->comparisons, number);
    case ITSELF:
        return PyLong_FromSize_t(number);
    default:
        return Py_NewRef(Py_None);
    }
}

/* Code as its bytes, two for each instruction, and of each opcode the kind and the bits of its number that are flags.
 * All borrowed. */
typedef struct {
    char *bytes;
    Py_ssize_t size;
    const char *kinds, *shifts;
} encoded;

static unsigned char byte(const encoded *e, Py_ssize_t at)
{
    return (unsigned char)e->bytes[at];
}

static Py_ssize_t count_of(const encoded *e)
{
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i + 1 < e->size; i += 2)
        count += e->kinds[byte(e, i)] != PASSED && e->kinds[byte(e, i)] != EXTENDED;
    return count;
}

/* Opcodes and values of all instructions, into room for them; false with an exception set. */
static int decode(const encoded *e, const meanings *m, char *ops, PyObject *values)
{
    size_t number = 0;
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i + 1 < e->size; i += 2) {
        const unsigned char op = byte(e, i);
        number = (number << 8 | byte(e, i + 1)) & UINT32_MAX;
        if (e->kinds[op] == EXTENDED)
            continue;
        if (e->kinds[op] != PASSED) {
            PyObject *value = meant(m, e->kinds[op], number >> e->shifts[op]);
            if (value == NULL)
                return 0;
            ops[count] = (char)op;
            PyTuple_SetItem(values, count++, value); /* which takes it over */
        }
        number = 0;
    }
    return 1;
}

static PyObject *decoded_from(const encoded *e, const meanings *m)
{
    const Py_ssize_t count = count_of(e);
    PyObject *ops = PyBytes_FromStringAndSize(NULL, count), *values = PyTuple_New(count), *both = NULL;
    if (ops != NULL && values != NULL && decode(e, m, PyBytes_AsString(ops), values))
        both = PyTuple_Pack(2, ops, values);
    Py_XDECREF(ops);
    Py_XDECREF(values);
    return both;
}

static PyObject *decoded(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *code, *kinds, *shifts;
    meanings m = {NULL};
    if (!PyArg_ParseTuple(args, "OSSO!:decoded", &code, &kinds, &shifts, &PyTuple_Type, &m.comparisons))
        return NULL;
    if (PyBytes_Size(kinds) != 256 || PyBytes_Size(shifts) != 256) {
        PyErr_SetString(PyExc_ValueError, "decoded() takes a kind and a shift for each of 256 opcodes");
        return NULL;
    }
    encoded e = {.kinds = PyBytes_AsString(kinds), .shifts = PyBytes_AsString(shifts)};
    PyObject *raw = PyObject_GetAttrString(code, "co_code"), *result = NULL;
    if (raw != NULL && PyBytes_AsStringAndSize(raw, &e.bytes, &e.size) == 0 && find_meanings(&m, code))
        result = decoded_from(&e, &m);
    forget(&m);
    Py_XDECREF(raw);
    return result;
}

PyMethodDef pg_instruction_functions[] = {
    {"decoded", decoded, METH_VARARGS,
     "decoded(code, kinds, shifts, comparisons, /)\n--\n\nOpcodes of all instructions but those that do nothing, and "
     "what goes with each."},
    {NULL, NULL, 0, NULL},
};
