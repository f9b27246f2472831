/* several.c: nodes with several results: made; their rules shared. */
#include "graph/several.h"

pg_several *pg_several_retain(pg_several *rule)
{
    PG_ADD(&rule->refs, 1);
    return rule;
}

void pg_several_release(pg_several *rule)
{
    if (PG_ADD(&rule->refs, -1) == 0)
        rule->kind->destroy(rule);
}

pg_node *pg_compute_several(pg_several *rule, pg_node *const *operands, double value)
{
    pg_node *n = pg_compute_many(PG_SEVERAL, operands, rule->operands, value, NULL, NULL);
    if (n != NULL)
        n->of.many->rule = pg_several_retain(rule);
    return n;
}

pg_node *pg_compute_item(pg_node *n, size_t k, double value)
{
    pg_node *item = pg_compute(PG_ITEM, n, NULL, value);
    if (item != NULL)
        item->of.constant.k = (double)k;
    return item;
}
