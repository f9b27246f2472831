/* constants.c: leaves that are to have no grad. */
#include "python/constants.h"

#include "python/convert.h"
#include "python/sweeping.h"
#include "python/trace.h"
#include "python/value.h"

int pg_constants;

void pg_spare_constants(const pg_sweep *s)
{
    for (size_t i = 0; pg_constants && i < pg_sweep_count(s); i++)
        if (PG_IS_CONSTANT(pg_sweep_node(s, i)))
            pg_sweep_node(s, i)->grad = pg_sweep_old_grad(s, i);
}

/* Whether a leaf that the computed Value depends on has grads; -1 with an exception set. */
static int some_leaf_requires_grad(PyObject *v)
{
    pg_sweep *s = pg_constants ? pg_sorted(PG_NODE(v), 0, NULL, 0) : NULL;
    if (s == NULL)
        return pg_constants ? -1 : 1;
    int found = 0;
    for (size_t i = 0; !found && i < pg_sweep_count(s); i++) {
        const pg_node *n = pg_sweep_node(s, i);
        found = n->op == PG_LEAF && !n->of.leaf.constant && !(n->flags & PG_NUMBER);
    }
    pg_give_up(s);
    return found;
}

PyObject *pg_get_requires_grad(PyObject *self, void *closure)
{
    (void)closure;
    if (!pg_require_built(self))
        return NULL;
    const pg_node *n = PG_NODE(self);
    int requires = n->op == PG_LEAF ? !PG_IS_CONSTANT(n) : some_leaf_requires_grad(self);
    return requires < 0 ? NULL : PyBool_FromLong(requires);
}

int pg_set_requires_grad(PyObject *self, PyObject *content, void *closure)
{
    (void)closure;
    if (content == NULL) {
        PyErr_SetString(PyExc_AttributeError, "requires_grad cannot be deleted");
        return -1;
    }
    int wanted = PyObject_IsTrue(content);
    if (wanted < 0 || !pg_require_built(self))
        return -1;
    pg_node *n = PG_NODE(self);
    if (n->op != PG_LEAF) {
        int found = some_leaf_requires_grad(self);
        if (found < 0 || found == wanted)
            return found < 0 ? -1 : 0;
        PyErr_SetString(PyExc_RuntimeError, wanted ? "requires_grad of a computed Value is that of its leaves: set "
                                                     "it there"
                                                   : "requires_grad of a computed Value is that of its leaves; "
                                                     "v.detach() is one that nothing flows back through");
        return -1;
    }
    if (!wanted == PG_IS_CONSTANT(n))
        return 0;
    if (PG_TRACING && (!pg_trace_access(self, "written") || !pg_trace_effect(self)))
        return -1;
    if (!wanted && pg_clear_grad(n) != PG_OK)
        return PyErr_NoMemory(), -1;
    pg_constants |= !wanted;
    n->of.leaf.constant = !wanted;
    return 0;
}
