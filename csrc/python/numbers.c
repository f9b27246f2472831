/* numbers.c: the leaves that a trace has made for tuples of plain numbers. */
#include "python/numbers.h"

const pg_numbers *pg_find_numbers(const pg_numbers *all, const PyObject *tuple)
{
    while (all != NULL && all->tuple != tuple)
        all = all->next;
    return all;
}

void pg_keep_numbers(pg_numbers **all, PyObject *tuple, pg_node *const *leaves)
{
    const size_t count = (size_t)PyTuple_Size(tuple);
    pg_numbers *kept = pg_alloc(1, sizeof *kept + count * sizeof *leaves);
    if (kept == NULL)
        return;
    *kept = (pg_numbers){.next = *all, .tuple = Py_NewRef(tuple), .count = count};
    for (size_t i = 0; i < count; i++)
        kept->leaves[i] = pg_retain(leaves[i]);
    *all = kept;
}

void pg_forget_numbers(pg_numbers *all)
{
    while (all != NULL) {
        pg_numbers *next = all->next;
        for (size_t i = 0; i < all->count; i++)
            pg_release(all->leaves[i]);
        Py_DECREF(all->tuple);
        pg_free(all);
        all = next;
    }
}
