/* opened.c: what a loop consists of, for those who write it as something else. */
#include "program/loop.h"

void pg_loop_opened(const void *loop, pg_opened_loop *out)
{
    const pg_loop *l = loop;
    *out = (pg_opened_loop){.body = l->body->flat,
                            .back = l->back != NULL ? l->back->flat : NULL,
                            .state = l->body->state,
                            .captured = l->body->captured,
                            .arrived = l->back_state,
                            .operands = l->base.operands,
                            .results = l->base.results,
                            .counts = l->body->counts,
                            .most = l->body->most};
}
