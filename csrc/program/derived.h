/* derived.h: derivatives of loops, which are loops: see several.h for what is asked of a rule.
 *
 * Let L be a loop that goes forward. Its derivative forward is one that carries derivatives beside the state. Its
 * derivative on the way back, V, is a loop that goes back. V's own derivatives need no loop of another kind: with x what V
 * is taken by and a what has arrived, V(x) a times v is a times the derivative of L along v; so the derivative of V by x is
 * the way back through the forward derivative of L along v, and that by a is the forward derivative.
 *
 * What is here is asked for through pg_loop_kind. */
#ifndef PG_DERIVED_H
#define PG_DERIVED_H

#include "program/made.h"

#endif
