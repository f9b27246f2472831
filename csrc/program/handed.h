/* handed.h: states that a loop leaves to the one that goes the same way back: of a block, or on numbers. */
#ifndef PG_HANDED_H
#define PG_HANDED_H

#include "program/block.h"

/* PG_HANDED of them, that have nothing yet; and freed. Where a program has no two loops, it needs none: NULL. */
pg_handed *pg_handed_begin(pg_handed *handed, const pg_program *p);
void pg_handed_end(pg_handed *handed);

/* Where a loop that goes forward is to leave its states, of PG_HANDED places; NULL if there is no room. Borrowed. */
pg_handed *pg_handed_from(pg_handed *handed, const pg_program *p, const pg_instruction *in);

/* What a loop that goes back is handed, or NULL. Borrowed. */
pg_handed *pg_handed_to(pg_handed *handed, const pg_instruction *in);

#endif
