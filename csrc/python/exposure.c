/* exposure.c: makes visible to the collector what became part of a possible cycle after it was in use.
 *
 * A Value that is given a closure or attributes while other nodes use it already is pinned by its node, and
 * its users are not visible. If the new content leads back to a user, the collector cannot see the way from
 * the user down to the Value. So before a full collection, if there was such a case since the last, every
 * node that uses a visible one becomes visible, as if it had been so when the user was made; then no pin
 * on a visible node is needed any more. */
#include "python/exposure.h"

#include "graph/index.h"
#include "graph/memory.h"
#include "python/outside.h"
#include "python/value.h"

#include <string.h>

typedef struct {
    pg_node **nodes;
    size_t count, room;
} node_list;

static void list_node(pg_node *n, void *list)
{
    node_list *all = list;
    if (all->count < all->room)
        all->nodes[all->count++] = n;
}

/* A sorted sweep over every live node, through a node that uses them all; *root is the caller's to
 * release. NULL, without an exception, if that cannot be had now: the next collection tries again. */
static pg_sweep *everything(pg_node **root)
{
    node_list all = {NULL, 0, pg_live_nodes()};
    all.nodes = pg_alloc(all.room, sizeof *all.nodes);
    if (all.nodes == NULL)
        return NULL;
    pg_pool_each(list_node, &all);
    *root = pg_compute_many(PG_CUSTOM, all.nodes, all.count, 0.0, NULL, NULL);
    pg_free(all.nodes);
    if (*root == NULL)
        return NULL;
    pg_sweep *s;
    if (pg_sweep_open(*root, 0, &s) == PG_OK) {
        pg_sweep_through_conditions(s);
        if (pg_sweep_sort(s, SIZE_MAX) == PG_OK)
            return s;
        pg_sweep_abandon(s);
    }
    pg_release(*root);
    return NULL;
}

static pg_node *used(const pg_node *n, size_t i)
{
    size_t count = pg_operand_count(n);
    return i < count ? pg_operand(n, i) : pg_given_partial(n, i - count);
}

/* What n uses: its operands, then the nodes given as its partials, NULL where there is none. */
static size_t used_count(const pg_node *n)
{
    return pg_operand_count(n) * (n->op == PG_PARTIALS ? 2 : 1);
}

/* Makes n hold the Values of the visible nodes it uses. 1 if that changed anything, 0 if not, -1 with an
 * exception set. held keeps new Values until their users hold them. */
static int expose_one(pg_node *n, PyObject *held)
{
    Py_ssize_t visible = 0;
    for (size_t i = 0; i < used_count(n); i++)
        visible += used(n, i) != NULL && used(n, i)->flags & PG_VISIBLE;
    if (visible == 0)
        return 0;
    PyObject *v = n->wrapper != NULL ? Py_NewRef((PyObject *)n->wrapper) : pg_wrap(pg_retain(n));
    if (v == NULL)
        return -1;
    int listed = PyList_Append(held, v);
    Py_DECREF(v); /* held has it */
    pg_extras *extras = listed < 0 ? NULL : pg_extras_of((pg_value *)v);
    if (extras == NULL)
        return -1;
    if (n->flags & PG_VISIBLE && extras->parents != NULL && PyTuple_Size(extras->parents) == visible)
        return 0;
    PyObject *parents = PyTuple_New(visible);
    if (parents == NULL)
        return -1;
    for (size_t i = 0; i < used_count(n); i++)
        if (visible != 0 && used(n, i) != NULL && used(n, i)->flags & PG_VISIBLE) {
            PyObject *parent = pg_value_of(used(n, i));
            if (parent == NULL) {
                Py_DECREF(parents);
                return -1;
            }
            PyTuple_SetItem(parents, --visible, parent);
        }
    pg_set(&extras->parents, parents);
    n->flags |= PG_VISIBLE;
    if (!PyObject_GC_IsTracked(v))
        PyObject_GC_Track(v);
    return 1;
}

/* How many nodes of an order use each of them, but for the root; NULL for want of memory. Caller frees. */
static size_t *count_users(const pg_sweep *s)
{
    const size_t count = pg_sweep_count(s);
    size_t *users = pg_alloc(count, sizeof *users), place;
    pg_index places = {0};
    if (users == NULL || !pg_index_open(&places, count)) {
        pg_free(users);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        users[i] = 0;
        pg_index_put(&places, pg_sweep_node(s, i), i);
    }
    for (size_t i = 0; i + 1 < count; i++) {
        const pg_node *n = pg_sweep_node(s, i);
        for (size_t k = 0; k < used_count(n); k++)
            if (used(n, k) != NULL && pg_index_find(&places, used(n, k), &place))
                users[place]++;
    }
    pg_index_close(&places);
    return users;
}

/* Every visible node's users are visible: what pins it is not needed any more, unless something else holds the node, as a
 * sweep whose rule runs now, or a trace; then it is pinned, as no user may hold its Value. 1; 0 if some are; -1 with an
 * exception set. */
static int unpin_visible(const pg_sweep *s, PyObject *held)
{
    enum { ROOT_AND_VALUE = 2 };
    size_t *users = count_users(s);
    int done = users == NULL ? -1 : 1;
    for (size_t i = 0; done >= 0 && i + 1 < pg_sweep_count(s); i++) {
        pg_node *n = pg_sweep_node(s, i);
        if (!(n->flags & PG_VISIBLE) || n->wrapper == NULL)
            continue;
        const int pinned = n->flags & PG_PINNED;
        if (n->refs > users[i] + ROOT_AND_VALUE) {
            done = 0;
            n->flags |= PG_PINNED;
            if (!pinned)
                Py_INCREF((PyObject *)n->wrapper);
        } else if (pinned && PyList_Append(held, n->wrapper) < 0) {
            done = -1;
        } else if (pinned) {
            n->flags &= (uint8_t)~PG_PINNED;
            Py_DECREF((PyObject *)n->wrapper);
        }
    }
    pg_free(users);
    return done;
}

/* Makes the users of late Values visible, too. If that cannot be had now, the next call tries again. */
static void expose_late(void)
{
    if (!pg_late)
        return;
    pg_node *root;
    pg_sweep *s = everything(&root);
    if (s == NULL)
        return;
    PyObject *held = PyList_New(0);
    int changed = held == NULL ? -1 : 1;
    while (changed == 1) { /* again only where a given partial came after its user */
        changed = 0;
        for (size_t i = 0; changed >= 0 && i + 1 < pg_sweep_count(s); i++) {
            int one = expose_one(pg_sweep_node(s, i), held);
            changed = one == 0 ? changed : one;
        }
    }
    const int unpinned = changed == 0 ? unpin_visible(s, held) : -1;
    if (unpinned == 1)
        pg_late = 0;
    else if (unpinned < 0)
        PyErr_Clear(); /* no memory: what was made visible is right, the next collection does the rest */
    pg_sweep_abandon(s);
    pg_release(root);
    Py_XDECREF(held);
}

/* Whether a collection of this generation leaves nothing young: from Python 3.14 on each does. */
static int promotes(long generation)
{
    PyObject *version = PySys_GetObject("hexversion"); /* borrowed */
    return generation >= 1 || (version != NULL && PyLong_AsLong(version) >= 0x030E0000);
}

/* For gc.callbacks: a collection begins or ends, and if it is to be a full one, it is let see all cycles. */
static PyObject *before_collection(PyObject *module, PyObject *args)
{
    (void)module;
    const char *phase;
    PyObject *info;
    if (!PyArg_ParseTuple(args, "sO!:before_collection", &phase, &PyDict_Type, &info))
        return NULL;
    PyObject *item = strcmp(phase, "start") == 0 ? PyDict_GetItemString(info, "generation") : NULL;
    if (item == NULL)
        Py_RETURN_NONE;
    const long generation = PyLong_AsLong(item);
    if (promotes(generation))
        pg_note_promotion();
    if (generation == 2)
        expose_late();
    Py_RETURN_NONE;
}

PyMethodDef pg_exposure_functions[] = {
    {"before_collection", before_collection, METH_VARARGS,
     "before_collection(phase, info, /)\n--\n\nLet the collector see cycles through attributes given late."},
    {NULL, NULL, 0, NULL},
};
