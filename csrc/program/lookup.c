/* lookup.c: one number looked up in a table. */
#include "program/lookup.h"

#include "ops/cells.h"
#include "program/program.h"

#include <math.h>

#define NUMBER_OF_ROW(i) (from[i])
PG_CELL_FUNCTION(cell_among_numbers, const double *, NUMBER_OF_ROW)

/* Where the numbers of terms are. */
typedef struct {
    const pg_term *terms;
    const double *uniforms, *lanes;
    size_t lane;
} places;

static double number_in(const places *p, pg_slot slot)
{
    return slot & PG_ROW ? p->lanes[(size_t)(slot & ~PG_ROW) * PG_LANES + p->lane] : p->uniforms[slot];
}

#define NUMBER_OF_TERM(i) number_in(from, from->terms[i].a)
PG_CELL_FUNCTION(cell_among_terms, const places *, NUMBER_OF_TERM)

double pg_table_in_lane(const pg_program *p, const pg_instruction *in, const double *uniforms, const double *lanes,
                        size_t lane)
{
    const places from = {p->terms + in->first, uniforms, lanes, lane};
    const double x = number_in(&from, in->a), *row = in->b == PG_NO_SLOT ? NULL : uniforms + in->b;
    if (in->code == PG_CODE_SEARCH)
        return (double)(row != NULL ? cell_among_numbers(row, in->expected, in->count, x)
                                    : cell_among_terms(&from, in->expected, in->count, x));
    const size_t number = pg_item_number(x, in->count);
    return number == in->count ? (double)NAN : row != NULL ? row[number] : number_in(&from, from.terms[number].a);
}

double pg_table_once(const pg_program *p, const pg_instruction *in, const double *uniforms)
{
    return pg_table_in_lane(p, in, uniforms, NULL, 0);
}
