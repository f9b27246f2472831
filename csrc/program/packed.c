/* packed.c: packs at work, with the instructions that lanes use. */
#include "program/pack.h"

#include "graph/suppressed.h"
#include "program/lanewords.h"
#include "program/laneremainder.h"
#include "program/block.h"
#include "program/contracted.h"
#include "program/evaluate.h"
#include "program/gammas.h"
#include "program/handed.h"
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

/* The terms of the instruction that a step is like. */
static const pg_term *terms_of(const pg_pack *pack, const pg_step *s)
{
    return pack->of->terms + pack->of->code[s->like].first;
}

/* Adds the terms of a sum, with mul0 where that is meant; the words behind them. */
static const uint32_t *add_again(const pg_term *like, const pg_step *s, const uint32_t *words, const double *uniforms,
                                 size_t which, double *sum, int *met)
{
    for (uint32_t t = 0; t < s->terms; t++) {
        const double x = number_of(&words, uniforms, which);
        const int is_product = *words != PG_NO_FACTOR;
        words += !is_product;
        const double y = is_product ? number_of(&words, uniforms, which) : 1.0;
        *sum = pg_with_term(*sum, &like[t], x, y, s->code == PG_CODE_CONTRACTED, met);
    }
    return words;
}

/* A step once more, one number after the other, with mul0 where that is meant. */
PG_RARE static void step_again(const pg_pack *pack, const pg_step *s, double *uniforms, int *met)
{
    const pg_term *like = terms_of(pack, s);
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
                end = add_again(like, s, end, uniforms, i, out, met);
        }
    }
}

#define LANE_FILE "program/lanepack.h"
#include "program/lanesets.h"

/* -- running ------------------------------------------------------------------------------------- */

typedef int run_step_function(const pg_step *s, const uint32_t *words, const pg_term *like, double *uniforms);

/* The one for the instructions in use. */
static run_step_function *step_function(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    static run_step_function *const by_level[] = {step_baseline, step_avx2, step_avx512};
    return by_level[pg_lane_level()];
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
        } else if (PG_UNLIKELY(run_step(s, k->words + s->words, terms_of(k, s), uniforms))) {
            step_again(k, s, uniforms, met);
        }
    return 1;
}

int pg_pack_run(const pg_pack *k, double *uniforms, uint32_t *guard)
{
    pg_handed handed[PG_HANDED];
    pg_work work = {.handed = pg_handed_begin(handed, &k->rest)};
    int met = 0;
    const int outcome = pg_pack_run_within(k, uniforms, guard, &met, &work);
    pg_handed_end(work.handed);
    return outcome != 1 ? outcome : 1 + (k->rest.tells && met);
}
