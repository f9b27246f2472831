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

/* How many nodes an item stands for. */
static size_t count_in(PyObject *item)
{
    return PyCapsule_IsValid(item, name) ? ((unwrapped *)PyCapsule_GetPointer(item, name))->count : 1;
}

/* Copies them. */
static void read_nodes(PyObject *item, pg_node **nodes)
{
    if (PyCapsule_IsValid(item, name)) {
        const unwrapped *u = PyCapsule_GetPointer(item, name);
        memcpy(nodes, u->nodes, u->count * sizeof *nodes);
    } else {
        *nodes = PG_NODE(item);
    }
}

pg_node **pg_all_nodes_of(PyObject *items, const char *what, size_t *count)
{
    *count = 0;
    for (Py_ssize_t i = 0; i < PyTuple_Size(items); i++) {
        PyObject *item = PyTuple_GetItem(items, i);
        if (!PyCapsule_IsValid(item, name) && !pg_require_value(item, what, i))
            return NULL;
        *count += count_in(item);
    }
    pg_node **nodes = pg_alloc(*count, sizeof *nodes), **next = nodes;
    if (nodes == NULL)
        return (pg_node **)(void *)PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < PyTuple_Size(items); i++) {
        PyObject *item = PyTuple_GetItem(items, i);
        read_nodes(item, next);
        next += count_in(item);
    }
    return nodes;
}
