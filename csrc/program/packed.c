/* packed.c: packs at work, with the instructions that lanes use. */
#include "program/pack.h"

#include "graph/suppressed.h"
#include "program/lanewords.h"
#include "program/laneremainder.h"
#include "program/block.h"
#include "program/evaluate.h"
#include "program/gammas.h"
#include "program/loop.h"

/* -- what is the same for every set of instructions ---------------------------------------------- */

/* One number of the next operand, of those that a stretch has. */
static double number_of(const uint32_t **words, const double *uniforms, size_t which)
{
    const uint32_t word = *(*words)++;
    if (word < PG_EACH)
        return uniforms[word + which];
    if (word & PG_FOR_ALL)
        return uniforms[word & ~PG_FOR_ALL];
    *words += PG_SIDE;
    return uniforms[*(*words - PG_SIDE + which)];
}

/* Adds the terms of a sum, with mul0 where that is meant; the words behind them. */
static const uint32_t *add_again(const pg_term *like, uint32_t count, const uint32_t *words, const double *uniforms,
                                 size_t which, double *sum, int *met)
{
    for (uint32_t t = 0; t < count; t++) {
        const double x = number_of(&words, uniforms, which);
        if (*words == PG_NO_FACTOR) {
            words++;
            *sum += x;
            continue;
        }
        const double y = number_of(&words, uniforms, which);
        *sum += like[t].absorbing ? pg_strong_noted(x, y, met) : x * y;
    }
    return words;
}

/* A step once more, one number after the other, with mul0 where that is meant. */
PG_RARE static void step_again(const pg_pack *pack, const pg_step *s, double *uniforms, int *met)
{
    const pg_term *like = pack->of->terms + pack->of->code[s->like].first;
    const uint32_t *words = pack->words + s->words, *end = words;
    for (size_t at = 0; at < s->count; words = end) {
        const size_t here = PG_SIDE * (size_t)*words++;
        for (size_t i = 0; i < here && at < s->count; i++, at++) {
            double *out = uniforms + s->out + at;
            end = words;
            *out = number_of(&end, uniforms, i);
            if (s->code == PG_OP_mul0)
                *out = pg_strong_noted(*out, number_of(&end, uniforms, i), met);
            else
                end = add_again(like, s->terms, end, uniforms, i, out, met);
        }
    }
}

#define LANE_FILE "program/lanepack.h"
#include "program/lanesets.h"

/* -- running ------------------------------------------------------------------------------------- */

typedef int run_step_function(const pg_step *s, const uint32_t *words, double *uniforms);

/* The one for the instructions in use. */
static run_step_function *step_function(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    return pg_lane_level() == 2 ? step_avx512 : pg_lane_level() == 1 ? step_avx2 : step_baseline;
#else
    return step_baseline;
#endif
}

int pg_pack_run_within(const pg_pack *k, double *uniforms, uint32_t *guard, int *met, pg_work *work)
{
    run_step_function *run_step = step_function();
    for (const pg_step *s = k->steps, *end = s + k->step_count; s != end; s++)
        if (s->code == PG_STEP_ALONE) {
            const pg_instruction *in = k->rest.code + s->out;
            const int outcome = pg_run_some(&k->rest, in, in + s->count, uniforms, guard, met, work);
            if (outcome != 1)
                return outcome;
        } else if (PG_UNLIKELY(run_step(s, k->words + s->words, uniforms))) {
            step_again(k, s, uniforms, met);
        }
    return 1;
}

int pg_pack_run(const pg_pack *k, double *uniforms, uint32_t *guard)
{
    pg_work work = {0};
    int met = 0;
    const int outcome = pg_pack_run_within(k, uniforms, guard, &met, &work);
    return outcome != 1 ? outcome : 1 + (k->rest.tells && met);
}
