/* suppressed.c: a product that is nan, settled. */
#include "graph/suppressed.h"

PG_THREAD_LOCAL int pg_suppressed;

double pg_suppressed_product(double x, double y)
{
    if (x != 0.0 && y != 0.0)
        return x * y;
    pg_suppressed = 1;
    return 0.0;
}
