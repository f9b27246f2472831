/* uniform.c: loops where an instruction on uniforms says so, and the states that they hand to those that go back. */
#include "program/handed.h"
#include "program/loop.h"

int pg_loop_uniform(const pg_program *p, const pg_instruction *in, double *uniforms, double *frame, pg_work *work,
                    int *met)
{
    const pg_loop *loop = p->loops[in->a];
    pg_handed *const all = work->handed, *handed = NULL;
    if (all != NULL)
        handed = loop->back == NULL ? pg_handed_from(all, p, in) : pg_handed_to(all, in);
    const int hands_on = handed != NULL && loop->back == NULL && handed->to != NULL;
    const pg_loop *later = hands_on ? p->loops[handed->to->a] : NULL;
    double *operands = frame + pg_loop_flat(hands_on ? later : loop) - loop->base.operands;
    for (size_t k = 0; k < loop->base.operands; k++)
        operands[k] = uniforms[p->terms[in->first + k].a];
    work->handed = NULL;
    const int done = pg_loop_run_handed(loop, later, handed, operands, uniforms + in->out, frame, work, met);
    work->handed = all;
    if (handed != NULL && loop->back != NULL)
        pg_handed_close(handed);
    return done;
}
