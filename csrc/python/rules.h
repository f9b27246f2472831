/* rules.h: functions whose derivative is a rule of the user's.
 *
 * A result is an item of a PG_SEVERAL node. Its operands are the numbers that the function has computed, in eager code
 * leaves, in a trace sealed by the op `ruled`, and behind them what the derivative is by. The node's Value holds the
 * rule, where a closure would be: an object that is called while the sweep which has met the node is under way. */
#ifndef PG_PYTHON_RULES_H
#define PG_PYTHON_RULES_H

#include "graph/several.h"
#include "python/object.h"

/* How many nodes with a rule of the user's there are; while it is 0 nobody has to look for them. */
extern size_t pg_rules;

/* Whether a node has one. */
int pg_has_rule(const pg_node *n);

/* Whether a sorted sweep has met one. */
int pg_meets_rules(const pg_sweep *s);

/* What a function was given whose result n is: nodes among the operands of the one that holds its rule, and how many;
 * NULL if n is no such result. They are shown as the operands of n. */
pg_node *const *pg_rule_inputs(const pg_node *n, size_t *count);

/* The operands of n as they are shown, and how many. */
pg_node *const *pg_shown_operands(const pg_node *n, size_t *count, pg_node *room[2]);

/* The slopes of such a result by these, by its rule; false with an exception set. */
int pg_rule_slopes(pg_node *n, double *slopes);

/* The Value that holds the rule of such a result once more, for other inputs (a tuple of as many Values); NULL with an
 * exception set. */
PyObject *pg_rule_again(const pg_node *n, PyObject *inputs);

/* A result with the number of x, whose rule is lost: to ask for its derivative raises. NULL with an exception set. Caller
 * owns. */
pg_node *pg_rule_lost(pg_node *x);

extern PyMethodDef pg_rule_functions[];

#endif
