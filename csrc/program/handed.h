/* handed.h: states that a loop of a block leaves to the one that goes the same way back. */
#ifndef PG_HANDED_H
#define PG_HANDED_H

#include "program/block.h"

/* Where a loop that goes forward is to leave its states, of PG_HANDED places; NULL if there is no room. Borrowed. */
pg_handed *pg_handed_from(pg_handed *handed, const pg_program *p, const pg_instruction *in);

/* What a loop that goes back is handed, or NULL. Borrowed. */
pg_handed *pg_handed_to(pg_handed *handed, const pg_instruction *in);

#endif
