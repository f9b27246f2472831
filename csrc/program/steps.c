/* steps.c: instructions of a program, and of the bodies in it. */
#include "program/steps.h"

#include "program/call.h"
#include "program/loop.h"

static size_t sum_of(size_t a, size_t b)
{
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

size_t pg_program_steps(const pg_program *p)
{
    size_t steps = p->length + p->term_count;
    for (size_t i = 0; i < p->loop_count && steps != SIZE_MAX; i++) {
        const pg_loop *loop = p->loops[i];
        if (pg_is_call(loop) || !pg_is_way(loop->body))
            return SIZE_MAX;
        steps = sum_of(steps, loop->body->steps);
        if (loop->back != NULL)
            steps = sum_of(steps, loop->back->steps);
    }
    return steps;
}
