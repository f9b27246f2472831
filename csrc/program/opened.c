/* opened.c: what a loop consists of, for those who write it as something else; and whether there is what they cannot. */
#include "program/call.h"
#include "program/loop.h"

void pg_loop_opened(const void *loop, pg_opened_loop *out)
{
    const pg_loop *l = loop;
    const pg_scan *scan = &l->body->scan;
    *out = (pg_opened_loop){.body = l->body->flat,
                            .state = l->body->state,
                            .captured = l->body->captured,
                            .arrived = l->back_state,
                            .operands = l->base.operands,
                            .results = l->base.results,
                            .counts = l->body->counts,
                            .most = l->body->most,
                            .given = scan->given,
                            .made = scan->made,
                            .known = scan->known,
                            .length = scan->length,
                            .reverse = scan->reverse,
                            .numbers = scan->numbers != NULL ? scan->numbers->at : NULL};
    if (l->back != NULL) {
        out->back = l->back->flat;
        out->back_given = l->back->scan.given;
        out->back_made = l->back->scan.made;
    }
}

const char *pg_program_calls(const pg_program *p)
{
    for (size_t i = 0; i < p->loop_count; i++) {
        const pg_loop *loop = p->loops[i];
        if (pg_is_call(loop))
            return ((const pg_call *)p->loops[i])->name;
        const char *found = loop->body->calls;
        if (found == NULL && loop->back != NULL)
            found = loop->back->calls;
        if (found != NULL)
            return found;
    }
    return NULL;
}
