/* gammas.c: gamma, lgamma, digamma and its slopes on whole blocks, in steps that all lanes go.
 *
 * What a lane comes to is a matter of its own value, so its bits do not depend on what stands beside it. Which steps a block does
 * not need is asked of the whole block. */
#include "program/gammas.h"
#include "program/lanewords.h"

#ifndef PG_LIBM_LANES

#include <string.h>

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
