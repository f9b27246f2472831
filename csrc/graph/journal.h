/* journal.h: the unfinished sweeps, all of them and this thread's, innermost first.
 *
 * No two of them have the same number, and a mark that is the number of none says nothing. A sweep leaves the
 * lists when it is committed or abandoned, in whichever order that happens, by the thread that entered it. */
#ifndef PG_JOURNAL_H
#define PG_JOURNAL_H

#include "graph/sweep.h"

/* Gives s a number and enters it into the lists. PG_TOO_DEEP if no number is left. */
pg_status pg_sweep_register(pg_sweep *s);

/* Whether a node with this mark is not to be touched: its sweep is unfinished, and does not share its nodes. */
int pg_sweep_keeps(uint16_t id);

/* Whether s is the only unfinished sweep. */
int pg_sweep_alone(const pg_sweep *s);

#endif
