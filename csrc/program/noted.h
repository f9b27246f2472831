/* noted.h: what the way back through a loop need not compute once more, since the way forward has.
 *
 * The body of the way back begins with what it needs of the body itself. Where some of that is found there, too, and costs
 * more than to be kept, the way forward keeps it for each trip beside the state: the body then has it in slots of its own,
 * the last ones, and that of the way back has inputs in their place, in its last slots. The bits are the same. */
#ifndef PG_NOTED_H
#define PG_NOTED_H

#include "program/loop.h"

/* The two bodies for lanes, and how many numbers the one notes for the other; 0: none, and they are NULL. False for want of
 * memory. Caller owns the programs. */
int pg_note(const pg_body *body, const pg_body *back, pg_program **ahead, pg_program **behind, size_t *noted);

/* The same of those for numbers, but for ways: the one has what is noted as results, the last ones. */
int pg_note_numbers(const pg_body *body, const pg_body *back, pg_program **ahead, pg_program **behind, size_t *noted);

/* Once the body that notes for numbers has been made: what is noted becomes an order in which it stands side by side where the
 * body's pack computes it, there and in the way back; and is found. False for want of memory. */
int pg_noted_side_by_side(pg_body *ahead, pg_program *behind, size_t noted);

#endif
