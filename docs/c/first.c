/* The first graph of the tutorial without Python: c = a * b, d = a + b, e = c + d, and its gradients. */
#include "graph/node.h" /* pygrad.h, the fields of a node, and an opcode PG_OP_... for each op */

#include <stdio.h>

/* A node of an op with two operands. Its value is the caller's business: here is what to compute it with. */
static pg_node *compute(int op, pg_node *a, pg_node *b)
{
    double value = op == PG_OP_mul ? a->value * b->value : a->value + b->value;
    return pg_compute(op, a, b, value);
}

/* One way back from root. */
static pg_status backward(pg_node *root)
{
    pg_sweep *sweep;
    pg_node *closure;
    pg_status status = pg_sweep_open(root, 1, &sweep);
    if (status != PG_OK)
        return status;
    while ((status = pg_sweep_sort(sweep, 100000)) == PG_MORE)
        continue; /* the place to look for a signal */
    if (status != PG_OK) {
        pg_sweep_abandon(sweep);
        return status;
    }
    pg_sweep_begin(sweep, 1.0);
    while (pg_sweep_step(sweep, 100000, &closure) == PG_MORE)
        continue;
    pg_sweep_commit(sweep);
    return PG_OK;
}

int main(void)
{
    pg_node *a = pg_leaf(2.0), *b = pg_leaf(-3.0);
    pg_node *c = a && b ? compute(PG_OP_mul, a, b) : NULL;
    pg_node *d = c ? compute(PG_OP_add, a, b) : NULL;
    pg_node *e = d ? compute(PG_OP_add, c, d) : NULL;
    if (e == NULL || backward(e) != PG_OK) {
        puts("out of memory");
        return 1;
    }
    printf("e = %g, de/da = %g, de/db = %g\n", e->value, a->grad, b->grad);

    pg_node *mine[] = {a, b, c, d, e}; /* each was ours, and is given back */
    for (size_t i = 0; i < sizeof mine / sizeof *mine; i++)
        pg_release(mine[i]);
    printf("nodes left: %zu\n", pg_live_nodes());
    return 0;
}
