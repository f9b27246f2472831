/* reach.h: which parts of a loop's state derivatives get to. Flags have a byte for each number. */
#ifndef PG_REACH_H
#define PG_REACH_H

#include "program/loop.h"

/* Adds to flags, of the state, what is captured and what is given, the parts of the state that those depend on after any
 * number of trips; what of that which is made does, is written behind. PG_OK or PG_NO_MEMORY. */
pg_status pg_reach_forward(const pg_body *b, uint8_t *flags);

/* Adds to flags, of the state, the parts of it on which those depend after any number of trips, and what is flagged in
 * made; writes to others what they depend on of that which is captured, then of what is given. */
pg_status pg_reach_back(const pg_body *b, uint8_t *flags, const uint8_t *made, uint8_t *others);

#endif
