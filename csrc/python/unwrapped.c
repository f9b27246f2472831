/* unwrapped.c: nodes of which no Value is made, in a capsule. */
#include "python/unwrapped.h"

#include "python/convert.h"
#include "python/value.h"

static const char name[] = "pg_unwrapped";

typedef struct {
    size_t count;
    pg_node *nodes[]; /* owned */
} unwrapped;

static void give_back(PyObject *capsule)
{
    unwrapped *u = PyCapsule_GetPointer(capsule, name);
    for (size_t i = 0; i < u->count; i++)
        pg_release(u->nodes[i]);
    pg_free(u);
}

PyObject *pg_unwrapped(size_t count)
{
    if (count > (SIZE_MAX - sizeof(unwrapped)) / sizeof(pg_node *))
        return PyErr_NoMemory();
    unwrapped *u = pg_alloc(1, sizeof *u + count * sizeof(pg_node *));
    if (u == NULL)
        return PyErr_NoMemory();
    u->count = 0;
    PyObject *capsule = PyCapsule_New(u, name, give_back);
    if (capsule == NULL)
        pg_free(u);
    return capsule;
}

void pg_put_unwrapped(PyObject *capsule, pg_node *n)
{
    unwrapped *u = PyCapsule_GetPointer(capsule, name);
    u->nodes[u->count++] = n;
}

/* Those of an item; NULL with an exception set. of_value: where the node of a Value is put. Borrowed. */
static pg_node **nodes_in(PyObject *items, Py_ssize_t i, const char *what, pg_node **of_value, size_t *count)
{
    PyObject *item = PyTuple_GetItem(items, i);
    if (PyCapsule_IsValid(item, name)) {
        unwrapped *u = PyCapsule_GetPointer(item, name);
        *count = u->count;
        return u->nodes;
    }
    if (!pg_require_value(item, what, i))
        return NULL;
    *of_value = PG_NODE(item);
    *count = 1;
    return of_value;
}

pg_node **pg_all_nodes_of(PyObject *items, const char *what, size_t *count)
{
    pg_node *of_value, **nodes = NULL;
    size_t all = 0, found = 0, more;
    for (Py_ssize_t i = 0; i < PyTuple_Size(items); i++) {
        if (nodes_in(items, i, what, &of_value, &more) == NULL)
            return NULL;
        all += more;
    }
    nodes = pg_alloc(all, sizeof *nodes);
    if (nodes == NULL)
        return (pg_node **)(void *)PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < PyTuple_Size(items); i++, found += more) {
        pg_node *const *these = nodes_in(items, i, what, &of_value, &more);
        memcpy(nodes + found, these, more * sizeof *nodes);
    }
    *count = all;
    return nodes;
}
