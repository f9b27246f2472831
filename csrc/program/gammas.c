/* gammas.c: gamma, lgamma, digamma and its slopes on whole blocks, in steps that all lanes go.
 *
 * What a lane comes to is a matter of its own value, so its bits do not depend on what stands beside it. Which steps a block does
 * not need is asked of the whole block. */
#include "program/gammas.h"
#include "program/lanewords.h"

#ifndef PG_LIBM_LANES

#include <string.h>

/* -- a series of gamma.h, by the name of its function -------------------------------------------- */

/* clang-format off */
/* derived: series */
static const double hurwitz_zeta_series[] = {
    0.08333333333333333,   -0.001388888888888889,  3.306878306878307e-05,  -8.267195767195768e-07,
    2.08767569878681e-08,  -5.284190138687493e-10, 1.3382536530684679e-11, -3.3896802963225827e-13,
    8.586062056277845e-15, -2.174868698558062e-16, 5.5090028283602295e-18, -1.3954464685812522e-19,
    3.534707039629467e-21, -8.953517427037546e-23,
};
/* derived: end */
/* clang-format on */

#define LAST_OF(series) ((int)(sizeof series / sizeof *series) - 1)

enum { LARGEST_ORDER = 160 }; /* of polygamma in blocks */

/* -- parts --------------------------------------------------------------------------------------- */

enum { EIGHT = 8 };

static size_t whole_eights(size_t count)
{
    return (count + EIGHT - 1) / EIGHT * EIGHT;
}

typedef struct { double at[LANES_AT_ONCE]; } numbers;

/* The places of the lanes that are chosen. */
static void places_of(const uint64_t *chosen, size_t count, uint8_t *places)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        places[n] = (uint8_t)i;
        n += chosen[i];
    }
}

#define LANE_FILE "program/lanegamma.h"
#include "program/lanesets.h"

#endif
